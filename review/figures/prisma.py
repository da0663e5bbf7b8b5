"""The PRISMA 2020 flow diagram, drawn from a counted `Flow`.

Layout and wording of the boxes: Page et al. 2021, https://doi.org/10.1136/bmj.n71.
"""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from review.analysis.tidy import Context, Tidy
from review.figures.base import FigureSpec
from review.flow import Arm, Flow

_LINE = 0.033
"""Height of one line of text, as a share of the page's height."""

_PAD = 0.022


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
        text = f"Reports assessed for eligibility (n = {arm.assessed:,})"
        made.append(Box("Screening", (text,), tuple(aside)))
    if total:
        lines = (
            f"Studies included in review (n = {flow.included_studies:,})",
            f"Reports of included studies (n = {flow.included_reports:,})",
        )
        made.append(Box("Included", lines))
    return made


def _cut(reason: str, most: int = 34) -> str:
    return reason if len(reason) <= most else reason[: most - 1] + "…"


def draw(tidy: Tidy, figure: Figure) -> None:
    """The whole diagram; the right arm only if other methods found anything."""
    flow: Flow = tidy.frame.attrs["flow"]
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    arms = [("databases and registers", flow.databases)]
    if flow.other.records:
        arms.append(("other methods", flow.other))
    left, span = 0.06, 0.93 / len(arms)
    rows = [boxes(arm, flow, total=number == 0) for number, (_, arm) in enumerate(arms)]
    tops = _tops(rows)
    for number, (name, _) in enumerate(arms):
        start = left + number * span
        _heading(axes, start, span - 0.02, f"Identification of new studies via {name}")
        _arm(axes, rows[number], tops, start, span - 0.02)
    _phases(axes, rows[0], tops)
    if flow.interim:
        axes.text(0.99, 0.012, f"INTERIM: {'; '.join(f'{n:,} {what}' for what, n in flow.open().items())}",
                  ha="right", va="bottom", weight="bold", color="#B00000")  # fmt: skip


def _height(lines: int) -> float:
    return lines * _LINE + _PAD


def _tops(rows: list[list[Box]]) -> list[tuple[float, float]]:
    """(top, height) of every level, the same for both arms."""
    levels = max(map(len, rows))
    heights = [
        max(_height(max(len(row[k].lines), len(row[k].side), 1)) for row in rows if k < len(row))
        for k in range(levels)
    ]
    free = 0.90 - sum(heights)
    gap = min(max(free / levels, 0.02), 0.09)
    places, top = [], 0.91
    for height in heights:
        places.append((top, height))
        top -= height + gap
    return places


def _heading(axes: Axes, x: float, width: float, text: str) -> None:
    axes.add_patch(Rectangle((x, 0.935), width, 0.05, facecolor="#F2C14E", edgecolor="black"))
    axes.text(x + width / 2, 0.96, text, ha="center", va="center", weight="bold")


def _arm(axes: Axes, row: list[Box], tops: list[tuple[float, float]], x: float, width: float) -> None:
    main = width * 0.47
    for level, box in enumerate(row):
        top, height = tops[level]
        _box(axes, x, top, main, height, box.lines)
        if box.side:
            side = x + width * 0.53
            _box(axes, side, top, width * 0.47, height, box.side)
            _arrow(axes, (x + main, top - height / 2), (side, top - height / 2))
        if level + 1 < len(row):
            _arrow(axes, (x + main / 2, top - height), (x + main / 2, tops[level + 1][0]))


def _box(axes: Axes, x: float, top: float, width: float, height: float, lines: tuple[str, ...]) -> None:
    axes.add_patch(Rectangle((x, top - height), width, height, facecolor="white", edgecolor="black"))
    text = axes.text(x + 0.012, top - height / 2, "\n".join(lines), va="center", linespacing=1.25)
    # A long source name is set smaller rather than over the edge.
    figure = axes.figure
    renderer = figure.canvas.get_renderer()  # type: ignore[union-attr]
    room = (width - 0.02) * axes.bbox.width
    wide = text.get_window_extent(renderer).width
    if wide > room:
        text.set_fontsize(max(text.get_fontsize() * room / wide, 5.0))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=6, shrinkA=0, shrinkB=0,
                        linewidth=0.6, color="black")
    )  # fmt: skip


def _phases(axes: Axes, row: list[Box], tops: list[tuple[float, float]]) -> None:
    for phase in dict.fromkeys(box.phase for box in row):
        levels = [level for level, box in enumerate(row) if box.phase == phase]
        top, (last, height) = tops[levels[0]][0], tops[levels[-1]]
        bottom = last - height
        axes.add_patch(Rectangle((0.012, bottom), 0.03, top - bottom, facecolor="#A9CCE3",
                                 edgecolor="black"))  # fmt: skip
        axes.text(0.027, (top + bottom) / 2, phase, rotation=90, ha="center", va="center",
                  weight="bold", fontsize=min(6.5, 200 * (top - bottom) / len(phase)))  # fmt: skip


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
    height=0.62,
)
