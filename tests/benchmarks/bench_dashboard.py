"""The dashboard over 100,000 records in a real Chromium: first page, every page, a filter change.

Records are the 77,700 abstracts of ``shared/data/scale`` (folder from LITSCALE_BENCH_DATA; default
beside the repository) and simulated ones; they are deduplicated, tagged by the keyword rules and all
included, and 300 studies are "audited" with answers made from the tagger's own and some errors: the
worst case for shares, for every study is shown and each share corrected. Making that workspace takes
half an hour; LITSCALE_BENCH_WORKSPACE names a folder where it is kept and found again.

A first page is a new session of a running server, from the address to the end of the script; the first
visitor after a start is told apart, for it also reads the facts and counts the flow. A filter change is
a click on one more task, a view never met before, until the page's script has ended. There is no
peer: no other tool shows shares of this kind. Timings are those of one busy or quiet machine: the load
is kept beside them.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import HERE, report
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(HERE.parents[1]))

from corpora.simulator.literature import simulate
from review import decisions, linking
from review.facts import facts
from review.gathering.ingest import import_file
from review.labelling import auditing, tagging
from review.protocol import Import
from review.serve import command, environment
from review.workspace import Workspace
from tests.review import coding

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data"))
KEPT = os.environ.get("LITSCALE_BENCH_WORKSPACE")
SIZE, TRIES = 100_000, 15
TARGETS = {"first_page_s": 3.0, "filter_change_s": 1.0}
PAGES = ("", "trends", "tasks", "shares", "evaluation", "records", "screening", "quality")
FILTERED = ("records", "shares", "tasks", "trends")
PROTOCOL = """
seed = 1
[review]
title = "Language processing: 100,000 records, part of them SIMULATED"
question = "How are language models used?"
kind = "scoping"
[[screening]]
stage = "title-abstract"
mode = "single"
[labels]
codebook = "nlp-medicine"
tagger = "keywords"
"""


def make(root: Path) -> Workspace:
    """The workspace; one that is there already is taken as it is."""
    if (root / "protocol.toml").exists():
        return Workspace(root)
    workspace = Workspace.create(root, PROTOCOL)
    columns = ["title", "abstract", "authors", "doi", "year", "venue", "url"]
    real = pq.read_table(DATA / "scale" / "abstracts.parquet", columns=columns)
    literature = simulate(24_000, 5)
    made = [
        {"title": one.title, "abstract": one.abstract, "doi": one.doi, "year": one.year, "venue": one.venue,
         "authors": "; ".join(f"{who[0]}, {who[1]}" for who in one.authors), "url": None}
        for one in (literature.pubmed + literature.openalex)[: SIZE - real.num_rows]
    ]  # fmt: skip
    for name, table in (("Scale", real), ("Simulated", pa.Table.from_pylist(made))):
        path = root / f"{name}.parquet"
        pq.write_table(table, path)
        import_file(workspace, Import(file=str(path), source=name, kind="database"))
    linking.dedupe(workspace)
    tagging.tag(workspace, "keywords")
    workspace.freeze()
    rows = [
        {"record_id": one, "verdict": "include", "reason": None, "text_hash": None}
        for one in sorted(set(linking.clusters(workspace).reports.values()))
    ]
    decisions.decide_all(workspace, rows, stage="title-abstract", reviewer="simulated-reviewer")
    _audit(workspace)
    return workspace


def _audit(workspace: Workspace) -> None:
    """Code 300 studies as they were tagged, every third with other methods, tasks and evaluation."""
    drawn = auditing.draw(workspace, facts(workspace), 300, "ann")
    truth = coding.as_tagged(workspace, drawn)
    for number, given in enumerate(truth.values()):
        if number % 3 == 0:
            given["methods"] = coding.said("generative_llm neural")
        if number % 4 == 0:
            given["tasks"] = coding.said("question_answering")
        if number % 5 == 0:
            given["evaluation"] = coding.said("task_metric safety")
    coding.code(workspace, drawn, truth)


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address of a server of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = command("127.0.0.1", port, browser=False)
    with subprocess.Popen(line, env=environment(root), stdout=subprocess.DEVNULL) as child:
        try:
            while True:
                with socket.socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()


def settled(view: Page) -> None:
    """Wait until the script has run to its end."""
    view.wait_for_selector("h1", timeout=300_000)
    view.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=300_000)


def opened(browser: Any, address: str, path: str) -> float:
    """Seconds to open a page in a session of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    view = context.new_page()
    started = time.perf_counter()
    view.goto(f"{address}/{path}")
    settled(view)
    took = time.perf_counter() - started
    context.close()
    return took


def changes(browser: Any, address: str, path: str) -> list[float]:
    """Seconds of filter changes: one more task a click, so that each view is a new one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    view = context.new_page()
    view.goto(f"{address}/{path}")
    settled(view)
    view.get_by_role("button", name="Filters").click()
    taken: list[float] = []
    box = view.get_by_role("combobox", name="Tasks")
    for _ in range(TRIES):
        box.click()
        options = view.get_by_role("option")
        options.first.wait_for()
        taken.append(_timed(view, options.nth(1).click))  # the first is "Select all"
        view.keyboard.press("Escape")
    context.close()
    return taken


def _timed(view: Page, act: Callable[[], None]) -> float:
    """Seconds from a click until the script that it set off has ended; the address then names the filter."""
    before = view.evaluate("location.search")
    started = time.perf_counter()
    act()
    view.wait_for_function("before => location.search !== before", arg=before, timeout=60_000)
    settled(view)
    return time.perf_counter() - started


def told(values: list[float]) -> dict[str, Any]:
    """Median, 95th percentile and number of tries, seconds."""
    return {
        "p50_s": round(float(np.median(values)), 2),
        "p95_s": round(float(np.quantile(values, 0.95)), 2),
        "tries": len(values),
    }


def measure(root: Path) -> dict[str, Any]:
    """Everything, in one server and one browser."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    figures: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 1)}
    with served(root) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        steps: dict[str, Callable[[], Any]] = {
            "first_visitor_s": lambda: round(opened(browser, address, ""), 2),
            "page_first_time_s": lambda: {p: round(opened(browser, address, p), 2) for p in PAGES if p},
            "first_page": lambda: told([opened(browser, address, "") for _ in range(TRIES)]),
            "filter_change": lambda: {p: told(changes(browser, address, p)) for p in FILTERED},
        }
        for name, step in steps.items():
            figures[name] = step()
            print(name, figures[name], file=sys.stderr, flush=True)
        browser.close()
    return {**figures, "load_after": round(os.getloadavg()[0], 1)}


def main() -> None:
    """Make or find the workspace, build its facts, measure, write the result."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(KEPT) if KEPT else Path(folder) / "review"
        workspace = make(root)
        started = time.perf_counter()
        held = facts(workspace)
        ready = round(time.perf_counter() - started, 1)
        figures = {"records": SIZE, "studies": len(held.studies), "facts_s": ready, **measure(root)}
    report("dashboard", {**figures, "targets": TARGETS}, ("streamlit", "playwright"))


if __name__ == "__main__":
    main()
