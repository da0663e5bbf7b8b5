"""The full screen of `review screen`, driven by its keys over a real workspace."""

import asyncio
import html
import re
import webbrowser
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from corpora.errors import LedgerError
from corpora.simulator.literature import simulate
from corpora.simulator.server import serve
from review.gathering import fulltexts
from review.gathering.ingest import import_file
from review.ledger import Ledger
from review.protocol import Import
from review.screening import words
from review.screening.app import ScreenApp
from review.screening.panes import Line
from review.screening.queue import Item
from review.screening.session import Session
from review.workspace import Workspace

Make = Callable[..., Workspace]
Script = Callable[[ScreenApp, Pilot[None]], Awaitable[None]]

TA = "title-abstract"
SMALL = (80, 24)


def drive(
    workspace: Workspace,
    script: Script,
    *,
    person: str = "ann",
    stage: str = TA,
    size: tuple[int, int] = SMALL,
    queue: str = "ranked",
) -> None:
    """Run the screen without a terminal, pressing keys as the script says."""

    async def run() -> None:
        with Session(workspace, person, stage, queue=queue) as session:
            app = ScreenApp(session)
            async with app.run_test(size=size) as pilot:
                await script(app, pilot)

    asyncio.run(run())


def seen(app: ScreenApp) -> list[str]:
    """The lines that are on the screen, from the picture that Textual makes of it."""
    rows: dict[float, list[tuple[float, str]]] = {}
    picture = re.sub(r'<text [^>]*-title"[^>]*>.*?</text>', "", app.export_screenshot())
    for tag in re.finditer(r'<text [^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>', picture):
        rows.setdefault(float(tag[2]), []).append((float(tag[1]), html.unescape(tag[3]).replace("\xa0", " ")))
    lines = []
    for _, pieces in sorted(rows.items()):
        line = ""
        for x, text in sorted(pieces):
            line = line.ljust(round(x / 12.2)) + text
        lines.append(line.rstrip())
    return lines


def text(app: ScreenApp) -> str:
    """The same in one string with single spaces."""
    return " ".join(" ".join(seen(app)).split())


def report(app: ScreenApp) -> str:
    assert app.item is not None
    return app.item.shown.report


async def answer(pilot: Pilot[None], key: str, typed: str) -> None:
    """Press a key that asks, type the answer, press Enter."""
    await pilot.press(key)
    pilot.app.query_one(Line).value = typed
    await pilot.press("enter")
    await pilot.pause()


def decided(workspace: Workspace) -> list[tuple[str, str, str | None]]:
    rows = workspace.ledger.current("decisions")
    return [(row["reviewer"], row["verdict"], row["reason"]) for row in rows]


# ---------------------------------------------------------------------- deciding


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        (["i"], ("ann", "include", None)),
        (["m"], ("ann", "maybe", None)),
        (["2"], ("ann", "exclude", "statin")),
        (["e", "1", "enter"], ("ann", "exclude", "sepsis")),
        (["e", *"statin", "enter"], ("ann", "exclude", "statin")),
        (["e", "enter"], ("ann", "exclude", None)),
    ],
)
def test_a_key_decides_and_the_ledger_has_it_before_the_next_report_shows(
    make_review: Make, monkeypatch: pytest.MonkeyPatch, keys: list[str], kept: tuple[str, str, str | None]
) -> None:
    workspace = make_review(6, 'mode = "single"')
    shows: list[tuple[str, list[Any]]] = []
    heading = words.heading

    def spy(item: Item, *, elsewhere: bool = False) -> str:
        shows.append((item.shown.report, decided(workspace)))
        return heading(item, elsewhere=elsewhere)

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        first = report(app)
        shows.clear()
        await pilot.press(*keys)
        assert report(app) != first
        assert [kept] == next(rows for shown, rows in shows if shown != first)
        said = f"Kept: {kept[1]}{f', {kept[2]}' if kept[2] else ''}."
        assert said in text(app)
        assert "1 decided (20%)" in text(app)

    monkeypatch.setattr(words, "heading", spy)
    drive(workspace, script)
    assert decided(workspace) == [kept]


def test_what_cannot_be_decided_is_told_and_screening_goes_on(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        first = report(app)
        for key, typed, said in (
            ("e", "dose", "Not done: reason 'dose': the protocol's criteria are sepsis, statin"),
            ("j", "R0", "Not done: no report or record 'R0' here"),
        ):
            await answer(pilot, key, typed)
            assert said in text(app)
            assert report(app) == first
        await pilot.press("7")
        assert "key 7: the protocol has 2 criteria" in text(app)
        await pilot.press("b")
        assert "this report has an abstract" in text(app)
        assert decided(workspace) == []
        await pilot.press("i")
        assert report(app) != first

    drive(workspace, script)
    assert decided(workspace) == [("ann", "include", None)]


def test_escape_takes_a_question_back_and_letters_in_an_answer_are_no_keys(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        first = report(app)
        await pilot.press("n", *"iemsuq1", "escape")
        assert not app.query_one(Line).asks
        assert app.is_running
        assert report(app) == first
        assert not app.session.remarks.of(app.item.shown)  # type: ignore[union-attr]
        await pilot.press("e", "escape")
        assert app.side == ""  # the criteria came with the question and go with it

    drive(workspace, script)
    assert decided(workspace) == []


def test_undo_redo_and_enter_to_go_on(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        first = report(app)
        await pilot.press("u")
        assert "Nothing to undo in this session." in text(app)
        await pilot.press("1", "u")
        assert report(app) == first
        assert "Taken back: you have not decided on it." in text(app)
        assert decided(workspace) == [("ann", "undone", None)]
        await pilot.press("y")
        assert report(app) == first
        assert "you decided: exclude" in text(app)
        assert decided(workspace) == [("ann", "exclude", "sepsis")]
        await pilot.press("s")  # decided: it is not skipped
        assert report(app) != first
        assert app.session.progress().skipped == 0
        await answer(pilot, "j", first)
        await pilot.press("i")  # the vote is changed, not doubled
        assert decided(workspace) == [("ann", "include", None)]
        await answer(pilot, "j", first)
        await pilot.press("enter")
        assert report(app) != first
        assert "out of the queue" not in text(app)

    drive(workspace, script)


def test_skip_note_tag_and_key_papers(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        first = report(app)
        await answer(pilot, "n", "ask Ben about the dose")
        await answer(pilot, "t", "dose")
        assert "Your note: ask Ben about the dose" in text(app)
        assert "Your tag: dose" in text(app)
        await answer(pilot, "t", "dose")
        assert "Your tag" not in text(app)
        await answer(pilot, "n", "  ")
        assert "Nothing was typed." in text(app)
        await answer(pilot, "k", "10.1234/x0 10.1234/none")
        assert "1 key papers train the order now. Not held here: 10.1234/none." in text(app)
        assert report(app) == first
        await pilot.press("s")
        assert report(app) != first
        order = []
        while app.item is not None:
            order.append(report(app))
            await pilot.press("i")
        assert order[-1] == first

    drive(workspace, script)
    assert len(decided(workspace)) == 5


# ---------------------------------------------------------------------- finding, filling, opening


def test_search_lists_titles_and_jumps_without_showing_a_rank(make_review: Make) -> None:
    workspace = make_review(12, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        await answer(pilot, "/", "statins sepsis")
        await pilot.pause()
        assert "3 reports hold: statins sepsis" in text(app)
        assert all(f"Statins for sepsis: trial number {number}" in text(app) for number in (0, 5, 10))
        await pilot.press("i")  # no key of the report behind the list
        assert decided(workspace) == []
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.item is not None
        assert app.item.shown.fields["title"].startswith("Statins for sepsis")
        assert "out of the queue's order" in text(app)
        assert "rank" not in text(app)
        await answer(pilot, "/", "nowhere")
        assert "No report holds all of: nowhere" in text(app)

    drive(workspace, script)


def test_a_missing_abstract_is_typed_or_pasted_whole(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        assert "No abstract. Key b fills it" in text(app)
        await pilot.press("b")
        from textual.events import Paste

        app.query_one(Line).post_message(Paste("Asthma was seen\nin mice, and\n\nnothing else."))
        await pilot.pause()
        await pilot.press("enter")
        assert "Asthma was seen in mice, and nothing else." in text(app)
        assert "Abstract of 42 characters, typed by ann." in text(app)

    drive(workspace, script, queue="no-abstract")
    assert [row["value"] for row in workspace.ledger.rows("patches")] == [
        "Asthma was seen in mice, and nothing else."
    ]


def test_an_abstract_is_fetched_while_the_screen_goes_on(
    make_review: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    literature = simulate(60, seed=5)
    paper = next(one for one in literature.openalex if one.doi and one.abstract)
    file = tmp_path / "one.csv"
    file.write_text(
        f'title,doi\n"{paper.title}",{paper.doi}\n"A title of its own",10.1234/nowhere\n', "utf-8"
    )
    workspace = make_review(6, 'mode = "single"')
    import_file(workspace, Import(file=str(file), source="Other", kind="database"))

    async def fetch(app: ScreenApp, pilot: Pilot[None], words_: str, until: str) -> None:
        app.item = app.session.jump(app.session.search(words_)[0].report)
        await answer(pilot, "b", "")
        for _ in range(100):
            await pilot.pause(0.1)
            if until in text(app):
                return
        pytest.fail(f"{until!r} never showed: {text(app)}")

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        await fetch(app, pilot, "title of its own", "No abstract: OpenAlex has no work")
        await fetch(app, pilot, paper.title, "from OpenAlex W")
        assert app.item is not None
        assert app.item.shown.fields["abstract"] == paper.abstract

    with serve(literature) as service:
        monkeypatch.setenv("LITSCALE_OPENALEX_URL", service.url)
        drive(workspace, script)


def test_d_opens_the_doi_in_the_browser_and_says_so(
    make_review: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\necho "noise on the screen"\necho "$1" > {opened}.new\nmv {opened}.new {opened}\n'
    )
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s &")
    for name in ("_tryorder", "_browsers"):  # the list that an earlier test may have left in this process
        monkeypatch.setattr(webbrowser, name, None if name == "_tryorder" else {})
    workspace = make_review(6, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        assert app.item is not None
        address = f"https://doi.org/{app.item.shown.fields['doi']}"
        await pilot.press("d")
        assert f"Opened {address}" in text(app)
        for _ in range(100):
            if opened.exists():
                break
            await pilot.pause(0.1)
        assert opened.read_text().strip() == address

    drive(workspace, script)


# ---------------------------------------------------------------------- what is on the screen


def test_at_80_by_24_nothing_that_is_needed_is_cut_off(make_review: Make) -> None:
    workspace = make_review(10, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        await answer(pilot, "j", next(one.report for one in app.session.search("trial number 7")))
        lines = seen(app)
        assert lines[0].startswith(" 0 decided (0%) · 0 in · 9 left · 0 since the last in  ")
        assert lines[0].endswith("title-abstract · ann")
        assert lines[-1] == " i include  e exclude  m maybe  s skip  u undo  c criteria  ? help  q quit"
        assert lines[2] == " Other drug 7 for asthma in mice: trial number 7"
        assert lines[3:5] == [" 2007", " https://doi.org/10.1234/x7"]
        assert all(len(line) <= 80 for line in lines)
        assert "Patients have sepsis." not in text(app)
        await pilot.press("c")
        lines = seen(app)
        assert " 1. sepsis: Patients have sepsis." in lines
        assert " 2. statin: A statin was given." in lines
        assert "it was written for a test." in text(app)  # the abstract to its end beside the criteria
        await pilot.press("p")
        assert "decided by you 0 of 9" in text(app)
        assert "By your own decisions" in text(app)
        await pilot.press("p", "question_mark")
        await pilot.pause()
        assert "exclude; the criterion that fails is asked for" in text(app)
        await pilot.press("end")
        await pilot.pause()
        assert "speaks against" in text(app)
        await pilot.press("escape")
        assert "exclude; the criterion" not in text(app)

    drive(workspace, script)


@pytest.mark.parametrize("size", [(120, 40), (44, 11)])
def test_wide_and_narrow(make_review: Make, size: tuple[int, int]) -> None:
    workspace = make_review(6, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        # Criteria stand beside the report where there is room for both.
        assert ("1. sepsis: Patients have sepsis." in text(app)) is (size[0] >= 100)
        assert ("title-abstract · ann" in text(app)) is (size[0] >= 100)
        assert seen(app)[-1].endswith("? help  q quit")
        assert seen(app)[-1].startswith(" i include  e exclude")
        before = "it was written for a test." in text(app)
        await pilot.press("end" if size[0] >= 100 else "space")
        await pilot.pause()
        assert before is (size[0] >= 100)
        assert "it was written for a test." in text(app)  # a page further down

    drive(workspace, script, size=size)


def test_the_models_reasons_and_the_marks_are_shown_only_if_asked_for(make_review: Make) -> None:
    workspace = make_review(12, 'mode = "single"')

    def marked(app: ScreenApp) -> set[str]:
        from rich.text import Text

        shown = app._report(app.item)  # type: ignore[arg-type]
        assert isinstance(shown, Text)
        return {str(span.style) for span in shown.spans}

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        asthma = [one.report for one in app.session.search("asthma mice")]
        statins = [one.report for one in app.session.search("statins")]
        for key, reports in (("i", asthma[1:3]), ("1", statins[:2])):
            for one in reports:
                await answer(pilot, "j", one)
                await pilot.press(key)
        for _ in range(100):
            if app.session.trainer.latest.parameters.get("labels") == 4:
                break
            await pilot.pause(0.1)
        await answer(pilot, "j", asthma[0])
        assert "The model goes by" not in text(app)
        assert any("on #f0b7a4" in style for style in marked(app))  # mice
        await pilot.press("w")
        await pilot.pause()
        assert "The model goes by: " in text(app)
        assert any("on #a9c8f0" in style for style in marked(app)), text(app)
        await pilot.press("w", "h")
        assert "The model goes by" not in text(app)
        assert not any(" on #" in style for style in marked(app))

    drive(workspace, script)


def test_a_title_cannot_steer_the_terminal(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(3, 'mode = "single"')
    file = tmp_path / "odd.csv"
    file.write_text('title,abstract\n"Odd \x1b[2J\x9b31m title \u202etxet",Short.\n', "utf-8")
    import_file(workspace, Import(file=str(file), source="Other", kind="database"))

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        app.item = app.session.jump(app.session.search("odd title")[0].report)
        app.show()
        await pilot.pause()
        assert "title" in text(app)
        assert not set("\x1b\x9b\u202e") & set("\n".join(seen(app)))

    drive(workspace, script)


# ---------------------------------------------------------------------- others, ends, trouble


def test_nothing_of_another_person_shows_before_ones_own_decision(make_review: Make) -> None:
    workspace = make_review(5, 'mode = "dual"')
    with Session(workspace, "zoltan", TA) as session:
        while item := session.next():
            session.remarks.add(item.shown, "note", "zebranote")
            session.remarks.add(item.shown, "tag", "zebratag")
            session.decide(item, "maybe" if len(decided(workspace)) % 2 else "exclude", None)
    assert len(decided(workspace)) == 4

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        count = 0
        while app.item is not None:
            for keys in (["c"], ["p", "w"], ["w", "p"]):
                await pilot.press(*keys)
                shown = text(app).replace("maybe", "", 1)  # the key's own name in the line of keys
                assert not re.search("zoltan|zebra|maybe", shown)
                assert f" {count} decided " in f" {text(app)} "
                assert f"{4 - count} left" in text(app)
            await answer(pilot, "j", report(app))
            assert "you decided" not in text(app)
            await pilot.press("i")
            count += 1
        assert count == 4

    drive(workspace, script)


def test_a_report_that_others_hold_is_closed(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    with Session(workspace, "ben", TA) as session:
        item = session.next()
        assert item
        session.decide(item, "include")

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        await answer(pilot, "j", item.shown.report)
        await pilot.press("i")
        assert "it is closed to you" in text(app)
        assert "ben" not in text(app)

    drive(workspace, script)
    assert decided(workspace) == [("ben", "include", None)]


def test_an_empty_queue_says_what_is_left_elsewhere(make_review: Make) -> None:
    workspace = make_review(4, 'mode = "single"')

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        last = ""
        while app.item is not None:
            last = report(app)
            await pilot.press("i")
        assert "Nothing is left for you in this queue." in text(app)
        assert "You decided 3, 3 in." in text(app)
        assert "1 without a usable abstract wait in a queue of their own" in text(app)
        await pilot.press("e", "i", "n", "enter")  # keys that need a report do nothing
        assert len(decided(workspace)) == 3
        await pilot.press("u")
        assert report(app) == last
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running

    drive(workspace, script)


def test_a_ledger_that_is_away_stops_neither_the_screen_nor_a_decision(
    make_review: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_review(6, 'mode = "single"')

    def away(*_: object, **__: object) -> Any:
        raise LedgerError("the ledger cannot be used: the server closed the connection")

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        with monkeypatch.context() as broken:
            for name in ("_begin", "replace", "append", "rows"):
                broken.setattr(Ledger, name, away)
            await answer(pilot, "n", "a note that cannot be kept")
            assert "Not done: the ledger cannot be used" in text(app)
            await pilot.press("c", "c")
            await pilot.press("i")
            assert "the server closed the connection" in text(app)
            assert "What you decided is kept. Press Enter to try again" in text(app)
            assert "Kept, on this machine until the ledger answers: include." in text(app)
            assert "1 WAIT FOR THE LEDGER" in text(app)
            assert "Nothing is left" not in text(app)
            await pilot.press("enter", "slash", "escape")
            assert app.is_running
        assert decided(workspace) == []
        await pilot.press("enter")
        assert app.item is not None
        assert decided(workspace) == [("ann", "include", None)]
        assert " 1 decided (20%)" in seen(app)[0]

    drive(workspace, script)
    assert decided(workspace) == [("ann", "include", None)]


def test_full_text_shows_its_file_and_wants_one_reason(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(6, 'mode = "single"')

    async def nothing(app: ScreenApp, _: Pilot[None]) -> None:
        assert "No full text waits here." in text(app)

    with Session(workspace, "ann", TA) as session:
        item = session.next()
        assert item
        session.decide(item, "include")
    drive(workspace, nothing, stage="full-text")
    pdf = tmp_path / "paper.pdf"
    pdf.write_bytes(b"%PDF-1.4 made for a test")
    fulltexts.attach(workspace, item.shown.record_id, pdf, "ann")

    async def script(app: ScreenApp, pilot: Pilot[None]) -> None:
        assert app.item is not None
        assert re.search(r"fulltexts/[0-9a-f]+", text(app))
        assert str(words.address(app.session, app.item)).startswith("file://")
        assert seen(app)[-1].startswith(" i include  e exclude  a awaiting  o ongoing  s skip")
        await pilot.press("m")
        assert len(decided(workspace)) == 1
        await pilot.press("e", "enter")
        assert "excluded for exactly one reason" in text(app)
        assert len(decided(workspace)) == 1
        await pilot.press("o")

    drive(workspace, script, stage="full-text")
    assert decided(workspace)[-1] == ("ann", "ongoing", None)
