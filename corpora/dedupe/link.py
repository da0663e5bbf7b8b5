"""Duplicates of a table of records: normalise → block → match; many of them on disk."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from corpora import schema
from corpora.dedupe.block import pairs
from corpora.dedupe.cluster import cluster
from corpora.dedupe.match import Match, match
from corpora.dedupe.normalise import COLUMNS, comparables
from corpora.dedupe.spill import matches
from corpora.progress import Progress, silent

__all__ = ["COLUMNS", "cluster_rows", "find_links"]

_BATCH = 200_000
SPILL = 150_000
"""Records above which the work is done on disk."""


def find_links(records: pa.Table, progress: Progress = silent, *, spill: int = SPILL) -> pa.Table:
    """Links among records (one row each), of schema `corpora.schema.LINKS`.

    Sorted by the ids of the pair, the smaller one left; the order of rows does not matter. More
    than ``spill`` records are compared on disk, in the folder for temporary files (about 3 GB a
    million), with the same result.
    """
    if records.num_rows > spill:
        with TemporaryDirectory(prefix="litscale-dedupe-") as folder:
            found = list(matches([records], Path(folder), progress))
    else:
        found = list(_in_memory(records, progress))
    found.sort(key=lambda one: (one.left_id, one.right_id))
    columns = {
        "left_id": [one.left_id for one in found],
        "right_id": [one.right_id for one in found],
        "kind": [one.rule.kind for one in found],
        "verdict": [one.rule.verdict for one in found],
        "rule": [one.rule.name for one in found],
        "score": [one.score for one in found],
        "reason": [one.reason for one in found],
    }
    return pa.table({name: columns[name] for name in schema.LINKS.names}, schema=schema.LINKS)


def _in_memory(records: pa.Table, progress: Progress) -> Iterator[Match]:
    listed = comparables(records)
    candidates, _ = pairs(listed)
    for start in range(0, len(candidates), _BATCH):
        batch = candidates[start : start + _BATCH]
        yield from match(listed, batch)
        progress("comparing records", start + len(batch), len(candidates))


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
             link.get("rule", ""), round(_strength(link)[1], 4) if link else None)
        )  # fmt: skip
    names = ["row", "record_id", "report", "study", "relation", "rule", "score"]
    return pd.DataFrame(rows, columns=names)


def _strength(link: dict[str, object]) -> tuple[bool, float]:
    return link["verdict"] == "match", float(link["score"])  # type: ignore[arg-type]
