"""The transport: rate, patience, what it says and what it hides."""

import email.utils
import time

import httpx
import pytest

from corpora.errors import BudgetError, TransportError
from corpora.transport import Transport


def answering(*answers: httpx.Response) -> httpx.MockTransport:
    queue = list(answers)
    return httpx.MockTransport(lambda _: queue.pop(0))


def test_it_waits_as_told_and_gives_up_in_the_end() -> None:
    waits: list[float] = []
    later = email.utils.formatdate(time.time() + 50, usegmt=True)
    inner = answering(
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(503, headers={"Retry-After": later}),
        httpx.Response(503),
        httpx.Response(200),
    )
    with Transport(None, inner=inner, sleep=waits.append) as transport:
        assert transport.send("GET", "http://x/").status_code == 200
    assert waits[0] == 7
    assert 40 < waits[1] <= 50
    assert 2 <= waits[2] <= 4
    broken = httpx.MockTransport(lambda _: httpx.Response(500, text="broken"))
    with (
        Transport(None, inner=broken, tries=3, sleep=waits.append) as transport,
        pytest.raises(TransportError, match="HTTP 500: 'broken'"),
    ):
        transport.send("GET", "http://x/")
    assert transport.requests == 3


def test_a_judge_asks_again_for_a_bad_body_and_stops_at_once() -> None:
    waits: list[float] = []
    inner = answering(httpx.Response(200, text="half"), httpx.Response(200, text="whole"))
    with Transport(None, inner=inner, sleep=waits.append) as transport:
        judge = lambda answer: "half" if answer.text == "half" else None  # noqa: E731
        assert transport.send("GET", "http://x/", judge=judge).text == "whole"
    assert len(waits) == 1

    def stop(answer: httpx.Response) -> str | None:
        raise BudgetError("spent")

    with (
        Transport(None, inner=answering(httpx.Response(429)), sleep=waits.append) as transport,
        pytest.raises(BudgetError),
    ):
        transport.send("GET", "http://x/", judge=stop)
    assert len(waits) == 1


def test_the_rate_is_kept_over_requests() -> None:
    waits: list[float] = []
    inner = httpx.MockTransport(lambda _: httpx.Response(200))
    with Transport(2.0, inner=inner, sleep=waits.append) as transport:
        for _ in range(3):
            transport.send("GET", "http://x/")
    assert len(waits) == 2
    assert 0.3 < waits[0] <= 0.5 < waits[1] <= 1.0
