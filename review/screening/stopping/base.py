"""What a stopping rule may know, and what it may say.

Claims of different kinds are never mixed (method rules, section 5): *model-based* and *heuristic*
rules give estimates; *verified* is one random sample of what nobody screened; *resource* rules say
nothing about recall. *Joined* rules claim nothing of their own: their parts speak for themselves.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.words import counted

Claim = Literal["model-based", "heuristic", "verified", "resource", "joined"]
Bools = NDArray[np.bool_]


def _none() -> Bools:
    return np.empty(0, dtype=bool)


@dataclass(frozen=True, slots=True)
class Screened:
    """The state of a screening that a rule looks at; only settled records count.

    ``labels`` (n,): records in the order in which they were screened, true if relevant, the verified
    sample left out; ``pool``: N, the records that the rule speaks of, screened or not.
    ``control``: for each relevant record of a random control sample, whether the ranked screening
    has reached it. ``occasions`` (relevant found, learners): which learner would have found it alone.
    ``keys_found`` of ``keys_total`` key papers; ``hours`` at work. ``random`` (m,): labels of records
    drawn at random before ranking began (SAFE's first phase). ``switched``: whether a second, other
    model ranks now, and ``since_switch`` the records screened with it since the last relevant one.
    ``sample`` (s,): labels of the one verified sample, drawn at random from ``sample_of`` records
    that nobody had screened.

    Raises:
        InputError: more records than the pool or the sampled part holds.

    """

    labels: Bools
    pool: int
    control: Bools = field(default_factory=_none)
    occasions: NDArray[np.bool_] | None = None
    keys_found: int = 0
    keys_total: int = 0
    hours: float = 0.0
    random: Bools = field(default_factory=_none)
    switched: bool = False
    since_switch: int = 0
    sample: Bools = field(default_factory=_none)
    sample_of: int = 0

    def __post_init__(self) -> None:
        if self.sample_of < len(self.sample):
            raise InputError(
                f"a sample of {counted(len(self.sample), 'record')} was drawn from {self.sample_of}"
            )
        if self.pool < self.n + self.sample_of:
            raise InputError(
                f"{counted(self.n, 'record')} screened and {self.sample_of} sampled from, of {self.pool}"
            )

    @property
    def n(self) -> int:
        """Records screened."""
        return len(self.labels)

    @property
    def left(self) -> int:
        """Records that nobody screened."""
        return self.pool - len(self.labels) - len(self.sample)

    @property
    def found(self) -> int:
        """Relevant records found."""
        return int(self.labels.sum())

    @property
    def gap(self) -> int:
        """Records screened since the last relevant one."""
        back = self.labels[::-1]
        return int(back.argmax()) if back.any() else self.n


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says now.

    ``value`` is its p-value, count or estimate; ``recall`` its estimate, ``lower`` the lower bound of
    it at the rule's own confidence, both in [0, 1] and None where the rule has none.
    """

    rule: str
    claim: Claim
    stop: bool
    sentence: str
    value: float | None = None
    recall: float | None = None
    lower: float | None = None
    parts: tuple["Verdict", ...] = ()

    def all(self) -> list["Verdict"]:
        """This verdict's simple ones: the claims of a joined rule stay apart."""
        return [one for part in self.parts for one in part.all()] if self.parts else [self]


class Rule(Protocol):
    """A rule behind the entry-point group ``litscale.stopping``.

    It is made from its numbers, positional or named, which it checks; ``str`` gives the text that
    `compose.parse` reads back to an equal rule (`written` does it for a dataclass).
    """

    name: ClassVar[str]
    claim: ClassVar[Claim]

    def check(self, screened: Screened) -> Verdict:
        """What the rule says of this state.

        Raises:
            InputError: the state lacks what the rule needs; the message says what.

        """
        ...


def written(rule: Any) -> str:
    """A rule as text: its name and its numbers, each as short as it can be read back."""
    numbers = (getattr(rule, one.name) for one in fields(rule))
    return f"{rule.name}({', '.join(np.format_float_positional(number, trim='-') for number in numbers)})"


def percent(value: float) -> str:
    """A share as a percentage, not rounded further than six digits.

    >>> percent(0.95), percent(0.995)
    ('95 %', '99.5 %')
    """
    return f"{100 * value:g} %"


def share(value: float, what: str, rule: str) -> None:
    """Refuse what is not above 0 and below 1.

    Raises:
        InputError: it is not.

    """
    if not 0 < value < 1:
        raise InputError(f"{rule}: {what} = {value:g}: give a share above 0 and below 1, e.g. 0.95")


def count(value: float, what: str, rule: str, least: int = 1) -> None:
    """Refuse what is not a whole number of at least ``least``.

    Raises:
        InputError: it is not.

    """
    if not value >= least or value != int(value):
        raise InputError(f"{rule}: {what} = {value:g}: give a whole number of at least {least}")
