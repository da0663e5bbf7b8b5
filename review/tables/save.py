"""`review tables`: tables as CSV, Markdown, LaTeX, DOCX and HTML, each with what it was made from."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from corpora.errors import InputError
from corpora.files import write_whole
from corpora.progress import Progress, silent
from corpora.registry import entries, unknown
from corpora.run import FileEntry, Run
from review import materials
from review.facts import facts
from review.figures.save import escaped
from review.gathering.ingest import file_hash
from review.report.document import markdown
from review.report.page import html
from review.report.word import word
from review.tables.kinds import KINDS, table_of
from review.tables.latex import latex
from review.tables.table import Table
from review.workspace import Workspace

FORMATS: dict[str, Callable[[Table], bytes]] = {
    "csv": lambda table: escaped(table.frame).to_csv(index=False).encode(),
    "md": lambda table: markdown(table.document()).encode(),
    "tex": lambda table: latex(table).encode(),
    "docx": lambda table: word(table.document()),
    "html": lambda table: html(table.document()).encode(),
}
"""Suffix → bytes. CSV holds unrounded values for computing, the others the table as printed."""


@dataclass(frozen=True, slots=True)
class SavedTable:
    """Which files a table was written to."""

    name: str
    title: str
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"name": self.name, "title": self.title, "files": [str(path) for path in self.files]}


def save(table: Table, folder: Path, formats: Sequence[str], inputs: dict[str, Any]) -> SavedTable:
    """Write ``NAME.csv|md|tex|docx|html`` and, last, ``NAME.json``: where it is, the table is complete."""
    bodies = {f"{table.name}.{kind}": FORMATS[kind](table) for kind in formats}
    told = {
        "name": table.name,
        "title": table.title,
        "what": table.what,
        "notes": list(table.notes),
        "marks": list(table.marks),
        "rows": len(table.rows),
        "inputs": inputs,
        "formats": list(formats),
        "versions": {"litscale": version("litscale")},
    }
    bodies[f"{table.name}.json"] = json.dumps(told, indent=1, ensure_ascii=False).encode()
    for name, body in bodies.items():
        write_whole(folder / name, body)
    return SavedTable(table.name, table.title, tuple(folder / name for name in bodies))


def tables(
    workspace: Workspace,
    names: Sequence[str] | None = None,
    *,
    formats: Sequence[str] | None = None,
    progress: Progress = silent,
) -> list[SavedTable]:
    """Write tables (all of `KINDS` and those of the protocol's figures unless named) into ``tables/``.

    Raises:
        InputError: a format that is not known.
        UnknownNameError: a name that is neither a table's nor a figure's.

    """
    wanted = list(dict.fromkeys(formats or FORMATS))
    for kind in wanted:
        if kind not in FORMATS:
            raise InputError(f"tables: the format {kind!r} is not known; known: {', '.join(FORMATS)}")
    chosen = list(dict.fromkeys(names or (*KINDS, *workspace.protocol.figures.names)))
    known = {*KINDS, *entries("figures")}
    for name in chosen:
        if name.partition(":")[0] not in known:
            raise unknown("table", name, known)
    run = Run.begin("tables", {"names": chosen, "formats": wanted}, input_hash=workspace.snapshot(),
                    libraries=("pandas", "python-docx"))  # fmt: skip
    held = facts(workspace)
    saved = []
    for number, name in enumerate(chosen):
        progress("writing tables", number, len(chosen))
        table, reads = table_of(workspace, name, held)
        saved.append(save(table, workspace.root / "tables", wanted, materials.signatures(workspace, reads)))
    progress("writing tables", len(chosen), len(chosen))
    run.account.promised, run.account.delivered = len(chosen), len(saved)
    run.files = {path.name: FileEntry(None, file_hash(path)) for item in saved for path in item.files}
    workspace.ledger.add_run("tables", run.finish())
    return saved
