"""From votes to verdicts: what a mode of screening settles, and what is a conflict.

Pure: fed with the ledger's rows in their order, it knows for every report who voted what, whether
it is settled, and what people thought before a conflict was opened (method rules, sections 4, 6).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from review.protocol import ScreeningStage

UNDONE = "undone"
"""Verdict of the row that takes a decision back."""

VERDICTS = {
    "title-abstract": ("include", "maybe", "exclude"),
    "full-text": ("include", "exclude", "awaiting", "ongoing"),
}
"""What a person can decide at a stage; awaiting = awaiting classification."""


class Vote(NamedTuple):
    """One person's present decision on one record of a report."""

    uuid: str
    seq: int
    record_id: str
    reviewer: str
    verdict: str
    reason: str | None = None
    members: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a conflict was settled: by discussion or by a third person, with the votes it was about."""

    uuid: str
    verdict: str
    reason: str | None
    how: str
    person: str
    votes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the votes on a report come to.

    ``state``: open (nobody voted), half, settled, conflict, reason-conflict, confirm (the report
    lost records since somebody decided on it). ``verdict`` is empty unless settled; ``why`` says
    what the conflict is about.
    """

    state: str
    verdict: str = ""
    reason: str | None = None
    why: str = ""


OPEN = Outcome("open")


def people_needed(stage: ScreeningStage, report: str, seed: int) -> int:
    """How many people must decide on a report, in [1, stage.people].

    In mode single-check a report is checked if its hash, with the protocol's seed, falls into the
    given percentage: nobody can tell beforehand which, and all machines agree.
    """
    if stage.mode == "single":
        return 1
    if stage.mode == "dual":
        return stage.people
    if stage.mode == "one-include-passes":
        return 2
    digest = hashlib.sha256(f"{seed}/{stage.stage}/{report}".encode()).digest()
    return 2 if int.from_bytes(digest[:8], "big") / 2**64 < stage.check / 100 else 1


def outcome(votes: Sequence[Vote], stage: ScreeningStage, needed: int) -> Outcome:
    """What votes settle.

    >>> dual = ScreeningStage(stage="title-abstract", mode="dual")
    >>> ann, ben = (Vote(n, 1, "R1", n, v) for n, v in (("ann", "include"), ("ben", "maybe")))
    >>> outcome([ann], dual, 2).state, outcome([ann, ben], dual, 2).verdict
    ('half', 'include')
    """
    if not votes:
        return OPEN
    own: dict[str, set[str]] = {}
    for vote in votes:
        own.setdefault(vote.reviewer, set()).add(_side(vote.verdict))
    sides = {side for held in own.values() for side in held}
    if any(len(held) > 1 for held in own.values()):
        # One person decided two records apart that are one report now.
        return Outcome("conflict", why="records decided apart were merged into one report")
    if stage.mode == "one-include-passes" and "include" in sides and len(sides) <= 2:
        return Outcome("settled", "include")
    if len(own) < needed:
        return Outcome("half")
    if len(sides) > 1:
        return Outcome("conflict", why=", ".join(sorted(sides)))
    reasons = sorted({vote.reason for vote in votes if vote.reason})
    if sides == {"exclude"} and stage.stage == "full-text" and len(reasons) > 1:
        return Outcome("reason-conflict", why=" or ".join(reasons))
    side = next(iter(sides))
    reason = sorted(votes, key=lambda vote: vote.seq)[0].reason if side == "exclude" else None
    return Outcome("settled", side, reason or (reasons[0] if side == "exclude" and reasons else None))


def _side(verdict: str) -> str:
    return "include" if verdict == "maybe" else verdict


@dataclass(slots=True)
class Ballots:
    """All votes of one stage; feed it the ledger's rows in their order, as they come.

    ``reports`` maps record id → report id. A row of a record that is not held any more (its import
    was taken back) is kept in ``withdrawn`` and counts nowhere. ``before`` holds, for every report
    in which a conflict was opened, each person's verdict before that.
    """

    stage: ScreeningStage
    reports: Mapping[str, str]
    seed: int = 42
    last: int = 0
    before: dict[str, dict[str, Vote]] = field(default_factory=dict)
    withdrawn: dict[str, Vote] = field(default_factory=dict)
    resolutions: dict[str, Resolution] = field(default_factory=dict)
    _votes: dict[str, dict[tuple[str, str], Vote]] = field(default_factory=dict)
    _covered: dict[tuple[str, str], int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)

    def feed(self, rows: Iterable[Mapping[str, Any]]) -> set[str]:
        """Take decisions in the ledger's order; gives the reports that they touched."""
        touched = set()
        for row in rows:
            if row["stage"] != self.stage.stage or row["uuid"] in self._seen:
                continue
            self._seen.add(row["uuid"])
            self.last = max(self.last, row["seq"])
            vote = Vote(
                row["uuid"], row["seq"], row["record_id"], row["reviewer"], row["verdict"],
                row["reason"], row.get("members"),
            )  # fmt: skip
            report = self.reports.get(vote.record_id)
            if report is None:
                self.withdrawn[vote.uuid] = vote
                continue
            touched.add(report)
            self._take(report, vote)
        return touched

    def _take(self, report: str, vote: Vote) -> None:
        """A vote replaces this person's earlier ones on every record that the report then had."""
        own = vote.record_id, vote.reviewer
        if self._covered.get(own, 0) > vote.seq:
            return
        for key in (own, *((record, vote.reviewer) for record in (vote.members or "").split())):
            self._covered[key] = max(vote.seq, self._covered.get(key, 0))
            other = self.reports.get(key[0], report)
            older = self._votes.get(other, {}).get(key)
            if older and older.seq < vote.seq:
                del self._votes[other][key]
                self._outcomes.pop(other, None)
        held = self._votes.setdefault(report, {})
        if vote.verdict != UNDONE:
            held[own] = vote
        self._outcomes.pop(report, None)
        # One vote is at odds with nothing.
        if len(held) > 1 and report not in self.before and self._settle(report).state == "conflict":
            self.before[report] = {one.reviewer: one for one in held.values()}

    def resolve(self, rows: Iterable[Mapping[str, Any]]) -> set[str]:
        """Take resolutions (the ledger's current rows); the last one of a report holds."""
        touched = set()
        for row in rows:
            report = self.reports.get(row["record_id"])
            if row["stage"] != self.stage.stage or report is None:
                continue
            votes = frozenset(json.loads(row["votes"]))
            self.resolutions[report] = Resolution(
                row["uuid"], row["verdict"], row["reason"], row["how"], row["person"], votes
            )
            if row["verdict"] == UNDONE:
                del self.resolutions[report]
            self._outcomes.pop(report, None)
            touched.add(report)
        return touched

    def copy(self) -> "Ballots":
        """The same, to be fed on its own."""
        votes = {report: dict(held) for report, held in self._votes.items()}
        return replace(
            self, before={**self.before}, withdrawn={**self.withdrawn}, resolutions={**self.resolutions},
            _votes=votes, _covered=dict(self._covered), _seen=set(self._seen), _outcomes=dict(self._outcomes),
        )  # fmt: skip

    # ------------------------------------------------------------------ what is known

    def votes(self, report: str) -> list[Vote]:
        """Present votes on a report, in the ledger's order."""
        return sorted(self._votes.get(report, {}).values(), key=lambda vote: vote.seq)

    def voted(self) -> list[str]:
        """Reports with at least one vote, sorted."""
        return sorted(report for report, held in self._votes.items() if held)

    def outcome(self, report: str) -> Outcome:
        """What the votes and resolutions on a report come to."""
        if report not in self._outcomes:
            self._outcomes[report] = self._resolved(report)
        return self._outcomes[report]

    def needed(self, report: str) -> int:
        """How many people must decide on it."""
        return people_needed(self.stage, report, self.seed)

    def stale(self, report: str) -> list[Vote]:
        """Votes that were given on more records than the report holds now: a link was undone."""
        return [vote for vote in self.votes(report) if self._is_stale(report, vote)]

    def _is_stale(self, report: str, vote: Vote) -> bool:
        return bool(vote.members) and any(
            self.reports.get(one, report) != report for one in (vote.members or "").split()
        )

    def _settle(self, report: str) -> Outcome:
        votes = self.votes(report)
        if any(self._is_stale(report, vote) for vote in votes):
            return Outcome("confirm", why="a link of its records was undone after it was decided")
        return outcome(votes, self.stage, self.needed(report))

    def _resolved(self, report: str) -> Outcome:
        settled, resolution = self._settle(report), self.resolutions.get(report)
        if resolution is None:
            return settled
        # A vote that came after the resolution opens the conflict anew if it says otherwise.
        late = [vote for vote in self.votes(report) if vote.uuid not in resolution.votes]
        if any(_side(vote.verdict) != resolution.verdict for vote in late):
            return Outcome("conflict", why="a vote that came after the resolution says otherwise")
        return Outcome("settled", resolution.verdict, resolution.reason, why=resolution.how)
