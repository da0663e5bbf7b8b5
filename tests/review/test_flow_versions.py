"""The flow over real workspaces: removals, versions, updates, late duplicates, other methods, suggestions."""

import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from corpora.errors import InputError, UnaccountedError, UnknownNameError
from review import conditions, releasing, removing, settling
from review.cli.main import app
from review.counting import flow_of
from review.decisions import decide
from review.facts import facts
from review.flow import Flow, tables
from review.flow.fields import prisma_fields
from review.gathering import fulltexts
from review.gathering.ingest import import_file
from review.linking import clusters, dedupe
from review.protocol import Import
from review.screening import resolving
from review.screening.session import Session
from review.workspace import Workspace

Make = Callable[..., Workspace]
TA, FT = "title-abstract", "full-text"
SINGLE = 'mode = "single"'
ABSTRACT = "The study followed patients for thirty days and reports how many died; it was written for a test."


def title(name: str) -> str:
    """Eight words that no other name has: no two papers look alike."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return " ".join(digest[k : k + 6] for k in range(0, 48, 6))


def add(
    workspace: Workspace, *names: str, source: str = "Other", kind: str = "database", **fields: Any
) -> None:
    """Import records of these names: one name, one paper."""
    file = workspace.root.parent / f"{source}-{'-'.join(names)}.csv"
    columns = ["record_id", "title", "abstract", "year", "doi", "language"]
    with file.open("w", newline="", encoding="utf-8") as handle:
        rows = csv.DictWriter(handle, columns)
        rows.writeheader()
        for name in names:
            row = {"record_id": f"{source}-{name}", "title": title(name), "year": 2020}
            row |= {"abstract": f"{title(name)}. {ABSTRACT}", "doi": f"10.1234/x{name}"}
            rows.writerow({**row, **fields})
    import_file(workspace, Import(file=str(file), source=source, kind=kind))
    dedupe(workspace)


def report(workspace: Workspace, name: str) -> str:
    """The report that holds the record with this DOI's name."""
    table = workspace.corpus.records(["record_id", "doi"]).to_pylist()
    record = next(row["record_id"] for row in table if row["doi"] == f"10.1234/x{name}")
    return clusters(workspace).reports[record]


def vote(workspace: Workspace, name: str, verdict: str, stage: str = TA, reason: str | None = None) -> None:
    person = {"stage": stage, "reviewer": "ann"}
    decide(workspace, report(workspace, name), verdict=verdict, reason=reason, **person)
    if stage == FT:
        decide(workspace, report(workspace, name), verdict=verdict, reason=reason, stage=FT, reviewer="ben")


def finish(workspace: Workspace, included: set[str], names: list[str]) -> None:
    """Screen all of these; the included ones go through full text."""
    for name in names:
        vote(workspace, name, "include" if name in included else "exclude")
        if name in included:
            vote(workspace, name, "include", FT)


@pytest.fixture
def small(make_review: Make) -> Workspace:
    """Papers 0 to 5 of one database, of which 0 and 1 are included."""
    workspace = make_review(6, SINGLE)
    finish(workspace, {"0", "1"}, list("012345"))
    return workspace


# ---------------------------------------------------------------- removals


def test_a_removal_leaves_the_queue_and_the_flow_and_comes_back(
    either_ledger: str, make_review: Make
) -> None:
    workspace = make_review(10, SINGLE)
    vote(workspace, "2", "exclude", reason="sepsis")
    planned = removing.plan(workspace, "year < 2005")
    assert len(planned.reports) == 4
    assert planned.refused == {report(workspace, "2"): "somebody has decided on it"}
    by_hand = removing.remove(workspace, planned, "before 2005", "ann", automation=False)
    rest = removing.plan(workspace, "doi = 10.1234/x9")
    by_model = removing.remove(workspace, rest, "a classifier said so", "ann", automation=True)
    flow = flow_of(workspace)
    arm = flow.databases
    assert (arm.records, arm.reports, arm.otherwise, arm.automation) == (10, 10, 4, 1)
    assert arm.removed_otherwise == {"before 2005": 4}
    assert arm.removed_by_automation == {"a classifier said so": 1}
    assert (arm.screened, arm.excluded, arm.awaiting) == (1, 1, 4)
    assert arm.reasons_screening == {"sepsis": 1}
    out = set(planned.reports) | set(rest.reports)
    with Session(workspace, "ben", TA) as session:
        assert not out & {one.report for one in session.search("trial")}
    assert facts(workspace).studies.set_index("study_id")["status"][sorted(out)].eq("excluded").all()
    assert removing.undo(workspace, by_model[:8], "ben") == 1
    assert flow_of(workspace).databases.automation == 0
    with pytest.raises(InputError, match="names 0 removals"):
        removing.undo(workspace, by_model, "ben")
    told = removing.listed(workspace)
    assert [(row["reports_out_now"], row["undone"]) for row in told] == [(4, False), (0, True)]
    assert told[0]["uuid"] == by_hand
    assert len(workspace.ledger.rows("removals")) == 3


def test_what_comes_later_is_not_removed_silently(make_review: Make) -> None:
    workspace = make_review(5, SINGLE)
    removing.remove(workspace, removing.plan(workspace, "year < 2010"), "old", "ann", automation=False)
    add(workspace, "new", year=2001)
    add(workspace, "0", doi="10.1234/x0", title="Statins for sepsis: trial number 0", year=2000)
    flow = flow_of(workspace)
    assert (flow.databases.otherwise, flow.databases.awaiting) == (4, 2)
    assert any("1 report of removals not counted as removed" in note for note in flow.notes)
    assert len(removing.plan(workspace, "year < 2010").reports) == 2
    board = resolving.open_board(workspace, TA)
    assert int(board.population.sum()) == 2


def test_reports_of_a_random_block_stay(make_review: Make) -> None:
    from review.screening import drawing

    workspace = make_review(10, SINGLE)
    drawing.draw(workspace, TA, "calibration", 3, "ann")
    planned = removing.plan(workspace, "year < 2099")
    assert len(planned.refused) == 3
    assert all("calibration-1" in why for why in planned.refused.values())


def test_a_report_matches_only_if_all_its_records_do(make_review: Make) -> None:
    workspace = make_review(1, SINGLE)
    same = {"doi": "10.1234/x0", "title": "Statins for sepsis: trial number 0"}
    add(workspace, "copy", year=2001, language="fre", **same)
    assert len(set(clusters(workspace).reports.values())) == 1
    assert not removing.plan(workspace, "year < 2001").reports
    assert removing.plan(workspace, "year < 2002").reports
    assert removing.plan(workspace, "language = FRE").reports  # the gap of the first is filled
    assert not removing.plan(workspace, "source = other").reports


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year < ", "at the end: expected a value for year"),
        ("yaer < 2015", "unknown field 'yaer'; did you mean 'year'?"),
        ("title < 3", "expected one of = != ~ after title"),
        ("year < soon", "expected a whole number for year"),
        ("(year < 3", "expected ')'"),
        ("year = 3 4", "expected 'and', 'or' or the end"),
        ("year < none", "expected year = none"),
        ("__import__('os').system('true')", "unknown field '__import__'"),
        ("not " * 60 + "year = 1", "at most 50"),
        ("", "expected a field"),
    ],
)
def test_a_condition_that_cannot_be_read_says_where(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        conditions.parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("year >= 2010 and year <= 2010", True),
        ("not year = 2010 or language != eng", True),
        ("doi = none", True),
        ("doi != none", False),
        ("pmid != 7", False),
        ('publication_type = "case reports"', True),
        ("publication_type ~ report and not (title ~ trial)", False),
        ("keyword = none", True),
    ],
)
def test_conditions(text: str, *, fits: bool) -> None:
    fields = {
        "year": 2010,
        "language": "fre",
        "publication_types": ["Letter", "Case Reports"],
        "title": "A Trial",
    }
    assert conditions.parse(text).test(fields) == fits


# ---------------------------------------------------------------- versions and updates


def test_an_update_counts_what_is_new_beside_the_version_before(either_ledger: str, small: Workspace) -> None:
    made = releasing.release(small, "v1", "ann")
    assert (made.studies, made.reports, made.records, made.unsettled, made.state) == (2, 2, 6, 0, "final")
    assert flow_of(small).previous is None  # nothing came since: this is still the flow of v1
    with pytest.raises(InputError, match="is taken"):
        releasing.release(small, "v1", "ann")
    add(small, "a", "b", "c")
    add(small, "0", source="Third", doi="10.1234/x0", title="Statins for sepsis: trial number 0", year=2000)
    flow = flow_of(small)
    assert flow.previous is not None
    assert (flow.previous.tag, flow.previous.studies, flow.previous.reports) == ("v1", 2, 2)
    assert (flow.previous.hits, flow.previous.held, flow.previous.copies) == (4, 0, 1)
    arm = flow.databases
    assert arm.identified == {"database": {"Other": 3, "Third": 1}}
    assert (arm.records, arm.duplicates, arm.reports, arm.awaiting) == (4, 1, 3, 3)
    finish(small, {"a"}, list("abc"))
    flow = flow_of(small)
    assert (flow.new_studies, flow.new_reports) == (1, 1)
    assert (flow.included_studies, flow.included_reports) == (3, 3)
    flow.require_final()
    assert "updated" in flow.title
    assert releasing.flow_at(small, "v1").included_studies == 2
    releasing.release(small, "v2", "ann")
    assert flow_of(small) == releasing.flow_at(small, "v2")
    assert [one.studies for one in releasing.listed(small)] == [2, 3]
    with pytest.raises(UnknownNameError, match="did you mean 'v2'"):
        releasing.flow_at(small, "v2.")


def test_hits_held_before_are_told_and_not_counted_again(small: Workspace) -> None:
    releasing.release(small, "v1", "ann")
    again = small.root.parent / "again.csv"
    text = (small.root.parent / "review.csv").read_text("utf-8")
    again.write_text(text + f'A77,A new paper on statins,"{ABSTRACT}",2021,10.1234/xn\n', "utf-8")
    import_file(small, Import(file=str(again), source="Own"))
    dedupe(small)
    flow = flow_of(small)
    assert flow.previous is not None
    assert (flow.previous.hits, flow.previous.held) == (7, 6)
    assert (flow.databases.records, flow.databases.awaiting) == (1, 1)
    told = "Searches since version v1 gave 7 hits: 6 of records held before, 1 new"
    assert any(note.startswith(told) for note in flow.notes)


def test_what_a_version_left_open_is_carried_into_the_next_flow(make_review: Make) -> None:
    workspace = make_review(4, SINGLE)
    finish(workspace, {"0"}, ["0", "1"])
    vote(workspace, "2", "include")
    vote(workspace, "2", "awaiting", FT)
    with pytest.raises(UnaccountedError, match="awaiting screening: 1"):
        releasing.release(workspace, "v1", "ann")
    made = releasing.release(workspace, "v1", "ann", interim=True)
    assert (made.state, made.unsettled) == ("interim", 2)
    add(workspace, "a")
    flow = flow_of(workspace)
    assert flow.databases.identified == {
        "database": {"Other": 1},
        "carried": {"Previous version v1, not settled then": 2},
    }
    assert (flow.databases.records, flow.databases.reports, flow.databases.awaiting) == (3, 3, 2)
    finish(workspace, {"a"}, ["a", "3"])
    vote(workspace, "2", "include", FT)
    flow = flow_of(workspace)
    assert (flow.new_studies, flow.included_studies) == (2, 3)
    vote(workspace, "1", "include")  # closed in v1, opened again
    assert flow_of(workspace).databases.records == 4
    assert flow_of(workspace).open() == {"retrieval or assessment pending": 1}


def test_a_study_that_is_included_no_more_leaves_the_total(small: Workspace) -> None:
    releasing.release(small, "v1", "ann")
    add(small, "a")
    vote(small, "a", "exclude")
    vote(small, "1", "exclude")
    flow = flow_of(small)
    assert flow.previous is not None
    assert (flow.previous.studies, flow.previous.lost_studies, flow.included_studies) == (2, 1, 1)
    assert "1 study of version v1 no longer included, or joined since" in flow.notes
    assert flow.open() == {}


def test_a_version_made_elsewhere_comes_in_as_previous(make_review: Make) -> None:
    workspace = make_review(3, SINGLE)
    add(workspace, "p", "q", source="Review of 2015", kind="previous")
    add(workspace, "p", source="Third")
    finish(workspace, {"0"}, list("012"))
    flow = flow_of(workspace)
    assert flow.previous is not None
    assert (flow.previous.studies, flow.previous.kept_studies, flow.previous.copies) == (2, 2, 1)
    assert (flow.databases.records, flow.databases.duplicates, flow.databases.reports) == (4, 1, 3)
    assert (flow.new_studies, flow.included_studies) == (1, 3)
    flow.require_final()


# ---------------------------------------------------------------- late duplicates, arms, suggestions


def test_a_duplicate_found_late_by_hand_moves_to_the_duplicates(small: Workspace) -> None:
    before = flow_of(small).databases
    assert (before.duplicates, before.screened) == (0, 6)
    settling.say(small, (report(small, "2"), report(small, "3")), "same_report", "match", "ann")
    after = flow_of(small).databases
    assert (after.duplicates_by_hand, after.duplicates_by_machine, after.screened) == (1, 0, 5)


def test_suggestions_show_whose_the_exclusions_are(small: Workspace) -> None:
    row = {"record_id": report(small, "4"), "stage": TA, "verdict": "exclude", "model": "m", "prompt": "p",
           "parameters": "{}", "raw": "{}", "person": "ann"}  # fmt: skip
    assert "Records excluded by AI" not in {one["what"] for one in flow_of(small).rows()}
    small.ledger.append("suggestions", row)
    counted = {one["what"]: one["n"] for one in flow_of(small).rows()}
    assert (counted["Records excluded by human"], counted["Records excluded by AI"]) == (4, 0)
    assert "Reports excluded by AI" not in counted


def test_the_tables_are_as_long_as_their_boxes(small: Workspace) -> None:
    add(small, "w", "x", "y", "z", source="Experts", kind="contact")
    add(small, "r")
    removing.remove(small, removing.plan(small, "doi = 10.1234/xr"), "=cmd", "ann", automation=False)
    for name in "wxyz":
        vote(small, name, "include")
    vote(small, "w", "exclude", FT, reason="statin")
    vote(small, "x", "ongoing", FT)
    vote(small, "y", "awaiting", FT)
    fulltexts.note(small, report(small, "z"), "not-retrieved", "ann", place="library", why="lost")
    flow = flow_of(small)
    arms = (flow.databases, flow.other)
    assert flow.other.identified == {"contact": {"Experts": 4}}
    assert flow.other.reasons_not_retrieved == {"lost": 1}
    made = tables.tables(small)
    assert {name: len(frame) for name, frame in made.items()} == {
        "removed": sum(arm.otherwise for arm in arms),
        "excluded-title-abstract": sum(arm.excluded for arm in arms),
        "excluded": sum(arm.excluded_full_text for arm in arms),
        "not-retrieved": sum(arm.not_retrieved for arm in arms),
        "awaiting": sum(arm.awaiting_classification for arm in arms),
        "ongoing": sum(arm.ongoing for arm in arms),
    }
    assert made["excluded"].iloc[0]["reason"] == "statin"
    assert "https://doi.org/10.1234/xw" in made["excluded"].iloc[0]["reference"]
    assert made["not-retrieved"].iloc[0][["sought_at", "why"]].tolist() == ["library", "lost"]


def test_the_prisma2020_fields_add_up(small: Workspace) -> None:
    add(small, "w", source="A site", kind="website")
    vote(small, "5", "include")
    vote(small, "5", "exclude", FT, reason="statin")
    frame, lost = prisma_fields(flow_of(small))
    assert list(frame.columns) == ["data", "node", "box", "description", "boxtext", "tooltips", "url", "n"]
    n = {row["data"]: row["n"] for row in frame.to_dict("records") if row["data"]}
    removed = n["duplicates"] + n["excluded_automatic"] + n["excluded_other"]
    assert n["database_results"] + n["register_results"] - removed == n["records_screened"] == 6
    assert n["records_screened"] - n["records_excluded"] == n["dbr_sought_reports"] == 3
    assert n["dbr_sought_reports"] - n["dbr_notretrieved_reports"] == n["dbr_assessed"]
    assert n["dbr_excluded"] == "statin, 1"
    assert n["database_specific_results"] == "Own, 6"
    assert (n["new_studies"], n["website_results"]) == (2, 1)
    assert lost == ["interim: 1 awaiting screening"] + [
        one for one in lost if one.startswith("other methods")
    ]


# ---------------------------------------------------------------- the command line


def run(workspace: Workspace, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments, "-w", str(workspace.root)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_command_line(small: Workspace, tmp_path: Path) -> None:
    add(small, "a", "b", year=1999)
    told = run(small, "remove", "--where", "year < 2000", "--reason", "old", "--json", code=1)
    assert told == ""
    assert not small.ledger.rows("removals")
    made = json.loads(run(small, "remove", "--where", "year < 2000", "--reason", "old", "--yes", "--json"))
    assert len(made["reports"]) == 2
    assert made["removal"] in run(small, "remove")
    assert json.loads(run(small, "flow", "--json"))["databases"]["removed_otherwise"] == {"old": 2}
    out = tmp_path / "out"
    for suffix in ("svg", "pdf", "png", "csv", "docx"):
        run(small, "flow", "--quiet", "--out", str(out / f"flow.{suffix}"))
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    run(small, "flow", "--quiet", "--out", str(out / "flow.docx"))
    assert first["flow.docx"] == (out / "flow.docx").read_bytes()
    cells = {
        cell.text
        for row in docx.Document(io.BytesIO(first["flow.docx"])).tables[0].rows
        for cell in row.cells
    }
    assert "Records screened (n\u00a0=\u00a06)" in cells
    assert b"Records screened" in first["flow.svg"]
    run(small, "flow", "--quiet", "--csv", str(out / "prisma.csv"), "--tables", str(out / "tables"))
    assert pd.read_csv(out / "prisma.csv").set_index("data")["n"]["records_screened"] == "6"
    assert len(pd.read_csv(out / "tables" / "removed.csv")) == 2
    assert "2 studies included in 2 reports" in run(small, "release", "v1")
    assert json.loads(run(small, "release", "--list", "--json"))["releases"][0]["tag"] == "v1"
    run(small, "remove", "--undo", made["removal"][:6])
    assert json.loads(run(small, "flow", "--release", "v1", "--json"))["databases"]["awaiting"] == 0
    assert json.loads(run(small, "flow", "--json"))["open"] == {"awaiting screening": 2}


# ---------------------------------------------------------------- any history


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two papers, to be copied."""
    root = tmp_path_factory.mktemp("history") / "review"
    text = (
        '[review]\ntitle = "T"\n[[screening]]\nstage = "title-abstract"\n[[screening]]\nstage = "full-text"\n'
    )
    workspace = Workspace.create(root, text)
    add(workspace, "n0", "n1")
    workspace.freeze()
    return root


_STEPS = st.sampled_from(["import", "copy", "decide", "text", "remove", "undo", "release", "join"])


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, min_size=4, max_size=9), data=st.data())
def test_every_history_keeps_its_sums(start: Path, steps: list[str], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(shutil.copytree(start, Path(folder) / "review")))
        for number, step in enumerate(steps, 2):
            _step(workspace, step, number, data)
            flow = flow_of(workspace)
            assert Flow.from_dict(json.loads(json.dumps(flow.to_dict()))) == flow
            everything = flow.databases.reports + flow.other.reports
            held = set(clusters(workspace).reports.values())
            assert everything == len(held) if flow.previous is None else everything <= len(held)


def _step(workspace: Workspace, step: str, number: int, data: st.DataObject) -> None:
    reports = sorted(set(clusters(workspace).reports.values()))
    one, two = data.draw(st.sampled_from(reports)), data.draw(st.sampled_from(reports))
    verdict = data.draw(st.sampled_from(["include", "exclude"]))
    if step == "import":
        kind = data.draw(st.sampled_from(["database", "register", "citation"]))
        add(workspace, f"n{number}", kind=kind, year=1990 + number)
    elif step == "copy":
        add(workspace, f"n{number % 2}", source=f"S{number}")
    elif step == "decide":
        decide(workspace, one, stage=TA, verdict=verdict, reviewer="ann")
    elif step == "text":
        decide(workspace, one, stage=TA, verdict="include", reviewer="ann")
        decide(workspace, one, stage=FT, verdict=verdict, reviewer="ann", reason="x")
    elif step == "remove" and (planned := removing.plan(workspace, f"year < {1990 + number}")).reports:
        removing.remove(workspace, planned, "old", "ann", automation=verdict == "include")
    elif step == "undo" and (rows := [row for row in removing.listed(workspace) if not row["undone"]]):
        removing.undo(workspace, rows[-1]["uuid"], "ann")
    elif step == "release":
        releasing.release(workspace, f"v{number}", "ann", interim=True)
    elif step == "join" and one != two:
        settling.say(workspace, (one, two), "same_report", "match", "ann")
