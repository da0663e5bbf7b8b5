"""Golden table of PubMed's quirks, each with an id; cut and hostile files; constant memory."""

import io
from pathlib import Path
from typing import Any

import pytest

from corpora.errors import FormatError
from corpora.record import Author, MeshHeading, Record, build
from corpora.simulator.answers import pubmed_set
from corpora.simulator.literature import simulate
from corpora.sources import pubmed_xml

SHELL = (
    "<PubmedArticle><MedlineCitation><PMID Version='1'>7</PMID>{dates}<Article><Journal>{issue}<Title>J</Title>"
    "</Journal><ArticleTitle>{title}</ArticleTitle>{inside}</Article>{after}</MedlineCitation>"
    "<PubmedData>{data}</PubmedData></PubmedArticle>"
)


def article(
    title: str = "T", inside: str = "", after: str = "", data: str = "", issue: str = "", dates: str = ""
) -> str:
    return SHELL.format(title=title, inside=inside, after=after, data=data, issue=issue, dates=dates)


def only(body: str) -> Record:
    (row,) = pubmed_xml.rows(f"<PubmedArticleSet>{body}</PubmedArticleSet>".encode())
    assert row.refused is None, row.refused
    return build(row.fields, source="pubmed")


def extra(record: Record) -> dict[str, str]:
    return dict(record.extra)


def people(inner: str) -> str:
    return f"<AuthorList>{inner}</AuthorList>"


def issue(date: str) -> str:
    return f"<JournalIssue><Volume>3</Volume><Issue>2</Issue><PubDate>{date}</PubDate></JournalIssue>"


# id: (article, how to look, what must be seen)
GOLDEN: dict[str, tuple[str, Any, Any]] = {
    "inline markup in the title": (
        article("Effect of <i>TP53</i> on H<sub>2</sub>O &amp; more"),
        lambda r: r.title,
        "Effect of TP53 on H2O & more",
    ),
    "formula in the abstract": (
        article(inside="<Abstract><AbstractText>If <mml:math xmlns:mml='x'><mml:mi>p</mml:mi></mml:math> falls"
                       "</AbstractText></Abstract>"),
        lambda r: r.abstract,
        "If p falls",
    ),
    "structured abstract with labels": (
        article(inside="<Abstract><AbstractText Label='AIM'>To see.</AbstractText><AbstractText>Seen."
                       "</AbstractText><AbstractText Label='UNLABELLED'>End.</AbstractText>"
                       "<CopyrightInformation>© X</CopyrightInformation></Abstract>"),
        lambda r: r.abstract,
        "AIM: To see.\nSeen.\nEnd.",
    ),
    "collective author": (
        article(inside=people("<Author><CollectiveName>The <i>X</i> Group</CollectiveName></Author>")),
        lambda r: r.authors,
        (Author(family="The X Group"),),
    ),
    "orcid and affiliation with country": (
        article(inside=people(
            "<Author><LastName>Doe</LastName><ForeName>Jo</ForeName><Initials>J</Initials>"
            "<Identifier Source='ORCID'>https://orcid.org/0000-0002-1825-0097</Identifier><AffiliationInfo>"
            "<Affiliation>Ward 3, Bern, Switzerland. jo@x.ch</Affiliation></AffiliationInfo></Author>")),
        lambda r: r.authors,
        (Author(family="Doe", given="Jo", orcid="0000-0002-1825-0097",
                affiliations=("Ward 3, Bern, Switzerland. jo@x.ch",), country="CH"),),
    ),
    "initials where there is no forename": (
        article(inside=people("<Author><LastName>Li</LastName><Initials>Q</Initials></Author>")),
        lambda r: str(r.authors[0]),
        "Li, Q",
    ),
    "mesh with qualifiers": (
        article(after="<MeshHeadingList><MeshHeading><DescriptorName MajorTopicYN='N'>Stroke</DescriptorName>"
                      "<QualifierName MajorTopicYN='Y'>therapy</QualifierName><QualifierName MajorTopicYN='N'>"
                      "diagnosis</QualifierName></MeshHeading></MeshHeadingList>"),
        lambda r: r.mesh,
        (MeshHeading(descriptor="Stroke", qualifiers=("therapy", "diagnosis"), major=True),),
    ),
    "keywords of two owners": (
        article(after="<KeywordList Owner='NLM'><Keyword>a</Keyword></KeywordList>"
                      "<KeywordList Owner='NOTNLM'><Keyword>b <i>c</i></Keyword></KeywordList>"),
        lambda r: r.keywords,
        ("a", "b c"),
    ),
    "grants": (
        article(inside="<GrantList><Grant><GrantID>R01</GrantID><Acronym>CA</Acronym><Agency>NCI</Agency>"
                       "<Country>United States</Country></Grant></GrantList>"),
        lambda r: extra(r)["pubmed:grants"],
        "R01; NCI; United States",
    ),
    "references by pmid and by doi": (
        article(data="<ReferenceList><Reference><Citation>a</Citation><ArticleIdList><ArticleId IdType='pubmed'>"
                     "11</ArticleId></ArticleIdList></Reference><Reference><ArticleIdList><ArticleId "
                     "IdType='doi'>10.5555/ABC</ArticleId></ArticleIdList></Reference><Reference><Citation>c"
                     "</Citation></Reference></ReferenceList>"),
        lambda r: r.references,
        ("pmid:11", "doi:10.5555/abc"),
    ),
    "trial numbers and other data banks": (
        article(inside="<DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName>"
                       "<AccessionNumberList><AccessionNumber>NCT04280705</AccessionNumber>"
                       "</AccessionNumberList></DataBank><DataBank><DataBankName>GEO</DataBankName>"
                       "<AccessionNumberList><AccessionNumber>GSE1</AccessionNumber></AccessionNumberList>"
                       "</DataBank></DataBankList>"),
        lambda r: (r.nct_ids, extra(r)["pubmed:databanks"]),
        (("NCT04280705",), "GEO/GSE1"),
    ),
    "publication types": (
        article(inside="<PublicationTypeList><PublicationType UI='D016428'>Journal Article</PublicationType>"
                       "<PublicationType UI='D016454'>Review</PublicationType></PublicationTypeList>"),
        lambda r: r.publication_types,
        ("Journal Article", "Review"),
    ),
    "MedlineDate": (
        article(issue=issue("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>")),
        lambda r: (r.year, r.publication_date, r.volume, r.issue),
        (1998, "1998-12", "3", "2"),
    ),
    "a season for a month": (
        article(issue=issue("<Year>2019</Year><Season>Spring</Season>")),
        lambda r: (r.year, r.publication_date),
        (2019, "2019"),
    ),
    "print and electronic date": (
        article(issue=issue("<Year>2021</Year><Month>Jan</Month>"),
                inside="<ArticleDate DateType='Electronic'><Year>2020</Year><Month>11</Month><Day>05</Day>"
                       "</ArticleDate>"),
        lambda r: (r.year, r.publication_date),
        (2021, "2020-11-05"),
    ),
    "dates of the record's life": (
        article(dates="<DateCompleted><Year>2021</Year><Month>02</Month><Day>03</Day></DateCompleted>",
                data="<History><PubMedPubDate PubStatus='received'><Year>2020</Year><Month>1</Month><Day>9</Day>"
                     "</PubMedPubDate><PubMedPubDate PubStatus='entrez'><Year>2020</Year><Month>7</Month>"
                     "<Day>30</Day><Hour>6</Hour><Minute>0</Minute></PubMedPubDate></History>"),
        lambda r: extra(r)["pubmed:dates"],
        "received 2020-01-09; entrez 2020-07-30; DateCompleted 2021-02-03",
    ),
    "abstract in another language": (
        article("[A title.]", inside="<VernacularTitle>Ein Titel.</VernacularTitle><Language>ger</Language>",
                after="<OtherAbstract Type='Publisher' Language='ger'><AbstractText>Ja.</AbstractText>"
                      "</OtherAbstract>"),
        lambda r: (r.title, r.language, r.abstract, extra(r)["pubmed:vernacular_title"],
                   extra(r)["pubmed:other_abstracts"]),
        ("[A title.]", "ger", None, "Ein Titel.", "[ger] Ja."),
    ),
    "no title but a vernacular one": (
        article("", inside="<VernacularTitle>Un titre</VernacularTitle>"),
        lambda r: r.title,
        "Un titre",
    ),
    "retracted": (
        article(after="<CommentsCorrectionsList><CommentsCorrections RefType='RetractionIn'><RefSource>J"
                      "</RefSource><PMID>8</PMID></CommentsCorrections></CommentsCorrectionsList>"),
        lambda r: (r.retraction, extra(r)["pubmed:related"]),
        ("retracted", "RetractionIn 8"),
    ),
    "retraction notice": (
        article(inside="<PublicationTypeList><PublicationType>Retraction of Publication</PublicationType>"
                       "</PublicationTypeList>"),
        lambda r: r.retraction,
        "notice",
    ),
    "erratum": (
        article(after="<CommentsCorrectionsList><CommentsCorrections RefType='ErratumIn'><RefSource>J</RefSource>"
                      "<PMID>9</PMID></CommentsCorrections></CommentsCorrectionsList>"),
        lambda r: (r.retraction, extra(r)["pubmed:related"]),
        (None, "ErratumIn 9"),
    ),
    "expression of concern": (
        article(after="<CommentsCorrectionsList><CommentsCorrections RefType='ExpressionOfConcernIn'>"
                      "<RefSource>J</RefSource></CommentsCorrections></CommentsCorrectionsList>"),
        lambda r: r.retraction,
        "concern",
    ),
    "doi from the location, if it is valid": (
        article(inside="<ELocationID EIdType='doi' ValidYN='N'>10.5555/bad</ELocationID>"
                       "<ELocationID EIdType='doi' ValidYN='Y'>10.5555/good</ELocationID>"),
        lambda r: r.doi,
        "10.5555/good",
    ),
    "identifiers": (
        article(data="<ArticleIdList><ArticleId IdType='pubmed'>7</ArticleId><ArticleId IdType='pmc'>PMC99"
                     "</ArticleId><ArticleId IdType='doi'>10.5555/X</ArticleId></ArticleIdList>"),
        lambda r: (r.pmid, r.pmcid, r.doi, r.source_key, r.url),
        ("7", "PMC99", "10.5555/x", "7", "https://pubmed.ncbi.nlm.nih.gov/7/"),
    ),
    "pages in two fields": (
        article(inside="<Pagination><StartPage>11</StartPage><EndPage>19</EndPage></Pagination>"),
        lambda r: r.pages,
        "11-19",
    ),
    "several languages": (
        article(inside="<Language>eng</Language><Language>fre</Language>"),
        lambda r: r.language,
        "eng",
    ),
    "a book": (
        "<PubmedBookArticle><BookDocument><PMID>70</PMID><ArticleIdList><ArticleId IdType='bookaccession'>NBK1"
        "</ArticleId></ArticleIdList><Book><BookTitle>Reviews</BookTitle><PubDate><Year>1993</Year></PubDate>"
        "<AuthorList Type='editors'><Author><LastName>Ed</LastName></Author></AuthorList></Book>"
        "<ArticleTitle>A chapter</ArticleTitle><AuthorList Type='authors'><Author><LastName>Au</LastName>"
        "</Author></AuthorList><PublicationType>Review</PublicationType><Abstract><AbstractText>Text."
        "</AbstractText></Abstract></BookDocument></PubmedBookArticle>",
        lambda r: (r.pmid, r.title, r.venue, r.year, r.abstract, r.authors[0].family, r.publication_types),
        ("70", "A chapter", "Reviews", 1993, "Text.", "Au", ("Review",)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str) -> None:
    body, look, expected = GOLDEN[name]
    assert look(only(body)) == expected


@pytest.mark.parametrize("how", [bytes, io.BytesIO], ids=["bytes", "a stream"])
def test_a_stream_and_a_page_read_alike(how: Any) -> None:
    papers = simulate(120, seed=3).pubmed
    body = pubmed_set(papers).replace("</PubmedArticleSet>", "<DeleteCitation><PMID>1</PMID></DeleteCitation>"
                                      "</PubmedArticleSet>").encode()  # fmt: skip
    rows = list(pubmed_xml.rows(how(body)))
    assert [row.fields["pmid"] for row in rows] == [paper.pmid for paper in papers]
    assert [row.number for row in rows] == list(range(len(papers)))
    assert [row.fields.get("abstract") for row in rows] == [paper.abstract for paper in papers]


@pytest.mark.parametrize("how", [bytes, io.BytesIO], ids=["bytes", "a stream"])
def test_xml_that_is_cut_is_refused(how: Any) -> None:
    body = pubmed_set(simulate(60, seed=3).pubmed).encode()
    with pytest.raises(FormatError, match="PubMed XML"):
        list(pubmed_xml.rows(how(body[: len(body) // 2])))


def test_hostile_xml_reads_no_file_and_expands_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("do not read")
    for entity in (f'SYSTEM "file://{secret}"', '"expanded text"'):
        doctype = f"<!DOCTYPE x [<!ENTITY e {entity}>]>"
        inside = "<Abstract><AbstractText>a &e; b</AbstractText></Abstract>"
        body = f"{doctype}<PubmedArticleSet>{article(inside=inside)}</PubmedArticleSet>".encode()
        (row,) = pubmed_xml.rows(body)
        assert "do not read" not in str(row.fields)
        assert "expanded text" not in str(row.fields)


def test_a_record_without_number_or_structure_is_kept_raw() -> None:
    body = "<PubmedArticleSet><PubmedArticle><MedlineCitation><Article><Journal/></Article></MedlineCitation>" \
           "</PubmedArticle><PubmedArticle><PubmedData/></PubmedArticle></PubmedArticleSet>"  # fmt: skip
    nameless, broken = pubmed_xml.rows(body.encode())
    assert nameless.refused == "no PMID"
    assert broken.refused is not None
    assert broken.refused.startswith("cannot be read")
    assert broken.raw == "<PubmedArticle><PubmedData/></PubmedArticle>"


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="resident memory is read from Linux's /proc"
)
def test_memory_stays_constant() -> None:
    head, middle = pubmed_set(simulate(400, seed=3).pubmed).split("<PubmedArticleSet>")
    records = middle.rsplit("</PubmedArticleSet>", 1)[0]
    stream = io.BytesIO(f"{head}<PubmedArticleSet>{records * 60}</PubmedArticleSet>".encode())

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    before, most = resident(), 0
    for place, _ in enumerate(pubmed_xml.rows(stream)):
        if place % 500 == 0:
            most = max(most, resident())
    # 25 MB of XML would be a tree of some 200 MB.
    assert stream.getbuffer().nbytes > 20_000_000
    assert most - before < 40_000_000
