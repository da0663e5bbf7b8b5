"""Services that give a search page after page by a cursor: one walk for all of them.

The archive holds ``plan`` (counts at each limit) and ``page-000000`` and so on as they came.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from corpora.errors import HarvestError, InputError, StoreError
from corpora.formats.base import Row
from corpora.record import Record, digest
from corpora.run import now
from corpora.sources import archive
from corpora.sources.base import Fetched, Search, Visit, transport_at
from corpora.transport import Transport
from corpora.words import counted

_TRIES = 3
"""Times that a page is asked for that ends too early or walks in a circle."""

_REFUSED = (400, 404, 410)


class _Lost(HarvestError):
    """The cursor leads no further: the walk must begin again."""

    def __init__(self, search: Search, title: str, said: str) -> None:
        super().__init__(f"{search.name}: {title} lost the place of its cursor: {said}")


class PagedSource(ABC):
    """A source that is walked by a cursor; what differs between services is told by subclasses.

    ``rate`` is in requests a second, ``size`` in records a page. ``first`` is the cursor of the
    first page. A service that ``remembers`` the place of a cursor gives its next page even if the
    last one was lost on the way, so that an early end there is mended by a second walk only.
    """

    name: str
    title: str
    platform: str
    kind: str = "database"
    host: str
    path: str
    rate: float
    size: int
    first: str = "*"
    method: str = "GET"
    remembers: bool = False

    @abstractmethod
    def question(self, search: Search) -> dict[str, str]:
        """The parameters that say what is searched: query, limits and ``since``."""

    @abstractmethod
    def lookups(self, paper: Record) -> list[str]:
        """Queries of which one finds the paper if the service has it."""

    @abstractmethod
    def paging(self, cursor: str | None) -> dict[str, str]:
        """The parameters that say which page; None asks for the count alone."""

    @abstractmethod
    def count(self, page: Any) -> int:
        """The service's promise, in the answer to a question for the count."""

    @abstractmethod
    def records(self, page: Any) -> list[dict[str, Any]]:
        """The records of a page; KeyError, TypeError or ValueError if it is none."""

    @abstractmethod
    def after(self, page: Any) -> str | None:
        """The cursor of the next page; None at the end."""

    @abstractmethod
    def key(self, record: dict[str, Any]) -> str | None:
        """The accession of a record; None if it has none that can be read."""

    @abstractmethod
    def fields(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record as fields for `corpora.record.build`."""

    # ------------------------------------------------------------ what a Source promises

    def transport(self, search: Search) -> Transport:
        """At the service's rate; no limit for an address of this machine."""
        return transport_at(search, self.rate)

    def fetch(self, visit: Visit) -> Fetched:
        """Count at each limit, then walk; see `corpora.sources.base.Source`."""
        plan = self._plan(visit)
        try:
            found = self._walk(visit, plan)
        except _Lost as error:
            visit.say(f"{error}; beginning again")
            for page in reversed(pages(visit.archive)):
                page.unlink()
            found = self._walk(visit, plan)
        notes = []
        # A last page is kept only if what is missing then was explained by a second count.
        missing = max(plan["promised"] - found, 0)
        if found > plan["promised"]:
            more = found - plan["promised"]
            notes.append(f"{visit.search.name}: {counted(more, 'record')} came while it was harvested")
        details = {
            **{name: plan[name] for name in ("strategy", "counts", "searched")},
            "requests": visit.transport.requests,
            "host": visit.search.base_url or self.host,
        }
        explained = {f"left {self.title} during the harvest": missing} if missing else {}
        return Fetched(found + missing, explained, details, notes)

    def holds(self, search: Search, transport: Transport, paper: Record) -> bool:
        """Asked by identifier, else title; see `corpora.sources.base.Source`."""
        asked = (replace(search, query=query, limits=(), since=None) for query in self.lookups(paper))
        return any(self._count(transport, one) for one in asked)

    def rows(self, archive: Path) -> Iterator[Row]:
        """Every record once; see `corpora.sources.base.Source`."""
        seen: set[str] = set()
        for path in pages(archive):
            for record in self.records(_page(path)):
                if (key := self._known(record)) not in seen:
                    seen.add(key)
                    yield self.row(record)

    def row(self, record: dict[str, Any]) -> Row:
        """One record; one without an accession, or that cannot be read, is refused and kept raw."""
        key = self.key(record)
        try:
            made = self.fields(record) if key else {}
            refused = None if key else f"no {self.title} accession"
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            made, refused = {}, f"cannot be read: {type(error).__name__}: {error}"
        if refused:
            return Row(0, refused=refused, raw=json.dumps(record, ensure_ascii=False), key=key or "")
        named = {"accession": key, **made}
        return Row(0, {name: value for name, value in named.items() if value not in (None, "", [])})

    # ------------------------------------------------------------ the walk

    def _plan(self, visit: Visit) -> dict[str, Any]:
        """What is to be fetched: made once and kept, so that a rerun goes on with it."""
        path = visit.archive / "plan.json.gz"
        held: dict[str, Any] | None = archive.held_json(path)
        if held is not None:
            return held
        search = visit.search
        counts: list[dict[str, Any]] = []
        for used in range(len(search.limits) + 1):
            narrowed = replace(search, limits=search.limits[:used], since=None)
            limit = search.limits[used - 1] if used else None
            counts.append({"limit": limit, "count": self._count(visit.transport, narrowed)})
        promised: int = self._count(visit.transport, search) if search.since else counts[-1]["count"]
        plan = {
            "strategy": shown(self.question(search)),
            "counts": counts,
            "promised": promised,
            "searched": now(),
        }
        visit.say(
            f"{search.name}: {counted(promised, 'record')} in {counted(-(-promised // self.size), 'page')}"
        )
        archive.keep_json(path, plan)
        return plan

    def _walk(self, visit: Visit, plan: dict[str, Any]) -> int:
        """Fetch what is not archived; gives the number of records that came."""
        seen: set[str] = set()
        cursor: str | None = self.first
        place = 0
        while cursor is not None:
            file = visit.archive / f"page-{place:06d}.json.gz"
            page = _page(file) if file.exists() else self._next(visit, plan, cursor, seen, file)
            seen |= self._keys(page)
            visit.progress(f"harvesting {visit.search.name}", len(seen), plan["promised"])
            cursor, place = self._following(page, cursor), place + 1
        return len(seen)

    def _next(self, visit: Visit, plan: dict[str, Any], cursor: str, seen: set[str], file: Path) -> Any:
        """One new page, archived unless it ends too early or brings nothing new and yet goes on."""
        promised = plan["promised"]
        said = ""
        for _ in range(_TRIES):
            body = self._ask(visit.transport, visit.search, cursor)
            page = json.loads(body)
            keys = self._keys(page)
            if self._following(page, cursor) is not None:
                if keys - seen:
                    archive.keep(file, body)
                    return page
                said = f"the page at cursor {cursor!r} brought nothing new"
                continue
            found = len(seen | keys)
            # Counted again only if it does not add up: records may have left meanwhile.
            again = promised if found >= promised else self._count(visit.transport, visit.search)
            if found >= again:
                archive.keep(file, body)
                return page
            said = f"it promised {counted(promised, 'record')}, gave {found:,}, and now promises {again:,}"
            if self.remembers:
                raise _Lost(visit.search, self.title, said)
        raise HarvestError(
            f"{visit.search.name}: {self.title} does not add up: {said}; the pages before it are kept, go on "
            f"later with: review harvest {visit.search.name}, or start afresh with --restart"
        )

    def _following(self, page: Any, cursor: str) -> str | None:
        """The cursor after this one; a cursor that repeats itself is the end, unless it remembers."""
        following = self.after(page)
        return None if following == cursor and not self.remembers else following

    def _count(self, transport: Transport, search: Search) -> int:
        return self.count(json.loads(self._ask(transport, search, None)))

    def _ask(self, transport: Transport, search: Search, cursor: str | None, **more: str) -> bytes:
        """One answer, whole and of the form that was promised; ``more`` are further parameters."""
        parameters = self.question(search) | self.paging(cursor) | more

        def judge(answer: httpx.Response) -> str | None:
            if answer.status_code in _REFUSED and cursor not in (None, self.first):
                told = f"HTTP {answer.status_code}: {answer.text[:200].strip()!r}"
                raise _Lost(search, self.title, told)
            if not answer.is_success:
                return None
            try:
                page = json.loads(answer.content)
                _ = self.count(page) if cursor is None else self._keys(page)
            except (ValueError, LookupError, TypeError, AttributeError):
                return f"{self.title}: not a page of records: {answer.content[:200]!r}"
            return None

        url = (search.base_url or self.host).rstrip("/") + self.path
        if self.method == "GET":
            return transport.send("GET", url, params=parameters, judge=judge).content
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        data = urlencode(parameters).encode()
        return transport.send(self.method, url, data=data, headers=form, judge=judge).content

    def _keys(self, page: Any) -> set[str]:
        return {self._known(record) for record in self.records(page)}

    def _known(self, record: dict[str, Any]) -> str:
        """What tells a record from others: its accession, else its content."""
        return self.key(record) or digest(json.dumps(record, sort_keys=True))


def pages(folder: Path) -> list[Path]:
    """The archived pages, in the order of the walk."""
    return sorted(folder.glob("page-??????.json.gz"))


def shown(question: Mapping[str, str]) -> str:
    """A question as a report of the search prints it.

    >>> shown({"query": "cats"}), shown({"query.term": "cats", "filter.advanced": "AREA[Phase]PHASE3"})
    ('cats', 'query.term=cats; filter.advanced=AREA[Phase]PHASE3')
    """
    if len(question) == 1:
        return next(iter(question.values()))
    return "; ".join(f"{name}={value}" for name, value in question.items())


def quoted(text: str) -> str:
    """A title as a phrase to search for.

    >>> quoted('The "new" way.')
    '"The new way"'
    """
    return f'"{" ".join(text.replace(chr(34), " ").split()).rstrip(".")}"'


def day(text: str) -> str:
    """A day of ``since`` as YYYY-MM-DD.

    Raises:
        InputError: it is none.

    """
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise InputError(f"--since {text!r}: write a date as YYYY-MM-DD") from error


def _page(path: Path) -> dict[str, Any]:
    held = archive.held_json(path)
    if not isinstance(held, dict):
        raise StoreError(f"{path}: is no archived page; delete it and harvest again")
    return held
