"""Rules joined by ``and`` and ``or``: ``buscar(0.95, 0.95) and consecutive(50)``.

``and`` binds tighter than ``or``; parentheses group. The text is parsed, never evaluated; a joined
rule keeps the sentences of its parts apart, so that no claim borrows another's.
"""

import re
from dataclasses import dataclass
from inspect import signature
from typing import ClassVar, Literal, NoReturn

from corpora.errors import InputError, LitscaleError, UnknownNameError
from corpora.registry import entries, unknown
from review.screening.stopping.base import Claim, Rule, Screened, Verdict

_TOKENS = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<name>[A-Za-z][\w-]*)|(?P<sign>[(),=])")
_DEEPEST = 50


@dataclass(frozen=True)
class Joined:
    """Two or more rules; with ``and`` all must say stop, with ``or`` one is enough.

    A part that cannot speak yet (too few controls) does not say stop, and says why. The sentence
    names the claim of each part; ``Verdict.all`` gives them one by one.
    """

    how: Literal["and", "or"]
    rules: tuple[Rule, ...]
    name: ClassVar[str] = "joined"
    claim: ClassVar[Claim] = "joined"

    def check(self, screened: Screened) -> Verdict:
        """Each part's verdict, and what they come to."""
        parts = tuple(check(rule, screened) for rule in self.rules)
        stop = (all if self.how == "and" else any)(part.stop for part in parts)
        simple = [one for part in parts for one in part.all()]
        sentence = " ".join(f"[{one.claim}] {one.sentence}" for one in simple)
        return Verdict(str(self), self.claim, stop, sentence, parts=parts)

    def __str__(self) -> str:
        shown = [f"({rule})" if isinstance(rule, Joined) else str(rule) for rule in self.rules]
        return f" {self.how} ".join(shown)


def leaves(rule: Rule) -> list[Rule]:
    """The simple rules of a rule, in the order of the text."""
    return [leaf for part in rule.rules for leaf in leaves(part)] if isinstance(rule, Joined) else [rule]


def check(rule: Rule, screened: Screened) -> Verdict:
    """A rule's verdict; one that cannot speak yet says why, and does not say stop."""
    try:
        return rule.check(screened)
    except InputError as error:
        return Verdict(str(rule), rule.claim, stop=False, sentence=f"{error}.")


def parse(text: str) -> Rule:
    """A rule from its text; ``str`` of a rule parses to an equal one.

    >>> str(parse("buscar(recall=0.9) and consecutive(50) OR budget(1000)"))
    '(buscar(0.9, 0.95) and consecutive(50)) or budget(1000, 0)'
    >>> parse("buscar(0.9,) and")
    Traceback (most recent call last):
    corpora.errors.InputError: stopping rule 'buscar(0.9,) and': at character 12, before ') and': expected \
a number; e.g. buscar(0.95, 0.95) and consecutive(50)

    Raises:
        InputError: says at which character (from 1) what was expected.
        UnknownNameError: a rule that does not exist; lists those that do.

    """
    return _Parser(text).whole()


class _Parser:
    """Recursive descent: whole = or-chain of and-chains of rules or parentheses."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0

    def _peek(self) -> tuple[str, str]:
        """Kind and text of the next token, which begins at ``_at``; the end is ("end", "")."""
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        hit = _TOKENS.match(self._text, self._at)
        if hit and hit.lastgroup:
            return hit.lastgroup, hit[0].lower()
        if self._at < len(self._text):
            self._fail("a rule, a number or a parenthesis")
        return "end", ""

    def _take(self) -> str:
        text = self._peek()[1]
        self._at += len(text)
        return text

    def _fail(self, expected: str) -> NoReturn:
        rest = repr(self._text[self._at :]) if self._text[self._at :] else "the end"
        raise InputError(
            f"{self._place(self._at)}, before {rest}: expected {expected}; "
            "e.g. buscar(0.95, 0.95) and consecutive(50)"
        )

    def _place(self, at: int) -> str:
        return f"stopping rule {self._text!r}: at character {at + 1}"

    def _expect(self, sign: str) -> None:
        if self._peek()[1] != sign:
            self._fail(repr(sign))
        self._take()

    def whole(self) -> Rule:
        rule = self._joined("or")
        if self._peek()[0] != "end":
            self._fail("'and', 'or' or the end")
        return rule

    def _joined(self, how: Literal["and", "or"]) -> Rule:
        rules = [self._inner(how)]
        while self._peek() == ("name", how):
            self._take()
            rules.append(self._inner(how))
        return rules[0] if len(rules) == 1 else Joined(how, tuple(rules))

    def _inner(self, how: str) -> Rule:
        return self._joined("and") if how == "or" else self._one()

    def _one(self) -> Rule:
        kind, text = self._peek()
        if text == "(":
            self._depth += 1
            if self._depth > _DEEPEST:
                self._fail(f"at most {_DEEPEST} parentheses inside each other")
            self._take()
            rule = self._joined("or")
            self._expect(")")
            self._depth -= 1
            return rule
        if kind != "name" or text in ("and", "or"):
            self._fail("the name of a rule")
        return self._made()

    def _made(self) -> Rule:
        """A rule from its name and, in parentheses, its numbers."""
        at, name, known = self._at, self._take(), entries("stopping")
        if name not in known:
            raise UnknownNameError(f"{self._place(at)}: {unknown('stopping rule', name, known)}")
        kind = known[name].load()
        taken = list(signature(kind).parameters)
        numbers = self._numbers(taken) if self._peek()[1] == "(" else {}
        try:
            made: Rule = kind(**numbers)
        except LitscaleError as error:
            raise InputError(f"{self._place(at)}: {error}") from error
        return made

    def _numbers(self, taken: list[str]) -> dict[str, float]:
        """The numbers in parentheses by the parameters they are for."""
        self._take()
        given: dict[str, float] = {}
        by_name = False
        while self._peek()[1] != ")" or given:
            if self._peek()[0] == "name":
                by_name = True
                name = self._parameter([one for one in taken if one not in given])
            elif by_name:
                self._fail("a named number: unnamed ones come first")
            elif len(given) == len(taken):
                self._fail(f"')': the rule takes {', '.join(taken) or 'no number'}")
            else:
                name = taken[len(given)]
            given[name] = self._number()
            if self._peek()[1] == ")":
                break
            self._expect(",")
        self._take()
        return given

    def _parameter(self, left: list[str]) -> str:
        if self._peek()[1] not in left:
            self._fail(f"one of {', '.join(left)}" if left else "no more numbers")
        name = self._take()
        self._expect("=")
        return name

    def _number(self) -> float:
        if self._peek()[0] != "number":
            self._fail("a number")
        return float(self._take())
