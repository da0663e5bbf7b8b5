"""The real clients over the loopback service, its faults included; resumption; mapping."""

import inspect
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from Bio import Entrez

from corpora.errors import FormatError, HarvestError, InputError, TransportError
from corpora.progress import silent
from corpora.record import build
from corpora.registry import entries, load
from corpora.simulator.literature import Literature, simulate
from corpora.simulator.server import OPENALEX_QUERY, PUBMED_QUERY, Fault, Service, serve
from corpora.sources import openalex, pubmed, pubmed_xml
from corpora.sources.base import Harvest, Search
from corpora.transport import Transport

LITERATURE = simulate(400, seed=5)
QUERIES = {"pubmed": PUBMED_QUERY, "openalex": OPENALEX_QUERY}


@pytest.fixture
def service() -> Iterator[Service]:
    with serve(LITERATURE) as running:
        yield running


def harvest(service: Service, name: str, folder: Path, query: str | None = None) -> Harvest:
    source = load("sources", name)()
    search = Search("test", name, query or QUERIES[name], service.url)
    folder.mkdir(exist_ok=True)
    with Transport(None, sleep=lambda _: None) as transport:
        return source.harvest(search, transport, folder, silent)


def held(literature: Literature, name: str) -> set[str]:
    papers = literature.pubmed if name == "pubmed" else literature.openalex
    return {paper.pmid if name == "pubmed" else paper.openalex_id for paper in papers}


@pytest.mark.parametrize("name", entries("sources"))
def test_a_harvest_brings_everything_through_faults(name: str, service: Service, tmp_path: Path) -> None:
    service.faults = [
        Fault(500), Fault(429, "0"), Fault(503), Fault(), Fault(cut=True), Fault(502),
    ]  # fmt: skip
    found = harvest(service, name, tmp_path)
    rows = list(found.rows)
    assert found.promised == len(rows) == len(held(LITERATURE, name))
    assert {row.fields["accession"] for row in rows} == held(LITERATURE, name)
    assert [row.number for row in rows] == list(range(len(rows)))
    assert service.faults == []


@pytest.mark.parametrize("name", entries("sources"))
def test_a_killed_harvest_goes_on_and_ends_alike(name: str, service: Service, tmp_path: Path) -> None:
    whole = list(harvest(service, name, tmp_path / "whole").rows)
    broken = tmp_path / "broken"
    # PubMed is asked for its plan and then for pages, OpenAlex for pages only.
    service.faults = [Fault()] * {"pubmed": 1, "openalex": 2}[name] + [Fault(404)] * 9
    with pytest.raises(TransportError):
        harvest(service, name, broken)
    kept = {path.name for path in broken.iterdir()}
    assert kept
    service.faults, service.log = [], []
    again = list(harvest(service, name, broken).rows)
    assert again == whole
    asked = len(service.log)
    assert 0 < asked < len(list(broken.iterdir()))
    service.log = []
    assert list(harvest(service, name, broken).rows) == whole
    assert service.log == []


@pytest.mark.parametrize("name", entries("sources"))
def test_a_narrower_query_finds_fewer(name: str, service: Service, tmp_path: Path) -> None:
    narrow = {"pubmed": '"language model*" AND 2023:2024[pdat]',
              "openalex": "filter:publication_year:2023-2024; language models"}[name]  # fmt: skip
    found = harvest(service, name, tmp_path, narrow)
    assert 0 < found.promised < len(held(LITERATURE, name))
    years = {build(row.fields, source=name).year for row in found.rows}
    assert years <= {2023, 2024}


def test_more_than_pubmed_gives_is_refused_with_the_number(tmp_path: Path) -> None:
    class Many(pubmed.Eutils):
        def call(self, utility: str, **parameters: Any) -> bytes:
            return b"<eSearchResult><Count>12345</Count><IdList/></eSearchResult>"

    with pytest.raises(HarvestError, match=r"12,345 records, one search brings 9,999"):
        pubmed._plan(Search("s", "pubmed", "q"), Many(Transport(None), None), tmp_path)


def test_a_term_that_is_not_found_stops_the_run(tmp_path: Path) -> None:
    body = (
        b"<eSearchResult><Count>0</Count><IdList/><ErrorList><PhraseNotFound>xyzzy</PhraseNotFound>"
        b"</ErrorList><QueryTranslation>a</QueryTranslation></eSearchResult>"
    )

    class Ignoring(pubmed.Eutils):
        def call(self, utility: str, **parameters: Any) -> bytes:
            return body

    client = Ignoring(Transport(None), None)
    with pytest.raises(HarvestError, match="PhraseNotFound: xyzzy"):
        pubmed._plan(Search("s", "pubmed", "q"), client, tmp_path)
    plan = pubmed._plan(Search("s", "pubmed", "q", accept_warnings=True), client, tmp_path)
    assert plan["warnings"] == ["PhraseNotFound: xyzzy"]


def test_a_record_that_never_comes_is_refused_by_name(service: Service, tmp_path: Path) -> None:
    found = harvest(service, "pubmed", tmp_path)
    gone = service.literature.pubmed[0].pmid
    for page in tmp_path.glob("efetch-*"):
        page.unlink()
    smaller = Literature(5, service.literature.pubmed[1:], service.literature.openalex)
    service.literature = smaller
    rows = list(harvest(service, "pubmed", tmp_path).rows)
    assert len(rows) == found.promised
    assert [row.refused for row in rows if row.refused] == [
        f"PMID {gone} was promised, no readable record came"
    ]


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

    client = pubmed.Eutils(Transport(None, inner=httpx.MockTransport(answer)), None)
    with pytest.raises(TransportError) as caught:
        client.call("esearch", db="pubmed", term="x")
    assert "sesame" in seen[0]
    assert "sesame" not in str(caught.value)


def test_the_transport_waits_as_told_and_gives_up_in_the_end() -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(503), httpx.Response(200)]
    waits: list[float] = []
    inner = httpx.MockTransport(lambda _: answers.pop(0))
    with Transport(None, inner=inner, sleep=waits.append) as transport:
        assert transport.send("GET", "http://x/").status_code == 200
    assert waits[0] == 7
    assert 1 <= waits[1] <= 2
    broken = httpx.MockTransport(lambda _: httpx.Response(500, text="broken"))
    with (
        Transport(None, inner=broken, tries=3, sleep=waits.append) as transport,
        pytest.raises(TransportError, match="HTTP 500: 'broken'"),
    ):
        transport.send("GET", "http://x/")
    assert transport.requests == 3


def test_the_rate_is_kept_over_requests() -> None:
    waits: list[float] = []
    inner = httpx.MockTransport(lambda _: httpx.Response(200))
    with Transport(2.0, inner=inner, sleep=waits.append) as transport:
        for _ in range(3):
            transport.send("GET", "http://x/")
    assert len(waits) == 2
    assert 0.3 < waits[0] <= 0.5 < waits[1] <= 1.0


ARTICLE = """<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article><Journal>
<JournalIssue><PubDate><MedlineDate>1998 Dec-1999 Jan</MedlineDate></PubDate></JournalIssue>
<Title>J</Title></Journal><ArticleTitle>Effect of <i>TP53</i> on H<sub>2</sub>O &amp; more</ArticleTitle>
<Abstract><AbstractText Label="AIM">To see.</AbstractText><AbstractText>Seen.</AbstractText></Abstract>
<AuthorList><Author><CollectiveName>The Group</CollectiveName></Author><Author><LastName>Doe</LastName>
<ForeName>J</ForeName><Identifier Source="ORCID">0000-0002-1825-0097</Identifier><AffiliationInfo>
<Affiliation>Hospital, Bern, Switzerland. j@x.ch</Affiliation></AffiliationInfo></Author></AuthorList>
<DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList>
<AccessionNumber>NCT04280705</AccessionNumber></AccessionNumberList></DataBank></DataBankList>
<PublicationTypeList><PublicationType>Journal Article</PublicationType></PublicationTypeList></Article>
<CommentsCorrectionsList><CommentsCorrections RefType="RetractionIn"><PMID>8</PMID></CommentsCorrections>
</CommentsCorrectionsList></MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="doi">10.5555/X
</ArticleId></ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>"""


def test_pubmed_xml_quirks() -> None:
    (row,) = pubmed_xml.rows(ARTICLE.encode())
    record = build(row.fields, source="pubmed")
    assert record.title == "Effect of TP53 on H2O & more"
    assert record.abstract == "AIM: To see.\nSeen."
    assert (record.year, record.publication_date, record.doi) == (1998, "1998-12", "10.5555/x")
    assert [author.family for author in record.authors] == ["The Group", "Doe"]
    assert (record.authors[1].country, record.authors[1].orcid) == (
        "Switzerland", "0000-0002-1825-0097",
    )  # fmt: skip
    assert (record.retraction, record.nct_ids) == ("retracted", ("NCT04280705",))


def test_xml_that_is_cut_or_hostile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="PubMed XML"):
        list(pubmed_xml.rows(ARTICLE.encode()[:900]))
    secret = tmp_path / "secret"
    secret.write_text("do not read")
    hostile = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>' + ARTICLE.replace("To see", "&e;")
    (row,) = pubmed_xml.rows(hostile.encode())
    assert "do not read" not in str(row.fields)


def test_openalex_queries() -> None:
    with pytest.raises(InputError, match="write it as name:value"):
        openalex.query_url("filter:2020; x")
    url = openalex.query_url('"large language model" medicine', "http://127.0.0.1:9")
    assert url.startswith("http://127.0.0.1:9/works?filter=title_and_abstract.search:")


def test_biopythons_own_reader_accepts_what_the_service_sends(service: Service) -> None:
    client = pubmed.Eutils(Transport(None), service.url)
    pmids = [paper.pmid for paper in LITERATURE.pubmed[:20]]
    found = Entrez.read(io.BytesIO(client.call("efetch", db="pubmed", id=pmids, retmode="xml")))
    assert [str(one["MedlineCitation"]["PMID"]) for one in found["PubmedArticle"]] == pmids
    summaries = Entrez.read(io.BytesIO(client.call("esummary", db="pubmed", id=pmids)))
    assert [one["Id"] for one in summaries] == pmids
    posted = Entrez.read(io.BytesIO(client.call("epost", db="pubmed", id=pmids)))
    again = client.call("efetch", db="pubmed", WebEnv=posted["WebEnv"], query_key="1")
    assert [row.fields["pmid"] for row in pubmed_xml.rows(again)] == pmids
    searched = Entrez.read(io.BytesIO(client.call("esearch", db="pubmed", term="chatbot", retmax=3)))
    assert len(searched["IdList"]) == 3 < int(searched["Count"])


def test_the_simulated_literature_is_repeatable_labelled_and_varied() -> None:
    assert simulate(300, seed=9) == simulate(300, seed=9)
    assert simulate(300, seed=9) != simulate(300, seed=10)
    papers = LITERATURE.pubmed + LITERATURE.openalex
    assert all((paper.doi or "10.5555/").startswith("10.5555/") for paper in papers)
    assert all("Simul" in paper.venue for paper in papers)
    truth = LITERATURE.truth()
    assert {row["scope"] for row in truth} == {"in_scope", "review", "opinion", "out_of_scope"}
    assert len({row["report"] for row in truth}) > len({row["study"] for row in truth})
    assert len({row["report"] for row in truth}) < len(truth)
