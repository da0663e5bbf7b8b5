"""Which reports a flow is about, by arm, and which belong to the version before it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from review.flow.known import OTHER_KINDS, SOURCE_KINDS, Known
from review.flow.state import State


@dataclass(frozen=True, slots=True)
class Side:
    """What one arm is counted from. ``carried``: reports that come from the previous version."""

    retrievals: pd.DataFrame
    reports: frozenset[str]
    carried: frozenset[str]


@dataclass(frozen=True, slots=True)
class Parts:
    """Every report stands in one of: an arm, ``before``, or out in the previous version already.

    ``old`` are all reports that the previous version held; ``before`` those that it included;
    ``trusted`` those that were imported as included by it, and on which nobody decided here;
    ``out`` those of ``before`` that were excluded or removed since.
    """

    databases: Side
    other: Side
    old: frozenset[str]
    before: frozenset[str]
    trusted: frozenset[str]
    out: frozenset[str]
    old_records: frozenset[str]
    found_twice: int

    def counted(self) -> frozenset[str]:
        """The reports of both arms."""
        return self.databases.reports | self.other.reports


def split(known: Known, state: State) -> Parts:
    """Sort all reports: what is new, what is carried over, what was there before.

    A report that both arms found is counted in databases: it needed no other method. A report that
    the previous version left open, or had closed and is not closed now, is carried into this flow.
    """
    found, reports, before = known.retrievals, known.reports, known.before
    previous = frozenset(found.loc[found["kind"] == "previous", "record_id"])
    old_records = before.held | previous
    old = _of(old_records, reports)
    included = _of(before.included | previous, reports)
    trusted = {
        report
        for report in _of(previous, reports) - _of(before.included, reports)
        if not any(state.verdict(report, stage) for stage in state.stages)
    }
    unsettled = _of(before.unsettled, reports)
    carried = {one for one in old - included if one in unsettled or state.end(one) != "out"}
    left, right = (found[found["kind"].isin(kinds)] for kinds in (SOURCE_KINDS, OTHER_KINDS))
    by_databases = _of(left["record_id"], reports)
    new_left, new_right = (part[~part["record_id"].isin(old_records)] for part in (left, right))
    in_left = _of(new_left["record_id"], reports) - old
    in_right = _of(new_right["record_id"], reports) - old - in_left
    return Parts(
        databases=Side(new_left, in_left | (carried & by_databases), frozenset(carried & by_databases)),
        other=Side(new_right, in_right | (carried - by_databases), frozenset(carried - by_databases)),
        old=old,
        before=included,
        trusted=frozenset(trusted),
        out=frozenset(one for one in included - trusted if state.end(one) == "out"),
        old_records=old_records,
        found_twice=len(_of(new_right["record_id"], reports) & (in_left | (carried & by_databases))),
    )


def _of(records: Iterable[str], reports: Mapping[str, str]) -> frozenset[str]:
    """The reports of records that are held now."""
    return frozenset(reports[record] for record in records if record in reports)


def ends(known: Known) -> dict[str, str]:
    """Report → ``in``, ``out`` or ``open``, for all reports; those of an imported version are in."""
    state = State(known)
    trusted = split(known, state).trusted
    return {one: "in" if one in trusted else state.end(one) for one in set(known.reports.values())}


class Copies:
    """Counts duplicates that people found: records that the machine alone would have kept apart.

    Feed it records in the order in which the diagram meets them; the first of a report is no copy.
    """

    def __init__(self, known: Known) -> None:
        self._reports = known.reports
        self._machine = known.machine
        self._seen: dict[str, set[str]] = {}

    def by_hand(self, records: Iterable[str]) -> int:
        """How many of these were joined to what came before by a person."""
        if self._machine is None:
            return 0
        count = 0
        for record in sorted(set(records)):
            if record in self._reports:
                cluster = self._machine.get(record, record)
                seen = self._seen.setdefault(self._reports[record], set())
                count += bool(seen) and cluster not in seen
                seen.add(cluster)
        return count
