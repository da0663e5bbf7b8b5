"""Every page over the demonstration, over nothing, and with what strangers write."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.parts import tidy_of
from dashboards.source import open_source
from review.decisions import decide
from review.exchange import write_studies
from review.facts import facts
from review.figures.base import marks
from review.gathering.ingest import import_file
from review.labelling import auditing
from review.linking import clusters, dedupe
from review.protocol import Import
from review.workspace import WORKSPACE, Workspace
from tests.dashboards.conftest import APP, Make, Shown
from tests.dashboards.vega import check_charts
from tests.review import coding
from tests.review.test_silver import make as make_silver

PAGES = [
    ("overview", "show"), ("progress", "show"), ("updates", "show"), ("trends", "show"), ("tasks", "show"),
    ("shares", "show_rag"), ("gaps", "show"), ("topics", "show"), ("shares", "show"), ("browser", "show"),
    ("quality", "show"), ("takeaway", "show"), ("people", "show"),
]  # fmt: skip
NASTY = '<script>alert(1)</script> =1+1 $x$ **bold** [a](javascript:alert(1)) <img src=x onerror="alert(1)">'


def counted(shown: AppTest) -> int:
    """How many studies the bar of filters says are left."""
    told = next(one.value for one in shown.markdown if " studies" in one.value and one.value.startswith("**"))
    return int(re.match(r"\*\*([\d,]+)\*\* of", told).group(1).replace(",", ""))  # type: ignore[union-attr]


def test_the_app_runs(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, str(demo_root))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    assert "SIMULATED" in app.sidebar.warning[0].value


@pytest.mark.parametrize(("name", "function"), PAGES)
def test_every_page_shows_the_demonstration(name: str, function: str, demo_root: Path, page: Shown) -> None:
    shown = page(demo_root, name, function)
    assert not shown.exception
    assert not shown.error
    assert shown.title


@pytest.mark.parametrize(("name", "function"), PAGES)
def test_every_page_says_what_to_do_with_nothing(
    name: str, function: str, tmp_path: Path, page: Shown
) -> None:
    root = Workspace.create(tmp_path / "w", '[review]\ntitle = "Empty"\n').root
    shown = page(root, name, function)
    assert not shown.exception
    assert "review" in shown.info[0].value


def test_the_numbers_are_those_of_the_flow(demo_root: Path, page: Shown) -> None:
    metrics = {metric.label: metric.value for metric in page(demo_root, "overview").metric}
    assert metrics["Records identified"] == "300"


def test_filters_narrow_every_page_and_are_taken_from_the_url(demo_root: Path, page: Shown) -> None:
    shown = page(demo_root, "trends")
    everything = counted(shown)
    low, high = shown.slider[0].value
    shown.slider[0].set_value((high - 1, high)).run()
    by_year = counted(shown)
    assert by_year < everything
    sources = next(one for one in shown.multiselect if one.label == "Source")
    sources.set_value(["pubmed"]).run()
    assert not shown.exception
    assert counted(shown) < by_year
    # The same view, sent as an address.
    sent = page(demo_root, "trends", years=f"{high - 1}-{high}", sources="pubmed", tasks="no_such_task")
    assert counted(sent) == counted(shown)
    assert (low, high) != sent.slider[0].value
    next(one for one in sent.button if one.label == "Clear").click().run()
    assert counted(sent) == everything
    assert not sent.query_params.get("sources")


def test_counts_beside_values_are_what_choosing_them_leaves(demo_root: Path, page: Shown) -> None:
    shown = page(demo_root, "browser")
    tasks = next(one for one in shown.multiselect if one.label == "Tasks")
    promised = int(tasks.options[0].rpartition("(")[2].rstrip(")").replace(",", ""))
    held = facts(Workspace(demo_root)).studies
    first = next(label for label in ("question_answering", "dialogue") if held["tasks"].map(
        lambda cell, label=label: cell is not None and label in cell).any())  # fmt: skip
    chosen = page(demo_root, "browser", tasks=first)
    assert counted(chosen) == promised


def test_search_narrows_the_records_and_a_record_tells_its_history(demo_root: Path, page: Shown) -> None:
    held = facts(Workspace(demo_root)).studies
    study = held[(held["record_ids"].map(len) >= 2) & (held["status"] == "included")].iloc[0]
    shown = page(demo_root, "browser")
    shown.text_input[0].set_value("zzzzzz").run()
    assert "Nothing found" in shown.info[0].value
    shown.text_input[0].set_value(str(study["title"])[:40]).run()
    assert not shown.exception
    assert any(str(study["title"])[:12] in one.value.replace("\\", "") for one in shown.markdown)
    read = page(demo_root, "study", study=str(study["study_id"]))
    assert not read.exception
    decided, labels = read.dataframe[0].value, read.dataframe[1].value
    assert list(decided["Verdict"]) == ["include"]
    assert labels["probability"].between(0, 1).all()
    told = {one.label.partition(" (")[0]: one.label for one in read.expander}
    assert told["Retrievals"] == f"Retrievals ({len(study['record_ids'])})"
    assert set(told) == {"Retrievals", "Versions of its records", "Links to other records", "Filled fields"}


def test_shares_are_naive_until_an_audit_is_finished(demo_copy: Path, page: Shown) -> None:
    shown = page(demo_copy, "shares")
    assert "no audit was drawn" in shown.warning[0].value
    assert check_charts(shown) == 2
    workspace = Workspace(demo_copy)
    drawn = auditing.draw(workspace, facts(workspace), 100, "ann")
    truth = coding.as_tagged(workspace, drawn)
    for number, given in enumerate(truth.values()):
        if number % 3 == 0:
            given["methods"] = coding.said("generative_llm neural")
    coding.code(workspace, drawn, truth)
    for name, charts in (("shares", 2), ("trends", 8), ("tasks", 2)):
        shown = page(demo_copy, name)
        assert not shown.exception
        assert check_charts(shown) == charts
        told = [one.value.replace("\\", "") for one in shown.caption]
        assert any("Corrected by audit-1: 100 of" in one for one in told), name
        assert not shown.warning
    assert any("Coded in the audit" in one.label for one in shown.multiselect)


def test_what_is_corrected_to_silver_coding_is_never_called_audited(
    tmp_path: Path, page: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_silver(tmp_path).root
    for name in ("trends", "shares", "quality"):
        shown = page(root, name)
        assert not shown.exception
        assert shown.warning[0].value.startswith("Corrected to silver coding, not audited"), name
        told = [one.value for kind in ("title", "subheader", "markdown") for one in getattr(shown, kind)]
        assert not any("audit" in one.lower() for one in told), name
    facets = [one.label for one in page(root, "shares").multiselect]
    assert "In the silver coding" in facets
    assert "Coded in the audit" not in facets
    # A picture travels without its page.
    monkeypatch.setenv(WORKSPACE, str(root))
    found = tidy_of(open_source(), "family-share")
    assert found
    assert marks(found[1]) == ["CORRECTED TO SILVER CODING, NOT AUDITED"]


def test_what_strangers_write_stays_text(tmp_path: Path, page: Shown) -> None:
    workspace = Workspace.create(tmp_path / "w", '[review]\ntitle = "<b>Own</b> $title$"\n')
    file = tmp_path / "a.csv"
    longest = "word " * 40_000
    quoted = NASTY.replace('"', '""')
    file.write_text(
        "record_id,title,abstract,year,doi,url\n"
        f'1,"{quoted}","{quoted}",2020,"10.1/""><script>",javascript:alert(1)\n'
        f'2,"{"long " * 2_000}","{longest}",2021,,\n'
        "3,,,,,\n",
        "utf-8",
    )
    import_file(workspace, Import(file=str(file), source="Own", kind="database"))
    dedupe(workspace)
    shown = page(workspace.root, "browser")
    assert not shown.exception
    for study in facts(workspace).studies["study_id"]:
        read = page(workspace.root, "study", study=study)
        assert not read.exception
        for one in (*shown.markdown, *shown.caption, *read.markdown, *read.caption, *read.title):
            assert "<script" not in one.value
            assert "javascript" not in re.sub(r"\\.", "", one.value) or "](javascript" not in one.value
            assert len(one.value) < 100_000


def test_nobody_sees_what_others_decided_before_it_is_settled(make_review: Make, page: Shown) -> None:
    workspace = make_review(count=10)
    reports = sorted(set(clusters(workspace).reports.values()))

    def vote(report: str, person: str, verdict: str) -> None:
        decide(workspace, report, stage="title-abstract", verdict=verdict, reviewer=person)

    before = page(workspace.root, "progress")
    for report in reports[:4]:
        vote(report, "ann", "include")
    half = page(workspace.root, "progress")
    # Four votes of one person change nothing on the page, nor on the record's.
    for kind in ("metric", "markdown", "caption", "info", "subheader"):
        assert [one.value for one in getattr(half, kind)] == [one.value for one in getattr(before, kind)]
    read = page(workspace.root, "study", study=reports[0])
    assert not any("include" in one.value for one in (*read.markdown, *read.caption))
    for report in reports[:2]:
        vote(report, "ben", "include")
    told = {one.label: one.value for one in page(workspace.root, "progress").metric}
    assert told["Include"] == "2"
    assert told["Not settled"] == "8"


def test_a_broken_workspace_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, str(tmp_path))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert "review new" in app.error[0].value


def test_the_export_holds_the_filtered_records(demo_root: Path) -> None:
    workspace = Workspace(demo_root)
    held = facts(workspace).studies
    chosen = frozenset(held["study_id"].iloc[:7])
    path = demo_root.parent / "seven.ris"
    count = write_studies(workspace, chosen, path, "ris")
    assert count == sum(len(ids) for ids in held["report_ids"].iloc[:7])
    assert path.read_text("utf-8").count("TY  - ") == count


def test_with_a_login_set_up_nobody_sees_anything_before_it(
    demo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WORKSPACE, str(demo_root))
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.secrets["auth"] = {"redirect_uri": "https://review.example.org/oauth2callback"}
    app.run()
    assert not app.exception
    assert [one.label for one in app.button] == ["Log in"]
    assert not app.metric
    assert not app.sidebar.markdown
