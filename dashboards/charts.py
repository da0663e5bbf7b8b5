"""Charts in Altair over the same tidy tables that the figures draw."""

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
            y=alt.Y("n:Q", title="Studies"),
            color=alt.Color("family:N", scale=_FAMILY, title=None),
            order=alt.Order("rank:Q"),
            tooltip=["year", "family", "n", "denominator", alt.Tooltip("naive:Q", format=".1%")],
        )
    )


def lines(frame: pd.DataFrame, column: str, colours: Any = None) -> Any:
    """Shares by year, one line a value of ``column``; shape repeats what colour says."""
    colour = alt.Color(f"{column}:N", title=None, scale=colours or alt.Undefined)
    return (
        alt.Chart(frame.dropna(subset=["naive"]))
        .mark_line(point=alt.OverlayMarkDef(size=50))
        .encode(
            x=alt.X("year:O", title="Year"),
            y=alt.Y("naive:Q", title="Share (naive, not audited)", axis=alt.Axis(format="%")),
            color=colour,
            shape=alt.Shape(f"{column}:N", title=None),
            tooltip=["year", column, "n", "denominator", alt.Tooltip("naive:Q", format=".1%")],
        )
    )


def family_lines(frame: pd.DataFrame) -> Any:
    """Shares of the method families by year."""
    return lines(frame, "family", alt.Scale(domain=list(FAMILIES), range=["#D55E00", "#8A8000", "#0072B2"]))


def heat(frame: pd.DataFrame, column: str, title: str) -> Any:
    """Tasks down, families across; ``column`` is the share that is shown."""
    order = list(dict.fromkeys(frame["task"]))
    across = alt.Axis(
        labelAngle=0,
        labelAlign="center",
        labelFlush=False,
        labelLimit=0,
        labelOverlap=False,
        labelExpr=_TWO_LINES,
    )
    base = alt.Chart(frame).encode(
        x=alt.X("family:N", sort=list(FAMILIES), title=None, axis=across),
        y=alt.Y("task:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
    )
    most = float(frame[column].max() or 0.01)
    cells = base.mark_rect().encode(
        color=alt.Color(f"{column}:Q", scale=alt.Scale(scheme="blues", domainMin=0), legend=None),
        tooltip=["task", "family", "n", alt.Tooltip(f"{column}:Q", format=".1%")],
    )
    light = alt.condition(alt.datum[column] > most * 0.6, alt.value("white"), alt.value("black"))
    text = base.mark_text().encode(text=alt.Text(f"{column}:Q", format=".0%"), color=light)
    return alt.layer(cells, text).properties(title=title, height=26 * len(order) + 10)


def with_table(tidy: Tidy, chart: Any, name: str) -> None:
    """A chart, its notes, and its table to look at or take away."""
    st.altair_chart(chart, width="stretch")
    st.caption(f"Unit: {tidy.unit}. Denominator: {tidy.denominator}. " + " ".join(tidy.notes))
    with st.expander("The numbers as a table"):
        st.dataframe(tidy.frame, hide_index=True, width="stretch")
        body = escaped(tidy.frame).to_csv(index=False)
        st.download_button("CSV", body, f"{name}.csv", "text/csv", key=f"csv-{name}")
