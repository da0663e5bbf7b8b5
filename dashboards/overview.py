"""Overview: how many, from where, and the PRISMA flow."""

import pandas as pd
import streamlit as st

from dashboards.source import Source
from review.figures.base import drawn
from review.figures.presets import preset
from review.figures.prisma import PRISMA_FLOW
from review.figures.save import render


def show(source: Source) -> None:
    """Draw the page."""
    st.title("Overview")
    flow, studies = source.flow, source.facts.studies
    arms = (flow.databases, flow.other)
    cells = st.columns(4)
    cells[0].metric("Records identified", f"{sum(arm.records for arm in arms):,}")
    cells[1].metric("Reports", f"{sum(arm.reports for arm in arms):,}")
    cells[2].metric("Studies", f"{len(studies):,}")
    cells[3].metric("Studies included", f"{flow.included_studies:,}")
    if not len(studies):
        st.info("No records yet. Import a file (review import FILE) or harvest (review harvest).")
        return
    st.subheader("PRISMA 2020 flow" + (" (interim)" if flow.interim else ""))
    tidy = PRISMA_FLOW.compute(flow, source.context)
    figure = drawn(PRISMA_FLOW, tidy, preset("nature"))
    st.image(render(figure, "png", preset("nature")), caption=PRISMA_FLOW.alt(tidy), width="stretch")
    for note in flow.notes:
        st.caption(note)
    with st.expander("The numbers as a table"):
        st.dataframe(pd.DataFrame(flow.rows()), hide_index=True, width="stretch")
