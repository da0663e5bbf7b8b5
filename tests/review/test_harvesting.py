"""Harvests into a workspace: resumption to the byte, updates, bulk, what a search answers for."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from corpora.errors import BudgetError, HarvestError, InputError, TransportError
from corpora.simulator.literature import Literature, simulate
from corpora.simulator.server import OPENALEX_QUERY, PUBMED_QUERY, Fault, Service, serve
from review import linking, patches, pipeline
from review.decisions import decide_all
from review.gathering import changes, citing, enriching, harvesting, searchcheck, searchreport
from review.gathering.harvesting import Options
from review.workspace import Workspace

LITERATURE = simulate(500, seed=5)

PROTOCOL = f"""
[review]
title = "Harvests"
[[search]]
name = "pubmed"
source = "pubmed"
query = "{PUBMED_QUERY}"
limits = ["2012:2026[pdat]"]
[[search]]
name = "openalex"
source = "openalex"
query = "{OPENALEX_QUERY}"
"""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with serve(LITERATURE) as running:
        for name in ("PUBMED", "OPENALEX"):
            monkeypatch.setenv(f"LITSCALE_{name}_URL", running.url)
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w", PROTOCOL)


def files(workspace: Workspace) -> dict[str, str]:
    """Hashes of the record files, by search."""
    return {
        f"{part.run.parameters['search']}/{name}": entry.sha256
        for part in workspace.parts("records")
        for name, entry in part.run.files.items()
    }


def test_every_record_is_accounted_for(service: Service, workspace: Workspace) -> None:
    service.gone = {LITERATURE.pubmed[0].pmid}
    pubmed, openalex = harvesting.harvest_all(workspace)
    assert pubmed.run is not None
    account = pubmed.run.account
    assert (account.promised, account.delivered, account.refused) == (
        len(LITERATURE.pubmed), len(LITERATURE.pubmed) - 1, 1,
    )  # fmt: skip
    refused = workspace.corpus.table("records", "refused").to_pylist()
    assert [row["reason"].split()[1] for row in refused] == [LITERATURE.pubmed[0].pmid]
    assert openalex.run is not None
    assert openalex.run.account.delivered == len(LITERATURE.openalex)
    row = json.loads(workspace.ledger.rows("runs")[0]["parameters"])
    assert row["details"]["counts"][0] == {"limit": None, "count": len(LITERATURE.pubmed)}
    keys = workspace.corpus.table("records", "records", ["source_key"], run_id=pubmed.run.id)
    assert keys["source_key"].to_pylist() == sorted(keys["source_key"].to_pylist())


def test_killed_harvests_end_as_if_they_had_not_been(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpora.sources.pubmed.BATCH", 20)
    whole = Workspace.create(tmp_path / "whole", PROTOCOL)
    harvesting.harvest_all(whole)
    broken = Workspace.create(tmp_path / "broken", PROTOCOL)
    for name in ("pubmed", "openalex"):
        for alive in (0, 1, 1):
            service.faults = [Fault()] * alive + [Fault(404)] * 200
            with pytest.raises(TransportError):
                harvesting.harvest_all(broken, name)
        service.faults = []
        harvesting.harvest_all(broken, name)
    assert files(broken) == files(whole)


def test_a_run_goes_on_without_a_service_that_fails(service: Service, tmp_path: Path) -> None:
    few = f'{PROTOCOL}\n[figures]\nnames = ["prisma-flow"]\nformats = ["svg"]\n'
    workspace = Workspace.create(tmp_path / "few", few)
    service.faults = [Fault(404)]
    pubmed, openalex, dedupe, *others = pipeline.run(workspace)
    assert "harvest pubmed: FAILED" in pubmed.sentence()
    assert not pubmed.to_dict()["up_to_date"]
    assert openalex.outcome
    assert openalex.without == ()
    assert "over what is held, without: harvest pubmed" in dedupe.notes
    told = pipeline.failures([pubmed, openalex, dedupe, *others])
    assert told[0] == "1 step failed: harvest pubmed"
    assert "[[search]]" in told[1]
    assert [name for name, _ in pipeline.due(workspace)] == ["harvest pubmed"]


def test_kill_9_in_the_middle_and_the_same_bytes(service: Service, tmp_path: Path) -> None:
    whole = Workspace.create(tmp_path / "whole", PROTOCOL)
    harvesting.harvest_all(whole)
    broken = Workspace.create(tmp_path / "broken", PROTOCOL)
    line = [
        sys.executable,
        "-c",
        "from review.cli.main import main; main()",
        "harvest",
        "-w",
        str(broken.root),
    ]
    # The third answer never comes in time: the process is surely in the middle when it is killed.
    service.faults = [Fault(), Fault(), Fault(wait=3.0)]
    process = subprocess.Popen(line, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while len(service.log) < 3 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not broken.parts("records")
    told = subprocess.run(line, env=os.environ, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert files(Workspace(broken.root)) == files(whole)


def test_a_second_harvest_runs_anew_and_subtracts(service: Service, workspace: Workspace) -> None:
    harvesting.harvest_all(workspace)
    papers = LITERATURE.pubmed
    changed = replace(papers[3], title="Another title", revised=date(2026, 11, 1))
    retracted = replace(papers[4], retracted=True, revised=date(2026, 11, 1))
    new = replace(papers[0], pmid="39999999", report="new", title="A new paper", doi="10.5555/new")
    service.literature = Literature(
        5, [new, *papers[:2], changed, retracted, *papers[5:]], LITERATURE.openalex
    )
    (outcome,) = harvesting.harvest_all(workspace, "pubmed")
    assert outcome.run is not None
    assert outcome.run.account.counts["new"] == 1
    # What cited the paper that went, or cites the one that came, has another list of references.
    others = outcome.run.account.counts["new versions"] - 2
    workspace.freeze()
    gone = papers[2].pmid
    ids = {
        row["pmid"]: row["record_id"] for row in workspace.corpus.records(["pmid", "record_id"]).to_pylist()
    }
    decide_all(workspace, [{"record_id": ids[papers[4].pmid], "verdict": "include"}], stage="title-abstract",
               reviewer="ada")  # fmt: skip
    (update,) = changes.changes(workspace)
    assert update.counts() == {"came": 1, "changed": 1, "retracted": 1, "no longer matches": 1}
    assert update.counts_only == others
    by_kind = {change.kind: change for change in update.changes}
    assert by_kind["came"].title == "A new paper"
    assert by_kind["changed"].fields == ("title",)
    assert by_kind["no longer matches"].record_id == ids[gone]
    assert update.warnings() == [f"{ids[papers[4].pmid]} was decided and is retracted: {papers[4].title}"]
    assert gone in workspace.corpus.records(["pmid"])["pmid"].to_pylist()


def test_a_window_needs_the_same_strategy_before_it(service: Service, workspace: Workspace) -> None:
    with pytest.raises(HarvestError, match="needs an earlier run of the very same strategy"):
        harvesting.harvest_all(workspace, "pubmed", Options(since="2026-01-01"))
    harvesting.harvest_all(workspace, "pubmed")
    (outcome,) = harvesting.harvest_all(workspace, "pubmed", Options(since="2026-01-01"))
    assert outcome.run is not None
    assert 0 < outcome.run.account.delivered < len(LITERATURE.pubmed)
    assert outcome.run.account.counts["unchanged"] == outcome.run.account.delivered
    (update,) = changes.changes(workspace, "pubmed")
    assert update.counts()["no longer matches"] == 0
    text = workspace.protocol_path.read_text().replace(PUBMED_QUERY, "2011:2030[pdat]")
    workspace.protocol_path.write_text(text)
    with pytest.raises(HarvestError, match="query or limits changed"):
        harvesting.harvest_all(Workspace(workspace.root), "pubmed", Options(since="2026-01-01"))


def test_parsing_again_needs_no_service(service: Service, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="no finished harvest"):
        harvesting.harvest_all(workspace, "openalex", Options(reparse=True))
    harvesting.harvest_all(workspace, "openalex")
    service.log.clear()
    (outcome,) = harvesting.harvest_all(workspace, "openalex", Options(reparse=True))
    assert service.log == []
    assert outcome.run is not None
    assert outcome.run.account.counts["unchanged"] == len(LITERATURE.openalex)


def test_restart_throws_an_unfinished_round_away(service: Service, workspace: Workspace) -> None:
    with pytest.raises(BudgetError):
        harvesting.harvest_all(workspace, "openalex", Options(budget=0.0002))
    home = workspace.corpus.root / "raw"
    (round_before,) = home.glob("openalex-*/*Z")
    harvesting.harvest_all(workspace, "openalex", Options(restart=True))
    (round_after,) = home.glob("openalex-*/*Z")
    assert round_before != round_after


def test_enrichment_fills_and_overwrites_nothing(service: Service, workspace: Workspace) -> None:
    harvesting.harvest_all(workspace, "pubmed")
    before = workspace.corpus.records(["record_id", "abstract", "citation_count"]).to_pylist()
    said: list[str] = []
    outcome = enriching.enrich(workspace, Options(say=said.append))
    assert "calls, about $" in said[0]
    assert outcome.run is not None
    counts = outcome.run.account.counts
    assert counts["filled citation_count"] > 50
    assert workspace.corpus.records(["record_id", "abstract", "citation_count"]).to_pylist() == before
    shown = {row["record_id"]: row for row in patches.records(
        workspace, ("record_id", "abstract", "citation_count", "doi")).to_pylist()}  # fmt: skip
    works = {paper.doi: paper for paper in LITERATURE.openalex if paper.doi}
    filled = [row for row in shown.values() if row["citation_count"] is not None]
    assert len(filled) == counts["filled citation_count"]
    assert all(row["citation_count"] == works[row["doi"]].citations for row in filled)
    kept = {row["record_id"]: row["abstract"] for row in before if row["abstract"]}
    assert all(shown[record]["abstract"] == text for record, text in kept.items())
    origins = workspace.corpus.table("records", "patches", ["origin"])["origin"].to_pylist()
    assert all(origin.startswith("openalex W") and " by doi 10.5555/" in origin for origin in origins)
    service.log.clear()
    again = enriching.enrich(workspace)
    assert again.run is None or "filled citation_count" not in again.run.account.counts


def test_an_identifier_with_another_title_fills_nothing(service: Service, workspace: Workspace) -> None:
    service.literature = Literature(5, LITERATURE.pubmed, [
        replace(paper, title="Quite another thing about ships and weather") for paper in LITERATURE.openalex
    ])  # fmt: skip
    harvesting.harvest_all(workspace, "pubmed")
    outcome = enriching.enrich(workspace)
    assert outcome.run is not None
    assert outcome.run.account.counts["left alone: another title"] > 50
    assert "filled citation_count" not in outcome.run.account.counts


def test_known_papers_are_found_missed_or_absent(service: Service, tmp_path: Path) -> None:
    narrow = PROTOCOL.replace(f'query = "{PUBMED_QUERY}"', 'query = "2015:2019[pdat]"')
    workspace = Workspace.create(tmp_path / "n", narrow)
    harvesting.harvest_all(workspace)
    inside = next(paper for paper in LITERATURE.pubmed if paper.year == 2018 and not paper.notice_of)
    outside = next(paper for paper in LITERATURE.pubmed if paper.year == 2024 and not paper.notice_of)
    known = tmp_path / "known.csv"
    known.write_text(
        "title,doi,pmid\n"
        f'"{inside.title}",{inside.doi},\n"{outside.title}",,{outside.pmid}\n'
        "A paper that nobody has ever written,10.5555/none,\n"
    )
    checked = searchcheck.check(workspace, known)
    assert [paper.by_search["pubmed"] for paper in checked] == [
        "found", "missed by the strategy", "absent from the source",
    ]  # fmt: skip
    assert not checked[2].found
    assert searchcheck.summary(checked)["pubmed"]["missed by the strategy"] == 1


def test_citation_searching_goes_in_rounds_into_the_other_arm(service: Service, workspace: Workspace) -> None:
    from review.counting import flow_of

    some = Literature(5, LITERATURE.pubmed[:60], LITERATURE.openalex)
    service.literature = some
    harvesting.harvest_all(workspace, "pubmed")
    linking.dedupe(workspace)
    workspace.freeze()
    ids = {
        row["pmid"]: row["record_id"] for row in workspace.corpus.records(["pmid", "record_id"]).to_pylist()
    }
    chosen = [paper for paper in LITERATURE.pubmed[20:60] if paper.cites][:5]
    decide_all(workspace, [{"record_id": ids[p.pmid], "verdict": "include"} for p in chosen],
               stage="title-abstract", reviewer="ada")  # fmt: skip
    with pytest.raises(InputError, match="--backward"):
        citing.cite(workspace, backward=False, forward=False)
    outcome = citing.cite(workspace, backward=True, forward=True)
    assert outcome.run is not None
    in_openalex = {paper.report: paper for paper in LITERATURE.openalex}
    copies = [in_openalex[paper.report] for paper in chosen if paper.report in in_openalex]
    starts = {copy.report for copy in copies if copy.doi or copy.pmid}
    assert len(outcome.notes) == len(chosen) - len(starts)
    cited = {one for paper in chosen if paper.report in starts for one in paper.cites if one in in_openalex}
    citing_them = {paper.report for paper in LITERATURE.openalex if starts & set(paper.cites)}
    assert outcome.run.account.delivered >= len((cited | citing_them) - starts) > 3
    linking.dedupe(workspace)
    flow = flow_of(workspace)
    assert flow.other.records == outcome.run.account.delivered
    assert list(flow.other.identified) == ["citation"]
    with pytest.raises(InputError, match="not a start before"):
        citing.cite(workspace, backward=True, forward=False)


def test_the_report_of_searches_says_what_prisma_s_asks(
    service: Service, workspace: Workspace, tmp_path: Path
) -> None:
    harvesting.harvest_all(workspace)
    rows = searchreport.report(workspace)
    assert [row["source"] for row in rows] == ["PubMed", "OpenAlex"]
    assert rows[0]["counts"] == f"{len(LITERATURE.pubmed)}; with 2012:2026[pdat]: {len(LITERATURE.pubmed)}"
    assert rows[0]["strategy"] == PUBMED_QUERY
    assert "biopython 1.88" in rows[0]["software"]
    assert rows[1]["as_sent"].startswith(service.url)
    searchreport.write(rows, tmp_path / "s.md")
    searchreport.write(rows, tmp_path / "s.csv")
    assert "## 2. openalex (OpenAlex)" in (tmp_path / "s.md").read_text()
    assert (tmp_path / "s.csv").read_text().count("\n") >= 3
    with pytest.raises(InputError, match="ends in .md or .csv"):
        searchreport.write(rows, tmp_path / "s.pdf")


def test_the_verbs_as_a_user_types_them(service: Service, workspace: Workspace, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from review.cli.main import app

    def run(*words: str) -> str:
        told = CliRunner().invoke(app, [*words, "-w", str(workspace.root)], catch_exceptions=False)
        assert told.exit_code == 0, told.output
        return told.stdout

    assert "promised" in run("harvest", "-q", "--json")
    assert "0 new" not in run("harvest", "openalex", "--reparse")
    assert "openalex" in run("changes", "--out", str(tmp_path / "c.csv"))
    assert (tmp_path / "c.csv").read_text().startswith("search,record_id,change")
    assert "filled citation_count" in run("enrich")
    known = tmp_path / "known.csv"
    known.write_text(f"title,pmid\nx,{LITERATURE.pubmed[0].pmid}\n")
    assert json.loads(run("search-check", "--known", str(known), "--json"))["papers"][0]["found"]
    assert "# Searches" in run("search-report")


def test_files_of_pubmed_and_the_snapshot_go_through_the_same_door(
    workspace: Workspace, tmp_path: Path
) -> None:
    from corpora.simulator.answers import openalex_work, pubmed_set

    xml, snapshot = tmp_path / "xml", tmp_path / "snapshot"
    xml.mkdir()
    snapshot.mkdir()
    (xml / "pubmed26n0001.xml").write_text(pubmed_set(LITERATURE.pubmed[:40]))
    gone = f"<DeleteCitation><PMID>{LITERATURE.pubmed[0].pmid}</PMID></DeleteCitation></PubmedArticleSet>"
    later = pubmed_set(LITERATURE.pubmed[40:50]).replace("</PubmedArticleSet>", gone)
    outcome = harvesting.harvest_pubmed_files(workspace, xml)
    assert outcome.run is not None
    assert outcome.run.account.delivered == 40
    (xml / "pubmed26n0002.xml").write_text(later)
    outcome = harvesting.harvest_pubmed_files(workspace, xml)
    assert outcome.run is not None
    assert outcome.run.account.counts["new"] == 10
    assert outcome.run.account.explained == {"deleted by PubMed": 1}
    assert any("deleted 1 held record; kept here" in note for note in outcome.notes)
    lines = "\n".join(json.dumps(openalex_work(paper)) for paper in LITERATURE.openalex)
    (snapshot / "works.jsonl").write_text(lines)
    outcome = harvesting.harvest_snapshot(workspace, snapshot)
    assert outcome.run is not None
    assert outcome.run.account.delivered == len(LITERATURE.openalex)
    assert outcome.run.account.unaccounted == 0
    with pytest.raises(InputError, match="name one of the protocol's OpenAlex searches: openalex"):
        harvesting.harvest_snapshot(workspace, snapshot, "pubmed")
