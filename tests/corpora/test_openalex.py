"""OpenAlex over the loopback service: cost, budget, cursor, long queries, every fault."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from corpora.errors import BudgetError, HarvestError, InputError, TransportError
from corpora.record import build
from corpora.simulator.literature import Literature, simulate
from corpora.simulator.server import OPENALEX_QUERY, Fault, Service, serve
from corpora.sources import openalex
from corpora.sources.base import Fetched, Search, Visit
from corpora.sources.openalex_query import LONGEST, query_url, urls
from corpora.transport import Transport
from corpora.words import counted

LITERATURE = simulate(900, seed=5)
WORKS = {paper.openalex_id for paper in LITERATURE.openalex}


@pytest.fixture
def service() -> Iterator[Service]:
    with serve(LITERATURE) as running:
        yield running


def fetch(
    service: Service,
    folder: Path,
    query: str = OPENALEX_QUERY,
    *,
    budget: float | None = None,
    said: list[str] | None = None,
    limits: tuple[str, ...] = (),
) -> Fetched:
    search = Search("oa", "openalex", query, limits, base_url=service.url)
    folder.mkdir(exist_ok=True)
    heard = said if said is not None else []
    with Transport(None, timeout=5, pause=0.01) as transport:
        return openalex.OpenAlex().fetch(Visit(search, transport, folder, say=heard.append, budget=budget))


def ids(folder: Path) -> list[str]:
    return [row.fields["accession"] for row in openalex.OpenAlex().rows(folder)]


def repeat_cursor(body: bytes) -> bytes:
    return body.replace(b'"next_cursor": "sim200"', b'"next_cursor": "sim100"')


FAULTS = {
    "status 500": [Fault(500), Fault(503), Fault(502)],
    "429 with and without Retry-After": [Fault(429, "0"), Fault(429)],
    "403, slow down": [Fault(), Fault(403)],
    "reset in mid-body": [Fault(), Fault(reset=True), Fault(reset=True)],
    "cut body": [Fault(cut=True), Fault(), Fault(cut=True)],
    "JSON that is none": [Fault(mangle=lambda _: b'{"error":"a\nb"}'), Fault(mangle=lambda _: b"<html>")],
    "a page without meta": [Fault(), Fault(mangle=lambda _: b'{"results": []}')],
    "a cursor twice": [Fault(), Fault(), Fault(mangle=repeat_cursor)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_everything_comes_through(name: str, service: Service, tmp_path: Path) -> None:
    service.faults = list(FAULTS[name])
    fetched = fetch(service, tmp_path)
    assert service.faults == []
    assert fetched.promised == len(WORKS)
    assert sorted(ids(tmp_path)) == sorted(WORKS)


def test_a_cursor_that_turns_in_a_circle_stops(service: Service, tmp_path: Path) -> None:
    service.faults = [Fault(), Fault(), *[Fault(mangle=repeat_cursor)] * 3]
    with pytest.raises(HarvestError, match="three times in a row"):
        fetch(service, tmp_path)
    fetch(service, tmp_path)
    assert sorted(ids(tmp_path)) == sorted(WORKS)


@pytest.mark.parametrize("credits", [False, True], ids=["headers in dollars", "headers in credits"])
def test_the_cost_is_said_before_the_first_page(credits: bool, service: Service, tmp_path: Path) -> None:
    service.credits = credits
    said: list[str] = []
    fetched = fetch(service, tmp_path, "chatbot OR model", said=said)
    assert "about $0.0010 a call (a search; filters alone cost a tenth)" in said[0]
    pages = -(-fetched.promised // 100)
    assert (
        f"in {counted(pages, 'page')}, about ${pages * 0.001:.4f} in all ($0.9990 of today's allowance"
        in said[1]
    )
    assert fetched.details["cost_usd"] == pytest.approx((len(list(tmp_path.glob("part-*"))) + 1) * 0.001)


def test_a_budget_stops_before_it_is_passed_and_the_rest_follows(service: Service, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match=r"budget of \$5e-05 .*review harvest oa --budget"):
        fetch(service, tmp_path, budget=0.00005)
    assert service.log == []
    with pytest.raises(BudgetError, match=r"\$0.0003 spent"):
        fetch(service, tmp_path, budget=0.00035)
    assert len(service.log) == 3
    kept = len(list(tmp_path.glob("part-*")))
    assert kept == 2
    service.log = []
    fetched = fetch(service, tmp_path)
    assert fetched.promised == len(ids(tmp_path))
    assert len(service.log) == len(list(tmp_path.glob("part-*"))) - kept


@pytest.mark.parametrize("credits", [False, True], ids=["headers in dollars", "headers in credits"])
def test_a_spent_day_pauses_and_goes_on(credits: bool, service: Service, tmp_path: Path) -> None:
    service.allowance, service.credits = 0.0003, credits
    with pytest.raises(BudgetError, match="midnight UTC.*go on then with: review harvest oa"):
        fetch(service, tmp_path)
    assert len(service.log) == 4  # a spent day is no reason to ask again and again
    service.allowance = 1.0
    fetch(service, tmp_path)
    assert sorted(ids(tmp_path)) == sorted(WORKS)


def test_killed_at_any_request_it_goes_on(service: Service, tmp_path: Path) -> None:
    fetch(service, tmp_path / "whole")
    whole = ids(tmp_path / "whole")
    for alive in range(len(service.log)):
        folder = tmp_path / f"broken-{alive}"
        service.faults = [Fault()] * alive + [Fault(404)] * 9
        with pytest.raises(TransportError):
            fetch(service, folder)
        service.faults = []
        fetch(service, folder)
        assert ids(folder) == whole


def test_works_that_leave_meanwhile_are_explained(service: Service, tmp_path: Path) -> None:
    fewer = [paper for paper in LITERATURE.openalex if paper.openalex_id != max(WORKS)]

    def leave() -> None:
        service.literature = Literature(5, [], fewer)

    service.faults = [Fault(), Fault(), Fault(first=leave)]
    fetched = fetch(service, tmp_path)
    assert fetched.explained == {"left OpenAlex during the harvest": 1}
    assert fetched.promised == len(WORKS) == len(ids(tmp_path)) + 1


def test_works_that_are_missing_for_no_reason_are_an_error(service: Service, tmp_path: Path) -> None:
    def lose(body: bytes) -> bytes:
        import json

        page = json.loads(body)
        return json.dumps({**page, "results": page["results"][1:]}).encode()

    service.faults = [Fault(), Fault(mangle=lose)]
    with pytest.raises(HarvestError, match=f"promised {len(WORKS)} works, {len(WORKS) - 1} came"):
        fetch(service, tmp_path)


def test_more_than_ten_thousand_works_come_whole(tmp_path: Path) -> None:
    one = LITERATURE.openalex[0]
    many = [replace(one, openalex_id=f"W{number}", abstract=None) for number in range(1, 10_301)]
    with serve(Literature(1, [], many)) as service:
        fetched = fetch(service, tmp_path)
    assert fetched.promised == len(ids(tmp_path)) == 10_300


def test_a_long_query_is_split_and_united(service: Service, tmp_path: Path) -> None:
    terms = " OR ".join(f'"never written {number}"' for number in range(300))
    long = f"(chatbot OR {terms}) AND (model OR language)"
    parts = urls(long, service.url)
    assert len(parts) > 1
    assert all(len(part.encode()) <= LONGEST for part in parts)
    fetched = fetch(service, tmp_path / "long", long)
    fetch(service, tmp_path / "short", "chatbot AND (model OR language)")
    assert sorted(ids(tmp_path / "long")) == sorted(ids(tmp_path / "short"))
    assert len(fetched.details["urls"]) == len(parts)
    with pytest.raises(InputError, match="no list of terms joined by OR"):
        urls("word " * 1000)


def test_limits_are_counted_one_by_one(service: Service, tmp_path: Path) -> None:
    limits = ("publication_year:2020-2026", "type:preprint")
    fetched = fetch(service, tmp_path, "model", limits=limits)
    counts = [step["count"] for step in fetched.details["counts"]]
    assert counts[0] > counts[1] > counts[2] == fetched.promised > 0


def test_queries() -> None:
    with pytest.raises(InputError, match="write it as name:value"):
        query_url("filter:2020; x")
    with pytest.raises(InputError, match="given twice"):
        query_url("filter:language:en; x", limits=["language:fr"])
    url = query_url('"large language model" medicine', "http://127.0.0.1:9")
    assert url.startswith("http://127.0.0.1:9/works?filter=title_and_abstract.search:")


def test_a_wrong_filter_is_the_users_to_mend(service: Service, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="colour is not a valid field"):
        fetch(service, tmp_path, "filter:colour:red")
    with pytest.raises(InputError, match="leave --since away"):
        openalex.OpenAlex().fetch(
            Visit(
                Search("oa", "openalex", "x", base_url=service.url, since="2026-01-01"),
                Transport(None),
                tmp_path,
            )
        )


def test_a_narrower_query_finds_fewer(service: Service, tmp_path: Path) -> None:
    fetched = fetch(service, tmp_path, "filter:publication_year:2023-2024; language models")
    assert 0 < fetched.promised < len(WORKS)
    years = {build(row.fields, source="openalex").year for row in openalex.OpenAlex().rows(tmp_path)}
    assert years <= {2023, 2024}
