"""The PRISMA 2020 flow: counted from the data, in a form whose sums must add up.

Boxes and their names: Page et al. 2021, https://doi.org/10.1136/bmj.n71. Retrievals are counted
per source; screening counts reports; what is included counts reports and studies. Sums are
checked within one unit, and the conversion between units is printed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from corpora.errors import UnaccountedError

_OTHER_METHODS = ("website", "organisation", "citation", "contact")


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of the diagram, from identification to the end of full-text assessment.

    ``identified`` counts records by (kind, source); everything after it counts reports.
    """

    identified: dict[str, dict[str, int]]
    records: int
    reports: int
    duplicates_by_machine: int
    duplicates_by_hand: int
    screened: int
    excluded: int
    awaiting: int
    conflicts: int
    sought: int
    not_retrieved: int
    assessed: int
    reasons: dict[str, int]
    pending: int
    conflicts_full_text: int
    included: int
    unscreened: int = 0
    awaiting_classification: int = 0
    ongoing: int = 0


@dataclass(frozen=True, slots=True)
class Screening:
    """What the flow needs beside decisions: full texts not to be had, and what a stop left out."""

    not_retrieved: frozenset[str] = frozenset()
    unscreened: frozenset[str] = frozenset()
    rule: str = ""


NOTHING = Screening()


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole diagram. ``databases`` is the left arm, ``other`` the right one."""

    databases: Arm
    other: Arm
    previous_records: int
    included_reports: int
    included_studies: int
    screening: bool
    full_text: bool
    links_to_confirm: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def interim(self) -> bool:
        """Whether anything is unsettled."""
        return bool(self.open())

    def open(self) -> dict[str, int]:
        """What is unsettled, by name; empty when the flow is final."""
        arms = (self.databases, self.other)
        counts = {
            "awaiting screening": sum(arm.awaiting for arm in arms),
            "open conflicts": sum(arm.conflicts + arm.conflicts_full_text for arm in arms),
            "retrieval or assessment pending": sum(arm.pending for arm in arms),
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
        rows = []
        for name, arm in (("databases and registers", self.databases), ("other", self.other)):
            if name == "other" and not arm.records:
                continue
            rows += [{"arm": name, **row} for row in _arm_rows(arm, full_text=self.full_text)]
        total = [
            ("included", "Reports of included studies", self.included_reports, "reports"),
            ("included", "Studies included in review", self.included_studies, "studies"),
        ]
        return rows + [
            {"arm": "both", "box": box, "what": what, "n": n, "unit": unit} for box, what, n, unit in total
        ]

    def table(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Columns and rows for a terminal."""
        columns = ["box", "what", "n", "unit"]
        return columns, [tuple(row[column] for column in columns) for row in self.rows()]

    def to_dict(self) -> dict[str, Any]:
        """For ``--json`` and for the figure's inputs."""
        return {**asdict(self), "interim": self.interim, "open": self.open(), "rows": self.rows()}


def count_flow(
    retrievals: pd.DataFrame,
    *,
    reports: Mapping[str, str],
    studies: Mapping[str, str],
    decisions: pd.DataFrame,
    stages: Sequence[str],
    by_hand: pd.DataFrame,
    links_to_confirm: int = 0,
    screening: Screening = NOTHING,
) -> Flow:
    """Count the flow.

    Args:
        retrievals: record_id, search, source, kind; each once, though a search was run again.
        reports: record id → report id.
        studies: record id → study id.
        decisions: report_id, stage, verdict (include, exclude, conflict), reason; settled ones.
        stages: the protocol's stages in order, of title-abstract and full-text.
        by_hand: left_id, right_id of people's same-report links.
        links_to_confirm: same-study links of the machine on which nobody has spoken.
        screening: full texts that could not be had, and reports that a stop left unscreened.

    Raises:
        UnaccountedError: a sum does not add up; names the two numbers.

    """
    left = retrievals[retrievals["kind"].isin(["database", "register"])]
    right = retrievals[retrievals["kind"].isin(_OTHER_METHODS)]
    left_reports = {reports[record] for record in left["record_id"]}
    # A report found by both arms is counted in databases: it needed no other method.
    right_reports = {reports[record] for record in right["record_id"]} - left_reports
    merged = _merged_by_hand(by_hand, reports)
    verdicts: dict[tuple[str, str], Any] = {
        (str(row.report_id), str(row.stage)): row for row in decisions.itertuples()
    }
    arms = [
        _arm(part, held, merged if part is left else 0, verdicts, list(stages), screening)
        for part, held in ((left, left_reports), (right, right_reports))
    ]
    passed = {
        report
        for report in left_reports | right_reports
        if all(_verdict(verdicts, report, stage) == "include" for stage in stages)
    }
    of_report = {report: studies[record] for record, report in reports.items()}
    included_studies = len({of_report[report] for report in passed})
    shared = len({reports[record] for record in right["record_id"]} & left_reports)
    flow = Flow(
        databases=arms[0],
        other=arms[1],
        previous_records=int((retrievals["kind"] == "previous").sum()),
        included_reports=len(passed),
        included_studies=included_studies,
        screening="title-abstract" in stages,
        full_text="full-text" in stages,
        links_to_confirm=links_to_confirm,
        notes=_notes(arms, len(passed), included_studies, shared, screening.rule),
    )
    _check(flow)
    return flow


def _arm(
    retrievals: pd.DataFrame,
    held: set[str],
    merged: int,
    verdicts: Mapping[tuple[str, str], Any],
    stages: list[str],
    more: Screening,
) -> Arm:
    identified: dict[str, dict[str, int]] = {}
    pairs = Counter(zip(retrievals["kind"], retrievals["source"], strict=True))
    for (kind, source), count in sorted(pairs.items()):
        identified.setdefault(kind, {})[source] = count
    records = len(retrievals)
    duplicates = records - len(held)
    by_hand = min(merged, duplicates)

    def first_of(report: str) -> str | None:
        return _verdict(verdicts, report, stages[0])

    first = Counter(map(first_of, held))
    screening = "title-abstract" in stages
    passed = {
        report
        for report in held
        if not screening or _verdict(verdicts, report, "title-abstract") == "include"
    }
    full = "full-text" in stages
    second = Counter(_verdict(verdicts, report, "full-text") for report in passed) if full else {}
    reasons = Counter(
        verdicts[report, "full-text"].reason or "no reason given"
        for report in passed
        if full and _verdict(verdicts, report, "full-text") == "exclude"
    )
    undecided = {report for report in passed if full and _verdict(verdicts, report, "full-text") is None}
    missing = len(undecided & more.not_retrieved)
    ends = ("include", "exclude", "awaiting", "ongoing")
    assessed = sum(second.get(verdict, 0) for verdict in ends)
    left_out = len({report for report in held if first_of(report) is None} & more.unscreened)
    return Arm(
        identified=identified,
        records=records,
        reports=len(held),
        duplicates_by_machine=duplicates - by_hand,
        duplicates_by_hand=by_hand,
        screened=first["include"] + first["exclude"] if screening else 0,
        excluded=first["exclude"] if screening else 0,
        awaiting=first[None] - left_out if screening else 0,
        unscreened=left_out if screening else 0,
        conflicts=first["conflict"] if screening else 0,
        sought=len(passed) if full else 0,
        not_retrieved=missing,
        assessed=assessed,
        reasons=dict(sorted(reasons.items())),
        pending=second.get(None, 0) - missing,
        awaiting_classification=second.get("awaiting", 0),
        ongoing=second.get("ongoing", 0),
        conflicts_full_text=second.get("conflict", 0),
        included=second.get("include", 0) if full else len(passed),
    )


def _verdict(verdicts: Mapping[tuple[str, str], Any], report: str, stage: str) -> str | None:
    row = verdicts.get((report, stage))
    return None if row is None else row.verdict


def _merged_by_hand(by_hand: pd.DataFrame, reports: Mapping[str, str]) -> int:
    """People's links that hold: both records now stand in one report."""
    pairs = zip(by_hand["left_id"], by_hand["right_id"], strict=True)
    return sum(left in reports and reports[left] == reports.get(right) for left, right in pairs)


def _arm_rows(arm: Arm, *, full_text: bool) -> list[dict[str, Any]]:
    rows: list[tuple[str, str, int, str]] = []
    for kind, sources in arm.identified.items():
        rows += [("identified", f"{kind}: {name}", n, "records") for name, n in sources.items()]
    rows += [
        ("identified", "Records identified", arm.records, "records"),
        ("removed", "Duplicates removed, by the machine", arm.duplicates_by_machine, "records"),
        ("removed", "Duplicates removed, by hand", arm.duplicates_by_hand, "records"),
        (
            "removed",
            "Marked as ineligible by automation tools: not screened after stopping",
            arm.unscreened,
            "reports",
        ),
        ("screening", "Records screened", arm.screened, "reports"),
        ("screening", "Records excluded", arm.excluded, "reports"),
        ("screening", "Awaiting screening", arm.awaiting, "reports"),
        ("screening", "Open conflicts", arm.conflicts, "reports"),
    ]
    if full_text:
        rows += [
            ("retrieval", "Reports sought for retrieval", arm.sought, "reports"),
            ("retrieval", "Reports not retrieved", arm.not_retrieved, "reports"),
            ("retrieval", "Retrieval or assessment pending", arm.pending, "reports"),
            ("eligibility", "Open conflicts", arm.conflicts_full_text, "reports"),
            ("eligibility", "Reports assessed for eligibility", arm.assessed, "reports"),
        ]
        rows += [("eligibility", f"Excluded: {r}", n, "reports") for r, n in arm.reasons.items()]
        rows += [
            ("eligibility", "Awaiting classification", arm.awaiting_classification, "reports"),
            ("eligibility", "Ongoing", arm.ongoing, "reports"),
        ]
    return [dict(zip(("box", "what", "n", "unit"), row, strict=True)) for row in rows]


def _notes(arms: list[Arm], reports: int, studies: int, shared: int, rule: str) -> tuple[str, ...]:
    records = sum(arm.records for arm in arms)
    notes = [
        f"{records:,} records → {sum(arm.reports for arm in arms):,} reports; "
        f"included: {reports:,} reports → {studies:,} studies"
    ]
    if shared:
        notes.append(
            f"{shared:,} reports were found by databases and by other methods; "
            "they are counted in databases, as duplicates in the other arm"
        )
    left_out = sum(arm.unscreened for arm in arms)
    if left_out:
        notes.append(
            f"{left_out:,} records were not screened after stopping rule {rule}; nobody has read them, and "
            "they are not counted as screened"
        )
    return tuple(notes)


def _check(flow: Flow) -> None:
    """Every identity of the diagram, within one unit."""
    for name, arm in (("databases and registers", flow.databases), ("other methods", flow.other)):
        named = sum(sum(sources.values()) for sources in arm.identified.values())
        _equal(f"{name}: records by source and in all", named, arm.records)
        removed = arm.duplicates_by_machine + arm.duplicates_by_hand
        _equal(f"{name}: records less duplicates and reports", arm.records - removed, arm.reports)
        if flow.screening:
            told = arm.screened + arm.awaiting + arm.conflicts + arm.unscreened
            _equal(f"{name}: reports, and screened, left out, awaiting or in conflict", arm.reports, told)
        passed = arm.screened - arm.excluded if flow.screening else arm.reports
        if flow.full_text:
            _equal(f"{name}: reports passed and sought", passed, arm.sought)
            told = arm.assessed + arm.not_retrieved + arm.pending + arm.conflicts_full_text
            _equal(f"{name}: reports sought and accounted for", arm.sought, told)
            undecided = arm.awaiting_classification + arm.ongoing
            passed = arm.assessed - sum(arm.reasons.values()) - undecided
        _equal(f"{name}: reports passed and included", passed, arm.included)
    included = flow.databases.included + flow.other.included
    _equal("reports included by arms and in all", included, flow.included_reports)
    if flow.included_studies > flow.included_reports:
        raise UnaccountedError(f"flow: {flow.included_studies} studies in {flow.included_reports} reports")


def _equal(what: str, one: int, two: int) -> None:
    if one != two:
        raise UnaccountedError(f"flow: {what}: {one} and {two} differ")
