"""Tasks × methods: what each family of methods is used for, read both ways."""

import streamlit as st

from dashboards import charts
from dashboards.filters import filtered
from dashboards.source import Source
from review.analysis.crosstab import task_by_family


def show(source: Source) -> None:
    """Draw the page."""
    st.title("Tasks × methods")
    if "family" not in source.facts.labels:
        st.info("Nothing is tagged yet. Run: review tag")
        return
    tidy = task_by_family(filtered(source, "tasks"), source.context)
    if tidy.empty:
        st.info("No study with a task and a method matches these filters.")
        return
    left, right = st.columns(2)
    by_task = charts.heat(tidy.frame, "row_", "Of the task's studies: share by family")
    by_family = charts.heat(tidy.frame, "", "Of the family's studies: share with the task")
    left.altair_chart(by_task, width="stretch")
    right.altair_chart(by_family, width="stretch")
    st.caption(charts.key(tidy) + " ".join(tidy.notes))
    charts.table(tidy, "task-by-family")
