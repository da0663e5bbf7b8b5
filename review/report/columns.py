"""Widths of a printed table's columns: no word is parted while there is room, and numbers stand right."""

import re
from collections.abc import Iterator, Sequence

_NUMBER = re.compile(r"[<>≤≥]?-?[\d,.]+( ?%)?|–|")
_LONGEST_WORD, _LONGEST_CELL = 12.0, 160.0
"""Em: what is longer (an address, an abstract) is broken, or takes more lines."""

Rows = Sequence[Sequence[str]]

_LEANING = 0.75
"""Between 0, where all long columns are alike, and 1, where one very long text leaves the others little."""

_WHOLE = 14
"""Letters of a cell that stays in one line."""


def em(text: str) -> float:
    """Width of a text in sizes of its letters, near enough for every usual font.

    >>> round(em("Total"), 2), round(em("1,200"), 2)
    (2.45, 2.54)
    """
    return sum(map(_em, text))


def _em(letter: str) -> float:
    if letter in "ijlft.,;:'|!()[] ":
        return 0.32
    if letter in "mwMW@%":
        return 0.86
    return 0.7 if letter.isupper() else 0.555


def spread(columns: Sequence[str], rows: Rows, room: float, size: float, gap: float) -> list[float]:
    """Widths in points that fill ``room``: first the longest word of each column, then by length of text.

    ``size`` is that of the letters, ``gap`` what is left free beside them in a column, in points.
    """
    need, want = needs(columns, rows, size, gap), []
    for place, name in enumerate(columns):
        longest = max([em(name), *(em(row[place]) for row in rows)])
        want.append(gap + size * min(longest, _LONGEST_CELL))
    spare = room - sum(need)
    if spare <= 0:
        return [room * needed / sum(need) for needed in need]
    given = _share(spare, [max(wanted - needed, 0.0) for wanted, needed in zip(want, need, strict=True)])
    rest = (room - sum(need) - sum(given)) / sum(want)
    return [sum(parts) + rest * wanted for *parts, wanted in zip(need, given, want, strict=True)]


def _share(spare: float, asked: list[float]) -> list[float]:
    """What each gets: who asks little gets it, the others more the more they ask.

    >>> [round(given) for given in _share(100.0, [5.0, 160.0, 10.0])]
    [5, 85, 10]
    """
    given, still = [0.0] * len(asked), {place for place, more in enumerate(asked) if more > 0}
    while still:
        unit = spare / sum(asked[place] ** _LEANING for place in still)
        content = {place for place in still if asked[place] <= unit * asked[place] ** _LEANING}
        for place in content or still:
            given[place] = asked[place] if content else unit * asked[place] ** _LEANING
            spare -= given[place]
        still -= content or still
    return given


def needs(columns: Sequence[str], rows: Rows, size: float, gap: float) -> list[float]:
    """The least widths, in points, that part no word."""
    return [
        gap + size * max(_longest([row[place] for row in rows]), _longest(name.split()) * 1.08)
        for place, name in enumerate(columns)
    ]


def _longest(cells: Sequence[str]) -> float:
    """Of a word or a short cell, in em; a heading's are bold, hence its 8 %."""
    words = {word for cell in cells for word in ([cell] if len(cell) <= _WHOLE else pieces(cell))}
    return min(max(map(em, words), default=1.0), _LONGEST_WORD)


def pieces(text: str) -> Iterator[str]:
    """Between these a line may end.

    >>> list(pieces("state-of-the-art use since 2020-01-31"))
    ['state-', 'of-', 'the-', 'art', 'use', 'since', '2020-01-31']
    """
    return (piece for word in text.split() for piece in re.split(r"(?<=[^\W\d]-)(?=\w)", word))


def numeric(rows: Rows, place: int) -> bool:
    """Whether a column holds only numbers, which then stand below each other."""
    return bool(rows) and all(_NUMBER.fullmatch(row[place]) for row in rows)
