"""The flow diagram as boxes of text: what `review.figures.prisma` draws and the DOCX holds.

A list too long for its page ends with its smallest entries together, as one line with their sum.

Layout and wording of the boxes: Page et al. 2021, https://doi.org/10.1136/bmj.n71; the exclusions of
people and of models apart: PRISMA-trAIce (Holst et al. 2025, https://doi.org/10.2196/80247).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from review.flow import Arm, Flow, Previous
from review.flow.arms import CARRIED, EXCLUDED_BY_AI

Line = tuple[int, str]
"""Depth of indentation, from 0, and the text."""

Box = tuple[Line, ...]

_KINDS = {
    "database": "Databases",
    "register": "Registers",
    "website": "Websites",
    "organisation": "Organisations",
    "citation": "Citation searching",
    "contact": "Contacts",
}
UNSCREENED = "not screened after stopping, see note"
FOLDED = "* Each with its number in the supplementary table of this figure."
"""What the mark after the last line of a shortened list means."""


@dataclass(frozen=True, slots=True)
class Level:
    """One step of an arm: its box, and the box at its side (empty: none)."""

    phase: str
    main: Box
    side: Box = ()


@dataclass(frozen=True, slots=True)
class Diagram:
    """The whole diagram. Each arm has a heading and the same levels; ``total`` is empty for a new review."""

    previous: Box
    arms: tuple[tuple[str, tuple[Level, ...]], ...]
    included: Box
    total: Box
    notes: tuple[str, ...]
    interim: str


def diagram(flow: Flow, most: int | None = None, reasons: int | None = None) -> Diagram:
    """The boxes of a flow; of lists longer than ``most`` lines the smallest entries stand together.

    ``reasons`` is that of exclusions at full text, which PRISMA 2020 asks to tell one by one.

    >>> list(_list({"a": 5, "b": 2, "c": 1}, 2, 0, "reasons"))
    [(0, 'a (n\xa0=\xa05)'), (0, '2 other reasons* (n\xa0=\xa03)')]
    """
    arms = [(f"Identification of new {flow.noun.lower()} via databases and registers", flow.databases)]
    if flow.other.records:
        arms.append((f"Identification of new {flow.noun.lower()} via other methods", flow.other))
    open_now = "; ".join(f"{n:,} {name}" for name, n in flow.open().items())
    return Diagram(
        previous=_previous(flow.previous, flow.noun) if flow.previous else (),
        arms=tuple((name, tuple(_levels(arm, flow, most, reasons))) for name, arm in arms),
        included=_included(flow),
        total=_total(flow) if flow.previous else (),
        notes=flow.notes,
        interim=f"INTERIM: {open_now}" if open_now else "",
    )


def _levels(arm: Arm, flow: Flow, most: int | None, reasons: int | None) -> Iterator[Level]:
    yield Level("Identification", tuple(_identified(arm, most)), tuple(_removed(arm, most)))
    if flow.screening:
        side = [
            count("Records excluded", arm.excluded),
            *_reasons(arm.excluded, arm.reasons_screening, most, ai="title-abstract" in flow.ai),
            *_if(("Awaiting screening", arm.awaiting), ("Open conflicts", arm.conflicts)),
        ]
        yield Level("Screening", (count("Records screened", arm.screened),), tuple(side))
    if flow.full_text:
        side = [
            count("Reports not retrieved", arm.not_retrieved),
            *_list(arm.reasons_not_retrieved, most, 1, "reasons"),
            *_if(("Retrieval or assessment pending", arm.pending)),
        ]
        yield Level("Screening", (count("Reports sought for retrieval", arm.sought),), tuple(side))
        side = [
            count("Reports excluded", arm.excluded_full_text),
            *_reasons(arm.excluded_full_text, arm.reasons, reasons, ai="full-text" in flow.ai),
            *_if(
                ("Awaiting classification", arm.awaiting_classification),
                ("Ongoing", arm.ongoing),
                ("Open conflicts", arm.conflicts_full_text),
            ),
        ]
        yield Level("Screening", (count("Reports assessed for eligibility", arm.assessed),), tuple(side))


def count(text: str, n: int, depth: int = 0) -> Line:
    """A line with its number, whose parentheses are never parted.

    >>> count("Records screened", 1200)
    (0, 'Records screened (n\\xa0=\\xa01,200)')
    """
    return depth, f"{text} (n\u00a0=\u00a0{n:,})"


def _identified(arm: Arm, most: int | None) -> Iterator[Line]:
    yield count("Records identified", arm.records)
    for kind, sources in arm.identified.items():
        if kind == CARRIED:
            yield from (count(name, n, 1) for name, n in sources.items())
        else:
            yield count(_KINDS[kind], sum(sources.values()), 1)
            by_size = dict(sorted(sources.items(), key=lambda item: (-item[1], item[0])))
            yield from _list(by_size, most, 2, "sources")


def _removed(arm: Arm, most: int | None) -> Iterator[Line]:
    yield 0, "Records removed before screening:"
    yield count("Duplicate records", arm.duplicates, 1)
    if arm.duplicates_by_hand:
        yield count("by machine", arm.duplicates_by_machine, 2)
        yield count("by hand", arm.duplicates_by_hand, 2)
    yield count("Records marked as ineligible by automation tools", arm.automation, 1)
    yield from _list(arm.removed_by_automation, most, 2, "reasons")
    if arm.unscreened:
        yield count(UNSCREENED, arm.unscreened, 2)
    yield count("Records removed for other reasons", arm.otherwise, 1)
    yield from _list(arm.removed_otherwise, most, 2, "reasons")


def _reasons(people: int, reasons: Mapping[str, int], most: int | None, *, ai: bool) -> Iterator[Line]:
    """Why people excluded; where a model was used, its exclusions after theirs."""
    if ai:
        yield count("by human", people, 1)
    yield from _list(reasons, most, 2 if ai else 1, "reasons")
    if ai:
        yield count("by AI", EXCLUDED_BY_AI, 1)


def _list(counts: Mapping[str, int], most: int | None, depth: int, noun: str) -> Iterator[Line]:
    """The entries of a list, largest first; what is too many for it as one line with its sum."""
    entries = list(counts.items())
    shown = entries if most is None or len(entries) <= most else entries[: most - 1]
    yield from (count(name, n, depth) for name, n in shown)
    if rest := entries[len(shown) :]:
        other = "other " if shown else ""
        yield count(f"{len(rest):,} {other}{noun}*", sum(n for _, n in rest), depth)


def _if(*counts: tuple[str, int]) -> Iterator[Line]:
    yield from (count(name, n) for name, n in counts if n)


def _previous(held: Previous, noun: str) -> Box:
    version = "included in previous version of review"
    lines = [
        count(f"{noun} {version}", held.studies),
        count(f"Reports of {noun.lower()} {version}", held.reports),
    ]
    if held.lost_studies > 0:
        lines.append(count("no longer included, or joined since", held.lost_studies, 1))
    return tuple(lines)


def _included(flow: Flow) -> Box:
    noun = flow.noun.lower()
    if flow.previous:
        return (
            count(f"New {noun} included in review", flow.new_studies),
            count(f"Reports of new included {noun}", flow.new_reports),
        )
    return (
        count(f"{flow.noun} included in review", flow.included_studies),
        count(f"Reports of included {noun}", flow.included_reports),
    )


def _total(flow: Flow) -> Box:
    noun = flow.noun.lower()
    return (
        count(f"Total {noun} included in review", flow.included_studies),
        count(f"Reports of total included {noun}", flow.included_reports),
    )
