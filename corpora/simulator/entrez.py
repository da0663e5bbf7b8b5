"""E-utilities over a simulated literature, with their limits: 9,999 and no word about the rest."""

import json
import re
from xml.sax.saxutils import escape

from corpora import boolean
from corpora.simulator.answers import pubmed_set
from corpora.simulator.literature import Paper
from corpora.simulator.service import Answer, Service

CAP = 9_999
_NARROWED = re.compile(r"(.*) AND (\S+:\S+\[(?:EDAT|UID)\])", re.DOTALL)
_TOO_FAR = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch "
    "can only retrieve the first 9,999 records matching the query."
)


def answer(service: Service, utility: str, values: dict[str, str]) -> Answer:
    """The answer of one utility (``esearch.fcgi`` …)."""
    made = {"esearch.fcgi": _esearch, "efetch.fcgi": _efetch, "esummary.fcgi": _esummary,
            "epost.fcgi": _epost}.get(utility)  # fmt: skip
    if made is None:
        return 404, b"unknown utility", "text/plain", {}
    return made(service, values)


def _xml(text: str, status: int = 200) -> Answer:
    return status, text.encode(), "text/xml; charset=UTF-8", {}


def _head(root: str, dtd: str) -> str:
    """The head that Biopython's reader needs to know what it reads; the DTD comes with it."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE {root} PUBLIC "-//NLM//DTD {dtd}//EN" '
        f'"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/{dtd}.dtd">\n'
    )


def _esearch(service: Service, values: dict[str, str]) -> Answer:
    term, as_json = values.get("term", ""), values.get("retmode") == "json"
    start, most = int(values.get("retstart", 0)), min(int(values.get("retmax", 20)), CAP)
    if start >= CAP:
        if as_json:
            # As the real one does: status 200, and a raw line break that makes it no JSON.
            return 200, f'{{"esearchresult":{{"ERROR":"{_TOO_FAR}"}}}}'.encode(), "application/json", {}
        return _xml(
            f"{_head('eSearchResult', 'esearch')}<eSearchResult><ERROR>{_TOO_FAR}</ERROR></eSearchResult>"
        )
    index = service.index
    found = [index.pubmed[place].pmid for place in _found(service, term)]
    shown = found[:CAP][start : start + most]
    if as_json:
        told = {"esearchresult": {"count": str(len(found)), "idlist": shown}}
        return 200, json.dumps(told).encode(), "application/json", {}
    history = ""
    if values.get("usehistory") == "y":
        history = f"<QueryKey>1</QueryKey><WebEnv>{_remember(service, found)}</WebEnv>"
    ids = "".join(f"<Id>{pmid}</Id>" for pmid in shown)
    unknown = "".join(f"<PhraseNotFound>{escape(one)}</PhraseNotFound>" for one in _unknown(service, term))
    return _xml(
        f"{_head('eSearchResult', 'esearch')}<eSearchResult><Count>{len(found)}</Count>"
        f"<RetMax>{len(shown)}</RetMax><RetStart>{start}</RetStart>{history}<IdList>{ids}</IdList>"
        f"<TranslationSet/><QueryTranslation>{escape(term)}</QueryTranslation>"
        f"{f'<ErrorList>{unknown}</ErrorList>' if unknown else ''}</eSearchResult>"
    )


def _found(service: Service, term: str) -> list[int]:
    """Places in the index; a slice of a query is looked for among what the query found."""
    index = service.index
    if term not in service.found:
        narrowed = _NARROWED.fullmatch(term)
        if narrowed:
            within = boolean.matcher(narrowed.group(2))
            among = _found(service, narrowed.group(1))
        else:
            within, among = boolean.matcher(term), list(range(len(index.pubmed)))
        documents = index.pubmed_documents
        service.found[term] = [place for place in among if within(documents[place])]
    return service.found[term]


def _unknown(service: Service, term: str) -> list[str]:
    """Terms that no record holds; a slice has been told already."""
    if _NARROWED.fullmatch(term):
        return []
    return [one for one in dict.fromkeys(boolean.terms(term)) if not _found(service, one)]


def _remember(service: Service, pmids: list[str]) -> str:
    with service.lock:
        name = f"SIM_{len(service.history) + 1}"
        service.history[name] = pmids
    return name


def _asked(service: Service, values: dict[str, str]) -> list[Paper] | None:
    """The papers that a call names by ids or by its history; None for a history that is gone."""
    start, most = int(values.get("retstart", 0)), int(values.get("retmax", CAP))
    if values.get("id"):
        pmids = values["id"].split(",")
    elif values.get("WebEnv") in service.history:
        pmids = service.history[values["WebEnv"]]
    else:
        return None
    # The clamp: a page that crosses the limit comes short, with status 200 and no word.
    window = pmids[start : min(start + most, CAP)]
    by_pmid = service.index.by_pmid
    return [by_pmid[pmid] for pmid in window if pmid in by_pmid and pmid not in service.gone]


def _efetch(service: Service, values: dict[str, str]) -> Answer:
    if int(values.get("retstart", 0)) >= CAP:
        return _xml(f"<eFetchResult><ERROR>{_TOO_FAR}</ERROR></eFetchResult>", 400)
    asked = _asked(service, values)
    if asked is None:
        return _xml("<eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>", 400)
    return _xml(pubmed_set(asked, service.index.pmids))


def _esummary(service: Service, values: dict[str, str]) -> Answer:
    items = "".join(
        f'<DocSum><Id>{p.pmid}</Id><Item Name="Title" Type="String">{escape(p.title)}</Item></DocSum>'
        for p in _asked(service, values) or ()
    )
    return _xml(f"{_head('eSummaryResult', 'esummary-v1')}<eSummaryResult>{items}</eSummaryResult>")


def _epost(service: Service, values: dict[str, str]) -> Answer:
    name = _remember(service, values.get("id", "").split(","))
    body = f"<ePostResult><QueryKey>1</QueryKey><WebEnv>{name}</WebEnv></ePostResult>"
    return _xml(_head("ePostResult", "epost") + body)
