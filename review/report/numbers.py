"""Every number of a report goes through `Numbers`, which also keeps where it comes from.

What is kept is written to ``report.json`` and computed again by `review verify`.
"""

import re
from collections.abc import Sequence
from typing import Any

from corpora import words


class Numbers:
    """Gives a number as text and keeps it: key → value, the text shown, where it comes from.

    >>> numbers = Numbers()
    >>> numbers.count("screened", 1, "ledger: decisions", "report")
    '1 report'
    >>> numbers.count("left", 0, "ledger: decisions", "study"), numbers("share", 0.5, "labels", ".1%")
    ('no studies', '50.0%')
    >>> numbers.held["share"]
    {'value': 0.5, 'shown': '50.0%', 'from': 'labels'}
    """

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}

    def __call__(self, key: str, value: float | str | None, where: str, form: str = ",") -> str:
        """The number as it is shown; ``form`` is a format specification, for numbers only."""
        shown = "–" if value is None else value if isinstance(value, str) else format(value, form)
        row = {"value": value, "shown": shown, "from": where}
        if self.held.setdefault(key, row) != row:
            raise ValueError(f"number {key!r}: {self.held[key]} and {row} cannot both hold")
        return shown

    def count(self, key: str, value: int, where: str, noun: str, plural: str | None = None) -> str:
        """``1 report``, ``2 reports``, ``no reports``."""
        shown = self(key, value, where)
        return counted(value, shown, noun, plural)


def counted(value: int, shown: str, noun: str, plural: str | None = None) -> str:
    """A number with its noun."""
    head, _, rest = noun.partition(" ")
    many = plural or f"{words.plural(head)}{' ' + rest if rest else ''}"
    return f"1 {noun}" if value == 1 else f"{shown if value else 'no'} {many}"


def were(count: int) -> str:
    """``was`` of one thing, ``were`` of none or many."""
    return "was" if count == 1 else "were"


def listed(parts: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def without_hints(text: str) -> str:
    """A sentence of the program without the command that it names in brackets.

    >>> without_hints("no audit was drawn (review audit --plan)")
    'no audit was drawn'
    """
    return re.sub(r" \((see: )?review [^()]*\)", "", text)


def sentence(text: str) -> str:
    """Text with a capital at its start and a full stop at its end.

    >>> sentence("no study was found")
    'No study was found.'
    """
    plain = text.strip()
    plain = plain[:1].upper() + plain[1:]
    return plain if plain.endswith((".", ":", "!", "?")) else f"{plain}."
