"""The share of every label of a codebook, over all years or by year, naive and corrected."""

from collections.abc import Callable, Sequence

import pandas as pd

from classifiers.codebook import NOT_REPORTED, Codebook, Dimension, RollUp
from review.analysis import prevalence
from review.analysis.labelsets import Labels, LabelSets
from review.analysis.prevalence import Estimate, Measure
from review.analysis.tidy import POOLED, Context, Tidy, dated


def label_shares(
    studies: pd.DataFrame, context: Context, codebook: Codebook, wanted: Sequence[str] | None = None
) -> Tidy:
    """One row a label (of the ``wanted`` dimensions, else of all that are tagged).

    Columns: dimension, label, title, over, n, denominator, naive, corrected, …

    The denominator (``over``) is the tagged studies that the codebook's gate lets in; for a
    dimension that applies only with some label, those with it; for one with the value
    "not reported", those that report. All of these are corrected too.
    """
    found: list[Estimate] = []
    rows = []
    for dimension in codebook.all_dimensions():
        if dimension.id in (context.labels if wanted is None else wanted):
            names = [label.id for label in dimension.labels]
            part = of_dimension(studies, context, codebook, dimension, [(None, name) for name in names])
            found += part
            rows += [
                (dimension.id, name, context.titles.get(f"{dimension.id}.{name}", name), one.denominator)
                for name, one in zip(names, part, strict=True)
            ]
    frame = pd.DataFrame(rows, columns=["dimension", "label", "title", "over"])
    return Tidy(
        pd.concat([frame, prevalence.table(found)], axis=1),
        unit="studies",
        denominator="as the column over says",
        population=context.population,
        notes=tuple(prevalence.notes(found, context)),
        simulated=context.simulated,
    )


def label_by_year(
    studies: pd.DataFrame, context: Context, codebook: Codebook, dimension: str, labels: Sequence[str]
) -> Tidy:
    """Some labels of a dimension by year: columns year, label (its title), n, denominator, …"""
    kept, notes = dated(studies)
    part = next(one for one in codebook.all_dimensions() if one.id == dimension)
    years = range(int(kept["year"].min()), int(kept["year"].max()) + 1) if len(kept) else range(0)
    rows: list[tuple[int | None, str]] = [(year, label) for year in years for label in labels]
    found = of_dimension(kept, context, codebook, part, rows)
    titles = [context.titles.get(f"{dimension}.{label}", label) for _, label in rows]
    frame = pd.DataFrame({"year": [year for year, _ in rows], "label": titles})
    return Tidy(
        pd.concat([frame, prevalence.table(found)], axis=1),
        unit="studies",
        denominator=f"{found[0].denominator} of the year" if found else "",
        population=context.population,
        notes=(*notes, *prevalence.notes(found, context), POOLED),
        simulated=context.simulated,
    )


def of_dimension(
    studies: pd.DataFrame,
    context: Context,
    codebook: Codebook,
    dimension: Dimension | RollUp,
    rows: Sequence[tuple[int | None, str]],
) -> list[Estimate]:
    """Estimates of (year, label) cells of one dimension; year None is all years."""
    cells, read, what = measured(codebook, dimension, rows)
    return prevalence.estimates(studies, cells, context, dimensions=read, denominator=what)


def measured(
    codebook: Codebook, dimension: Dimension | RollUp, rows: Sequence[tuple[int | None, str]]
) -> tuple[Measure, tuple[str, ...], str]:
    """The measure of (year, label) cells, the dimensions that it reads, and its denominator in words."""
    counted, read, what = _denominator(codebook, dimension)

    def held(frame: pd.DataFrame) -> LabelSets:
        columns = [LabelSets.of(frame[name] if name in frame else [None] * len(frame)) for name in read]
        return LabelSets.joined(columns, full)

    def full(sets: list[Labels]) -> Labels:
        # The dimension itself is the first that is read.
        if sets[0] is None:
            return None
        return frozenset(f"{name}.{x}" for name, one in zip(read, sets, strict=True) for x in one or ())

    named = [(year, f"{dimension.id}.{label}") for year, label in rows]
    return prevalence.by_year(named, held, counted), read, what


def _denominator(
    codebook: Codebook, dimension: Dimension | RollUp
) -> tuple[Callable[[frozenset[str]], bool], tuple[str, ...], str]:
    """Whose labels count, the dimensions that this reads, and its words."""
    titles = codebook.titles()
    root = codebook.root_of(dimension.id)
    gate = codebook.gate if codebook.gate and codebook.gate.split(".")[0] != root else None
    needs = codebook.dimension(root).applies_when
    silent = f"{dimension.id}.{NOT_REPORTED}"
    reports = any(label.id == NOT_REPORTED for label in dimension.labels)
    read = [dimension.id, *(name.split(".")[0] for name in (gate, needs) if name)]
    told = ["tagged studies"]
    told += [f"not {titles[gate].lower()}"] if gate else []
    told += [f"with {titles[needs]}"] if needs else []
    told += [f"that report {dimension.title}"] if reports else []

    def counted(said: frozenset[str]) -> bool:
        if (gate and gate in said) or (needs and needs not in said):
            return False
        prefix = f"{dimension.id}."
        return not reports or any(x.startswith(prefix) and x != silent for x in said)

    return counted, tuple(dict.fromkeys(read)), ", ".join(told)
