"""Duplicates of a table of records: normalise → block → match."""

import pandas as pd
import pyarrow as pa

from corpora import schema
from corpora.dedupe.block import pairs
from corpora.dedupe.cluster import cluster
from corpora.dedupe.match import match
from corpora.dedupe.normalise import COLUMNS, comparables
from corpora.progress import Progress, silent

__all__ = ["COLUMNS", "cluster_rows", "find_links"]

_BATCH = 200_000


def find_links(records: pa.Table, progress: Progress = silent) -> pa.Table:
    """Links among records (one row each), of schema `corpora.schema.LINKS`.

    Sorted by the ids of the pair, the smaller one left; the order of rows does not matter.
    """
    listed = comparables(records)
    candidates, _ = pairs(listed)
    made: list[dict[str, object]] = []
    for start in range(0, len(candidates), _BATCH):
        batch = candidates[start : start + _BATCH]
        made += [
            {
                "left_id": found.left_id,
                "right_id": found.right_id,
                "kind": found.rule.kind,
                "verdict": found.rule.verdict,
                "rule": found.rule.name,
                "score": found.score,
                "reason": found.reason,
            }
            for found in match(listed, batch)
        ]
        progress("comparing records", start + len(batch), len(candidates))
    return pa.Table.from_pylist(made, schema.LINKS)


def cluster_rows(records: pa.Table, progress: Progress = silent) -> pd.DataFrame:
    """One entry per input row, in input order, for a plain file.

    Columns: row, record_id, report, study, and the strongest link of the record (relation, rule,
    score), empty for a record that is linked to none.
    """
    ids: list[str] = records["record_id"].to_pylist()
    first = {one: place for place, one in reversed(list(enumerate(ids)))}
    unique = records.take(pa.array(list(first.values()), pa.int64()))
    links = find_links(unique, progress)
    clusters = cluster(sorted(set(ids)), links, schema.LINKS.empty_table())
    best: dict[str, dict[str, object]] = {}
    for link in links.to_pylist():
        for end in (link["left_id"], link["right_id"]):
            if end not in best or _strength(link) > _strength(best[end]):
                best[end] = link
    rows = []
    for row, one in enumerate(ids):
        link = best.get(one, {})
        relation = f"{link['kind']} {link['verdict']}" if link else ""
        rows.append(
            (row, one, clusters.reports[one], clusters.studies[one], relation,
             link.get("rule", ""), link.get("score"))
        )  # fmt: skip
    names = ["row", "record_id", "report", "study", "relation", "rule", "score"]
    return pd.DataFrame(rows, columns=names)


def _strength(link: dict[str, object]) -> tuple[bool, float]:
    return link["verdict"] == "match", float(link["score"])  # type: ignore[arg-type]
