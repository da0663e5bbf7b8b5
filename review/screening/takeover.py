"""`review take-over`: what was decided in ASReview, Rayyan or Covidence becomes decisions here.

The records of the file are imported as any file's are; each decision then belongs to a named person
and carries a UUID made from the file, its row and the person, so that the same file taken over twice
adds nothing. What a person has decided here is never replaced by what they decided elsewhere.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.run import Account, Run, now
from corpora.words import counted
from review.gathering import ingest
from review.gathering.ingest import Outcome
from review.protocol import Import
from review.screening.board import Board
from review.screening.foreign import reading
from review.screening.foreign.rows import Foreign, ForeignDecision
from review.screening.resolving import open_board
from review.workspace import Workspace

KIND = "take-over"


def take_over(
    workspace: Workspace,
    path: Path,
    *,
    stage: str,
    tool: str | None = None,
    reviewer: str | None = None,
    on: str | None = None,
    source: str | None = None,
    reasons: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Iterator[Outcome]:
    """Import a file's records if they are not held yet, then its decisions; one outcome each.

    ``reasons`` maps the tool's words for a reason to the protocol's criteria. A record whose
    decision cannot be read is refused, named and counted.

    Raises:
        InputError: no known tool's file, nobody named, or a full text excluded for a reason that
            is no criterion of the protocol.

    """
    tool = tool or reading.recognise(path)
    if tool is None:
        raise InputError(f"{path}: not recognised; say what made it with --tool {'|'.join(reading.TOOLS)}")
    workspace.protocol.stage(stage)
    with _dataset_folder(workspace) as folder:
        found = reading.read(path, tool=tool, stage=stage, reviewer=reviewer, on=on, into=folder).check()
        nameless = sum(one.reviewer is None for one in found.decisions)
        if nameless:
            raise InputError(
                f"{path}: {counted(nameless, 'decision')} without a person; say whose they are with --as NAME"
            )
        if found.records_file is None:
            raise InputError(f"{path}: holds no records; import them from the data set it was made of")
        told = _with_reasons(workspace, found, reasons or {}, path)
        item = Import(file=str(found.records_file.resolve()), source=source, mixed=source is None)
        sha = ingest.file_hash(found.records_file)
        if ingest.imported(workspace, sha) is None:
            yield ingest.import_file(workspace, item, progress)
    held = ingest.imported(workspace, sha)
    if held is None:
        raise InputError(f"{path}: its records were taken back before; import them again first")
    yield _decided(workspace, path, found, told, _records(workspace, held), stage)


@contextmanager
def _dataset_folder(workspace: Workspace) -> Iterator[Path]:
    """Where the data set of a project is put until it is imported: on the workspace's own disk."""
    with TemporaryDirectory(dir=workspace.root, prefix=".take-over-") as folder:
        yield Path(folder)


def _with_reasons(
    workspace: Workspace, found: Foreign, mapping: Mapping[str, str], path: Path
) -> list[tuple[ForeignDecision, str | None]]:
    """Each decision with its criterion, or without one where the tool's words name none."""
    criteria = {one.id.lower(): one.id for one in workspace.protocol.criteria}
    words = {old.lower(): new for old, new in mapping.items()}
    if unknown := sorted({new for new in words.values() if criteria and new.lower() not in criteria}):
        raise InputError(
            f"--reason …={unknown[0]}: no criterion; the protocol's are {', '.join(criteria.values())}"
        )
    told: list[tuple[ForeignDecision, str | None]] = []
    unnamed: Counter[str] = Counter()
    for one in found.decisions:
        said = (one.reason or "").strip()
        named = criteria.get(words.get(said.lower(), said).lower()) if said else None
        reason = named if criteria else said or None
        if one.verdict == "exclude" and one.stage == "full-text" and reason is None:
            unnamed[said or "(none given)"] += 1
        told.append((one, reason if one.verdict == "exclude" else None))
    if unnamed:
        listed = "; ".join(f"{word!r} ({count})" for word, count in sorted(unnamed.items()))
        raise InputError(
            f"{path}: full texts excluded for reasons that are no criterion of the protocol: {listed}; "
            f"map each with --reason 'THEIR WORDS=CRITERION' ({', '.join(criteria.values()) or 'any word'})"
        )
    return told


def _records(workspace: Workspace, run: Run) -> dict[int, str]:
    """Data row → record id of an imported file; a refused row has none."""
    table = workspace.corpus.table("records", "retrievals", ["record_id", "row"], run.id)
    return dict(zip(table["row"].to_pylist(), table["record_id"].to_pylist(), strict=True))


def _decided(
    workspace: Workspace,
    path: Path,
    found: Foreign,
    told: list[tuple[ForeignDecision, str | None]],
    records: Mapping[int, str],
    stage: str,
) -> Outcome:
    """Write the decisions and remarks in one transaction each; account for every row."""
    sha = ingest.file_hash(path)
    people = sorted({str(one.reviewer) for one, _ in told})
    run = Run.begin(KIND, {"file": path.name, "tool": found.tool, "stage": stage, "people": people},
                    input_hash=sha)  # fmt: skip
    board = open_board(workspace, stage)
    known = {row["uuid"] for row in workspace.ledger.rows("decisions")}
    counts: Counter[str] = Counter({"undecided": len(found.undecided)})
    rows: list[dict[str, Any]] = []
    remarks: list[dict[str, Any]] = []
    refused = {one.row: f"{one.place}: {one.why}" for one in found.unreadable if one.row is not None}
    nowhere = [f"{one.place}: {one.why}" for one in found.unreadable if one.row is None]
    for one, reason in told:
        record = records.get(one.row)
        if record is None:
            refused[one.row] = f"data row {one.row + 1}: its record was refused at the import"
            continue
        uuid = str(uuid5(NAMESPACE_URL, f"{sha}/{one.row}/{stage}/{one.reviewer}"))
        if uuid in known:
            counts["taken over before"] += 1
            remarks += _remarks(one, reason, record, uuid)  # a kill may have come before they were kept
        elif (here := _vote(board, record, str(one.reviewer))) is not None:
            counts["decided here already, kept" + ("" if here == one.verdict else " (they differ)")] += 1
        else:
            counts[one.verdict] += 1
            rows.append(_row(workspace, board, one, reason, record, uuid))
            remarks += _remarks(one, reason, record, uuid)
    workspace.ledger.append_all("decisions", rows)
    workspace.ledger.append_all("remarks", remarks)
    run.account = Account(promised=found.rows, delivered=found.rows - len(refused), refused=len(refused))
    run.account.counts = {name: count for name, count in sorted(counts.items()) if count}
    run.notes += [*found.remarks, *nowhere, *refused.values()]
    workspace.ledger.add_run(KIND, run.finish())
    return Outcome(f"decisions of {path.name} ({', '.join(people) or 'nobody'})", run, tuple(run.notes))


def _vote(board: Board, record: str, person: str) -> str | None:
    report = board.texts.reports[record]
    return next((vote.verdict for vote in board.ballots.votes(report) if vote.reviewer == person), None)


def _row(
    workspace: Workspace, board: Board, one: ForeignDecision, reason: str | None, record: str, uuid: str
) -> dict[str, Any]:
    row = {
        "uuid": uuid, "record_id": record, "stage": one.stage, "verdict": one.verdict, "reason": reason,
        "reviewer": one.reviewer, "protocol_version": workspace.protocol_version(),
        "members": " ".join(board.texts.members(board.texts.reports[record])),
    }  # fmt: skip
    # Without an offset the tool's clock says nothing; then it is the time of the take-over.
    dated = one.decided_at and (one.decided_at.endswith("Z") or "+" in one.decided_at[10:])
    return {**row, "at": one.decided_at if dated else now()}


def _remarks(one: ForeignDecision, reason: str | None, record: str, uuid: str) -> Iterator[dict[str, Any]]:
    """The person's notes and tags, and the tool's words for a reason that is no criterion."""
    texts = [("note", one.note)] if one.note else []
    if one.reason and one.reason != reason:
        texts.append(("note", f"reason given elsewhere: {one.reason}"))
    texts += [("tag", label) for label in one.labels]
    for number, (kind, text) in enumerate(texts):
        yield {
            "uuid": str(uuid5(NAMESPACE_URL, f"{uuid}/{number}")), "record_id": record, "stage": one.stage,
            "kind": kind, "text": text, "person": one.reviewer,
        }  # fmt: skip
