"""Topics drawn: families on one map, topics by family and over the years, and which of them are solid."""

import textwrap
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter
from matplotlib.transforms import Bbox

from corpora.words import counted
from review.analysis import topics
from review.analysis.tidy import FAMILIES, Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads
from review.figures.presets import COLOURS, MARKERS

WEAK, MACHINE = "†", "‡"
_STYLES: dict[str, Literal["-", "--"]] = {FAMILIES[0]: "-", FAMILIES[2]: "--"}
_DARK = {**COLOURS, "Both": "#7A7000"}
_MASS = (0.9, 0.6, 0.3)
"""Shares of a family's studies that the contours hold, outermost first."""
_PAD = 0.08
"""Room around the points, per side of the map."""

_READS = ("topics", *label_reads("methods"))


# ------------------------------------------------------------------ the map


def draw_map(tidy: Tidy, figure: Figure) -> None:
    """Contours of both families' densities, points behind them, names where topics lie."""
    axes = figure.add_subplot()
    points = tidy.frame[tidy.frame["kind"] == "study"]
    # Light and in mixed order, so that no family lies on the other; see-through points would not print.
    mixed = points.sample(frac=1, random_state=topics.MAP_SEED)
    light = {family: shades.lighter(_DARK[family], 0.45) for family in _STYLES}
    # Thousands of dots as shapes are smaller than the picture that an EPS would hold of them.
    axes.scatter(mixed["x"], mixed["y"], s=1.2, c=mixed["family"].map(light).tolist(), linewidths=0, zorder=1)
    box = [*np.percentile(points["x"], [0.5, 99.5]), *np.percentile(points["y"], [0.5, 99.5])]
    for family in _STYLES:
        _contours(axes, points[points["family"] == family], box, family)
    pad = _PAD * max(box[1] - box[0], box[3] - box[2])
    axes.set(xlim=(box[0] - pad, box[1] + pad), ylim=(box[2] - pad, box[3] + pad), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    size = int(len(points) / 2)
    handles = [
        Line2D([], [], color=_DARK[family], linestyle=style, label=f"{family} ({counted(size, 'study')})")
        for family, style in _STYLES.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    figure.draw_without_rendering()
    unnamed = _names_on(axes, tidy.frame[tidy.frame["kind"] == "topic"])
    held = ", ".join(f"{share:.0%}" for share in _MASS)
    told = f"Contours hold {held} of a family's studies. Families as tagged, naive."
    told += _marked(tidy)
    told += f" Topics without room for their name: {unnamed}, see the table." if unnamed else ""
    _foot(figure, told, float(axes.title.get_fontsize()))


def _contours(axes: Axes, part: pd.DataFrame, box: list[float], family: str) -> None:
    """Lines around the densest places that hold the given shares of the points."""
    from scipy.stats import gaussian_kde

    if len(part) < 10 or part[["x", "y"]].std().min() == 0:
        return
    kernel = gaussian_kde(part[["x", "y"]].to_numpy().T, bw_method=0.14)
    pad = _PAD * max(box[1] - box[0], box[3] - box[2])
    across = np.linspace(box[0] - pad, box[1] + pad, 140)
    up = np.linspace(box[2] - pad, box[3] + pad, 140)
    grid = np.stack(np.meshgrid(across, up))
    height = kernel(grid.reshape(2, -1)).reshape(grid.shape[1:])
    own = kernel(part[["x", "y"]].to_numpy().T)
    levels = sorted({float(np.quantile(own, 1 - share)) for share in _MASS})
    axes.contour(across, up, height, levels, colors=_DARK[family], linestyles=_STYLES[family],
                 linewidths=np.linspace(0.5, 1.3, len(levels)), zorder=2)  # fmt: skip


def _names_on(axes: Axes, named: pd.DataFrame) -> int:
    """Write the names, largest topics first, each where it covers no other; gives how many had no room."""
    size, unnamed = axes.title.get_fontsize(), 0
    taken: list[Bbox] = []
    for _, row in named.sort_values("n", ascending=False, kind="stable").iterrows():
        text = axes.text(
            row["x"], row["y"], textwrap.fill(_short(row, 30), 20), ha="center", va="center",
            fontsize=size, zorder=4, linespacing=0.95,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.2},
        )  # fmt: skip
        text.set_in_layout(False)
        step = text.get_window_extent().height
        for shift in (0.0, 0.6, -0.6, 1.2, -1.2):
            x, y = axes.transData.transform((row["x"], row["y"]))
            moved = axes.transData.inverted().transform((x, y + shift * step))
            text.set_position((float(moved[0]), float(moved[1])))
            extent = text.get_window_extent().padded(step / 10)
            inside = axes.bbox.x0 <= extent.x0 and extent.x1 <= axes.bbox.x1
            if inside and not any(extent.overlaps(other) for other in taken):
                taken.append(extent)
                break
        else:
            text.remove()
            axes.plot(row["x"], row["y"], ".", color="black", markersize=2, zorder=4)
            unnamed += 1
    return unnamed


# ------------------------------------------------------------------ by family


def draw_by_family(tidy: Tidy, figure: Figure) -> None:
    """Left the share of a family's studies in each topic, right the share of the family in the topic."""
    panels = figure.subplots(1, 2, sharey=True)
    order = list(dict.fromkeys(tidy.frame["topic"]))
    titles = (
        "Of the family's studies,\nshare in the topic",
        "Of the topic's studies that state\na method, share of the family",
    )
    for axes, letter, prefix, title in zip(panels, "ab", ("", "row_"), titles, strict=True):
        for family in FAMILIES:
            _dots(axes, tidy.frame[tidy.frame["family"] == family], prefix, family)
        axes.set_title(title, loc="left")
        axes.text(-0.02, 1.0, letter, transform=axes.transAxes, weight="bold", ha="right", va="bottom",
                  fontsize=axes.title.get_fontsize() + 1.5)  # fmt: skip
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        _stripes(axes, len(order))
    panels[1].set_xlim(-0.03, 1.03)
    panels[0].set_xlim(left=-0.03 * panels[0].get_xlim()[1])
    rows = tidy.frame.drop_duplicates("topic")
    panels[0].set_yticks(
        range(len(order)), [f"{_short(row, 44)} ({row['size']:,})" for _, row in rows.iterrows()]
    )
    panels[0].set_ylim(len(order) - 0.4, -0.6)
    handles = [Line2D([], [], linestyle="", marker=MARKERS[f], color=_DARK[f], label=f) for f in FAMILIES]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    _foot(figure, _meaning(tidy), panels[0].title.get_fontsize())


def _dots(axes: Axes, part: pd.DataFrame, prefix: str, family: str) -> None:
    """A share a topic: filled with its interval where corrected, hollow where naive."""
    done = part[f"{prefix}status"] == "corrected"
    places = np.arange(len(part))
    share = part[f"{prefix}corrected"].astype(float).where(done, part[f"{prefix}naive"])
    for mask, fill in ((done, _DARK[family]), (~done, "none")):
        chosen = mask.to_numpy()
        axes.plot(share[mask], places[chosen], MARKERS[family], color=_DARK[family], markerfacecolor=fill,
                  markeredgewidth=0.7, zorder=3)  # fmt: skip
    low, high = (part[f"{prefix}{side}"].astype(float)[done] for side in ("low", "high"))
    axes.hlines(places[done.to_numpy()], low, high, color=_DARK[family], linewidth=0.7, zorder=2)


def _meaning(tidy: Tidy) -> str:
    told = "Hollow: naive, not audited."
    if shades.audited(tidy) or shades.audited(tidy, "row_"):
        told = "Filled: family corrected, with 95 % interval. Hollow: naive, not estimable."
    elif (tidy.frame["status"] == "not estimable").any():
        told = "Hollow: naive; coded, but too few disagreements to correct."
    return told + _marked(tidy)


# ------------------------------------------------------------------ over the years


_FEW = 20
"""Studies of a year below which its shares are not drawn; they stand in the table."""


def draw_over_time(tidy: Tidy, figure: Figure) -> None:
    """A heat map: topics down in the order of their mean year, years across."""
    axes = figure.add_subplot()
    rows = tidy.frame.drop_duplicates("topic")
    order = list(rows["topic"])
    wide = tidy.frame.pivot(index="topic", columns="year", values="naive").loc[order].astype(float)
    totals = tidy.frame.drop_duplicates("year").set_index("year")["denominator"]
    few = totals < _FEW
    wide.loc[:, few[wide.columns].to_numpy()] = np.nan
    most = float(np.nanmax(wide.drop(index=topics.OUTLIERS, errors="ignore").to_numpy(), initial=0.01))
    axes.patch.set(hatch="////", facecolor="white", edgecolor="#BBBBBB")
    image = shades.tiles(axes, wide.to_numpy(), cmap="Greys", vmin=0, vmax=most)
    years = list(wide.columns)
    room = int(figure.get_figwidth() * 72 * 0.55 / (4 * float(axes.title.get_fontsize())))
    step = max(1, -(-len(years) // room))
    named = [f"{year}\n({totals[year]:,})" for year in years]
    axes.set_xticks(range(len(years))[::-1][::step], named[::-1][::step])
    axes.set_yticks(range(len(order)), [f"{_short(row, 44)} ({row['size']:,})" for _, row in rows.iterrows()])
    axes.set_xlabel("Year (its studies, without removed topics)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, format=PercentFormatter(1.0, 0), aspect=40, pad=0.01,
                          extend="max" if topics.OUTLIERS in order else "neither")  # fmt: skip
    bar.set_label("Share of the year's studies in the topic (counted)")
    bar.outline.set_linewidth(0.4)
    if few.any():
        patch = Patch(facecolor="white", edgecolor="#BBBBBB", hatch="////", label=f"under {_FEW} studies")
        figure.legend(handles=[patch], loc="outside upper left")
    if told := _marked(tidy):
        _foot(figure, told.strip(), float(axes.title.get_fontsize()))


# ------------------------------------------------------------------ stability


def draw_stability(tidy: Tidy, figure: Figure) -> None:
    """Left each topic's best Jaccard over subsamples beside chance, right the hierarchy of topics."""
    from scipy.cluster.hierarchy import dendrogram

    rows = tidy.frame[tidy.frame["kind"] == "topic"].reset_index(drop=True)
    linkage = _linkage(rows["id"].tolist(), tidy.frame[tidy.frame["kind"] == "node"])
    tree = dendrogram(linkage, no_plot=True) if len(linkage) else None
    rows = rows.iloc[np.array(tree["leaves"])] if tree else rows
    left, right = figure.subplots(1, 2, width_ratios=[2, 1])
    places = np.arange(len(rows))
    _stripes(left, len(rows))
    left.axvline(0.6, color="#444444", linewidth=0.6, linestyle=":")
    left.hlines(places, rows["low"], rows["high"], color="#0072B2", linewidth=0.8)
    solid = rows["solid"].astype(bool).to_numpy()
    for mask, fill in ((solid, "#0072B2"), (~solid, "white")):
        left.plot(rows["jaccard"][mask], places[mask], "o", color="#0072B2", markerfacecolor=fill, zorder=3)
    left.plot(rows["null"], places, "|", color="black", markersize=4)
    named = [
        f"{row['id']} {_cut(row['name'], 44)}{_by_model(row)} ({row['n']:,.0f})" for _, row in rows.iterrows()
    ]
    left.set_yticks(places, named)
    left.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6),
             xlabel="Best Jaccard with a topic of a subsample:\nmean, smallest, largest")  # fmt: skip
    handles = [
        Line2D(
            [],
            [],
            color="#0072B2",
            marker="o",
            markerfacecolor=fill,
            linestyle="-",
            linewidth=0.8,
            label=name,
        )
        for fill, name in (("#0072B2", "solid (mean ≥ .6)"), ("white", "not solid"))
    ]
    handles.append(
        Line2D([], [], color="black", marker="|", linestyle="", label="by chance (labels shuffled)")
    )
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    right.axis("off")
    right.set_ylim(left.get_ylim())
    for up, out in zip(*(tree["icoord"], tree["dcoord"]), strict=True) if tree else ():
        right.plot(out, [(place - 5) / 10 for place in up], color="#444444", linewidth=0.6)
    right.set_title("Which topics join first", loc="left")
    told = " ".join(note for note in tidy.notes if note.startswith("Over seeds"))
    _foot(figure, told + _marked(tidy, weak=False), left.title.get_fontsize())


def _linkage(ids: list[str], nodes: pd.DataFrame) -> Any:
    """Steps of the hierarchy as scipy's linkage matrix."""
    number = {name: place for place, name in enumerate([*ids, *nodes["id"]])}
    counts = dict.fromkeys(ids, 1)
    made = []
    for _, row in nodes.iterrows():
        counts[row["id"]] = counts[row["left"]] + counts[row["right"]]
        made.append([number[row["left"]], number[row["right"]], row["distance"], counts[row["id"]]])
    return np.array(made, dtype=float)


# ------------------------------------------------------------------ helpers


def _foot(figure: Figure, text: str, size: float) -> None:
    """A footnote in as many lines as the page's width asks for."""
    letters = int(figure.get_figwidth() * 72 / (0.5 * size))
    shades.footnote(figure, textwrap.fill(text, letters), size)


def _short(row: "pd.Series[Any]", most: int) -> str:
    """A topic's name as it fits, marked if it is known not to be solid and if a model named it."""
    weak = f"\u00a0{WEAK}" if _weak(row["solid"]) else ""
    return _cut(str(row["topic"]), most) + weak + _by_model(row)


def _by_model(row: "pd.Series[Any]") -> str:
    return f"\u00a0{MACHINE}" if topics.models([row["named_by"]]) else ""


def _marked(tidy: Tidy, *, weak: bool = True) -> str:
    """What the marks beside names mean, for those that are there."""
    told = f" {WEAK} topic not solid." if weak and any(_weak(one) for one in tidy.frame["solid"]) else ""
    models = topics.models(tidy.frame["named_by"])
    return told + (f" {MACHINE} name given by a language model ({', '.join(models)})." if models else "")


def _spoken(row: "pd.Series[Any]") -> str:
    """A topic's name where a mark cannot be seen."""
    return f"{row['topic']}{' (named by a language model)' if _by_model(row) else ''}"


def _cut(name: str, most: int) -> str:
    """A name within so many letters: fewer of its keywords, or its beginning.

    >>> _cut("medical coding, icd, codes", 20), _cut("medical coding of diagnoses", 20)
    ('medical coding, icd', 'medical coding of …')
    """
    parts = name.split(", ")
    while len(parts) > 1 and len(", ".join(parts)) > most:
        parts.pop()
    return textwrap.shorten(", ".join(parts), most, placeholder=" …")


def _weak(solid: Any) -> bool:
    """Known not to be solid; what was not measured is not known."""
    return solid is not None and not pd.isna(solid) and not solid


def _stripes(axes: Axes, count: int) -> None:
    for place in range(0, count, 2):
        axes.axhspan(place - 0.5, place + 0.5, color="#F2F2F2", linewidth=0, zorder=0)
    axes.tick_params(axis="y", length=0)


def _tall(rows: str, extra: float) -> Any:
    """A height by the number of rows, 3.6 mm each on a page of 183 mm."""

    def height(tidy: Tidy) -> float:
        shown = tidy.frame[tidy.frame["kind"] == "topic"] if "kind" in tidy.frame else tidy.frame
        count = shown[rows].nunique() if rows in shown else 0
        return float(max(0.3, (extra + 3.6 * count) / 183))

    return height


def _alt_map(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    named = tidy.frame[tidy.frame["kind"] == "topic"].sort_values("n", ascending=False)
    return (
        "Map of studies by the likeness of their abstracts, with contours of the density of generative LLM "
        "and traditional NLP studies; largest topics: "
        f"{'; '.join(_spoken(row) for _, row in named.head(3).iterrows())}."
    )


def _alt_family(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    told = []
    frame = tidy.frame[tidy.frame["topic"] != topics.OUTLIERS]
    frame = frame.assign(shown=shades.best(tidy).loc[frame.index])
    for family in (FAMILIES[0], FAMILIES[2]):
        first = frame[frame["family"] == family].sort_values("shown", ascending=False).head(1)
        told += [
            f"{family}: {_spoken(row)} ({row['shown']:.0%}, {row['status']})" for _, row in first.iterrows()
        ]
    return "Dot plot of topics by method family, read both ways; most common, " + "; ".join(told) + "."


def _alt_time(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    rows = tidy.frame.drop_duplicates("topic")
    names = [_spoken(row) for _, row in rows.iterrows() if row["topic"] != topics.OUTLIERS]
    return (
        f"Heat map of the share of {counted(len(names), 'topic')} by year; earliest on average: {names[0]}; "
        f"latest: {names[-1]}."
        if names
        else "Heat map of the share of studies in no topic by year."
    )


def _alt_stability(tidy: Tidy) -> str:
    if tidy.empty:
        return "No topics to show."
    return "Dot plot of how well each topic comes out again in subsamples, beside chance. " + tidy.notes[0]


TOPIC_MAP = FigureSpec(
    name="topic-map",
    title="Method families on the map of topics",
    reads=_READS,
    needs="topics",
    compute=topics.topic_map,
    draw=draw_map,
    alt=_alt_map,
    height=0.75,
)
TOPIC_BY_FAMILY = FigureSpec(
    name="topic-by-family",
    title="Topics by method family",
    reads=_READS,
    needs="topics",
    compute=topics.topic_by_family,
    draw=draw_by_family,
    alt=_alt_family,
    height=_tall("topic", 24),
)
TOPICS_OVER_TIME = FigureSpec(
    name="topics-over-time",
    title="Topics by year",
    reads=("topics", "records", "links", "decisions"),
    needs="topics",
    compute=topics.topics_over_time,
    draw=draw_over_time,
    alt=_alt_time,
    height=_tall("topic", 20),
)
TOPIC_STABILITY = FigureSpec(
    name="topic-stability",
    title="Which topics are solid",
    reads=("topics",),
    needs="topic-report",
    compute=topics.topic_stability,
    draw=draw_stability,
    alt=_alt_stability,
    height=_tall("id", 26),
)
