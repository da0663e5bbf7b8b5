"""Changes: what the newest run of each search brought, and what was done to the workspace last."""

import json

import pandas as pd
import streamlit as st

from corpora.errors import InputError
from dashboards import parts
from dashboards.source import Source, once
from review.figures.save import escaped
from review.gathering.changes import Update, changes

_SHOWN = 500
_RUNS = 50
_COUNTED = ("Promised", "Delivered", "Refused")


def show(source: Source) -> None:
    """Draw the page."""
    parts.head("Changes", "What the last run of each search brought against the run before, and all runs.")
    if not parts.ready(source):
        return
    try:
        found: list[Update] = once(source, "changes", make=lambda: changes(source.workspace))
    except InputError:
        parts.nothing(
            "No search was run more than once, so there is nothing to compare. A later harvest runs the "
            "whole strategy again.",
            "review harvest",
        )
    else:
        for update in found:
            _update(update)
    st.subheader("Runs", anchor=False)
    st.caption(f"The newest {_RUNS}, newest first; times are UTC.")
    st.dataframe(
        once(source, "runs", make=lambda: _runs(source)), hide_index=True, width="stretch",
        column_config={
            **dict.fromkeys(_COUNTED, st.column_config.NumberColumn(format="localized")),
            "Counts": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip


def _update(update: Update) -> None:
    st.subheader(f"Search {parts.plain(update.search)}", anchor=False)
    with st.container(horizontal=True):
        st.metric("Hits", f"{update.hits:,}", border=True)
        st.metric("Not held before", f"{update.new:,}", border=True)
        for kind, count in update.counts().items():
            st.metric(kind.capitalize(), f"{count:,}", border=True)
    told = [f"{update.counts_only:,} changed in counts only."] if update.counts_only else []
    told += [f"Searched from {update.window} on."] if update.window else []
    if told:
        st.caption(parts.plain(" ".join(told)))
    warnings = update.warnings()
    if warnings:
        st.warning(
            f"{len(warnings):,} decided records changed; look at them again. "
            f"First: {parts.plain(warnings[0])}",
            icon=":material/priority_high:",
        )
    frame = pd.DataFrame([change.to_dict() for change in update.changes])
    if not len(frame):
        st.caption("No record came, changed or went.")
        return
    if len(frame) > _SHOWN:
        st.caption(f"The first {_SHOWN:,} of {len(frame):,} are shown; the file has all of them.")
    st.dataframe(frame.head(_SHOWN), hide_index=True, width="stretch")
    st.download_button(
        "All as CSV", lambda: escaped(frame).to_csv(index=False), f"changes-{update.search}.csv", "text/csv",
        key=f"changes-{update.search}", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _runs(source: Source) -> pd.DataFrame:
    rows = []
    for row in reversed(source.workspace.ledger.rows("runs")[-_RUNS:]):
        account = json.loads(row["account"])
        counts = {name: account.get(name.lower()) for name in _COUNTED}
        more = "; ".join(f"{count:,} {name}" for name, count in account.get("counts", {}).items())
        rows.append({"When": row["at"], "Command": row["command"], "Outcome": row["outcome"],
                     **counts, "Counts": more,
                     "Run": row["uuid"]})  # fmt: skip
    return pd.DataFrame(rows)
