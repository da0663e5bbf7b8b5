"""What a flow is counted from: records and their sources, decisions, and the version before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

SOURCE_KINDS = ("database", "register")
OTHER_KINDS = ("website", "organisation", "citation", "contact")


@dataclass(frozen=True, slots=True)
class Screening:
    """What the flow needs beside decisions.

    ``not_retrieved``: report → why its text could not be had; ``unscreened``: reports that a stop by
    ``rule`` left out; ``removed``: report → (whether a model decided, reason); ``returned``: how
    many reports a removal lists that are screened after all; ``ai``: stages with suggestions.
    """

    not_retrieved: Mapping[str, str] = field(default_factory=dict)
    unscreened: frozenset[str] = frozenset()
    rule: str = ""
    removed: Mapping[str, tuple[bool, str]] = field(default_factory=dict)
    returned: int = 0
    ai: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """What the previous version held, by record ids; empty for a new review.

    ``included`` are the records of the reports that it included, ``unsettled`` of those that it left
    open, awaiting classification or ongoing. ``studies`` and ``reports`` are as it told them;
    ``again``: hits of searches run since that are of records in ``held``.
    """

    tag: str = ""
    studies: int = 0
    reports: int = 0
    held: frozenset[str] = frozenset()
    included: frozenset[str] = frozenset()
    unsettled: frozenset[str] = frozenset()
    again: int = 0


NOTHING = Screening()
FIRST = Before()


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that a flow is counted from.

    ``retrievals``: record_id, search, source, kind; each once, though a search was run again.
    ``reports``, ``studies``, ``machine``: record id → report, study, and the report that it would be
    without people's links (None: people linked nothing). ``decisions``: report_id, stage, verdict
    (include, exclude, awaiting, ongoing, conflict), reason; settled ones. ``stages``: of
    title-abstract and full-text. ``links_to_confirm``: same-study links on which nobody has spoken.
    """

    retrievals: pd.DataFrame
    reports: Mapping[str, str]
    studies: Mapping[str, str]
    decisions: pd.DataFrame
    stages: Sequence[str]
    machine: Mapping[str, str] | None = None
    links_to_confirm: int = 0
    screening: Screening = NOTHING
    before: Before = FIRST
    kind: str = "systematic"
