"""PubMed through E-utilities, with Biopython as the client.

Biopython builds the requests; its sending is not used, since host, pace and retry are fixed
inside it. `Eutils.call` is the one place that touches its private part, and a test watches that.
https://www.ncbi.nlm.nih.gov/books/NBK25499/
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request

from Bio import Entrez
from lxml import etree

from corpora.errors import FormatError, HarvestError, TransportError
from corpora.formats.base import Row
from corpora.progress import Progress
from corpora.run import now
from corpora.sources import archive as kept
from corpora.sources import pubmed_xml
from corpora.sources.base import Harvest, Search, is_loopback
from corpora.transport import Transport

HOST = "https://eutils.ncbi.nlm.nih.gov"
CAP = 9_999
"""Records that one search can bring; the service clamps above it."""

BATCH = 200


class Eutils:
    """Calls of E-utilities: Biopython's request, our host and transport."""

    def __init__(self, transport: Transport, base_url: str | None) -> None:
        self._transport = transport
        self._base = urlsplit(base_url or HOST)

    def call(self, utility: str, **parameters: Any) -> bytes:
        """The body of one answer, e.g. ``call("esearch", db="pubmed", term="…")``."""
        given = {
            **parameters,
            "tool": "litscale",
            "email": os.environ.get("NCBI_EMAIL", ""),
            "api_key": os.environ.get("NCBI_API_KEY") or None,
        }
        request: Request = Entrez._build_request(  # type: ignore[no-untyped-call]
            f"{HOST}/entrez/eutils/{utility}.fcgi", given
        )
        parts = urlsplit(request.full_url)
        url = urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))
        body = request.data if isinstance(request.data, bytes) else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else None
        answer = self._transport.send(request.get_method(), url, data=body, headers=headers)
        return answer.content


class PubMed:
    """The source ``pubmed``."""

    name = "pubmed"

    def transport(self, search: Search) -> Transport:
        """3 requests a second, 10 with NCBI_API_KEY; no limit for an address of this machine."""
        if is_loopback(search.base_url):
            return Transport(None)
        return Transport(10.0 if os.environ.get("NCBI_API_KEY") else 3.0)

    def harvest(self, search: Search, transport: Transport, archive: Path, progress: Progress) -> Harvest:
        """Search, then fetch in batches of 200; see `corpora.sources.base.Source`."""
        eutils = Eutils(transport, search.base_url)
        plan = _plan(search, eutils, archive)
        pmids: list[str] = plan["pmids"]
        pages = []
        for start in range(0, len(pmids), BATCH):
            page = archive / f"efetch-{start:06d}.xml.gz"
            if not page.exists():
                _fetch(eutils, pmids[start : start + BATCH], page)
            pages.append(page)
            progress(f"harvesting {search.name}", min(start + BATCH, len(pmids)), len(pmids))
        details = {key: plan[key] for key in ("translation", "warnings", "searched")}
        details |= {"requests": transport.requests, "host": search.base_url or HOST}
        notes = [f"{search.name}: {warning}" for warning in plan["warnings"]]
        return Harvest(len(pmids), list(_rows(pages, pmids)), details, notes)


def _plan(search: Search, eutils: Eutils, archive: Path) -> dict[str, Any]:
    """What is to be fetched: made once, kept beside the answers, so that a rerun goes on with it.

    The archive's folder is named after the query, so a plan of another query is never met.
    """
    path = archive / "plan.json.gz"
    held = kept.held(path)
    if held is not None:
        plan: dict[str, Any] = json.loads(held)
        return plan
    body = eutils.call("esearch", db="pubmed", term=search.query, retmax=CAP, usehistory="y", sort="pub_date")
    answer = _searched(body, search)
    count = int(answer.findtext("Count") or 0)
    if count > CAP:
        raise HarvestError(
            f"{search.name}: PubMed finds {count:,} records, one search brings {CAP:,} at most; "
            "split the query in the protocol, for example by [pdat] years"
        )
    warnings = _warnings(answer)
    if warnings and not search.accept_warnings:
        raise HarvestError(
            f"{search.name}: PubMed did not search the query as written: {'; '.join(warnings)}; "
            "mend it, or set accept_warnings = true for this search"
        )
    pmids = sorted({found.text for found in answer.iterfind("IdList/Id") if found.text}, key=int)
    if len(pmids) != count:
        raise HarvestError(f"{search.name}: PubMed counts {count:,} records, lists {len(pmids):,}")
    plan = {
        "query": search.query,
        "count": count,
        "translation": answer.findtext("QueryTranslation"),
        "warnings": warnings,
        "searched": now(),
        "pmids": pmids,
    }
    kept.keep(path, json.dumps(plan).encode())
    return plan


def _searched(body: bytes, search: Search) -> Any:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        answer = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise TransportError(f"{search.name}: ESearch answered no XML: {body[:200]!r}") from error
    told = answer.findtext("ERROR")
    if told:
        raise TransportError(f"{search.name}: ESearch refused the query: {told}")
    return answer


def _warnings(answer: Any) -> list[str]:
    """Terms that were not found or were ignored."""
    found = []
    for part in ("ErrorList", "WarningList"):
        found += [
            f"{item.tag}: {item.text}"
            for item in answer.iterfind(f"{part}/*")
            if item.text and item.tag != "OutputMessage"
        ]
    return found


def _fetch(eutils: Eutils, pmids: list[str], page: Path) -> None:
    """One batch; an answer that is cut off is asked for again before it is kept."""
    for _ in range(3):
        body = eutils.call("efetch", db="pubmed", id=pmids, retmode="xml")
        try:
            for _row in pubmed_xml.rows(body):
                pass
        except FormatError as error:
            told = str(error)
            continue
        kept.keep(page, body)
        return
    raise TransportError(f"EFetch: three answers in a row could not be parsed: {told}")


def _rows(pages: list[Path], pmids: list[str]) -> Iterator[Row]:
    """All rows sorted by PMID; one that was promised and never came is refused by name."""
    found: dict[str, Row] = {}
    odd: list[Row] = []
    for page in pages:
        for row in pubmed_xml.rows(kept.held(page) or b""):
            pmid = row.fields.get("pmid", "")
            if row.refused or pmid not in pmids:
                odd.append(row)
            else:
                found[pmid] = row
    lost = 0
    for number, pmid in enumerate(pmids):
        if pmid in found:
            yield Row(number, found[pmid].fields)
            continue
        raw = odd[lost].raw if lost < len(odd) else ""
        lost += 1
        yield Row(number, refused=f"PMID {pmid} was promised, no readable record came", raw=raw)
