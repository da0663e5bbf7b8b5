"""Shares: every label of the codebook, naive and corrected by the audit, and one of them by year."""

import streamlit as st

from dashboards import charts
from dashboards.filters import filtered
from dashboards.source import Source
from review.analysis.labelshares import label_by_year, label_shares


def show(source: Source) -> None:
    """Draw the page."""
    st.title("Shares")
    if not source.facts.labels:
        st.info("Nothing is tagged yet. Run: review tag")
        return
    if source.context.audit is None:
        st.warning(f"Not audited: {source.context.audit_state}. All shares are naive.")
    else:
        st.caption(f"Audit: {source.context.audit_state}.")
    studies = filtered(source, "shares")
    known = {
        one.id: one.title for one in source.facts.codebook.all_dimensions() if one.id in source.facts.labels
    }
    first = list(known).index("methods") if "methods" in known else 0
    chosen = st.selectbox("Dimension", list(known), index=first, format_func=known.__getitem__)
    tidy = label_shares(studies, source.context, source.facts.codebook, (str(chosen),))
    frame = tidy.frame[(tidy.frame["n"] > 0) | (tidy.frame["discordant"] > 0)]
    if frame.empty:
        st.info("No study with a label of this dimension matches these filters.")
        return
    frame = frame.sort_values("naive", ascending=False)
    st.altair_chart(charts.dots(frame), width="stretch")
    st.caption(f"{charts.key(tidy)}Of {frame['over'].iloc[0]}. " + " ".join(tidy.notes))
    charts.table(tidy, "shares")
    titles = dict(zip(frame["label"], frame["title"], strict=True))
    label = st.selectbox("One label by year", list(titles), format_func=titles.__getitem__)
    by_year = label_by_year(studies, source.context, source.facts.codebook, str(chosen), (str(label),))
    if by_year.empty:
        st.info("No study with a year has this label.")
    else:
        charts.with_table(by_year, charts.lines(by_year.frame, "label"), "share-by-year")
