"""Classifier quality and its audit: what is known of the labels that all shares are made of."""

import pandas as pd
import streamlit as st

from dashboards import parts
from dashboards.source import Source, once
from review.labelling import auditing
from review.labelling.auditing import Drawn
from review.labelling.measured import Told, told_of

FIGURES = {
    "Calibration": "calibration",
    "Accuracy against coverage": "coverage-accuracy",
}
_ERRORS = "audit-errors"


def show(source: Source) -> None:
    """Draw the page."""
    parts.head(
        "Classifier quality",
        "What is known of the labels: measures out of fold, and who checked them.",
    )
    if not parts.ready(source) or not source.facts.labels:
        if len(source.facts.studies):
            parts.nothing("Nothing is tagged yet.", "review tag")
        return
    st.subheader("Silver coding" if source.silver else "Audit", anchor=False)
    _audit(source)
    st.subheader("Figures", anchor=False)
    errors = "Errors against the silver coding" if source.silver else "Errors in the audit"
    parts.gallery(
        source, None, {**FIGURES, errors: _ERRORS}, key="quality", first=True, command="review train"
    )
    for tagger in sorted({told["tagger"] for told in source.facts.labels.values()}):
        st.subheader(f"Tagger: {tagger}", anchor=False)
        _card(source, tagger)


def _audit(source: Source) -> None:
    if source.context.audit is None:
        state = source.context.audit_state
        told = f"All shares are naive: {parts.plain(state)}."
        parts.nothing(told, "" if "review " in state else "review audit --plan")
    elif source.silver:
        parts.standing(source)
    else:
        st.success(
            f"Shares are corrected: {parts.plain(source.context.audit_state)}.", icon=":material/verified:"
        )
    for audit in auditing.audits(source.workspace):
        with st.expander(f"{audit.name}: {len(audit.studies):,} of {len(audit.strata):,} studies by stratum"):
            st.dataframe(_strata(audit), hide_index=True, width="stretch")


def _strata(audit: Drawn) -> pd.DataFrame:
    sizes = pd.Series(audit.strata).value_counts()
    drawn = pd.Series([audit.strata[one] for one in audit.studies]).value_counts()
    rows = [(name, int(sizes[name]), int(drawn.get(name, 0))) for name in sorted(sizes.index)]
    return pd.DataFrame(rows, columns=["Stratum", "Studies", "Drawn"])


def _card(source: Source, tagger: str) -> None:
    told: Told | None = once(
        source, "card", tagger, make=lambda: told_of(source.workspace, source.facts, tagger)
    )
    if told is None:
        parts.nothing(
            f"The tagger {tagger} has no model and no measures: rules are only as good as an audit says."
        )
        return
    st.caption(parts.plain(told.labels))
    for title, frame in (("Dimensions, out of fold", told.dimensions), ("Labels, out of fold", told.each)):
        if len(frame):
            with st.expander(title):
                st.dataframe(frame, hide_index=True, width="stretch")
    with st.expander("Model card"):
        st.markdown(told.card)
