"""Trends: studies, method families and evaluation criteria over the years."""

import streamlit as st

from dashboards import charts
from dashboards.filters import filtered
from dashboards.source import Source
from review.analysis import trends as analysis


def show(source: Source) -> None:
    """Draw the page."""
    st.title("Trends")
    if "family" not in source.facts.labels:
        st.info("Nothing is tagged yet. Run: review tag")
        return
    studies = filtered(source, "trends")
    counted = analysis.by_family(studies, source.context)
    if counted.empty:
        st.info("No study with a year matches these filters.")
        return
    st.subheader("Studies per year by method family")
    charts.with_table(counted, charts.stacked(counted.frame), "records-per-year")
    st.subheader("Share of method families by year")
    share = analysis.family_share(studies, source.context)
    charts.with_table(share, charts.family_lines(share.frame), "family-share")
    st.subheader("Evaluation criteria by year")
    criteria = analysis.evaluation_by_year(studies, source.context, top=6)
    if criteria.empty:
        st.info("No study here names an evaluation criterion.")
    else:
        audited = (criteria.frame["status"] != "not audited").any()
        st.caption("Blue: corrected, with 95 % interval; grey: naive." if audited else "Naive, not audited.")
        charts.grid(criteria, "criterion", "evaluation-by-year")
