"""The network of keywords: near each other what occurs together more often than by chance."""

import textwrap
from typing import Any

import networkx
import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from corpora.words import counted
from review.analysis.tidy import Tidy
from review.analysis.words import keyword_network
from review.figures.base import FigureSpec

# Tints on which black text stays legible; each group has a shape too, so that grey tells them apart.
_LOOKS = (
    ("#9ECAE9", "o"), ("#F4B183", "s"), ("#A8DDB5", "^"), ("#F6E27F", "D"), ("#D9B8E0", "v"),
    ("#C8C8C8", "h"),
)  # fmt: skip
_OTHER = ("#E8E8E8", "p")
_STRONGEST = 3
"""Links drawn of each keyword; all pairs are in the table."""
_SEED = 7


def draw(tidy: Tidy, figure: Figure) -> None:
    """Area: studies; line: association strength; colour and shape: group."""
    frame = tidy.frame
    words = frame[frame["keyword"] == frame["partner"]]
    links = _strongest(frame[frame["keyword"] != frame["partner"]])
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.005, 0.13, 0.99, 0.86))
    axes.axis("off")
    # One unit is one point, so that boxes of text can be compared with places.
    size = axes.bbox.transformed(figure.dpi_scale_trans.inverted())
    width, height = 72 * size.width, 72 * size.height
    axes.set(xlim=(0, width), ylim=(0, height))
    texts = [textwrap.fill(word, 18, break_long_words=False) for word in words["keyword"]]
    area = 30 + 330 * words["n"].to_numpy(float) / words["n"].max()
    drawn = [axes.text(0, 0, text, ha="center", va="center", linespacing=0.95, zorder=3) for text in texts]
    extents = (text.get_window_extent() for text in drawn)
    boxes = np.array([(box.width, box.height) for box in extents]) * 72 / figure.dpi
    room = np.maximum(boxes + np.array([4.0, 2.5]), np.sqrt(area)[:, None])
    places = _apart(_spread(words, links, width, height), room, width, height)
    _lines(axes, list(words["keyword"]), links, places)
    for (x, y), text, group, one in zip(places.tolist(), drawn, words["group"], area, strict=True):
        colour, shape = _look(int(group))
        axes.scatter([x], [y], s=one, c=colour, marker=shape, edgecolors="#666666", linewidths=0.4, zorder=2)
        text.set_position((x, y))
    _legend(figure, words)


def _look(group: int) -> tuple[str, str]:
    return _LOOKS[group - 1] if group <= len(_LOOKS) else _OTHER


def _strongest(pairs: pd.DataFrame) -> pd.DataFrame:
    """The strongest pairs of each keyword."""
    ordered = pairs.sort_values(["strength", "keyword", "partner"], ascending=[False, True, True])
    both = pd.concat([ordered.assign(of=ordered["keyword"]), ordered.assign(of=ordered["partner"])])
    kept = both.groupby("of", sort=False).head(_STRONGEST).index
    return pairs.loc[sorted(set(kept))]


def _spread(words: pd.DataFrame, links: pd.DataFrame, width: float, height: float) -> NDArray[np.float64]:
    """Places by springs (Fruchterman & Reingold 1991) with a fixed seed, stretched over the page by rank.

    Ranks, half mixed with the places themselves, keep a dense middle from lying in one heap.
    """
    graph = networkx.Graph()
    graph.add_nodes_from(words["keyword"])
    for _, row in links.iterrows():
        graph.add_edge(row["keyword"], row["partner"], weight=float(np.sqrt(row["strength"])))
    found = networkx.spring_layout(graph, seed=_SEED, iterations=300, k=2.2 / np.sqrt(len(words)))
    places = np.array([found[word] for word in words["keyword"]])
    low, high = places.min(0), places.max(0)
    plain = (places - low) / np.maximum(high - low, 1e-9)
    ranks = places.argsort(0).argsort(0) / max(len(places) - 1, 1)
    return np.asarray((0.06 + 0.88 * (plain + ranks) / 2) * (width, height))


def _apart(
    places: NDArray[np.float64], room: NDArray[np.float64], width: float, height: float
) -> NDArray[np.float64]:
    """Push boxes apart along the shorter way until none lies on another, and all within the page.

    Every seventh time the longer way is taken, so that boxes wedged in a corner come free.
    """
    half, page = room / 2, np.array([width, height])
    places = np.clip(places, half, page - half)
    for turn in range(3_000):
        over = half[:, None] + half[None, :] - np.abs(places[:, None] - places[None, :])
        clash = np.argwhere(np.triu((over > 0).all(axis=2), 1))
        if not len(clash):
            break
        for one, other in clash.tolist():
            gap = places[one] - places[other]
            lies = half[one] + half[other] - np.abs(gap)
            if (lies > 0).all():
                axis = int(lies.argmin()) ^ (turn % 7 == 6)
                step = np.copysign(lies[axis] / 2 + 0.1, gap[axis])
                places[one, axis] += step
                places[other, axis] -= step
        places = np.clip(places, half, page - half)
    return places


def _lines(axes: Axes, words: list[str], links: pd.DataFrame, places: NDArray[np.float64]) -> None:
    most = links["strength"].max() if len(links) else 1.0
    for _, row in links.iterrows():
        ends = places[[words.index(row["keyword"]), words.index(row["partner"])]]
        weight = 0.3 + 1.4 * float(np.sqrt(row["strength"] / most))
        axes.plot(ends[:, 0], ends[:, 1], color="#B5B5B5", linewidth=weight, zorder=1)


def _legend(figure: Figure, words: pd.DataFrame) -> None:
    """Each group by its most frequent keyword."""
    handles: list[Any] = []
    for group in sorted(set(words["group"]))[: len(_LOOKS)]:
        part = words[words["group"] == group]
        if len(part) == 1:
            break
        colour, shape = _look(int(group))
        first = textwrap.shorten(part["keyword"].iloc[0], 30, placeholder=" …")
        handles.append(
            Line2D([], [], linestyle="", marker=shape, color=colour, markeredgecolor="#666666", markersize=5,
                   markeredgewidth=0.4, label=f"{first} and {len(part) - 1} more")
        )  # fmt: skip
    if handles:
        widest = max(len(str(handle.get_label())) for handle in handles)
        room = int(72 * figure.get_figwidth() / ((0.5 * widest + 4) * rcParams["font.size"]))
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 0.01), ncols=max(room, 1))


def alt(tidy: Tidy) -> str:
    """Says the most frequent keywords and the strongest pair."""
    if tidy.empty:
        return "No studies to show."
    own = tidy.frame["keyword"] == tidy.frame["partner"]
    told = ", ".join(f"{row['keyword']} ({row['n']:,})" for _, row in tidy.frame[own].head(3).iterrows())
    pairs = tidy.frame[~own].sort_values("strength", ascending=False, kind="stable").head(1)
    strongest = [f"; strongest pair: {row['keyword']} and {row['partner']}" for _, row in pairs.iterrows()]
    groups = tidy.frame.loc[own, "group"].nunique()
    return (
        f"Network of {counted(int(own.sum()), 'keyword')} in {groups} groups; most frequent: "
        f"{told}{''.join(strongest)}."
    )


KEYWORD_NETWORK = FigureSpec(
    name="keyword-network",
    title="Keywords that occur together",
    reads=("records", "links", "decisions"),
    needs="studies",
    compute=keyword_network,
    draw=draw,
    alt=alt,
    height=0.62,
)
