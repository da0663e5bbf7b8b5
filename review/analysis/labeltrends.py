"""The labels of a dimension by year: pooled, within each source, and standardised to a fixed mix."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from corpora.words import by_number, counted
from review.analysis import axes, prevalence, sources
from review.analysis.axes import Axis
from review.analysis.labelshares import measured
from review.analysis.prevalence import Estimate, Measure
from review.analysis.tidy import POOLED, Context, Tidy, dated

ALL = "all sources, pooled"
STANDARD = "standardised"
SHOWN = 4
"""Sources that get a curve of their own."""


def label_trends(
    studies: pd.DataFrame, context: Context, dimension: str = "evaluation", top: int = 6
) -> Tidy:
    """Share by year of a dimension's ``top`` labels: columns label, series, year, n, denominator, …

    ``series`` is `ALL`, `STANDARD` (the estimator is that of `review.analysis.sources`: every year
    weighs the sources alike) or a source. Years without support for the standardised share are not
    in the table and named in a note, and so are labels and sources that have no room. Method families
    are exclusive groups among the studies that state a method.

    Raises:
        UnknownNameError: the codebook has no such dimension.

    """
    part = axes.axis(studies, context, dimension)
    kept, notes = dated(studies)
    order = part.by_count(kept)
    if len(order) > top:
        notes.append(
            f"{counted(len(order) - top, 'rarer label')} of {part.title} "
            f"{by_number(len(order) - top, 'is', 'are')} not shown."
        )
    order = order[:top]
    years = range(int(kept["year"].min()), int(kept["year"].max()) + 1) if len(order) else range(0)
    rows = [(year, label) for year in years for label in order]
    measure, read, what = _measured(context, part, rows)
    mix = sources.mix(kept, measure)
    count = sources.groups(kept).value_counts().sort_index().sort_values(ascending=False, kind="stable")
    own = [str(name) for name in count.index[:SHOWN]]
    if len(count) > SHOWN:
        notes.append(f"{counted(len(count) - SHOWN, 'smaller source has')} no own curve.")

    def found(cells: Measure, weights: np.ndarray | None = None) -> list[Estimate]:
        return prevalence.estimates(kept, cells, context, dimensions=read, denominator=what, mix=weights)

    held = [row for row, there in zip(rows, mix.held.tolist(), strict=True) if there]
    notes.append(f"Points that stand on under {sources.SUPPORT} studies are in the table and not drawn.")
    series = [(ALL, rows, found(measure))]
    if len(mix.names) > 1:
        notes += _standard(mix, years, {year for year, _ in held})
        series.append((STANDARD, held, found(sources.split(measure, mix.names), mix.matrix())))
    if len(own) > 1:
        within = found(sources.split(measure, own))
        series += [(name, rows, within[i * len(rows) : (i + 1) * len(rows)]) for i, name in enumerate(own)]
    else:
        notes.append("All studies come from one source.")
    frame = pd.concat([_table(part, *one) for one in series], ignore_index=True)
    everything = [one for _, _, estimates in series for one in estimates]
    return Tidy(
        frame,
        unit="studies",
        denominator=f"{what}, of the year",
        population=context.population,
        notes=(*notes, *prevalence.notes(everything, context), f"Of the curve over all sources: {POOLED}"),
        simulated=context.simulated,
    )


def _measured(
    context: Context, part: Axis, rows: Sequence[tuple[int, str]]
) -> tuple[Measure, tuple[str, ...], str]:
    """As `label_shares` counts, but families as exclusive groups."""
    if context.codebook is not None and part.id != axes.FAMILY:
        whole = next(one for one in context.codebook.all_dimensions() if one.id == part.id)
        return measured(context.codebook, whole, rows)
    counted = bool if part.stated else lambda _: True
    what = f"studies that state a {part.title.lower()}" if part.stated else "tagged studies"
    return prevalence.by_year(rows, part.column, counted), (part.id,), what


def _standard(mix: sources.Mix, years: range, held: set[int]) -> list[str]:
    """What the standardised curve stands on, and where it has none."""
    told = [f"Standardised to the sources' parts over all years: {mix.told()}."]
    if absent := [str(year) for year in years if year not in held]:
        told.append(
            f"Not standardised, for a source of the mix has under {sources.SUPPORT} studies: "
            f"{', '.join(absent)}."
        )
    return told


def _table(
    part: Axis, series: str, rows: Sequence[tuple[int, str]], found: Sequence[Estimate]
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "label": [part.name(label) for _, label in rows],
            "series": series,
            "year": np.array([year for year, _ in rows], dtype="int64"),
        }
    )
    return pd.concat([frame, prevalence.table(found)], axis=1)
