"""Europe PMC, Crossref and ClinicalTrials.gov over a loopback service, with every fault."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.errors import HarvestError, InputError, TransportError
from corpora.record import Record, build
from corpora.simulator import registers
from corpora.simulator.literature import Literature, simulate
from corpora.simulator.register_answers import trial_number
from corpora.simulator.service import Answer, Fault
from corpora.sources.archive import held
from corpora.sources.base import Fetched, Search, Visit
from corpora.sources.clinicaltrials import ClinicalTrials
from corpora.sources.crossref import Crossref
from corpora.sources.europepmc import EuropePMC
from corpora.sources.markup import plain
from corpora.sources.paged import PagedSource
from corpora.transport import Transport

LITERATURE = simulate(240, seed=5)
SOURCES: dict[str, type[PagedSource]] = {one.name: one for one in (EuropePMC, Crossref, ClinicalTrials)}
EVERYTHING = {"europepmc": '""', "crossref": "filter:has-abstract:true", "clinicaltrials": '""'}
SIZES = {"europepmc": 40, "crossref": 40, "clinicaltrials": 7}


@dataclass
class Running:
    """A service on loopback; ``scrolls`` makes Crossref's cursor one that moves with every answer."""

    literature: Literature = LITERATURE
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    scrolls: bool = False
    place: str = "*"

    def answer(self, path: str, values: dict[str, str]) -> Answer:
        if not self.scrolls or "cursor" not in values:
            return registers.answer(self.literature, path, values)
        place = self.place if values["cursor"] == "scroll" else values["cursor"]
        status, body, kind, more = registers.answer(self.literature, path, values | {"cursor": place})
        found = json.loads(body)["message"]["next-cursor"]
        self.place = found
        return status, body.replace(found.encode(), b"scroll"), kind, more


class Handler(BaseHTTPRequestHandler):
    service: Running

    def do_GET(self) -> None:
        self._reply(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, format: str, *args: object) -> None: ...

    def _reply(self, query: str) -> None:
        service, path = self.service, urlsplit(self.path).path
        service.log.append(f"{path}?{query}")
        fault = service.faults.pop(0) if service.faults else Fault()
        if fault.first:
            fault.first()
        values = {name: found[0] for name, found in parse_qs(query).items()}
        if fault.status == 200:
            status, body, kind, _ = service.answer(path, values)
        else:
            status, body, kind = fault.status, b"simulated fault", "text/plain"
        body = fault.mangle(body) if fault.mangle else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if fault.retry_after:
            self.send_header("Retry-After", fault.retry_after)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault.cut else body)
        self.close_connection = fault.cut


@pytest.fixture
def service() -> Iterator[Running]:
    running = Running()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"service": running}))
    server.daemon_threads = True
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=list(SOURCES))
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("CROSSREF_EMAIL", raising=False)
    for known, source in SOURCES.items():
        monkeypatch.setattr(source, "size", SIZES[known])
    return request.param


def fetch(service: Running, name: str, folder: Path, query: str | None = None, **more: object) -> Fetched:
    folder.mkdir(exist_ok=True)
    search = Search("s", name, query or EVERYTHING[name], base_url=f"{service.url}/{name}", **more)
    with Transport(None, timeout=5, pause=0.001, tries=4) as transport:
        return SOURCES[name]().fetch(Visit(search, transport, folder))


def rows(name: str, folder: Path) -> list[str]:
    return [row.fields["accession"] for row in SOURCES[name]().rows(folder)]


def records(name: str, folder: Path) -> dict[str, Record]:
    return {row.fields["accession"]: build(row.fields, source=name) for row in SOURCES[name]().rows(folder)}


def truth(name: str, literature: Literature = LITERATURE) -> list[str]:
    if name == "europepmc":
        preprints = [f"PPR:PPR{one.openalex_id[1:]}" for one in literature.openalex if one.kind == "preprint"]
        return sorted([*(f"MED:{one.pmid}" for one in literature.pubmed), *preprints])
    if name == "crossref":
        return sorted({one.doi for one in literature.openalex if one.doi and one.abstract})
    trials = [trial_number(one) for one in literature.pubmed]
    return sorted(number for number in trials if number)


# ---------------------------------------------------------------- whole harvests


def test_everything_comes_once_and_a_rerun_asks_nothing(name: str, service: Running, tmp_path: Path) -> None:
    fetched = fetch(service, name, tmp_path)
    assert rows(name, tmp_path) == truth(name)
    assert fetched.promised == len(truth(name))
    assert fetched.explained == {}
    assert len(list(tmp_path.glob("page-*.json.gz"))) >= 3
    assert fetched.details["counts"] == [{"limit": None, "count": fetched.promised}]
    assert fetched.details["requests"] == len(service.log)
    assert fetched.details["host"] == f"{service.url}/{name}"
    service.log.clear()
    again = fetch(service, name, tmp_path)
    assert service.log == []
    assert (again.promised, again.details["searched"]) == (fetched.promised, fetched.details["searched"])


def test_a_search_that_finds_nothing(name: str, service: Running, tmp_path: Path) -> None:
    assert fetch(service, name, tmp_path, "zyzzyva").promised == 0
    assert rows(name, tmp_path) == []


LIMITS = {
    "europepmc": ("PUB_YEAR:[2022 TO 2026]", "SRC:MED"),
    "crossref": ("from-pub-date:2022", "type:journal-article"),
    "clinicaltrials": ("AREA[StudyType]OBSERVATIONAL", "model*"),
}


def test_hits_are_counted_before_and_after_each_limit(name: str, service: Running, tmp_path: Path) -> None:
    fetched = fetch(service, name, tmp_path, limits=LIMITS[name])
    limits = [one["limit"] for one in fetched.details["counts"]]
    counts = [one["count"] for one in fetched.details["counts"]]
    assert limits == [None, *LIMITS[name]]
    assert counts[0] == len(truth(name)) > counts[1] > counts[2] > 0
    assert len(rows(name, tmp_path)) == fetched.promised == counts[2]
    assert all(limit in fetched.details["strategy"] for limit in LIMITS[name])


def test_since_narrows_to_what_came_or_changed(name: str, service: Running, tmp_path: Path) -> None:
    found = fetch(service, name, tmp_path, since="2024-06-01")
    assert 0 < found.promised < len(truth(name))
    assert found.details["counts"][-1]["count"] == len(truth(name))
    assert "2024-06-01" in found.details["strategy"]
    with pytest.raises(InputError, match="--since 'soon'"):
        fetch(service, name, tmp_path / "other", since="soon")


# ---------------------------------------------------------------- faults


FAULTS = {
    "status 500": [Fault(500), Fault(503), Fault(), Fault(502)],
    "429 with and without Retry-After": [Fault(429, "0"), Fault(429), Fault(), Fault(429, "0")],
    "cut bodies": [Fault(cut=True), Fault(), Fault(cut=True), Fault(cut=True)],
    "JSON that is none": [
        Fault(mangle=lambda _: b"<html>busy</html>"),
        Fault(),
        Fault(mangle=lambda _: b"{"),
    ],
    "an error with status 200": [Fault(mangle=lambda _: b'{"errCode": 500, "errMsg": "busy"}')] * 2,
    "a list, a null": [Fault(), Fault(mangle=lambda _: b"[]"), Fault(mangle=lambda _: b"null")],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_everything_comes_through(fault: str, name: str, service: Running, tmp_path: Path) -> None:
    service.faults = list(FAULTS[fault])
    assert fetch(service, name, tmp_path).promised == len(truth(name))
    assert service.faults == []
    assert rows(name, tmp_path) == truth(name)


def test_killed_at_any_request_it_goes_on(name: str, service: Running, tmp_path: Path) -> None:
    fetch(service, name, tmp_path / "whole")
    requests = len(service.log)
    for alive in range(requests):
        folder = tmp_path / f"broken-{alive}"
        service.faults = [Fault()] * alive + [Fault(418)]
        with pytest.raises(TransportError, match="418"):
            fetch(service, name, folder)
        service.log.clear()
        fetch(service, name, folder)
        assert rows(name, folder) == truth(name)
        assert len(service.log) == requests - alive


def early_end(name: str, body: bytes) -> bytes:
    """The answer to a page as if it were the last: the cursor repeats itself, or is missing."""
    page = json.loads(body)
    if name == "crossref":
        page["message"]["items"] = []
    else:
        page.pop("nextCursorMark", None), page.pop("nextPageToken", None)
    return json.dumps(page).encode()


def test_an_end_that_comes_too_early_is_asked_for_again(name: str, service: Running, tmp_path: Path) -> None:
    service.faults = [Fault(), Fault(), Fault(mangle=partial(early_end, name))]
    assert fetch(service, name, tmp_path).promised == len(truth(name))
    assert rows(name, tmp_path) == truth(name)


def test_an_end_that_stays_too_early_stops_and_keeps_what_came(
    name: str, service: Running, tmp_path: Path
) -> None:
    early, count = Fault(mangle=partial(early_end, name)), Fault()
    # A cursor that remembers its place is walked twice from the start, others are asked thrice.
    service.faults = [Fault(), Fault()] + (
        [early, count, Fault()] * 2 if name == "crossref" else [early, count] * 3
    )
    with pytest.raises(HarvestError, match="promised .* gave .* and now promises"):
        fetch(service, name, tmp_path)
    assert len(rows(name, tmp_path)) < len(truth(name))
    service.faults = []
    fetch(service, name, tmp_path)
    assert rows(name, tmp_path) == truth(name)


def test_a_cursor_that_turns_in_a_circle_stops(name: str, service: Running, tmp_path: Path) -> None:
    fetch(service, name, tmp_path / "whole")
    first = held(tmp_path / "whole" / "page-000000.json.gz")
    # The first page twice more, then the second, which leads back to where the first one led.
    service.faults = [Fault(), Fault(), Fault(), *[Fault(mangle=lambda _: first)] * 3]
    with pytest.raises(HarvestError, match="brought nothing new"):
        fetch(service, name, tmp_path / "circle")
    fetch(service, name, tmp_path / "circle")
    assert rows(name, tmp_path / "circle") == truth(name)


def test_a_cursor_that_expired_begins_again(name: str, service: Running, tmp_path: Path) -> None:
    service.faults = [Fault()] * 3 + [Fault(418)]
    with pytest.raises(TransportError):
        fetch(service, name, tmp_path)
    service.faults = [Fault(404)]
    service.log.clear()
    assert fetch(service, name, tmp_path).promised == len(truth(name))
    assert rows(name, tmp_path) == truth(name)
    assert len(service.log) > 3
    service.faults = [Fault()] * 2 + [Fault(404), Fault(), Fault(404)]
    with pytest.raises(HarvestError, match="s: .* lost the place of its cursor: HTTP 404"):
        fetch(service, name, tmp_path / "other")


def test_a_query_that_is_refused_says_so_in_the_service_s_words(
    name: str, service: Running, tmp_path: Path
) -> None:
    service.faults = [Fault(400)]
    with pytest.raises(TransportError, match="HTTP 400: 'simulated fault'"):
        fetch(service, name, tmp_path)


# ---------------------------------------------------------------- records that come and go


def without(name: str, gone: list[str]) -> Literature:
    if name == "crossref":
        return replace(LITERATURE, openalex=[one for one in LITERATURE.openalex if one.doi not in gone])
    own = trial_number if name == "clinicaltrials" else lambda paper: f"MED:{paper.pmid}"
    return replace(LITERATURE, pubmed=[one for one in LITERATURE.pubmed if own(one) not in gone])


def test_records_that_leave_between_count_and_fetch_are_explained(
    name: str, service: Running, tmp_path: Path
) -> None:
    gone = truth(name)[-3:] if name != "europepmc" else truth(name)[:3]

    def leave() -> None:
        service.literature = without(name, gone)

    service.faults = [Fault(), Fault(first=leave)]
    fetched = fetch(service, name, tmp_path)
    assert fetched.explained == {f"left {SOURCES[name].title} during the harvest": 3}
    assert fetched.promised == len(truth(name))
    assert set(rows(name, tmp_path)) == set(truth(name)) - set(gone)
    service.log.clear()
    assert fetch(service, name, tmp_path).explained == fetched.explained
    assert service.log == []


def test_a_record_that_comes_twice_is_one(name: str, service: Running, tmp_path: Path) -> None:
    kept: list[dict] = []

    def twice(body: bytes) -> bytes:
        page = json.loads(body)
        listed = SOURCES[name]().records(page)
        listed.extend(kept or listed[:3])
        kept.extend(listed[:3])
        return json.dumps(page).encode()

    service.faults = [Fault(), Fault(mangle=twice), Fault(mangle=twice)]
    assert fetch(service, name, tmp_path).promised == len(truth(name))
    assert rows(name, tmp_path) == truth(name)


def test_records_that_come_meanwhile_are_kept_and_said(name: str, service: Running, tmp_path: Path) -> None:
    late = truth(name)[-2:] if name != "europepmc" else truth(name)[40:42]
    service.literature = without(name, late)

    def come() -> None:
        service.literature = LITERATURE

    service.faults = [Fault(), Fault(first=come)]
    fetched = fetch(service, name, tmp_path)
    assert fetched.promised == len(rows(name, tmp_path)) == len(truth(name))
    assert fetched.notes == ["s: 2 records came while it was harvested"]


def test_crossref_s_cursor_may_stay_the_same(service: Running, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(Crossref, "size", 40)
    service.scrolls = True
    assert fetch(service, "crossref", tmp_path).promised == len(truth("crossref"))
    assert rows("crossref", tmp_path) == truth("crossref")
    assert len(list(tmp_path.glob("page-*"))) >= 4


def test_a_page_of_crossref_lost_on_the_way_is_walked_for_again(
    service: Running, tmp_path: Path, monkeypatch
) -> None:
    """The cursor has moved on when the cut page is asked for again: only a second walk brings it."""
    monkeypatch.setattr(Crossref, "size", 40)
    service.scrolls = True
    service.faults = [Fault(), Fault(), Fault(cut=True)]
    said: list[str] = []
    search = Search("s", "crossref", EVERYTHING["crossref"], base_url=f"{service.url}/crossref")
    with Transport(None, timeout=5, pause=0.001) as transport:
        fetched = Crossref().fetch(Visit(search, transport, tmp_path, say=said.append))
    assert fetched.promised == len(truth("crossref"))
    assert rows("crossref", tmp_path) == truth("crossref")
    assert said[-1].startswith("s: Crossref lost the place of its cursor: it promised")
    assert said[-1].endswith("beginning again")


# ---------------------------------------------------------------- what goes out


def test_crossref_says_who_asks_and_hides_it_from_messages(
    service: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSREF_EMAIL", "someone@example.org")
    service.faults = [Fault(418)]
    with pytest.raises(TransportError) as caught:
        fetch(service, "crossref", tmp_path)
    assert "mailto=someone%40example.org" in service.log[0]
    assert "someone" not in str(caught.value)
    fetched = fetch(service, "crossref", tmp_path)
    assert "someone" not in str(fetched)


@pytest.mark.parametrize(("email", "rate"), [("", 1.0), ("a@b.c", 3.0)], ids=["public", "polite"])
def test_rates(email: str, rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSREF_EMAIL", email)
    with Crossref().transport(Search("s", "crossref", "x")) as transport:
        assert transport._gap == pytest.approx(1 / rate)
    with EuropePMC().transport(Search("s", "europepmc", "x", base_url="http://127.0.0.1:1")) as transport:
        assert transport._gap == 0


def test_a_long_strategy_goes_to_europe_pmc_whole(service: Running, tmp_path: Path) -> None:
    query = " OR ".join(f'"term number {number}"' for number in range(600))
    fetch(service, "europepmc", tmp_path, query)
    assert len(service.log[0]) > 14_000


@pytest.mark.parametrize(
    ("query", "limits", "words"),
    [
        ("filter:type:book; cats", ("type:journal-article",), "'type' by OR"),
        ("filter:; cats", (), "filter '': write it as name:value"),
        ("cats", ("books",), "filter 'books': write it as name:value"),
    ],
)
def test_crossref_filters_that_are_refused(query: str, limits: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Crossref().question(Search("s", "crossref", query, limits))


def test_crossref_joins_the_same_filter_within_one_list() -> None:
    made = Crossref().question(Search("s", "crossref", "filter:type:book,type:book-chapter"))
    assert made == {"filter": "type:book,type:book-chapter"}


# ---------------------------------------------------------------- what comes in


def test_papers_of_pubmed_come_whole_through_europe_pmc(service: Running, tmp_path: Path) -> None:
    fetch(service, "europepmc", tmp_path)
    found = records("europepmc", tmp_path)
    for paper in LITERATURE.pubmed:
        record = found[f"MED:{paper.pmid}"]
        assert (record.pmid, record.doi, record.year) == (paper.pmid, paper.doi, paper.year)
        assert (record.title, record.abstract) == (f"{paper.title}.", paper.abstract)
        assert [one.family for one in record.authors] == [one[0] for one in paper.authors]
        assert [one.affiliations for one in record.authors] == [
            (f"{one[2]}, {one[3]}.",) for one in paper.authors
        ]
        assert [(one.descriptor, one.major) for one in record.mesh] == list(paper.mesh)
        assert record.retraction == (
            "notice" if paper.notice_of else "retracted" if paper.retracted else None
        )
        assert record.unread == ()


def test_works_come_whole_through_crossref(service: Running, tmp_path: Path) -> None:
    fetch(service, "crossref", tmp_path)
    found = records("crossref", tmp_path)
    dois = {paper.report: paper.doi for paper in LITERATURE.openalex if paper.doi}
    for paper in LITERATURE.openalex:
        if paper.doi and paper.abstract:
            record = found[paper.doi]
            assert (record.title, record.abstract) == (paper.title, paper.abstract)
            assert (record.year, record.citation_count) == (paper.year, paper.citations)
            assert record.references == tuple(f"doi:{dois[one]}" for one in paper.cites if one in dois)
            assert record.retraction == ("retracted" if paper.retracted else None)
            assert record.unread == ()


def test_registrations_name_the_paper_they_led_to(service: Running, tmp_path: Path) -> None:
    fetch(service, "clinicaltrials", tmp_path)
    found = records("clinicaltrials", tmp_path)
    for paper in LITERATURE.pubmed:
        if number := trial_number(paper):
            record = found[number]
            assert record.nct_ids == (number,)
            assert record.references == (f"pmid:{paper.pmid}",)
            assert (record.publication_date, record.abstract) == (paper.entered.isoformat(), paper.abstract)
            assert record.publication_types[0] == "Registry"
            assert record.authors[0].family == paper.authors[0][0]
            assert dict(record.extra)["clinicaltrials:results_pmids"] == paper.pmid


BARE = {
    "europepmc": {"id": "1", "source": "AGR"},
    "crossref": {"DOI": "10.5555/BARE", "title": [], "issued": {"date-parts": [[None]]}, "author": [{}]},
    "clinicaltrials": {"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}},
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_bare_record_is_still_a_record(source: str) -> None:
    record = build(SOURCES[source]().row(BARE[source]).fields, source=source)
    assert record.source_key == SOURCES[source]().key(BARE[source])
    assert (record.title, record.abstract, record.year, record.unread) == (None, None, None, ())


@pytest.mark.parametrize("source", SOURCES)
def test_a_record_that_cannot_be_read_is_refused_and_kept(source: str) -> None:
    nameless = SOURCES[source]().row({"title": "no id"})
    assert nameless.refused
    assert "no id" in nameless.raw
    odd = {"europepmc": "journalInfo", "crossref": "issued", "clinicaltrials": "protocolSection"}[source]
    broken = BARE[source] | {odd: BARE["clinicaltrials"]["protocolSection"] | {"statusModule": "x"}}
    if source != "clinicaltrials":
        broken[odd] = "x"
    row = SOURCES[source]().row(broken)
    assert row.refused.startswith("cannot be read: AttributeError")
    assert row.key == SOURCES[source]().key(BARE[source])


def test_what_services_write_oddly_is_read() -> None:
    europepmc = {
        "id": "PPR9", "source": "PPR", "title": "A <i>bold</i> &amp; new one", "pubYear": "2023",
        "authorList": {"author": [{"collectiveName": "The Group"}, {"fullName": "Doe J"}, {}]},
        "bookOrReportDetails": {"publisher": "medRxiv"},
        "commentCorrectionList": {"commentCorrection": [{"type": "Expression of concern in", "id": "7",
                                                         "source": "MED"}]},
    }  # fmt: skip
    record = build(EuropePMC().row(europepmc).fields, source="europepmc")
    assert (record.title, record.venue, record.retraction) == ("A bold & new one", "medRxiv", "concern")
    assert [one.family for one in record.authors] == ["The Group", "Doe J"]
    assert ("europepmc:related", "Expression of concern in MED:7") in record.extra
    crossref = {
        "DOI": "10.5555/X", "type": "posted-content", "subtype": "preprint", "title": ["Main"],
        "subtitle": ["a study"], "institution": [{"name": "bioRxiv"}],
        "published": {"date-parts": [[2020, 2, 3]]}, "author": [{"name": "A Group"}],
        "update-to": [{"type": "retraction", "DOI": "10.5555/y"}],
        "clinical-trial-number": [{"clinical-trial-number": "nct00000002"},
                                  {"clinical-trial-number": "ISRCTN1"}],
    }  # fmt: skip
    record = build(Crossref().row(crossref).fields, source="crossref")
    assert (record.title, record.venue, record.retraction) == ("Main: a study", "bioRxiv", "notice")
    assert (record.publication_date, record.nct_ids) == ("2020-02-03", ("NCT00000002",))
    assert ("crossref:trials", "ISRCTN1") in record.extra


# ---------------------------------------------------------------- single papers


def test_a_service_says_whether_it_has_a_paper(name: str, service: Running, tmp_path: Path) -> None:
    fetch(service, name, tmp_path)
    search = Search("s", name, "zyzzyva", LIMITS[name], base_url=f"{service.url}/{name}", since="2030-01-01")
    source = SOURCES[name]()
    with Transport(None, timeout=5, pause=0.001) as transport:
        for record in list(records(name, tmp_path).values())[:5]:
            assert source.holds(search, transport, record)
            bare = replace(record, doi=None, pmid=None, nct_ids=())
            assert source.holds(search, transport, bare)
            assert not source.holds(search, transport, replace(bare, title="Nothing of that kind"))
            assert not source.holds(search, transport, replace(bare, title=None))
            other = replace(record, doi="10.5555/none", pmid="1" if record.pmid else None)
            assert not source.holds(search, transport, other)


# ---------------------------------------------------------------- markup

MARKUP = {
    "jats sections": (
        "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim</jats:title><jats:p>One.</jats:p>"
        "<jats:p>Two.</jats:p></jats:sec>\n<jats:sec><jats:title>METHODS:</jats:title><jats:p>M.</jats:p></jats:sec>",
        "Aim: One.\nTwo.\nMETHODS: M.",
    ),
    "a heading without text": ("<h4>Aim</h4><h4>Methods</h4>M.", "Aim:\nMethods: M."),
    "signs that are no tags": ("p<0.05, x<y and y>z, <unk> &lt;s&gt;", "p<0.05, x<y and y>z, <unk> <s>"),
    "formulas": ('<p>a <mml:math display="inline"><mml:mi>x</mml:mi></mml:math> b</p>', "a x b"),
    "a comment": ("A<!-- not this --> title", "A title"),
    "an unclosed tag": ("The <i>E. coli genome", "The E. coli genome"),
    "entities twice": ("R&amp;amp;D &nbsp; caf&eacute;", "R&amp;D café"),
    "a title called Abstract": ("Abstract", "Abstract"),
    "control characters": ("a\x01b \ud800 c", "a b c"),
}


@pytest.mark.parametrize("case", MARKUP)
def test_markup(case: str) -> None:
    raw, expected = MARKUP[case]
    assert plain(raw) == expected


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    plain(text)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="&>")))
def test_text_without_tags_stays_as_it_is(text: str) -> None:
    folded = " ".join(text.split())
    assert (plain(text) or "") == folded
