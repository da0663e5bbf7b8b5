"""`review export --osf`: a folder for deposit: what was decided and measured, without texts of others.

Left out: abstracts (unless asked for, and then only where a record's licence allows it), full texts,
raw answers of services, what a person quoted from a text, prompts and answers that hold texts, and
keys. The same state gives the same bytes.
"""

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

from classifiers.codebook import load as load_codebook
from corpora import cells
from corpora.errors import DiskError, InputError
from corpora.files import write_whole
from corpora.progress import Progress, silent
from corpora.run import Account, Run
from corpora.schema import KINDS
from review import linking, patches
from review.gathering.ingest import Outcome
from review.migrations import TABLES
from review.packing import README, Names, open_licence, scrubbed, words_of
from review.report.build import FOLDER
from review.topicfile import FILE as TOPICS
from review.workspace import KINDS as PARTS
from review.workspace import Workspace

RECORDS = ("record_id", "report_id", "study_id", "source", "source_key", "doi", "pmid", "pmcid",
           "openalex_id", "title")  # fmt: skip
_TEXTS = {"suggestions": ("prompt", "raw"), "annotations": ("quote",)}
"""Columns that hold words of a record: their SHA-256 stands instead."""

BUILT = (FOLDER, "figures", "tables")
"""Folders that are taken as they were built."""

_SHARED = {"links": KINDS["links"], "labels": KINDS["labels"], "topics": KINDS["topics"]}
"""Tables of the corpus that hold identifiers and no texts: they go as they are."""

_CARDS = ("MODEL_CARD.md", "evaluation.json")

_QUIET = ("deposits",)
"""Kinds of runs that are left out of the list: else each deposit would differ from the one before."""


def deposit(
    workspace: Workspace,
    folder: Path,
    *,
    pseudonyms: bool = False,
    with_abstracts: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """Pack the review into a new or empty folder; gives what was written.

    Raises:
        InputError: the folder holds something already.

    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"--osf {folder}: is not empty; name a new folder")
    run = Run.begin(
        "deposit",
        {"pseudonyms": pseudonyms, "with_abstracts": with_abstracts},
        input_hash=workspace.snapshot(),
    )
    names = Names(workspace.ledger if pseudonyms else None)
    building = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(building, ignore_errors=True)
    counts = {"files": 0, "keys taken out": 0}
    sums = []
    for name, body in _bodies(workspace, names, with_abstracts=with_abstracts):
        clean, found = scrubbed(name, body)
        counts["keys taken out"] += found
        write_whole(building / name, clean)
        sums.append(f"{hashlib.sha256(clean).hexdigest()}  {name}")
        counts["files"] += 1
        progress("packing", counts["files"])
    write_whole(building / "SHA256SUMS", ("\n".join(sorted(sums, key=lambda s: s[66:])) + "\n").encode())
    try:
        building.rename(folder)
    except OSError as error:
        raise DiskError(f"{folder}: cannot be made: {error.strerror or error}") from error
    run.account = Account(counts["files"], counts["files"], counts=counts | names.counts())
    workspace.ledger.add_run("deposits", run.finish())
    return Outcome(f"deposit → {folder}", run, tuple(_remarks(workspace, folder, names)))


def _remarks(workspace: Workspace, folder: Path, names: Names) -> Iterator[str]:
    """What a person should look at: no report, or names in what was built before."""
    if not (workspace.root / FOLDER).is_dir():
        yield "no report was built: run review report, then pack into another folder"
    named = False
    for path in sorted(path for place in BUILT for path in (folder / place).rglob("*") if path.is_file()):
        for name, pseudonym, around in names.found(words_of(path.name, path.read_bytes())):
            named = True
            yield f"{path.relative_to(folder)}: holds the name {name} ({pseudonym}): “… {around} …”"
    if named:
        yield (
            "these files are as they were built, for a name can be a word too: where it is a person, take "
            "it out of the note in the review and build anew, or replace it here and in SHA256SUMS"
        )


def _bodies(workspace: Workspace, names: Names, *, with_abstracts: bool) -> Iterator[tuple[str, bytes]]:
    """Name → content of every file, in the order of the README."""
    yield (
        "README.md",
        README.format(
            title=workspace.protocol.review.title,
            state=workspace.snapshot(),
            version=version("litscale"),
            people="pseudonyms (person-1, …)" if names.known else "as people gave them",
            abstracts="of records whose licence field allows it" if with_abstracts else "left out",
        ).encode(),
    )
    for row in workspace.ledger.rows("protocols"):
        yield f"protocol/protocol-v{row['version']}.toml", names.text(row["text"]).encode()
    yield "protocol/protocol-present.toml", names.text(workspace.protocol_text).encode()
    book = load_codebook(workspace.protocol.labels.codebook)
    yield f"codebook/{book.name}.json", (book.model_dump_json(indent=1) + "\n").encode()
    if (workspace.root / TOPICS).is_file():
        yield TOPICS, names.text((workspace.root / TOPICS).read_text("utf-8")).encode()
    for name in TABLES:
        yield f"ledger/{name}.csv", _ledger(workspace, name, names)
    yield "records.csv", _records(workspace, with_abstracts=with_abstracts)
    yield "retrievals.csv", _retrievals(workspace)
    yield from _parts(workspace, names)
    yield "environment/versions.json", _versions(workspace)
    yield "environment/installed.txt", _installed()
    for name in BUILT:
        for path in sorted((workspace.root / name).rglob("*")):
            if path.is_file() and not path.name.startswith(".tmp-"):
                yield path.relative_to(workspace.root).as_posix(), path.read_bytes()


# ---------------------------------------------------------------- tables


def _csv(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if cell is None else cells.safe(str(cell)) for cell in row])
    return out.getvalue().encode("utf-8", "replace")


def _ledger(workspace: Workspace, name: str, names: Names) -> bytes:
    """All rows of a table, also superseded ones: the ledger is a history."""
    columns = [column.name for column in TABLES[name].columns]

    def rows() -> Iterator[list[Any]]:
        for row in workspace.ledger.rows(name):
            if name == "runs" and row["kind"] in _QUIET:
                continue
            made: dict[str, Any] = dict(row)
            for column in _TEXTS.get(name, ()):
                made[column] = _hashed(made[column])
            if name == "patches" and row["field"] == "abstract":
                made["value"] = _hashed(made["value"])
            yield [names.cell(column, made[column]) for column in columns]

    return _csv(columns, rows())


def _hashed(text: str | None) -> str | None:
    return text and f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _records(workspace: Workspace, *, with_abstracts: bool) -> bytes:
    clusters = linking.clusters(workspace)
    held = [name for name in RECORDS if name not in ("report_id", "study_id")]
    table = patches.records(workspace, [*held, *(("abstract", "licence") if with_abstracts else ())])

    def rows() -> Iterator[list[Any]]:
        for row in table.to_pylist():
            one = row["record_id"]
            known = {**row, "report_id": clusters.reports[one], "study_id": clusters.studies[one]}
            made = [known[name] for name in RECORDS]
            if with_abstracts:
                made += [row["licence"], row["abstract"] if open_licence(row["licence"]) else None]
            yield made

    return _csv((*RECORDS, "licence", "abstract") if with_abstracts else RECORDS, rows())


def _retrievals(workspace: Workspace) -> bytes:
    columns = ["record_id", "content_hash", "search", "source", "kind", "origin", "row"]
    table = workspace.corpus.table("records", "retrievals", columns)
    return _csv(columns, (list(row.values()) for row in table.to_pylist()))


def _parts(workspace: Workspace, names: Names) -> Iterator[tuple[str, bytes]]:
    """What every run said of itself; links and labels as the corpus has them; cards of the models."""
    for kind in PARTS:
        for part in workspace.corpus.parts(kind):
            told = names.plain(json.loads((part.path / "run.json").read_text("utf-8")))
            place = f"runs/{kind}/{part.run.id}"
            yield f"{place}/run.json", (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()
            kept = [f"{name}.parquet" for name in _SHARED.get(kind, ())] + list(_CARDS)
            for name in kept:
                if (part.path / name).is_file():
                    yield f"{place}/{name}", (part.path / name).read_bytes()


# ---------------------------------------------------------------- the environment


def _versions(workspace: Workspace) -> bytes:
    """Library → the versions that runs noted."""
    found: dict[str, set[str]] = {}
    for kind in PARTS:
        for part in workspace.corpus.parts(kind):
            for name, held in part.run.versions.items():
                found.setdefault(name, set()).add(held)
    plain: Mapping[str, list[str]] = {name: sorted(held) for name, held in sorted(found.items())}
    return (json.dumps(plain, indent=1) + "\n").encode()


def _installed() -> bytes:
    """litscale and what it requires, as installed where this was packed."""
    lines = [f"litscale=={version('litscale')}"]
    for one in sorted(requires("litscale") or ()):
        if "extra ==" not in one:
            name = re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0]
            lines.append(f"{name}=={version(name)}")
    return ("\n".join(lines) + "\n").encode()
