"""Screening 100,000 records live: features, a new ranking, the next record, memory.

Records are the 77,700 abstracts of ``shared/data/scale`` (folder from LITSCALE_BENCH_DATA; default
beside the repository), the rest some of them again with every seventh word left out. "Included" is
a title with *clinical* in it. The screening process is a child of its own, so that its memory holds
nothing of the import. Memory is what the system counts as resident: the process's own, and the pages
of mapped files (texts, features), which the system can take back at any time; the target holds for
their sum at its peak, and for the child that builds the features. Figures of ASReview 3.0.8 are not
measured here: it has no such session; the first label at 62,000 records takes it 70 s, each further
one 315 ms, with 1.6 GB.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from harness import HERE, median, report, seconds

from review.gathering.ingest import import_file
from review.protocol import Import
from review.screening.session import Session
from review.screening.texts import Texts
from review.screening.trainer import features_for
from review.workspace import Workspace

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data"))
SIZE = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 100_000
LABELS = (50, 1_000, 10_000)
TARGETS = {"next_ms": 50, "ranking_s": 1.0, "resident_mib": 1024}
STAGE = "title-abstract"
PROTOCOL = """
seed = 1
[review]
title = "Language processing of clinical text"
question = "Which methods process clinical notes?"
[[criteria]]
id = "clinical"
text = "The texts are clinical notes or other records of patients."
[[screening]]
stage = "title-abstract"
mode = "single"
"""


def status() -> dict[str, float]:
    """Resident memory of this process now, MiB: its own, and pages of files that it has mapped."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        name: round(int(told[key].split()[0]) / 1024, 1)
        for name, key in (("resident", "VmRSS"), ("own", "RssAnon"), ("files", "RssFile"))
    }


def write(path: Path) -> None:
    """The records as one Parquet file."""
    table = pq.read_table(
        DATA / "scale" / "abstracts.parquet", columns=["title", "abstract", "year", "venue"]
    )
    rows = table.to_pylist()
    for row in rows[: SIZE - len(rows)]:
        words = (row["abstract"] or "").split()
        del words[::7]
        rows.append({**row, "title": f"{row['title']} (again)", "abstract": " ".join(words)})
    pq.write_table(pa.Table.from_pylist(rows[:SIZE], schema=table.schema), path)


def make(root: Path) -> None:
    """A workspace that holds the records, its protocol frozen."""
    workspace = Workspace.create(root, PROTOCOL)
    path = root.parent / "records.parquet"
    write(path)
    import_file(workspace, Import(file=str(path), source="Scale", kind="database"))
    workspace.freeze()


def build(root: Path) -> dict[str, Any]:
    """Features in a child process: seconds, and the most memory that the child held."""
    workspace = Workspace(root)
    from review.screening.drawing import question

    texts = Texts(workspace)
    took = seconds(lambda: features_for(texts, root / "cache", question(workspace)))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = sum(path.stat().st_size for path in (root / "cache").rglob("*") if path.is_file())
    return {
        "seconds": round(took, 1),
        "child_peak_mib": round(peak, 1),
        "on_disk_mib": round(size / 2**20, 1),
    }


def wait(session: Session, generation: int) -> float:
    """Seconds until a ranking after this generation is there."""
    started = time.perf_counter()
    while session.trainer.latest.generation <= generation:
        if session.trainer.problem:
            raise RuntimeError(session.trainer.problem)
        time.sleep(0.002)
    return time.perf_counter() - started


def relevant(session: Session) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """What is "included" here, by the rows of the session's texts."""
    table = session.texts._table
    hit = dict(zip(table["record_id"].to_pylist(), pc.match_substring(
        pc.utf8_lower(pc.fill_null(table["title"], "")), "clinical").to_pylist(), strict=True))  # fmt: skip
    return np.array([hit[session.texts.members(report)[0]] for report in session.texts.ids])


def screen(session: Session, truth: Any, count: int) -> dict[str, list[float]]:
    """Decide ``count`` records while the trainer ranks beside; milliseconds a step."""
    timed: dict[str, list[float]] = {"decide": [], "next": []}
    for _ in range(count):
        started = time.perf_counter()
        item = session.next()
        shown = time.perf_counter()
        assert item is not None
        hit = truth[session.texts.index[item.shown.report]]
        session.decide(item, "include" if hit else "exclude", None if hit else "clinical")
        timed["next"].append((shown - started) * 1000)
        timed["decide"].append((time.perf_counter() - shown) * 1000)
    return timed


def told(timed: dict[str, list[float]]) -> dict[str, float]:
    """Median, 95th percentile and worst of each step, ms; "key" is from a keystroke to the next record."""
    steps = {**timed, "key": [a + b for a, b in zip(timed["decide"], timed["next"][1:], strict=False)]}
    return {
        f"{name}_{what}_ms": round(float(value), 1)
        for name, values in steps.items()
        for what, value in (
            ("median", np.median(values)),
            ("p95", np.quantile(values, 0.95)),
            ("worst", max(values)),
        )
    }


def live(root: Path) -> dict[str, Any]:
    """A session over features that are there: opening, screening, ranking at growing numbers of labels."""
    figures: dict[str, Any] = {"memory_mib": {"imports": status()}}
    started = time.perf_counter()
    with Session(Workspace(root), "ann", STAGE) as session:
        figures["open_s"] = round(time.perf_counter() - started, 2)
        figures["memory_mib"]["session"] = status()
        figures["first_ranking_s"] = round(wait(session, 0), 2)
        truth = relevant(session)
        figures["screening"] = told(screen(session, truth, 200))
        figures["memory_mib"]["screened"] = status()
        draw = np.random.default_rng(1)
        inside, outside = draw.permutation(np.flatnonzero(truth)), draw.permutation(np.flatnonzero(~truth))
        figures["ranking_s"], figures["ranking_cpu_s"], figures["included_at"] = {}, {}, {}
        for count in LABELS:
            included = max(5, count // 20)
            rows = np.sort(np.concatenate([inside[:included], outside[: count - included]])).astype(np.int64)
            taken, began = [], time.process_time()
            for _ in range(5):
                before = session.trainer.latest.generation
                session.trainer.post(rows, truth[rows])
                taken.append(wait(session, before))
            figures["ranking_s"][str(count)] = median(taken)
            figures["ranking_cpu_s"][str(count)] = round((time.process_time() - began) / 5, 3)
            figures["included_at"][str(count)] = included
        figures["memory_mib"]["ranked"] = status()
    figures["memory_mib"]["peak"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return figures


def main() -> None:
    """Measure each part in a process of its own and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "review"
        parts: dict[str, Any] = {}
        for name in STEPS:
            line = [sys.executable, __file__, name, str(root), str(SIZE)]
            done = subprocess.run(line, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            parts[name] = json.loads(done.stdout or "null")
    load = round(os.getloadavg()[1], 1)  # processes that ran or waited, in the last five minutes
    figures = {
        "records": SIZE,
        "load": load,
        "features": parts["build"],
        "session": parts["live"],
        "targets": TARGETS,
    }
    report("live", figures, ("numpy", "scipy", "scikit-learn"))


STEPS = {"make": make, "build": build, "live": live}

if __name__ == "__main__":
    if len(sys.argv) > 2:
        SIZE = int(sys.argv[3])
        print(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main()
