"""What a figure is: it says what it reads, computes a tidy table and draws it."""

import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from corpora.errors import InputError
from review.analysis.tidy import Context, Tidy
from review.figures.presets import MM, Preset

Compute = Callable[[Any, Context], Tidy]


@dataclass(frozen=True, slots=True)
class FigureSpec:
    """A figure behind the entry-point group ``litscale.figures``.

    ``reads`` names what makes it stale (``labels:<dimension>`` or a signature of
    `review.materials`), ``needs`` the material that ``compute`` gets. ``draw`` gets the tidy table
    and a figure of the right size; ``height`` is that of the page per its width, or says it of a
    table. ``of`` makes the same figure for other dimensions of a codebook (`of_dimensions`).
    ``as_tagged``: it draws counts as tagged, and nothing of its table that is corrected.
    """

    name: str
    title: str
    reads: tuple[str, ...]
    needs: str
    compute: Compute
    draw: Callable[[Tidy, Figure], None]
    alt: Callable[[Tidy], str]
    wide: bool = True
    height: float | Callable[[Tidy], float] = 0.5
    of: "Callable[..., FigureSpec] | None" = None
    as_tagged: bool = False

    def on(self, *dimensions: str) -> "FigureSpec":
        """This figure for these dimensions, under a name that holds them.

        Raises:
            InputError: it takes none, or another number of them.

        """
        if self.of is None:
            raise InputError(f"the figure {self.name} takes no dimension, got {', '.join(dimensions)}")
        wanted = inspect.signature(self.of)
        try:
            wanted.bind(*dimensions)
        except TypeError:
            form = ",".join(wanted.parameters)
            raise InputError(
                f"the figure {self.name} takes {self.name}:{form}, got {', '.join(dimensions)}"
            ) from None
        return replace(self.of(*dimensions), name="-".join((self.name, *dimensions)))


def label_reads(*dimensions: str) -> tuple[str, ...]:
    """What a figure of these dimensions' labels reads; ``*`` is the whole codebook."""
    return ("records", "links", "decisions", *(f"labels:{name}" for name in dimensions))


def of_dimensions(make: Callable[..., FigureSpec]) -> FigureSpec:
    """What ``make`` gives for the dimensions it has as defaults; others can be asked for by `on`."""
    return replace(make(), of=make)


def marks(tidy: Tidy) -> list[str]:
    """What must stand on the picture or table itself, for it travels without its notes."""
    held = {
        "SIMULATED LITERATURE": tidy.simulated,
        "CORRECTED TO SILVER CODING, NOT AUDITED": tidy.silver,
    }
    return [text for text, holds in held.items() if holds]


def drawn(spec: FigureSpec, tidy: Tidy, preset: Preset) -> Figure:
    """Draw a figure at a journal's size; without pyplot, so that threads do not meet."""
    width = (preset.double if spec.wide else preset.single) * MM
    per_width = spec.height if isinstance(spec.height, float | int) else spec.height(tidy)
    per_width = min(per_width, _EMPTY) if tidy.empty else per_width
    height = min(width * per_width, preset.tallest * MM)
    with rc_context(preset.rc()):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        if tidy.empty:
            _nothing(figure, tidy)
        else:
            spec.draw(tidy, figure)
        if told := marks(tidy):
            _mark(figure, preset, " · ".join(told))
        _enlarge(figure, preset)
        # Text is laid out while the journal's settings hold.
        figure.canvas.draw()
    return figure


_EMPTY = 0.2
"""Height per width of a figure that has nothing to show but a sentence."""


def _mark(figure: Figure, preset: Preset, text: str) -> None:
    """Say on the picture itself what nobody may miss, in a strip kept free for it."""
    strip = 0.12 / figure.get_figheight()
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0.0, strip, 1.0, 1.0 - strip))
    figure.text(0.998, 0.003, text, ha="right", va="bottom", color="#666666",
                fontsize=preset.smallest)  # fmt: skip


def _enlarge(figure: Figure, preset: Preset) -> None:
    """No text below what the journal takes, whatever a figure asked for."""
    for text in figure.findobj(Text):
        if isinstance(text, Text) and float(text.get_fontsize()) < preset.smallest:
            text.set_fontsize(preset.smallest)


def _nothing(figure: Figure, tidy: Tidy) -> None:
    axes = figure.add_subplot()
    axes.axis("off")
    told = tidy.instead or f"no {tidy.unit} with these labels."
    # A command stays in one line, so that it can be read and copied.
    told = re.sub(r"review \w+( --[\w-]+( \w+)?)*", lambda found: found[0].replace(" ", "\u00a0"), told)
    lines = textwrap.fill(f"Nothing to show yet: {told}", 60, break_on_hyphens=False)
    axes.text(0.5, 0.5, lines, ha="center", va="center")


def year_axis(axes: Axes, years: list[int], audited: dict[int, int] | None = None) -> None:
    """Whole years, as many as have room; below each the studies audited, where there was an audit."""
    step = max(1, -(-len(years) // 8))
    shown = years[::-1][::step][::-1]
    if audited is None:
        axes.set_xticks(shown)
        axes.set_xlabel("Year")
    else:
        axes.set_xticks(shown, [f"{year}\n{audited.get(year, 0):,}" for year in shown])
        axes.set_xlabel("Year, and studies coded of it")
    axes.set_xlim(years[0] - 0.6, years[-1] + 0.6)
