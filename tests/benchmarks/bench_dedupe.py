"""Duplicate linking beside bib-dedupe: F1 on labelled sets, seconds on many records.

Sets: bib-dedupe's and SRA's own test sets (Parquet with the true cluster in ``entity``), from the
folder named by LITSCALE_BENCH_DATA (default: ``shared/data`` beside the repository). Both sides get
the same fields and make of them what they compare; pairs are counted within clusters, bib-dedupe's
as its ``cluster`` gives them. The large set is real abstracts with every twenty-fifth record copied
with small changes. ``corrupted`` holds papers, copies with the faults of exports and documents that
are near to one and are not it (`corruption`).

``by_method_rules`` counts once more with the gold pairs of `GOLD_ERRORS` taken apart, for both sides.
"""

import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from bib_dedupe import bib_dedupe as peer
from corruption import copy, lookalikes, papers
from harness import HERE, peak_mib, report

from corpora import identifiers, schema
from corpora.dedupe.link import COLUMNS, cluster_rows
from corpora.formats.people import authors, split

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data"))
LARGE = int(sys.argv[1]) if len(sys.argv) > 1 else 80_000
FIELDS = ("title", "author", "year", "journal", "volume", "issue", "pages", "doi", "abstract")
OURS = {"journal": "venue", "author": "authors"}


# (set, field, value): a record that the gold joins to another one and the method rules do not.
GOLD_ERRORS = (
    ("digital_work", "doi", "10.1057/S41265-017-0039-5", "an erratum, joined to its article"),
    (
        "digital_work",
        "doi",
        "10.1046/J.1365-2575.2001.00112.X",
        "an editorial, joined to another on a later page",
    ),
    ("digital_work", "doi", "10.1057/JIT.2008.23", "published twice: two volumes, two DOIs"),
    ("stroke", "pages", "e505", "a congress abstract that two journals printed"),
)


def ours(frame: pd.DataFrame) -> list[str]:
    """A cluster name a row, from fields to clusters."""
    ids = [f"{number:07d}" for number in range(len(frame))]
    columns: dict[str, list[Any]] = {name: [None] * len(frame) for name in COLUMNS}
    columns |= {OURS.get(name, name): [value or None for value in frame[name]] for name in FIELDS}
    columns |= {"record_id": ids, "source": ["bench"] * len(frame)}
    columns["doi"] = [identifiers.doi(raw) if raw else None for raw in frame["doi"]]
    columns["year"] = [int(year) if (year := identifiers.year(raw)) else None for raw in frame["year"]]
    columns["authors"] = [
        [{"family": one.family, "given": one.given} for one in authors(split(raw))] for raw in frame["author"]
    ]
    fields = pa.schema([schema.RECORDS.field(name) for name in COLUMNS])
    return list(cluster_rows(pa.table({name: columns[name] for name in COLUMNS}, schema=fields))["report"])


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


def corrupted(size: int) -> pd.DataFrame:
    """Papers of real words; each copied with faults, every third with its lookalikes."""
    table = pq.read_table(DATA / "scale" / "abstracts.parquet", columns=["title", "abstract"]).to_pylist()
    texts = [(row["title"], row["abstract"] or "") for row in table if len((row["title"] or "").split()) >= 5]
    rng = random.Random(3)
    rows: list[dict[str, Any]] = []
    for number, paper in enumerate(papers(size, texts, 3)):
        rows += [paper, copy(paper, rng)]
        if number % 3 == 0:
            rows += lookalikes(paper, rng)
    frame = pd.DataFrame(rows).rename(columns={"venue": "journal"})
    frame["author"] = [" and ".join(f"{family}, {given}" for family, given in row["people"]) for row in rows]
    frame["entity"] = frame["entity"].astype(str)
    return frame


def apart(name: str, frame: pd.DataFrame) -> list[str]:
    """The true clusters, with the listed gold errors taken apart."""
    truth = frame["entity"].astype(str)
    for place, (of, field, value, _) in enumerate(GOLD_ERRORS):
        if of == name:
            truth = truth.mask(frame[field] == value, f"apart {place}")
    return list(truth)


def main() -> None:
    """Measure and write the result."""
    figures: dict[str, Any] = {
        "cores_used": len(os.sched_getaffinity(0)),
        "gold_errors": [" ".join(one) for one in GOLD_ERRORS],
    }
    paths = sorted((DATA / "dedupe").glob("*.parquet"))
    sets = {path.stem: pq.read_table(path).to_pandas() for path in paths}
    for name, frame in {
        **sets, "corrupted": corrupted(3_000), f"{LARGE:,} records": large(LARGE)
    }.items():  # fmt: skip
        plain = frame.assign(**{field: frame[field].fillna("").astype(str) for field in FIELDS})
        truth = list(plain["entity"].astype(str))
        figures[name] = {"records": len(plain)}
        for side, work in (("ours", ours), ("bib_dedupe", theirs)):
            found, seconds = timed(work, plain)
            figures[name][side] = {**scores(found, truth), "seconds": seconds}
            if any(of == name for of, *_ in GOLD_ERRORS):
                figures[name][side]["by_method_rules"] = scores(found, apart(name, plain))
        taken = figures[name]
        taken["times_as_fast"] = round(taken["bib_dedupe"]["seconds"] / taken["ours"]["seconds"], 1)
    figures["peak_mib"] = peak_mib()
    report("dedupe", figures, ("bib-dedupe", "rapidfuzz", "pandas"))


if __name__ == "__main__":
    main()
