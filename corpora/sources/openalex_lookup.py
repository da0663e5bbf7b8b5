"""Works of OpenAlex by identifier, a hundred a call: for filling fields and for citation searching."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from corpora.sources.openalex import Client, pages
from corpora.sources.openalex_query import HOST, LONGEST

MOST = 100
"""Values that one filter takes."""

_ROOM = 300
"""Bytes left in a URL for host, paging and the fields that are selected."""


def by_ids(
    client: Client, kind: str, values: Sequence[str], select: str | None = None
) -> Iterator[dict[str, Any]]:
    """Works that have one of these identifiers (``doi``, ``pmid``, ``openalex``).

    ``values`` must come in the same order on every call, since the archived batches are numbered.
    """
    for number, batch in enumerate(batches(values)):
        for page in _pages(client, f"{kind}:{'|'.join(batch)}", f"{kind}-{number:05d}", select):
            yield from page["results"]


def citing(client: Client, works: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Works that cite one of these works (ids like W123)."""
    for number, batch in enumerate(batches(works)):
        for page in _pages(client, f"cites:{'|'.join(batch)}", f"cites-{number:05d}", None):
            yield from page["results"]


def calls(values: Sequence[str]) -> int:
    """Calls that looking these values up takes at the least."""
    return sum(1 for _ in batches(values))


def batches(values: Iterable[str]) -> Iterator[list[str]]:
    """At most a hundred values, and no longer than a URL may be.

    >>> [len(batch) for batch in batches(map(str, range(250)))]
    [100, 100, 50]
    """
    batch: list[str] = []
    length = 0
    for value in values:
        size = len(quote(value)) + 3
        if batch and (len(batch) == MOST or length + size > LONGEST - _ROOM):
            yield batch
            batch, length = [], 0
        batch.append(value)
        length += size
    if batch:
        yield batch


def _pages(client: Client, condition: str, prefix: str, select: str | None) -> Iterator[dict[str, Any]]:
    base = (client.visit.search.base_url or HOST).rstrip("/")
    url = f"{base}/works?filter={quote(condition, safe=':/|')}"
    return pages(client, url, prefix, **({"select": select} if select else {}))
