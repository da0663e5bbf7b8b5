"""The PRISMA 2020 flow as a whole: its numbers, what is open, and its rows.

Boxes and their names: Page et al. 2021, https://doi.org/10.1136/bmj.n71. Retrievals are counted
per source; screening counts reports; what is included counts reports and studies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from corpora.errors import UnaccountedError
from review.flow.arms import Arm, Previous, Row, rows_before, rows_of


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole diagram. ``databases`` is the left arm, ``other`` the right one.

    ``included_*`` are totals; ``new_*`` what the arms brought, the same where nothing was before.
    """

    databases: Arm
    other: Arm
    previous: Previous | None
    new_reports: int
    new_studies: int
    included_reports: int
    included_studies: int
    screening: bool
    full_text: bool
    kind: str = "systematic"
    links_to_confirm: int = 0
    ai: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def interim(self) -> bool:
        """Whether anything is unsettled."""
        return bool(self.open())

    @property
    def noun(self) -> str:
        """What is included, in the words of PRISMA 2020 or of PRISMA-ScR."""
        return "Sources of evidence" if self.kind == "scoping" else "Studies"

    @property
    def title(self) -> str:
        """The name of this variant."""
        version = "updated" if self.previous else "new"
        if self.kind == "scoping":
            return f"Flow of sources of evidence of {_article(version)} scoping review (PRISMA-ScR)"
        return f"PRISMA 2020 flow diagram of {_article(version)} systematic review"

    def open(self) -> dict[str, int]:
        """What is unsettled, by name; empty when the flow is final."""
        arms = (self.databases, self.other)
        counts = {
            "awaiting screening": sum(arm.awaiting for arm in arms),
            "open conflicts": sum(arm.conflicts + arm.conflicts_full_text for arm in arms),
            "retrieval or assessment pending": sum(arm.pending for arm in arms),
            "reports of the previous version to settle again": self.previous.unsettled
            if self.previous
            else 0,
            "same-study links to confirm": self.links_to_confirm,
        }
        return {name: count for name, count in counts.items() if count}

    def require_final(self) -> None:
        """Refuse an interim flow.

        Raises:
            UnaccountedError: names what is open.

        """
        if self.interim:
            listed = ", ".join(f"{name}: {count:,}" for name, count in self.open().items())
            raise UnaccountedError(f"the flow is not final; {listed}; settle these first")

    def rows(self) -> list[dict[str, Any]]:
        """One row a number of the diagram: arm, box, what, n, unit."""
        parts: list[tuple[str, list[Row]]] = []
        if self.previous:
            parts.append(("previous version", list(rows_before(self.previous, self.noun))))
        for name, arm in (("databases and registers", self.databases), ("other", self.other)):
            if name != "other" or arm.records:
                made = rows_of(arm, screening=self.screening, full_text=self.full_text, ai=self.ai)
                parts.append((name, list(made)))
        parts.append(("both", list(self._included())))
        names = ("box", "what", "n", "unit")
        return [{"arm": arm, **dict(zip(names, row, strict=True))} for arm, rows in parts for row in rows]

    def _included(self) -> Iterator[Row]:
        noun = self.noun
        if self.previous:
            yield "included", f"New {noun.lower()} included in review", self.new_studies, "studies"
            yield "included", f"Reports of new included {noun.lower()}", self.new_reports, "reports"
            yield "included", f"Total {noun.lower()} included in review", self.included_studies, "studies"
            yield "included", f"Reports of total included {noun.lower()}", self.included_reports, "reports"
        else:
            yield "included", f"{noun} included in review", self.included_studies, "studies"
            yield "included", f"Reports of included {noun.lower()}", self.included_reports, "reports"

    def table(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Columns and rows for a terminal."""
        columns = ["arm", "box", "what", "n", "unit"]
        return columns, [tuple(row[column] for column in columns) for row in self.rows()]

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``, for the figure's inputs, and for a release."""
        return {
            **asdict(self),
            "title": self.title,
            "interim": self.interim,
            "open": self.open(),
            "rows": self.rows(),
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "Flow":
        """The flow that `to_dict` told, as a release keeps it."""
        held = {name: told[name] for name in cls.__dataclass_fields__}
        for name in ("databases", "other"):
            held[name] = Arm(**held[name])
        held["previous"] = Previous(**held["previous"]) if held["previous"] else None
        return cls(**{**held, "ai": tuple(held["ai"]), "notes": tuple(held["notes"])})


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
