"""A loopback server that answers as E-utilities and OpenAlex do, over a simulated literature.

It binds 127.0.0.1 only. `Fault` makes it misbehave on purpose, for the tests of our clients.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from corpora.simulator.answers import openalex_work, pubmed_set
from corpora.simulator.literature import Literature, Paper
from corpora.simulator.query import matcher

PUBMED_QUERY = "2010:2030[pdat]"
OPENALEX_QUERY = "filter:publication_year:2010-2030|null"

_CAP = 9_999
_MOST_BYTES = 4_000_000


@dataclass(slots=True)
class Fault:
    """One misbehaviour, used up once: a status, a cut body, or a slow answer."""

    status: int = 200
    retry_after: str | None = None
    cut: bool = False
    wait: float = 0.0


@dataclass(slots=True)
class Service:
    """What a running server is made of; ``log`` lists the paths asked for."""

    literature: Literature
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    history: dict[str, list[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self) -> Fault | None:
        """The fault that meets this request, if any is left."""
        with self.lock:
            return self.faults.pop(0) if self.faults else None


@contextmanager
def serve(literature: Literature) -> Iterator[Service]:
    """Run the server on a free port of 127.0.0.1 as long as the context lasts."""
    service = Service(literature)
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > _MOST_BYTES:
            self._send(413, b"too large", "text/plain")
            return
        self._answer(self.rfile.read(size).decode())

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet; the service's log has it."""

    def _answer(self, query: str) -> None:
        path = urlsplit(self.path).path
        self.service.log.append(f"{self.command} {path}?{query}")
        fault = self.service.next_fault() or Fault()
        time.sleep(fault.wait)
        if fault.status != 200:
            extra = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self._send(fault.status, b"simulated fault", "text/plain", extra)
            return
        values = {name: held[0] for name, held in parse_qs(query).items()}
        if path.endswith(".fcgi"):
            status, body, kind, extra = _eutils(self.service, path.rsplit("/", 1)[-1], values)
        else:
            status, body, kind, extra = _openalex(self.service, path, values)
        self._send(status, body, kind, extra, cut=fault.cut)

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str,
        extra: dict[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True


_Answer = tuple[int, bytes, str, dict[str, str]]


def _eutils(service: Service, utility: str, values: dict[str, str]) -> _Answer:
    made = {"esearch.fcgi": _esearch, "efetch.fcgi": _efetch, "esummary.fcgi": _esummary,
            "epost.fcgi": _epost}.get(utility)  # fmt: skip
    if made is None:
        return 404, b"unknown utility", "text/plain", {}
    return 200, made(service, values).encode(), "text/xml; charset=UTF-8", {}


def _head(root: str, dtd: str) -> str:
    """The head that Biopython's reader needs to know what it reads; the DTD comes with it."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE {root} PUBLIC "-//NLM//DTD {dtd}//EN" '
        f'"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/{dtd}.dtd">\n'
    )


def _esearch(service: Service, values: dict[str, str]) -> str:
    term = values.get("term", "")
    find = matcher(term)
    found = [p.pmid for p in service.literature.pubmed if find(_searched(p), p.year)]
    start, most = int(values.get("retstart", 0)), min(int(values.get("retmax", 20)), _CAP)
    shown = found[:_CAP][start : start + most]
    ids = "".join(f"<Id>{pmid}</Id>" for pmid in shown)
    history = ""
    if values.get("usehistory") == "y":
        history = f"<QueryKey>1</QueryKey><WebEnv>{_remember(service, found)}</WebEnv>"
    return (
        f"{_head('eSearchResult', 'esearch')}<eSearchResult><Count>{len(found)}</Count>"
        f"<RetMax>{len(shown)}</RetMax><RetStart>{start}</RetStart>{history}<IdList>{ids}</IdList>"
        f"<TranslationSet/><QueryTranslation>{escape(term)}</QueryTranslation></eSearchResult>"
    )


def _remember(service: Service, pmids: list[str]) -> str:
    with service.lock:
        name = f"SIM_{len(service.history) + 1}"
        service.history[name] = pmids
    return name


def _asked(service: Service, values: dict[str, str]) -> list[Paper]:
    """The papers that a call names by ids or by its history."""
    held = service.history.get(values.get("WebEnv", ""), [])
    pmids = values["id"].split(",") if values.get("id") else held
    start, most = int(values.get("retstart", 0)), int(values.get("retmax", _CAP))
    by_pmid = {paper.pmid: paper for paper in service.literature.pubmed}
    return [by_pmid[pmid] for pmid in pmids[start : start + most] if pmid in by_pmid]


def _efetch(service: Service, values: dict[str, str]) -> str:
    return pubmed_set(_asked(service, values))


def _esummary(service: Service, values: dict[str, str]) -> str:
    items = "".join(
        f'<DocSum><Id>{p.pmid}</Id><Item Name="Title" Type="String">{escape(p.title)}</Item></DocSum>'
        for p in _asked(service, values)
    )
    return f"{_head('eSummaryResult', 'esummary-v1')}<eSummaryResult>{items}</eSummaryResult>"


def _epost(service: Service, values: dict[str, str]) -> str:
    name = _remember(service, values.get("id", "").split(","))
    body = f"<ePostResult><QueryKey>1</QueryKey><WebEnv>{name}</WebEnv></ePostResult>"
    return _head("ePostResult", "epost") + body


def _searched(paper: Paper) -> str:
    return f"{paper.title} {paper.abstract or ''}".lower()


def _openalex(service: Service, path: str, values: dict[str, str]) -> _Answer:
    if path.startswith("/works/"):
        wanted = path.removeprefix("/works/")
        found = [p for p in service.literature.openalex if p.openalex_id == wanted]
        work = openalex_work(found[0]) if found else {"error": "not found"}
        return (200 if found else 404), json.dumps(work).encode(), "application/json", {}
    if path != "/works":
        return 404, b'{"error": "not found"}', "application/json", {}
    try:
        works = _filtered(service.literature.openalex, values.get("filter", ""))
    except ValueError as error:
        told = {"error": "Invalid query parameters error.", "message": str(error)}
        return 403, json.dumps(told).encode(), "application/json", {}
    most = min(int(values.get("per-page", values.get("per_page", 25))), 100)
    cursor = values.get("cursor", "*")
    start = 0 if cursor == "*" else int(cursor.removeprefix("sim"))
    page = works[start : start + most]
    after = f"sim{start + most}" if page and start + most <= len(works) else None
    price = 0.001 if ".search:" in values.get("filter", "") else 0.0001
    meta = {"count": len(works), "per_page": most, "next_cursor": after, "cost_usd": price}
    body = json.dumps({"meta": meta, "results": [openalex_work(paper) for paper in page]}).encode()
    extra = {"X-RateLimit-Limit-USD": "1.0", "X-RateLimit-Remaining-USD": "0.9"}
    return 200, body, "application/json", extra


def _filtered(papers: list[Paper], text: str) -> list[Paper]:
    """Works that pass all filters, in the order of their ids."""
    kept = papers
    for part in filter(None, text.split(",")):
        name, _, value = part.partition(":")
        options = value.split("|")
        if name == "title_and_abstract.search":
            find = matcher(value)
            kept = [p for p in kept if find(_searched(p), p.year)]
        elif name == "publication_year":
            kept = [p for p in kept if any(_in_years(p.year, option) for option in options)]
        elif name in ("doi", "pmid"):
            wanted = {option.rsplit("org/", 1)[-1].rsplit("gov/", 1)[-1] for option in options}
            kept = [p for p in kept if getattr(p, name) in wanted]
        else:
            raise ValueError(f"{name} is not a valid field")
    return sorted(kept, key=lambda paper: paper.openalex_id)


def _in_years(year: int | None, option: str) -> bool:
    if option == "null":
        return year is None
    low, _, high = option.partition("-")
    return year is not None and int(low) <= year <= int(high or low)
