"""The tables of a review that are no figure's: what is included, what was found, where it was searched."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from review import export
from review.analysis.labelshares import label_shares
from review.analysis.tidy import Tidy, labels_of
from review.facts import Facts
from review.gathering import searchreport
from review.tables.table import Table, from_tidy
from review.workspace import Workspace


def characteristics(workspace: Workspace, held: Facts) -> Table:
    """One row an included study: who, when, where, and what it was tagged with.

    CSV has a column a dimension; in print all labels of a study stand in one cell.
    """
    studies = held.studies[held.studies["status"] == "included"]
    studies = studies.sort_values(["year", "authors", "study_id"], na_position="last")
    context = export.population(workspace, held)[1]
    columns: dict[str, list[Any]] = {
        "study": [_cited(*row) for row in zip(studies["authors"], studies["year"], strict=True)],
        "title": studies["title"].tolist(),
        "venue": studies["venue"].tolist(),
        "doi": studies["doi"].tolist(),
    }
    labels: dict[str, list[Any]] = {
        dimension.title: [_titled(cell, dimension.id, context.titles) for cell in studies[dimension.id]]
        for dimension in held.codebook.dimensions
        if dimension.id in context.labels
    }
    told = zip(*labels.values(), strict=True) if labels else ([] for _ in studies.index)
    tagged = [
        ". ".join(f"{name}: {cell}" for name, cell in zip(labels, row, strict=True) if cell) for row in told
    ]
    taggers = ", ".join(sorted({told["tagger"] for told in context.labels.values()}))
    number = len(studies)
    tidy = Tidy(
        pd.DataFrame({**columns, "tagged": tagged}),
        unit="studies",
        denominator="none, one row a study",
        population=f"{number:,} studies, those included so far" if number else "no study is included yet",
        notes=(f"Tagged: by {taggers}, not coded by a person.",) if taggers else (),
        simulated=context.simulated,
    )
    made = from_tidy("characteristics", "Characteristics of included studies", tidy)
    return replace(made, frame=pd.DataFrame({**columns, **labels}))


def _titled(cell: Any, dimension: str, titles: dict[str, str]) -> str | None:
    names = labels_of(cell)
    return None if names is None else "; ".join(titles[f"{dimension}.{name}"] for name in names)


def _cited(authors: str | None, year: int | None) -> str:
    """``Smith et al. 2021``."""
    names = [name for name in (authors or "").split("; ") if name]
    first = names[0].split(",")[0] if names else "Anonymous"
    return f"{first}{' et al.' if len(names) > 1 else ''} {'n.d.' if pd.isna(year) else year}"


def label_shares_of(workspace: Workspace, held: Facts) -> Table:
    """Every label's share, naive or corrected."""
    studies, context = export.population(workspace, held)
    tidy = label_shares(studies, context, held.codebook)
    titles = {dimension.id: dimension.title for dimension in held.codebook.all_dimensions()}
    frame = tidy.frame.assign(dimension=tidy.frame["dimension"].map(titles), label=tidy.frame["title"])
    frame = frame.rename(columns={"over": "of"}).drop(columns="title")
    corrected = bool((frame["status"] == "corrected").any())
    silver = corrected and context.audit is not None and context.audit.silver
    tidy = replace(tidy, frame=frame, denominator="as the column Of says", silver=silver)
    return from_tidy("label-shares", "Shares of all labels", tidy)


def searches(workspace: Workspace, _: Facts) -> Table:
    """One row a run of a search or import: where, when, how, and how many."""
    columns = ["search", "source", "platform", "kind", "searched", "strategy", "limits", "hits", "records",
               "not_held_before", "remarks"]  # fmt: skip
    rows = pd.DataFrame(searchreport.report(workspace), columns=list(searchreport.COLUMNS))[columns]
    tidy = Tidy(
        rows,
        unit="records",
        denominator="none, counts",
        population=f"{len(rows):,} runs of searches and imports, oldest first",
        notes=("Hits: as the service promised or a person stated; records: as delivered.",),
        simulated=export.is_simulated(workspace),
    )
    return from_tidy("searches", "Search strategies and counts", tidy)


KINDS: dict[str, Callable[[Workspace, Facts], Table]] = {
    "characteristics": characteristics,
    "label-shares": label_shares_of,
    "searches": searches,
}
"""By name."""


def table_of(workspace: Workspace, name: str, held: Facts) -> tuple[Table, tuple[str, ...]]:
    """A review's table, or a figure's, and what it reads."""
    if name not in KINDS:
        spec = export.spec_of(name)
        return from_tidy(spec.name, spec.title, export.tidy_of(workspace, spec, held)), spec.reads
    made = KINDS[name](workspace, held)
    if name == "searches":
        return made, ("records",)
    roots = dict.fromkeys(held.codebook.root_of(one) for one in held.labels)
    return made, ("records", "links", "decisions", *(f"labels:{root}" for root in roots))
