"""Filters over the studies. One choice serves all pages of a session and stands in the URL.

The choice is kept apart from the widgets, which only show it: their options carry counts that
change with every other filter, and a page that has no filters must not lose them.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import streamlit as st

from dashboards.facets import MAIN, Facet, Mask
from dashboards.source import Source

Years = tuple[int, int]
_CHOICE = "choice"
_WHOLE_ONLY = ("status",)
"""Facets that make no sense on pages of shares: those are about one population."""


@dataclass(frozen=True)
class View:
    """The studies of a page and their ``key``: the filters, in one order."""

    source: Source
    mask: Mask
    key: tuple[Hashable, ...]
    undated: int

    @cached_property
    def studies(self) -> pd.DataFrame:
        """One row a study."""
        return self.source.facts.studies[self.mask]

    @property
    def active(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.key[1:])

    def __len__(self) -> int:
        return int(np.count_nonzero(self.mask))


def filtered(source: Source, *, whole: bool = False) -> View:
    """Draw the bar of filters and give what they leave.

    ``whole`` filters all studies, else those that shares are about.
    """
    choice = _choice(source)
    base = np.ones(len(source.shown), dtype=bool) if whole else source.shown
    facets = [facet for facet in source.facets if whole or facet.name not in _WHOLE_ONLY]
    years = _dated(source, base)
    span = (int(np.nanmin(years)), int(np.nanmax(years))) if np.isfinite(years).any() else None
    chosen = {facet.name: choice.get(facet.name, ()) for facet in facets}
    within = _within(choice.get("years", ()), span)
    masks = {facet.name: facet.mask(chosen[facet.name]) for facet in facets if chosen[facet.name]}
    if within:
        masks["years"] = (years >= within[0]) & (years <= within[1])
    mask = _all(base, masks)
    key: tuple[Hashable, ...] = ("whole" if whole else "shown",)
    key += tuple((name, chosen[name]) for name in sorted(chosen) if chosen[name])
    key += (("years", within),) if within else ()
    undated = int(np.count_nonzero(np.isnan(years) & _all(base, masks, but="years"))) if within else 0
    view = View(source, mask, key, undated)
    _bar(view, facets, masks, base, chosen, span, within)
    _to_url(choice)
    return view


def _bar(
    view: View,
    facets: list[Facet],
    masks: dict[str, Mask],
    base: Mask,
    chosen: dict[str, tuple[str, ...]],
    span: Years | None,
    within: Years | None,
) -> None:
    count = sum(bool(values) for values in chosen.values()) + bool(within)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = f"Filters ({count})" if count else "Filters"
        with st.popover(label, icon=":material/filter_list:", key="filters"):
            st.caption("Numbers are studies under all other filters.")
            if span and span[0] < span[1]:
                st.session_state["facet-years"] = within or span
                st.slider("Years", *span, key="facet-years", on_change=_years, args=(span,))
            main = [facet for facet in facets if facet.name in MAIN]
            _facets(main, masks, base, chosen)
            others = [facet for facet in facets if facet.name not in MAIN]
            if others:
                with st.expander("More of the codebook", expanded=any(chosen[one.name] for one in others)):
                    _facets(others, masks, base, chosen)
        if count:
            st.button("Clear", icon=":material/close:", on_click=_clear, type="tertiary", key="clear")
        told = f"**{len(view):,}** of {int(np.count_nonzero(base)):,} studies"
        told += f" · {view.undated:,} without a year left out" if view.undated else ""
        st.markdown(told, width="content")
    if count:
        st.caption(" · ".join(_said(facets, chosen, within)))


def _facets(
    facets: list[Facet], masks: dict[str, Mask], base: Mask, chosen: dict[str, tuple[str, ...]]
) -> None:
    left, right = st.columns(2)
    for number, facet in enumerate(facets):
        counts = facet.counts(_all(base, masks, but=facet.name))
        own = chosen[facet.name]
        names = {
            value: f"{facet.titles[value]} ({counts[value]:,})"
            for value in facet.values
            if counts[value] or value in own
        }
        key = f"facet-{facet.name}"
        st.session_state[key] = list(own)
        (right if number % 2 else left).multiselect(
            facet.title,
            list(names),
            format_func=lambda value, names=names: names.get(value, value),  # type: ignore[misc]
            key=key,
            placeholder="any",
            on_change=_picked,
            args=(facet.name,),
        )


def _said(facets: list[Facet], chosen: dict[str, tuple[str, ...]], within: Years | None) -> list[str]:
    """The filters in words."""
    from dashboards.parts import plain

    told = [f"Years {within[0]}–{within[1]}"] if within else []
    told += [
        f"{facet.title}: {' or '.join(facet.titles[one] for one in chosen[facet.name])}"
        for facet in facets
        if chosen[facet.name]
    ]
    return [plain(one) for one in told]


def _all(base: Mask, masks: dict[str, Mask], but: str = "") -> Mask:
    made = base
    for name, mask in masks.items():
        if name != but:
            made = made & mask
    return made


def _dated(source: Source, base: Mask) -> "np.typing.NDArray[np.float64]":
    """Years of all studies; those outside the page's population count as undated."""
    years = source.facts.studies["year"].to_numpy(dtype=float, na_value=np.nan)
    made: np.typing.NDArray[np.float64] = np.where(base, years, np.nan)
    return made


def _within(given: tuple[str, ...], span: Years | None) -> Years | None:
    """Chosen years within what there is; None for all of it."""
    if span is None or len(given) != 2:
        return None
    first, last = sorted(min(max(int(one), span[0]), span[1]) for one in given)
    return (first, last) if (first, last) != span else None


# ------------------------------------------------------------------ the choice, its widgets, its URL


def _choice(source: Source) -> dict[str, tuple[str, ...]]:
    """What this session has chosen; at its beginning what the URL says, as far as it is known."""
    if _CHOICE not in st.session_state:
        st.session_state[_CHOICE] = _from_url()
    known = {facet.name: set(facet.values) for facet in source.facets}
    held: dict[str, tuple[str, ...]] = st.session_state[_CHOICE]
    kept = {
        name: values if name == "years" else tuple(one for one in values if one in known[name])
        for name, values in held.items()
        if name == "years" or name in known
    }
    st.session_state[_CHOICE] = {name: values for name, values in kept.items() if values}
    found: dict[str, tuple[str, ...]] = st.session_state[_CHOICE]
    return found


def _from_url() -> dict[str, tuple[str, ...]]:
    made = {name: tuple(value.split(",")) for name, value in st.query_params.items() if name != "years"}
    start, _, end = st.query_params.get("years", "").partition("-")
    if all(one.isascii() and one.isdigit() and len(one) == 4 for one in (start, end)):
        made["years"] = (start, end)
    return made


def _to_url(choice: dict[str, tuple[str, ...]]) -> None:
    for name in (*MAIN, "years", *choice):
        value = ("-" if name == "years" else ",").join(choice.get(name, ()))
        if value and st.query_params.get(name) != value:
            st.query_params[name] = value
        elif not value and name in st.query_params:
            del st.query_params[name]


def _picked(name: str) -> None:
    _set(name, tuple(st.session_state[f"facet-{name}"]))


def _years(span: Years) -> None:
    low, high = st.session_state["facet-years"]
    _set("years", () if (low, high) == span else (str(low), str(high)))


def _set(name: str, values: tuple[str, ...]) -> None:
    held = {**st.session_state[_CHOICE], name: values}
    st.session_state[_CHOICE] = {one: chosen for one, chosen in held.items() if chosen}


def _clear() -> None:
    st.session_state[_CHOICE] = {}
