"""What every analysis gives: a tidy table that names its unit, denominator and population."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from classifiers.codebook import Codebook
from corpora.words import by_number, counted
from review.analysis.estimators import Estimand

NOT_AUDITED = "Shares are as the tagger gave them: naive, not audited."

POOLED = "All sources are pooled; where they enter in different years the mix changes too."
"""What every curve over the years says."""

FAMILIES = ("Generative LLM only", "Both", "Traditional NLP only")
"""Exclusive groups of method families, in the order in which they are drawn."""

NO_METHOD = "No method stated"


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What people said of a random sample of studies, without seeing the tagger's word.

    ``strata`` gives every study of the population its stratum, by study id; ``truth`` has one row
    an audited study, by study id, and a column a dimension with its label ids. ``silver``: not
    people said it but a language model (`review.labelling.silver`).
    """

    name: str
    drawn: str
    strata: pd.Series
    truth: pd.DataFrame
    estimand: Estimand = "corpus"
    silver: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What goes with a table of studies.

    ``population`` says who they are; ``labels`` which tagger speaks for a dimension; ``titles``
    gives ``dimension.label`` its name; ``simulated`` marks an invented literature; ``audit`` is
    there once it is finished, ``audit_state`` says how it stands. Figures that work on any dimension
    take it from ``codebook``. ``unheard`` says so where the protocol's tagger gave no labels but another did.
    """

    population: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    simulated: bool = False
    audit: Audit | None = None
    audit_state: str = "no audit was drawn (review audit --plan)"
    codebook: Codebook | None = None
    unheard: str = ""


@dataclass(frozen=True, slots=True)
class Tidy:
    """A table for one figure, with everything a reader must know of its numbers."""

    frame: pd.DataFrame
    unit: str
    denominator: str
    population: str
    notes: tuple[str, ...] = ()
    simulated: bool = False
    instead: str = ""
    """What is drawn where there is nothing to show: why, and what to do."""
    silver: bool = False
    """Corrected shares are corrected to a language model's codes, not to people's."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.frame.empty or not self.frame["n"].sum()


def labels_of(cell: Any) -> list[str] | None:
    """The label ids in a cell; None if the study was not tagged."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return None
    return [str(label) for label in cell]


def family_group(cell: Any) -> str | None:
    """The exclusive group of a study's method families; None if it was not tagged.

    >>> family_group(["generative_llm"]), family_group(["generative_llm", "traditional_nlp"])
    ('Generative LLM only', 'Both')
    >>> family_group([]), family_group(None)
    ('No method stated', None)
    """
    labels = labels_of(cell)
    if labels is None:
        return None
    if not labels:
        return NO_METHOD
    if len(labels) > 1:
        return FAMILIES[1]
    return FAMILIES[0] if labels[0] == "generative_llm" else FAMILIES[2]


def dated(studies: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Studies with a year, and a sentence about those without."""
    kept = studies[studies["year"].notna()]
    lost = len(studies) - len(kept)
    return kept.assign(year=kept["year"].astype(int)), (
        [f"{counted(lost, 'study')} without a year {by_number(lost, 'is', 'are')} not shown."] if lost else []
    )
