"""One study in full: its text, what was decided, its labels with their evidence, and its history."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from dashboards import parts
from dashboards.browser import said, short
from dashboards.source import Source, once
from review.history import History, history

_LONGEST = 20_000
"""Characters of an abstract that are shown; more is a whole text that got into the wrong field."""


def show(source: Source) -> None:
    """Draw the page of the study that the URL names."""
    study = st.query_params.get("study", "") or st.session_state.get("study", "")
    found = source.facts.studies[source.facts.studies["study_id"] == study]
    parts.link("records", "All records")
    if not len(found):
        st.title("Study", anchor=False)
        parts.nothing(
            f"No study {parts.plain(study)} here; it may have been joined to another." if study
            else "Choose a study on the page Records."
        )  # fmt: skip
        return
    st.session_state["study"] = study
    row = found.iloc[0]
    _text(source, row)
    told = once(source, "history", study, make=lambda: history(source.workspace, source.facts, study))
    _decisions(told)
    _labels(source, told)
    _history(row, told)


def _text(source: Source, row: pd.Series) -> None:
    title, abstract = source.facts.text(str(row["study_id"]))
    st.title(parts.plain(short(title, 600)), anchor=False)
    if said(row["retraction"]):
        st.error(f"This study is marked: {parts.plain(said(row['retraction']))}.", icon=":material/warning:")
    place = " ".join(part for part in (said(row["venue"]), said(row["year"])) if part)
    st.markdown(parts.plain(f"{short(said(row['authors']) or 'No authors', 1000)}. {place}"))
    links = [f"[{name}]({url})" for name, url in _places(row)]
    st.markdown(" · ".join(links) or ":gray[No link.]")
    if not abstract:
        st.caption("No abstract.")
        return
    for part in abstract[:_LONGEST].split("\n"):
        if part.strip():
            st.markdown(parts.plain(part))
    if len(abstract) > _LONGEST:
        st.caption(f"Cut after {_LONGEST:,} of {len(abstract):,} characters.")


def _decisions(told: History) -> None:
    st.subheader("Decisions", anchor=False)
    if told.decisions:
        _rows(told.decisions, {"stage": "Stage", "verdict": "Verdict", "reason": "Reason", "how": "How",
                               "report": "Report"})  # fmt: skip
    else:
        st.caption("Nothing is settled yet. Decisions are shown once they are, never before.")


def _labels(source: Source, told: History) -> None:
    st.subheader("Labels", anchor=False)
    if not told.labels:
        parts.nothing("No label was given.", "" if source.facts.labels else "review tag")
        return
    titles = source.context.titles
    names = {one.id: one.title for one in source.facts.codebook.all_dimensions()}
    rows = [
        {
            "dimension": names.get(row["dimension"], row["dimension"]),
            "label": titles.get(f"{row['dimension']}.{row['label']}", row["label"]),
            "probability": row["probability"],
            "given": "given" if row["value"] else "not given",
            "unsure": "unsure" if row["unsure"] else "",
            "words": row["words"],
            "tagger": row["tagger"],
        }
        for row in told.labels
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height="content",
        column_config={
            "dimension": "Dimension",
            "label": "Label",
            "given": "Tagger's word",
            "unsure": "",
            "tagger": "Tagger",
            "probability": st.column_config.ProgressColumn(
                "Probability", format="%.2f", min_value=0, max_value=1
            ),
            "words": st.column_config.TextColumn("Words the rules find", width="medium"),
        },
    )
    st.caption("As the tagger gave them: what is corrected is shares, not single records.")


def _history(row: pd.Series, told: History) -> None:
    st.subheader("History", anchor=False)
    st.caption(
        f"Study {parts.plain(str(row['study_id']))}. Reports: {len(row['report_ids'])}; "
        f"records: {len(row['record_ids'])}."
    )
    names = {"record_id": "Record", "at": "When", "run": "Run"}
    for title, rows, columns in (
        (
            "Retrievals",
            told.retrievals,
            {"search": "Search", "source": "Source", "kind": "Kind", "origin": "From", "row": "Row", **names},
        ),
        (
            "Versions of its records",
            told.records,
            {
                "source": "Source",
                "source_key": "Key",
                "title": "Title",
                "year": "Year",
                "venue": "Venue",
                **names,
            },
        ),
        (
            "Links to other records",
            told.links,
            {
                "left_id": "Record",
                "right_id": "and",
                "kind": "Kind",
                "verdict": "Verdict",
                "rule": "Rule",
                "score": "Score",
                "reason": "Because",
                "by": "By",
                "at": "When",
            },
        ),
        (
            "Filled fields",
            told.patches,
            {"record_id": "Record", "field": "Field", "value": "Value", "origin": "From", "at": "When"},
        ),
    ):
        with st.expander(f"{title} ({len(rows):,})"):
            _rows(rows, columns)


def _rows(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    frame = pd.DataFrame([{title: row.get(name) for name, title in columns.items()} for row in rows],
                         columns=list(dict.fromkeys(columns.values())))  # fmt: skip
    for name in frame.columns:
        if frame[name].dtype == object:
            frame[name] = frame[name].map(said)
    st.dataframe(frame, hide_index=True, width="stretch", placeholder="")


def _places(row: pd.Series) -> list[tuple[str, str]]:
    known = (
        ("DOI", "https://doi.org/", said(row["doi"])),
        ("PubMed", "https://pubmed.ncbi.nlm.nih.gov/", said(row["pmid"])),
        ("OpenAlex", "https://openalex.org/", said(row["openalex_id"])),
    )
    made = [(name, f"{address}{quote(key, safe='/')}") for name, address, key in known if key]
    url = said(row["url"])
    if url.startswith(("https://", "http://")):
        made.append(("Source", quote(url, safe=":/?&=%#,;+@~.-_")))
    return made
