"""The PRISMA flow of a workspace: gathers what `review.flow.count_flow` counts."""

import pandas as pd

from review import decisions, fulltexts, linking
from review.flow import Flow, Screening, count_flow
from review.ingest import statements
from review.screening import resolving, stops
from review.workspace import Workspace


def flow_of(workspace: Workspace) -> Flow:
    """Count the flow of the present state."""
    clusters = linking.clusters(workspace)
    settled = decisions.settled(workspace, clusters.reports)
    texts_sought = fulltexts.standing(workspace, clusters.reports)
    missing = {report for report, row in texts_sought.items() if row["status"] == "not-retrieved"}
    left_out, rule = _left_out(workspace)
    return count_flow(
        _retrievals(workspace),
        reports=clusters.reports,
        studies=clusters.studies,
        decisions=settled,
        stages=workspace.protocol.stages,
        by_hand=_by_hand(workspace),
        links_to_confirm=_open_links(workspace, settled),
        screening=Screening(frozenset(missing), frozenset(left_out), rule),
    )


def _left_out(workspace: Workspace) -> tuple[set[str], str]:
    """Reports that a valid stop of the first stage leaves unscreened, and its rule."""
    first = workspace.protocol.stages[0]
    if not any(row["stage"] == first for row in workspace.ledger.current("stops")):
        return set(), ""
    return stops.unscreened(resolving.open_board(workspace, first))


def _retrievals(workspace: Workspace) -> pd.DataFrame:
    """Every retrieval once: a search that was run again does not count its records twice.

    A record that one file holds twice was retrieved twice; so rows are told apart by search,
    record and how often that run had brought it before.
    """
    columns = ["record_id", "search", "source", "kind"]
    said = statements(workspace)
    runs = [part.run for part in workspace.parts("records")]
    # Sources are shown as people wrote them, services as they call themselves.
    given = {run.parameters.get("source"): run.parameters.get("source_title") for run in runs}
    names = {slug: title for slug, title in given.items() if slug and title}
    parts = []
    for run in runs:
        part = workspace.corpus.table("records", "retrievals", columns, run.id).to_pandas()
        part["source"] = said.get(run.id, {}).get("source_title") or part["source"].map(
            lambda slug: names.get(slug, slug)
        )
        part["kind"] = said.get(run.id, {}).get("kind") or part["kind"]
        parts.append(part.assign(time=part.groupby(["search", "record_id"]).cumcount()))
    if not parts:
        return pd.DataFrame(columns=columns)
    once: pd.DataFrame = pd.concat(parts).drop_duplicates(["search", "record_id", "time"])
    return once[columns]


def _open_links(workspace: Workspace, settled: pd.DataFrame) -> int:
    """Same-study links without a person's word, between reports that nobody has excluded."""
    out = set(settled.loc[settled["verdict"] == "exclude", "report_id"])
    return sum(not out & set(pair) for pair in linking.to_confirm(workspace))


def _by_hand(workspace: Workspace) -> pd.DataFrame:
    """People's same-report links, so that duplicates found by hand are counted apart."""
    rows = [
        (row["left_id"], row["right_id"])
        for row in workspace.ledger.current("links")
        if row["kind"] == "same_report" and row["verdict"] == "match"
    ]
    return pd.DataFrame(rows, columns=["left_id", "right_id"])
