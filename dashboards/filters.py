"""Filters over the studies; they live in the URL, so that a view can be sent."""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards.source import Source


def filtered(source: Source, key: str) -> pd.DataFrame:
    """The shown studies, narrowed by the page's filters."""
    studies = source.studies
    years = studies["year"].dropna()
    first, second, third = st.columns([2, 1, 1])
    if len(years) and years.min() < years.max():
        low, high = int(years.min()), int(years.max())
        st.session_state.setdefault(f"years-{key}", _years(_from_url("years", ""), low, high))
        chosen_years: tuple[int, int] = first.slider("Years", low, high, key=f"years-{key}")  # type: ignore[assignment]
        start, end = chosen_years
        _to_url("years", f"{start}-{end}", f"{low}-{high}")
        # Studies without a year are kept: the charts count and name them.
        studies = studies[studies["year"].isna() | studies["year"].between(start, end)]
    names = {name: name for name in sorted({name for held in studies["sources"] for name in held})}
    chosen = _choice(second, "Sources", names, "sources", key)
    if chosen:
        studies = studies[[bool(set(held) & set(chosen)) for held in studies["sources"]]]
    titles = {k.split(".")[1]: v for k, v in source.context.titles.items() if k.startswith("tasks.")}
    wanted = _choice(third, "Tasks", titles, "tasks", key)
    if wanted:
        studies = studies[[bool(set(_listed(held)) & set(wanted)) for held in studies["tasks"]]]
    st.caption(f"{len(studies):,} of {len(source.studies):,} studies match the filters.")
    return studies


def _choice(place: DeltaGenerator, label: str, known: dict[str, str], name: str, key: str) -> list[str]:
    """A multiselect whose first value comes from the URL and whose later ones go there."""
    state = f"{name}-{key}"
    given = [value for value in _from_url(name, "").split(",") if value in known]
    st.session_state.setdefault(state, given)
    # An earlier choice may have vanished with the years: it cannot be shown any more.
    st.session_state[state] = [value for value in st.session_state[state] if value in known]
    chosen = place.multiselect(
        label, list(known), format_func=known.__getitem__, key=state, placeholder="all"
    )
    _to_url(name, ",".join(chosen), "")
    return list(chosen)


def _years(text: str, low: int, high: int) -> tuple[int, int]:
    """``2015-2020`` from the URL, within what there is; anything else is the whole range."""
    start, _, end = text.partition("-")
    if not (start.isdigit() and end.isdigit()):
        return low, high
    first, last = sorted((min(max(int(start), low), high), min(max(int(end), low), high)))
    return first, last


def _listed(cell: object) -> list[str]:
    return [] if cell is None else list(cell)  # type: ignore[call-overload]


def _from_url(name: str, default: str) -> str:
    return str(st.query_params.get(name, default))


def _to_url(name: str, value: str, default: str) -> None:
    if value and value != default:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]
