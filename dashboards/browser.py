"""Records: full-text search, filters with counts, a list to read or a table to scan."""

from collections.abc import Hashable
from urllib.parse import quote

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboards import parts
from dashboards.filters import View, filtered
from dashboards.source import Source, once

Rows = NDArray[np.intp]

_PAGE = 20
_TABLE = 500
_ORDERS = {
    "best": "Best match",
    "newest": "Newest",
    "oldest": "Oldest",
    "cited": "Most cited",
    "title": "Title",
}


def show(source: Source) -> None:
    """Draw the page."""
    parts.head("Records", "Every study that was found: search its text, narrow it down, read it in full.")
    if not parts.ready(source):
        return
    words = _words()
    view = filtered(source, whole=True)
    found = matching(source, words, view)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    orders = {key: title for key, title in _ORDERS.items() if words or key != "best"}
    order = left.selectbox("Order", list(orders), format_func=orders.__getitem__, key="order")
    form = right.segmented_control("Show as", ["List", "Table"], default="List", required=True, key="form")
    if words:
        told = f"**{len(found):,}** of them hold “{parts.plain(words)}”."
        st.markdown(told)
    if not len(found):
        parts.nothing(
            "Nothing found. All words must occur; the last may be the beginning of one. Clear the filters, "
            "or search for fewer words."
        )
        return
    rows = _ordered(source.facts.studies, found, order)
    if form == "Table":
        _table(source, rows)
    else:
        _list(source, rows, (words, view.key, order))


def _words() -> str:
    """The search; the widget's own state is the truth, the URL only gives its first value."""
    held = st.session_state.get("words", st.query_params.get("q", ""))
    st.session_state.setdefault("search", held)
    words: str = st.text_input(
        "Search in title, abstract, authors and venue", key="search", icon=":material/search:",
        placeholder="for example: clinical notes summar",
    )  # fmt: skip
    st.session_state["words"] = words
    if words:
        st.query_params["q"] = words
    elif "q" in st.query_params:
        del st.query_params["q"]
    return words


def matching(source: Source, words: str, view: View) -> Rows:
    """Row numbers of the studies that a search and the filters leave; the best match first."""
    if not words:
        return np.flatnonzero(view.mask)
    studies = source.facts.studies
    rows: Rows = once(
        source, "search", words,
        make=lambda: pd.Index(studies["study_id"]).get_indexer(source.facts.search(words, len(studies))),
    )  # fmt: skip
    kept: Rows = rows[view.mask[rows]]
    return kept


def _ordered(studies: pd.DataFrame, rows: Rows, order: str) -> Rows:
    if order == "best":
        return rows
    column = {"newest": "year", "oldest": "year", "cited": "citation_count", "title": "title"}[order]
    held = studies[column].iloc[rows].reset_index(drop=True)
    ascending = order in ("oldest", "title")
    places = held.sort_values(ascending=ascending, na_position="last", kind="stable").index
    made: Rows = rows[places.to_numpy()]
    return made


def _list(source: Source, rows: Rows, chosen: Hashable) -> None:
    pages = -(-len(rows) // _PAGE)
    # Another search, filter or order begins with its first page.
    key = f"page-{hash((chosen, len(rows)))}"
    number = min(st.session_state.get(key, 1), pages)
    for _, row in source.facts.studies.iloc[rows[(number - 1) * _PAGE : number * _PAGE]].iterrows():
        with st.container(border=True, gap=None):
            parts.link("study", short(row["title"]), study=str(row["study_id"]))
            st.caption(parts.plain(_about(row)))
    if pages > 1:
        st.pagination(pages, key=key)


def _about(row: pd.Series) -> str:
    """Who, where, when, from which sources, and what was decided."""
    people = said(row["authors"]).split("; ")
    who = people[0] + (" and others" if len(people) > 1 else "")
    told = [who, said(row["venue"]), said(row["year"]), ", ".join(row["sources"])]
    told += ["" if row["has_abstract"] else "no abstract", row["status"], said(row["retraction"]).upper()]
    return " · ".join(part for part in told if part)


def _table(source: Source, rows: Rows) -> None:
    shown = source.facts.studies.iloc[rows[:_TABLE]]
    if len(rows) > _TABLE:
        st.caption(f"The first {_TABLE:,} are shown; the export page has all of them.")
    st.dataframe(
        pd.DataFrame(
            {
                "Study": [f"study?study={quote(one)}" for one in shown["study_id"]],
                "Title": [short(one) for one in shown["title"]],
                "Year": shown["year"],
                "Venue": [said(one) for one in shown["venue"]],
                "Sources": [", ".join(held) for held in shown["sources"]],
                "Decision": shown["status"],
                "Cited": shown["citation_count"],
                "Retraction": shown["retraction"],
                "link": [link(row) for _, row in shown.iterrows()],
            }
        ),
        hide_index=True,
        width="stretch",
        height=600,
        placeholder="",
        column_config={
            "Study": st.column_config.LinkColumn("Study", display_text="open", width="small"),
            "Title": st.column_config.TextColumn("Title", width="large"),
            "Year": st.column_config.NumberColumn("Year", format="%d"),
            "link": st.column_config.LinkColumn("Elsewhere", display_text="read", width="small"),
        },
        key="records",
    )


def short(text: object, most: int = 300) -> str:
    """A text of strangers on one line, cut where it is far too long."""
    told = " ".join(said(text).split()) or "(no title)"
    return told if len(told) <= most else f"{told[: most - 1]}…"


def link(row: pd.Series) -> str | None:
    """Where the study can be read; only addresses of the web are ever linked."""
    doi, url = said(row["doi"]), said(row["url"])
    if doi:
        return f"https://doi.org/{quote(doi, safe='/()')}"
    return url if url.startswith(("https://", "http://")) else None


def said(value: object) -> str:
    """A cell as text; nothing for one that is missing."""
    return "" if value is None or value is pd.NA or value != value else str(value)
