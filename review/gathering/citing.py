"""`review cite`: citation searching in rounds, backward and forward, through OpenAlex.

A round starts from the included studies that no earlier round started from. What it finds goes into
the "other methods" arm of the flow with counts of its own (method rules, section 3; TARCiS statement,
https://doi.org/10.1136/bmj-2023-078384).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from corpora.errors import InputError
from corpora.formats.base import Row
from corpora.progress import Progress, silent
from corpora.registry import load
from corpora.run import Run, now
from corpora.sources.base import Search, Visit
from corpora.sources.openalex import Client, row
from corpora.sources.openalex_budget import LIST_CALL
from corpora.sources.openalex_lookup import by_ids, citing
from corpora.sources.openalex_query import HOST
from corpora.sources.openalex_work import identifier
from corpora.words import counted
from review import decisions, linking, patches
from review.gathering.harvesting import DEFAULTS, Options, service_url
from review.gathering.ingest import Outcome
from review.gathering.intake import take
from review.workspace import Workspace


def cite(
    workspace: Workspace,
    *,
    backward: bool,
    forward: bool,
    options: Options = DEFAULTS,
    progress: Progress = silent,
) -> Outcome:
    """One round of citation searching.

    Raises:
        InputError: neither direction, or no included study that was not a start before.
        BudgetError: the budget or the day's allowance is spent; a rerun goes on.

    """
    if not (backward or forward):
        raise InputError(
            "review cite: say --backward (what the studies cite), --forward (what cites them) or both"
        )
    done = [part.run for part in workspace.parts("records") if part.run.command == "cite"]
    directions = [name for name, wanted in (("backward", backward), ("forward", forward)) if wanted]
    seeds = _seeds(workspace, done, directions)
    number = 1 + max((int(run.parameters["round"]) for run in done), default=0)
    name = f"citation searching {number}"
    asked = hashlib.sha256(json.dumps([seeds, directions], sort_keys=True).encode()).hexdigest()[:16]
    folder = workspace.corpus.root / "raw" / f"cite-{asked}"
    folder.mkdir(parents=True, exist_ok=True)
    search = Search(name, "openalex", "", base_url=service_url("openalex"))
    run = Run.begin(
        "cite",
        {"search": name, "source": "openalex", "source_title": "OpenAlex", "platform": HOST,
         "kind": "citation", "round": number, "directions": directions,
         "seeds": sorted(record for ids in seeds.values() for record in ids["record"]),
         "searched": now(),
         "query": f"{' and '.join(directions)} citations of {len(seeds):,} included studies"},
        input_hash=asked,
        libraries=("httpx", "pyarrow"),
    )  # fmt: skip
    with load("sources", "openalex")().transport(search) as transport:
        client = Client(Visit(search, transport, folder, progress, options.say, options.budget))
        works, lost = _works(client, seeds)
        options.say(
            f"{name}: {counted(len(seeds), 'study')}, {len(works):,} of them in OpenAlex; a list call "
            f"costs ${LIST_CALL:.4f}"
        )
        rows = list(_found(client, works, run.account.counts, directions, progress))
    run.account.promised = len(rows)
    run.parameters["cost_usd"] = round(client.spent, 4)
    run.notes += [f"{name}: {record} has no work in OpenAlex and could not be followed" for record in lost]
    with workspace.writing("records", run) as part:
        take(workspace, part, rows, origin=name, kind="citation", ranked=True)
    return Outcome(name, run, tuple(run.notes))


Seeds = dict[str, dict[str, list[str]]]
"""Study id → its records, and their identifiers by kind."""

_COLUMNS = {"record": "record_id", "openalex": "openalex_id", "doi": "doi", "pmid": "pmid"}


def _seeds(workspace: Workspace, done: list[Run], directions: list[str]) -> Seeds:
    """Included studies that were no start in these directions before."""
    like = [run for run in done if set(directions) <= set(run.parameters["directions"])]
    clusters = linking.clusters(workspace)
    # Kept by record: a study's own id changes when another record joins it.
    started = {clusters.studies[record] for run in like for record in run.parameters["seeds"]}
    settled = decisions.settled(workspace, clusters.reports)
    last = workspace.protocol.stages[-1]
    reports = set(settled[(settled["stage"] == last) & (settled["verdict"] == "include")]["report_id"])
    seeds: Seeds = {}
    for record in patches.records(workspace, tuple(_COLUMNS.values())).to_pylist():
        study = clusters.studies[record["record_id"]]
        if clusters.reports[record["record_id"]] in reports and study not in started:
            ids = seeds.setdefault(study, {"record": [], "openalex": [], "doi": [], "pmid": []})
            for kind, column in _COLUMNS.items():
                if record[column] and record[column] not in ids[kind]:
                    ids[kind].append(record[column])
    if not seeds:
        raise InputError(
            f"review cite: no study is included at the stage {last!r} that was not a start before; "
            "screen first, or this was the last round"
        )
    return {study: {kind: sorted(held) for kind, held in ids.items()} for study, ids in sorted(seeds.items())}


def _works(client: Client, seeds: Seeds) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Works of the seeds by id, and the seeds that have none."""
    works: dict[str, dict[str, Any]] = {}
    reached: set[str] = set()
    for kind in ("openalex", "doi", "pmid"):
        # The surest identifier first; the next one only for studies that are still without a work.
        owners = {value: study for study, ids in seeds.items() if study not in reached for value in ids[kind]}
        for work in by_ids(client, kind, sorted(owners)):
            owner = owners.get(identifier(work, kind) or "")
            if owner:
                reached.add(owner)
                works[work["id"]] = work
    return works, sorted(set(seeds) - reached)


def _found(
    client: Client,
    works: dict[str, dict[str, Any]],
    counts: dict[str, int],
    directions: list[str],
    progress: Progress,
) -> Iterator[Row]:
    """Each work that is cited or cites, once; the starts themselves are left out."""
    counted: Counter[str] = Counter()
    seen = set(works)
    streams: list[tuple[str, Iterator[dict[str, Any]]]] = []
    if "backward" in directions:
        listed = (one for work in works.values() for one in work.get("referenced_works") or ())
        cited = sorted({one.rsplit("/", 1)[-1] for one in listed})
        counted["references of the studies"] = len(cited)
        streams.append(("backward", by_ids(client, "openalex", cited)))
    if "forward" in directions:
        streams.append(("forward", citing(client, sorted(work.rsplit("/", 1)[-1] for work in works))))
    done = 0
    for direction, stream in streams:
        for work in stream:
            counted[f"works {direction}"] += 1
            if work["id"] not in seen:
                seen.add(work["id"])
                yield row(work)
            done += 1
            progress("citation searching", done)
    if "backward" in directions:
        counted["references not delivered"] = counted["references of the studies"] - counted["works backward"]
    counts |= {name: count for name, count in counted.items() if count}
