"""The PRISMA 2020 flow diagram, drawn from a counted `Flow`."""

from collections.abc import Mapping
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Rectangle

from review.analysis.tidy import Context, Tidy
from review.figures.base import FigureSpec
from review.figures.prisma_boxes import diagram
from review.figures.prisma_layout import BAR, MARGIN, PAD, Page, Placed, fit
from review.flow import Arm, Flow

NEW, GREY, PHASE = "#F2C14E", "#D5D5D5", "#A9CCE3"
_STRIP = 0.13
"""Inches at the foot that the mark of a simulated literature needs."""


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
        notes=(flow.title, state, *flow.notes),
        simulated=context.simulated,
    )


def draw(tidy: Tidy, figure: Figure) -> None:
    """The whole diagram, as high as its boxes need; the other arm and the previous version only if any."""
    flow: Flow = tidy.frame.attrs["flow"]
    width, tallest = figure.get_size_inches()
    page = fit(partial(diagram, flow), float(width), float(tallest), _STRIP if tidy.simulated else 0.0)
    figure.set_label(page.shortened)
    figure.set_layout_engine("none")
    figure.set_size_inches(width, page.height)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, width), ylim=(-page.height, 0))
    axes.axis("off")
    for place, grey in page.headings:
        _box(axes, page, place, fill=GREY if grey else NEW, bold=True)
    for name, top, bottom in page.phases:
        _phase(axes, page, name, top, bottom)
    _arms(axes, page)
    _ends(axes, page)
    below = MARGIN + (_STRIP if tidy.simulated else 0.0) - page.height
    for number, (row, bold) in enumerate(reversed(page.foot)):
        axes.text(MARGIN, below + number * page.pitch, row, va="bottom", fontsize=page.size,
                  weight="bold" if bold else "normal", color="#B00000" if bold else "black")  # fmt: skip


def _arms(axes: Axes, page: Page) -> None:
    """Both arms, each box with its arrows to the side and down."""
    for arm in page.arms:
        for number, (main, side) in enumerate(arm):
            _box(axes, page, main)
            if side:
                _box(axes, page, side)
                at = max(main.middle, side.middle)
                _arrow(axes, (main.x + main.width, at), (side.x, at))
            if number + 1 < len(arm):
                _arrow(axes, (main.centre, main.bottom), (main.centre, arm[number + 1][0].y))


def _ends(axes: Axes, page: Page) -> None:
    """What is included, and what leads there: the arms, and the version before."""
    included = page.included
    assert included is not None
    _box(axes, page, included)
    first = page.arms[0][-1][0]
    _arrow(axes, (first.centre, first.bottom), (included.centre, included.y))
    if len(page.arms) > 1:
        other = page.arms[1][-1][0]
        _corner(axes, (other.centre, other.bottom), (included.x + included.width, included.middle))
    if page.total and page.previous:
        _box(axes, page, page.total)
        _box(axes, page, page.previous)
        _arrow(axes, (included.centre, included.bottom), (page.total.centre, page.total.y))
        _corner(axes, (page.previous.centre, page.previous.bottom), (page.total.x, page.total.middle))


def _box(axes: Axes, page: Page, place: Placed, *, fill: str = "white", bold: bool = False) -> None:
    """A box with its rows, from the top; a heading's stand in the middle."""
    axes.add_patch(
        Rectangle((place.x, place.bottom), place.width, place.height, facecolor=fill, edgecolor="black")
    )
    top = place.middle + len(place.rows) * page.pitch / 2
    for number, (indent, row) in enumerate(place.rows):
        x = place.centre if bold else place.x + PAD + indent
        y = top - (number + 0.5) * page.pitch
        axes.text(x, y, row, ha="center" if bold else "left", va="center_baseline",
                  weight="bold" if bold else "normal", fontsize=page.size)  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=6, shrinkA=0, shrinkB=0,
                        linewidth=0.6, color="black")
    )  # fmt: skip


def _corner(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Down, and then to the side."""
    axes.add_line(Line2D([start[0], start[0]], [start[1], end[1]], linewidth=0.6, color="black"))
    _arrow(axes, (start[0], end[1]), end)


def _phase(axes: Axes, page: Page, name: str, top: float, bottom: float) -> None:
    axes.add_patch(Rectangle((MARGIN, bottom), BAR, top - bottom, facecolor=PHASE, edgecolor="black"))
    axes.text(MARGIN + BAR / 2, (top + bottom) / 2, name, rotation=90, ha="center", va="center",
              weight="bold", fontsize=page.size)  # fmt: skip


def alt(tidy: Tidy) -> str:
    """The numbers from top to bottom, with every reason and source, which a full page may fold."""
    flow: Flow = tidy.frame.attrs["flow"]
    arms = (("databases and registers", flow.databases), ("other methods", flow.other))
    told = [_told(name, arm, flow) for name, arm in arms if arm.records or name != "other methods"]
    if flow.previous:
        told.insert(0, f"{flow.previous.studies:,} studies in the previous version")
        told.append(f"{flow.new_studies:,} new studies in {flow.new_reports:,} reports")
    state = "Interim. " if flow.interim else ""
    return (
        f"{state}{flow.title}: {'; '.join(told)}; {flow.included_studies:,} {flow.noun.lower()} included in "
        f"{flow.included_reports:,} reports."
    )


def _told(name: str, arm: Arm, flow: Flow) -> str:
    told = (
        f"{arm.records:,} records identified from {name}{_each(*arm.identified.values())}, "
        f"{arm.duplicates:,} duplicates and {arm.automation + arm.otherwise:,} others removed"
        f"{_each(arm.removed_by_automation, arm.removed_otherwise)}, {arm.screened:,} screened, "
        f"{arm.excluded:,} excluded{_each(arm.reasons_screening)}"
    )
    if not flow.full_text:
        return told
    return (
        f"{told}, {arm.sought:,} sought, {arm.not_retrieved:,} not retrieved"
        f"{_each(arm.reasons_not_retrieved)}, {arm.assessed:,} assessed, "
        f"{arm.excluded_full_text:,} excluded at full text{_each(arm.reasons)}"
    )


def _each(*lists: Mapping[str, int]) -> str:
    """All their entries in parentheses, or nothing.

    >>> _each({"Language": 3}, {}, {"No data": 1200})
    ' (Language: 3, No data: 1,200)'
    """
    entries = [f"{name}: {n:,}" for counts in lists for name, n in counts.items()]
    return f" ({', '.join(entries)})" if entries else ""


PRISMA_FLOW = FigureSpec(
    name="prisma-flow",
    title="PRISMA 2020 flow diagram",
    reads=("records", "links", "decisions"),
    needs="flow",
    compute=compute,
    draw=draw,
    alt=alt,
    # As high as the journal allows: the drawing takes what it needs of it.
    height=9.0,
)
