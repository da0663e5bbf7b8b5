"""Europe PMC, Crossref and ClinicalTrials.gov over a simulated literature, as pure functions.

Europe PMC holds PubMed's papers and the preprints, Crossref every work with a DOI, and
ClinicalTrials.gov a registration of every fourth study. Cursors are places in the order of the
accessions, so that they hold when records come or go.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from corpora import boolean
from corpora.simulator.literature import Literature, Paper
from corpora.simulator.register_answers import (
    accession,
    result,
    short_result,
    source,
    study,
    study_type,
    trial_number,
    trial_title,
    work,
    work_type,
)
from corpora.simulator.service import Answer, document

_MOST = 1_000
_FACETS = re.compile(
    r"PUB_YEAR:\[(?P<low>\d+) TO (?P<high>\d+)\]"
    r"|(?P<date>FIRST_IDATE|UPDATE_DATE):\[(?P<first>[\d-]+) TO (?P<last>[\d-]+)\]"
    r"|AREA\[LastUpdatePostDate\]RANGE\[(?P<since>[\d-]+),MAX\]"
    r'|DOI:"(?P<doi>[^"]+)"'
    r"|TITLE_ABS:|TITLE:|ABSTRACT:|AREA\[(?:Brief|Official)Title\]"
)


def answer(literature: Literature, path: str, values: dict[str, str]) -> Answer:
    """The answer to a path that begins with the name of one of `SERVICES`."""
    name, _, rest = path.lstrip("/").partition("/")
    return SERVICES[name](literature, f"/{rest}", values)


def europepmc(literature: Literature, path: str, values: dict[str, str]) -> Answer:
    """``/searchPOST`` of Europe PMC; errors come with status 200, as the real one's do."""
    if path != "/searchPOST":
        return _json(404, {"errMsg": "no such resource"})
    size = int(values.get("pageSize", 25))
    if not 1 <= size <= _MOST or not values.get("query"):
        return _json(200, {"version": "sim", "errCode": 404, "errMsg": "query or pageSize is not valid"})
    held = {accession(paper): paper for paper in _in_europepmc(literature)}
    found = _matching(held, values["query"], _epmc_facets)
    cursor = values.get("cursorMark")
    shown = _after(found, _told(cursor), size) if cursor else found[:size]
    whole = values.get("resultType") == "core"
    made = [result(held[key]) if whole else short_result(held[key]) for key in shown]
    told: dict[str, Any] = {"version": "sim", "hitCount": len(found), "request": {"queryString": ""}}
    if cursor:
        told["nextCursorMark"] = _hidden(shown[-1]) if shown else cursor
    return _json(200, told | {"resultList": {"result": made}})


def crossref(literature: Literature, path: str, values: dict[str, str]) -> Answer:
    """``/works`` of Crossref: any word finds a work, filters are joined."""
    if path != "/works":
        return _json(404, {"status": "error"})
    size = int(values.get("rows", 20))
    cursor = values.get("cursor")
    try:
        filters = [_filter(part) for part in filter(None, values.get("filter", "").split(","))]
    except ValueError as error:
        return _json(400, {"status": "failed", "message": [{"value": str(error)}]})
    if not 0 <= size <= _MOST:
        return _json(400, {"status": "failed", "message": [{"value": f"rows {size}"}]})
    held = {paper.doi: paper for paper in literature.openalex if paper.doi}
    kept = {doi: paper for doi, paper in held.items() if all(passes(paper) for passes in filters)}
    words = re.findall(r"\w+", values.get("query.bibliographic", ""))
    found = _matching(kept, " OR ".join(words) or '""', lambda _: "")
    shown = _after(found, _told(cursor or "*"), size) if size else []
    dois = {paper.report: paper.doi for paper in literature.openalex if paper.doi}
    works = [work(kept[doi], dois) for doi in shown]
    message: dict[str, Any] = {"total-results": len(found), "items": works}
    if cursor:
        message["next-cursor"] = _hidden(shown[-1]) if shown else cursor
    return _json(200, {"status": "ok", "message-type": "work-list", "message": message})


def clinicaltrials(literature: Literature, path: str, values: dict[str, str]) -> Answer:
    """``/studies`` of ClinicalTrials.gov's API 2."""
    size = int(values.get("pageSize", 10))
    if path != "/studies" or not 1 <= size <= _MOST:
        return 400, b"pageSize must be between 1 and 1000", "text/plain", {}
    held = {number: paper for paper in literature.pubmed if (number := trial_number(paper))}
    query = " AND ".join(f"({values[name]})" for name in ("query.term", "filter.advanced") if name in values)
    found = _matching(held, query or '""', _trial_facets)
    shown = _after(found, _told(values.get("pageToken", "*")), size)
    short = values.get("fields") == "NCTId"
    made: dict[str, Any] = {"studies": [study(held[number], short=short) for number in shown]}
    if values.get("countTotal") == "true":
        made["totalCount"] = len(found)
    if shown and shown[-1] != found[-1]:
        made["nextPageToken"] = _hidden(shown[-1])
    return _json(200, made)


SERVICES: dict[str, Callable[[Literature, str, dict[str, str]], Answer]] = {
    "europepmc": europepmc,
    "crossref": crossref,
    "clinicaltrials": clinicaltrials,
}
"""By the name of the source, which is also the first part of the path."""


# ---------------------------------------------------------------- searching and paging


def _json(status: int, value: object) -> Answer:
    return status, json.dumps(value).encode(), "application/json", {}


def _matching(held: dict[str, Paper], query: str, facets: Callable[[Paper], str]) -> list[str]:
    """Accessions that a query finds, sorted; ``facets`` are words it can name besides the text."""
    find = boolean.matcher(_FACETS.sub(_as_pubmed, query))
    found = []
    for key, paper in held.items():
        plain = document(paper, 0)
        if find(replace(plain, text=f"{plain.text} {facets(paper)}")):
            found.append(key)
    return sorted(found)


def _as_pubmed(part: re.Match[str]) -> str:
    """A field of these services in the words of `corpora.boolean`."""
    if part["doi"]:
        return f"{part['doi']}[doi]"
    if part["low"]:
        return f"{part['low']}:{part['high']}[pdat]"
    if not part["first"] and not part["since"]:
        return ""
    first, last = part["first"] or part["since"], part["last"] or "3000"
    tag = "crdt" if part["date"] == "FIRST_IDATE" else "lr"
    return f"{first}:{last}[{tag}]".replace("-", "/")


def _after(found: list[str], last: str, size: int) -> list[str]:
    return [key for key in found if key > last][:size]


def _hidden(key: str) -> str:
    """A cursor: opaque, with the signs that must be quoted in a URL.

    >>> _told(_hidden("MED:1")), _told("*")
    ('MED:1', '')
    """
    return "Ao/+" + base64.b64encode(key.encode()).decode()


def _told(cursor: str) -> str:
    return base64.b64decode(cursor.removeprefix("Ao/+")).decode() if cursor != "*" else ""


def _filter(part: str) -> Callable[[Paper], bool]:
    name, _, value = part.partition(":")
    if name == "type":
        return lambda paper: work_type(paper) == value
    if name == "doi":
        return lambda paper: paper.doi == value.lower()
    if name == "has-abstract":
        return lambda paper: bool(paper.abstract) == (value in ("true", "1"))
    if name == "from-update-date":
        day = date.fromisoformat(value)
        return lambda paper: paper.revised >= day
    if name in ("from-pub-date", "until-pub-date"):
        year, sign = int(value[:4]), 1 if name.startswith("from") else -1
        return lambda paper: paper.year is not None and sign * paper.year >= sign * year
    raise ValueError(f"{name} is no filter")


# ---------------------------------------------------------------- what they hold


def _in_europepmc(literature: Literature) -> Iterable[Paper]:
    yield from literature.pubmed
    yield from (paper for paper in literature.openalex if paper.kind == "preprint")


def _epmc_facets(paper: Paper) -> str:
    return f"src:{source(paper).lower()} ext_id:{paper.pmid or 'none'} lang:eng"


def _trial_facets(paper: Paper) -> str:
    number, kind = trial_number(paper), study_type(paper)
    return f"area[nctid]{number} area[studytype]{kind} {trial_title(paper)}".lower()
