"""What a source is: a query goes in, rows and an account come out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from corpora.formats.base import Row
from corpora.progress import Progress
from corpora.transport import Transport


@dataclass(frozen=True, slots=True)
class Search:
    """One search of the protocol: its name there, the source, the strategy as written.

    ``base_url`` replaces the service's own address (a mirror, or the simulator).
    """

    name: str
    source: str
    query: str
    base_url: str | None = None
    accept_warnings: bool = False


@dataclass(slots=True)
class Harvest:
    """What a source brought: ``rows`` in the order of their source keys.

    ``promised`` is the service's own count; ``details`` is kept in the run (translation of the
    query, requests, cost); ``notes`` are sentences for the user.
    """

    promised: int
    rows: Iterable[Row]
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def is_loopback(url: str | None) -> bool:
    """Whether an address is this machine's own.

    >>> is_loopback("http://127.0.0.1:8000/works"), is_loopback(None)
    (True, False)
    """
    return urlsplit(url or "").hostname in ("127.0.0.1", "localhost", "::1")


class Source(Protocol):
    """A service behind the entry-point group ``litscale.sources``; made without arguments."""

    name: str

    def transport(self, search: Search) -> Transport:
        """A transport at the service's own rate; none applies to an address of this machine."""
        ...

    def harvest(self, search: Search, transport: Transport, archive: Path, progress: Progress) -> Harvest:
        """Fetch everything the search finds.

        Every raw answer is archived compressed in ``archive`` as it arrives; pages that are
        already there are not fetched again, so a killed harvest goes on where it stopped.

        Raises:
            TransportError: the service did not answer as it promised, after all tries.
            HarvestError: promised and delivered records do not add up.

        """
        ...
