"""Which format a file has: by its content first; the suffix only breaks ties."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from corpora.errors import FormatError, InputError
from corpora.formats.base import Format, Row
from corpora.formats.encoding import head
from corpora.registry import entries, load

_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive (DOCX, ODS …); save it as CSV or XLSX"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an old Office file; save it as CSV"),
    (b"SQLite format 3", "a SQLite database"),
)


_BINARY = ("xlsx", "parquet")


@dataclass(frozen=True, slots=True)
class Reading:
    """An opened file: its format's name and its rows (read as they are asked for)."""

    format: str
    rows: Iterator[Row]


def open_file(
    path: Path, *, format_name: str | None = None, mapping: Mapping[str, str] | None = None
) -> Reading:
    """Recognise a file and open its rows.

    Raises:
        InputError: missing, a folder, or unreadable.
        FormatError: empty, of no known format, or not of the one named.
        UnknownNameError: no format of that name.

    """
    start = _start(path)
    found = load("formats", format_name) if format_name else None
    likely = _likely(path, start)
    if found is None:
        if likely is None:
            raise FormatError(
                f"{path}: looks like {_foreign(start)}; known formats are "
                f"{', '.join(entries('formats'))}; name one with --format"
            )
        found = likely
    elif not found.sniff(start):
        seen = likely.name if likely else _foreign(start)
        raise FormatError(f"{path}: not {found.name}, it looks like {seen}")
    if mapping and not found.maps:
        raise InputError(f"{path}: --map is for tables, this file is {found.name}")
    return Reading(found.name, found.read(path, mapping or {}))


def _start(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name the files in it")
    try:
        start = head(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not start.strip():
        raise FormatError(f"{path}: the file is empty")
    return start


def _likely(path: Path, start: bytes) -> Format | None:
    formats: list[Format] = [load("formats", name) for name in entries("formats")]
    fits = [candidate for candidate in formats if candidate.sniff(start)]
    if any(start.startswith(mark) for mark, _ in _FOREIGN):
        fits = [candidate for candidate in fits if candidate.name in _BINARY]
    suffix = path.suffix.lower()
    fits.sort(key=lambda candidate: suffix not in candidate.suffixes)
    return fits[0] if fits else None


def _foreign(start: bytes) -> str:
    for mark, name in _FOREIGN:
        if start.startswith(mark):
            return name
    if b"\x00" in start[:1024]:
        return "a binary file"
    first = start.decode("utf-8", "replace").strip().split("\n", 1)[0]
    return f"none of them (it begins with {first[:60]!r})"
