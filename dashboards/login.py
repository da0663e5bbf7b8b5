"""Who may see the dashboard: everybody, or, with an [auth] section among the secrets, who is logged in."""

from pathlib import Path

import streamlit as st

from dashboards.parts import plain

_KEEP = """<script>
if (location.search || !location.pathname.endsWith("/")) sessionStorage.litscaleWanted = location.href
</script>"""
_GO_ON = """<script>
{ const wanted = sessionStorage.litscaleWanted
  delete sessionStorage.litscaleWanted
  if (wanted && wanted !== location.href) location.replace(wanted) }
</script>"""
"""Streamlit comes back from a login to its home page; the browser keeps the address that was asked for."""


def let_in() -> None:
    """Go on for who may see the pages; show the others a button and nothing else."""
    if not _asked():
        return
    if st.user.get("is_logged_in"):
        st.html(_GO_ON, unsafe_allow_javascript=True)
        return
    st.html(_KEEP, unsafe_allow_javascript=True)
    st.title("litscale", anchor=False)
    st.markdown("This review is shown to its team. Log in to see it.")
    st.button("Log in", on_click=st.login, icon=":material/login:")
    st.caption("If you come back to this page after logging in, you were not let in: ask whoever serves it.")
    st.stop()


def _asked() -> bool:
    """Whether visitors must log in. Secrets that cannot be read let nobody in: they may ask for it."""
    try:
        if st.secrets.load_if_toml_exists():
            return "auth" in st.secrets
        there = any(Path(one).exists() for one in st.get_option("secrets.files"))
    except OSError:
        there = True
    if there:
        st.error(
            "Nothing is shown: the secrets of this server cannot be read, so that nobody knows whether a "
            "login is asked for. The server's log says where; mend the file and start again.",
            icon=":material/lock:",
        )
        st.stop()
    return False


def who() -> None:
    """In the side bar: who is logged in, and the way out."""
    if st.user.get("is_logged_in"):
        name = st.user.get("name") or st.user.get("email") or st.user.get("sub")
        st.caption(f":material/person: {plain(str(name))}")
        st.button("Log out", on_click=st.logout, icon=":material/logout:", width="stretch", key="log-out")
