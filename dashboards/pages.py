"""The pages of the dashboard and what they share: the workspace, its facts, the filters."""

from functools import partial

import altair as alt
import streamlit as st
from streamlit.navigation.page import StreamlitPage

from corpora.errors import LitscaleError
from dashboards.source import Source, open_source


def pages() -> list[StreamlitPage]:
    """Lay out the app and give its pages; ``app.py``, which Streamlit runs, navigates them."""
    st.set_page_config(page_title="litscale", layout="wide")
    alt.data_transformers.disable_max_rows()
    try:
        source = open_source()
    except LitscaleError as error:
        st.error(f"This workspace cannot be shown. {error}", icon=":material/error:")
        st.stop()
    _side(source)
    # The pages are imported here: each needs the source, none the others.
    from dashboards import browser, overview, shares, tasks, trends

    made = (
        ("Overview", overview.show, "overview", ":material/home:"),
        ("Trends", trends.show, "trends", ":material/trending_up:"),
        ("Tasks × methods", tasks.show, "tasks", ":material/grid_on:"),
        ("Shares", shares.show, "shares", ":material/percent:"),
        ("Records", browser.show, "records", ":material/search:"),
    )
    return [
        st.Page(partial(show, source), title=title, icon=icon, url_path=path, default=path == "overview")
        for title, show, path, icon in made
    ]


def _side(source: Source) -> None:
    with st.sidebar:
        st.markdown(f"**{plain(source.title)}**")
        if source.context.simulated:
            st.warning("SIMULATED literature: nothing here is real.", icon=":material/science:")
        st.caption(f"Shown: {source.context.population}.")
        audited = "Audit" if source.context.audit else "Not audited"
        st.caption(f"{audited}: {plain(source.context.audit_state)}.")
        if source.due:
            st.info(
                "Due: " + "; ".join(plain(item) for item in source.due) + ". Run: review run",
                icon=":material/schedule:",
            )


def plain(text: str) -> str:
    """Text that Markdown shows as it stands: titles come from strangers.

    >>> plain("a *b* <i> $c$")
    'a \\\\*b\\\\* &lt;i> \\\\$c\\\\$'
    """
    for mark in "\\`*_{}[]()#+!|$~:":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("<", "&lt;")
