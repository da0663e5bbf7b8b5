"""The sentences under the diagram: conversions between units, and what a box alone does not say."""

from collections.abc import Iterator
from dataclasses import replace

from review.flow.known import Screening
from review.flow.model import Flow


def notes(flow: Flow, *, studies: int, found_twice: int, screening: Screening) -> Flow:
    """The flow with its sentences; ``studies`` are those of all reports of both arms."""
    told = [*_units(flow, studies), *_update(flow), *_left_out(flow, screening)]
    if found_twice:
        told.append(
            f"{_many(found_twice, 'report')} found by databases and by other methods: counted in databases, "
            "as duplicates in the other arm"
        )
    if flow.ai:
        told.append(
            f"A language model made suggestions at {' and '.join(flow.ai)}; they decided nothing, "
            "all exclusions are people's"
        )
    return replace(flow, notes=tuple(told))


def _units(flow: Flow, studies: int) -> Iterator[str]:
    arms = (flow.databases, flow.other)
    noun = "source of evidence" if flow.kind == "scoping" else "study"
    records, reports = sum(arm.records for arm in arms), sum(arm.reports for arm in arms)
    yield (
        f"{_many(records, 'record')} → {_many(reports, 'report')} → {_many(studies, noun)}; "
        f"included: {_many(flow.new_reports, 'report')} → {_many(flow.new_studies, noun)}"
    )


def _update(flow: Flow) -> Iterator[str]:
    held = flow.previous
    if held is None:
        return
    version = f"version {held.tag}" if held.tag else "the previous version"
    yield (
        f"Searches since {version} gave {_many(held.hits, 'hit')}: {held.held:,} of records held before, "
        f"{held.hits - held.held:,} new; this flow counts the new ones"
    )
    if held.copies:
        yield f"Copies of reports held before, among the duplicates: {_many(held.copies, 'new record')}"
    if held.joined:
        yield f"{_many(held.joined, 'new included report')} of studies that {version} had included"
    if held.lost_studies > 0:
        yield f"{_many(held.lost_studies, 'study')} of {version} no longer included, or joined since"
    elif held.lost_studies < 0:
        yield f"{_many(-held.lost_studies, 'study')} more than {version} told: reports were parted since"


def _left_out(flow: Flow, screening: Screening) -> Iterator[str]:
    left_out = sum(arm.unscreened for arm in (flow.databases, flow.other))
    if left_out:
        yield (
            f"{_many(left_out, 'record')} not screened after stopping rule {screening.rule}; nobody has read "
            "them, and they are not counted as screened"
            + (" (in PRISMA-trAIce: excluded by AI, not screened)" if flow.ai else "")
        )
    if screening.returned:
        yield (
            f"{_many(screening.returned, 'report')} of removals not counted as removed: decided since, or "
            "with copies that the removal does not list"
        )


def _many(n: int, noun: str) -> str:
    """A number with its noun.

    >>> _many(1, "study"), _many(1200, "study"), _many(2, "source of evidence")
    ('1 study', '1,200 studies', '2 sources of evidence')
    """
    if n == 1:
        return f"1 {noun}"
    first, *rest = noun.split(" of ")
    first = f"{first[:-1]}ies" if first.endswith("y") else f"{first}s"
    return " of ".join([f"{n:,} {first}", *rest])
