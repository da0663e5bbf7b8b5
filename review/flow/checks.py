"""Every identity of the diagram, each within one unit; a sum that fails names the two numbers."""

from corpora.errors import UnaccountedError
from review.flow.arms import CARRIED, Arm
from review.flow.model import Flow


def check(flow: Flow) -> None:
    """Refuse a flow that does not add up.

    Raises:
        UnaccountedError: names arm, sum and both numbers.

    """
    for name, arm in (("databases and registers", flow.databases), ("other methods", flow.other)):
        _before_screening(name, arm, flow)
        _to_the_end(name, arm, flow)
    _equal("new reports of both arms and in all", _included(flow), flow.new_reports)
    _at_most("new studies and their reports", flow.new_studies, flow.new_reports)
    _at_most("studies included and their reports", flow.included_studies, flow.included_reports)
    previous = flow.previous
    kept_reports = previous.kept_reports if previous else 0
    kept_studies = previous.kept_studies if previous else 0
    _equal("reports kept and new, and in all", kept_reports + flow.new_reports, flow.included_reports)
    _equal("studies kept and new, and in all", kept_studies + flow.new_studies, flow.included_studies)
    if previous:
        fresh = sum(
            sum(sources.values())
            for arm in (flow.databases, flow.other)
            for kind, sources in arm.identified.items()
            if kind != CARRIED
        )
        _equal("hits less those held before, and new records", previous.hits - previous.held, fresh)


def _before_screening(name: str, arm: Arm, flow: Flow) -> None:
    named = sum(sum(sources.values()) for sources in arm.identified.values())
    _equal(f"{name}: records by source and in all", named, arm.records)
    for what, n in (("machine", arm.duplicates_by_machine), ("hand", arm.duplicates_by_hand)):
        _at_most(f"{name}: none and duplicates by {what}", 0, n)
    _equal(f"{name}: records less duplicates, and reports", arm.records - arm.duplicates, arm.reports)
    if flow.screening:
        left = arm.records - arm.duplicates - arm.automation - arm.otherwise
        told = arm.screened + arm.awaiting + arm.conflicts
        _equal(f"{name}: records less removed, and screened, awaiting or in conflict", left, told)
        if arm.reasons_screening:
            given = sum(arm.reasons_screening.values())
            _equal(f"{name}: records excluded, and their reasons", arm.excluded, given)


def _to_the_end(name: str, arm: Arm, flow: Flow) -> None:
    passed = arm.screened - arm.excluded if flow.screening else arm.reports - arm.automation - arm.otherwise
    if flow.full_text:
        _equal(f"{name}: reports passed and sought", passed, arm.sought)
        told = arm.assessed + arm.not_retrieved + arm.pending + arm.conflicts_full_text
        _equal(f"{name}: reports sought and accounted for", arm.sought, told)
        given = sum(arm.reasons_not_retrieved.values())
        _equal(f"{name}: reports not retrieved, and their reasons", arm.not_retrieved, given)
        passed = arm.assessed - arm.excluded_full_text - arm.awaiting_classification - arm.ongoing
    _equal(f"{name}: reports passed and included", passed, arm.included)


def _included(flow: Flow) -> int:
    return flow.databases.included + flow.other.included


def _equal(what: str, one: int, two: int) -> None:
    if one != two:
        raise UnaccountedError(f"flow: {what}: {one} and {two} differ")


def _at_most(what: str, one: int, two: int) -> None:
    if one > two:
        raise UnaccountedError(f"flow: {what}: {one} is more than {two}")
