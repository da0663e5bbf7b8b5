"""The reports behind the boxes: excluded, not retrieved, awaiting, ongoing and removed.

Each table has one row a report of the present flow, so that its length is the number in the box;
what a previous version had settled stands in that version's tables.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from review import counting, removing
from review.flow.count import NO_REASON
from review.flow.parts import split
from review.flow.state import FULL_TEXT, TITLE_ABSTRACT, State
from review.gathering import fulltexts
from review.screening.texts import Texts
from review.workspace import Workspace

_COLUMNS = ("report_id", "study_id", "reference", "title", "year", "doi", "pmid", "url")


@dataclass(slots=True)
class Listing:
    """What all tables are made from; make it once for several tables."""

    workspace: Workspace
    texts: Texts = field(init=False)
    state: State = field(init=False)
    reports: frozenset[str] = field(init=False)
    _study_of: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        known = counting.known(self.workspace)
        self.texts, self.state = Texts(self.workspace), State(known)
        self.reports = split(known, self.state).counted()
        self._study_of = {report: known.studies[record] for record, report in known.reports.items()}

    def table(self, rows: Iterable[tuple[str, dict[str, Any]]], columns: tuple[str, ...]) -> pd.DataFrame:
        """A table of reports: ``columns`` of the rows, then what names a report."""
        made = [{**self._named(report), **more} for report, more in sorted(rows, key=lambda row: row[0])]
        return pd.DataFrame(made, columns=[*_COLUMNS[:2], *columns, *_COLUMNS[2:]])

    def at(self, stage: str, verdict: str) -> list[str]:
        """Reports of the flow that a stage settled so."""
        pool = self.state.passed(self.reports) if stage == FULL_TEXT else self.reports
        return sorted(one for one in pool if self.state.verdict(one, stage) == verdict)

    def _named(self, report: str) -> dict[str, Any]:
        fields = self.texts.shown(report).fields
        named = {name: fields[name] for name in ("title", "year", "doi", "pmid", "url")}
        return {
            "report_id": report,
            "study_id": self._study_of[report],
            "reference": reference(fields),
            **named,
        }


def excluded_table(workspace: Workspace, stage: str | None = None) -> pd.DataFrame:
    """Reports that a stage (the last one unless named) excluded: stage, reason, reference, identifiers."""
    return _excluded(Listing(workspace), stage)


def not_retrieved_table(workspace: Workspace) -> pd.DataFrame:
    """Reports whose text could not be had: where it was sought, why not, when."""
    return _not_retrieved(Listing(workspace))


def awaiting_table(workspace: Workspace) -> pd.DataFrame:
    """Reports awaiting classification."""
    return _at_full_text(Listing(workspace), "awaiting")


def ongoing_table(workspace: Workspace) -> pd.DataFrame:
    """Reports of studies that are ongoing."""
    return _at_full_text(Listing(workspace), "ongoing")


def removed_table(workspace: Workspace) -> pd.DataFrame:
    """Reports removed before screening, or left out by a stop: by whom or what, the reason, the condition."""
    return _removed(Listing(workspace))


def tables(workspace: Workspace) -> dict[str, pd.DataFrame]:
    """All tables by name; those of stages that the protocol lacks are left out."""
    held = Listing(workspace)
    made: dict[str, Callable[[], pd.DataFrame]] = {"removed": lambda: _removed(held)}
    if held.state.screening and held.state.full_text:
        made["excluded-title-abstract"] = lambda: _excluded(held, TITLE_ABSTRACT)
    made["excluded"] = lambda: _excluded(held, None)
    if held.state.full_text:
        made["not-retrieved"] = lambda: _not_retrieved(held)
        made["awaiting"] = lambda: _at_full_text(held, "awaiting")
        made["ongoing"] = lambda: _at_full_text(held, "ongoing")
    return {name: make() for name, make in made.items()}


def _excluded(held: Listing, stage: str | None) -> pd.DataFrame:
    stage = stage or held.state.stages[-1]
    rows = (
        (one, {"stage": stage, "reason": held.state.reason(one, stage) or NO_REASON})
        for one in held.at(stage, "exclude")
    )
    return held.table(rows, ("stage", "reason"))


def _at_full_text(held: Listing, verdict: str) -> pd.DataFrame:
    return held.table(((one, {}) for one in held.at(FULL_TEXT, verdict)), ())


def _not_retrieved(held: Listing) -> pd.DataFrame:
    told = fulltexts.standing(held.workspace, held.texts.reports)
    missing = [one for one in held.state.passed(held.reports) if held.state.not_retrieved(one)]
    rows = ((one, {"sought_at": told[one]["place"], "why": told[one]["note"], "said": told[one]["at"]})
            for one in missing if held.state.full_text)  # fmt: skip
    return held.table(rows, ("sought_at", "why", "said"))


def _removed(held: Listing) -> pd.DataFrame:
    out, _ = removing.standing(held.workspace, held.texts.reports)
    rows_of = {row["uuid"]: row for row in held.workspace.ledger.current("removals")}
    rows: list[tuple[str, dict[str, Any]]] = []
    for one in held.reports:
        if held.state.removed(one):
            told = rows_of[out[one].row]
            by = "automation tool" if out[one].automation else "people"
            rows.append((one, {"by": by, "reason": told["reason"], "condition": told["condition"]}))
        elif held.state.unscreened(one):
            rule = held.state.more.rule
            rows.append(
                (one, {"by": "automation tool", "reason": f"not screened after stopping rule {rule}"})
            )
    return held.table(rows, ("by", "reason", "condition"))


def reference(fields: dict[str, Any], most: int = 3) -> str:
    """A short reference: authors, title, venue, year, volume and pages, DOI.

    >>> reference({"authors": [{"family": "Lee", "given": "A"}], "title": "On sepsis.", "venue": "J Test",
    ...            "year": 2020, "volume": "3", "pages": "1-9", "doi": "10.1/x"})
    'Lee A. On sepsis. J Test. 2020;3:1-9. https://doi.org/10.1/x'
    """
    people = [
        " ".join(part for part in (one["family"], one["given"]) if part) for one in fields["authors"] or ()
    ]
    authors = ", ".join(people[:most]) + (" et al" if len(people) > most else "")
    place = str(fields["year"] or "")
    place += f";{fields['volume']}" if fields["volume"] else ""
    place += f":{fields['pages']}" if fields["pages"] else ""
    doi = f"https://doi.org/{fields['doi']}" if fields["doi"] else ""
    parts = (authors, fields["title"] or "(no title)", fields["venue"], place)
    return " ".join([*(f"{str(part).rstrip('. ')}." for part in parts if part), doi]).strip()
