"""Evaluation and gaps: what the work is judged by, and what hardly anybody has studied."""

import streamlit as st

from dashboards import parts, shares
from dashboards.filters import filtered
from dashboards.source import Source

FIGURES = {
    "Evidence gaps": "evidence-gap-map",
    "Evaluation × task": "evaluation-by-task",
    "Combinations of labels": "label-combinations",
    "Low-resource settings": "low-resource",
}


def show(source: Source) -> None:
    """Draw the page."""
    parts.head("Evaluation and gaps", "What the work is judged by, and where studies are few.")
    if not parts.ready(source, "evaluation"):
        return
    view = filtered(source)
    parts.standing(source)
    st.subheader("How studies are evaluated", anchor=False)
    shares.dimension(source, view, "evaluation", "Evaluation")
    st.subheader("Where studies are few", anchor=False)
    parts.gallery(source, view, FIGURES, key="gaps", first=True)
