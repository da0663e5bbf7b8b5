"""Charts in Altair over the same tidy tables that the figures draw."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from review.analysis.tidy import FAMILIES, NO_METHOD, Tidy
from review.figures.presets import COLOURS
from review.figures.save import escaped

_FAMILY = alt.Scale(domain=[*FAMILIES, NO_METHOD], range=[COLOURS[name] for name in (*FAMILIES, NO_METHOD)])


_TWO_LINES = "split(replace(datum.label, ' only', '|only'), '|')"


def stacked(frame: pd.DataFrame) -> Any:
    """Studies per year, stacked by family: traditional NLP at the foot, as in the figure."""
    order = {name: rank for rank, name in enumerate((*FAMILIES[::-1], NO_METHOD))}
    return (
        alt.Chart(frame.assign(rank=frame["family"].map(order)))
        .mark_bar(stroke="#333", strokeWidth=0.4)
        .encode(
            x=alt.X("year:O", title="Year"),
            y=alt.Y("n:Q", title="Studies (families as tagged)"),
            color=alt.Color("family:N", scale=_FAMILY, title=None),
            order=alt.Order("rank:Q"),
            tooltip=["year", "family", "n", "denominator", alt.Tooltip("naive:Q", format=".1%")],
        )
    )


_GREY = "#8C8C8C"


def _of_year(column: str) -> list[Any]:
    """What a pointer shows of a share."""
    told: list[Any] = ["year", column, "n", "denominator", alt.Tooltip("naive:Q", format=".1%")]
    told += [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("corrected", "low", "high")]
    return [*told, alt.Tooltip("audited:Q", title="audited of the year"), "status"]


def lines(
    frame: pd.DataFrame,
    column: str,
    values: Sequence[str] = (),
    colours: Sequence[str] = ("#0072B2",),
    most: float | None = None,
) -> Any:
    """Shares by year, one line a value of ``column``: grey as tagged, colour corrected with its interval.

    Shape repeats what colour says; one value alone needs no legend.
    """
    shown = frame.dropna(subset=["naive"])
    done = shown[shown["status"] == "corrected"].astype({"corrected": float, "low": float, "high": float})
    audited = (shown["status"] != "not audited").any()
    title: str | None = "Share (colour: corrected; grey: naive)" if audited else "Share (naive, not audited)"
    if most is not None:  # one of several small charts: the heading says what it is
        title = None
    names = list(values) or list(dict.fromkeys(frame[column]))
    legend = alt.Legend(title=None) if len(names) > 1 else None
    year = alt.X("year:O", title=title and "Year", axis=alt.Axis(labelOverlap=True))
    shape = alt.Shape(f"{column}:N", scale=alt.Scale(domain=names), legend=legend)
    told = _of_year(column)
    reach = alt.Scale(domain=[0, most]) if most is not None else alt.Undefined
    share = alt.Y("naive:Q", title=title, axis=alt.Axis(format="%"), scale=reach)
    base = alt.Chart(shown).encode(x=year, y=share, tooltip=told)
    grey = base.mark_line(color=_GREY).encode(detail=f"{column}:N")
    marks = base.mark_point(filled=True, color=_GREY, size=30, opacity=1).encode(shape=shape)
    if done.empty:
        return alt.layer(grey, marks)
    scale = alt.Scale(domain=names, range=list(colours))
    colour = alt.Color(f"{column}:N", scale=scale, legend=legend)
    over = alt.Chart(done).encode(x=year, color=colour, tooltip=told)
    bars = over.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q", title=title, scale=reach), y2="high:Q")
    points = over.mark_point(filled=True, size=70, opacity=1).encode(y="corrected:Q", shape=shape)
    return alt.layer(grey, marks, bars, points)


def family_lines(frame: pd.DataFrame) -> Any:
    """Shares of the method families by year."""
    return lines(frame, "family", FAMILIES, ("#D55E00", "#8A8000", "#0072B2"))


def grid(tidy: Tidy, column: str, name: str, across: int = 3) -> None:
    """One small chart for each value of ``column``, all with one scale, then notes and table."""
    frame = tidy.frame
    values = list(dict.fromkeys(frame[column]))
    most = float(frame[["naive", "high"]].astype(float).max().max())
    places = st.columns(across)
    for number, value in enumerate(values):
        chart = lines(frame[frame[column] == value], column, most=most).properties(height=260)
        place = places[number % across]
        place.markdown(f"**{value}**")
        place.altair_chart(chart, width="stretch")
    _told(tidy)
    table(tidy, name)


def heat(frame: pd.DataFrame, prefix: str, title: str) -> Any:
    """Tasks down, families across: blue corrected, grey naive; ``prefix`` is ``row_`` or nothing."""
    order = list(dict.fromkeys(frame["task"]))
    done = frame[f"{prefix}status"] == "corrected"
    shown = pd.DataFrame(
        {
            "task": frame["task"], "family": frame["family"], "n": frame["n"],
            "naive": frame[f"{prefix}naive"].astype(float), "status": frame[f"{prefix}status"],
            "low": frame[f"{prefix}low"].astype(float), "high": frame[f"{prefix}high"].astype(float),
            "audited": frame[f"{prefix}audited"],
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
    y = alt.Y("task:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False))
    told: list[Any] = [
        "task",
        "family",
        "n",
        *(alt.Tooltip(f"{c}:Q", format=".1%") for c in ("naive", "share", "low", "high")),
    ]
    # The interval stands below its share, so that it fits a phone.
    lift, row = (-5, 34) if done.any() else (0, 26)
    layers = []
    for part, ends in ((shown[~done], ["#FFFFFF", "#969696"]), (shown[done], ["#F7FBFF", "#08306B"])):
        base = alt.Chart(part).encode(x=x, y=y, tooltip=[*told, "audited", "status"])
        scale = alt.Scale(domain=[0, 1], range=ends)
        layers.append(base.mark_rect().encode(color=alt.Color("share:Q", scale=scale, legend=None)))
        ink = alt.condition(
            "datum.share > 0.6 && datum.interval != ''", alt.value("white"), alt.value("black")
        )
        layers.append(base.mark_text(dy=lift).encode(text=alt.Text("share:Q", format=".0%"), color=ink))
        small = base.mark_text(fontSize=9, dy=8).encode(text="interval:N", color=ink)
        layers.append(small)
    chart = alt.layer(*layers).resolve_scale(color="independent")
    return chart.properties(title=title, height=row * len(order) + 110)


def dots(frame: pd.DataFrame) -> Any:
    """One label a row: a grey ring for the naive share, a dot with its interval for the corrected."""
    order = list(frame["title"])
    done = frame[frame["status"] == "corrected"].astype({"corrected": float, "low": float, "high": float})
    y = alt.Y("title:N", sort=order, title=None, axis=alt.Axis(labelLimit=280, labelOverlap=False))
    told: list[Any] = ["title", "over", "n", "denominator", alt.Tooltip("naive:Q", format=".1%")]
    told += [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("corrected", "low", "high")]
    told += ["audited", "discordant", "status"]
    x = alt.X("naive:Q", title="Share", axis=alt.Axis(format="%", tickCount=8))
    naive = alt.Chart(frame).mark_point(size=60, color=_GREY).encode(x=x, y=y, tooltip=told)
    base = alt.Chart(done).encode(y=y, tooltip=told)
    bars = base.mark_rule(color="#0072B2", strokeWidth=1.5).encode(
        x=alt.X("low:Q", title="Share"), x2="high:Q"
    )
    points = base.mark_point(color="#0072B2", filled=True, size=60, opacity=1).encode(x="corrected:Q")
    return alt.layer(naive, bars, points).properties(height=26 * len(order) + 70)


def key(tidy: Tidy) -> str:
    """What the colours of a chart mean."""
    if (tidy.frame["status"] == "corrected").any():
        return "Blue: corrected by the audit, with its 95 % interval; grey: naive. "
    return ""


def with_table(tidy: Tidy, chart: Any, name: str) -> None:
    """A chart, its notes, and its table to look at or take away."""
    st.altair_chart(chart, width="stretch")
    _told(tidy)
    table(tidy, name)


def _told(tidy: Tidy) -> None:
    st.caption(f"Unit: {tidy.unit}. Denominator: {tidy.denominator}. " + " ".join(tidy.notes))


def table(tidy: Tidy, name: str) -> None:
    """The numbers behind a chart."""
    with st.expander("The numbers as a table"):
        st.dataframe(tidy.frame, hide_index=True, width="stretch")
        body = escaped(tidy.frame).to_csv(index=False)
        st.download_button("CSV", body, f"{name}.csv", "text/csv", key=f"csv-{name}")
