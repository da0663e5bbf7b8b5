"""References of reports: CSL through citeproc (Harvard, Cite Them Right), and BibTeX."""

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON

from corpora.formats import write
from corpora.formats.write import Item
from corpora.record import Record
from corpora.schema import RECORDS, from_table
from review import patches
from review.exchange import best
from review.report.document import clean
from review.report.gathering import Material

STYLE = "harvard-cite-them-right"

_TYPES = {"book": "book", "book chapter": "chapter", "conference paper": "paper-conference",
          "preprint": "article", "thesis": "thesis", "dissertation": "thesis", "report": "report",
          "dataset": "dataset"}  # fmt: skip


def reports(m: Material, wanted: Iterable[str]) -> dict[str, Record]:
    """Report id → its most complete record, its gaps filled from the others; sorted by id."""
    chosen = set(wanted)
    if not chosen:
        return {}
    table = patches.records(m.workspace, RECORDS.names)
    ids = table["record_id"].to_pylist()
    rows = [row for row, record in enumerate(ids) if m.clusters.reports[record] in chosen]
    members: dict[str, list[Record]] = {}
    for record in from_table(table.take(rows)):
        members.setdefault(m.clusters.reports[record.record_id], []).append(record)
    return {report: best(held)[0] for report, held in sorted(members.items())}


def listed(records: Sequence[Record]) -> list[str]:
    """The reference list, in the order of the style."""
    if not records:
        return []
    entries = [_csl(record, f"r{number}") for number, record in enumerate(records)]
    bibliography = CitationStylesBibliography(_style(), CiteProcJSON(entries), formatter.plain)
    for entry in entries:
        bibliography.register(Citation([CitationItem(entry["id"])]))
    bibliography.sort()
    return [" ".join(str(line).split()) for line in bibliography.bibliography()]


@lru_cache(maxsize=1)
def _style() -> Any:
    return CitationStylesStyle(STYLE, validate=False)


def _csl(record: Record, key: str) -> dict[str, Any]:
    kinds = [_TYPES[kind.lower()] for kind in record.publication_types if kind.lower() in _TYPES]
    # The style calls an article without volume and pages a preprint, which we do not know of it.
    other = "article-journal" if record.volume or record.pages else "article-magazine"
    entry: dict[str, Any] = {
        "id": key,
        "type": kinds[0] if kinds else other,
        "title": _plain(record.title or "no title"),
        "author": [
            {"family": _plain(author.family), "given": _plain(author.given)}
            if author.given
            else {"literal": _plain(author.family)}
            for author in record.authors
        ],
        "container-title": _plain(record.venue or ""),
        "volume": record.volume or "",
        "issue": record.issue or "",
        "page": record.pages or "",
        "DOI": record.doi or "",
        "URL": "" if record.doi else record.url or "",
    }
    if record.year:
        entry["issued"] = {"date-parts": [[record.year]]}
    return {name: value for name, value in entry.items() if value}


def _plain(text: str) -> str:
    """Text without what citeproc takes for markup (``<span class="nocase">``)."""
    return re.sub(r'<(/?)span(?: class="nocase")?>', r"<\1 span>", clean(text), flags=re.IGNORECASE)


def bibtex(records: Sequence[Record]) -> bytes:
    """The same as BibTeX, without abstracts."""
    items = [Item(replace(record, abstract=None), {}) for record in records]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "references.bib"
        write.write(path, items, "bibtex")
        return path.read_bytes()
