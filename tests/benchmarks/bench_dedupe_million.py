"""Duplicates of a million records by `review dedupe FILE`, with its time and peak memory.

The records are made of real words (`corruption`): one in five papers stands there a second time,
with one to three faults of exports. The peer is the truth; bib-dedupe is not run at this size. The
command runs as a child with two cores, so that its peak memory is its own.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from bench_dedupe import DATA, scores
from corruption import copy, papers
from harness import report

RECORDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
_FIELDS = ("title", "abstract", "venue", "volume", "issue", "pages", "doi")


def write(path: Path) -> list[str]:
    """The file; gives the true paper of each row."""
    table = pq.read_table(DATA / "scale" / "abstracts.parquet", columns=["title", "abstract"]).to_pylist()
    texts = [(row["title"], row["abstract"] or "") for row in table if len((row["title"] or "").split()) >= 5]
    rng = random.Random(5)
    truth: list[str] = []
    names = (*_FIELDS, "year", "authors")
    with pq.ParquetWriter(path, pa.schema([(name, pa.string()) for name in names])) as writer:
        batch: list[dict[str, str]] = []
        for paper in papers(RECORDS * 5 // 6, texts, 5):
            for row in (paper, copy(paper, rng)) if paper["entity"] % 5 == 0 else (paper,):
                people = "; ".join(f"{family}, {given}" for family, given in row["people"])
                batch.append(
                    {**{name: row[name] for name in _FIELDS}, "year": str(row["year"]), "authors": people}
                )
                truth.append(str(row["entity"]))
            if len(batch) >= 10_000:
                writer.write_table(pa.Table.from_pylist(batch, writer.schema))
                batch.clear()
        writer.write_table(pa.Table.from_pylist(batch, writer.schema))
    return truth


def main() -> None:
    """Measure and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "records.parquet", Path(folder) / "clusters.csv"
        truth = write(path)
        began = time.perf_counter()
        command = [Path(sys.executable).with_name("review"), "dedupe", path, "--out", out, "--quiet"]
        subprocess.run(command, check=True, env={**os.environ, "TMPDIR": folder})
        seconds = time.perf_counter() - began
        found = pd.read_csv(out, usecols=["report"])["report"].tolist()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    figures = {
        "cores_used": len(os.sched_getaffinity(0)),
        "records": len(truth),
        "seconds": round(seconds, 1),
        "peak_mib": round(peak, 1),
        "ours": scores(found, truth),
    }
    report("dedupe_million", figures, ("duckdb", "rapidfuzz", "pyarrow"))


if __name__ == "__main__":
    main()
