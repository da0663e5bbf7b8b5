"""`review verify`: what a report and figures say, computed again from the ledger and the corpus.

Everything is computed in a copy of the workspace without its cache, so that no derived file can hide a
change; the corpus' files are read whole and compared with their ``run.json`` and the ledger's list.
"""

import csv
import io
import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpora.errors import InputError, LitscaleError
from corpora.progress import Progress, silent
from corpora.registry import entries
from review import export
from review.differing import ABSENT, CORPUS, FILES, TEXTS, Difference, Verified
from review.facts import facts
from review.figures.save import escaped
from review.gathering.ingest import file_hash
from review.materials import signatures
from review.report import build
from review.report.gathering import Material
from review.tables.kinds import KINDS as TABLES
from review.tables.kinds import table_of
from review.tables.save import FORMATS
from review.workspace import KINDS, Workspace

_DERIVED = ("cache", "figures", "tables", build.FOLDER)
_MOST = 5
"""Differing cells or rows of one table that are told; the rest are counted."""


def verify(workspace: Workspace, path: Path | None = None, progress: Progress = silent) -> Verified:
    """Compare the corpus, a report (``report/`` unless named), figures and tables with what is there now.

    Raises:
        InputError: a report is named and cannot be read.

    """
    found = Verified()
    _corpus(workspace, found, progress)
    held = _read(workspace, path)
    with _without_cache(workspace) as fresh:
        try:
            if held is not None:
                _report(fresh, held, found, progress)
            _figures(workspace, fresh, found, progress)
            _tables(workspace, fresh, found, progress)
        except LitscaleError as error:
            found.differing.append(
                Difference("workspace", "cannot be computed again", "computed", str(error))
            )
    return found


@contextmanager
def _without_cache(workspace: Workspace) -> Iterator[Workspace]:
    """The same workspace in a folder of links, with nothing that was derived before."""
    with tempfile.TemporaryDirectory(prefix="litscale-verify-") as name:
        root = Path(name)
        for path in workspace.root.iterdir():
            if path.name not in _DERIVED:
                (root / path.name).symlink_to(path)
        yield Workspace(root)


# ---------------------------------------------------------------- the corpus and full texts


def _corpus(workspace: Workspace, found: Verified, progress: Progress) -> None:
    """Hashes of all files by ``run.json``, and of all ``run.json`` by the ledger."""
    listed = {row["uuid"]: json.loads(row["files"]) for row in workspace.ledger.rows("runs")}
    parts = [(kind, part) for kind in KINDS for part in workspace.corpus.parts(kind)]
    files = 0
    for done, (kind, part) in enumerate(parts):
        progress("checking the corpus", done, len(parts))
        place = f"corpus/{kind}/{part.path.name}"
        told = {name: entry.sha256 for name, entry in part.run.files.items()}
        if told != listed.get(part.run.id):
            found.differing.append(
                Difference(f"{place}/run.json", "list of files", listed.get(part.run.id), told)
            )
        for name, entry in part.run.files.items():
            file = part.path / (f"{name}.parquet" if entry.rows is not None else name)
            files += 1
            _hash(file, f"{place}/{file.name}", entry.sha256, found)
    progress("checking the corpus", len(parts), len(parts))
    found.compared[CORPUS] = files
    texts = [row for row in workspace.ledger.current("fulltexts") if row["sha256"]]
    for row in texts:
        _hash(workspace.root / row["place"], row["place"], row["sha256"], found)
    if texts:
        found.compared[TEXTS] = len(texts)


def _hash(file: Path, where: str, old: str, found: Verified) -> None:
    new = file_hash(file) if file.is_file() else "missing"
    if new != old:
        found.differing.append(Difference(where, "sha256", old, new))


# ---------------------------------------------------------------- the report


def _read(workspace: Workspace, path: Path | None) -> tuple[Path, dict[str, Any]] | None:
    """The report that is named, or the workspace's own if there is one."""
    given = path or workspace.root / build.FOLDER
    file = given / build.NUMBERS if given.is_dir() or path is None else given
    if path is None and not file.is_file():
        return None
    try:
        held = json.loads(file.read_text("utf-8"))
        return file, {name: held[name] for name in ("numbers", "figures", "sections", "files")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: cannot be read as a report's {build.NUMBERS} ({error}); make one with: review report"
        ) from error


def _report(
    fresh: Workspace, given: tuple[Path, dict[str, Any]], found: Verified, progress: Progress
) -> None:
    file, held = given
    runs = [json.loads(row["files"]) for row in fresh.ledger.rows("runs") if row["kind"] == "reports"]
    known = [files[build.NUMBERS] for files in runs]
    if (own := file_hash(file)) not in known:
        old = known[-1] if known else "not in the ledger"
        found.differing.append(Difference(file.name, "sha256", old, own))
    for name, old in held["files"].items():
        _hash(file.with_name(name), name, old, found)
    m = Material(fresh, progress)
    document = build.compose(m)
    new = {key: row["value"] for key, row in m.numbers.held.items()}
    old = {key: row["value"] for key, row in held["numbers"].items()}
    for key in dict.fromkeys([*old, *new]):
        one, two = old.get(key, ABSENT), new.get(key, ABSENT)
        if not _same(one, two):
            found.differing.append(Difference("report", key, one, two))
    for name in sorted({*held["figures"], *m.tables}):
        where = f"report, figure {name}"
        if name in held["figures"] and name in m.tables:
            _table(where, held["figures"][name], m.tables[name], found)
        else:
            sides = ("there", ABSENT) if name in held["figures"] else (ABSENT, "there")
            found.differing.append(Difference(where, "table", *sides))
    sections = document.sections()
    for name in dict.fromkeys([*held["sections"], *sections]):
        one, two = held["sections"].get(name, ABSENT), sections.get(name, ABSENT)
        if one != two:
            found.differing.append(Difference("report, section", f"{name}: words", one, two))
    found.compared |= {
        FILES: len(held["files"]) + 1, "numbers": len(old), "sections": len(held["sections"]),
        "figures of the report": len(held["figures"]),
    }  # fmt: skip


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == two)


# ---------------------------------------------------------------- figures and tables


def _figures(workspace: Workspace, fresh: Workspace, found: Verified, progress: Progress) -> None:
    """Tables, words and files of every figure under ``figures/``."""
    held = None
    for path, told, name in _saved(workspace, "figures", found, progress):
        asked = _asked(told["name"])
        if asked is None:
            found.differing.append(Difference(name, "figure", told["name"], "no figure of that name"))
            continue
        held = held or facts(fresh)
        spec = export.spec_of(asked)
        tidy = export.tidy_of(fresh, spec, held)
        _table(name, _text(path), escaped(tidy.frame).to_csv(index=False), found)
        words = {"alt": spec.alt(tidy), "unit": tidy.unit, "denominator": tidy.denominator,
                 "population": tidy.population, "notes": list(tidy.notes)}  # fmt: skip
        _words(name, told, words, found)
        if told.get("inputs") != export.inputs_of(fresh, spec):
            found.notes.append(f"{name}: stale: what it reads has changed since it was drawn")


def _tables(workspace: Workspace, fresh: Workspace, found: Verified, progress: Progress) -> None:
    """The same of every table under ``tables/``."""
    held = None
    for path, told, name in _saved(workspace, "tables", found, progress):
        asked = told["name"] if told["name"] in TABLES else _asked(told["name"])
        if asked is None:
            found.differing.append(Difference(name, "table", told["name"], "no table of that name"))
            continue
        held = held or facts(fresh)
        table, reads = table_of(fresh, asked, held)
        if "csv" in told["formats"]:
            _table(name, _text(path), FORMATS["csv"](table).decode(), found)
        _words(name, told, {"what": table.what, "notes": list(table.notes), "rows": len(table.rows)}, found)
        if told.get("inputs") != signatures(fresh, reads):
            found.notes.append(f"{name}: stale: what it reads has changed since it was written")


def _saved(
    workspace: Workspace, folder: str, found: Verified, progress: Progress
) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Every figure or table on disk: its JSON, what that says, and its name; its files are compared."""
    paths = sorted((workspace.root / folder).rglob("*.json"))
    runs = [json.loads(row["files"]) for row in workspace.ledger.rows("runs") if row["kind"] == folder]
    for done, path in enumerate(paths):
        progress(f"computing {folder} again", done, len(paths))
        name = path.relative_to(workspace.root).with_suffix("").as_posix()
        told = json.loads(path.read_text("utf-8"))
        for kind in dict.fromkeys((*told["formats"], *(("csv",) if folder == "figures" else ()), "json")):
            file = path.with_suffix(f".{kind}")
            known = [files[file.name] for files in runs if file.name in files]
            new = file_hash(file) if file.is_file() else "missing"
            # A file must be one that a run of the ledger has written.
            if new not in known:
                old = known[-1] if known else "not in the ledger"
                found.differing.append(Difference(f"{name}.{kind}", "sha256", old, new))
        yield path, told, name
    progress(f"computing {folder} again", len(paths), len(paths))
    found.compared[folder] = len(paths)


def _text(path: Path) -> str:
    table = path.with_suffix(".csv")
    return table.read_text("utf-8") if table.is_file() else ""


def _words(name: str, told: dict[str, Any], words: dict[str, Any], found: Verified) -> None:
    for key, new in words.items():
        if told.get(key) != new:
            found.differing.append(Difference(name, key, told.get(key), new))


def _asked(name: str) -> str | None:
    """What a saved figure was asked for by: ``label-trends-tasks`` by ``label-trends:tasks``."""
    for plain in sorted(entries("figures"), key=len, reverse=True):
        if name == plain:
            return plain
        if name.startswith(f"{plain}-"):
            return f"{plain}:{name.removeprefix(plain + '-').replace('-', ',')}"
    return None


def _table(where: str, old: str, new: str, found: Verified) -> None:
    """What differs between two tables: the first cells, or the first rows that only one of them has."""
    if old == new:
        return
    one, two = (list(csv.reader(io.StringIO(text))) for text in (old, new))
    if one and one[:1] == two[:1] and len(one) == len(two):
        told = [
            (f"row {number} ({', '.join(left[:3])}), {column}", left[k], right[k])
            for number, (left, right) in enumerate(zip(one[1:], two[1:], strict=True), 1)
            for k, column in enumerate(one[0])
            if left[k] != right[k]
        ]
    else:
        told = [("row", ", ".join(row), ABSENT) for row in one if row not in two]
        told += [("row", ABSENT, ", ".join(row)) for row in two if row not in one]
    found.differing += [Difference(where, *cell) for cell in told[:_MOST]]
    if left_out := len(told) - _MOST if len(told) > _MOST else 0:
        found.differing.append(Difference(where, "more of the table", "as saved", f"{left_out:,} differ"))
