"""E-utilities: Biopython writes the request, our transport sends it, lxml reads the answer.

Biopython has no public hook for host, pace or retry; they are fixed inside ``Bio.Entrez._open``.
`Eutils.call` is the one place that touches its private part, and a test watches that.
https://www.ncbi.nlm.nih.gov/books/NBK25499/
"""

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request

import httpx
from Bio import Entrez
from lxml import etree

from corpora.errors import TransportError
from corpora.transport import Judge, Transport

HOST = "https://eutils.ncbi.nlm.nih.gov"
CAP = 9_999
"""Records that one search can bring. Above it ESearch only warns, and EFetch gives a short page."""


@dataclass(frozen=True, slots=True)
class Found:
    """What ESearch says of a term. ``pmids`` holds as many as were asked for."""

    count: int
    pmids: list[str]
    translation: str | None
    complaints: list[str]
    webenv: str | None
    query_key: str | None


class Eutils:
    """Calls of E-utilities: Biopython's request, our host and transport."""

    def __init__(self, transport: Transport, base_url: str | None) -> None:
        self._transport = transport
        self._base = urlsplit(base_url or HOST)

    def call(self, utility: str, judge: Judge | None = None, **parameters: Any) -> bytes:
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
        answer = self._transport.send(request.get_method(), url, data=body, headers=headers, judge=judge)
        return answer.content

    def search(self, term: str, *, listed: int = 0) -> Found:
        """Count a term, list its first PMIDs, and leave the result on the history server.

        Raises:
            TransportError: no answer, or the term was refused.

        """
        body = self.call(
            "esearch", judge=_search_judge, db="pubmed", term=term, retmax=listed, usehistory="y"
        )
        answer = etree.fromstring(body, _parser())
        told = answer.findtext("ERROR")
        if told:
            raise TransportError(f"ESearch refused {term!r}: {told}")
        return Found(
            count=int(answer.findtext("Count") or 0),
            pmids=[one.text for one in answer.iterfind("IdList/Id") if one.text],
            translation=answer.findtext("QueryTranslation"),
            complaints=_complaints(answer),
            webenv=answer.findtext("WebEnv"),
            query_key=answer.findtext("QueryKey"),
        )

    def fetch(self, judge: Judge | None = None, **which: Any) -> bytes:
        """PubMed XML of the records named by ``id``, or by history and ``retstart``/``retmax``."""
        return self.call("efetch", judge=judge, db="pubmed", retmode="xml", **which)


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True)


def listed(body: bytes) -> list[str | None] | None:
    """PMIDs of a PubmedArticleSet in its order, None for one that has none.

    None in all for anything that is not a whole one: cut off, a page of HTML, an error message.
    """
    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError:
        return None
    if root.tag != "PubmedArticleSet":
        return None
    return [
        record.findtext("MedlineCitation/PMID") or record.findtext("BookDocument/PMID")
        for record in root.iterchildren("PubmedArticle", "PubmedBookArticle")
    ]


def _search_judge(answer: httpx.Response) -> str | None:
    """ESearch fails with status 200 too: JSON that is none, a page of HTML, half an answer."""
    if not answer.is_success:
        return None
    try:
        root = etree.fromstring(answer.content, _parser())
    except etree.XMLSyntaxError:
        return f"ESearch answered no XML: {answer.content[:200]!r}"
    if root.tag != "eSearchResult":
        return f"ESearch answered <{root.tag}>: {answer.content[:200]!r}"
    told = root.findtext("ERROR") or ""
    # "Search Backend failed", "Database is not supported" come and go on a busy server.
    return f"ESearch: {told}" if "failed" in told.lower() else None


def _complaints(answer: Any) -> list[str]:
    """Terms that were not found or were ignored."""
    return [
        f"{item.tag}: {item.text}"
        for part in ("ErrorList", "WarningList")
        for item in answer.iterfind(f"{part}/*")
        if item.text and item.tag != "OutputMessage"
    ]
