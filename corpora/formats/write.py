"""Records as files for other tools: RIS, NBIB, BibTeX, CSV, ASReview CSV, XLSX.

Writers know records and ``extra``: further columns of a record by name (a decision, a label), which
somebody else made. RIS keeps them in ``C1`` … as ``name: value`` and in ``N1``, where Covidence,
Rayyan, EndNote and Zotero show them; tables give each a column. What is written reads back with
the same main fields (tests/corpora/test_writers.py).
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from corpora import cells
from corpora.errors import InputError
from corpora.record import Author, Record
from corpora.words import counted

_RIS_TYPES = {
    "journal article": "JOUR", "article": "JOUR", "jour": "JOUR", "book": "BOOK", "book chapter": "CHAP",
    "chap": "CHAP", "conference paper": "CPAPER", "conf": "CONF", "cpaper": "CPAPER", "thesis": "THES",
    "dissertation": "THES", "report": "RPRT", "preprint": "UNPB", "review": "JOUR", "dataset": "DATA",
}  # fmt: skip
_BIBTEX_TYPES = {
    "BOOK": "book", "CHAP": "incollection", "CPAPER": "inproceedings", "CONF": "inproceedings",
    "THES": "phdthesis", "RPRT": "techreport",
}  # fmt: skip


class Item(NamedTuple):
    """A record and what is written beside its own fields."""

    record: Record
    extra: Mapping[str, str]


def write(path: Path, items: Iterable[Item], name: str) -> int:
    """Write a file at once (to a temporary name, then renamed); gives the number of records.

    Raises:
        InputError: no writer of that name.

    """
    if name not in WRITERS:
        raise InputError(f"{path}: no writer {name!r}; known: {', '.join(sorted(WRITERS))}")
    temporary = path.with_name(f".tmp-{path.name}")
    listed = list(items)
    WRITERS[name](temporary, listed)
    temporary.rename(path)
    return len(listed)


def name_for(path: Path) -> str:
    """The writer that a file's name asks for.

    Raises:
        InputError: a suffix of no writer.

    """
    found = {".ris": "ris", ".nbib": "nbib", ".bib": "bibtex", ".csv": "csv", ".xlsx": "xlsx"}.get(
        path.suffix.lower()
    )
    if found is None:
        raise InputError(f"{path}: write .ris, .nbib, .bib, .csv or .xlsx, or name a format with --format")
    return found


# ---------------------------------------------------------------- tagged text


def _ris(path: Path, items: Sequence[Item]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        for item in items:
            for tag, value in (("TY", _ris_type(item.record)), *_ris_lines(item), ("ER", "")):
                out.write(f"{tag}  - {_line(value)}\r\n")
            out.write("\r\n")


def _ris_lines(item: Item) -> Iterable[tuple[str, str]]:
    record = item.record
    first, last = _ends(record.pages)
    listed = [
        ("TI", record.title), *(("AU", str(author)) for author in record.authors),
        ("PY", _number(record.year)),
        ("DA", (record.publication_date or "").replace("-", "/")), ("T2", record.venue),
        ("VL", record.volume), ("IS", record.issue), ("SP", first), ("EP", last), ("DO", record.doi),
        ("AN", record.pmid if record.source == "pubmed" else record.source_key), ("LA", record.language),
        ("AB", record.abstract), *(("KW", word) for word in record.keywords), ("UR", record.url),
        ("DB", "MEDLINE" if record.source == "pubmed" else record.source),
        *((f"C{place}", f"{name}: {value}") for place, (name, value) in enumerate(item.extra.items(), 1)
          if place < 9),
        ("N1", "; ".join(f"{name}: {value}" for name, value in item.extra.items())),
    ]  # fmt: skip
    return [(tag, value) for tag, value in listed if value]


def _nbib(path: Path, items: Sequence[Item]) -> None:
    with path.open("w", encoding="utf-8") as out:
        for item in items:
            for tag, value in _nbib_lines(item):
                out.write(f"{tag:<4}- {_line(value)}\n")
            out.write("\n")


def _nbib_lines(item: Item) -> Iterable[tuple[str, str]]:
    record = item.record
    if not record.pmid:
        raise InputError(
            f"{record.record_id} ({(record.title or 'no title')[:60]}): NBIB is PubMed's own format and this "
            "record has no PMID; write RIS"
        )
    listed: list[tuple[str, str | None]] = [
        ("PMID", record.pmid), ("TI", record.title), ("AB", record.abstract),
        *(("FAU", str(author)) if author.given else ("CN", author.family) for author in record.authors),
        ("LA", record.language), *(("PT", kind) for kind in record.publication_types),
        ("JT", record.venue), ("VI", record.volume), ("IP", record.issue), ("PG", record.pages),
        ("DP", (record.publication_date or _number(record.year)).replace("-", " ")),
        *(("OT", word) for word in record.keywords), *(("MH", _heading(one)) for one in record.mesh),
        ("LID", f"{record.doi} [doi]" if record.doi else None), ("PMC", record.pmcid),
        *(("SI", f"ClinicalTrials.gov/{trial}") for trial in record.nct_ids),
        *(("GN", f"{name}: {value}") for name, value in item.extra.items()),
        ("SO", f"{record.venue or ''}. {record.year or ''}"),
    ]  # fmt: skip
    return [(tag, value) for tag, value in listed if value]


def _heading(one: Any) -> str:
    star = "*" if one.major else ""
    return "/".join([star + one.descriptor, *one.qualifiers])


def _bibtex(path: Path, items: Sequence[Item]) -> None:
    with path.open("w", encoding="utf-8") as out:
        for item in items:
            kind = _BIBTEX_TYPES.get(_ris_type(item.record), "article")
            out.write(f"@{kind}{{{item.record.record_id},\n")
            for name, value in _bibtex_fields(item, kind):
                out.write(f"  {name} = {{{_braced(value)}}},\n")
            out.write("}\n\n")


def _bibtex_fields(item: Item, kind: str) -> Iterable[tuple[str, str]]:
    record = item.record
    listed = [
        ("title", record.title), ("author", " and ".join(map(_bibtex_name, record.authors))),
        ("year", _number(record.year)), ("booktitle" if kind.startswith("in") else "journal", record.venue),
        ("volume", record.volume), ("number", record.issue),
        ("pages", (record.pages or "").replace("-", "--")), ("doi", record.doi), ("pmid", record.pmid),
        ("url", record.url), ("language", record.language), ("keywords", "; ".join(record.keywords)),
        ("abstract", record.abstract),
        *((re.sub(r"\W+", "-", name.lower()), value) for name, value in item.extra.items()),
    ]  # fmt: skip
    return [(name, value) for name, value in listed if value]


def _bibtex_name(author: Author) -> str:
    """A collective in braces, so that it is not taken for given and family names."""
    return str(author) if author.given else f"{{{author.family}}}"


_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
            "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


def _braced(value: str) -> str:
    """TeX's own characters escaped; a collective's braces are kept."""
    parts = re.split(r"(^\{[^{}]*\}$|(?<= and )\{[^{}]*\})", value)
    return "".join(
        f"{{{_escaped(part[1:-1])}}}" if part.startswith("{") and part.endswith("}") else _escaped(part)
        for part in parts
    ).replace("\n", " ")


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


# ---------------------------------------------------------------- tables

_CELL = 32_767
"""Characters that a cell of XLSX takes."""

COLUMNS = (
    "record_id", "source", "accession", "title", "abstract", "authors", "year", "publication_date", "venue",
    "volume", "issue", "pages", "doi", "pmid", "openalex_id", "language", "keywords", "publication_type",
    "citation_count", "url",
)  # fmt: skip


def _row(item: Item) -> dict[str, str]:
    record = item.record
    made = {
        "record_id": record.record_id, "source": record.source, "accession": record.source_key,
        "authors": "; ".join(map(str, record.authors)), "keywords": "; ".join(record.keywords),
        "publication_type": "; ".join(record.publication_types), "year": _number(record.year),
        "citation_count": "" if record.citation_count is None else str(record.citation_count),
    }  # fmt: skip
    texts = ("title", "abstract", "publication_date", "venue", "volume", "issue", "pages", "doi", "pmid",
             "openalex_id", "language", "url")  # fmt: skip
    made |= {name: getattr(record, name) or "" for name in texts}
    return {**{name: made[name] for name in COLUMNS}, **item.extra}


def _table(items: Sequence[Item]) -> tuple[list[str], list[dict[str, str]]]:
    rows = [_row(item) for item in items]
    further = dict.fromkeys(name for item in items for name in item.extra)
    return [*COLUMNS, *further], rows


def _csv(path: Path, items: Sequence[Item]) -> None:
    columns, rows = _table(items)
    with path.open("w", encoding="utf-8", newline="") as out:
        _write_csv(out, columns, rows)


def _write_csv(out: IO[str], columns: list[str], rows: list[dict[str, str]]) -> None:
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows({name: cells.safe(value) for name, value in row.items()} for row in rows)


def _asreview(path: Path, items: Sequence[Item]) -> None:
    """ASReview's columns; ``included`` is 1, 0 or empty, from the further column ``decision``."""
    rows = []
    for item in items:
        row = _row(item)
        verdict = item.extra.get("decision", "")
        row["included"] = {"include": "1", "maybe": "1", "exclude": "0"}.get(verdict, "")
        rows.append({**row, "journal": row["venue"], "number": row["issue"]})
    names = ["record_id", "title", "abstract", "authors", "year", "journal", "volume", "number", "pages",
             "doi", "keywords", "url", "included"]  # fmt: skip
    further = [name for name in dict.fromkeys(n for i in items for n in i.extra) if name not in names]
    with path.open("w", encoding="utf-8", newline="") as out:
        wanted = [*names, *further]
        _write_csv(out, wanted, [{name: row.get(name, "") for name in wanted} for row in rows])


def _xlsx(path: Path, items: Sequence[Item]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    columns, rows = _table(items)
    for row in rows:
        long = next((name for name, value in row.items() if len(value) > _CELL), None)
        if long:
            raise InputError(
                f"{row['record_id']}: {long} has {counted(len(row[long]), 'character')}, a cell of XLSX "
                "takes "
                f"{_CELL:,}; write CSV"
            )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("records")
    sheet.append(columns)
    for row in rows:
        sheet.append([cells.safe(ILLEGAL_CHARACTERS_RE.sub(" ", row.get(name, ""))) for name in columns])
    book.save(path)


# ---------------------------------------------------------------- small things


def _ris_type(record: Record) -> str:
    known = (_RIS_TYPES.get(kind.lower()) or (kind if re.fullmatch(r"[A-Z]{3,6}", kind) else None)
             for kind in record.publication_types)  # fmt: skip
    return next((kind for kind in known if kind), "JOUR")


def _ends(pages: str | None) -> tuple[str, str]:
    first, _, last = (pages or "").partition("-")
    return first.strip(), last.strip()


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _line(value: str) -> str:
    """One line: a line break would begin a new tag."""
    return " ".join(value.split())


WRITERS: dict[str, Callable[[Path, Sequence[Item]], None]] = {
    "ris": _ris,
    "nbib": _nbib,
    "bibtex": _bibtex,
    "csv": _csv,
    "asreview": _asreview,
    "xlsx": _xlsx,
}
