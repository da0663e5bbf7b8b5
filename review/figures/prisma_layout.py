"""Where the boxes of the flow diagram stand on a page, in inches, with their text broken into rows.

Text is measured with the journal's font and set as large as the page's height allows. Where even the
journal's smallest size needs a higher page, boxes and rows stand closer, then long lists are folded,
then the notes stand elsewhere.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from matplotlib import rcParams
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from review.figures.presets import PRESETS
from review.figures.prisma_boxes import FOLDED, Box, Diagram, Level

GAP, PAD, BAR, MARGIN = 0.16, 0.055, 0.17, 0.04
"""Inches: between boxes, inside a box, the bar of a phase, the edge of the page."""

INDENT = 0.085
"""Inches by which a deeper line is set in."""

_ENOUGH = 6
"""Lines of a list that are kept before the notes under the diagram are."""

SHORTENED = (
    "to fit the page, the smallest entries of long lists stand together; each stands in the CSV, the table "
    "and the alternative text"
)
_ELSEWHERE = "Notes on these numbers: see the text."


@dataclass(frozen=True, slots=True)
class Spacing:
    """From top to bottom: inches between boxes and around the text of one; rows, in sizes of text."""

    gap: float
    pad: float
    pitch: float


ROOMY = Spacing(GAP, PAD, 1.22)
TIGHT = Spacing(0.09, 0.03, 1.13)


@dataclass(frozen=True, slots=True)
class Placed:
    """A box on the page: left, top, width and height, and its rows as (indent, text)."""

    x: float
    y: float
    width: float
    height: float
    rows: tuple[tuple[float, str], ...]

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y - self.height

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return self.y - self.height / 2

    @property
    def centre(self) -> float:
        """Its middle from left to right."""
        return self.x + self.width / 2


@dataclass(slots=True)
class Page:
    """Everything on the page; ``arms`` are lists of (box, side box or None) from top to bottom.

    Heights are counted from the upper edge of the page, downwards below 0. ``shortened`` says what
    gave way, empty if nothing did.
    """

    size: float
    spacing: Spacing
    height: float = 0.0
    headings: list[tuple[Placed, bool]] = field(default_factory=list)
    previous: Placed | None = None
    arms: list[list[tuple[Placed, Placed | None]]] = field(default_factory=list)
    included: Placed | None = None
    total: Placed | None = None
    phases: list[tuple[str, float, float]] = field(default_factory=list)
    foot: list[tuple[str, bool]] = field(default_factory=list)
    shortened: str = ""

    @property
    def pitch(self) -> float:
        """Inches from one row of text to the next."""
        return self.size * self.spacing.pitch / 72


def fit(make: Callable[..., Diagram], width: float, tallest: float, strip: float) -> Page:
    """The page that keeps most of what ``make(most, reasons)`` gives, as `diagram` does.

    ``tallest`` inches are the page's; ``strip`` inches stay free below. Where nothing fits, the lowest
    page, and it says so.
    """
    largest = float(rcParams["font.size"])
    smallest = max((one.smallest for one in PRESETS.values() if one.text == largest), default=largest)
    whole = make()
    for spacing in (ROOMY, TIGHT):
        for size in (largest - k * (largest - smallest) / 3 for k in range(4)):
            page = lay_out(whole, width, size, strip, spacing)
            if page.height <= tallest:
                return page
    longest = max(len(box) for _, arm in whole.arms for level in arm for box in (level.main, level.side))
    for least, noted in ((min(_ENOUGH, longest), True), (1, False)):

        def lay(made: Diagram, noted: bool = noted) -> Page:
            notes = (FOLDED, *(made.notes if noted else (_ELSEWHERE,)))
            return lay_out(replace(made, notes=notes), width, smallest, strip, TIGHT)

        page = _folded(make, lay, tallest, range(least, longest + 1))
        page.shortened = SHORTENED if noted else f"{SHORTENED}; its notes do not stand below it"
        if page.height <= tallest:
            return page
    page.shortened += f"; it is still {25.4 * (page.height - tallest):.0f} mm higher than the page"
    return page


def _folded(
    make: Callable[..., Diagram], lay: Callable[[Diagram], Page], tallest: float, lengths: range
) -> Page:
    """The page with the longest lists that fit; what they leave free, the reasons at full text take."""
    most = last_fitting(lengths, lambda length: lay(make(length, length)).height <= tallest)
    reasons = last_fitting(
        range(most, lengths.stop), lambda length: lay(make(most, length)).height <= tallest
    )
    return lay(make(most, reasons))


def last_fitting(numbers: range, fits: Callable[[int], bool]) -> int:
    """The last number that fits, where all before it do; the first if none does."""
    fitting = bisect_left(numbers, True, key=lambda number: not fits(number))
    return numbers[max(fitting - 1, 0)]


def lay_out(made: Diagram, width: float, size: float, strip: float, spacing: Spacing) -> Page:
    """All boxes at one size of text; the height follows from the text."""
    columns = _columns(len(made.arms), width, previous=bool(made.previous))
    texts = _Texts(size, spacing)
    page = Page(size, spacing)
    y = _headings(page, made, columns, texts)
    y = _steps(page, made, columns, texts, y - spacing.gap)
    y = _ends(page, made, columns, texts, y - spacing.gap)
    for text in filter(None, (made.interim, *made.notes)):
        bold = text == made.interim
        page.foot += [(row, bold) for row in texts.wrap(text, width - 4 * MARGIN, bold=bold)]
    page.height = spacing.gap / 2 + len(page.foot) * page.pitch + strip + MARGIN - y
    return page


def _headings(page: Page, made: Diagram, columns: "_Columns", texts: "_Texts") -> float:
    """The bars above all columns, grey but for the databases'; gives their lower edge."""
    titled = [(made.arms[k][0], columns.span(k), k > 0) for k in range(len(made.arms))]
    if made.previous:
        titled.insert(0, ("Previous version", columns.previous, True))
    rows = [texts.wrap(name, span[1] - 2 * PAD, bold=True) for name, span, _ in titled]
    height = max(map(len, rows)) * page.pitch + page.spacing.pad * 1.5
    for (_, (x, wide), grey), text in zip(titled, rows, strict=True):
        page.headings.append((Placed(x, -MARGIN, wide, height, tuple((0.0, row) for row in text)), grey))
    return -MARGIN - height


def _steps(page: Page, made: Diagram, columns: "_Columns", texts: "_Texts", top: float) -> float:
    """The boxes of all arms, level by level, and the previous version's; gives their lower edge."""
    gap = page.spacing.gap
    sets = [[texts.level(level, columns, k) for level in arm] for k, (_, arm) in enumerate(made.arms)]
    heights = [max(max(main[0], side[0]) for main, side in step) for step in zip(*sets, strict=True)]
    if made.previous:
        x, wide = columns.previous
        page.previous = Placed(x, top, wide, *texts.box(made.previous, wide))
        heights[0] = max(heights[0], page.previous.height)
    names = [level.phase for level in made.arms[0][1]]
    for name in dict.fromkeys(names):
        # The bar at the side must hold its name.
        inside = [k for k, other in enumerate(names) if other == name]
        tall = sum(heights[k] for k in inside) + gap * (len(inside) - 1)
        heights[inside[-1]] += max(texts.width(name, bold=True) + PAD - tall, 0.0)
    tops = [top - sum(heights[:k]) - gap * k for k in range(len(heights))]
    for name in dict.fromkeys(names):
        last = max(k for k, other in enumerate(names) if other == name)
        page.phases.append((name, tops[names.index(name)], tops[last] - heights[last]))
    for k, arm in enumerate(sets):
        page.arms.append([_placed(step, tops[j], columns, k) for j, step in enumerate(arm)])
    return float(tops[-1] - heights[-1])


def _ends(page: Page, made: Diagram, columns: "_Columns", texts: "_Texts", top: float) -> float:
    """The boxes of what is included; gives their lower edge."""
    x, wide = columns.main(0)
    height, rows = texts.box(made.included, wide)
    page.included = Placed(x, top, wide, max(height, texts.width("Included", bold=True) + PAD), rows)
    bottom = page.included.bottom
    if made.total:
        page.total = Placed(x, bottom - page.spacing.gap, wide, *texts.box(made.total, wide))
        bottom = page.total.bottom
    page.phases.append(("Included", top, bottom))
    return bottom


@dataclass(frozen=True, slots=True)
class _Columns:
    """Left edges and widths: of the previous version, and of (box, side box) of every arm."""

    previous: tuple[float, float]
    pairs: tuple[tuple[tuple[float, float], tuple[float, float]], ...]

    def main(self, arm: int) -> tuple[float, float]:
        return self.pairs[arm][0]

    def side(self, arm: int) -> tuple[float, float]:
        return self.pairs[arm][1]

    def span(self, arm: int) -> tuple[float, float]:
        """From the left of the box to the right of its side box."""
        (x, _), (right, wide) = self.pairs[arm]
        return x, right + wide - x


def _columns(arms: int, width: float, *, previous: bool) -> _Columns:
    left = MARGIN + BAR + 0.06
    room = width - MARGIN - left
    before = (left, 0.0)
    if previous:
        # Boxes of a new search hold the longer texts.
        before = (left, (room - GAP) * (0.19 if arms == 1 else 0.14))
        left += before[1] + GAP
        room -= before[1] + GAP
    each = (room - GAP * 0.8 * (arms - 1)) / arms
    main = (each - GAP) * 0.47
    pairs = []
    for k in range(arms):
        x = left + k * (each + GAP * 0.8)
        pairs.append(((x, main), (x + main + GAP, each - GAP - main)))
    return _Columns(before, tuple(pairs))


def _placed(
    step: tuple["_Set", "_Set"], top: float, columns: _Columns, arm: int
) -> tuple[Placed, Placed | None]:
    (x, wide), (side, side_wide) = columns.main(arm), columns.side(arm)
    main = Placed(x, top, wide, *step[0])
    return main, Placed(side, top, side_wide, *step[1]) if step[1][1] else None


_Set = tuple[float, tuple[tuple[float, str], ...]]
"""The height of a box, and its rows."""


@dataclass(frozen=True, slots=True)
class _Texts:
    """Breaks text into rows at one size, in points."""

    size: float
    spacing: Spacing

    def level(self, level: Level, columns: _Columns, arm: int) -> tuple[_Set, _Set]:
        """A box and its side box."""
        return self.box(level.main, columns.main(arm)[1]), self.box(level.side, columns.side(arm)[1])

    def box(self, lines: Box, width: float) -> _Set:
        """Height and rows of a box of this width; nothing for an empty one."""
        rows = tuple(
            (depth * INDENT, row)
            for depth, text in lines
            for row in self.wrap(text, width - 2 * PAD - depth * INDENT)
        )
        pitch = self.size * self.spacing.pitch / 72
        return (len(rows) * pitch + 2 * self.spacing.pad if rows else 0.0), rows

    def wrap(self, text: str, width: float, *, bold: bool = False) -> list[str]:
        """Rows no wider than so many inches; a word that is wider is cut where it must."""
        rows: list[str] = []
        row = ""
        for whole in text.split(" "):
            word = whole
            while word:
                longer = f"{row} {word}" if row else word
                if self.width(longer, bold) <= width:
                    row, word = longer, ""
                elif row:
                    rows.append(row)
                    row = ""
                else:
                    keep = next(
                        (k for k in range(len(word), 1, -1) if self.width(word[:k], bold) <= width), 1
                    )
                    rows.append(word[:keep])
                    word = word[keep:]
        return [*rows, row] if row else rows

    def width(self, text: str, bold: bool) -> float:
        """Of a row, in inches."""
        family = tuple(rcParams["font.family"])
        return _measured(text, family, bold) * self.size / 72


@lru_cache(maxsize=20_000)
def _measured(text: str, family: tuple[str, ...], bold: bool) -> float:
    """Width of a text in em, measured so large that hinting does not show."""
    font = FontProperties(family=list(family), size=100, weight="bold" if bold else "normal")
    # At 72 dots an inch a size of 100 points is 100 dots.
    wide, _, _ = _ruler().get_text_width_height_descent(text, font, ismath=False)
    return float(wide) / 100 * 1.01


@lru_cache(maxsize=1)
def _ruler() -> Any:
    made: Any = RendererAgg
    return made(10, 10, 72)
