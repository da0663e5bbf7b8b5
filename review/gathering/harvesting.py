"""Searches of services into the corpus: fetched, resumed, parsed, subtracted from what is held.

Each search keeps its raw answers in ``corpus/raw/<search>/<round>/``. A round that no committed run
names is unfinished, and the next harvest goes on with it; otherwise the whole strategy is run anew.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpora import words
from corpora.errors import HarvestError, InputError, UnaccountedError
from corpora.formats.base import Row
from corpora.progress import Progress, silent
from corpora.record import source_name
from corpora.registry import load, unknown
from corpora.run import Run
from corpora.sources import archive, pubmed_files
from corpora.sources.base import Fetched, Search, Source, Visit
from corpora.sources.openalex_snapshot import Snapshot
from review import protocol as protocols
from review.gathering.ingest import Outcome
from review.gathering.intake import take
from review.workspace import Workspace


def _mute(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a harvest is run.

    ``budget`` in US dollars; ``since`` asks only for what came or changed from that day on;
    ``restart`` throws an unfinished round away; ``reparse`` reads the newest finished round again
    without the service; ``say`` tells the user something at once.
    """

    budget: float | None = None
    since: str | None = None
    accept_warnings: bool = False
    restart: bool = False
    reparse: bool = False
    say: Callable[[str], None] = _mute


DEFAULTS = Options()

_FILES_OF_PUBMED = {
    "kind": "database", "source_title": "PubMed", "platform": "baseline and update files",
}  # fmt: skip
_FILES_OF_OPENALEX = {"kind": "database", "source_title": "OpenAlex", "platform": "snapshot"}


def harvest_all(
    workspace: Workspace,
    name: str | None = None,
    options: Options = DEFAULTS,
    progress: Progress = silent,
) -> list[Outcome]:
    """Run one search of the protocol, or all of them."""
    return list(harvest_each(workspace, name, options, progress))


def harvest_each(
    workspace: Workspace,
    name: str | None = None,
    options: Options = DEFAULTS,
    progress: Progress = silent,
) -> Iterator[Outcome]:
    """As `harvest_all`, giving each outcome as soon as it is committed."""
    searches = {search.name: search for search in workspace.protocol.search}
    if name is not None and name not in searches:
        raise unknown("search", name, searches)
    if not searches:
        raise InputError(
            f"{workspace.protocol_path}: no [[search]] in the protocol, so there is nothing to "
            "harvest; add one, or import files"
        )
    chosen = [searches[name]] if name else searches.values()
    for search in chosen:
        yield harvest(workspace, search, options, progress)


def harvest(
    workspace: Workspace,
    item: protocols.Search,
    options: Options = DEFAULTS,
    progress: Progress = silent,
) -> Outcome:
    """Run one search of the protocol against its service; goes on with an unfinished round.

    Raises:
        TransportError: the service failed for good; what came is kept.
        BudgetError: the budget or the day's allowance is spent; what came is kept.
        UnaccountedError: promised, delivered, refused and explained do not add up.

    """
    source: Source = load("sources", item.source)()
    search = _search(workspace, item, options)
    folder = _round(workspace, item, options)
    run = _begin(workspace, item, search, folder, source)
    fetched = archive.closed(folder)
    if fetched is None:
        if options.reparse:
            raise InputError(f"{item.name}: {folder} was never finished; harvest it first")
        with source.transport(search) as transport:
            visit = Visit(search, transport, folder, progress, options.say, options.budget)
            fetched = source.fetch(visit)
        archive.close(folder, fetched)
    return settle(workspace, item, run, fetched, source.rows(folder), progress)


def harvest_pubmed_files(workspace: Workspace, folder: Path, progress: Progress = silent) -> Outcome:
    """Take PubMed's baseline and update files from a folder: everything in them, no query.

    Raises:
        FormatError: a file differs from its md5 or is cut off; nothing is taken.

    """
    fetched = pubmed_files.check(folder, progress)
    name = f"pubmed-xml:{folder.resolve().name}"
    item = protocols.Search(name="pubmed files", source="pubmed", query="(all records of the files)")
    run = Run.begin(
        "harvest",
        _said(item) | {"search": name, "bulk": folder.name, **_FILES_OF_PUBMED},
        libraries=("lxml", "pyarrow"),
    )
    held = set(workspace.corpus.table("records", "records", ["pmid"])["pmid"].to_pylist())
    gone = held & set(fetched.details["deleted_pmids"])
    if gone:
        fetched.notes.append(f"{name}: PubMed deleted {words.counted(len(gone), 'held record')}; kept here")
    return settle(workspace, item, run, fetched, pubmed_files.rows(folder), progress)


def harvest_snapshot(
    workspace: Workspace, folder: Path, name: str | None = None, progress: Progress = silent
) -> Outcome:
    """Run one OpenAlex search of the protocol over a snapshot's files instead of the service.

    Raises:
        InputError: no such search, or a filter that cannot be applied to files.
        HarvestError: files of the snapshot are missing.

    """
    known = {search.name: search for search in workspace.protocol.search if search.source == "openalex"}
    if name is None and len(known) == 1:
        name = next(iter(known))
    if name not in known:
        raise InputError(
            f"--openalex-snapshot: name one of the protocol's OpenAlex searches: {', '.join(known) or 'none'}"
        )
    item = known[name]
    search = Search(item.name, item.source, item.query, item.limits)
    run = Run.begin(
        "harvest",
        _said(item) | {"search": item.name, "bulk": folder.name, **_FILES_OF_OPENALEX},
        input_hash=search_hash(item),
        libraries=("duckdb", "pyarrow"),
    )
    with tempfile.TemporaryDirectory(dir=workspace.root) as temporary:
        snapshot = Snapshot(folder, search, Path(temporary))
        fetched = snapshot.check(progress)
        return settle(workspace, item, run, fetched, snapshot.rows(), progress)


def settle(
    workspace: Workspace,
    item: protocols.Search,
    run: Run,
    fetched: Fetched,
    rows: Iterator[Row],
    progress: Progress = silent,
) -> Outcome:
    """Build records of what was fetched and commit them with their account."""
    run.parameters["details"] = fetched.details
    run.account.promised = fetched.promised
    run.account.explained = dict(fetched.explained)
    run.notes.extend(fetched.notes)

    def counted() -> Iterator[Row]:
        for done, row in enumerate(rows, 1):
            yield row
            if done % 500 == 0:
                progress(f"reading {item.name}", done, fetched.promised)
        progress(f"reading {item.name}", 1, 1)

    with workspace.writing("records", run) as part:
        take(workspace, part, counted(), origin=item.name, kind=run.parameters["kind"], ranked=True)
        if run.account.unaccounted:
            raise UnaccountedError(
                f"{item.name}: {item.source} promised {fetched.promised:,} records, "
                f"{run.account.delivered:,} came, {run.account.refused:,} were refused and "
                f"{sum(fetched.explained.values()):,} explained: {run.account.unaccounted:,} are missing; "
                f"nothing was committed, run: review harvest {item.name} --restart"
            )
    return Outcome(item.name, run, tuple(run.notes))


def harvested(workspace: Workspace, item: protocols.Search) -> Run | None:
    """The newest whole run of exactly this search, if there is one."""
    runs = [run for run in runs_of(workspace, item) if not run.parameters.get("since")]
    return runs[-1] if runs else None


def runs_of(workspace: Workspace, item: protocols.Search) -> list[Run]:
    """Committed runs of exactly this search (name, source, query, limits), oldest first."""
    key = search_hash(item)
    return [
        part.run
        for part in workspace.parts("records")
        if part.run.command == "harvest" and part.run.input_hash == key
    ]


def search_hash(item: protocols.Search) -> str:
    """Names a search by what is asked of whom."""
    limits = "".join(f"\n{limit}" for limit in item.limits)
    return hashlib.sha256(f"{item.source}\n{item.name}\n{item.query}{limits}".encode()).hexdigest()[:16]


def _said(item: protocols.Search) -> dict[str, Any]:
    """What the protocol says of a search; an address is no part of it."""
    return item.model_dump(exclude={"base_url"}, exclude_none=True)


def service_url(source: str, given: str | None = None) -> str | None:
    """A service's address: the protocol's, else ``LITSCALE_<SOURCE>_URL``, else its own (None)."""
    return given or os.environ.get(f"LITSCALE_{source.upper()}_URL")


def _search(workspace: Workspace, item: protocols.Search, options: Options) -> Search:
    if options.since and harvested(workspace, item) is None:
        raise HarvestError(
            f"{item.name}: a window needs an earlier run of the very same strategy, and there is none "
            "(it was never run, or query or limits changed since); run it whole, without --since"
        )
    return Search(
        item.name,
        item.source,
        item.query,
        item.limits,
        service_url(item.source, item.base_url),
        accept_warnings=item.accept_warnings or options.accept_warnings,
        since=options.since,
    )


def _begin(workspace: Workspace, item: protocols.Search, search: Search, folder: Path, source: Source) -> Run:
    known = {"kind": source.kind, "source_title": source.title, "platform": source.platform} | _said(item)
    parameters = {**known, "search": item.name, "since": search.since,
                  "archive": folder.relative_to(workspace.corpus.root).as_posix()}  # fmt: skip
    return Run.begin(
        "harvest",
        {name: value for name, value in parameters.items() if value is not None},
        input_hash=search_hash(item),
        libraries=("httpx", "pyarrow", "biopython", "pyalex"),
    )


def _round(workspace: Workspace, item: protocols.Search, options: Options) -> Path:
    """The archive to work in: the unfinished one of this search and window, else a new one."""
    window = f"-since-{options.since[:10]}" if options.since else ""
    home = workspace.corpus.root / "raw" / f"{source_name(item.name)}-{search_hash(item)[:8]}{window}"
    finished = {run.parameters.get("archive") for run in runs_of(workspace, item)}
    rounds = sorted(path for path in home.glob("*Z") if path.is_dir())
    if options.reparse:
        done = [path for path in rounds if path.relative_to(workspace.corpus.root).as_posix() in finished]
        if not done:
            raise InputError(f"{item.name}: no finished harvest is archived, so none can be parsed again")
        return done[-1]
    for path in rounds:
        if path.relative_to(workspace.corpus.root).as_posix() not in finished:
            if not options.restart:
                return path
            shutil.rmtree(path)
    made = home / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    made.mkdir(parents=True)
    return made
