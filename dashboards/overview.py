"""Overview: how many, from where, and the flow."""

import streamlit as st

from dashboards import parts
from dashboards.source import Source, once
from review.counting import flow_of


def show(source: Source) -> None:
    """Draw the page."""
    review = source.workspace.protocol.review
    parts.head("Overview", parts.plain(review.question or "What was found, screened and included."))
    flow = once(source, "flow", make=lambda: flow_of(source.workspace))
    arms = (flow.databases, flow.other)
    with st.container(horizontal=True):
        for name, count in (
            ("Records identified", sum(arm.records for arm in arms)),
            ("Reports", sum(arm.reports for arm in arms)),
            ("Studies", len(source.facts.studies)),
            ("Studies included", flow.included_studies),
        ):
            st.metric(name, f"{count:,}", border=True)
    if not parts.ready(source):
        return
    if flow.interim:
        left = "; ".join(f"{name}: {count:,}" for name, count in flow.open().items())
        st.warning(f"INTERIM. Not settled yet: {parts.plain(left)}.", icon=":material/pending:")
    st.subheader(flow.title, anchor=False)
    parts.figure(source, "prisma-flow", command="review flow")
