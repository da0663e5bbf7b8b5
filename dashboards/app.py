"""The dashboard; `review dashboard` starts it."""

import streamlit as st

from dashboards.pages import pages

st.navigation(pages(), expanded=True).run()
