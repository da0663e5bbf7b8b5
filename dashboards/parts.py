"""What pages share: a heading, an empty state, text of strangers, and any figure by its name."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from corpora.errors import InputError, LitscaleError
from corpora.registry import entries
from dashboards.filters import View
from dashboards.source import Source, once
from review import export, materials
from review.analysis.tidy import Tidy
from review.figures.base import FigureSpec, drawn
from review.figures.presets import preset
from review.figures.save import escaped, render
from review.screening.standing import standings

PAGES = "pages"
"""Where the session keeps the pages of the app, by their path."""

OF_STUDIES = ("studies", "topics")
"""Materials that filters narrow."""

_CODED = {"audited": "coded", "row_audited": "row_coded"}
"""Headings: whom shares are corrected by is said elsewhere, and it need not be people."""

_PREVIEW = 150
"""Dots per inch of a figure on a page; exports have the journal's."""
_NARROW = 560


def head(title: str, told: str) -> None:
    """The page's title and one line of what one sees."""
    st.title(title, anchor=False)
    st.markdown(f":gray[{told}]")


def nothing(why: str, command: str = "") -> None:
    """An empty state: what is missing, and the command that makes it."""
    st.info(f"{why.rstrip('.')}. Run: `{command}`" if command else why, icon=":material/info:")


def empty(tidy: Tidy, command: str = "") -> None:
    """Why a figure shows nothing: its own word, or what its notes say."""
    why = sentence(tidy.instead) or " ".join(["Nothing to show here yet.", *tidy.notes])
    nothing(plain(why), "" if "review " in why else command)


def ready(source: Source, *dimensions: str) -> bool:
    """Whether there are studies and these dimensions are tagged; says what to do if not."""
    if not len(source.facts.studies):
        nothing(
            "No records yet. Import a file (`review import FILE`) or search a service (`review harvest`)."
        )
        return False
    absent = [name for name in dimensions if name not in source.facts.labels]
    if absent:
        nothing(f"Nothing is tagged yet for {', '.join(absent)}.", "review tag")
    return not absent


def standing(source: Source) -> None:
    """Warns where shares are not corrected to what people said; every page of shares begins with it."""
    if source.context.audit is None:
        st.warning(f"{plain(state(source))} All shares are naive, in grey.", icon=":material/rule:")
    elif source.silver:
        st.warning(plain(state(source)), icon=":material/rule:")


def state(source: Source) -> str:
    """Whether shares are corrected and by whom, as a sentence."""
    audit, said = source.context.audit, source.context.audit_state
    if audit is None:
        return f"Not audited: {said}."
    if not audit.silver:
        return f"Audit: {said}."
    return (
        "Corrected to silver coding, not audited: a language model and not people coded "
        f"{len(audit.truth):,} of {len(audit.strata):,} studies."
    )


def plain(text: str) -> str:
    """Text that Markdown shows as it stands: titles come from strangers.

    >>> plain("a *b* <i> $c$")
    'a \\\\*b\\\\* &lt;i> \\\\$c\\\\$'
    """
    for mark in "\\`*_{}[]()#+!|$~:":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("<", "&lt;").replace("\n", " ")


def link(page: str, label: str, **query: str) -> None:
    """A link to another page of the app; plain text where the page is shown alone."""
    known = st.session_state.get(PAGES, {})
    if page in known:
        st.page_link(known[page], label=plain(label), query_params=query or None)
    else:
        st.markdown(plain(label))


def sentence(text: str) -> str:
    """Text with a capital and a full stop.

    >>> sentence("nothing is fitted")
    'Nothing is fitted.'
    """
    told = text.strip()
    return told and f"{told[0].upper()}{told[1:].rstrip('.')}."


def figure(source: Source, name: str, view: View | None = None, *, command: str = "") -> None:
    """A registered figure with its table, of the filtered studies where it is about studies.

    What is not registered, or lacks its data, is said with the command that makes it.
    """
    try:
        made = tidy_of(source, name, view)
        if made is None:
            nothing(f"This litscale has no figure {name!r} yet.")
            return
        spec, tidy = made
        if tidy.empty:
            empty(tidy, command)
            return
        with st.spinner("Drawing …"):
            picture = drawing(source, spec, tidy, view)
    except LitscaleError as error:
        nothing(plain(str(error)), command)
        return
    show_picture(picture, spec, tidy)
    table(tidy.frame, name)


def tidy_of(source: Source, name: str, view: View | None = None) -> tuple[FigureSpec, Tidy] | None:
    """A figure's specification and its table; None if no figure of that name is registered."""
    if name.partition(":")[0] not in entries("figures"):
        return None
    spec = export.spec_of(name)
    if spec.needs == "agreements" and (why := undecided(source)):
        raise InputError(why)
    filtered = view is not None and spec.needs in OF_STUDIES

    def compute() -> Tidy:
        shown = view.studies if view is not None and filtered else source.studies
        material = materials.material(spec.needs, source.workspace, source.facts, shown)
        return export.computed(spec, material, source.context)

    key = view.key if view is not None and filtered else ()
    return spec, once(source, "tidy", name, key, make=compute)


def undecided(source: Source) -> str:
    """Why nobody may look at the agreement of people yet; empty where it may be looked at."""
    stages = once(source, "standings", make=lambda: standings(source.workspace))
    hidden = [f"{stage.stage}: {stage.compare}" for stage in stages if stage.compare]
    if not hidden:
        return ""
    return (
        "Agreement is shown once everybody has decided on what it is made from "
        f"({'; '.join(hidden)}). Whoever has decided can ask with: review agree"
    )


def drawing(source: Source, spec: FigureSpec, tidy: Tidy, view: View | None, journal: str = "") -> bytes:
    """The picture as PNG for a page."""
    frame = preset(journal or source.workspace.protocol.figures.preset)
    small = dataclasses.replace(frame, dpi=min(frame.dpi, _PREVIEW))
    key = view.key if view is not None and spec.needs in OF_STUDIES else ()
    return once(
        source, "picture", spec.name, frame.name, key,
        make=lambda: render(drawn(spec, tidy, small), "png", small),
    )  # fmt: skip


def show_picture(picture: bytes, spec: FigureSpec, tidy: Tidy) -> None:
    """The picture, one of a single column no wider than its dots allow, and what must be known of it."""
    with st.container(key=f"{'wide' if spec.wide else 'narrow'}-{spec.name}"):
        st.image(picture, width="stretch" if spec.wide else _NARROW, alt=spec.alt(tidy))
    told(tidy)


def chart(tidy: Tidy, drawn_chart: Callable[[], Any], name: str, alt: str) -> None:
    """An interactive chart, its notes, and its table to look at or take away."""
    from dashboards.charts import draw

    draw(st, drawn_chart(), alt)
    told(tidy)
    table(tidy.frame, name)


def told(tidy: Tidy) -> None:
    """What a reader must know of a table's numbers."""
    said = [f"Unit: {tidy.unit}", f"Denominator: {tidy.denominator}", *tidy.notes]
    st.caption(plain(" ".join(sentence(one) for one in said)))


def table(frame: pd.DataFrame, name: str, label: str = "The numbers as a table") -> None:
    """The numbers behind a chart."""
    with st.expander(label):
        plainly = frame.copy(deep=False)
        plainly.attrs = {}  # what a figure drew beside its table is no part of it
        st.dataframe(plainly, hide_index=True, width="stretch", column_config=_CODED)
        st.download_button(
            "CSV",
            lambda: escaped(frame).to_csv(index=False),
            f"{name.replace(':', '-')}.csv",
            "text/csv",
            key=f"csv-{name}",
            icon=":material/download:",
            on_click="ignore",
        )


def figures_of(*needs: str) -> dict[str, FigureSpec]:
    """All registered figures that are made from these materials, by name."""
    specs = {name: export.spec_of(name) for name in entries("figures")}
    return {name: spec for name, spec in specs.items() if spec.needs in needs}


@st.fragment
def gallery(
    source: Source,
    view: View | None,
    names: dict[str, str],
    *,
    key: str,
    first: bool = False,
    command: str = "",
) -> None:
    """Figures of which one is drawn at a time: title → name. Choosing one leaves the page as it is."""
    chosen = st.segmented_control(
        "Figure",
        list(names),
        default=next(iter(names), None) if first else None,
        required=first,
        key=f"gallery-{key}",
        label_visibility="collapsed",
    )
    if chosen:
        figure(source, names[chosen], view, command=command)
    elif names:
        st.caption("Choose a figure to draw it from the studies above.")
