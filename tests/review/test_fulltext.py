"""Full texts: wanted, fetched from the loopback service, attached, given up, listed for a loan."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.errors import InputError
from corpora.simulator.literature import simulate
from corpora.simulator.server import OPENALEX_QUERY, Service, serve
from review.decisions import decide
from review.gathering import harvesting, retrieval
from review.linking import dedupe
from review.screening.texts import Texts
from review.workspace import Workspace

PROTOCOL = f"""
[review]
title = "Full texts"
[[search]]
name = "openalex"
source = "openalex"
query = "{OPENALEX_QUERY}"
[[screening]]
stage = "title-abstract"
[[screening]]
stage = "full-text"
"""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serve(simulate(60, seed=9)) as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Twelve reports passed title-abstract screening."""
    monkeypatch.setenv("LITSCALE_OPENALEX_URL", service.url)
    made = Workspace.create(tmp_path / "w", PROTOCOL)
    list(harvesting.harvest_each(made, None))
    dedupe(made)
    made.freeze()
    texts = Texts(made)
    with_doi = [one for one in texts.ids if texts.shown(one).fields["doi"]][:12]
    for report in with_doi:
        decide(made, texts.shown(report).record_id, stage="title-abstract", verdict="include", reviewer="ann")
    return made


def state(workspace: Workspace) -> dict[str, int]:
    return retrieval.counts(retrieval.wanted(workspace))


def test_open_copies_are_fetched_once_and_pages_are_no_copies(workspace: Workspace, service: Service) -> None:
    assert state(workspace)["awaiting"] == 12
    done = retrieval.get(workspace, "ann")
    assert done.attached
    assert len(done.attached) + len(done.missing) == 12
    assert any("gives no PDF but a page" in line for line in done.missing)
    assert any("no open copy in OpenAlex" in line for line in done.missing)
    assert state(workspace) == {
        "to full text": 12, "awaiting": 0, "sought": len(done.missing),
        "retrieved": len(done.attached), "not-retrieved": 0,
    }  # fmt: skip
    for one in retrieval.wanted(workspace):
        if one.status == "retrieved":
            file = workspace.root / one.place
            assert file.read_bytes().startswith(b"%PDF-")
            assert file.stem == next(
                row["sha256"] for row in workspace.ledger.current("fulltexts") if row["place"] == one.place
            )
    service.log.clear()
    again = retrieval.get(workspace, "ann")
    assert again.attached == []
    assert not any(".pdf" in line for line in service.log)


def test_only_identifiers_leave_the_machine(workspace: Workspace, service: Service) -> None:
    service.log.clear()
    retrieval.get(workspace, "ann")
    titles = [one.shown.fields["title"].split()[0] for one in retrieval.wanted(workspace)]
    asked = [line for line in service.log if "/works" in line]
    assert asked
    assert not any(title in line for title in titles for line in asked)


def test_files_are_attached_by_name_and_never_guessed(workspace: Workspace, tmp_path: Path) -> None:
    one, two, three = retrieval.wanted(workspace)[:3]
    folder = tmp_path / "pdfs"
    folder.mkdir()
    (folder / f"{one.shown.report}.pdf").write_bytes(b"%PDF-1.4 one")
    (folder / f"{two.shown.fields['doi'].replace('/', '_')}.PDF").write_bytes(b"%PDF-1.4 two")
    (folder / f"{three.shown.fields['title'][:20]}.pdf").write_bytes(b"%PDF-1.4 three")
    done = retrieval.attach(workspace, folder, "ann")
    assert sorted(done.attached) == sorted([one.shown.report, two.shown.report])
    assert len(done.unmatched) == 1
    assert len(done.missing) == 10
    assert state(workspace)["retrieved"] == 2
    with pytest.raises(InputError, match="no such folder"):
        retrieval.attach(workspace, tmp_path / "none", "ann")


def test_the_loan_list_holds_what_is_missing_and_no_formula(workspace: Workspace) -> None:
    one, two, *_ = retrieval.wanted(workspace)
    retrieval.say(workspace, one.shown.fields["doi"], "retrieved", "ann", place="https://example.org/x")
    retrieval.say(workspace, two.shown.report, "not-retrieved", "ann", place="library", why="no answer")
    listed = list(csv.DictReader(io.StringIO(retrieval.loan_list(retrieval.wanted(workspace)))))
    assert len(listed) == 11
    assert one.shown.report not in {row["report"] for row in listed}
    assert {row["report"]: row["status"] for row in listed}[two.shown.report] == "not-retrieved"
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in listed for cell in row.values())
    assert retrieval.given_up(retrieval.wanted(workspace))[1].strip() == "library: no answer"


def test_what_is_not_said_whole_is_refused(workspace: Workspace) -> None:
    report = retrieval.wanted(workspace)[0].shown.report
    with pytest.raises(InputError, match="say where it was tried and why"):
        retrieval.say(workspace, report, "not-retrieved", "ann", place="library")
    with pytest.raises(InputError, match="no file or link is named"):
        retrieval.say(workspace, report, "retrieved", "ann")
    with pytest.raises(InputError, match="no report, record, DOI or PMID"):
        retrieval.say(workspace, "10.9/nothing", "sought", "ann")
    assert state(workspace)["awaiting"] == 12
