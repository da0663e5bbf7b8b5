"""A loopback server that answers as the services do, over a simulated literature.

E-utilities and OpenAlex lie at its root; Europe PMC, Crossref and ClinicalTrials.gov below
``/europepmc``, ``/crossref`` and ``/clinicaltrials``.

It binds 127.0.0.1 only. `Fault` makes it misbehave on purpose, for the tests of our clients.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from corpora.simulator import entrez, registers, works
from corpora.simulator.literature import Literature
from corpora.simulator.service import Answer, Fault, Service

__all__ = ["OPENALEX_QUERY", "PUBMED_QUERY", "Fault", "Service", "serve"]

PUBMED_QUERY = "2010:2030[pdat]"
OPENALEX_QUERY = "filter:publication_year:2010-2030|null"

_MOST_BYTES = 4_000_000


@contextmanager
def serve(literature: Literature) -> Iterator[Service]:
    """Run the server on a free port of 127.0.0.1 as long as the context lasts."""
    service = Service(literature)
    handler = type("Handler", (_Handler,), {"service": service})
    server = _Server(("127.0.0.1", 0), handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: a killed harvest does."""


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > _MOST_BYTES:
            self._send((413, b"too large", "text/plain", {}), Fault())
            return
        self._answer(self.rfile.read(size).decode())

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet; the service's log has it."""

    def _answer(self, query: str) -> None:
        path = urlsplit(self.path).path
        self.service.log.append(f"{self.command} {path}?{query}")
        fault = self.service.next_fault()
        time.sleep(fault.wait)
        if fault.first:
            fault.first()
        if fault.status != 200:
            extra = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self._send((fault.status, b"simulated fault", "text/plain", extra), fault)
            return
        values = {name: held[0] for name, held in parse_qs(query).items()}
        if path.split("/")[1] in registers.SERVICES:
            made = registers.answer(self.service.literature, path, values)
        elif path.endswith(".fcgi"):
            made = entrez.answer(self.service, path.rsplit("/", 1)[-1], values)
        else:
            made = works.answer(self.service, path, values)
        self._send(made, fault)

    def _send(self, answer: Answer, fault: Fault) -> None:
        status, body, kind, extra = answer
        body = fault.mangle(body) if fault.mangle else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        short = fault.cut or fault.reset
        self.wfile.write(body[: len(body) // 2] if short else body)
        if fault.reset:
            # Linger zero: closing sends a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if short:
            self.close_connection = True
