"""Conditions on records, such as ``year < 2015 and not language = eng``: parsed, never evaluated as code.

A condition names fields of a record. ``=`` and ``!=`` compare whole values without regard to case,
``~`` finds a piece of text, ``<``, ``<=``, ``>`` and ``>=`` compare numbers. In a list (publication
types, keywords) one fitting entry is enough for ``=`` and ``~``. An empty field fits nothing but
``field = none``; ``!=`` of an empty field does not fit either, so that nothing is caught by a gap.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from corpora.errors import InputError
from corpora.registry import unknown

Fields = Mapping[str, Any]
Test = Callable[[Fields], bool]

NUMBERS = ("year", "citation_count")
LISTS = ("publication_types", "keywords")
TEXTS = ("source", "language", "title", "abstract", "venue", "doi", "pmid", "retraction")
FIELDS = (*NUMBERS, *LISTS, *TEXTS)
_SHORT = {"publication_type": "publication_types", "keyword": "keywords", "journal": "venue"}
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_EXAMPLE = 'e.g. year < 2015 or publication_type = "Case Reports"'
_DEEPEST = 50
_TOKENS = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign><=|>=|!=|[<>=~()])|(?P<word>[^\s<>=!~()"']+))"""
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition: ``fields`` are those it asks for."""

    text: str
    fields: tuple[str, ...]
    test: Test


def parse(text: str) -> Condition:
    """A condition from its text; ``and`` binds tighter than ``or``, ``not`` tighter than both.

    >>> french = parse("language = fre and (year < 2015 or publication_type ~ letter)")
    >>> french.fields
    ('language', 'publication_types', 'year')
    >>> french.test({"language": "FRE", "year": 2020, "publication_types": ["Letter"]})
    True
    >>> parse("year < 2015").test({"year": None}), parse("year = none").test({"year": None})
    (False, True)

    Raises:
        InputError: says at which character (from 1) what was expected, or lists the fields.

    """
    parser = _Parser(text)
    test = parser.whole()
    return Condition(text, tuple(sorted(parser.fields)), test)


class _Parser:
    """Recursive descent: whole = or-chain of and-chains of comparisons, ``not`` or parentheses."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self.fields: set[str] = set()

    def _peek(self) -> tuple[str, str, int]:
        """Kind and text of the next token and where it ends; at the end of the text ("end", "")."""
        if not self._text[self._at :].strip():
            return "end", "", len(self._text)
        hit = _TOKENS.match(self._text, self._at)
        if hit is None or hit.lastgroup is None:
            self._fail("a field, a sign or a value")
        return hit.lastgroup, hit[hit.lastgroup], hit.end()

    def _take(self) -> str:
        _, text, self._at = self._peek()
        return text

    def _fail(self, expected: str) -> NoReturn:
        rest = self._text[self._at :].strip()
        place = f"at character {self._at + 1}, before {rest!r}" if rest else "at the end"
        raise InputError(f"condition {self._text!r}: {place}: expected {expected}; {_EXAMPLE}")

    def _word(self) -> str:
        kind, text, _ = self._peek()
        return text.lower() if kind == "word" else ""

    def whole(self) -> Test:
        test = self._or()
        if self._peek()[0] != "end":
            self._fail("'and', 'or' or the end")
        return test

    def _or(self) -> Test:
        tests = [self._and()]
        while self._word() == "or":
            self._take()
            tests.append(self._and())
        return lambda fields: any(test(fields) for test in tests)

    def _and(self) -> Test:
        tests = [self._one()]
        while self._word() == "and":
            self._take()
            tests.append(self._one())
        return lambda fields: all(test(fields) for test in tests)

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"at most {_DEEPEST} parentheses or 'not' inside each other")
        kind, text, _ = self._peek()
        if text == "(" and kind == "sign":
            self._take()
            test = self._or()
            if self._peek()[1] != ")":
                self._fail("')'")
            self._take()
        elif self._word() == "not":
            self._take()
            inner = self._one()
            test = lambda fields: not inner(fields)  # noqa: E731
        else:
            test = self._comparison()
        self._depth -= 1
        return test

    def _comparison(self) -> Test:
        if self._word() in ("", "and", "or"):
            self._fail("a field")
        name = self._take().lower()
        name = _SHORT.get(name, name)
        if name not in FIELDS:
            raise InputError(f"condition {self._text!r}: {unknown('field', name, FIELDS)}")
        kind, sign, _ = self._peek()
        signs = ("=", "!=", *(_SIGNS if name in NUMBERS else ("~",)))
        if kind != "sign" or sign not in signs:
            self._fail(f"one of {' '.join(signs)} after {name}")
        self._take()
        kind, value, _ = self._peek()
        if kind not in ("word", "quoted"):
            self._fail(f"a value for {name}")
        is_none = kind == "word" and value.lower() == "none"
        if is_none and sign not in ("=", "!="):
            self._fail(f"{name} = none or {name} != none")
        if name in NUMBERS and not is_none and not value.strip("\"'").isdigit():
            self._fail(f"a whole number for {name}")
        self._take()
        self.fields.add(name)
        return _test(name, sign, None if is_none else value.strip("\"'").casefold())


def _test(name: str, sign: str, value: str | None) -> Test:
    def entries(fields: Fields) -> list[Any]:
        held = fields.get(name)
        listed = list(held) if isinstance(held, list | tuple) else [held]
        return [entry for entry in listed if entry not in (None, "")]

    def fits(entry: Any) -> bool:
        if sign in _SIGNS:
            return _SIGNS[sign](float(entry), float(value or 0))
        text = str(entry).strip().casefold()
        return str(value) in text if sign == "~" else text == value

    if value is None:
        return lambda fields: (not entries(fields)) == (sign == "=")
    if sign == "!=":
        return lambda fields: bool(held := entries(fields)) and not any(map(fits, held))
    return lambda fields: any(map(fits, entries(fields)))
