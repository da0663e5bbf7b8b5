"""Counts the flow; sums are checked within one unit, and the conversion between units is printed."""

from collections import Counter
from collections.abc import Iterable

from review.flow.arms import CARRIED, Arm, Previous
from review.flow.checks import check
from review.flow.known import Known
from review.flow.model import Flow
from review.flow.notes import notes
from review.flow.parts import Copies, Parts, Side, split
from review.flow.state import FULL_TEXT, TITLE_ABSTRACT, State

NO_REASON = "no reason given"


def count_flow(known: Known) -> Flow:
    """Count the flow.

    Raises:
        UnaccountedError: a sum does not add up; names the two numbers.

    """
    state = State(known)
    parts = split(known, state)
    copies = Copies(known)
    copies.by_hand(parts.old_records)
    left, right = (_arm(known, state, side, copies) for side in (parts.databases, parts.other))
    study_of = {report: known.studies[record] for record, report in known.reports.items()}
    new = {report for report in parts.counted() if state.end(report) == "in"}
    kept = {one for one in parts.before if one in parts.trusted or state.end(one) == "in"}
    new_studies, kept_studies = ({study_of[one] for one in group} for group in (new, kept))
    joined = sum(study_of[one] in kept_studies for one in new)
    everything = {known.reports[record] for record in known.retrievals["record_id"]} | parts.old
    included = {one for one in everything if one in parts.trusted or state.end(one) == "in"}
    flow = Flow(
        databases=left,
        other=right,
        previous=_previous(known, parts, kept, kept_studies, joined),
        new_reports=len(new),
        new_studies=len(new_studies - kept_studies),
        included_reports=len(included),
        included_studies=len({study_of[report] for report in included}),
        screening=state.screening,
        full_text=state.full_text,
        kind=known.kind,
        links_to_confirm=known.links_to_confirm,
        ai=known.screening.ai,
    )
    studies = len({study_of[report] for report in parts.counted()})
    flow = notes(flow, studies=studies, found_twice=parts.found_twice, screening=known.screening)
    check(flow)
    return flow


def _previous(
    known: Known, parts: Parts, kept: set[str], kept_studies: set[str], joined: int
) -> Previous | None:
    """The box of the previous version: as it told itself, with the studies that were imported as such."""
    if not parts.before and not known.before.tag:
        return None
    told = {known.studies[one] for one in known.before.included if one in known.studies}
    found = known.retrievals
    given = {
        one for one in found.loc[found["kind"] == "previous", "record_id"] if known.studies[one] not in told
    }
    arriving = found[found["kind"] != "previous"]
    fresh = [one for side in (parts.databases, parts.other) for one in side.retrievals["record_id"]]
    here = arriving["record_id"].isin(parts.old_records - known.before.held)
    held = known.before.again + int(here.sum())
    return Previous(
        tag=known.before.tag,
        studies=known.before.studies + len({known.studies[one] for one in given}),
        reports=known.before.reports + len({known.reports[one] for one in given}),
        kept_studies=len(kept_studies),
        kept_reports=len(kept),
        unsettled=len(parts.before - kept - parts.out),
        hits=held + len(fresh),
        held=held,
        copies=sum(known.reports[one] in parts.old for one in fresh),
        joined=joined,
    )


def _arm(known: Known, state: State, side: Side, copies: Copies) -> Arm:
    """One arm, from its retrievals and its reports."""
    identified: dict[str, dict[str, int]] = {}
    pairs = Counter(zip(side.retrievals["kind"], side.retrievals["source"], strict=True))
    for (kind, source), count in sorted(pairs.items()):
        identified.setdefault(kind, {})[source] = count
    if side.carried:
        version = f"Previous version {known.before.tag}".strip()
        identified[CARRIED] = {f"{version}, not settled then": len(side.carried)}
    records = len(side.retrievals) + len(side.carried)
    duplicates = records - len(side.reports)
    by_hand = copies.by_hand(side.retrievals["record_id"])
    removed = {one: told for one in side.reports if (told := state.removed(one))}
    left_out = {one for one in side.reports if state.unscreened(one)}
    pool = side.reports - removed.keys() - left_out
    first = Counter(state.verdict(one, TITLE_ABSTRACT) for one in pool) if state.screening else Counter()
    passed = state.passed(pool)
    sought = passed if state.full_text else set()
    second = Counter(state.verdict(one, FULL_TEXT) for one in sought)
    missing = {one for one in sought if state.not_retrieved(one)}
    ends = ("include", "exclude", "awaiting", "ongoing")
    return Arm(
        identified=identified,
        records=records,
        reports=len(side.reports),
        duplicates_by_machine=duplicates - by_hand,
        duplicates_by_hand=by_hand,
        removed_by_automation=_tally(reason for model, reason in removed.values() if model),
        removed_otherwise=_tally(reason for model, reason in removed.values() if not model),
        unscreened=len(left_out),
        screened=first["include"] + first["exclude"],
        excluded=first["exclude"],
        reasons_screening=_reasons(state, pool, TITLE_ABSTRACT, needed=False),
        awaiting=first[None],
        conflicts=first["conflict"],
        sought=len(sought),
        not_retrieved=len(missing),
        reasons_not_retrieved=_tally(known.screening.not_retrieved[one] or NO_REASON for one in missing),
        assessed=sum(second[verdict] for verdict in ends),
        reasons=_reasons(state, sought, FULL_TEXT, needed=True),
        awaiting_classification=second["awaiting"],
        ongoing=second["ongoing"],
        pending=second[None] - len(missing),
        conflicts_full_text=second["conflict"],
        included=second["include"] if state.full_text else len(passed),
    )


def _reasons(state: State, reports: Iterable[str], stage: str, *, needed: bool) -> dict[str, int]:
    """Reasons of a stage's exclusions; where none are needed and none were given, nothing."""
    out = [one for one in reports if state.verdict(one, stage) == "exclude"]
    given = [state.reason(one, stage) for one in out]
    return _tally(reason or NO_REASON for reason in given) if needed or any(given) else {}


def _tally(reasons: Iterable[str]) -> dict[str, int]:
    """Reason → number, the most frequent first."""
    return dict(sorted(Counter(reasons).items(), key=lambda item: (-item[1], item[0])))
