"""What other tools decided, as plain rows; and the rows of their tables and RIS files.

Rows are counted as the importer counts them (`corpora.formats.base.Row.number`: data rows from 0,
empty lines are none), so a decision finds its record without comparing titles.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal

from corpora.errors import FormatError, InputError, UnaccountedError
from corpora.formats.detect import open_file
from corpora.formats.encoding import lines
from corpora.words import counted

Verdict = Literal["include", "exclude", "maybe"]

_DELIMITERS = (",", ";", "\t", "|")
_TABLES = (".csv", ".tsv", ".tab")


class RowError(Exception):
    """Raised when one row cannot be read; it is caught where the row is accounted for."""


@dataclass(frozen=True, slots=True)
class ForeignDecision:
    """One person's decision on the record in data row ``row`` (from 0) of the records file.

    ``reviewer`` is None where the tool names nobody; ``decided_at`` is ISO 8601, with its offset
    where the tool stored one (ASReview 1 stored local time without).
    """

    row: int
    reviewer: str | None
    stage: str
    verdict: Verdict
    reason: str | None = None
    note: str | None = None
    labels: tuple[str, ...] = ()
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A row whose decision could not be read, or (row None) a decision on no row of the file."""

    row: int | None
    place: str
    why: str


@dataclass(slots=True)
class Foreign:
    """All rows of a file: decided, undecided or unreadable; two people can have decided one row.

    ``records_file`` is what the importer reads: the file itself, or the data set that was taken
    out of a project (None if no folder was given for it). ``remarks`` are for the person.
    """

    tool: str
    rows: int = 0
    decisions: list[ForeignDecision] = field(default_factory=list)
    undecided: list[int] = field(default_factory=list)
    unreadable: list[Unread] = field(default_factory=list)
    records_file: Path | None = None
    remarks: list[str] = field(default_factory=list)

    def check(self) -> "Foreign":
        """Itself, if each row is accounted for exactly once.

        Raises:
            UnaccountedError: the numbers do not add up.

        """
        decided = {one.row for one in self.decisions}
        unread = {one.row for one in self.unreadable if one.row is not None}
        told = [*decided, *self.undecided, *unread]
        if sorted(told) != list(range(self.rows)):
            raise UnaccountedError(
                f"{self.tool}: {counted(self.rows, 'row')}, but {len(decided)} decided, "
                f"{len(self.undecided)} "
                f"undecided and {len(unread)} unreadable ones"
            )
        return self


@dataclass(frozen=True, slots=True)
class Entry:
    """A data row: ``values`` by lower-case column name, or why it is ``refused``.

    Of a RIS record only ``notes`` is given: its N1 fields, each on a line.
    """

    row: int
    values: Mapping[str, str]
    refused: str | None = None

    @property
    def place(self) -> str:
        """For a person, counted from 1."""
        return f"data row {self.row + 1}"


def entries(path: Path) -> tuple[tuple[str, ...], Iterator[Entry]]:
    """Column names in lower case (none for RIS), and the rows.

    Raises:
        InputError: missing, unreadable, or neither a CSV table nor RIS.

    """
    reading = open_file(path)
    if reading.format == "ris":
        return (), (
            Entry(
                row.number, {} if row.refused else {"notes": _joined(row.fields.get("ris:N1"))}, row.refused
            )
            for row in reading.rows
        )
    if reading.format != "csv":
        raise InputError(f"{path}: is {reading.format}; decisions are read from CSV and RIS exports")
    texts = (line.text + "\n" for line in lines(path))
    first = next(texts, "")
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(chain([first], texts), delimiter=delimiter, strict=True)
    header = tuple(name.strip().lower() for name in next(reader, []))
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        raise FormatError(f"{path}: column {twice[0]!r} comes twice; rename one")
    return header, _cells(reader, header)


def _cells(reader: Iterator[list[str]], header: tuple[str, ...]) -> Iterator[Entry]:
    """The same rows, and the same refused, as `corpora.formats.table` gives."""
    row = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) < len(header) - 1 or any(cells[len(header) :]):
                yield Entry(
                    row,
                    {},
                    f"{counted(len(cells), 'cell')} where the header has {counted(len(header), 'column')}",
                )
            else:
                texts = (cell.strip() for cell in cells)
                yield Entry(row, dict(zip(header, texts, strict=False)))
            row += 1
    except csv.Error as error:
        yield Entry(row, {}, f"{error}; a quotation mark is never closed: cut off?")


def _joined(value: object) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")


def listed(text: str, separators: str = ",") -> tuple[str, ...]:
    """Parts of a list in one cell, stripped, without empty ones.

    >>> listed("a, b,,c ")
    ('a', 'b', 'c')
    """
    for separator in separators[1:]:
        text = text.replace(separator, separators[0])
    return tuple(part.strip() for part in text.split(separators[0]) if part.strip())
