"""The PRISMA 2020 flow diagram, drawn from a counted `Flow`.

Layout and wording of the boxes: Page et al. 2021, https://doi.org/10.1136/bmj.n71.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.text import Text

from review.analysis.tidy import Context, Tidy
from review.figures.base import FigureSpec
from review.flow import Arm, Flow

_LINE, _PAD, _GAP, _HEAD = 0.125, 0.12, 0.24, 0.26
"""Inches: a line of text, the room in a box, the way between boxes, the heading."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the diagram: its lines, the lines of its side box, and its phase."""

    phase: str
    lines: tuple[str, ...]
    side: tuple[str, ...] = ()


def compute(flow: Flow, context: Context) -> Tidy:
    """The numbers of the diagram as a table: arm, box, what, n, unit."""
    open_now = [f"{name}: {count:,}" for name, count in flow.open().items()]
    state = f"INTERIM ({'; '.join(open_now)})" if open_now else "final"
    frame = pd.DataFrame(flow.rows())
    frame.attrs["flow"] = flow
    return Tidy(
        frame,
        unit="records, then reports, then studies",
        denominator="none: counts",
        population=context.population,
        notes=(state, *flow.notes),
        simulated=context.simulated,
    )


def boxes(arm: Arm, flow: Flow, *, total: bool) -> list[Box]:
    """The boxes of one arm from top to bottom; ``total`` adds what is included."""
    sources = [
        f"   {name} (n = {count:,})"
        for held in arm.identified.values()
        for name, count in sorted(held.items(), key=lambda item: -item[1])
    ]
    shown = sources if len(sources) <= 8 else [*sources[:7], f"   and {len(sources) - 7} more sources"]
    removed = [
        "Records removed before screening:",
        f"   Duplicates, by machine (n = {arm.duplicates_by_machine:,})",
        f"   Duplicates, by hand (n = {arm.duplicates_by_hand:,})",
    ]
    if arm.unscreened:
        removed += [
            "   Marked as ineligible by automation tools,",
            f"   not screened after stopping (n = {arm.unscreened:,})",
        ]
    made = [Box("Identification", (f"Records identified (n = {arm.records:,})", *shown), tuple(removed))]
    if flow.screening:
        aside = [f"Records excluded (n = {arm.excluded:,})"]
        aside += [f"Awaiting screening (n = {arm.awaiting:,})"] if arm.awaiting else []
        aside += [f"Open conflicts (n = {arm.conflicts:,})"] if arm.conflicts else []
        made.append(Box("Screening", (f"Records screened (n = {arm.screened:,})",), tuple(aside)))
    if flow.full_text:
        aside = [f"Reports not retrieved (n = {arm.not_retrieved:,})"]
        aside += [f"Pending (n = {arm.pending:,})"] if arm.pending else []
        made.append(Box("Screening", (f"Reports sought for retrieval (n = {arm.sought:,})",), tuple(aside)))
        reasons = [f"   {_cut(reason)} (n = {n:,})" for reason, n in arm.reasons.items()]
        aside = [f"Reports excluded (n = {sum(arm.reasons.values()):,})", *reasons]
        aside += [f"Open conflicts (n = {arm.conflicts_full_text:,})"] if arm.conflicts_full_text else []
        waiting = (("Awaiting classification", arm.awaiting_classification), ("Ongoing", arm.ongoing))
        aside += [f"{name} (n = {n:,})" for name, n in waiting if n]
        text = f"Reports assessed for eligibility (n = {arm.assessed:,})"
        made.append(Box("Screening", (text,), tuple(aside)))
    if total:
        lines = (
            f"Studies included in review (n = {flow.included_studies:,})",
            f"Reports of included studies (n = {flow.included_reports:,})",
        )
        made.append(Box("Included", lines))
    return made


def _cut(reason: str, most: int = 30) -> str:
    return reason if len(reason) <= most else reason[: most - 1] + "…"


def draw(tidy: Tidy, figure: Figure) -> None:
    """The whole diagram, as high as its boxes need; the right arm only if it found anything."""
    flow: Flow = tidy.frame.attrs["flow"]
    arms = [("databases and registers", flow.databases)]
    if flow.other.records:
        arms.append(("other methods", flow.other))
    rows = [boxes(arm, flow, total=number == 0) for number, (_, arm) in enumerate(arms)]
    heights = _heights(rows)
    foot = 0.22 if flow.interim or tidy.simulated else 0.05
    page = _HEAD + sum(heights) + _GAP * len(heights) + foot
    figure.set_layout_engine("none")
    figure.set_size_inches(figure.get_figwidth(), page)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, 1), ylim=(0, page))
    axes.axis("off")
    tops = [page - _HEAD - _GAP * (k + 1) + 0.1 - sum(heights[:k]) for k in range(len(heights))]
    texts: list[tuple[Text, float]] = []
    left, span = 0.05, 0.945 / len(arms)
    for number, (name, _) in enumerate(arms):
        start = left + number * span
        _heading(axes, start, span - 0.02, page, f"Identification of new studies via {name}")
        texts += _arm(axes, rows[number], list(zip(tops, heights, strict=True)), start, span - 0.02)
    # One size for all boxes: the one that the longest line needs, but never below 5 pt.
    least = min(shrink for _, shrink in texts)
    for text, _ in texts:
        text.set_fontsize(max(float(text.get_fontsize()) * least, 5.0))
    _phases(axes, rows[0], tops, heights)
    if flow.interim:
        told = "; ".join(f"{count:,} {name}" for name, count in flow.open().items())
        axes.text(left, 0.05, f"INTERIM: {told}", va="bottom", weight="bold", color="#B00000")


def _heights(rows: list[list[Box]]) -> list[float]:
    """Inches of every level, the same for both arms."""
    return [
        max(_LINE * max(len(row[k].lines), len(row[k].side), 1) + _PAD for row in rows if k < len(row))
        for k in range(max(map(len, rows)))
    ]


def _heading(axes: Axes, x: float, width: float, page: float, text: str) -> None:
    bottom = page - _HEAD
    axes.add_patch(Rectangle((x, bottom), width, _HEAD - 0.04, facecolor="#F2C14E", edgecolor="black"))
    axes.text(x + width / 2, bottom + _HEAD / 2 - 0.03, text, ha="center", va="center", weight="bold")


def _arm(
    axes: Axes, row: list[Box], levels: list[tuple[float, float]], x: float, width: float
) -> list[tuple[Text, float]]:
    main = width * 0.47
    texts = []
    for level, box in enumerate(row):
        top, height = levels[level]
        texts.append(_box(axes, x, top, main, height, box.lines))
        if box.side:
            side = x + width * 0.53
            texts.append(_box(axes, side, top, width * 0.47, height, box.side))
            _arrow(axes, (x + main, top - height / 2), (side, top - height / 2))
        if level + 1 < len(row):
            _arrow(axes, (x + main / 2, top - height), (x + main / 2, levels[level + 1][0]))
    return texts


def _box(
    axes: Axes, x: float, top: float, width: float, height: float, lines: tuple[str, ...]
) -> tuple[Text, float]:
    """A box and its text; the second value is how much smaller the text would have to be."""
    axes.add_patch(Rectangle((x, top - height), width, height, facecolor="white", edgecolor="black"))
    text = axes.text(x + 0.012, top - height / 2, "\n".join(lines), va="center", linespacing=1.25)
    canvas: Any = axes.figure.canvas
    room = (width - 0.02) * axes.bbox.width
    wide = text.get_window_extent(canvas.get_renderer()).width
    return text, min(room / wide, 1.0)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=6, shrinkA=0, shrinkB=0,
                        linewidth=0.6, color="black")
    )  # fmt: skip


def _phases(axes: Axes, row: list[Box], tops: list[float], heights: list[float]) -> None:
    """The bars at the side, each from its first box down to the next phase."""
    names = list(dict.fromkeys(box.phase for box in row))
    starts = [next(k for k, box in enumerate(row) if box.phase == name) for name in names]
    for place, name in enumerate(names):
        top = tops[starts[place]]
        last = place + 1 == len(names)
        bottom = tops[-1] - heights[-1] if last else tops[starts[place + 1]] + 0.06
        axes.add_patch(
            Rectangle((0.008, bottom), 0.026, top - bottom, facecolor="#A9CCE3", edgecolor="black")
        )
        # A letter is about half as wide as it is high; 72 points are an inch.
        size = min(6.5, 72 * (top - bottom) / (0.62 * len(name)))
        axes.text(0.021, (top + bottom) / 2, name, rotation=90, ha="center", va="center",
                  weight="bold", fontsize=size)  # fmt: skip


def alt(tidy: Tidy) -> str:
    """The numbers from top to bottom."""
    flow: Flow = tidy.frame.attrs["flow"]
    arm = flow.databases
    removed = arm.duplicates_by_machine + arm.duplicates_by_hand
    state = "Interim PRISMA" if flow.interim else "PRISMA"
    return (
        f"{state} 2020 flow diagram: {arm.records:,} records identified from databases and registers, "
        f"{removed:,} duplicates removed, {arm.screened:,} screened, {arm.excluded:,} excluded; "
        f"{flow.included_studies:,} studies included in {flow.included_reports:,} reports."
    )


PRISMA_FLOW = FigureSpec(
    name="prisma-flow",
    title="PRISMA 2020 flow diagram",
    reads=("records", "links", "decisions"),
    needs="flow",
    compute=compute,
    draw=draw,
    alt=alt,
    height=0.4,
)
