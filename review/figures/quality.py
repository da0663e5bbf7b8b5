"""Whether a tagger's probabilities can be believed, and what leaving unsure labels to people gains.

A panel a dimension; what the labels are that it was measured against stands below.
"""

import textwrap
from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from corpora.words import by_number, counted
from review.analysis import quality
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads

_FIRST = 0.1
"""Share of decisions below which accuracy is that of a handful: it does not stretch the axis."""
_BLUE = "#0072B2"
_ORANGE = "#D55E00"


def _panels(tidy: Tidy, figure: Figure, panel: Callable[[Axes, pd.DataFrame], None]) -> list[Axes]:
    """One panel for each dimension, in the codebook's order; axes are shared."""
    parts = list(tidy.frame.groupby("dimension", sort=False))
    across = _across(len(parts))
    rows = -(-len(parts) // across)
    made = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(made.ravel()):
        if place >= len(parts):
            axes.set_visible(False)
            continue
        _, part = parts[place]
        panel(axes, part)
        axes.set_title(textwrap.fill(str(part["title"].iloc[0]), 24), loc="left", pad=10)
        # The panel below may be missing: then this one carries the numbers.
        axes.tick_params(labelbottom=place + across >= len(parts))
    return list(made.ravel()[: len(parts)])


def _across(count: int) -> int:
    """Four panels in a row, or three of a few where that leaves fewer places empty.

    >>> _across(8), _across(9), _across(15)
    (4, 3, 4)
    """
    return 3 if count <= 9 and -count % 3 < -count % 4 else 4


def height(tidy: Tidy) -> float:
    """A row of panels for every three or four dimensions."""
    count = tidy.frame["dimension"].nunique()
    return 0.08 + 0.22 * max(-(-count // _across(count)), 1)


def draw_calibration(tidy: Tidy, figure: Figure) -> None:
    """Share that holds over mean probability, with the diagonal of a calibrated tagger."""

    def panel(axes: Axes, part: pd.DataFrame) -> None:
        axes.plot([0, 1], [0, 1], "--", color="#999999", linewidth=0.7)
        share = part["share"]
        axes.errorbar(part["mean"], share, [share - part["low"], part["high"] - share], fmt="o-",
                      color=_BLUE, linewidth=0.8, elinewidth=0.6, markersize=2.5)  # fmt: skip
        first = part.iloc[0]
        slope = "–" if pd.isna(first["slope"]) else f"{first['slope']:.2f}"
        _beneath_title(axes, f"slope {slope}  ECE {first['ece']:.3f}  n {int(first['records']):,}")

    made = _panels(tidy, figure, panel)
    for axes in made:
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks([0, 0.5, 1])
    size = float(made[0].xaxis.label.get_fontsize())
    figure.supylabel("Share that holds", fontsize=size)
    figure.supxlabel("\n".join(["Probability given (mean of its bin)", *_against(tidy)]), fontsize=size)


def _against(tidy: Tidy) -> list[str]:
    """What the taggers were measured against: nobody should take silver labels for human truth."""
    return [line for note in tidy.notes for line in textwrap.wrap(note, 110)]


def draw_coverage(tidy: Tidy, figure: Figure) -> None:
    """Accuracy of what is decided over the share that is decided; where no curve was kept, its two ends."""
    if not (tidy.frame["point"] == "curve").any():
        _ends(tidy, figure)
        return

    def panel(axes: Axes, part: pd.DataFrame) -> None:
        curve, every, sure = (part[part["point"] == name] for name in ("curve", "all", "sure"))
        axes.plot(curve["coverage"], curve["accuracy"], "-", color=_BLUE, linewidth=1)
        axes.plot(every["coverage"], every["accuracy"], "s", color="black", markersize=3)
        axes.plot(sure["coverage"], sure["accuracy"], "o", color=_ORANGE, markersize=3.5)
        if len(sure):
            told = f"sure: {sure['accuracy'].iloc[0]:.1%} right, {sure['coverage'].iloc[0]:.1%} taken"
            _beneath_title(axes, told)

    made = _panels(tidy, figure, panel)
    low = float(tidy.frame.loc[tidy.frame["coverage"] >= _FIRST, "accuracy"].min())
    for axes in made:
        axes.set_ylim(low - 0.1 * (1 - low), 1 + 0.06 * (1 - low))
        axes.set_xlim(-0.03, 1.05)
        axes.set_xticks([0, 0.5, 1])
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(lambda share, _: f"{round(100 * share, 4):g}%")
    size = float(made[0].xaxis.label.get_fontsize())
    figure.supylabel("Accuracy of the decisions taken", fontsize=size)
    told = (
        "Share of decisions taken, the least sure left out first (square: all; circle: without those marked "
        "unsure)"
    )
    cut = [f"Lines go on below the axis where under {_FIRST:.0%} of the decisions are taken."]
    told_of = [told, *(cut if float(tidy.frame["accuracy"].min()) < low else []), *_against(tidy)]
    figure.supxlabel("\n".join(told_of), fontsize=size)


def _ends(tidy: Tidy, figure: Figure) -> None:
    """A line a dimension: accuracy of all decisions, and of those that are not marked unsure."""
    wide = tidy.frame.pivot(index="title", columns="point", values=["accuracy", "coverage"])
    titles = list(dict.fromkeys(tidy.frame["title"]))
    axes = figure.add_subplot()
    size = float(axes.xaxis.label.get_fontsize())
    for place, title in enumerate(titles):
        row = wide.loc[title]
        every, sure = row["accuracy"]["all"], row["accuracy"].get("sure", float("nan"))
        axes.plot([every, sure], [place, place], "-", color="#777777", linewidth=0.8)
        axes.plot(every, place, "s", color="black", markersize=3.5, label="" if place else "all decisions")
        axes.plot(sure, place, "o", color=_ORANGE, markersize=4,
                  label="" if place else "without those marked unsure")  # fmt: skip
        if pd.notna(sure):
            axes.text(1.01, place, f"{row['coverage']['sure']:.1%}", transform=axes.get_yaxis_transform(),
                      va="center")  # fmt: skip
    axes.text(1.01, -1, "share taken", transform=axes.get_yaxis_transform(), va="center")
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.4, -1.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
    axes.set_xlabel("Accuracy of the decisions taken")
    figure.legend(loc="outside upper center", ncols=2)
    shades.footnote(figure, "\n".join(["The curve between was not kept.", *_against(tidy)]), size)


def _beneath_title(axes: Axes, text: str) -> None:
    # Left out of the layout: a panel must not shrink because a number got longer.
    axes.text(0, 1.02, text, transform=axes.transAxes, va="bottom", color="#444444",
              fontsize=float(axes.xaxis.label.get_fontsize()) - 1).set_in_layout(False)  # fmt: skip


def height_coverage(tidy: Tidy) -> float:
    """Panels, or a line a dimension."""
    if (tidy.frame["point"] == "curve").any():
        return height(tidy)
    return 0.14 + 0.024 * max(tidy.frame["dimension"].nunique(), 3)


def _alt_calibration(tidy: Tidy) -> str:
    if tidy.empty:
        return "Nothing was measured."
    each = tidy.frame.drop_duplicates("dimension").set_index("title")
    worst = each["ece"].astype(float).idxmax()
    return (
        f"Reliability diagrams of {counted(len(each), 'dimension')}, share that holds against probability "
        "given; "
        f"expected calibration error {each['ece'].min():.3f} to {each['ece'].max():.3f}, largest for {worst}."
    )


def _alt_coverage(tidy: Tidy) -> str:
    if tidy.empty:
        return "Nothing was measured."
    wide = tidy.frame[tidy.frame["point"] != "curve"].pivot(index="title", columns="point", values="accuracy")
    wide = wide.reindex(columns=["all", "sure"]).astype(float)
    most = (
        wide.assign(gain=(wide["sure"] - wide["all"]).fillna(0.0)).sort_values("gain").reset_index().iloc[-1]
    )
    return (
        f"Accuracy against coverage for {counted(len(wide), 'dimension')}; leaving unsure labels to "
        "people gains most "
        f"for {most['title']}: {most['all']:.1%} to {most['all'] + most['gain']:.1%}."
    )


CALIBRATION = FigureSpec(
    name="calibration",
    title="Calibration of the tagger",
    reads=(*label_reads("*"), "models"),
    needs="measures",
    compute=quality.calibration,
    draw=draw_calibration,
    alt=_alt_calibration,
    height=height,
)
COVERAGE_ACCURACY = FigureSpec(
    name="coverage-accuracy",
    title="Accuracy of the tagger when unsure labels are left to people",
    reads=(*label_reads("*"), "models"),
    needs="measures",
    compute=quality.coverage,
    draw=draw_coverage,
    alt=_alt_coverage,
    height=height_coverage,
)


# ------------------------------------------------------------------ errors that an audit found

_MOST = 32
"""Labels that have room; those with the most errors are drawn, all stand in the table."""


def _erring(tidy: Tidy) -> pd.DataFrame:
    """The labels that are drawn: with an error, most first within their dimension."""
    frame = tidy.frame.assign(errors=tidy.frame["false_positive"] + tidy.frame["false_negative"])
    chosen = frame[frame["errors"] > 0].sort_values("errors", ascending=False, kind="stable").head(_MOST)
    order = {name: place for place, name in enumerate(dict.fromkeys(frame["dimension"]))}
    return chosen.assign(place=chosen["dimension"].map(order)).sort_values(
        ["place", "errors"], ascending=[True, False], kind="stable"
    )


def draw_errors(tidy: Tidy, figure: Figure) -> None:
    """To the right what the tagger gave wrongly, to the left what it missed; grey: what it got right."""
    rows = _erring(tidy).reset_index(drop=True)
    axes = figure.add_subplot()
    size = float(axes.xaxis.label.get_fontsize())
    if rows.empty:
        axes.axis("off")
        axes.text(0.5, 0.5, "Tagger and coder never differed on the coded studies.", ha="center")
        return
    coder = rows["coder"].iloc[0]
    axes.barh(rows.index, rows["false_positive"], 0.7, color=_ORANGE, edgecolor="black", linewidth=0.4,
              label=f"given by the tagger, not by {coder}")  # fmt: skip
    axes.barh(rows.index, -rows["false_negative"], 0.7, color=_BLUE, edgecolor="black", linewidth=0.4,
              hatch="////", label=f"given by {coder}, missed by the tagger")  # fmt: skip
    most = float(rows[["false_positive", "false_negative"]].to_numpy().max())
    for place, row in rows.iterrows():
        y = float(str(place))
        for count, side in ((row["false_positive"], 1), (row["false_negative"], -1)):
            if count:
                axes.annotate(f"{count:,}", (side * count, y), (side * 2, 0), textcoords="offset points",
                              ha="left" if side > 0 else "right", va="center", fontsize=size - 1)  # fmt: skip
        axes.text(1.01, y, f"{row['true_positive']:,}", transform=axes.get_yaxis_transform(), va="center",
                  fontsize=size - 1, color="#555555")  # fmt: skip
    axes.text(1.01, -1.0, "both", transform=axes.get_yaxis_transform(), va="center", fontsize=size - 1,
              color="#555555")  # fmt: skip
    axes.set_yticks(rows.index, [f"{d}: {t}" for d, t in zip(rows["heading"], rows["title"], strict=True)])
    axes.set_ylim(len(rows) - 0.4, -1.6)
    axes.set_xlim(-1.15 * most - 0.5, 1.15 * most + 0.5)
    axes.axvline(0, color="black", linewidth=0.5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    axes.set_xlabel(f"Coded studies, of {int(tidy.frame['n'].max()):,}")
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", alignment="left")
    left = int((tidy.frame["false_positive"] + tidy.frame["false_negative"] > 0).sum()) - len(rows)
    more = (
        f" {counted(left, 'label')} with fewer errors {by_number(left, 'is', 'are')} in the table only."
        if left
        else ""
    )
    shades.footnote(figure, f"Counts of the sample. Right margin: given by both.{more}", size)


def height_errors(tidy: Tidy) -> float:
    """A line a label."""
    return 0.16 + 0.021 * max(len(_erring(tidy)), 3)


def _alt_errors(tidy: Tidy) -> str:
    if tidy.empty:
        return "No audit is finished."
    rows = _erring(tidy)
    if rows.empty:
        return "Tagger and coder never differed on the coded studies."
    worst = rows.sort_values("errors", ascending=False, kind="stable").iloc[0]
    return (
        f"Bars of the tagger's errors per label among coded studies; most for {worst['heading']}: "
        f"{worst['title']} ({worst['false_positive']} given wrongly, {worst['false_negative']} missed, "
        f"{worst['true_positive']} right)."
    )


AUDIT_ERRORS = FigureSpec(
    name="audit-errors",
    title="Errors of the tagger among coded studies",
    reads=label_reads("*"),
    needs="studies",
    compute=quality.audit_errors,
    draw=draw_errors,
    alt=_alt_errors,
    height=height_errors,
)
