"""A language model on the loopback, for all tests that ask one; it can misbehave in every known way."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Model:
    """What was asked, and how to answer: ``script`` gets the request's number (from 0) and body.

    It gives the answer's text, or an object to send as it is (with ``status``, ``wait`` in seconds,
    ``cut`` to break the connection, ``headers``, ``body``).
    """

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    script: Callable[[int, dict[str, Any]], str | dict[str, Any]] = lambda *_: "{}"
    lock: Any = field(default_factory=threading.Lock)


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with made.lock:
                number = len(made.asked)
                made.asked.append({"path": self.path, **body})
                made.keys.append(self.headers.get("Authorization"))
            told = made.script(number, body)
            if isinstance(told, str):
                message = {"role": "assistant", "content": told}
                told = {"body": {"choices": [{"message": message, "finish_reason": "stop"}]}}
                told["body"]["usage"] = {"prompt_tokens": 100, "completion_tokens": 10}
            time.sleep(told.get("wait", 0))
            raw = json.dumps({"model": "tiny:1", **told.get("body", {})}).encode()
            self.send_response(told.get("status", 200))
            for name, value in told.get("headers", {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.close_connection = bool(told.get("cut"))
            try:
                self.wfile.write(raw[: len(raw) // 2] if told.get("cut") else raw)
            except OSError:
                self.close_connection = True  # the client waited no longer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def endpoint_for_the_contract(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint, key or cache of the person who runs the tests; the contract's tagger has ours."""
    for name in ("KEY", "URL", "MODEL", "AGREED", "CACHE", "PRICES"):
        monkeypatch.delenv(f"LITSCALE_LLM_{name}", raising=False)
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("name") == "llm":
        served: Model = request.getfixturevalue("model")
        folder: Path = request.getfixturevalue("tmp_path")
        monkeypatch.setenv("LITSCALE_LLM_URL", served.url)
        monkeypatch.setenv("LITSCALE_LLM_MODEL", "tiny")
        monkeypatch.setenv("LITSCALE_LLM_CACHE", str(folder / "answers"))
