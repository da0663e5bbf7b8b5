"""Trends: studies, method families, any label and evaluation criteria over the years."""

import streamlit as st

from dashboards import charts, parts
from dashboards.filters import View, filtered
from dashboards.source import Source, once
from review.analysis import trends as analysis


def show(source: Source) -> None:
    """Draw the page."""
    parts.head(
        "Trends", "How methods and their evaluation change over the years; each share with its interval."
    )
    if not parts.ready(source, "family"):
        return
    view = filtered(source)
    parts.standing(source)
    context = source.context
    counted = once(source, "by-family", view.key, make=lambda: analysis.by_family(view.studies, context))
    if counted.empty:
        parts.nothing("No study with a year matches these filters.")
        return
    st.subheader("Studies per year by method family", anchor=False)
    parts.chart(
        counted, lambda: charts.stacked(counted.frame), "records-per-year",
        "Bars of studies a year, stacked by method family; the numbers stand in the table below.",
    )  # fmt: skip
    st.subheader("Share of method families by year", anchor=False)
    share = once(source, "family-share", view.key, make=lambda: analysis.family_share(view.studies, context))
    parts.chart(
        share, lambda: charts.family_lines(share.frame), "family-share",
        "Lines of each family's share by year; the numbers stand in the table below.",
    )  # fmt: skip
    _criteria(source, view)
    st.subheader("More on change", anchor=False)
    parts.gallery(
        source, view,
        {"Growth and change points": "growth", "Tasks, within and across sources": "label-trends:tasks"},
        key="trends",
    )  # fmt: skip


def _criteria(source: Source, view: View) -> None:
    st.subheader("Evaluation criteria by year", anchor=False)
    made = once(
        source, "evaluation", view.key,
        make=lambda: analysis.evaluation_by_year(view.studies, source.context, top=6),
    )  # fmt: skip
    if made.empty:
        parts.nothing("No study here names an evaluation criterion.")
    else:
        st.caption(charts.key(source, made) or "Naive, in grey.")
        charts.grid(made, "criterion", "evaluation-by-year")
