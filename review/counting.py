"""The PRISMA flow of a workspace: gathers what `review.flow.count_flow` counts."""

import pandas as pd

from review import decisions, linking
from review.flow import Flow, count_flow
from review.workspace import Workspace


def flow_of(workspace: Workspace) -> Flow:
    """Count the flow of the present state.

    A search that was run again counts its records once: retrievals are distinct by search and
    record (method rules, section 1).
    """
    columns = ["record_id", "search", "source", "kind"]
    retrievals = workspace.corpus.table("records", "retrievals", columns).to_pandas()
    clusters = linking.clusters(workspace)
    settled = decisions.settled(
        workspace.ledger.current("decisions"), clusters.reports, workspace.protocol.screening
    )
    return count_flow(
        retrievals.drop_duplicates(["search", "record_id"]),
        reports=clusters.reports,
        studies=clusters.studies,
        decisions=settled,
        stages=workspace.protocol.stages,
        by_hand=_by_hand(workspace),
    )


def _by_hand(workspace: Workspace) -> pd.DataFrame:
    """People's same-report links, so that duplicates found by hand are counted apart."""
    rows = [
        (row["left_id"], row["right_id"])
        for row in workspace.ledger.current("links")
        if row["kind"] == "same_report" and row["verdict"] == "match"
    ]
    return pd.DataFrame(rows, columns=["left_id", "right_id"])
