"""BibTeX, by bibtexparser 2; entries that it cannot parse are refused, never dropped."""

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bibtexparser import middlewares, model
from bibtexparser.entrypoint import parse_string
from pylatexenc.latex2text import LatexNodes2Text

from corpora.errors import FormatError
from corpora.formats import people
from corpora.formats.base import Format, Row
from corpora.formats.encoding import lines

_HEAD = re.compile(rb"^\s*@\s*\w+\s*[{(]", re.MULTILINE)
_FIELDS = {
    "title": "title",
    "abstract": "abstract",
    "year": "year",
    "date": "publication_date",
    "volume": "volume",
    "number": "issue",
    "issue": "issue",
    "pages": "pages",
    "language": "language",
    "doi": "doi",
    "pmid": "pmid",
    "pmcid": "pmcid",
    "url": "url",
    "copyright": "licence",
    "unique-id": "accession",
    "accession-number": "accession",
}
_VENUES = ("journal", "journaltitle", "booktitle", "series", "publisher")


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of a BibTeX file: its entries in order; comments, strings and preambles are none."""
    del mapping
    repaired: set[int] = set()
    texts = []
    for number, line in enumerate(lines(path)):
        texts.append(line.text)
        if line.repaired:
            repaired.add(number)
    text = "\n".join(texts)
    # It logs each duplicate key and failed block; they are rows of ours and reported there.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    stack = [
        middlewares.ResolveStringReferencesMiddleware(),
        middlewares.RemoveEnclosingMiddleware(),
    ]
    library = parse_string(text, parse_stack=stack)
    blocks = [block for block in library.blocks if _is_row(block)]
    if not blocks:
        raise FormatError(f"{path}: no BibTeX entry in it")
    for number, block in enumerate(sorted(blocks, key=lambda block: block.start_line or 0)):
        start = block.start_line or 0
        touched = any(start <= line <= start + (block.raw or "").count("\n") for line in repaired)
        notes = ("encoding mended",) if touched else ()
        inner = getattr(block, "ignore_error_block", None)
        if isinstance(inner, model.Entry):
            twice = isinstance(block, model.DuplicateBlockKeyBlock)
            said = "citation key used twice" if twice else "a field stands twice"
            block, notes = inner, (*notes, said)
        if isinstance(block, model.Entry):
            yield Row(number, _fields(block), repaired=notes, raw=block.raw or "")
        else:
            reason = f"line {start + 1}: cannot be parsed: {getattr(block, 'error', 'no entry')}"
            yield Row(number, refused=reason, raw=block.raw or "")


def _is_row(block: Any) -> bool:
    if isinstance(block, model.Entry):
        return True
    failed = isinstance(block, model.ParsingFailedBlock)
    return failed and not (block.raw or "").lstrip().lower().startswith(("@comment", "@string"))


def _fields(entry: model.Entry) -> dict[str, Any]:
    values: dict[str, str] = {}
    for field in entry.fields:
        held, value = values.get(field.key.lower()), _plain(str(field.value))
        values[field.key.lower()] = f"{held}; {value}" if held else value
    raw_authors = {field.key.lower(): str(field.value) for field in entry.fields}.get("author", "")
    made: dict[str, Any] = {
        ours: values.pop(theirs) for theirs, ours in _FIELDS.items() if values.get(theirs)
    }
    venue = next((name for name in _VENUES if values.get(name)), None)
    if venue:
        made["venue"] = values.pop(venue)
    if made.get("pages"):
        made["pages"] = re.sub(r"\s*[-–—]+\s*", "-", made["pages"])
    if "year" in made and values.get("month") and "publication_date" not in made:
        made["publication_date"] = f"{made['year']} {values['month']}"
    values.pop("author", None)
    made["authors"] = people.authors([_name(name) for name in _people(raw_authors)])
    if values.get("keywords"):
        made["keywords"] = [w for part in re.split(r"[;,]", values.pop("keywords")) if (w := part.strip())]
    if values.get("eprint") and re.fullmatch(r"\d{4}\.\d{4,5}(v\d+)?", values["eprint"]):
        made.setdefault("doi", f"10.48550/arXiv.{values['eprint']}")
    made["publication_types"] = [entry.entry_type]
    made |= {f"bibtex:{name}": value for name, value in values.items() if value}
    made["bibtex:key"] = entry.key
    return made


def _people(text: str) -> list[str]:
    """Split at `` and `` outside braces; ``others`` stands for people who are not named.

    >>> _people("Doe, Jane and {Barnes and Noble} and others")
    ['Doe, Jane', '{Barnes and Noble}']
    """
    parts, depth, current = [], 0, ""
    for token in re.split(r"(\s+and\s+|[{}])", text):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth == 0 and token.strip() == "and":
            parts.append(current)
            current = ""
        else:
            current += token
    return [part.strip() for part in (*parts, current) if part.strip() not in ("", "others")]


def _name(raw: str) -> str:
    collective = raw.startswith("{") and raw.endswith("}") and raw.count("{") == 1
    return f"{{{_plain(raw)}}}" if collective else _plain(raw)


_LATEX = LatexNodes2Text(math_mode="verbatim", keep_comments=True)


def _plain(value: str) -> str:
    """LaTeX accents and commands to text; protecting braces out; white space folded."""
    if "\\" in value:
        value = _LATEX.latex_to_text(value)
    return " ".join(value.replace("{", "").replace("}", "").split())


FORMAT = Format("bibtex", (".bib", ".bibtex"), lambda start: bool(_HEAD.search(start)), read)
