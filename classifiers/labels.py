"""Labelled records: one object a row, as JSON lines, CSV or Parquet.

``{"record_key": "…", "scope": "in_scope", "methods": ["neural"], "rag": true, …}``. A dimension
that a row does not name was not asked: it is masked, never negative.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.codebook import Codebook, Dimension
from classifiers.tagger import Codes
from corpora.errors import InputError
from corpora.words import counted


@dataclass(frozen=True, slots=True)
class Labelled:
    """n labelled rows: their keys, codes (n, L), the rows as read, and what was odd."""

    keys: list[str]
    codes: Codes
    rows: list[dict[str, Any]]
    notes: tuple[str, ...]


def read_labels(path: Path, codebook: Codebook, key: str) -> Labelled:
    """Read labelled rows; the same key twice is refused unless both rows say the same.

    Raises:
        InputError: names file, row, field and value.

    """
    ids = {name: column for column, name in enumerate(codebook.label_ids())}
    keys: dict[str, int] = {}
    codes: list[np.ndarray[Any, np.dtype[np.int8]]] = []
    kept: list[dict[str, Any]] = []
    odd: Counter[str] = Counter()
    for number, row in enumerate(_rows(path)):
        name = str(row.get(key) or "")
        if not name:
            raise InputError(f"{path}: row {number}: no {key!r}; name the column with --key")
        made = _codes(row, codebook, ids, odd)
        if name in keys:
            if not np.array_equal(codes[keys[name]], made):
                raise InputError(f"{path}: row {number}: {key} {name!r} has other labels before")
            odd["the same key and labels again"] += 1
            continue
        keys[name] = len(kept)
        codes.append(made)
        kept.append(row)
    if not kept:
        raise InputError(f"{path}: holds no labelled row")
    notes = tuple(f"{path.name}: {what}: {counted(count, 'time')}" for what, count in sorted(odd.items()))
    return Labelled(list(keys), np.stack(codes), kept, notes)


def _codes(
    row: dict[str, Any], codebook: Codebook, ids: dict[str, int], odd: Counter[str]
) -> np.ndarray[Any, np.dtype[np.int8]]:
    made = np.full(len(ids), -1, np.int8)
    for dimension in codebook.dimensions:
        if dimension.id not in row:
            continue
        columns = codebook.columns(dimension.id)
        values = _values(row[dimension.id], dimension)
        if values is None:
            continue
        made[columns] = 0
        for value in values:
            name = f"{dimension.id}.{value}"
            if name in ids:
                made[ids[name]] = 1
            else:
                odd[f"label {name} is not in the codebook"] += 1
    return made


def _values(value: Any, dimension: Dimension) -> list[str] | None:
    """The labels a cell names; None if it was not asked."""
    if value is None or value != value:  # NaN is not equal to itself
        return None
    if dimension.kind == "flag":
        return ["yes"] if str(value).lower() in ("true", "1", "yes", "['yes']") else []
    if isinstance(value, str):
        return [part.strip() for part in value.replace("|", ";").split(";") if part.strip()]
    return [str(part) for part in value]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        if path.suffix == ".parquet":
            yield from pq.read_table(path).to_pylist()
        elif path.suffix in (".csv", ".tsv"):
            with path.open(encoding="utf-8-sig", newline="") as handle:
                yield from csv.DictReader(handle, delimiter="," if path.suffix == ".csv" else "\t")
        else:
            with path.open(encoding="utf-8") as handle:
                for number, line in enumerate(handle):
                    if line.strip():
                        yield _object(line, number, path)
    except (OSError, UnicodeDecodeError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: the labels cannot be read: {error}") from error


def _object(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{path}: line {number + 1}: not JSON ({error}): {line[:60]!r}") from error
    if not isinstance(row, dict):
        raise InputError(f"{path}: line {number + 1}: not an object: {line[:60]!r}")
    return row
