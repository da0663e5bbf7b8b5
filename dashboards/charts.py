"""Charts in Altair over the same tidy tables that the figures draw; colours for light and dark."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
import streamlit as st

from dashboards.parts import plain, table, told
from dashboards.source import Source
from review.analysis.tidy import FAMILIES, NO_METHOD, Tidy


class Ink(NamedTuple):
    """Colours of one theme; each stands out from its ground by 3 : 1 and more."""

    corrected: str
    naive: str
    families: tuple[str, ...]
    edge: str
    blues: tuple[str, str]
    greys: tuple[str, str]
    swap: tuple[str, str, float]
    """Text on a cell: below and above a share."""
    text: str


LIGHT = Ink(
    "#0072B2", "#7A7A7A", ("#D55E00", "#8A8000", "#0072B2", "#8F8F8F"), "#FFFFFF",
    ("#F1F6FB", "#08306B"), ("#FFFFFF", "#A6A6A6"), ("#000000", "#FFFFFF", 0.62), "#3A444E",
)  # fmt: skip
DARK = Ink(
    "#56B4E9", "#A3A3A3", ("#FF8A3D", "#F0E442", "#56B4E9", "#8F8F8F"), "#171B21",
    ("#1B2733", "#8CCBF2"), ("#20242A", "#666C74"), ("#FFFFFF", "#000000", 0.53), "#C3CCD5",
)  # fmt: skip


def ink() -> Ink:
    """The colours of the theme that the browser shows."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def draw(place: Any, chart: Any, alt_text: str) -> None:
    """Show a chart with text that can be read in both themes."""
    colours = {"labelColor": ink().text, "titleColor": ink().text}
    place.altair_chart(
        chart.configure_axis(**colours).configure_legend(**colours), width="stretch", alt=alt_text
    )


_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])

_TWO_LINES = "split(replace(datum.label, ' only', '|only'), '|')"


def stacked(frame: pd.DataFrame) -> Any:
    """Studies per year, stacked by family: traditional NLP at the foot, as in the figure."""
    order = {name: rank for rank, name in enumerate((*FAMILIES[::-1], NO_METHOD))}
    names = [*FAMILIES, NO_METHOD]
    scale = alt.Scale(domain=names, range=list(ink().families))
    return (
        alt.Chart(frame.assign(rank=frame["family"].map(order)))
        .mark_bar(stroke=ink().edge, strokeWidth=0.6)
        .encode(
            x=alt.X("year:O", title="Year", axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("n:Q", title="Studies (families as tagged)"),
            color=alt.Color(
                "family:N", scale=scale, title=None, legend=alt.Legend(orient="top", columns=2, labelLimit=0)
            ),
            order=alt.Order("rank:Q"),
            tooltip=[*_plain("year", "family", "n", "denominator"), *_shares("naive")],
        )
        .properties(height=380)
    )


def _of_year(column: str) -> list[Any]:
    """What a pointer shows of a share."""
    shown = _plain("year", column, "n", "denominator") + _shares("naive", "corrected", "low", "high")
    return [*shown, alt.Tooltip("audited:Q", title="coded of the year"), *_plain("status")]


def _plain(*columns: str) -> list[Any]:
    """Fields of a tooltip as they are. Made here, for Altair takes 5 ms to make one of a string."""
    return [alt.Tooltip(column) for column in columns]


def _shares(*columns: str) -> list[Any]:
    return [alt.Tooltip(f"{column}:Q", format=".1%") for column in columns]


def lines(
    frame: pd.DataFrame,
    column: str,
    values: Sequence[str] = (),
    colours: Sequence[str] = (),
    most: float | None = None,
) -> Any:
    """Shares by year, one line a value of ``column``: grey as tagged, colour corrected with its interval.

    Shape repeats what colour says; one value alone needs no legend.
    """
    shown = frame.dropna(subset=["naive"])
    done = shown[shown["status"] == "corrected"].astype({"corrected": float, "low": float, "high": float})
    checked = (shown["status"] != "not audited").any()
    title: str | None = "Share (colour: corrected; grey: naive)" if checked else "Share (naive, not audited)"
    if most is not None:  # one of several small charts: the heading says what it is
        title = None
    names = list(values) or list(dict.fromkeys(frame[column]))
    legend = alt.Legend(title=None, orient="top", columns=2, labelLimit=0) if len(names) > 1 else None
    year = alt.X("year:O", title=title and "Year", axis=alt.Axis(labelOverlap=True))
    shape = alt.Shape(f"{column}:N", scale=alt.Scale(domain=names), legend=legend)
    tips = _of_year(column)
    reach = alt.Scale(domain=[0, most]) if most is not None else alt.Undefined
    share = alt.Y("naive:Q", title=title, axis=alt.Axis(format="%"), scale=reach)
    # Only what can be pointed at tells its numbers: each tooltip of nine fields costs as much as its layer.
    base = alt.Chart(shown).encode(x=year, y=share)
    # A layer a line: dashes by a scale would be drawn over the shapes in the legend.
    grey = [
        base.transform_filter(alt.FieldEqualPredicate(field=column, equal=name)).mark_line(
            color=ink().naive, strokeDash=_DASHES[number % len(_DASHES)]
        )
        for number, name in enumerate(names)
    ]
    marks = base.mark_point(filled=True, color=ink().naive, size=30, opacity=1).encode(
        shape=shape, tooltip=tips
    )
    if done.empty:
        return alt.layer(*grey, marks)
    scale = alt.Scale(domain=names, range=list(colours or (ink().corrected,)))
    colour = alt.Color(f"{column}:N", scale=scale, legend=legend)
    over = alt.Chart(done).encode(x=year, color=colour)
    bars = over.mark_rule(strokeWidth=1.5).encode(
        y=alt.Y("low:Q", title=title, scale=reach), y2=alt.Y2("high:Q")
    )
    points = over.mark_point(filled=True, size=70, opacity=1)
    points = points.encode(y=alt.Y("corrected:Q"), shape=shape, tooltip=tips)
    return alt.layer(*grey, marks, bars, points)


def family_lines(frame: pd.DataFrame) -> Any:
    """Shares of the method families by year."""
    return lines(frame, "family", FAMILIES, ink().families[:3]).properties(height=340)


def grid(tidy: Tidy, column: str, name: str, across: int = 3) -> None:
    """One small chart for each value of ``column``, all with one scale, then notes and table."""
    frame = tidy.frame
    values = list(dict.fromkeys(frame[column]))
    most = float(frame[["naive", "high"]].astype(float).max().max())
    places = st.columns(across)
    for number, value in enumerate(values):
        chart = lines(frame[frame[column] == value], column, most=most).properties(height=260)
        place = places[number % across]
        place.markdown(f"**{plain(str(value))}**")
        draw(place, chart, f"{value}: share by year")
    told(tidy)
    table(tidy.frame, name)


def heat(frame: pd.DataFrame, prefix: str) -> Any:
    """Tasks down, families across: blue corrected, grey naive; ``prefix`` is ``row_`` or nothing."""
    order = list(dict.fromkeys(frame["task"]))
    done = frame[f"{prefix}status"] == "corrected"
    shown = pd.DataFrame(
        {
            "task": frame["task"], "family": frame["family"], "n": frame["n"],
            "naive": frame[f"{prefix}naive"].astype(float), "status": frame[f"{prefix}status"],
            "low": frame[f"{prefix}low"].astype(float), "high": frame[f"{prefix}high"].astype(float),
            "coded": frame[f"{prefix}audited"],
            "share": frame[f"{prefix}corrected"].astype(float).where(done, frame[f"{prefix}naive"]),
        }
    )  # fmt: skip
    spans = zip(shown["low"] * 100, shown["high"] * 100, done, strict=True)
    shown["interval"] = [f"{low:.0f}–{high:.0f}" if held else "" for low, high, held in spans]
    across = alt.Axis(
        labelAngle=0,
        labelAlign="center",
        labelFlush=False,
        labelLimit=0,
        labelOverlap=False,
        labelExpr=_TWO_LINES,
    )
    x = alt.X("family:N", sort=list(FAMILIES), title=None, axis=across)
    y = alt.Y(
        "task:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False, labelFlush=False)
    )
    tips = (
        _plain("task", "family", "n") + _shares("naive", "share", "low", "high") + _plain("coded", "status")
    )
    # The interval stands below its share, so that it fits a phone.
    lift, row = (-5, 34) if done.any() else (0, 26)
    layers = []
    for part, ends in ((shown[~done], ink().greys), (shown[done], ink().blues)):
        base = alt.Chart(part).encode(x=x, y=y, tooltip=tips)
        scale = alt.Scale(domain=[0, 1], range=list(ends))
        layers.append(base.mark_rect().encode(color=alt.Color("share:Q", scale=scale, legend=None)))
        below, above, share = ink().swap
        dark = alt.condition(f"datum.share > {share}", alt.value(above), alt.value(below))
        text: Any = alt.value(below) if ends == ink().greys else dark
        layers.append(base.mark_text(dy=lift).encode(text=alt.Text("share:Q", format=".0%"), color=text))
        small = base.mark_text(fontSize=9, dy=8).encode(text=alt.Text("interval:N"), color=text)
        layers.append(small)
    chart = alt.layer(*layers).resolve_scale(color="independent")
    return chart.properties(height=row * len(order) + 70)


def dots(frame: pd.DataFrame) -> Any:
    """One label a row: a grey ring for the naive share, a dot with its interval for the corrected."""
    order = list(frame["title"])
    done = frame[frame["status"] == "corrected"].astype({"corrected": float, "low": float, "high": float})
    y = alt.Y(
        "title:N", sort=order, title=None, axis=alt.Axis(labelLimit=210, labelOverlap=False, labelFlush=False)
    )
    tips = _plain("title", "over", "n", "denominator") + _shares("naive", "corrected", "low", "high")
    tips += [alt.Tooltip("audited:Q", title="coded"), *_plain("discordant", "status")]
    x = alt.X("naive:Q", title="Share", axis=alt.Axis(format="%", tickCount=8))
    naive = alt.Chart(frame).mark_point(size=60, color=ink().naive).encode(x=x, y=y, tooltip=tips)
    base = alt.Chart(done).encode(y=y, tooltip=tips)
    bars = base.mark_rule(color=ink().corrected, strokeWidth=1.5).encode(
        x=alt.X("low:Q", title="Share"), x2=alt.X2("high:Q")
    )
    points = base.mark_point(color=ink().corrected, filled=True, size=60, opacity=1).encode(
        x=alt.X("corrected:Q")
    )
    return alt.layer(naive, bars, points).properties(height=26 * len(order) + 70)


def key(source: Source, tidy: Tidy) -> str:
    """What the colours of a chart mean."""
    if (tidy.frame["status"] == "corrected").any():
        to = " to silver coding, not audited" if source.silver else ""
        return f"Blue: corrected{to}, with its 95 % interval; grey: naive. "
    return ""
