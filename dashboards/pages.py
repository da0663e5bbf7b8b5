"""The pages of the dashboard and what stands beside them: the review, its state, who checked it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from corpora.errors import LitscaleError
from dashboards.login import let_in, who
from dashboards.parts import PAGES, plain, state
from dashboards.source import Source, newer, open_source, renew

_ICON = Path(__file__).with_name("icon.svg")
"""Our own file: an icon by name is fetched from Google by each visitor's browser."""

_LOOK_AGAIN = "30s"
"""How often an open page looks whether the data changed."""

_STYLE = """<style>
[data-testid="stMain"] [data-testid="stPageLink-NavLink"] * { white-space: normal; }
[data-testid="stAlert"] code { white-space: nowrap; }
@media (max-width: 640px) {
  [class*="st-key-wide-"] [data-testid="stImageContainer"] { overflow-x: auto; }
  [class*="st-key-wide-"] [data-testid="stImageContainer"] img { min-width: 44rem; max-width: none; }
}
</style>"""
"""A long title goes on in the next line, and a command is not broken. On a phone a wide figure is
scrolled, not shrunk until nobody can read it."""


def pages() -> dict[str, list[StreamlitPage]]:
    """Lay out the app and give its pages; ``app.py``, which Streamlit runs, navigates them."""
    st.set_page_config(page_title="litscale", page_icon=str(_ICON), layout="wide")
    st.html(_STYLE)
    let_in()
    try:
        source = open_source()
    except LitscaleError as error:
        st.error(f"This workspace cannot be shown. {plain(str(error))}", icon=":material/error:")
        st.stop()
    _side(source)
    made = _pages(source)
    st.session_state[PAGES] = {page.url_path or "overview": page for held in made.values() for page in held}
    return made


def _pages(source: Source) -> dict[str, list[StreamlitPage]]:
    # Imported here: each needs the source, none the others.
    from dashboards import (
        browser,
        gaps,
        overview,
        people,
        progress,
        quality,
        shares,
        study,
        takeaway,
        tasks,
        topics,
        trends,
        updates,
    )  # fmt: skip

    def page(
        show: Callable[[Source], None], title: str, path: str, icon: str, *, hidden: bool = False
    ) -> StreamlitPage:
        return st.Page(
            partial(_shown, show, source), title=title, icon=f":material/{icon}:", url_path=path,
            default=path == "overview", visibility="hidden" if hidden else "visible",
        )  # fmt: skip

    return {
        "Review": [
            page(overview.show, "Overview", "overview", "home"),
            page(progress.show, "Screening", "screening", "checklist"),
            page(updates.show, "Changes", "changes", "update"),
        ],
        "Literature": [
            page(trends.show, "Trends", "trends", "trending_up"),
            page(tasks.show, "Tasks × methods", "tasks", "grid_on"),
            page(shares.show_rag, "RAG", "rag", "manage_search"),
            page(gaps.show, "Evaluation and gaps", "evaluation", "bubble_chart"),
            page(topics.show, "Topics", "topics", "hub"),
            page(people.show, "People and places", "people", "public"),
            page(shares.show, "All labels", "shares", "percent"),
        ],
        "Evidence": [
            page(browser.show, "Records", "records", "search"),
            page(study.show, "Study", "study", "article", hidden=True),
            page(quality.show, "Classifier quality", "quality", "verified"),
            page(takeaway.show, "Export", "export", "download"),
        ],
    }


def _shown(show: Callable[[Source], None], source: Source) -> None:
    """A page, or in words why it cannot be shown."""
    try:
        show(source)
    except LitscaleError as error:
        st.error(f"This page cannot be shown. {plain(str(error))}", icon=":material/error:")


def _side(source: Source) -> None:
    with st.sidebar:
        st.markdown(f"**{plain(source.title)}**")
        who()
        if source.context.simulated:
            st.warning("SIMULATED literature: nothing here is real.", icon=":material/science:")
        _news(source)
        st.caption(f"Shown: {plain(source.context.population)}.  \n{plain(state(source))}")
        if source.due:
            due = "; ".join(plain(item) for item in source.due)
            st.caption(f":material/schedule: Due: {due}. Run: `review run`")


@st.fragment(run_every=_LOOK_AGAIN)
def _news(source: Source) -> None:
    """Say when the workspace has moved on; the page stays as it is until somebody asks for the new state."""
    try:
        snapshot = newer(source)
    except LitscaleError as error:
        st.warning(
            f"The workspace cannot be read just now: {plain(str(error))}", icon=":material/sync_problem:"
        )
        return
    if snapshot:
        with st.container(border=True):
            st.markdown(":material/update: **New data is there.** This page shows the state before it.")
            if st.button("Show the new state", key="renew", width="stretch"):
                renew(snapshot)
                st.rerun(scope="app")
