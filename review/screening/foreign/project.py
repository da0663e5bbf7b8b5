"""ASReview project files (``.asreview``), opened as what a stranger may have made.

A zip: ``project.json``, the data set under ``data/``, and the decisions in SQLite: version 1
``reviews/ID/results.sql``; version 2 ``reviews/ID/results.db`` and ``data_store.db``; version 3
``results.db`` alone (seen in files made by ASReview 1.6, 2.1 and 3.0.8). Only these are taken out,
to names of our own, and no further than a limit; pickled or saved matrices are never opened.
"""

import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from corpora.errors import FormatError, InputError
from corpora.formats.detect import open_file

CONFIG = "project.json"
_MOST_CONFIG = 16 << 20
_MOST_BYTES = 2 << 30
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Project:
    """What a project file holds: its data set's rows by record id, and its rows of decisions.

    ``results`` are rows of the table of that name by column; ``rows`` maps record id → data row
    (from 0) of ``dataset``.
    """

    version: int
    dataset: str
    rows: dict[int, int]
    results: list[dict[str, Any]]


def is_project(path: Path) -> bool:
    """Whether it is a zip with a project.json on top."""
    try:
        with zipfile.ZipFile(path) as archive:
            return CONFIG in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read_project(path: Path, into: Path | None) -> tuple[Project, Path | None]:
    """The project, and its data set, taken out into the folder ``into``.

    Raises:
        InputError: no ASReview project, damaged, larger than the limit, of version 0 or a later
            one than 3, a simulation, or with another number of records than its data set.

    """
    try:
        with zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
            config = _config(path, archive)
            project = _project(path, archive, config, Path(folder))
            target = _dataset_into(path, archive, project, into) if into else None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FormatError(f"{path}: not a readable zip: {error}") from error
    except sqlite3.Error as error:
        raise FormatError(f"{path}: its database cannot be read: {error}") from error
    return project, target


def _dataset_into(path: Path, archive: zipfile.ZipFile, project: Project, into: Path) -> Path:
    """The data set in the folder, if it has as many rows for our importer as ASReview has records."""
    target = into / project.dataset
    if target.exists():
        raise InputError(f"{target}: is there already; name an empty folder for the project's data set")
    into.mkdir(parents=True, exist_ok=True)
    _take(path, archive, f"data/{project.dataset}", target)
    try:
        _count(path, project, target)
    except InputError:
        target.unlink()
        raise
    return target


def _count(path: Path, project: Project, dataset: Path) -> None:
    counted = sum(1 for _ in open_file(dataset).rows)
    if counted != len(project.rows):
        raise InputError(
            f"{path}: ASReview holds {len(project.rows)} records, its data set {project.dataset} has "
            f"{counted} rows here: the decisions cannot be placed; export them from ASReview as CSV"
        )


def _config(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if CONFIG not in archive.namelist():
        raise FormatError(f"{path}: no {CONFIG} in this zip, so it is no ASReview project")
    if archive.getinfo(CONFIG).file_size > _MOST_CONFIG:
        raise FormatError(f"{path}: its {CONFIG} is larger than {_MOST_CONFIG >> 20} MB")
    try:
        config = json.loads(archive.read(CONFIG))
    except ValueError as error:
        raise FormatError(f"{path}: {CONFIG} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise FormatError(f"{path}: {CONFIG} holds no table of settings")
    return config


def _project(path: Path, archive: zipfile.ZipFile, config: dict[str, Any], folder: Path) -> Project:
    version = config.get("project_file_version") or str(config.get("version", "")).split(".")[0]
    if str(version) not in ("1", "2", "3"):
        raise InputError(
            f"{path}: made by ASReview {config.get('version')!r}; known are 1, 2 and 3: open it in one of "
            "these and export it again, or export its decisions as CSV"
        )
    if config.get("mode") == "simulate":
        raise InputError(f"{path}: is a simulation: its labels are those of the data set, not a reviewer's")
    number = int(version)
    results = folder / "results.db"
    _take(path, archive, _place(path, config, number), results)
    with _opened(results) as base:
        taken = _rows(path, base, "results", "record_id", "label")
        order = _rows(path, base, "record_table", "record_id") if number == 1 else []
    if number == 1:
        pairs = [(one["record_id"], row) for row, one in enumerate(order)]
    else:
        store = results if number == 3 else folder / "store.db"
        if number == 2:
            _take(path, archive, "data_store.db", store)
        with _opened(store) as base:
            held = _rows(path, base, "record", "record_id", "dataset_row")
        pairs = [(one["record_id"], one["dataset_row"]) for one in held]
    rows = {record: row for record, row in pairs if isinstance(record, int) and isinstance(row, int)}
    if len(rows) != len(pairs) or sorted(rows.values()) != list(range(len(rows))):
        raise InputError(f"{path}: its records are not rows 0 to {len(pairs) - 1} of one data set")
    return Project(number, _dataset(path, config), rows, taken)


def _place(path: Path, config: dict[str, Any], version: int) -> str:
    """Where in the zip the decisions are."""
    if version == 3:
        return "results.db"
    reviews = config.get("reviews") or []
    ids = [str(review.get("id")) for review in reviews if isinstance(review, dict)]
    if len(ids) != 1:
        raise InputError(f"{path}: has {len(ids)} reviews ({', '.join(ids) or 'none'}); one is expected")
    return f"reviews/{ids[0]}/results.{'sql' if version == 1 else 'db'}"


def _dataset(path: Path, config: dict[str, Any]) -> str:
    """The data set's file name; anything but a plain name is refused."""
    sets = config.get("datasets") or [{"name": config.get("dataset_path")}]
    names = [str(one.get("name") or "") for one in sets if isinstance(one, dict)]
    if len(names) != 1:
        raise InputError(
            f"{path}: has {len(names)} data sets ({', '.join(names) or 'none'}); one is expected"
        )
    name = names[0]
    if not name or "\\" in name or name in (".", "..") or PurePosixPath(name).name != name:
        raise InputError(f"{path}: its data set is called {name!r}; a plain file name is expected")
    return name


def _take(path: Path, archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Copy one member out, counting what really comes: what a zip says of sizes may be a lie."""
    if member not in archive.namelist():
        raise FormatError(f"{path}: no {member} in it; is the project set up?")
    try:
        with archive.open(member) as source, target.open("xb") as copy:
            _copy(source, copy, f"{path}: {member}")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _copy(source: IO[bytes], copy: IO[bytes], what: str) -> None:
    left = _MOST_BYTES
    while block := source.read(_BLOCK):
        left -= len(block)
        if left < 0:
            raise InputError(f"{what} is larger than {_MOST_BYTES:,} bytes")
        copy.write(block)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Our copy of a database, read-only, trusting nothing in its schema."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as base:
        base.execute("PRAGMA trusted_schema = OFF")
        base.row_factory = sqlite3.Row
        base.text_factory = lambda raw: raw.decode("utf-8", "replace")
        yield base


def _rows(path: Path, base: sqlite3.Connection, name: str, *needed: str) -> list[dict[str, Any]]:
    """Rows of a table that is there, and is a table: a view could compute for ever."""
    kinds = {row["name"]: row["type"] for row in base.execute("SELECT name, type FROM sqlite_master")}
    if kinds.get(name) != "table":
        raise FormatError(f"{path}: its database has no table {name!r}, but {', '.join(kinds) or 'none'}")
    cursor = base.execute(f"SELECT * FROM {name}")  # noqa: S608 - one of our own three names
    columns = [one[0] for one in cursor.description]
    if missing := [one for one in needed if one not in columns]:
        raise FormatError(f"{path}: table {name!r} has no column {missing[0]!r}, but {', '.join(columns)}")
    return [dict(row) for row in cursor]
