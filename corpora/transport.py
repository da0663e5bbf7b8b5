"""HTTP with manners: one rate for all threads, patience with failures, no secrets in messages."""

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from typing import Self

import httpx

from corpora.errors import TransportError

TRIES = 6
"""Tries before a request is given up."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine."""

_LONGEST_WAIT = 120.0
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
Judge = Callable[[httpx.Response], str | None]
"""Looks at an answer of any status: None if it is as promised, a complaint if it should be asked
for again; raises to stop at once."""

_SECRET = re.compile(r"(api_key|apikey|key|token|email)=[^&\s]*", re.IGNORECASE)


class Transport:
    """Sends requests at ``rate`` a second at most (None: no limit), over all threads.

    Network errors and statuses 408, 425, 429 and 5xx are tried again with exponential backoff from
    ``pause`` seconds and jitter, or after ``Retry-After``; other failures raise at once with the
    service's words.
    """

    def __init__(
        self,
        rate: float | None,
        *,
        inner: httpx.BaseTransport | None = None,
        timeout: float = 60.0,
        tries: int = TRIES,
        pause: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = httpx.Client(
            transport=inner,
            timeout=httpx.Timeout(timeout, connect=15.0),
            follow_redirects=True,
            headers={"User-Agent": f"litscale/{version('litscale')}"},
        )
        self._gap = 1 / rate if rate else 0.0
        self._tries = tries
        self._pause = pause
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self.requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        judge: Judge | None = None,
    ) -> httpx.Response:
        """One answer with its whole body.

        ``judge`` sees every answer first: services also fail with status 200 and half a body.

        Raises:
            TransportError: refused, or still failing after all tries.

        """
        request = self._client.build_request(
            method, url, params=params, content=data, headers=dict(headers or {})
        )
        said = ""
        for attempt in range(self._tries):
            self._wait_for_turn()
            try:
                answer = self._client.send(request)
            except httpx.TransportError as error:
                said, pause = f"{type(error).__name__}: {error}", self._backoff(attempt)
            else:
                complaint = judge(answer) if judge else None
                if answer.is_success and complaint is None:
                    return answer
                said = complaint or f"HTTP {answer.status_code}: {answer.text[:200].strip()!r}"
                if complaint is None and answer.status_code not in _RETRIED:
                    break
                pause = _retry_after(answer, self._backoff(attempt))
            if attempt + 1 < self._tries:
                self._sleep(pause)
        raise TransportError(f"{method} {shown(url)}: {shown(said)}")

    def _backoff(self, attempt: int) -> float:
        """1, 2, 4 … pauses, each drawn from its upper half so that clients do not march in step."""
        whole = min(self._pause * float(2**attempt), _LONGEST_WAIT)
        return whole * random.uniform(0.5, 1.0)  # noqa: S311

    def _wait_for_turn(self) -> None:
        with self._lock:
            self.requests += 1
            if not self._gap:
                return
            clock = time.monotonic()
            turn = max(self._next, clock)
            self._next = turn + self._gap
        if turn > clock:
            self._sleep(turn - clock)


def shown(text: str) -> str:
    """A URL or message without what may be a secret.

    >>> shown("https://x/y?db=pubmed&api_key=abc&id=1")
    'https://x/y?db=pubmed&api_key=…&id=1'
    """
    return _SECRET.sub(r"\1=…", text)


def _retry_after(answer: httpx.Response, otherwise: float) -> float:
    """Seconds that the service asks for, as a number or a date; two minutes at most."""
    told = answer.headers.get("Retry-After", "")
    try:
        wait = float(told)
    except ValueError:
        try:
            wait = (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return otherwise
    return min(max(wait, 0.0), _LONGEST_WAIT)
