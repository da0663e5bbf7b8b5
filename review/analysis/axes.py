"""A dimension of the codebook as tables and figures read it: its values, their names, who has which."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifiers.codebook import NOT_REPORTED, Dimension
from corpora.registry import unknown
from corpora.words import by_number, counted
from review.analysis.labelsets import Labels, LabelSets
from review.analysis.tidy import FAMILIES, NO_METHOD, Context, family_group, labels_of

FAMILY = "family"
"""The roll-up whose labels are read as exclusive groups (`tidy.FAMILIES`)."""


@dataclass(frozen=True, slots=True)
class Axis:
    """``values`` in the codebook's order, without "not reported"; ``names`` gives them titles.

    ``stated``: shares are among studies that state a value, since a study has one at most or the
    dimension knows "not reported".
    """

    id: str
    title: str
    values: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    stated: bool = False

    def read(self, cell: Any) -> Labels:
        """The values of one study; None if it was not tagged.

        >>> axis = Axis("rag", "RAG", ("yes",))
        >>> axis.read(["yes"]), axis.read(["not_reported"]), axis.read(None)
        (frozenset({'yes'}), frozenset(), None)
        """
        if self.id == FAMILY:
            group = family_group(cell)
            return None if group is None else frozenset({group} - {NO_METHOD})
        labels = labels_of(cell)
        return None if labels is None else frozenset(labels) - {NOT_REPORTED}

    def column(self, frame: pd.DataFrame) -> LabelSets:
        """The values of every study of a table; all None if the table lacks the dimension."""
        return LabelSets.of(frame[self.id] if self.id in frame else [None] * len(frame), self.read)

    def members(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Shape (studies, values): who has which."""
        return self.column(frame).members(self.values)

    def tagged(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Shape (studies,): who was tagged."""
        return self.column(frame).tagged()

    def name(self, value: str) -> str:
        """What is printed for a value."""
        return self.names.get(value, value)

    def by_count(self, frame: pd.DataFrame) -> tuple[str, ...]:
        """Values by number of studies, most first, ties and families in their order; none at all left out."""
        counts = self.members(frame).sum(axis=0)
        given = [i for i in range(len(self.values)) if counts[i]]
        if self.id != FAMILY:
            given.sort(key=lambda i: (-int(counts[i]), i))
        return tuple(self.values[i] for i in given)


def axis(studies: pd.DataFrame, context: Context, name: str) -> Axis:
    """A dimension by name.

    Raises:
        UnknownNameError: the codebook has no such dimension; the message lists those it has.

    """
    names = {
        key.partition(".")[2]: title for key, title in context.titles.items() if key.startswith(f"{name}.")
    }
    if name == FAMILY and _has(context, name):
        return Axis(name, "Method family", FAMILIES, stated=True)
    if context.codebook is None:
        # A table by itself: what was given is all that is known.
        held = LabelSets.of(studies.get(name, []))
        found = sorted({label for one in held.sets for label in one or ()})
        return Axis(name, name, tuple(found), names)
    if not _has(context, name):
        raise unknown("dimension", name, [one.id for one in context.codebook.all_dimensions()])
    part = next(one for one in context.codebook.all_dimensions() if one.id == name)
    ids = [label.id for label in part.labels]
    alone = isinstance(part, Dimension) and part.kind == "one"
    values = tuple(one for one in ids if one != NOT_REPORTED)
    return Axis(name, part.title, values, names, stated=alone or NOT_REPORTED in ids)


def _has(context: Context, name: str) -> bool:
    return context.codebook is None or any(one.id == name for one in context.codebook.all_dimensions())


def in_scope(studies: pd.DataFrame, context: Context) -> tuple[pd.DataFrame, list[str]]:
    """Studies without the codebook's gate label, and a sentence about those with it.

    They have no other label, so that they would be the largest group without any.
    """
    gate = context.codebook.gate if context.codebook is not None else None
    dimension, _, label = (gate or "").partition(".")
    if dimension not in studies:
        return studies, []
    out = LabelSets.of(studies[dimension]).where(lambda one: label in one)
    named = context.titles.get(f"{dimension}.{label}", label).lower()
    count = int(out.sum())
    told = f"{counted(count, 'study')} tagged as {named} {by_number(count, 'is', 'are')} not shown."
    return studies[~out], [told] if count else []
