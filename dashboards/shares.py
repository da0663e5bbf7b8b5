"""Shares: every label of the codebook, naive and corrected, and one of them by year.

RAG is the same page of the block that applies to studies of retrieval-augmented generation.
"""

from collections.abc import Sequence

import streamlit as st

from classifiers.codebook import NOT_REPORTED
from dashboards import charts, parts
from dashboards.filters import View, filtered
from dashboards.source import Source, once
from review.analysis.labelshares import label_by_year, label_shares

RAG = "rag"


def show(source: Source) -> None:
    """Draw the page of all labels."""
    parts.head(
        "All labels",
        "Every label of the codebook: its share as tagged, and corrected where it can be.",
    )
    if not parts.ready(source) or not _tagged(source):
        return
    view = filtered(source)
    parts.standing(source)
    known = _titles(source, [one.id for one in source.facts.codebook.all_dimensions()])
    first = list(known).index("methods") if "methods" in known else 0
    chosen = st.selectbox(
        "Dimension", list(known), index=first, format_func=known.__getitem__, key="dimension"
    )
    dimension(source, view, chosen, known[chosen])
    _by_year(source, view, chosen)


def show_rag(source: Source) -> None:
    """Draw the page of retrieval-augmented generation."""
    parts.head(
        "RAG",
        "Retrieval-augmented generation: how many studies use it, and how. Shares of components are over "
        "the studies that report them.",
    )
    if not parts.ready(source, RAG):
        return
    view = filtered(source)
    parts.standing(source)
    book = source.facts.codebook
    st.subheader("Studies with RAG by year", anchor=False)
    _by_year(source, view, RAG)
    block = [one.id for one in book.dimensions if (one.applies_when or "").startswith(f"{RAG}.")]
    for name, title in _titles(source, block).items():
        st.subheader(title, anchor=False)
        dimension(source, view, name, title)


def _tagged(source: Source) -> bool:
    if not source.facts.labels:
        parts.nothing("Nothing is tagged yet.", "review tag")
    return bool(source.facts.labels)


def _titles(source: Source, wanted: Sequence[str]) -> dict[str, str]:
    titles = {one.id: one.title for one in source.facts.codebook.all_dimensions()}
    return {name: titles[name] for name in wanted if name in source.facts.labels}


def dimension(source: Source, view: View, name: str, title: str) -> None:
    """The labels of one dimension: dots with intervals, and their table."""
    book = source.facts.codebook
    tidy = once(
        source, "shares", name, view.key,
        make=lambda: label_shares(view.studies, source.context, book, (name,)),
    )  # fmt: skip
    # "Not reported" is what a share over reporting studies leaves out.
    known = tidy.frame["label"] != NOT_REPORTED
    frame = tidy.frame[known & ((tidy.frame["n"] > 0) | (tidy.frame["discordant"] > 0))]
    if frame.empty:
        parts.nothing(f"No study with a label of {title} matches these filters.")
        return
    frame = frame.sort_values("naive", ascending=False)
    charts.draw(
        st, charts.dots(frame), f"Shares of the labels of {title}; the numbers stand in the table below."
    )
    st.caption(parts.plain(f"{charts.key(source, tidy)}Of {frame['over'].iloc[0]}. " + " ".join(tidy.notes)))
    parts.table(frame, f"shares-{name}")


def _by_year(source: Source, view: View, name: str) -> None:
    book = source.facts.codebook
    found = next(one for one in book.all_dimensions() if one.id == name)
    titles = {one.id: one.title for one in found.labels}
    label = next(iter(titles))
    if len(titles) > 1:
        label = st.selectbox(
            "One label by year", list(titles), format_func=titles.__getitem__, key=f"y-{name}"
        )
    tidy = once(
        source, "label-by-year", name, label, view.key,
        make=lambda: label_by_year(view.studies, source.context, book, name, (label,)),
    )  # fmt: skip
    if tidy.empty:
        parts.nothing(f"No study with a year has the label {titles[label]} under these filters.")
        return
    parts.chart(
        tidy, lambda: charts.lines(tidy.frame, "label"), f"{name}-by-year",
        f"Share of {titles[label]} by year; the numbers stand in the table below.",
    )  # fmt: skip
