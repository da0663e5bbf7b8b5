"""What a report tells of, gathered once from the ledger and the corpus."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from corpora.dedupe.cluster import Clusters
from corpora.progress import Progress, silent
from corpora.store import Part
from review import export, linking
from review.analysis.tidy import Context
from review.counting import flow_of
from review.decisions import present
from review.facts import Facts, facts
from review.gathering import fulltexts, searchreport
from review.report.numbers import Numbers
from review.screening.board import Board
from review.screening.texts import Texts
from review.workspace import KINDS, Workspace

DATA = (*KINDS, "take-over", "suggestions")
"""Kinds of runs that made what is reported; drawings and exports change nothing."""


@dataclass(frozen=True, slots=True)
class Made:
    """One run as the ledger lists it; ``versions`` stand beside its output, where it has one."""

    kind: str
    id: str
    verb: str
    at: str
    outcome: str
    parameters: dict[str, Any]
    versions: dict[str, str]


@dataclass
class Material:
    """The present state of a workspace; each part is read when it is first asked for."""

    workspace: Workspace
    progress: Progress = silent
    numbers: Numbers = field(default_factory=Numbers)
    tables: dict[str, str] = field(default_factory=dict)
    """Figure → its table as CSV."""

    @property
    def protocol(self) -> Any:
        """The protocol as the file has it now."""
        return self.workspace.protocol

    @cached_property
    def clusters(self) -> Clusters:
        """Reports and studies."""
        return linking.clusters(self.workspace)

    @cached_property
    def flow(self) -> Any:
        """The PRISMA flow."""
        return flow_of(self.workspace)

    @cached_property
    def held(self) -> Facts:
        """Studies and labels."""
        self.progress("reading studies", 0)
        return facts(self.workspace)

    def titled(self, dimensions: Iterable[str]) -> list[str]:
        """Dimensions under the codebook's titles; one that it no longer has keeps its id."""
        titles = {one.id: one.title for one in self.held.codebook.all_dimensions()}
        return [titles.get(one, one) for one in dimensions]

    @cached_property
    def shown(self) -> tuple[pd.DataFrame, Context]:
        """The studies that shares are about, and what goes with them."""
        return export.population(self.workspace, self.held)

    @cached_property
    def simulated(self) -> bool:
        """Whether the literature is invented."""
        return export.is_simulated(self.workspace)

    @cached_property
    def searches(self) -> list[dict[str, str]]:
        """Every search and import as PRISMA-S asks; those taken back are among them."""
        return searchreport.report(self.workspace)

    @cached_property
    def live(self) -> list[dict[str, str]]:
        """The searches that count: those nobody took back."""
        gone = self.workspace.corpus.withdrawn
        return [row for row in self.searches if row["run"] not in gone]

    @cached_property
    def boards(self) -> dict[str, Board]:
        """Stage → its state."""
        self.progress("reading decisions", 0)
        texts = Texts(self.workspace)
        return {
            stage.stage: Board(self.workspace, texts, stage)
            for stage in (self.workspace.protocol.screening if len(texts) else ())
        }

    @cached_property
    def decisions(self) -> list[dict[str, Any]]:
        """Decisions as they stand, without those that were taken back."""
        return present(self.workspace.ledger.current("decisions"))

    @cached_property
    def versions(self) -> list[dict[str, Any]]:
        """Frozen versions of the protocol, oldest first."""
        return self.workspace.ledger.rows("protocols")

    @cached_property
    def links(self) -> Part | None:
        """The newest machine links."""
        return self.workspace.latest("links")

    @cached_property
    def runs(self) -> list[Made]:
        """Everything that made data, in the ledger's order."""
        versions = {
            part.run.id: part.run.versions for kind in KINDS for part in self.workspace.corpus.parts(kind)
        }
        return [
            Made(
                row["kind"],
                row["uuid"],
                row["command"],
                row["at"],
                row["outcome"],
                json.loads(row["parameters"]),
                versions.get(row["uuid"], {}),
            )
            for row in self.workspace.ledger.rows("runs")
            if row["kind"] in DATA
        ]

    @cached_property
    def taggers(self) -> dict[tuple[str, str], list[str]]:
        """(tagger, run) → the dimensions it speaks for."""
        found: dict[tuple[str, str], list[str]] = {}
        for dimension, told in self.held.labels.items():
            found.setdefault((told["tagger"], told["run"]), []).append(dimension)
        return found

    @cached_property
    def texts_sought(self) -> dict[str, dict[str, Any]]:
        """Report → the newest word on its full text."""
        return fulltexts.standing(self.workspace, self.clusters.reports)

    @cached_property
    def sources_of(self) -> dict[str, str]:
        """Record → its source, as people call it."""
        runs = [part.run.parameters for part in self.workspace.corpus.parts("records")]
        names = {given.get("source"): given.get("source_title") for given in runs}
        table = self.workspace.corpus.records(["record_id", "source"]).to_pylist()
        return {row["record_id"]: names.get(row["source"]) or row["source"] for row in table}

    def verdicts(self, stage: str, wanted: str) -> list[tuple[str, str]]:
        """(report, reason) of the reports that a stage settled so, sorted by report."""
        board = self.boards.get(stage)
        if board is None:
            return []
        held = ((report, board.ballots.outcome(report)) for report in board.ballots.voted())
        return [
            (report, outcome.reason or "")
            for report, outcome in held
            if outcome.state == "settled" and outcome.verdict == wanted
        ]

    @cached_property
    def included(self) -> list[str]:
        """Reports that every stage included, sorted; empty while nobody has decided."""
        if not self.boards:
            return []
        inside = [{report for report, _ in self.verdicts(stage, "include")} for stage in self.boards]
        return sorted(set.intersection(*inside))
