"""`review run`: every step that is due, in order. Each step says why it is due."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import LedgerError, LitscaleError, StoreError
from corpora.progress import Progress, silent
from corpora.words import counted
from review import export, linking
from review.gathering import harvesting, ingest
from review.gathering.ingest import Outcome
from review.labelling import tagging, training
from review.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a review; ``why`` is empty when it is up to date."""

    name: str
    why: str
    act: Callable[[Progress], Outcome]


@dataclass(frozen=True, slots=True)
class Event:
    """What became of one step: its outcome, or why it failed; neither if it was up to date.

    ``without`` names the steps before it that failed: it was done over what is held without them.
    """

    name: str
    outcome: Outcome | None = None
    failed: LitscaleError | None = None
    without: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        own = self.outcome.notes if self.outcome else ()
        return (*own, f"over what is held, without: {', '.join(self.without)}") if self.without else own

    def sentence(self) -> str:
        """One line for a person."""
        if self.failed:
            return f"{self.name}: FAILED: {self.failed}"
        return self.outcome.sentence() if self.outcome else f"{self.name}: up to date"

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        done = self.outcome.to_dict() if self.outcome else {"what": self.name}
        return {
            "step": self.name,
            "up_to_date": self.outcome is None and self.failed is None,
            "failed": str(self.failed) if self.failed else None,
            **done,
            "notes": list(self.notes),
        }


def run(workspace: Workspace, progress: Progress = silent) -> Iterator[Event]:
    """Do what is due and say it; what a step makes can make a later one due.

    A step that fails (a service that does not answer, a file that is missing) is told, and the others
    go on: what follows it is done over what is held, and says so.

    Raises:
        StoreError, LedgerError: nothing can be written, so no other step could be done either.

    """
    failed: list[str] = []
    for step in steps(workspace):
        if not step.why:
            yield Event(step.name)
            continue
        try:
            outcome = step.act(progress)
        except (StoreError, LedgerError):
            raise
        except LitscaleError as error:
            yield Event(step.name, failed=error)
            failed.append(step.name)
            continue
        # A search or a file does not need the others.
        gathers = step.name.startswith(("import ", "harvest "))
        yield Event(step.name, outcome, without=() if gathers else tuple(failed))


def failures(events: Sequence[Event]) -> list[str]:
    """What failed and what to do, for a person; empty if nothing did.

    >>> failures([Event("dedupe"), Event("harvest pubmed", failed=LitscaleError("no answer"))])[0]
    '1 step failed: harvest pubmed'
    """
    failed = [event.name for event in events if event.failed]
    if not failed:
        return []
    told = [f"{counted(len(failed), 'step')} failed: {', '.join(failed)}"]
    searches = [name for name in failed if name.startswith("harvest ")]
    if searches:
        told.append("  searches: review run goes on with them once their services answer; one that is not "
                    "wanted: take its [[search]] out of protocol.toml")  # fmt: skip
    if len(searches) < len(failed):
        told.append("  the others: mend what is named above, then: review run")
    return told


def due(workspace: Workspace) -> list[tuple[str, str]]:
    """The steps that are due by the present state, with their reasons."""
    return [(step.name, step.why) for step in steps(workspace) if step.why]


def steps(workspace: Workspace) -> Iterator[Step]:
    """All steps in order; each is examined only when the ones before it are done."""
    for item in workspace.protocol.imports:
        path = workspace.root / item.file
        known = path.is_file() and ingest.imported(workspace, ingest.file_hash(path))
        yield Step(
            f"import {Path(item.file).name}",
            "" if known else "not imported yet, or changed",
            lambda progress, item=item: ingest.import_file(workspace, item, progress),  # type: ignore[misc]
        )
    for search in workspace.protocol.search:
        yield Step(
            f"harvest {search.name}",
            "" if harvesting.harvested(workspace, search) else "not run yet, or its query changed",
            lambda progress, search=search: harvesting.harvest(workspace, search, progress=progress),  # type: ignore[misc]
        )
    if not workspace.parts("records"):
        return
    yield Step(
        "dedupe",
        "" if linking.deduped(workspace) else "records came since",
        lambda progress: linking.dedupe(workspace, progress),
    )
    yield from _tagging(workspace)
    stale = export.stale(workspace)
    yield Step(
        "figures",
        f"{', '.join(stale)} not drawn from the present data" if stale else "",
        lambda progress: export.draw(workspace, stale, progress),
    )


def _tagging(workspace: Workspace) -> Iterator[Step]:
    labels = workspace.protocol.labels
    if "linear" in labels.taggers() and labels.training:
        source = training.source(workspace)
        # A file that is not there yet must not keep `review status` from telling the rest.
        missing = [path.name for path in (source.labels, source.records) if path and not path.is_file()]
        changed = missing or not training.trained(workspace, source)
        told = f"{missing[0]} is missing" if missing else "labels, texts or codebook changed"
        yield Step(
            "train linear",
            told if changed else "",
            lambda progress: training.train(workspace, source, progress=progress),
        )
    for name in labels.taggers():
        yield Step(
            f"tag {name}",
            "" if tagging.tagged(workspace, name) else "records, codebook or model changed",
            lambda progress, name=name: tagging.tag(workspace, name, progress),  # type: ignore[misc]
        )
