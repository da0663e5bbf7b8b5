"""The language of OpenAlex searches, written by pyalex.

A query is plain text, searched in title and abstract, or filters of the API joined by commas
after ``filter:``, or both: ``filter:publication_year:2020-2026,type:article; language model``.
Each limit is such a list of filters. https://developers.openalex.org
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit, urlunsplit

from pyalex import Works

from corpora.errors import InputError
from corpora.words import counted

HOST = "https://api.openalex.org"
LONGEST = 4_000
"""Bytes of a URL; the service refuses those above 4 KB, paging and all."""

_WORD = re.compile(r'\(|\)|"[^"]*"|[^\s()"]+')


def query_url(query: str, base_url: str | None = None, limits: Sequence[str] = ()) -> str:
    """The URL of a query, without paging; a fresh pyalex query each time, as ``filter`` mutates.

    >>> query_url("filter:publication_year:2020-2026; language model", limits=["language:en"])
    'https://api.openalex.org/works?filter=publication_year:2020-2026,language:en,\
title_and_abstract.search:language+model'
    """
    filters, text = parts(query, limits)
    works = Works()
    if filters:
        works = works.filter(**filters)
    if text:
        works = works.search_filter(title_and_abstract=text)
    found, base = urlsplit(works.url), urlsplit(base_url or HOST)
    return str(urlunsplit((base.scheme, base.netloc, found.path, found.query, "")))


def parts(query: str, limits: Sequence[str] = ()) -> tuple[dict[str, str], str]:
    """Filters by name, and the text to search.

    Raises:
        InputError: a filter that is none, or one that is given twice (the API would drop one).

    """
    text, lists = query.strip(), list(limits)
    if text.startswith("filter:"):
        head, _, text = text.removeprefix("filter:").partition(";")
        lists.insert(0, head)
    filters: dict[str, str] = {}
    for part in (part.strip() for listed in lists for part in listed.split(",")):
        name, separator, value = part.partition(":")
        if not separator or not value:
            raise InputError(f"OpenAlex query: filter {part!r}: write it as name:value")
        if name in filters:
            raise InputError(f"OpenAlex query: the filter {name!r} is given twice; join its values with |")
        filters[name] = value
    return filters, " ".join(text.split())


def urls(query: str, base_url: str | None = None, limits: Sequence[str] = ()) -> list[str]:
    """The URLs whose results together are the query's: one, or more where it would be too long.

    A long query is halved at its longest pure OR group, inside or outside brackets.

    Raises:
        InputError: too long, and there is no OR to cut it at.

    """
    url = query_url(query, base_url, limits)
    if len(url.encode()) <= LONGEST:
        return [url]
    halves = _halves(query)
    if halves is None:
        raise InputError(
            f"OpenAlex query: {counted(len(url.encode()), 'byte')} as a URL, {LONGEST:,} are allowed, and "
            "it has no "
            "list of terms joined by OR at which it could be split; shorten it"
        )
    return [one for half in halves for one in urls(half, base_url, limits)]


def _halves(query: str) -> tuple[str, str] | None:
    """Two queries whose union is this one.

    >>> _halves("(cat OR dog OR owl) AND (pet)")
    ('( cat ) AND ( pet )', '( dog OR owl ) AND ( pet )')
    >>> _halves("cat NOT (dog OR owl)") is None
    True
    """
    head, semicolon, text = query.rpartition(";") if query.strip().startswith("filter:") else ("", "", query)
    words = _WORD.findall(text)
    groups = [(low, high) for low, high in _groups(words) if _items(words[low:high])]
    if not groups:
        return None
    low, high = max(groups, key=lambda group: sum(map(len, words[group[0] : group[1]])))
    items = _items(words[low:high])
    middle = len(items) // 2
    first, second = (
        f"{head}{semicolon} " * bool(head) + " ".join([*words[:low], " OR ".join(half), *words[high:]])
        for half in (items[:middle], items[middle:])
    )
    return first, second


def _groups(words: list[str]) -> Iterator[tuple[int, int]]:
    """The whole, and what stands in brackets that no NOT precedes or encloses."""
    yield 0, len(words)
    opened: list[tuple[int, bool]] = []
    for place, word in enumerate(words):
        if word == "(":
            refused = (place > 0 and words[place - 1] == "NOT") or (bool(opened) and opened[-1][1])
            opened.append((place, refused))
        elif word == ")" and opened:
            start, refused = opened.pop()
            if not refused:
                yield start + 1, place


def _items(words: list[str]) -> list[str]:
    """The terms of a pure OR list of words, phrases and brackets; empty for anything else."""
    items: list[str] = []
    current: list[str] = []
    depth = 0
    for word in [*words, "OR"]:
        depth += (word == "(") - (word == ")")
        if word == "OR" and depth == 0:
            items.append(" ".join(current))
            current = []
            continue
        # A second word without OR between: how OpenAlex binds the two is not said anywhere.
        if depth == 0 and current and word != ")":
            return []
        if depth == 1 and word == "(" and current:
            return []
        current.append(word)
    return items if len(items) > 1 and all(items) else []
