"""Screening: how far each stage is, and how far people agree; nothing before it is settled."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboards import parts
from dashboards.source import Source, once
from review.screening.standing import StageStanding, standings

_NAMES = {"title-abstract": "Title and abstract", "full-text": "Full text"}


def show(source: Source) -> None:
    """Draw the page."""
    parts.head(
        "Screening",
        "How far each stage is and how far people agree. Blinded: only what is settled is counted.",
    )
    if not parts.ready(source):
        return
    stages = once(source, "standings", make=lambda: standings(source.workspace))
    if not stages:
        parts.nothing("The protocol has no screening stage.", "review protocol --help")
        return
    for stage in stages:
        _stage(stage)
    if any(stage.settled for stage in stages):
        st.subheader("What was found after how much work", anchor=False)
        parts.figure(source, "screening-recall")
    st.subheader("Agreement", anchor=False)
    parts.figure(source, "agreement", command="review assign --agreement 100")


def _stage(stage: StageStanding) -> None:
    st.subheader(_NAMES.get(stage.stage, stage.stage), anchor=False)
    done = stage.settled / stage.reports if stage.reports else 0.0
    st.progress(
        done, f"{stage.settled:,} of {stage.reports:,} reports settled ({done:.0%}), mode {stage.mode}"
    )
    if not stage.settled and not stage.conflicts:
        parts.nothing("Nothing is settled here yet.", "review screen --as NAME")
        return
    with st.container(horizontal=True):
        for verdict, count in stage.verdicts.items():
            st.metric(verdict.capitalize(), f"{count:,}", border=True)
        st.metric(
            "Open conflicts", f"{stage.conflicts:,}", border=True, help="Settle them with: review resolve"
        )
        st.metric(
            "Not settled",
            f"{stage.open:,}",
            border=True,
            help="Untouched and half screened together: who has decided what is told to nobody",
        )
    left, right = st.columns(2)
    with left:
        _counts("Reason", "Settled exclusions", stage.reasons)
    with right:
        _counts("Person", "Settled reports decided on", stage.people)


def _counts(who: str, what: str, counts: Mapping[str, int]) -> None:
    st.dataframe(
        pd.DataFrame({who: list(counts), what: list(counts.values())}),
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config={what: st.column_config.NumberColumn(format="localized")},
    )
