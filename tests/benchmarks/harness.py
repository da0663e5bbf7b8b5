"""The convention of every benchmark here.

A ``bench_<name>.py`` measures something beside a named peer in the same run, several times each,
turn by turn; ``report`` writes ``results/<name>.json`` (figures, machine, versions, commit) and
prints the same JSON as its last line. Timings are only compared within one run.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turn(repeats: int, **works: Callable[[], object]) -> dict[str, list[float]]:
    """Time several works one after the other, ``repeats`` times: noise meets all of them alike."""
    timed: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            timed[name].append(seconds(work))
    return timed


def median(values: list[float]) -> float:
    """The median, rounded to four digits."""
    return round(statistics.median(values), 4)


def peak_mib() -> float:
    """Peak resident memory of this process so far, MiB (Linux counts KiB)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def machine() -> dict[str, Any]:
    """What this ran on."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that is measured; marked when the tree differs from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def report(name: str, figures: dict[str, Any], libraries: tuple[str, ...]) -> None:
    """Write the result file and print the same JSON as the last line."""
    result = {
        "name": name,
        "figures": figures,
        "machine": machine(),
        "versions": {library: version(library) for library in ("litscale", *libraries)},
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", "utf-8")
    print(json.dumps(result, sort_keys=True, ensure_ascii=False))
