"""Results: flow, figures, shares, included studies, references."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from review import export
from review.analysis.labelshares import label_shares
from review.analysis.tidy import NOT_AUDITED
from review.figures.base import FigureSpec, drawn
from review.figures.presets import Preset, preset
from review.figures.save import escaped, render
from review.report import references
from review.report.document import Block, Grid, Heading, Items, Picture, Text
from review.report.gathering import Material
from review.report.numbers import listed, sentence, were, without_hints

LISTED = 1_000
"""Studies and references that stand in the document; above it they stand in the files beside it only."""

_MOST_SVG = 1 << 20
"""Bytes above which a drawing goes into the page as PNG: tens of thousands of points."""


def flow(m: Material) -> Iterator[Block]:
    """The counts of the diagram; the drawing stands among the figures."""
    yield Heading(3, "Flow of records, reports and studies")
    counted = m.flow
    if counted.interim:
        told = [f"{m.numbers(f'flow.open.{name}', n, 'flow')} {name}" for name, n in counted.open().items()]
        yield Text(f"INTERIM: not everything is settled ({'; '.join(told)}).", notice=True)
    yield from figure(m, "prisma-flow")
    rows = []
    for place, row in enumerate(counted.rows()):
        number = m.numbers(f"flow.{place}.{row['arm']}.{row['what']}", row["n"], "flow")
        rows.append((row["arm"], row["box"], row["what"], number, row["unit"]))
    yield Grid("Every count of the flow", ("Arm", "Box", "What", "n", "Unit"), tuple(rows))


def figures(m: Material) -> Iterator[Block]:
    """The protocol's figures, but for the flow."""
    names = [name for name in m.protocol.figures.names if name != "prisma-flow"]
    if not names:
        return
    yield Heading(3, "Figures")
    for done, name in enumerate(names):
        m.progress("drawing figures", done, len(names))
        yield from figure(m, name)
    m.progress("drawing figures", len(names), len(names))


def figure(m: Material, name: str) -> Iterator[Block]:
    """One figure with its unit, denominator and population; its table is kept with the numbers."""
    spec = export.spec_of(name)
    tidy = export.tidy_of(m.workspace, spec, m.held, m.shown)
    m.tables[spec.name] = escaped(tidy.frame).to_csv(index=False)
    caption = (
        f"{spec.title}. Unit: {tidy.unit}. Denominator: {tidy.denominator}. Population: {tidy.population}."
    )
    svg, png = _drawings(spec, tidy, preset(m.protocol.figures.preset))
    small = svg if len(svg) <= _MOST_SVG else None
    yield Picture(caption, spec.alt(tidy), png, small, tuple(map(without_hints, tidy.notes)), wide=spec.wide)


def _drawings(spec: FigureSpec, tidy: Any, chosen: Preset) -> tuple[bytes, bytes]:
    made = drawn(spec, tidy, chosen)
    return render(made, "svg", chosen), render(made, "png", chosen)


# ---------------------------------------------------------------- shares


def shares(m: Material) -> Iterator[Block]:
    """Every label's share, one table a dimension; corrected only where an audit says so."""
    yield Heading(3, "Shares of labels")
    studies, context = m.shown
    if not m.held.labels:
        yield Text("Nothing was tagged, so there are no shares.", notice=True)
        return
    tidy = label_shares(studies, context, m.held.codebook)
    yield Text(f"Unit: {tidy.unit}. Population: {tidy.population}.")
    for note in tidy.notes:
        yield Text(sentence(without_hints(note)), notice=note == NOT_AUDITED)
    audited = bool((tidy.frame["status"] != "not audited").any())
    columns = _SHARE if audited else _SHARE[:4]
    silent = []
    for dimension, part in tidy.frame.groupby("dimension", sort=False):
        (title,) = m.titled([str(dimension)])
        rows = tuple(
            _share(m, row)[: len(columns)] for _, row in part.iterrows() if row["n"] or row["discordant"]
        )
        if not rows:
            silent.append(title)
            continue
        left = len(part) - len(rows)
        number = m.numbers.count(f"share.{dimension}.never", left, "labels", "label")
        yield Grid(
            f"{title}: shares of {part['over'].iloc[0]}" + ("" if audited else ", not audited"),
            columns,
            rows,
            (sentence(f"{number} {were(left)} given to no study"),) if left else (),
        )
    if silent:
        yield Text(f"No study has a label of these dimensions: {listed(silent)}.")


_SHARE = ("Label", "n", "of", "Naive", "Corrected", "95 % interval", "Coded", "Status")


def _share(m: Material, row: pd.Series) -> tuple[str, ...]:
    key, where = f"share.{row['dimension']}.{row['label']}", "labels, audit"

    def told(name: str, form: str) -> str:
        value = row[name]
        plain = None if pd.isna(value) else int(value) if form == "," else float(value)
        return m.numbers(f"{key}.{name}", plain, where, form)

    low, high = told("low", ".1%"), told("high", ".1%")
    return (
        str(row["title"]), told("n", ","), told("denominator", ","), told("naive", ".1%"),
        told("corrected", ".1%"), "–" if low == "–" else f"{low} to {high}", told("audited", ","),
        m.numbers(f"{key}.status", str(row["status"]), where),
    )  # fmt: skip


# ---------------------------------------------------------------- included studies


def included(m: Material) -> Iterator[Block]:
    """The included studies with their reports."""
    yield Heading(3, "Included studies")
    if not m.included:
        yield Text("No study is included so far.", notice=True)
        return
    rows = included_rows(m)
    where = "ledger: decisions; corpus: links"
    studies = len({row[0] for row in rows})
    number = m.numbers.count("included.studies", studies, where, "study")
    reports = m.numbers.count("included.reports", len(rows), where, "report")
    whole = "; all stand in included.csv and references.bib beside this report" if len(rows) > LISTED else ""
    yield Text(sentence(f"{number} in {reports} {were(studies)} included{whole}"))
    if not whole:
        yield Grid("Included studies and their reports", COLUMNS, tuple(row[1:] for row in rows))


COLUMNS = ("Study", "Authors", "Year", "Title", "Published in", "DOI or PMID", "Sources")


def included_rows(m: Material) -> list[tuple[str, ...]]:
    """Study id, then `COLUMNS`, one row an included report, sorted by study number."""
    held = references.reports(m, m.included)
    sources: dict[str, set[str]] = {}
    for record, source in m.sources_of.items():
        sources.setdefault(m.clusters.reports[record], set()).add(source)
    order = sorted(held, key=lambda report: (held[report].year or 9999, m.clusters.studies[report], report))
    numbers: dict[str, int] = {}
    for report in order:
        numbers.setdefault(m.clusters.studies[report], len(numbers) + 1)
    order.sort(key=lambda report: numbers[m.clusters.studies[report]])
    return [
        (
            m.clusters.studies[report], str(numbers[m.clusters.studies[report]]),
            "; ".join(str(author) for author in held[report].authors[:3])
            + (" et al." if len(held[report].authors) > 3 else ""),
            str(held[report].year or ""), held[report].title or "no title", held[report].venue or "",
            held[report].doi or (f"PMID {held[report].pmid}" if held[report].pmid else ""),
            ", ".join(sorted(sources.get(report, ()))),
        )
        for report in order
    ]  # fmt: skip


def reference_list(m: Material) -> Iterator[Block]:
    """References of the included reports."""
    yield Heading(2, "References of included studies")
    if not m.included:
        yield Text("No study is included so far.")
    elif len(m.included) > LISTED:
        number = m.numbers.count(
            "included.reports", len(m.included), "ledger: decisions; corpus: links", "report"
        )
        yield Text(f"The references of {number} stand in references.bib beside this report.")
    else:
        m.progress("writing references", 0, len(m.included))
        yield Items(tuple(references.listed(list(references.reports(m, m.included).values()))))
