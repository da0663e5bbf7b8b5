"""Which format a file has: by its content first; the suffix only breaks ties."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from corpora.errors import FormatError, InputError
from corpora.formats.base import Format, Row
from corpora.formats.encoding import head
from corpora.registry import entries, load

_FOREIGN = (
    (b"%PDF", "a PDF"),
    (
        b"PK\x03\x04",
        "a ZIP archive (DOCX, ODS, a Citavi backup …); save it as CSV or XLSX, or export it as RIS",
    ),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an old Office file; save it as CSV"),
    (b"SQLite format 3", "a SQLite database"),
)

# Text that librarians bring and that no reader takes: what it is, and how to save it instead.
_FOREIGN_TEXT = (
    (rb"%[0-9A-Z@]( |\r?\n|$)", "EndNote's or Refer's tagged export (.enw); export it as RIS or EndNote XML"),
    (rb"<\d+>\s*\n", "Ovid's citation text; export it from Ovid as RIS"),
    (rb"--[A-Za-z]{2}--", "Biblioscape's tagged text; export it as RIS"),
    (rb"Record.{1,6}INSPEC", "Inspec's plain text; export it as RIS"),
    (rb"(?-i:TI|AU)- ", "Copac's tagged text; export it as RIS or BibTeX"),
    (rb"[\s\S]*?^(cff-version:|# YAML )", "a citation file of a program (CFF), not an export of records"),
    (rb"<TEI", "the full text of one document (TEI XML), not an export of records"),
    (rb"<(!DOCTYPE )?html", "a web page; save the export itself, not the page that shows it"),
    (
        rb"(?-i:[A-Z][A-Z0-9])  ?- ",
        "RIS without the line 'TY  - …' that opens a record: is its start missing?",
    ),
    (rb"(?-i:PM[A-Z]{1,3}) ?-", "PubMed's text without the line 'PMID- …' that opens a record"),
    (rb"(%.*\n|\s)*%.{0,40}ncoding", "BibTeX without an entry in it"),
    (rb"<\?xml|<[A-Za-z]", "XML that is neither PubMed's nor EndNote's; export it as RIS"),
    (rb"[{\[]", "JSON that is not of OpenAlex; export it as RIS or CSV"),
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
    plain = start.lstrip()
    for pattern, name in _FOREIGN_TEXT:
        if re.match(pattern, plain, re.MULTILINE | re.IGNORECASE):
            return name
    first = plain.decode("utf-8", "replace").split("\n", 1)[0].strip()
    return f"text with no records that can be told apart (it begins with {first[:60]!r})"
