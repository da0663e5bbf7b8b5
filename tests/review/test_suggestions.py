"""A language model that suggests, over a real HTTP endpoint on the loopback: it decides nothing."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from corpora.errors import InputError, TransportError
from corpora.transport import Transport
from review.counting import flow_of
from review.screening import drawing, resolving, stops, suggestions
from review.screening.session import Session
from review.workspace import Workspace

Make = Callable[..., Workspace]
TA = "title-abstract"


@dataclass
class Model:
    """What the endpoint was asked, and how it answers: ``answer`` gets the user's message."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    answer: Callable[[str], str] = lambda _: '{"verdict": "include", "criterion": null, "why": "fits"}'
    status: int = 200


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.asked.append({"path": self.path, **body})
            made.keys.append(self.headers.get("Authorization"))
            text = made.answer(body["messages"][1]["content"])
            told = json.dumps({"model": "tiny:1", "choices": [{"message": {"content": text}}]}).encode()
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def workspace(make_review: Make, model: Model) -> Workspace:
    tail = f'mode = "dual"\n[suggestions]\nurl = "{model.url}"\nmodel = "tiny"'
    return make_review(20, tail)


def board(workspace: Workspace) -> resolving.Board:
    return resolving.open_board(workspace, TA)


def right(prompt: str) -> str:
    verdict = "include" if "Title: Statins" in prompt else "exclude"
    return json.dumps({"verdict": verdict, "criterion": "statin", "why": "as the title says"})


def screen(workspace: Workspace, person: str, most: int) -> list[list[str]]:
    """Decide by the truth; gives what was shown after each decision."""
    told = []
    with Session(workspace, person, TA) as session:
        while len(told) < most and (item := session.next()):
            inside = item.shown.fields["title"].startswith("Statins")
            assert session.after_decision(item) == []  # nothing is to be seen beforehand
            session.decide(item, "include" if inside else "exclude")
            told.append(session.after_decision(item))
    return told


def test_what_leaves_is_said_and_what_comes_back_is_kept(
    workspace: Workspace, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(suggestions.KEY, "secret-key")
    reports = suggestions.to_ask(board(workspace), None, 5)
    said = suggestions.consent(board(workspace), reports)
    assert "5 reports go to tiny at this machine" in said
    outcome = suggestions.suggest(board(workspace), reports, "ann")
    assert outcome.run is not None
    assert outcome.run.account.counts == {"include": 5, "exclude": 0, "unreadable": 0, "asked before": 0}
    assert {one["path"] for one in model.asked} == {"/v1/chat/completions"}
    assert model.keys == ["Bearer secret-key"] * 5
    rows = workspace.ledger.rows("suggestions")
    assert len(rows) == 5
    row = rows[0]
    assert json.loads(row["raw"])["why"] == "fits"
    assert json.loads(row["parameters"])["answered_by"] == "tiny:1"
    assert "Do statins lower mortality in sepsis?" in row["prompt"]
    stored = b"".join(path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())
    assert b"secret-key" not in stored
    again = suggestions.suggest(board(workspace), reports, "ann")
    assert again.run is not None
    assert again.run.account.counts["asked before"] == 5
    assert len(model.asked) == 5


def test_suggestions_fill_no_seat_count_for_no_stop_and_show_only_afterwards(
    workspace: Workspace, model: Model
) -> None:
    model.answer = right
    everything = suggestions.to_ask(board(workspace), None, 100)
    suggestions.suggest(board(workspace), everything, "ann")
    now = board(workspace)
    assert now.ballots.voted() == []
    assert resolving.settled_counts(now)["open"] == 20
    assert stops.state(now).n == 0
    assert flow_of(workspace).databases.screened == 0
    shown = screen(workspace, "ann", 6)
    assert all("tiny suggested" in lines[0] and "decides nothing" in lines[0] for lines in shown)
    assert "0 decisions were changed" in dict(suggestions.boxes(board(workspace)))["M8"]
    with Session(workspace, "ann", TA) as session:
        item = session.jump(board(workspace).ballots.voted()[0])
        session.decide(item, "maybe")
    assert "1 decision was changed" in dict(suggestions.boxes(board(workspace)))["M8"]
    with Session(workspace, "ben", TA) as session:
        rows, _ = session.queue.labels()
        assert len(rows) == 0  # neither Ann's votes nor the model's train Ben's order


def test_a_block_is_decided_without_suggestions_and_scores_them(workspace: Workspace, model: Model) -> None:
    block = drawing.draw(workspace, TA, "ai", 19, "lead")
    model.answer = lambda prompt: "I cannot say" if "trial number 1\n" in prompt else right(prompt)
    suggestions.suggest(board(workspace), suggestions.to_ask(board(workspace), "ai-1", None), "lead")
    with pytest.raises(InputError, match="19 of 19 reports are not settled"):
        suggestions.score(board(workspace), "ai-1")
    assert screen(workspace, "ann", 19) == [[]] * 19
    assert screen(workspace, "ben", 19) == [[]] * 19
    told = suggestions.score(board(workspace), block.name)
    assert (told.records, told.included, told.found) == (19, 4, 4)
    assert told.sensitivity is not None
    assert told.sensitivity == suggestions.exact(4, 4)
    assert round(told.sensitivity[1], 3) == 0.398
    assert told.specificity is not None
    assert told.specificity[0] == pytest.approx(14 / 15)  # the unreadable one would be read by a person
    assert "of 4 records that people included" in told.sentence()
    items = dict(suggestions.boxes(board(workspace)))
    assert set(items) >= {"M2", "M3", "M4", "M5", "M6", "M8", "M9", "R1"}
    assert "1 answer could not be read" in items["M5"]


def test_an_endpoint_that_fails_keeps_what_came_before(workspace: Workspace, model: Model) -> None:
    reports = suggestions.to_ask(board(workspace), None, 3)
    suggestions.suggest(board(workspace), reports[:1], "ann")
    model.status = 400
    with Transport(None, tries=1) as line, pytest.raises(TransportError, match="HTTP 400"):
        suggestions.suggest(board(workspace), reports, "ann", transport=line)
    assert len(workspace.ledger.rows("suggestions")) == 1


def test_what_is_asked_for_must_be_named(make_review: Make, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="say --block NAME or --next N"):
        suggestions.to_ask(board(workspace), None, None)
    with pytest.raises(InputError, match="none yet"):
        suggestions.to_ask(board(workspace), "ai-1", None)
    plain = make_review(5, name="plain")
    with pytest.raises(InputError, match=r"no \[suggestions\] with url and model"):
        suggestions.consent(board(plain), [])
