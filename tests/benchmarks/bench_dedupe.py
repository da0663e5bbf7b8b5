"""Duplicate linking beside bib-dedupe: F1 on labelled sets, seconds on many records.

Sets: bib-dedupe's and SRA's own test sets (Parquet with the true cluster in ``entity``), from the
folder named by LITSCALE_BENCH_DATA (default: ``shared/data`` beside the repository). Both sides get
the same fields; pairs are counted within clusters, bib-dedupe's as its ``cluster`` gives them. The
large set is real abstracts with every twenty-fifth record copied with small changes.
"""

import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from bib_dedupe import bib_dedupe as peer
from harness import HERE, peak_mib, report

from corpora import schema
from corpora.dedupe.link import cluster_rows
from corpora.formats.people import authors, split
from corpora.record import build

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data"))
LARGE = int(sys.argv[1]) if len(sys.argv) > 1 else 80_000
FIELDS = ("title", "author", "year", "journal", "volume", "issue", "pages", "doi", "abstract")
OURS = {"journal": "venue", "author": "authors"}


def ours(frame: pd.DataFrame) -> list[str]:
    """A cluster name a row, from fields to clusters."""
    records = []
    for number, row in enumerate(frame.to_dict("records")):
        fields = {OURS.get(name, name): row[name] or None for name in FIELDS}
        fields["authors"] = authors(split(row["author"]))
        records.append(build({**fields, "accession": f"{number:07d}"}, source="bench"))
    return list(cluster_rows(schema.to_table(records))["report"])


def theirs(frame: pd.DataFrame) -> list[str]:
    """The same by bib-dedupe."""
    table = frame.rename(columns={"issue": "number"}).assign(ENTRYTYPE="article")
    table["ID"] = [f"{number:07d}" for number in range(len(table))]
    columns = ["ID", "ENTRYTYPE", *("number" if name == "issue" else name for name in FIELDS)]
    matched = peer.match(peer.block(peer.prep(table[columns], verbosity_level=0), verbosity_level=0),
                         verbosity_level=0)  # fmt: skip
    named = {one: one for one in table["ID"]}
    for group in peer.cluster(matched, verbosity_level=0):
        named |= dict.fromkeys(group, min(group))
    return [named[one] for one in table["ID"]]


def pairs(keys: Any) -> int:
    """Pairs within the groups that these keys make."""
    return sum(count * (count - 1) // 2 for count in Counter(keys).values())


def scores(found: list[str], truth: list[str]) -> dict[str, float]:
    """Precision, recall and F1 over pairs."""
    both, made, true = pairs(zip(found, truth, strict=True)), pairs(found), pairs(truth)
    precision, recall = both / max(made, 1), both / max(true, 1)
    return {"precision": round(precision, 4), "recall": round(recall, 4),
            "f1": round(2 * precision * recall / max(precision + recall, 1e-9), 4)}  # fmt: skip


def timed(work: Any, frame: pd.DataFrame) -> tuple[list[str], float]:
    """The clusters and the seconds they took."""
    began = time.perf_counter()
    found = work(frame)
    return found, round(time.perf_counter() - began, 2)


def large(size: int) -> pd.DataFrame:
    """Real abstracts; every twenty-fifth once more, as another database might have it."""
    table = pq.read_table(DATA / "scale" / "abstracts.parquet").to_pandas().head(size * 25 // 26)
    frame = pd.DataFrame({
        "title": table["title"], "author": table["authors"], "year": table["year"], "journal": table["venue"],
        "volume": "", "issue": "", "pages": "", "doi": table["doi"], "abstract": table["abstract"],
    })  # fmt: skip
    rng = random.Random(1)
    copies = frame.iloc[::25].copy()
    copies["title"] = [str(title).rstrip(".").lower() for title in copies["title"]]
    copies["doi"] = [doi if rng.random() < 0.5 else "" for doi in copies["doi"]]
    frame["entity"], copies["entity"] = frame.index.astype(str), copies.index.astype(str)
    return pd.concat([frame, copies], ignore_index=True)


def main() -> None:
    """Measure and write the result."""
    figures: dict[str, Any] = {}
    paths = sorted((DATA / "dedupe").glob("*.parquet"))
    sets = {path.stem: pq.read_table(path).to_pandas() for path in paths}
    for name, frame in {**sets, f"{LARGE:,} records": large(LARGE)}.items():
        plain = frame.assign(**{field: frame[field].fillna("").astype(str) for field in FIELDS})
        truth = list(plain["entity"].astype(str))
        figures[name] = {"records": len(plain)}
        for side, work in (("ours", ours), ("bib_dedupe", theirs)):
            found, seconds = timed(work, plain)
            figures[name][side] = {**scores(found, truth), "seconds": seconds}
        taken = figures[name]
        taken["times_as_fast"] = round(taken["bib_dedupe"]["seconds"] / taken["ours"]["seconds"], 1)
    figures["peak_mib"] = peak_mib()
    report("dedupe", figures, ("bib-dedupe", "rapidfuzz", "pandas"))


if __name__ == "__main__":
    main()
