"""`review search-check`: does the strategy find the papers that it must find?

For each known paper and each search: found; missed by the strategy (the service has it, the search
does not find it); absent from the source (the service does not have it); or not asked, where the
search is a file that somebody exported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import InputError
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import Record, build, key_text
from corpora.registry import load
from corpora.sources.base import Search, Source
from review import patches
from review.gathering.harvesting import service_url
from review.workspace import Workspace

FOUND, MISSED, ABSENT, NOT_ASKED = (
    "found",
    "missed by the strategy",
    "absent from the source",
    "not found here",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """One known paper: ``row`` in its file, and what became of it in each search."""

    row: int
    title: str
    identifier: str
    by_search: Mapping[str, str]

    @property
    def found(self) -> bool:
        """Whether any search found it."""
        return FOUND in self.by_search.values()

    def said(self) -> str:
        """``missed by the strategy (pubmed); absent from the source (openalex)``."""
        return "; ".join(f"{state} ({search})" for search, state in self.by_search.items())

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"row": self.row, "title": self.title, "identifier": self.identifier,
                "found": self.found, "searches": dict(self.by_search)}  # fmt: skip


def check(workspace: Workspace, path: Path, progress: Progress = silent) -> list[Checked]:
    """Check every paper of a file in any format that can be imported.

    Raises:
        InputError: the file holds no paper that could be told apart, or nothing was searched yet.
        TransportError: a service that must be asked does not answer.

    """
    papers = [
        (row.number, build(row.fields, source="known"))
        for row in open_file(path).rows
        if row.refused is None
        and (row.fields.get("title") or row.fields.get("doi") or row.fields.get("pmid"))
    ]
    if not papers:
        raise InputError(f"{path}: no paper with a title, DOI or PMID in it")
    brought = _brought(workspace)
    if not brought:
        raise InputError(
            f"{workspace.root}: nothing was harvested or imported yet, so nothing can be checked"
        )
    known = _Known(workspace)
    checked = []
    services = _services(workspace)
    try:
        for done, (number, paper) in enumerate(papers, 1):
            records = known.of(paper)
            states = {}
            for search, ids in brought.items():
                if records & ids:
                    states[search] = FOUND
                elif search in services:
                    states[search] = MISSED if services[search].holds(paper) else ABSENT
                else:
                    states[search] = NOT_ASKED
            identifier = paper.doi or (f"PMID {paper.pmid}" if paper.pmid else "")
            checked.append(Checked(number, paper.title or "", identifier, states))
            progress("checking known papers", done, len(papers))
    finally:
        for service in services.values():
            service.transport.close()
    return checked


def summary(checked: Iterable[Checked]) -> dict[str, dict[str, int]]:
    """Search → state → how many papers."""
    counts: dict[str, dict[str, int]] = {}
    for paper in checked:
        for search, state in paper.by_search.items():
            states = counts.setdefault(search, dict.fromkeys((FOUND, MISSED, ABSENT, NOT_ASKED), 0))
            states[state] += 1
    return counts


def table(checked: list[Checked]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows for a terminal: a row a search."""
    columns = ["search", FOUND, MISSED, ABSENT, NOT_ASKED]
    return columns, [(search, *states.values()) for search, states in summary(checked).items()]


class _Service:
    """A search whose service can be asked for a single paper."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._source: Source = load("sources", search.source)()
        self.transport = self._source.transport(search)

    def holds(self, paper: Record) -> bool:
        return self._source.holds(self._search, self.transport, paper)


def _services(workspace: Workspace) -> dict[str, _Service]:
    return {
        item.name: _Service(
            Search(item.name, item.source, item.query, base_url=service_url(item.source, item.base_url))
        )
        for item in workspace.protocol.search
    }


def _brought(workspace: Workspace) -> dict[str, set[str]]:
    """Search → the records that it brought, in any of its runs."""
    table = workspace.corpus.table("records", "retrievals", ["record_id", "search"])
    found: dict[str, set[str]] = {}
    for record, search in zip(table["record_id"].to_pylist(), table["search"].to_pylist(), strict=True):
        found.setdefault(search, set()).add(record)
    return found


class _Known:
    """The corpus by identifier and by title."""

    def __init__(self, workspace: Workspace) -> None:
        self._held: dict[tuple[str, str], set[str]] = {}
        columns = ("record_id", "doi", "pmid", "openalex_id", "title")
        for row in patches.records(workspace, columns).to_pylist():
            for key in _keys(row):
                self._held.setdefault(key, set()).add(row["record_id"])

    def of(self, paper: Record) -> set[str]:
        """Records of the same document: by an identifier, else by the whole title."""
        keys = _keys({name: getattr(paper, name) for name in ("doi", "pmid", "openalex_id", "title")})
        return set().union(*(self._held.get(key, set()) for key in keys))


def _keys(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    keys = [(name, str(row[name])) for name in ("doi", "pmid", "openalex_id") if row[name]]
    title = key_text(row["title"])
    # A short title ("Editorial") is the title of many.
    return [*keys, ("title", title)] if len(title) >= 20 else keys
