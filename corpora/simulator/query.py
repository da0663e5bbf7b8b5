"""Boolean queries over text: AND, OR, NOT, brackets, phrases, a final ``*``; words joined mean AND.

Enough of both services' languages for tests and demonstration: field tags such as ``[tiab]`` are
read as title and abstract, ``2015:2026[pdat]`` as a range of years.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_WORD = re.compile(r'\(|\)|"[^"]*"(?:\[\w+\])?|[^\s()"]+')
_YEARS = re.compile(r"(\d{4}):(\d{4})\[(?:pdat|dp)\]", re.IGNORECASE)

Matcher = Callable[[str, int | None], bool]


@dataclass(slots=True)
class _Reader:
    words: list[str]
    place: int = 0

    def peek(self) -> str | None:
        return self.words[self.place] if self.place < len(self.words) else None

    def take(self) -> str:
        self.place += 1
        return self.words[self.place - 1]


def matcher(query: str) -> Matcher:
    """A function of (lower-case text, year) that says whether a query finds it.

    >>> find = matcher('("language model*"[tiab] OR chatbot) AND 2020:2024[pdat]')
    >>> find("large language models in care", 2021), find("a chatbot", 2019), find("dogs", 2021)
    (True, False, False)
    """
    return _either(_Reader(_WORD.findall(query)))


def _either(reader: _Reader) -> Matcher:
    parts = [_all(reader)]
    while reader.peek() == "OR":
        reader.take()
        parts.append(_all(reader))
    return lambda text, year: any(part(text, year) for part in parts)


def _all(reader: _Reader) -> Matcher:
    parts = [_one(reader)]
    while (word := reader.peek()) not in (None, ")", "OR"):
        if word == "AND":
            reader.take()
        parts.append(_one(reader))
    return lambda text, year: all(part(text, year) for part in parts)


def _one(reader: _Reader) -> Matcher:
    word = reader.take() if reader.peek() else '""'
    if word == "NOT":
        refused = _one(reader)
        return lambda text, year: not refused(text, year)
    if word == "(":
        inside = _either(reader)
        if reader.peek() == ")":
            reader.take()
        return inside
    years = _YEARS.fullmatch(word)
    if years:
        low, high = int(years.group(1)), int(years.group(2))
        return lambda _, year: year is not None and low <= year <= high
    plain = re.sub(r"\[\w+\]$", "", word).strip('"').lower()
    pattern = re.compile(rf"\b{re.escape(plain.rstrip('*'))}" + ("" if plain.endswith("*") else r"\b"))
    return lambda text, _: bool(pattern.search(text))
