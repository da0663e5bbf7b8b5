"""What changes over the years: studies, method families, evaluation criteria."""

import pandas as pd

from review.analysis.tidy import (
    FAMILIES,
    NO_METHOD,
    NOT_AUDITED,
    Context,
    Tidy,
    dated,
    family_group,
    labels_of,
    shares,
)

_SOURCES = "All sources are pooled; where they enter in different years the mix changes too."


def by_family(studies: pd.DataFrame, context: Context) -> Tidy:
    """Studies per year and method family: columns year, family, n, denominator, naive, …

    Families are exclusive groups, those without a stated method among them; the denominator is
    all tagged studies of the year.
    """
    kept, notes = dated(studies)
    kept = kept if "family" in kept else kept.assign(family=None)
    groups = kept["family"].map(family_group)
    untagged = int(groups.isna().sum())
    if untagged:
        notes.append(f"{untagged:,} studies are not tagged and not shown.")
    frame = _counted(kept.assign(family=groups), "family", (*FAMILIES, NO_METHOD))
    total = frame.groupby("year")["n"].transform("sum")
    return Tidy(
        shares(frame, total),
        unit="studies",
        denominator="tagged studies of the year",
        population=context.population,
        notes=(*notes, NOT_AUDITED, _SOURCES),
        simulated=context.simulated,
    )


def family_share(studies: pd.DataFrame, context: Context) -> Tidy:
    """Share of each method family by year, among studies that state a method."""
    counted = by_family(studies, context)
    stated = counted.frame[counted.frame["family"] != NO_METHOD]
    silent = int(counted.frame["n"].sum() - stated["n"].sum())
    total = stated.groupby("year")["n"].transform("sum")
    note = f"{silent:,} studies state no method and are left out of the denominator."
    return Tidy(
        shares(stated[["year", "family", "n"]], total),
        unit="studies",
        denominator="studies of the year that state a method",
        population=context.population,
        notes=(*((note,) if silent else ()), *counted.notes),
        simulated=context.simulated,
    )


def evaluation_by_year(studies: pd.DataFrame, context: Context, top: int = 9) -> Tidy:
    """Share of studies by year that use each evaluation criterion: columns year, criterion, …

    A study may use several; the denominator is the year's tagged studies that name at least one.
    The ``top`` criteria by count are shown, the others are counted in a note.
    """
    kept, notes = dated(studies)
    kept = kept if "evaluation" in kept else kept.assign(evaluation=None)
    cells = kept["evaluation"].map(labels_of)
    kept = kept.assign(criterion=cells).loc[cells.map(bool).astype(bool)]
    if len(kept) < len(studies):
        notes.append(f"{len(kept):,} of {len(studies):,} studies name a criterion and a year.")
    totals = kept.groupby("year").size()
    long = kept[["year", "criterion"]].explode("criterion")
    order = list(long["criterion"].value_counts().index)
    if len(order) > top:
        notes.append(f"{len(order) - top} rarer criteria are not shown.")
    frame = _counted(long, "criterion", tuple(order[:top]))
    frame = shares(frame, frame["year"].map(totals))
    names = {label: context.titles.get(f"evaluation.{label}", label) for label in order}
    return Tidy(
        frame.assign(criterion=frame["criterion"].map(names)),
        unit="studies",
        denominator="studies of the year that name an evaluation criterion",
        population=context.population,
        notes=(*notes, NOT_AUDITED, _SOURCES),
        simulated=context.simulated,
    )


def _counted(frame: pd.DataFrame, column: str, values: tuple[str, ...]) -> pd.DataFrame:
    """n per year and value, years without a study in between and absent values as zeros."""
    if frame.empty or not values:
        return pd.DataFrame({"year": [], column: [], "n": []}).astype({"year": int, "n": int})
    years = range(int(frame["year"].min()), int(frame["year"].max()) + 1)
    index = pd.MultiIndex.from_product([years, values], names=["year", column])
    counts = frame.groupby(["year", column], observed=True).size()
    return counts.reindex(index, fill_value=0).rename("n").reset_index()
