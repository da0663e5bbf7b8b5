"""What a source is: a query goes in; answers are archived, then read as rows with an account.

A harvest has two halves. `Source.fetch` talks to the service and archives every raw answer;
`Source.rows` reads the archive and needs no service, so that a run can be parsed again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from corpora.formats.base import Row
from corpora.progress import Progress, silent
from corpora.record import Record
from corpora.transport import LOOPBACK, Transport


@dataclass(frozen=True, slots=True)
class Search:
    """One search of the protocol: its name there, the source, the strategy as written.

    ``limits`` are added to the query one after the other, and the hits are counted before and
    after each (PRISMA-S item 9). ``since`` (YYYY-MM-DD) asks only for what came or changed from
    that day on. ``base_url`` replaces the service's own address (a mirror, or the simulator).
    """

    name: str
    source: str
    query: str
    limits: tuple[str, ...] = ()
    base_url: str | None = None
    accept_warnings: bool = False
    since: str | None = None


def _quiet(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a source works with while it fetches.

    ``archive`` is a folder of this search and round alone; ``say`` tells the user something at
    once (a cost, a number of slices); ``budget`` is the most that may be spent, in US dollars.
    """

    search: Search
    transport: Transport
    archive: Path
    progress: Progress = silent
    say: Callable[[str], None] = _quiet
    budget: float | None = None


@dataclass(slots=True)
class Fetched:
    """What lies in the archive when a fetch has ended; stored there, so it must be plain JSON.

    ``promised`` is the service's own count; ``explained`` counts records that the service
    itself took back meanwhile, by reason; ``details`` is kept in the run (translation of the
    query, counts at each limit, slices, cost); ``notes`` are sentences for the user.
    """

    promised: int
    explained: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def is_loopback(url: str | None) -> bool:
    """Whether an address is this machine's own.

    >>> is_loopback("http://127.0.0.1:8000/works"), is_loopback(None)
    (True, False)
    """
    return urlsplit(url or "").hostname in LOOPBACK


def transport_at(search: Search, rate: float) -> Transport:
    """A transport at a service's own rate; an address of this machine need not be spared."""
    return Transport(None, pause=0.05) if is_loopback(search.base_url) else Transport(rate)


class Source(Protocol):
    """A service behind the entry-point group ``litscale.sources``; made without arguments.

    ``title`` and ``platform`` are the names that a report of the search prints; ``kind`` is
    ``database`` or ``register`` (PRISMA 2020 counts them apart).
    """

    name: str
    title: str
    platform: str
    kind: str

    def transport(self, search: Search) -> Transport:
        """A transport at the service's own rate; none applies to an address of this machine."""
        ...

    def fetch(self, visit: Visit) -> Fetched:
        """Archive everything the search finds.

        Answers that are in the archive are not asked for again, so a killed fetch goes on where
        it stopped.

        Raises:
            TransportError: the service did not answer as it promised, after all tries.
            BudgetError: the day's allowance, or the user's limit, is spent; the archive is kept.
            HarvestError: promised and delivered records do not add up.

        """
        ...

    def holds(self, search: Search, transport: Transport, paper: Record) -> bool:
        """Whether the service has this paper at all, whatever the search finds."""
        ...

    def rows(self, archive: Path) -> Iterator[Row]:
        """Rows of a fetched archive, each source key once, in any order; ``number`` is not used.

        What was promised and did not come, or cannot be read, is a refused row.
        """
        ...
