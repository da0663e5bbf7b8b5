"""`review demo`: the whole product in small, on a SIMULATED literature, offline.

A server on this machine answers as PubMed and OpenAlex do; the real harvesters, the real duplicate
linking, taggers, flow and figures run over it. Labels to learn from and screening decisions come
from the simulator's truth and are marked as its own.
"""

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpora.errors import InputError
from corpora.files import write_whole
from corpora.progress import Progress, silent
from corpora.record import text_hash
from corpora.simulator.literature import Literature, simulate
from corpora.simulator.server import OPENALEX_QUERY, PUBMED_QUERY, serve
from review import linking, pipeline
from review.decisions import decide_all
from review.protocol import FILE
from review.templates import read_file
from review.workspace import Workspace

REVIEWER = "simulated-reviewer"
_TAUGHT = 0.3
"""Share of studies whose true labels the linear tagger may learn from."""

_EXCLUDED = {"out_of_scope": "topic or medicine", "opinion": "no work of its own"}


def demo(
    folder: Path,
    *,
    records: int = 2000,
    seed: int = 42,
    progress: Progress = silent,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Make a workspace in ``folder`` and run everything; a rerun goes on where it stopped."""
    began = time.monotonic()
    say(f"Simulating a literature of {records:,} records (seed {seed}). Nothing of it is real.")
    literature = simulate(records, seed)
    workspace = _workspace(folder, records, seed)
    with serve(literature) as service, _addresses(service.url):
        for event in _gather(workspace, progress):
            say(event.sentence())
        _teach(workspace, literature, seed)
        _confirm(workspace, literature)
        _screen(workspace, literature)
        for event in pipeline.run(workspace, progress):
            if event.failed:
                raise event.failed
            if event.outcome:
                say(event.sentence())
                for note in event.notes:
                    say(f"  {note}")
    figures = workspace.root / "figures"
    seconds = round(time.monotonic() - began)
    say("")
    say(f"Done in {seconds} s. The literature is SIMULATED; its numbers mean nothing.")
    say(f"Figures, each with its table (CSV) and its inputs (JSON): {figures}")
    # The very command that was called: the environment's folder need not be on the PATH.
    program = "review" if shutil.which("review") else sys.argv[0]
    say(f"Dashboard:  {program} dashboard -w {folder}")
    say(f"What else:  {program} status -w {folder}")
    return {"workspace": str(workspace.root), "figures": str(figures), "seconds": seconds,
            "simulated": True}  # fmt: skip


def _workspace(folder: Path, records: int, seed: int) -> Workspace:
    text = read_file("demo.toml").format(
        records=records, seed=seed, pubmed_query=PUBMED_QUERY, openalex_query=OPENALEX_QUERY
    )
    if not (folder / FILE).exists():
        return Workspace.create(folder, text)
    if (folder / FILE).read_text("utf-8") != text:
        raise InputError(
            f"{folder}: holds another workspace, or a demonstration of another size or seed; "
            "name a new folder"
        )
    return Workspace(folder.resolve())


@contextmanager
def _addresses(url: str) -> Iterator[None]:
    """The harvesters find the simulated services by the environment, as they would a mirror."""
    names = ("LITSCALE_PUBMED_URL", "LITSCALE_OPENALEX_URL")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, url))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _gather(workspace: Workspace, progress: Progress) -> Iterator[pipeline.Event]:
    """The steps up to the linking of duplicates."""
    for step in pipeline.steps(workspace):
        if step.name.startswith(("harvest", "dedupe")):
            yield pipeline.Event(step.name, step.act(progress) if step.why else None)
        if step.name == "dedupe":
            return


def _truth(workspace: Workspace, literature: Literature) -> dict[str, dict[str, Any]]:
    """Record id → the simulator's truth about it."""
    known = {(one["source"], one["source_key"]): one for one in literature.truth()}
    table = workspace.corpus.records(["record_id", "source", "source_key"]).to_pylist()
    return {row["record_id"]: known[row["source"], row["source_key"]] for row in table}


def _teach(workspace: Workspace, literature: Literature, seed: int) -> None:
    """Write the true labels of some studies as the file that the protocol trains on."""
    path = workspace.root / "labels.jsonl"
    if path.exists():
        return
    truth = _truth(workspace, literature)
    studies = sorted({one["study"] for one in truth.values()})
    rng = random.Random(seed)  # noqa: S311
    taught = set(rng.sample(studies, max(int(len(studies) * _TAUGHT), 1)))
    hidden = ("source", "source_key", "study", "report")
    lines = [
        json.dumps({"record_id": record, **{k: v for k, v in one.items() if k not in hidden}})
        for record, one in sorted(truth.items())
        if one["study"] in taught
    ]
    write_whole(path, ("\n".join(lines) + "\n").encode())


def _confirm(workspace: Workspace, literature: Literature) -> None:
    """Speak on every link of a study that the machine suggests, as ``simulated-reviewer``."""
    truth = _truth(workspace, literature)
    rows = [
        {
            "left_id": left,
            "right_id": right,
            "kind": "same_study",
            "verdict": "match" if truth[left]["study"] == truth[right]["study"] else "not",
            "person": REVIEWER,
        }
        for left, right in linking.to_confirm(workspace)
    ]
    workspace.ledger.append_all("links", rows)


def _screen(workspace: Workspace, literature: Literature) -> None:
    """Decide every report by its true scope, as the reviewer ``simulated-reviewer``."""
    if workspace.frozen() is None:
        workspace.freeze()
    done = {row["record_id"] for row in workspace.ledger.current("decisions")}
    truth = _truth(workspace, literature)
    texts = {
        row["record_id"]: text_hash(row["title"], row["abstract"])
        for row in workspace.corpus.records(["record_id", "title", "abstract"]).to_pylist()
    }
    reports = sorted(set(linking.clusters(workspace).reports.values()) - done)
    rows = []
    for report in reports:
        scope = truth[report]["scope"]
        verdict = "exclude" if scope in _EXCLUDED else "include"
        rows.append(
            {"record_id": report, "verdict": verdict, "reason": _EXCLUDED.get(scope),
             "text_hash": texts[report]}
        )  # fmt: skip
    decide_all(workspace, rows, stage="title-abstract", reviewer=REVIEWER)
