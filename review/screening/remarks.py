"""What one person notes beside deciding: notes, tags, skips, and the key papers of the review.

Notes and tags are the person's own until they have decided (method rules, section 4); key papers
are known to all, train the order and decide nothing.
"""

from typing import Any

from review.screening.texts import Shown, Texts
from review.screening.votes import UNDONE
from review.workspace import Workspace

OWN = ("note", "tag")


def said_of(workspace: Workspace, shown: Shown, stage: str, people: set[str]) -> list[tuple[str, str, str]]:
    """(person, kind, text) of these people's notes and tags on a report: for when all have decided."""
    return [
        (row["person"], row["kind"], row["text"])
        for row in workspace.ledger.current("remarks")
        if row["kind"] in OWN
        and row["stage"] == stage
        and row["person"] in people
        and row["record_id"] in shown.members
    ]


class Remarks:
    """One person's remarks at one stage, and the review's key papers."""

    def __init__(self, workspace: Workspace, texts: Texts, stage: str, person: str) -> None:
        self._ledger, self._texts = workspace.ledger, texts
        self._stage, self._person = stage, person

    def add(self, shown: Shown, kind: str, text: str) -> None:
        """Keep a note or a tag; an empty one is no remark, a tag that is there is taken off."""
        plain = text.strip()
        if not plain:
            return
        held = [row for row in self._mine(kind) if row["text"] == plain and self._of(row) == shown.report]
        if kind == "tag" and held:
            self._append(shown.record_id, UNDONE, plain, supersedes=held[-1]["uuid"])
        else:
            self._append(shown.record_id, kind, plain)

    def of(self, shown: Shown) -> list[tuple[str, str]]:
        """This person's notes and tags on a report, as (kind, text), oldest first."""
        return [(row["kind"], row["text"]) for row in self._mine(*OWN) if self._of(row) == shown.report]

    def skip(self, shown: Shown) -> str:
        """Note that a report was postponed; gives the note's UUID."""
        return self._append(shown.record_id, "skip", "")

    def take_back(self, shown: Shown, skipped: str) -> None:
        """Take a postponement back."""
        self._append(shown.record_id, UNDONE, "", supersedes=skipped)

    def origin(self, shown: Shown, text: str) -> None:
        """Note where a field that was filled came from."""
        self._append(shown.record_id, "origin", text)

    def skipped(self) -> list[str]:
        """Reports that this person ever postponed, by when they did so last."""
        held: dict[str | None, None] = {}
        for row in self._mine("skip"):
            report = self._of(row)
            held.pop(report, None)
            held[report] = None
        return [report for report in held if report]

    def add_keys(self, names: list[str]) -> tuple[list[str], list[str]]:
        """Name key papers by record id, DOI or PMID; gives reports found, and names that are not held."""
        found, unknown = self._texts.known(names)
        known = self.keys()
        for report in dict.fromkeys(found):
            if report not in known:
                self._append(self._texts.shown(report).record_id, "key", "")
        return found, unknown

    def keys(self) -> set[str]:
        """Reports that anybody named as key papers."""
        rows = [row for row in self._ledger.current("remarks") if row["kind"] == "key"]
        return {report for row in rows if (report := self._of(row))}

    def _mine(self, *kinds: str) -> list[dict[str, Any]]:
        return [
            row
            for row in self._ledger.current("remarks")
            if row["kind"] in kinds and row["person"] == self._person and row["stage"] == self._stage
        ]

    def _of(self, row: dict[str, Any]) -> str | None:
        return self._texts.reports.get(row["record_id"])

    def _append(self, record: str, kind: str, text: str, supersedes: str | None = None) -> str:
        row = {"record_id": record, "stage": self._stage, "kind": kind, "text": text,
               "person": self._person, "supersedes": supersedes}  # fmt: skip
        return self._ledger.append("remarks", row)
