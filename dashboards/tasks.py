"""Tasks × methods: what each family of methods is used for, read both ways."""

import streamlit as st

from dashboards import charts, parts
from dashboards.filters import filtered
from dashboards.source import Source, once
from review.analysis.crosstab import task_by_family


def show(source: Source) -> None:
    """Draw the page."""
    parts.head("Tasks × methods", "What each family of methods is used for, read both ways.")
    if not parts.ready(source, "family", "tasks"):
        return
    view = filtered(source)
    parts.standing(source)
    tidy = once(source, "task-by-family", view.key, make=lambda: task_by_family(view.studies, source.context))
    if tidy.empty:
        parts.nothing("No study with a task and a method matches these filters.")
        return
    left, right = st.columns(2)
    for place, prefix, title in (
        (left, "row_", "Of the task's studies: share by family"),
        (right, "", "Of the family's studies: share with the task"),
    ):
        place.markdown(f"**{title}**")
        charts.draw(place, charts.heat(tidy.frame, prefix), f"{title}; the numbers stand in the table below.")
    st.caption(charts.key(source, tidy))
    parts.told(tidy)
    parts.table(tidy.frame, "task-by-family")
    st.subheader("Tasks against other dimensions", anchor=False)
    parts.gallery(
        source, view,
        {"Specialty × task": "specialty-by-task", "Task → method → evaluation": "task-method-evaluation"},
        key="tasks",
    )  # fmt: skip
