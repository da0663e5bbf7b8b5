"""The PRISMA flow of a workspace: gathers what `review.flow` counts."""

import json
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from corpora import schema
from corpora.dedupe.cluster import cluster
from review import decisions, linking, removing
from review.flow import Before, Flow, Known, Screening, count_flow
from review.gathering import fulltexts
from review.gathering.ingest import statements
from review.screening import resolving, stops
from review.workspace import Workspace

FOUND = ["record_id", "search", "source", "kind"]


def flow_of(workspace: Workspace) -> Flow:
    """The flow of the present state, counted once for it. It is shared: nobody may change it."""
    return workspace.once("flow", workspace.snapshot(), lambda: count_flow(known(workspace)))


def known(workspace: Workspace) -> Known:
    """Everything that the flow of the present state is counted from."""
    clusters = linking.clusters(workspace)
    settled = decisions.settled(workspace, clusters.reports)
    found = retrievals(workspace)
    once: pd.DataFrame = found.drop_duplicates(["search", "record_id", "time"])
    return Known(
        # Python's own strings: they are looked up one by one, 100,000 of them many times over.
        once[FOUND].astype(object),
        reports=clusters.reports,
        studies=clusters.studies,
        decisions=settled,
        stages=workspace.protocol.stages,
        machine=_by_machine(workspace, list(clusters.reports)),
        links_to_confirm=_open_links(workspace, settled),
        screening=_screening(workspace, clusters.reports),
        before=_before(workspace, found),
        kind=workspace.protocol.review.kind,
    )


def _screening(workspace: Workspace, reports: Mapping[str, str]) -> Screening:
    sought = fulltexts.standing(workspace, reports)
    left_out, rule = _left_out(workspace)
    removed, returned = removing.standing(workspace, reports)
    stages = {row["stage"] for row in workspace.ledger.rows("suggestions")}
    return Screening(
        not_retrieved={
            report: row["note"] or "" for report, row in sought.items() if row["status"] == "not-retrieved"
        },
        unscreened=frozenset(left_out),
        rule=rule,
        removed={report: (told.automation, told.reason) for report, told in removed.items()},
        returned=returned,
        ai=tuple(stage for stage in workspace.protocol.stages if stage in stages),
    )


def _left_out(workspace: Workspace) -> tuple[set[str], str]:
    """Reports that a valid stop of the first stage leaves unscreened, and its rule."""
    first = workspace.protocol.stages[0]
    if not any(row["stage"] == first for row in workspace.ledger.current("stops")):
        return set(), ""
    return stops.unscreened(resolving.present_board(workspace, first))


def retrievals(workspace: Workspace) -> pd.DataFrame:
    """Every retrieval with its run: record_id, search, source, kind, time, run.

    A record that one file holds twice was retrieved twice, so ``time`` counts how often that run
    had brought it before; a search that was run again repeats (search, record_id, time).
    """
    said = statements(workspace)
    runs = [part.run for part in workspace.parts("records")]
    # Sources are shown as people wrote them, services as they call themselves.
    given = {run.parameters.get("source"): run.parameters.get("source_title") for run in runs}
    names = {slug: title for slug, title in given.items() if slug and title}
    parts = [pd.DataFrame(columns=[*FOUND, "time", "run"])]
    for run in runs:
        part = workspace.corpus.table("records", "retrievals", FOUND, run.id).to_pandas()
        part["source"] = said.get(run.id, {}).get("source_title") or part["source"].map(
            lambda slug: names.get(slug, slug)
        )
        part["kind"] = said.get(run.id, {}).get("kind") or part["kind"]
        time = part.groupby(["search", "record_id"]).cumcount()
        if len(part):
            parts.append(part.assign(time=time, run=run.id))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _before(workspace: Workspace, found: pd.DataFrame) -> Before:
    """The newest version that was released before the newest retrievals came.

    A version's own flow stays as it was released until another search or file is there.
    """
    for row in reversed(workspace.ledger.rows("releases")):
        runs = set(json.loads(row["runs"]))
        later = found[~found["run"].isin(runs)]
        if later.empty:
            continue
        held = frozenset(found.loc[found["run"].isin(runs), "record_id"])
        studies = json.loads(row["studies"])
        again = later.drop_duplicates(["search", "record_id", "time"])["record_id"].isin(held)
        return Before(
            tag=row["tag"],
            studies=len(studies),
            reports=sum(map(len, studies)),
            held=held,
            included=frozenset(one for study in studies for report in study for one in report),
            unsettled=frozenset(json.loads(row["unsettled"])),
            again=int(again.sum()),
        )
    return Before()


def _open_links(workspace: Workspace, settled: pd.DataFrame) -> int:
    """Same-study links without a person's word, between reports that nobody has excluded."""
    out = set(settled.loc[settled["verdict"] == "exclude", "report_id"])
    return sum(not out & set(pair) for pair in linking.to_confirm(workspace))


def _by_machine(workspace: Workspace, ids: list[str]) -> dict[str, str] | None:
    """The reports as the machine's links alone make them; None where people linked nothing."""
    spoken = workspace.ledger.current("links")
    if not any(row["kind"] == "same_report" and row["verdict"] == "match" for row in spoken):
        return None
    part = workspace.latest("links")
    links = (
        workspace.corpus.table("links", "links", run_id=part.run.id) if part else schema.LINKS.empty_table()
    )
    nobody = pa.schema([(name, pa.string()) for name in ("left_id", "right_id", "kind", "verdict")])
    return cluster(ids, links, nobody.empty_table()).reports
