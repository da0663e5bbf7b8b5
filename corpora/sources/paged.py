"""Services that give a search page after page by a cursor: one walk for all of them.

The archive holds ``plan`` (counts at each limit), ``page-000000`` and so on as they came, and
``end`` (how many records came, how many left meanwhile) once the walk has reached its end.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import httpx

from corpora.errors import HarvestError, InputError, StoreError
from corpora.formats.base import Row
from corpora.record import digest
from corpora.run import now
from corpora.sources import archive
from corpora.sources.base import Fetched, Search, Visit, is_loopback
from corpora.transport import Transport

_TRIES = 3
"""Times that a page is asked for that ends too early or walks in a circle."""

_REFUSED = (400, 404, 410)


class _Lost(Exception):  # noqa: N818
    """The cursor leads no further: the walk must begin again."""


class PagedSource(ABC):
    """A source that is walked by a cursor; what differs between services is told by subclasses.

    ``rate`` is in requests a second, ``size`` in records a page. ``first`` is the cursor of the
    first page. A service that ``remembers`` the place of a cursor gives its next page even if the
    last one was lost on the way, so that an early end there is mended by a second walk only.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    platform: ClassVar[str]
    host: ClassVar[str]
    path: ClassVar[str]
    rate: ClassVar[float]
    size: int
    first: ClassVar[str] = "*"
    method: ClassVar[str] = "GET"
    remembers: ClassVar[bool] = False

    @abstractmethod
    def question(self, search: Search) -> dict[str, str]:
        """The parameters that say what is searched: query, limits and ``since``."""

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
    def after(self, page: Any, cursor: str) -> str | None:
        """The cursor of the next page; None at the end. ``cursor`` is this page's own."""

    @abstractmethod
    def key(self, record: dict[str, Any]) -> str | None:
        """The accession of a record; None if it has none that can be read."""

    @abstractmethod
    def fields(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record as fields for `corpora.record.build`."""

    # ------------------------------------------------------------ what a Source promises

    def transport(self, search: Search) -> Transport:
        """At the service's rate; no limit for an address of this machine."""
        return Transport(None if is_loopback(search.base_url) else self.rate)

    def fetch(self, visit: Visit) -> Fetched:
        """Count at each limit, then walk; see `corpora.sources.base.Source`."""
        plan = self._plan(visit)
        try:
            end = self._walk(visit, plan)
        except _Lost:
            visit.say(f"{visit.search.name}: {self.title} lost the place of its cursor; beginning again")
            for page in pages(visit.archive):
                page.unlink()
            try:
                end = self._walk(visit, plan)
            except _Lost as error:
                raise HarvestError(
                    f"{visit.search.name}: {self.title} lost the place of its cursor twice ({error}); what "
                    f"came is kept, try again later with: review harvest {visit.search.name}"
                ) from error
        notes = []
        more = end["found"] - plan["promised"]
        if more > 0:
            notes.append(f"{visit.search.name}: {more:,} records came while it was harvested")
        details = {
            **{name: plan[name] for name in ("strategy", "counts", "searched")},
            "requests": visit.transport.requests,
            "host": visit.search.base_url or self.host,
        }
        missing = end["missing"]
        explained = {f"left {self.title} during the harvest": missing} if missing else {}
        return Fetched(end["found"] + missing, explained, details, notes)

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
        counts = []
        for used in range(len(search.limits) + 1):
            narrowed = Search(
                search.name, search.source, search.query, search.limits[:used], base_url=search.base_url
            )
            limit = search.limits[used - 1] if used else None
            counts.append({"limit": limit, "count": self._count(visit, narrowed)})
        promised = self._count(visit, search) if search.since else counts[-1]["count"]
        plan = {
            "strategy": shown(self.question(search)),
            "counts": counts,
            "promised": promised,
            "searched": now(),
        }
        archive.keep_json(path, plan)
        return plan

    def _walk(self, visit: Visit, plan: dict[str, Any]) -> dict[str, int]:
        """Fetch what is not archived; gives the number of records that came and that are explained."""
        path = visit.archive / "end.json.gz"
        held: dict[str, int] | None = archive.held_json(path)
        if held is not None:
            return held
        seen: set[str] = set()
        cursor: str | None = self.first
        place = 0
        while cursor is not None:
            file = visit.archive / f"page-{place:06d}.json.gz"
            page = _page(file) if file.exists() else self._next(visit, plan, cursor, seen, file)
            seen |= self._keys(page)
            visit.progress(f"harvesting {visit.search.name}", len(seen), plan["promised"])
            cursor, place = self.after(page, cursor), place + 1
        end = {"found": len(seen), "missing": max(plan["promised"] - len(seen), 0)}
        archive.keep_json(path, end)
        return end

    def _next(self, visit: Visit, plan: dict[str, Any], cursor: str, seen: set[str], file: Path) -> Any:
        """One new page, archived unless it ends too early or brings nothing new and yet goes on."""
        promised = plan["promised"]
        said = ""
        for _ in range(_TRIES):
            body = self._ask(visit, visit.search, cursor)
            page = json.loads(body)
            keys = self._keys(page)
            if self.after(page, cursor) is not None:
                if keys - seen:
                    archive.keep(file, body)
                    return page
                said = f"the page at cursor {cursor!r} brought nothing new"
                continue
            found = len(seen | keys)
            # Counted again only if it does not add up: records may have left meanwhile.
            again = promised if found >= promised else self._count(visit, visit.search)
            if found >= again:
                archive.keep(file, body)
                return page
            said = f"it promised {promised:,} records, gave {found:,}, and now promises {again:,}"
            if self.remembers:
                raise _Lost(said)
        raise HarvestError(
            f"{visit.search.name}: {self.title} does not add up: {said}; the pages before it are kept, go on "
            f"later with: review harvest {visit.search.name}, or start afresh with --restart"
        )

    def _count(self, visit: Visit, search: Search) -> int:
        return self.count(json.loads(self._ask(visit, search, None)))

    def _ask(self, visit: Visit, search: Search, cursor: str | None) -> bytes:
        """One answer, whole and of the form that was promised."""
        parameters = self.question(search) | self.paging(cursor)

        def judge(answer: httpx.Response) -> str | None:
            if answer.status_code in _REFUSED and cursor not in (None, self.first):
                raise _Lost(f"HTTP {answer.status_code}: {answer.text[:200].strip()!r}")
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
            return visit.transport.send("GET", url, params=parameters, judge=judge).content
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        data = urlencode(parameters).encode()
        return visit.transport.send(self.method, url, data=data, headers=form, judge=judge).content

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
