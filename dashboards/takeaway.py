"""Export: any figure at any journal's size with its table, and the filtered records for other tools."""

import tempfile
from pathlib import Path

import streamlit as st

from corpora.errors import LitscaleError
from corpora.registry import entries, load
from dashboards import parts
from dashboards.filters import View, filtered
from dashboards.source import Source
from review import exchange, export
from review.figures.base import FigureSpec, drawn
from review.figures.presets import PRESETS, preset
from review.figures.save import escaped, render

_MIME = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png", "tiff": "image/tiff"}
_RECORDS = {"ris": "RIS", "csv": "CSV", "bibtex": "BibTeX", "xlsx": "XLSX", "nbib": "NBIB"}
_SUFFIX = {"bibtex": "bib"}


def show(source: Source) -> None:
    """Draw the page."""
    parts.head(
        "Export", "Any figure at a journal's size with its table, and the filtered records for other tools."
    )
    if not parts.ready(source):
        return
    view = filtered(source)
    st.subheader("A figure", anchor=False)
    _figure(source, view)
    st.subheader("The records", anchor=False)
    _records(source, view)


def _figure(source: Source, view: View) -> None:
    specs = {name: export.spec_of(name) for name in entries("figures")}
    names = sorted(specs, key=lambda name: specs[name].title)
    left, middle, right = st.columns([3, 2, 1])
    name = left.selectbox("Figure", names, format_func=lambda one: specs[one].title, key="export-figure")
    own = source.workspace.protocol.figures.preset
    journal = middle.selectbox("Journal", list(PRESETS), index=list(PRESETS).index(own), key="export-journal")
    kind = right.selectbox("Format", list(preset(journal).allowed), format_func=str.upper, key="export-kind")
    spec = specs[name]
    try:
        made = parts.tidy_of(source, name, view)
        assert made is not None
        tidy = made[1]
        if tidy.empty:
            parts.empty(tidy)
            return
        with st.spinner("Drawing …"):
            picture = parts.drawing(source, spec, tidy, view, journal)
    except LitscaleError as error:
        parts.nothing(parts.plain(str(error)))
        return
    frame = preset(journal)
    with st.container(horizontal=True):
        st.download_button(
            f"Figure as {kind.upper()}", lambda: render(drawn(spec, tidy, frame), kind, frame),
            f"{spec.name}.{kind}", _MIME[kind], key="export-file", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Table as CSV", lambda: escaped(tidy.frame).to_csv(index=False), f"{spec.name}.csv", "text/csv",
            key="export-table", icon=":material/table:", on_click="ignore",
        )  # fmt: skip
    width = frame.double if spec.wide else frame.single
    st.caption(f"{width:g} mm wide for {journal}. {parts.plain(_filters(view, spec))}")
    parts.show_picture(picture, spec, tidy)


def _filters(view: View, spec: FigureSpec) -> str:
    if not view.active:
        return ""
    if spec.needs in parts.OF_STUDIES:
        return f"Of the {len(view):,} filtered studies."
    return "Filters do not touch this figure: it is not about studies."


def _records(source: Source, view: View) -> None:
    ids = view.studies["study_id"]
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    kind = left.selectbox("As", list(_RECORDS), format_func=_RECORDS.__getitem__, key="export-records")
    suffix = _SUFFIX.get(kind, kind)
    right.download_button(
        f"{len(ids):,} studies as {_RECORDS[kind]}", lambda: _written(source, frozenset(ids), kind),
        f"records.{suffix}", "application/octet-stream", key="export-records-file",
        icon=":material/download:", disabled=not len(ids), on_click="ignore",
    )  # fmt: skip
    st.caption(
        "One row a report, with its settled decision and labels, as review export writes it. Making the "
        "file takes about a second for each thousand reports."
    )


def _written(source: Source, studies: frozenset[str], kind: str) -> bytes:
    """The file of these studies' reports; nothing is written to the workspace."""
    load("formats", kind)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        exchange.write_studies(source.workspace, studies, path, kind)
        return path.read_bytes()
