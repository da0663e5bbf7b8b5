"""What a pair of records is to each other: named rules over measured likenesses.

Rules stand in a table, first match wins. No identifier and no title alone makes a match; what is
strong but contradicted is `maybe`, for a person. Kinds and guards: see the method rules of the
project, "records, reports, studies".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from corpora.dedupe.normalise import Comparable, shortened

_HOPE = 0.7
"""Likeness of titles below which a pair is only looked at if an identifier or a page agrees."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two records are; shares lie in [0, 1], ``None`` where either side is empty."""

    one: Comparable
    two: Comparable
    title: float
    abstract: float | None
    authors: float | None
    venue: float | None

    def same(self, field: str) -> bool | None:
        """Whether a field agrees; None if either side lacks it.

        Databases that have no volume write the year in its place: then it says nothing. Volume and
        issue that changed places agree.
        """
        left, right = getattr(self.one, field), getattr(self.two, field)
        if left in ("", None) or right in ("", None):
            return None
        if field == "volume" and left != right:
            if (left, right) == (self.two.issue, self.one.issue):
                return True
            return None if left == str(self.one.year) or right == str(self.two.year) else False
        return bool(left == right)

    @property
    def years(self) -> int | None:
        """Years between the two."""
        if self.one.year is None or self.two.year is None:
            return None
        return abs(self.one.year - self.two.year)

    @property
    def agreeing(self) -> int:
        """How many of venue, volume, page, year, abstract and authors speak for the pair."""
        return sum(
            (
                bool(self.venue is not None and self.venue >= 0.8),
                self.same("volume") is True,
                self.same("start_page") is True,
                self.years == 0,
                bool(self.abstract is not None and self.abstract >= 0.9),
                bool(self.authors is not None and self.authors >= 0.6),
            )
        )

    @property
    def contradicted(self) -> bool:
        """Whether page and volume, or the DOI, say that these are two documents."""
        apart = self.same("start_page") is False and self.same("volume") is not True
        split = self.same("volume") is False and self.same("start_page") is not True
        return apart or split or self.same("doi") is False


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule: kind and verdict of the link it makes, its score, and when it holds."""

    name: str
    kind: str
    verdict: str
    score: float
    holds: Callable[[Likeness], bool]


def _one(pair: Likeness, field: str) -> bool:
    return bool(getattr(pair.one, field)) != bool(getattr(pair.two, field))


def _authors(pair: Likeness, least: float) -> bool:
    return pair.authors is None or pair.authors >= least


def _near(pair: Likeness, years: int) -> bool:
    return pair.years is None or pair.years <= years


def _long(pair: Likeness) -> bool:
    """Titles long enough to be telling: "Introduction" is shared by thousands."""
    return min(len(pair.one.core), len(pair.two.core)) >= 25


def _told_apart(pair: Likeness) -> bool:
    """Whether a page or abstract agrees, or one side is merely less complete.

    Columns and editorials share title, author and volume; without a page they cannot be told,
    unless the title is a long one and several people signed it.
    """
    if pair.same("start_page") is True or (pair.abstract is not None and pair.abstract >= 0.9):
        return True
    sparse = _one(pair, "start_page") or (pair.abstract is None and _one(pair, "abstract"))
    signed = min(len(pair.one.people), len(pair.two.people)) >= 2
    return sparse or (signed and min(len(pair.one.core), len(pair.two.core)) >= 60)


def _elsewhere(pair: Likeness) -> bool:
    """Whether the venues are unlike, and no page and no abstract says that it is one document."""
    placed = pair.same("start_page") is True or (pair.abstract is not None and pair.abstract >= 0.9)
    return pair.venue is not None and pair.venue < 0.5 and not placed and pair.same("doi") is not True


def _identifier(pair: Likeness) -> bool:
    return pair.same("doi") is True or pair.same("pmid") is True


def _same_pages(pair: Likeness) -> bool:
    """The very pages of an article, three or more: abstracts of a supplement share a page or two."""
    return pair.same("start_page") is True and pair.one.span == pair.two.span >= 3


def _same_place(pair: Likeness) -> bool:
    """One first page of one volume (or the very pages) in one year, by the same people."""
    page = pair.same("volume") is True and pair.same("start_page") is True
    return (
        (page or (_same_pages(pair) and pair.same("volume") is not False))
        and (pair.same("issue") is not False or pair.one.issue == pair.two.volume)
        and pair.years == 0
        and pair.authors is not None
        and pair.authors >= 0.75
        and (pair.venue is None or pair.venue >= 0.7)
        and pair.one.notice == pair.two.notice
        and pair.same("doi") is not False
    )


def _translated(pair: Likeness) -> bool:
    """The very pages of one issue, or of one volume by two people or more: the title may be translated."""
    several = min(len(pair.one.people), len(pair.two.people)) >= 2
    return (
        (several or pair.same("issue") is True)
        and _same_pages(pair)
        and pair.same("volume") is True
        and _same_place(pair)
    )


def _group_for_people(pair: Likeness) -> bool:
    """The very pages and title, signed by a group in one export and by its people in another."""
    return (
        _same_pages(pair)
        and pair.same("volume") is True
        and pair.same("issue") is not False
        and pair.years == 0
        and pair.venue is not None
        and pair.venue >= 0.8
        and pair.title >= 0.95
        and pair.same("doi") is not False
    )


def _cut(pair: Likeness) -> bool:
    """Whether one title is the other without its subtitle."""
    shorter, longer = sorted((pair.one.core, pair.two.core), key=len)
    return len(shorter) >= 4 and longer.startswith(shorter + " ")


def _different_documents(pair: Likeness) -> bool:
    """Guards: never the same report, whatever else agrees."""
    return (
        pair.one.notice != pair.two.notice
        or (pair.one.part != pair.two.part and pair.title < 0.999)
        or pair.same("numbers") is False
        or _one(pair, "registration")
        or _one(pair, "protocol")
        or _cochrane_versions(pair)
    )


def _cochrane_versions(pair: Likeness) -> bool:
    """``….pub2`` and ``….pub3`` are two versions of one review."""
    one, two = pair.one.doi, pair.two.doi
    return one != two and ".pub" in one + two and one.split(".pub")[0] == two.split(".pub")[0]


def _notice_of(kinds: tuple[str, ...]) -> Callable[[Likeness], bool]:
    def holds(pair: Likeness) -> bool:
        notices = {pair.one.notice, pair.two.notice}
        alike = pair.title >= 0.9 and _long(pair) and _authors(pair, 0.5)
        return "" in notices and bool(notices & set(kinds)) and alike

    return holds


RULES: tuple[Rule, ...] = (
    Rule("retraction notice", "retracts", "match", 0.95,
         _notice_of(("retraction", "retracted", "expression of concern"))),
    Rule("erratum", "corrects", "match", 0.95,
         _notice_of(("erratum", "corrigendum", "correction"))),
    Rule("versions of a review", "same_study", "match", 0.9,
         lambda p: _cochrane_versions(p) and p.title >= 0.8),
    Rule("protocol and its review", "same_study", "maybe", 0.7,
         lambda p: _one(p, "protocol") and p.title >= 0.75 and _authors(p, 0.4) and _near(p, 6)),
    Rule("registration and its report", "same_study", "maybe", 0.7,
         lambda p: _one(p, "registration") and p.title >= 0.8),
    Rule("same place, one title cut or misspelt", "same_report", "match", 0.94,
         lambda p: _same_place(p) and (_cut(p) or (p.title >= 0.95 and p.one.part == p.two.part))),
    Rule("same pages of one volume", "same_report", "match", 0.93,
         lambda p: (p.title < 0.7 or p.one.part == p.two.part) and _translated(p)),
    Rule("same pages and title, another signature", "same_report", "match", 0.92,
         lambda p: p.one.notice == p.two.notice and p.one.part == p.two.part and _group_for_people(p)),
    Rule("two documents by kind", "same_report", "not", 0.0, _different_documents),
    Rule("preprint and publication", "same_study", "match", 0.95,
         lambda p: _one(p, "preprint") and p.title >= 0.95 and _long(p) and _near(p, 3)
         and p.same("doi") is not True and (p.authors or p.abstract or 0) >= 0.5),
    Rule("preprint and publication, retitled", "same_study", "maybe", 0.75,
         lambda p: _one(p, "preprint") and p.same("doi") is not True and _near(p, 3)
         and ((p.title >= 0.95 and _long(p))
              or (p.title >= 0.7 and _authors(p, 0.6) and (p.abstract or 0) >= 0.6))),
    Rule("same identifier and title", "same_report", "match", 1.0,
         lambda p: _identifier(p) and p.title >= 0.9 and _near(p, 2)
         and not (p.same("pmid") is False or (p.same("pmid") is True and p.same("doi") is False))),
    Rule("same identifier, title and author", "same_report", "match", 0.97,
         lambda p: _identifier(p) and (p.title >= 0.7 or _cut(p)) and p.authors is not None
         and p.authors >= 0.5 and _near(p, 2) and p.same("start_page") is not False),
    Rule("same identifier, unlike otherwise", "same_report", "maybe", 0.6, _identifier),
    Rule("same title, one document", "same_report", "match", 0.95,
         lambda p: p.title >= 0.97 and _long(p) and not p.contradicted and _authors(p, 0.5)
         and _near(p, 1) and p.agreeing >= 2 and _told_apart(p) and not _elsewhere(p)),
    Rule("same place and author", "same_report", "match", 0.93,
         lambda p: p.title >= 0.8 and p.same("volume") is True and p.same("start_page") is True
         and p.authors is not None and p.authors >= 0.5 and p.same("doi") is not False
         and _near(p, 1)),
    Rule("same abstract, author and year", "same_report", "match", 0.92,
         lambda p: p.title >= 0.88 and _long(p) and p.abstract is not None and p.abstract >= 0.95
         and p.authors is not None and p.authors >= 0.6 and not p.contradicted and p.years == 0),
    Rule("same title, little to compare", "same_report", "maybe", 0.6,
         lambda p: p.title >= 0.97 and _long(p) and _authors(p, 0.5) and _near(p, 2)),
    Rule("same title, contradicted", "same_report", "maybe", 0.5,
         lambda p: p.title >= 0.97 and p.authors is not None and p.authors >= 0.6 and _near(p, 3)),
    Rule("alike in most", "same_report", "maybe", 0.5,
         lambda p: p.title >= 0.85 and _long(p) and p.authors is not None and p.authors >= 0.6
         and not p.contradicted and _near(p, 1) and p.agreeing >= 3),
)  # fmt: skip
"""First match wins; a `not` ends the search and leaves no link."""


@dataclass(frozen=True, slots=True)
class Match:
    """A pair of records, the rule that linked them, and the reason for a person."""

    left_id: str
    right_id: str
    rule: Rule
    score: float
    reason: str


def match(records: Sequence[Comparable], pairs: Sequence[tuple[int, int]]) -> list[Match]:
    """All links among the pairs (positions in ``records``)."""
    if not pairs:
        return []
    lefts = [records[left] for left, _ in pairs]
    rights = [records[right] for _, right in pairs]
    titles = _alike([r.core for r in lefts], [r.core for r in rights])
    chosen = [
        i for i in range(len(pairs))
        if titles[i] >= _HOPE
        or lefts[i].start_page == rights[i].start_page != ""
        or lefts[i].doi == rights[i].doi != ""
        or lefts[i].pmid == rights[i].pmid != ""
    ]  # fmt: skip
    lefts, rights = [lefts[i] for i in chosen], [rights[i] for i in chosen]
    abstracts = _alike([r.abstract for r in lefts], [r.abstract for r in rights])
    venues = _alike([r.venue for r in lefts], [r.venue for r in rights], fuzz.token_set_ratio)
    found = []
    for place, (one, two) in enumerate(zip(lefts, rights, strict=True)):
        likeness = Likeness(
            one,
            two,
            title=float(titles[chosen[place]]),
            abstract=float(abstracts[place]) if one.abstract and two.abstract else None,
            authors=_shared(one, two),
            venue=_venue(one, two, float(venues[place])),
        )
        made = judge(likeness)
        if made:
            found.append(made)
    return found


def hopeful(lefts: list[str], rights: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which pairs of titles are alike enough for a rule to look at them."""
    return np.asarray(_alike(lefts, rights) >= _HOPE)


def judge(pair: Likeness) -> Match | None:
    """The link that the first rule makes; None if none holds or it says ``not``."""
    rule = rule_for(pair)
    if rule is None or rule.verdict == "not":
        return None
    score = round(rule.score * (0.5 + pair.title / 2), 4)
    return Match(pair.one.record_id, pair.two.record_id, rule, score, reason(pair))


def likeness(one: Comparable, two: Comparable) -> Likeness:
    """How alike one pair is, as `match` measures it for many."""
    return Likeness(
        one,
        two,
        title=float(_alike([one.core], [two.core])[0]),
        abstract=float(_alike([one.abstract], [two.abstract])[0]) if one.abstract and two.abstract else None,
        authors=_shared(one, two),
        venue=_venue(one, two, float(_alike([one.venue], [two.venue], fuzz.token_set_ratio)[0])),
    )


def rule_for(pair: Likeness) -> Rule | None:
    """The first rule that holds for a pair, one that says ``not`` among them."""
    return next((rule for rule in RULES if rule.holds(pair)), None)


def reason(pair: Likeness) -> str:
    """What agrees and what does not, for a person.

    The likeness of titles is never left out: it is what a person looks at first.
    """
    told = [f"titles {pair.title:.0%} alike"]
    for field, name in (
        ("doi", "DOI"),
        ("pmid", "PMID"),
        ("volume", "volume"),
        ("start_page", "page"),
    ):
        same = pair.same(field)
        if same is not None:
            told.append(f"{'same' if same else 'different'} {name}")
    if pair.authors is not None:
        told.append(f"{pair.authors:.0%} of authors shared")
    if pair.years is not None:
        told.append("same year" if pair.years == 0 else f"{pair.years} years apart")
    return ", ".join(told)


def _alike(
    lefts: list[str], rights: list[str], scorer: Callable[..., float] = fuzz.ratio
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    scores = process.cpdist(lefts, rights, scorer=scorer, dtype=np.float32, workers=-1)
    return np.asarray(scores, np.float32) / np.float32(100.0)


def _venue(one: Comparable, two: Comparable, ratio: float) -> float | None:
    """Likeness of the venues' names; an abbreviation is the name itself."""
    if not (one.venue and two.venue):
        return None
    return 1.0 if ratio < 0.8 and shortened(one.venue, two.venue) else ratio


def _shared(one: Comparable, two: Comparable) -> float | None:
    """Share of the shorter author list that the other one knows; None if either is empty.

    Exports swap family and given names, so either may be met among the other's words; a given name
    alone, shared by two families, is nobody. A family name of five letters or more may be misspelt.
    """
    shorter, longer = sorted((one, two), key=lambda record: len(record.people))
    if not shorter.people:
        return None
    words = frozenset().union(*longer.people)
    families = {word for family in longer.families for word in family.split()}
    known = sum(
        not words.isdisjoint(family.split())
        or not families.isdisjoint(person)
        or (len(family) >= 5 and any(fuzz.ratio(family, other) >= 85 for other in longer.families))
        for family, person in zip(shorter.families, shorter.people, strict=True)
    )
    return known / len(shorter.people)
