"""Records: full-text search, and one study in full with its links and labels."""

import pandas as pd
import streamlit as st

from dashboards.pages import plain
from dashboards.source import Source

_SHOWN = 500


def show(source: Source) -> None:
    """Draw the page."""
    st.title("Records")
    studies = source.facts.studies
    if not len(studies):
        st.info("No records yet. Import a file (review import FILE) or harvest (review harvest).")
        return
    # The widget's own state is the truth; the URL only gives its first value.
    st.session_state.setdefault("search", st.query_params.get("q", ""))
    words = st.text_input("Search in title, abstract, authors and venue", key="search")
    if words:
        st.query_params["q"] = words
        found = source.facts.search(words)
        studies = studies.set_index("study_id").loc[found].reset_index()
    elif "q" in st.query_params:
        del st.query_params["q"]
    shown = studies.head(_SHOWN)
    more = f"; the first {_SHOWN:,} are shown" if len(studies) > _SHOWN else ""
    st.caption(f"{len(studies):,} studies{more}. Select a row to read it.")
    if not len(shown):
        st.info("Nothing found. All words must occur; the last may be the beginning of one.")
        return
    picked = st.dataframe(
        _table(shown),
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"link": st.column_config.LinkColumn("Link", display_text="open")},
        key="records",
    )
    rows = picked["selection"]["rows"]
    if rows:
        _detail(source, shown.iloc[rows[0]])


def _table(studies: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Title": studies["title"],
            "Year": studies["year"],
            "Venue": studies["venue"],
            "Sources": [", ".join(held) for held in studies["sources"]],
            "Status": studies["status"],
            "Retraction": studies["retraction"],
            "link": [_link(row) for _, row in studies.iterrows()],
        }
    )


def _link(row: pd.Series) -> str | None:
    """Where the study can be read; only addresses of the web are ever linked."""
    doi, url = _said(row["doi"]), _said(row["url"])
    if doi:
        return f"https://doi.org/{doi}"
    return url if url.startswith(("https://", "http://")) else None


def _said(value: object) -> str:
    """A cell as text; nothing for one that is missing."""
    return "" if value is None or value is pd.NA or value != value else str(value)


def _detail(source: Source, row: pd.Series) -> None:
    title, abstract = source.facts.text(str(row["study_id"]))
    st.divider()
    st.subheader(plain(title or "(no title)"))
    if _said(row["retraction"]):
        st.error(f"This study is marked: {row['retraction']}.")
    place = f"{_said(row['venue'])} {_said(row['year'])}".strip()
    st.markdown(plain(f"{_said(row['authors']) or 'No authors'}. {place}"))
    if abstract:
        for part in abstract.split("\n"):
            st.markdown(plain(part))
    else:
        st.caption("No abstract.")
    links = [f"[{name}]({url})" for name, url in _places(row)]
    st.markdown(" · ".join(links) or "No link.")
    titles = source.context.titles
    labels = [
        (dimension.title, ", ".join(titles.get(f"{dimension.id}.{one}", one) for one in row[dimension.id]))
        for dimension in source.facts.codebook.all_dimensions()
        if row[dimension.id] is not None and len(row[dimension.id])
    ]
    if labels:
        st.caption("Labels, as the tagger gave them (not audited):")
        st.dataframe(pd.DataFrame(labels, columns=["Dimension", "Labels"]), hide_index=True)
    st.caption(
        f"Study {row['study_id']}: {len(row['report_ids'])} reports, {len(row['record_ids'])} records "
        f"({', '.join(row['record_ids'])})."
    )


def _places(row: pd.Series) -> list[tuple[str, str]]:
    known = (
        ("DOI", "https://doi.org/", _said(row["doi"])),
        ("PubMed", "https://pubmed.ncbi.nlm.nih.gov/", _said(row["pmid"])),
        ("OpenAlex", "https://openalex.org/", _said(row["openalex_id"])),
    )
    return [(name, f"{address}{key}") for name, address, key in known if key]
