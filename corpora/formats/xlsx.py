"""XLSX: the first sheet with a header, its columns guessed as those of a CSV."""

import zipfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from corpora.errors import FormatError
from corpora.formats.base import Format, Row
from corpora.formats.table import columns, fields_of


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of the first sheet; formulas are read as the values they had when the file was saved."""
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise FormatError(f"{path}: cannot be read as XLSX: {error}") from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = [str(name).strip() if name is not None else "" for name in next(rows, ())]
        places = columns(header, mapping, path)
        number = 0
        for cells in rows:
            if any(cell is not None and str(cell).strip() for cell in cells):
                values = [_plain(cell) for cell in (*cells, *[None] * (len(header) - len(cells)))]
                yield Row(number, fields_of(header, values, places))
                number += 1
    finally:
        book.close()


def _plain(cell: Any) -> Any:
    """Whole numbers without ``.0``, days without midnight."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell.isoformat()[:10] if isinstance(cell, date) else cell


def _sniff(start: bytes) -> bool:
    # A workbook's archive begins with its list of types or its properties; DOCX lists word/ first.
    return start.startswith(b"PK\x03\x04") and (b"xl/" in start or b"[Content_Types].xml" in start[:60])


FORMAT = Format("xlsx", (".xlsx",), _sniff, read, maps=True)
