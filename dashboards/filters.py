"""Filters over the studies; they live in the URL, so that a view can be sent."""

import pandas as pd
import streamlit as st

from dashboards.source import Source


def filtered(source: Source, key: str) -> pd.DataFrame:
    """The shown studies, narrowed by the page's filters."""
    studies = source.studies
    years = studies["year"].dropna()
    first, second, third = st.columns([2, 1, 1])
    if len(years) and years.min() < years.max():
        low, high = int(years.min()), int(years.max())
        held = _from_url("years", f"{low}-{high}").partition("-")
        try:
            start, end = max(int(held[0]), low), min(int(held[2]), high)
        except ValueError:
            start, end = low, high
        start, end = first.slider("Years", low, high, (min(start, end), end), key=f"years-{key}")
        _to_url("years", f"{start}-{end}", f"{low}-{high}")
        # Studies without a year are kept: the charts count and name them.
        studies = studies[studies["year"].isna() | studies["year"].between(start, end)]
    names = sorted({name for held in studies["sources"] for name in held})
    chosen = second.multiselect(
        "Sources", names, [n for n in _from_url("sources", "").split(",") if n in names], key=f"src-{key}",
        placeholder="all",
    )  # fmt: skip
    _to_url("sources", ",".join(chosen), "")
    if chosen:
        studies = studies[[bool(set(held) & set(chosen)) for held in studies["sources"]]]
    titles = {k.split(".")[1]: v for k, v in source.context.titles.items() if k.startswith("tasks.")}
    held_tasks = [task for task in _from_url("tasks", "").split(",") if task in titles]
    wanted = third.multiselect(
        "Tasks",
        list(titles),
        held_tasks,
        format_func=titles.__getitem__,
        key=f"task-{key}",
        placeholder="all",
    )
    _to_url("tasks", ",".join(wanted), "")
    if wanted:
        studies = studies[[bool(set(_listed(held)) & set(wanted)) for held in studies["tasks"]]]
    st.caption(f"{len(studies):,} of {len(source.studies):,} studies match the filters.")
    return studies


def _listed(cell: object) -> list[str]:
    return [] if cell is None else list(cell)  # type: ignore[call-overload]


def _from_url(name: str, default: str) -> str:
    return str(st.query_params.get(name, default))


def _to_url(name: str, value: str, default: str) -> None:
    if value and value != default:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]
