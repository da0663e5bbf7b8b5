"""Interactive charts over the same tidy tables that the figures draw; colours for light and dark.

A chart is a Vega-Lite specification (https://vega.github.io/vega-lite/docs/) written as it is, with one
table for all its layers: a page of eight is sent in some milliseconds, where a library that builds and
checks each anew needs half a second. The tests check every specification against Vega-Lite's schema.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from dashboards.parts import plain, table, told
from dashboards.source import Source
from review.analysis.tidy import FAMILIES, NO_METHOD, Tidy

Spec = dict[str, Any]


class Chart(NamedTuple):
    """A table and how it is drawn."""

    data: pd.DataFrame
    spec: Spec


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

_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
_A_WORD_A_LINE = "split(datum.label, ' ')"
_DONE = "datum.status == 'corrected'"
_YEAR = {"labelOverlap": True}
_WHOLE = {"labelOverlap": False, "labelFlush": False}
"""An axis of names: each is shown."""


def ink() -> Ink:
    """The colours of the theme that the browser shows."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def draw(place: Any, chart: Chart, alt_text: str) -> None:
    """Show a chart with text that can be read in both themes."""
    colours = {"labelColor": ink().text, "titleColor": ink().text}
    spec = {**chart.spec, "config": {"axis": colours, "legend": colours}}
    place.vega_lite_chart(chart.data, spec, width="stretch", alt=alt_text)


def _name(field: str, **more: Any) -> Spec:
    """A channel of names: a field and what else Vega-Lite is told."""
    return {"field": field, "type": "nominal", **more}


def _number(field: str, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", **more}


def _year(title: str | None = "Year") -> Spec:
    return {"field": "year", "type": "ordinal", "title": title, "axis": _YEAR}


def _tips(*fields: str, shares: Sequence[str] = (), **titles: str) -> list[Spec]:
    """What a pointer shows: fields as they are, shares in per cent, and fields under another title."""
    told = [_name(field) for field in fields]
    told += [_number(field, format=".1%") for field in shares]
    return [*told, *(_name(field, title=title) for field, title in titles.items())]


def _of_year(column: str) -> list[Spec]:
    fields = _tips("year", column, "n", "denominator", shares=("naive", "corrected", "low", "high"))
    return [*fields, *_tips(audited="coded of the year"), *_tips("status")]


def _where(condition: str) -> Spec:
    return {"transform": [{"filter": condition}]}


def _numeric(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The columns as floats: what is not known is NaN, which is not drawn."""
    return frame.astype(dict.fromkeys(columns, float))


def stacked(frame: pd.DataFrame) -> Chart:
    """Studies per year, stacked by family: traditional NLP at the foot, as in the figure."""
    order = {name: rank for rank, name in enumerate((*FAMILIES[::-1], NO_METHOD))}
    scale = {"domain": [*FAMILIES, NO_METHOD], "range": list(ink().families)}
    legend = {"orient": "top", "columns": 2, "labelLimit": 0}
    spec = {
        "height": 380,
        "mark": {"type": "bar", "stroke": ink().edge, "strokeWidth": 0.6},
        "encoding": {
            "x": _year(),
            "y": _number("n", title="Studies (families as tagged)"),
            "color": _name("family", scale=scale, title=None, legend=legend),
            "order": {"field": "rank", "type": "ordinal"},
            "tooltip": _tips("year", "family", "n", "denominator", shares=("naive",)),
        },
    }
    return Chart(frame.assign(rank=frame["family"].map(order)), spec)


def lines(
    frame: pd.DataFrame,
    column: str,
    values: Sequence[str] = (),
    colours: Sequence[str] = (),
    *,
    height: int = 300,
    most: float | None = None,
) -> Chart:
    """Shares by year, one line a value of ``column``: grey as tagged, colour corrected with its interval.

    Shape repeats what colour says; one value alone needs no legend. ``most`` ends the axis of one of
    several small charts, whose heading says what it is.
    """
    shown = _numeric(frame.dropna(subset=["naive"]), "naive", "corrected", "low", "high")
    checked = (shown["status"] != "not audited").any()
    title: str | None = "Share (colour: corrected; grey: naive)" if checked else "Share (naive, not audited)"
    title = title if most is None else None
    names = list(values) or list(dict.fromkeys(frame[column]))
    legend = {"title": None, "orient": "top", "columns": 2, "labelLimit": 0} if len(names) > 1 else None
    scale = {"domain": [0, most]} if most is not None else {}

    def share(field: str) -> Spec:
        return _number(field, title=title, axis={"format": "%"}, scale=scale)

    shape = _name(column, scale={"domain": names}, legend=legend)
    pointed = {"shape": shape, "tooltip": _of_year(column)}
    # A layer a line: dashes by a scale would be drawn over the shapes in the legend.
    layers: list[Spec] = [
        {
            "transform": [{"filter": {"field": column, "equal": name}}],
            "mark": {"type": "line", "color": ink().naive, "strokeDash": _DASHES[number % len(_DASHES)]},
            "encoding": {"y": share("naive")},
        }
        for number, name in enumerate(names)
    ]
    mark = {"type": "point", "filled": True, "opacity": 1}
    grey = {**mark, "color": ink().naive, "size": 30}
    layers.append({"mark": grey, "encoding": {"y": share("naive"), **pointed}})
    if (shown["status"] == "corrected").any():
        drawn = {"domain": names, "range": list(colours or (ink().corrected,))}
        colour = _name(column, scale=drawn, legend=legend)
        span = {"y": share("low"), "y2": {"field": "high"}, "color": colour}
        layers.append({**_where(_DONE), "mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": span})
        dot = {"y": share("corrected"), "color": colour, **pointed}
        layers.append({**_where(_DONE), "mark": {**mark, "size": 70}, "encoding": dot})
    spec = {"height": height, "encoding": {"x": _year(title and "Year")}, "layer": layers}
    return Chart(shown, spec)


def family_lines(frame: pd.DataFrame) -> Chart:
    """Shares of the method families by year."""
    return lines(frame, "family", FAMILIES, ink().families[:3], height=340)


def grid(tidy: Tidy, column: str, name: str, across: int = 3) -> None:
    """One small chart for each value of ``column``, all with one scale, then notes and table."""
    frame = tidy.frame
    values = list(dict.fromkeys(frame[column]))
    most = float(frame[["naive", "high"]].astype(float).max().max())
    places = st.columns(across)
    for number, value in enumerate(values):
        chart = lines(frame[frame[column] == value], column, height=260, most=most)
        place = places[number % across]
        place.markdown(f"**{plain(str(value))}**")
        draw(place, chart, f"{value}: share by year")
    told(tidy)
    table(tidy.frame, name)


def heat(frame: pd.DataFrame, prefix: str) -> Chart:
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
    # The interval stands below its share, so that it fits a phone.
    lift, row = (-5, 34) if done.any() else (0, 26)
    below, above, share = ink().swap
    dark: Spec = {"condition": {"test": f"datum.share > {share}", "value": above}, "value": below}
    tips = _tips("task", "family", "n", shares=("naive", "share", "low", "high"))
    tips += _tips("coded", "status")
    layers: list[Spec] = []
    for condition, ends, text in ((f"!({_DONE})", ink().greys, {"value": below}), (_DONE, ink().blues, dark)):
        colour = _number("share", scale={"domain": [0, 1], "range": list(ends)}, legend=None)
        number = {"text": _number("share", format=".0%"), "color": text, "tooltip": tips}
        span = {"text": _name("interval"), "color": text, "tooltip": tips}
        parts: list[Spec] = [
            {"mark": "rect", "encoding": {"color": colour, "tooltip": tips}},
            {"mark": {"type": "text", "dy": lift}, "encoding": number},
            {"mark": {"type": "text", "fontSize": 9, "dy": 8}, "encoding": span},
        ]
        layers += [{**_where(condition), **part} for part in parts]
    across: Spec = {
        "labelAngle": 0,
        "labelAlign": "center",
        "labelLimit": 0,
        "labelExpr": _A_WORD_A_LINE,
        **_WHOLE,
    }
    spec = {
        "height": row * len(order) + 70,
        "encoding": {
            "x": _name("family", sort=list(FAMILIES), title=None, axis=across),
            "y": _name("task", sort=order, title=None, axis={"labelLimit": 260, **_WHOLE}),
        },
        "layer": layers,
        "resolve": {"scale": {"color": "independent"}},
    }
    return Chart(shown, spec)


def dots(frame: pd.DataFrame) -> Chart:
    """One label a row: a grey ring for the naive share, a dot with its interval for the corrected."""
    order = list(frame["title"])
    tips = _tips("title", "over", "n", "denominator", shares=("naive", "corrected", "low", "high"))
    tips += [*_tips(audited="coded"), *_tips("discordant", "status")]
    across: Spec = {"title": "Share", "axis": {"format": "%", "tickCount": 8}}
    ring = {"type": "point", "size": 60, "color": ink().naive}
    dot = {"type": "point", "size": 60, "color": ink().corrected, "filled": True, "opacity": 1}
    span = {"x": _number("low", **across), "x2": {"field": "high"}, "tooltip": tips}
    rule = {"type": "rule", "color": ink().corrected, "strokeWidth": 1.5}
    spec = {
        "height": 26 * len(order) + 70,
        "encoding": {"y": _name("title", sort=order, title=None, axis={"labelLimit": 210, **_WHOLE})},
        "layer": [
            {"mark": ring, "encoding": {"x": _number("naive", **across), "tooltip": tips}},
            {**_where(_DONE), "mark": rule, "encoding": span},
            {
                **_where(_DONE),
                "mark": dot,
                "encoding": {"x": _number("corrected", **across), "tooltip": tips},
            },
        ],
    }
    return Chart(_numeric(frame, "naive", "corrected", "low", "high"), spec)


def key(source: Source, tidy: Tidy) -> str:
    """What the colours of a chart mean."""
    if (tidy.frame["status"] == "corrected").any():
        to = " to silver coding, not audited" if source.silver else ""
        return f"Blue: corrected{to}, with its 95 % interval; grey: naive. "
    return ""
