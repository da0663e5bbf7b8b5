"""One arm of the diagram and the box of the previous version, and their rows in a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CARRIED = "carried"
"""Among the kinds of sources: reports that the previous version held and had not settled."""

EXCLUDED_BY_AI = 0

Row = tuple[str, str, int, str]
"""Box, what is counted, number, unit."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of the diagram, from identification to the end of full-text assessment.

    ``identified`` counts records by (kind, source); everything after ``duplicates`` counts reports.
    Mappings are reason → number. ``unscreened``: left out by a stop; ``pending``: sought, and neither
    assessed nor given up.
    """

    identified: dict[str, dict[str, int]]
    records: int
    reports: int
    duplicates_by_machine: int
    duplicates_by_hand: int
    removed_by_automation: dict[str, int]
    removed_otherwise: dict[str, int]
    unscreened: int
    screened: int
    excluded: int
    reasons_screening: dict[str, int]
    awaiting: int
    conflicts: int
    sought: int
    not_retrieved: int
    reasons_not_retrieved: dict[str, int]
    assessed: int
    reasons: dict[str, int]
    awaiting_classification: int
    ongoing: int
    pending: int
    conflicts_full_text: int
    included: int

    @property
    def duplicates(self) -> int:
        """Records that are copies of others."""
        return self.duplicates_by_machine + self.duplicates_by_hand

    @property
    def excluded_full_text(self) -> int:
        """Reports that were assessed and excluded."""
        return sum(self.reasons.values())

    @property
    def automation(self) -> int:
        """Reports marked as ineligible by automation tools, what a stop left out among them."""
        return sum(self.removed_by_automation.values()) + self.unscreened

    @property
    def otherwise(self) -> int:
        """Reports removed for other reasons."""
        return sum(self.removed_otherwise.values())


@dataclass(frozen=True, slots=True)
class Previous:
    """The box of the previous version, and what became of its studies since.

    ``hits``: retrievals of searches run since, of which ``held`` were there before. ``copies``:
    duplicates of reports of the previous version; ``joined``: new reports of studies that it included.
    """

    tag: str
    studies: int
    reports: int
    kept_studies: int
    kept_reports: int
    unsettled: int
    hits: int
    held: int
    copies: int
    joined: int

    @property
    def lost_studies(self) -> int:
        """Studies of the previous version that are not included now, or were joined to others."""
        return self.studies - self.kept_studies

    @property
    def lost_reports(self) -> int:
        """Reports of the previous version that are not included now, or were joined to others."""
        return self.reports - self.kept_reports


def rows_before(previous: Previous, noun: str) -> Iterator[Row]:
    """Rows of the box of the previous version."""
    version = "included in previous version of review"
    yield "previous", f"{noun} {version}", previous.studies, "studies"
    yield "previous", f"Reports of {noun.lower()} {version}", previous.reports, "reports"
    yield "previous", f"{noun} no longer included, joined or split since", previous.lost_studies, "studies"
    yield "previous", "Reports no longer included, joined or split since", previous.lost_reports, "reports"
    yield "previous", "Hits of searches run since", previous.hits, "records"
    yield "previous", "Hits of searches run since that were held before", previous.held, "records"


def rows_of(arm: Arm, *, screening: bool, full_text: bool, ai: tuple[str, ...]) -> Iterator[Row]:
    """Rows of one arm from top to bottom; boxes of stages that the protocol lacks are left out."""
    for kind, sources in arm.identified.items():
        for name, n in sources.items():
            yield "identified", name if kind == CARRIED else f"{kind}: {name}", n, "records"
    yield "identified", "Records identified", arm.records, "records"
    yield "removed", "Duplicates removed, by the machine", arm.duplicates_by_machine, "records"
    yield "removed", "Duplicates removed, by hand", arm.duplicates_by_hand, "records"
    yield "removed", "Records marked as ineligible by automation tools", arm.automation, "reports"
    yield from _reasons("removed", "by automation tools", arm.removed_by_automation)
    yield "removed", "by automation tools: not screened after stopping", arm.unscreened, "reports"
    yield "removed", "Records removed for other reasons", arm.otherwise, "reports"
    yield from _reasons("removed", "for other reasons", arm.removed_otherwise)
    if screening:
        yield "screening", "Records screened", arm.screened, "reports"
        yield "screening", "Records excluded", arm.excluded, "reports"
        yield from _by_whom("screening", "Records", arm.excluded, used="title-abstract" in ai)
        yield from _reasons("screening", "Excluded", arm.reasons_screening)
        yield "screening", "Awaiting screening", arm.awaiting, "reports"
        yield "screening", "Open conflicts", arm.conflicts, "reports"
    if full_text:
        yield "retrieval", "Reports sought for retrieval", arm.sought, "reports"
        yield "retrieval", "Reports not retrieved", arm.not_retrieved, "reports"
        yield from _reasons("retrieval", "Not retrieved", arm.reasons_not_retrieved)
        yield "retrieval", "Retrieval or assessment pending", arm.pending, "reports"
        yield "eligibility", "Open conflicts", arm.conflicts_full_text, "reports"
        yield "eligibility", "Reports assessed for eligibility", arm.assessed, "reports"
        yield "eligibility", "Reports excluded", arm.excluded_full_text, "reports"
        yield from _by_whom("eligibility", "Reports", arm.excluded_full_text, used="full-text" in ai)
        yield from _reasons("eligibility", "Excluded", arm.reasons)
        yield "eligibility", "Awaiting classification", arm.awaiting_classification, "reports"
        yield "eligibility", "Ongoing", arm.ongoing, "reports"
    yield "included", "Reports included by this arm", arm.included, "reports"


def _reasons(box: str, what: str, reasons: Mapping[str, int]) -> Iterator[Row]:
    for reason, n in reasons.items():
        yield box, f"{what}: {reason}", n, "reports"


def _by_whom(box: str, what: str, people: int, *, used: bool) -> Iterator[Row]:
    """People's exclusions and a model's apart, as PRISMA-trAIce asks where one was used.

    A suggestion decides nothing (method rules, section 4), so a model has excluded none.
    """
    if used:
        yield box, f"{what} excluded by human", people, "reports"
        yield box, f"{what} excluded by AI", EXCLUDED_BY_AI, "reports"
