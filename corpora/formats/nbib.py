"""NBIB, PubMed's own export (the MEDLINE display format).

Tags: https://www.nlm.nih.gov/bsd/mms/medlineelements.html
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpora import identifiers
from corpora.errors import FormatError
from corpora.formats import people
from corpora.formats.base import Format, Row
from corpora.formats.encoding import lines
from corpora.record import Author, MeshHeading

_LINE = re.compile(r"^([A-Z]{2,4}) {0,2}- ?(.*)$")
_HEAD = re.compile(rb"^PMID ?- ?\d", re.MULTILINE)
_FIRST = {
    "title": ("TI", "BTI"),
    "abstract": ("AB", "OAB"),
    "venue": ("JT", "TA", "BTI"),
    "volume": ("VI",),
    "issue": ("IP",),
    "pages": ("PG",),
    "language": ("LA",),
    "year": ("DP",),
    "publication_date": ("DEP", "DP"),
    "pmid": ("PMID",),
    "accession": ("PMID",),
    "pmcid": ("PMC",),
}
_LISTS = {"publication_types": ("PT",), "keywords": ("OT",)}
_USED = {tag for tags in (*_FIRST.values(), *_LISTS.values()) for tag in tags}
_USED |= {"FAU", "AU", "CN", "AD", "AUID", "MH", "SI", "SO", "JT", "TA"}

Fields = list[tuple[str, str]]


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of an NBIB file.

    PubMed closes every record by its ``SO`` line: where all the others have one, a last record
    without it was cut off and is refused.
    """
    del mapping
    number = closed = 0
    fields: Fields = []
    raw: list[str] = []
    repaired: list[str] = []
    for text, mended in lines(path):
        found = _LINE.match(text)
        if found and found.group(1) == "PMID" and fields:
            closed += any(tag == "SO" for tag, _ in fields)
            yield _row(number, fields, raw, repaired)
            number, fields, raw, repaired = number + 1, [], [], []
        if found:
            fields.append((found.group(1), found.group(2).strip()))
        elif text.strip() and fields:
            tag, value = fields[-1]
            fields[-1] = (tag, f"{value} {text.strip()}")
        if text.strip():
            raw.append(text)
        if mended and mended not in repaired:
            repaired.append(mended)
    if not fields:
        raise FormatError(f"{path}: no NBIB record (no line 'PMID- …') in it")
    if 0 < closed == number and not any(tag == "SO" for tag, _ in fields):
        reason = "the file ends inside this record (no SO line): cut off?"
        yield Row(number, refused=reason, raw="\n".join(raw))
    else:
        yield _row(number, fields, raw, repaired)


def _row(number: int, fields: Fields, raw: list[str], repaired: list[str]) -> Row:
    text = "\n".join(raw)
    if not any(tag == "PMID" and value for tag, value in fields):
        return Row(number, refused="no PMID, so this is no MEDLINE record", raw=text)
    return Row(number, _fields(fields), repaired=tuple(repaired), raw=text)


def _fields(fields: Fields) -> dict[str, Any]:
    tags: dict[str, list[str]] = {}
    for tag, value in fields:
        tags.setdefault(tag, []).append(value)
    made: dict[str, Any] = {}
    for name, candidates in _FIRST.items():
        values = [value for tag in candidates for value in tags.get(tag, ()) if value]
        if values:
            made[name] = values[0]
    made |= {name: tags.get(tag, []) for name, (tag,) in _LISTS.items()}
    if "publication_date" in made:
        made["publication_date"] = _date(made["publication_date"])
    articles = [
        value.removesuffix("[doi]").removeprefix("doi:")
        for value in tags.get("LID", []) + tags.get("AID", [])
        if "[doi]" in value or value.startswith("doi:")
    ]
    made["doi"] = articles[0].strip() if articles else None
    made["authors"] = _authors(fields)
    made["mesh"] = [_mesh(value) for value in tags.get("MH", ())]
    made["nct_ids"] = [v.split("/", 1)[-1] for v in tags.get("SI", ()) if "NCT" in v.upper()]
    made["url"] = f"https://pubmed.ncbi.nlm.nih.gov/{identifiers.pmid(made['pmid'])}/"
    if "RIN" in tags or "Retracted Publication" in tags.get("PT", []):
        made["retraction"] = "retracted"
    elif "ROF" in tags or "Retraction of Publication" in tags.get("PT", []):
        made["retraction"] = "notice"
    made |= {f"nbib:{tag}": values for tag, values in tags.items() if tag not in _USED}
    return made


def _date(raw: str) -> str:
    """DEP is 20210305, DP is ``2021 Mar 5``; both as a date."""
    return f"{raw[:4]}-{raw[4:6]}-{raw[6:]}" if re.fullmatch(r"\d{8}", raw) else raw


def _authors(fields: Fields) -> list[Author]:
    """FAU opens a person (AU repeats it in short), AD and AUID belong to the last one."""
    full = any(tag == "FAU" for tag, _ in fields)
    found: list[dict[str, Any]] = []
    for tag, value in fields:
        if tag == ("FAU" if full else "AU"):
            made = people.author(value)
            if made:
                found.append({"family": made.family, "given": made.given, "affiliations": []})
        elif tag == "CN" and value:
            found.append({"family": value, "given": None, "affiliations": []})
        elif tag == "AD" and found:
            found[-1]["affiliations"].append(value)
        elif tag == "AUID" and found:
            found[-1]["orcid"] = identifiers.orcid(value)
    return [Author(**{**one, "affiliations": tuple(one["affiliations"])}) for one in found]


def _mesh(value: str) -> MeshHeading:
    """``*Natural Language Processing/methods/*trends``: a star marks a major topic.

    >>> _mesh("Neoplasms/*genetics")
    MeshHeading(descriptor='Neoplasms', qualifiers=('genetics',), major=True)
    """
    descriptor, *qualifiers = value.split("/")
    return MeshHeading(
        descriptor=descriptor.strip("* "),
        qualifiers=tuple(qualifier.strip("* ") for qualifier in qualifiers),
        major="*" in value,
    )


FORMAT = Format("nbib", (".nbib", ".txt"), lambda start: bool(_HEAD.search(start)), read, "pubmed")
