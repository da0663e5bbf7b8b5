"""PubMed over the loopback service: slices, history, every fault, resumption."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest
from Bio import Entrez

from corpora.errors import HarvestError, InputError, TransportError
from corpora.formats.base import Row
from corpora.record import build
from corpora.simulator.literature import Literature, simulate
from corpora.simulator.server import PUBMED_QUERY, Fault, Service, serve
from corpora.sources import archive, eutils, pubmed
from corpora.sources.base import Fetched, Search, Visit
from corpora.transport import Transport

LITERATURE = simulate(700, seed=5)
PMIDS = {paper.pmid for paper in LITERATURE.pubmed}


@pytest.fixture
def service() -> Iterator[Service]:
    with serve(LITERATURE) as running:
        yield running


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits a hundred times smaller, on both sides, so that small literatures meet them."""
    monkeypatch.setattr("corpora.sources.pubmed.CAP", 99)
    monkeypatch.setattr("corpora.simulator.entrez.CAP", 99)
    monkeypatch.setattr(pubmed, "BATCH", 25)


def fetch(service: Service, folder: Path, query: str = PUBMED_QUERY, **rest: object) -> Fetched:
    search = Search("test", "pubmed", query, base_url=service.url, **rest)  # type: ignore[arg-type]
    folder.mkdir(exist_ok=True)
    with Transport(None, timeout=5, pause=0.01) as transport:
        return pubmed.PubMed().fetch(Visit(search, transport, folder))


def rows(folder: Path) -> list[Row]:
    return list(pubmed.PubMed().rows(folder))


def numbers(folder: Path) -> set[str]:
    return {row.fields["pmid"] for row in rows(folder) if not row.refused}


FAULTS = {
    "status 500": [Fault(500), Fault(503), Fault(502)],
    "429 with and without Retry-After": [Fault(429, "0"), Fault(429)],
    "reset in mid-body": [Fault(), Fault(reset=True), Fault(reset=True), Fault(), Fault(reset=True)],
    "cut body": [Fault(cut=True), Fault(), Fault(cut=True), Fault(cut=True)],
    "truncated XML": [Fault(), Fault(), Fault(mangle=lambda body: body[: len(body) // 2])],
    "a page of HTML": [Fault(mangle=lambda _: b"<html>busy</html>")] * 3,
    "JSON that is none": [Fault(mangle=lambda _: b'{"ERROR":"a\nb"}'), Fault(), Fault(mangle=lambda _: b"{")],
    "an empty body": [Fault(), Fault(), Fault(mangle=lambda _: b"")],
}


@pytest.mark.parametrize("name", FAULTS)
def test_everything_comes_through(name: str, service: Service, small: None, tmp_path: Path) -> None:
    service.faults = list(FAULTS[name])
    fetched = fetch(service, tmp_path)
    assert service.faults == []
    assert fetched.promised == len(PMIDS)
    found = rows(tmp_path)
    assert [row for row in found if row.refused] == []
    assert {row.fields["pmid"] for row in found} == PMIDS
    assert len(found) == len(PMIDS)


def test_a_slow_answer_is_asked_for_again(service: Service, tmp_path: Path) -> None:
    service.faults = [Fault(wait=1.0)]
    search = Search("test", "pubmed", PUBMED_QUERY, base_url=service.url)
    with Transport(None, timeout=0.3, pause=0.01) as transport:
        pubmed.PubMed().fetch(Visit(search, transport, tmp_path))
    assert numbers(tmp_path) == PMIDS


def test_slices_are_within_the_limit_and_in_the_account(
    service: Service, small: None, tmp_path: Path
) -> None:
    said: list[str] = []
    search = Search("test", "pubmed", PUBMED_QUERY, base_url=service.url)
    with Transport(None) as transport:
        fetched = pubmed.PubMed().fetch(Visit(search, transport, tmp_path, say=said.append))
    slices = fetched.details["slices"]
    assert len(slices) >= 3
    assert all(one["count"] <= 99 for one in slices)
    assert sum(one["count"] for one in slices) == fetched.promised == fetched.details["listed"]
    assert "cut by Entrez date" in said[0]
    assert numbers(tmp_path) == PMIDS


def test_a_crowded_day_and_the_silent_clamp(service: Service, small: None, tmp_path: Path) -> None:
    day = date(2024, 1, 1)
    crowded = [replace(paper, entered=day) for paper in LITERATURE.pubmed]
    service.literature = Literature(5, crowded, [])
    fetched = fetch(service, tmp_path)
    assert any("[UID]" in one["term"] for one in fetched.details["slices"])
    assert numbers(tmp_path) == PMIDS
    # What the slicing is for: one walk over the limit comes short and says nothing.
    with Transport(None) as transport:
        client = eutils.Eutils(transport, service.url)
        found = client.search(PUBMED_QUERY)
        page = client.fetch(WebEnv=found.webenv, query_key=found.query_key, retstart=90, retmax=25)
        assert len(eutils.listed(page) or ()) == 9
        with pytest.raises(TransportError, match="cannot be larger"):
            client.fetch(WebEnv=found.webenv, query_key=found.query_key, retstart=99, retmax=25)


def test_records_that_vanish_are_refused_by_name(service: Service, small: None, tmp_path: Path) -> None:
    gone = sorted(PMIDS, key=int)[3:6]
    service.gone = set(gone)
    fetched = fetch(service, tmp_path)
    found = rows(tmp_path)
    assert fetched.promised == len(found) == len(PMIDS)
    assert sorted(row.key for row in found if row.refused) == gone
    assert all("was listed and did not come" in row.refused for row in found if row.refused)


def test_a_lost_history_is_fetched_by_number(
    service: Service, small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpora.simulator.entrez._remember", lambda service, pmids: "SIM_0")
    fetch(service, tmp_path)
    assert numbers(tmp_path) == PMIDS
    assert any("POST" in line or "id=" in line for line in service.log if "efetch" in line)


def test_killed_at_any_request_it_goes_on(service: Service, small: None, tmp_path: Path) -> None:
    fetch(service, tmp_path / "whole")
    whole = {row.fields["pmid"]: row.fields for row in rows(tmp_path / "whole")}
    asked = len(service.log)
    for alive in range(0, asked, 11):
        folder = tmp_path / f"broken-{alive}"
        service.faults, service.log = [Fault()] * alive + [Fault(404)] * 500, []
        with pytest.raises(TransportError):
            fetch(service, folder)
        service.faults, service.log = [], []
        fetch(service, folder)
        assert {row.fields["pmid"]: row.fields for row in rows(folder)} == whole
    service.log = []
    fetch(service, folder)
    assert service.log == []


def test_a_record_that_cannot_be_read_is_kept_raw(service: Service, tmp_path: Path) -> None:
    fetch(service, tmp_path)
    page = sorted(tmp_path.glob("slice-*-*.xml.gz"))[0]
    body = archive.held(page) or b""
    archive.keep(page, body.replace(b"<MeshHeading>", b"<MeshHeading/><MeshHeading>", 1))
    (odd,) = [row for row in rows(tmp_path) if row.refused]
    assert odd.refused is not None
    assert odd.refused.startswith("cannot be read")
    assert odd.key in PMIDS
    assert odd.raw.startswith("<PubmedArticle>")
    assert len(rows(tmp_path)) == len(PMIDS)


def test_a_term_that_is_not_found_stops_the_run(service: Service, tmp_path: Path) -> None:
    with pytest.raises(HarvestError, match="PhraseNotFound: xyzzy; mend it"):
        fetch(service, tmp_path, "chatbot OR xyzzy")
    fetched = fetch(service, tmp_path, "chatbot OR xyzzy", accept_warnings=True)
    assert fetched.details["warnings"] == ["PhraseNotFound: xyzzy"]
    assert fetched.promised == len(rows(tmp_path)) > 0


def test_limits_are_counted_one_by_one_and_a_window_is_added(service: Service, tmp_path: Path) -> None:
    limits = ("2020:2026[pdat]", "model*")
    fetched = fetch(service, tmp_path / "a", PUBMED_QUERY, limits=limits)
    counts = [step["count"] for step in fetched.details["counts"]]
    assert [step["limit"] for step in fetched.details["counts"]] == [None, *limits]
    assert counts[0] == len(PMIDS) > counts[1] > counts[2] == fetched.promised
    late = fetch(service, tmp_path / "b", PUBMED_QUERY, since="2025-06-01")
    expected = {p.pmid for p in LITERATURE.pubmed if max(p.entered, p.revised) >= date(2025, 6, 1)}
    assert numbers(tmp_path / "b") == expected
    assert late.details["counts"][0]["count"] == len(PMIDS) > late.promised > 0
    assert "[EDAT]" not in late.details["strategy"]
    with pytest.raises(InputError, match="YYYY-MM-DD"):
        pubmed.strategy(Search("s", "pubmed", "q", since="June"))


def test_years_of_the_query_are_kept(service: Service, tmp_path: Path) -> None:
    fetched = fetch(service, tmp_path, '"language model*" AND 2023:2024[pdat]')
    assert 0 < fetched.promised < len(PMIDS)
    assert {build(row.fields, source="pubmed").year for row in rows(tmp_path)} <= {2023, 2024}


def test_biopython_still_builds_requests_as_we_read_them() -> None:
    assert list(inspect.signature(Entrez._build_request).parameters) == [
        "cgi", "params", "post", "ecitmatch", "join_ids",
    ]  # fmt: skip


def test_keys_go_to_the_service_and_into_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "sesame")
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(400, text="bad api_key=sesame")

    client = eutils.Eutils(Transport(None, inner=httpx.MockTransport(answer)), None)
    with pytest.raises(TransportError) as caught:
        client.call("esearch", db="pubmed", term="x")
    assert "sesame" in seen[0]
    assert "sesame" not in str(caught.value)
    assert pubmed.PubMed().transport(Search("s", "pubmed", "q"))._gap == pytest.approx(0.1)
    monkeypatch.delenv("NCBI_API_KEY")
    assert pubmed.PubMed().transport(Search("s", "pubmed", "q"))._gap == pytest.approx(1 / 3)


def test_biopythons_own_reader_accepts_what_the_service_sends(service: Service) -> None:
    import io

    from corpora.sources import pubmed_xml

    client = eutils.Eutils(Transport(None), service.url)
    pmids = [paper.pmid for paper in LITERATURE.pubmed[:20]]
    found = Entrez.read(io.BytesIO(client.fetch(id=pmids)))
    assert [str(one["MedlineCitation"]["PMID"]) for one in found["PubmedArticle"]] == pmids
    summaries = Entrez.read(io.BytesIO(client.call("esummary", db="pubmed", id=pmids)))
    assert [one["Id"] for one in summaries] == pmids
    posted = Entrez.read(io.BytesIO(client.call("epost", db="pubmed", id=pmids)))
    again = client.fetch(WebEnv=posted["WebEnv"], query_key="1")
    assert [row.fields["pmid"] for row in pubmed_xml.rows(again)] == pmids
    searched = Entrez.read(io.BytesIO(client.call("esearch", db="pubmed", term="chatbot", retmax=3)))
    assert len(searched["IdList"]) == 3 < int(searched["Count"])
