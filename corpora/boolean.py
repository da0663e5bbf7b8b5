"""Boolean queries over documents at hand: AND, OR, NOT, brackets, phrases, a final ``*``.

Words joined mean AND, and words are matched as they stand: no stemming, no thesaurus. Field tags
of PubMed for dates and numbers are understood (``2015:2026[pdat]``, ``1:500[uid]``,
``10.5555/x[doi]``); any other tag means title and abstract. The simulated services answer with
it, and OpenAlex's snapshot is searched with it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

_WORD = re.compile(r'\(|\)|"[^"]*"(?:\[\w+\])?|[^\s()"]+')
_RANGE = re.compile(r"([\d/]+):([\d/]+)\[(\w+)\]")
_TAGGED = re.compile(r'"?(.*?)"?\[(\w+)\]')
_SYNTAX = ("(", ")", "AND", "OR", "NOT")
_NUMBERS = ("uid", "pmid", "doi", "aid")


@dataclass(frozen=True, slots=True)
class Document:
    """What can be asked of a document; ``text`` in lower case, days as ordinals."""

    text: str
    year: int | None = None
    number: int = 0
    doi: str | None = None
    entered: int = 0
    revised: int = 0


Matcher = Callable[[Document], bool]


def matcher(query: str) -> Matcher:
    """A function that says whether a query finds a document.

    >>> find = matcher('("language model*"[tiab] OR chatbot) AND 2020:2024[pdat]')
    >>> find(Document("large language models in care", 2021)), find(Document("a chatbot", 2019))
    (True, False)
    """
    return _either(_Reader(_WORD.findall(query)))


def terms(query: str) -> list[str]:
    """The words and phrases of a query that are searched in text.

    >>> terms('(cat OR "big dog"[ti]) NOT 2020:2021[pdat]')
    ['cat', '"big dog"[ti]']
    """
    return [word for word in _WORD.findall(query) if word not in _SYNTAX and not _is_number(word)]


def _is_number(word: str) -> bool:
    tagged = _TAGGED.fullmatch(word)
    return bool(_RANGE.fullmatch(word)) or bool(tagged and tagged.group(2).lower() in _NUMBERS)


@dataclass(slots=True)
class _Reader:
    words: list[str]
    place: int = 0

    def peek(self) -> str | None:
        return self.words[self.place] if self.place < len(self.words) else None

    def take(self) -> str:
        self.place += 1
        return self.words[self.place - 1]


def _either(reader: _Reader) -> Matcher:
    parts = [_all(reader)]
    while reader.peek() == "OR":
        reader.take()
        parts.append(_all(reader))
    return parts[0] if len(parts) == 1 else lambda document: any(part(document) for part in parts)


def _all(reader: _Reader) -> Matcher:
    parts = [_one(reader)]
    while (word := reader.peek()) not in (None, ")", "OR"):
        if word == "AND":
            reader.take()
        parts.append(_one(reader))
    return parts[0] if len(parts) == 1 else lambda document: all(part(document) for part in parts)


def _one(reader: _Reader) -> Matcher:
    word = reader.take() if reader.peek() else '""'
    if word == "NOT":
        refused = _one(reader)
        return lambda document: not refused(document)
    if word == "(":
        inside = _either(reader)
        if reader.peek() == ")":
            reader.take()
        return inside
    ends = _RANGE.fullmatch(word)
    if ends:
        return _within(*ends.groups())
    tagged = _TAGGED.fullmatch(word)
    if tagged and tagged.group(2).lower() in ("uid", "pmid"):
        return lambda document: str(document.number) == tagged.group(1)
    if tagged and tagged.group(2).lower() in ("doi", "aid"):
        return lambda document: document.doi == tagged.group(1).lower()
    return _words(tagged.group(1) if tagged else word)


def _words(word: str) -> Matcher:
    plain = word.strip('"').lower()
    pattern = re.compile(rf"\b{re.escape(plain.rstrip('*'))}" + ("" if plain.endswith("*") else r"\b"))
    return lambda document: bool(pattern.search(document.text))


def _within(low: str, high: str, tag: str) -> Matcher:
    tag = tag.lower()
    if tag == "uid":
        first, last = int(low), int(high)
        return lambda document: first <= document.number <= last
    if tag in ("edat", "crdt", "lr"):
        begin, end = _day(low, first=True), _day(high, first=False)
        if tag == "lr":
            return lambda document: begin <= document.revised <= end
        return lambda document: begin <= document.entered <= end
    since, until = int(low[:4]), int(high[:4])
    return lambda document: document.year is not None and since <= document.year <= until


def _day(text: str, *, first: bool) -> int:
    """Ordinal of ``2020/01/31``, ``2020/01`` or ``2020``: the first or last day of it."""
    parts = [int(part) for part in text.split("/") if part]
    year, month, day = (*parts, *([1, 1] if first else [12, 28])[len(parts) - 1 :])[:3]
    return date(min(year, 9999), month, day).toordinal()
