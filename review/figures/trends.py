"""Figures over the years. Colour is never alone: hatches, markers and labels say the same."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from review.analysis import trends
from review.analysis.tidy import FAMILIES, NO_METHOD, Tidy
from review.figures.base import FigureSpec, year_axis
from review.figures.presets import COLOURS, HATCHES, MARKERS


def _wide(tidy: Tidy, column: str, value: str) -> pd.DataFrame:
    return tidy.frame.pivot(index="year", columns=column, values=value)


def draw_records(tidy: Tidy, figure: Figure) -> None:
    """Stacked bars of studies per year, one part a method family."""
    axes = figure.add_subplot()
    counts = _wide(tidy, "family", "n")
    bottom = pd.Series(0, index=counts.index)
    for family in (*FAMILIES[::-1], NO_METHOD):
        bars = counts[family]
        axes.bar(bars.index, bars, 0.8, bottom, color=COLOURS[family], hatch=HATCHES[family],
                 edgecolor="black", label=family)  # fmt: skip
        bottom = bottom + bars
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylabel("Studies")
    year_axis(axes, list(counts.index))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left")


def draw_share(tidy: Tidy, figure: Figure) -> None:
    """Lines of the share of each family among studies that state a method."""
    axes = figure.add_subplot()
    share = _wide(tidy, "family", "naive")
    styles = dict(zip(FAMILIES, ("-", ":", "--"), strict=True))
    edge = {"Both": "#7A7000"}
    for family in FAMILIES:
        axes.plot(share.index, share[family], styles[family], marker=MARKERS[family],
                  color=edge.get(family, COLOURS[family]), label=family)  # fmt: skip
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("Share of studies (naive, not audited)")
    year_axis(axes, list(share.index))
    axes.legend(loc="center left")


def draw_evaluation(tidy: Tidy, figure: Figure) -> None:
    """A heat map: criteria down, years across; each cell the share of the year's studies."""
    axes = figure.add_subplot()
    order = list(dict.fromkeys(tidy.frame["criterion"]))
    share = _wide(tidy, "criterion", "naive")[order].T.astype(float)
    image = axes.imshow(share, aspect="auto", cmap="Blues", vmin=0)
    years = list(share.columns)
    step = max(1, -(-len(years) // 16))
    totals = tidy.frame.drop_duplicates("year").set_index("year")["denominator"].fillna(0)
    named = [f"{year}\n({int(totals[year]):,})" for year in years[::step]]
    axes.set_xticks(range(0, len(years), step), named)
    axes.set_yticks(range(len(order)), order)
    axes.set_xlabel("Year (studies that name a criterion)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, format=PercentFormatter(1.0, 0), aspect=30, pad=0.01)
    bar.set_label("Share of the year's studies\n(naive, not audited)")
    bar.outline.set_linewidth(0.4)


def _alt_counts(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    total = tidy.frame.groupby("year")["n"].sum()
    return (
        f"Stacked bars of studies per year, {total.index.min()} to {total.index.max()}, by method "
        f"family; {int(total.sum()):,} studies, most in {total.idxmax()} ({int(total.max()):,})."
    )


def _alt_share(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    last = tidy.frame[tidy.frame["year"] == tidy.frame["year"].max()].set_index("family")["naive"]
    told = ", ".join(f"{family} {last[family]:.0%}" for family in FAMILIES if pd.notna(last[family]))
    return f"Lines of the share of method families by year; in {tidy.frame['year'].max()}: {told}."


def _alt_evaluation(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    most = tidy.frame.groupby("criterion")["n"].sum().sort_values(ascending=False)
    return (
        "Heat map of the share of studies that use each evaluation criterion, by year; "
        f"most used: {', '.join(f'{name} ({int(n):,})' for name, n in most.head(3).items())}."
    )


RECORDS_PER_YEAR = FigureSpec(
    name="records-per-year",
    title="Studies per year by method family",
    reads=("records", "links", "decisions", "labels:methods"),
    needs="studies",
    compute=trends.by_family,
    draw=draw_records,
    alt=_alt_counts,
    wide=False,
    height=0.75,
)
FAMILY_SHARE = FigureSpec(
    name="family-share",
    title="Share of method families by year",
    reads=("records", "links", "decisions", "labels:methods"),
    needs="studies",
    compute=trends.family_share,
    draw=draw_share,
    alt=_alt_share,
    wide=False,
    height=0.75,
)
EVALUATION_BY_YEAR = FigureSpec(
    name="evaluation-by-year",
    title="Evaluation criteria by year",
    reads=("records", "links", "decisions", "labels:evaluation"),
    needs="studies",
    compute=trends.evaluation_by_year,
    draw=draw_evaluation,
    alt=_alt_evaluation,
    height=0.36,
)
