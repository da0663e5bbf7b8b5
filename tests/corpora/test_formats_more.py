"""EndNote XML, Web of Science, PubMed XML, OpenAlex JSON, XLSX, and heads of many tables."""

import json
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from corpora.errors import FormatError
from corpora.formats.base import Row
from corpora.formats.detect import open_file
from corpora.record import Record, build
from corpora.simulator.answers import openalex_work, pubmed_set
from corpora.simulator.literature import simulate

LITERATURE = simulate(60, seed=2)

ENDNOTE = """<?xml version="1.0" encoding="UTF-8"?><xml><records><record>
<database name="My.enl">My.enl</database><ref-type name="Journal Article">17</ref-type>
<contributors><authors><author><style face="normal">Doe, Jo</style></author><author>The X Group</author></authors>
</contributors><titles><title><style face="normal">On </style><style face="italic">E. coli</style></title>
<secondary-title>Second</secondary-title></titles><periodical><full-title>Full Journal</full-title></periodical>
<pages>1-9</pages><volume>3</volume><number>2</number><keywords><keyword>a</keyword><keyword>b</keyword></keywords>
<dates><year>2021</year><pub-dates><date>Mar 5</date></pub-dates></dates><accession-num>123</accession-num>
<remote-database-name>Medline</remote-database-name><label>mine</label>
<electronic-resource-num>10.5555/X</electronic-resource-num><abstract>Text.</abstract></record>
<record><rec-number>2</rec-number></record></records></xml>"""

WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Doe, J
   Roe, A
AF Doe, Jo
   Roe, Ann
TI A long title that
   goes on
SO JOURNAL OF THINGS
DE one; two
   three
ID FOUR
AB First line.
   Second line.
PD MAR-APR
PY 2021
VL 3
IS 2
BP 11
EP 19
DI 10.5555/w
TC 7
CR Foo B, 2001, J, V1, P2, DOI 10.5555/cited
   Bar C, 2002
PM 456
UT WOS:0001
WC Medicine
ER

PT J
TI Cut off
"""


def read(path: Path, text: str | bytes) -> tuple[str, list[Row]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    reading = open_file(path)
    return reading.format, list(reading.rows)


def made(row: Row) -> Record:
    assert row.refused is None, row.refused
    return build(row.fields, source="x")


def test_endnote_xml(tmp_path: Path) -> None:
    name, (one, two) = read(tmp_path / "a.xml", ENDNOTE)
    record = made(one)
    assert name == "endnote-xml"
    assert (record.title, record.venue, record.doi, record.pmid) == (
        "On E. coli",
        "Full Journal",
        "10.5555/x",
        "123",
    )
    assert (record.year, record.publication_date, record.pages, record.issue) == (
        2021,
        "2021-03-05",
        "1-9",
        "2",
    )
    assert [str(author) for author in record.authors] == ["Doe, Jo", "The X Group"]
    assert record.keywords == ("a", "b")
    assert dict(record.extra) == {"database": "Medline", "endnote:label": "mine"}
    assert two.refused == "the record has no value in any field"
    _, cut = read(tmp_path / "cut.xml", ENDNOTE[: ENDNOTE.index("<rec-number>2") + 5])
    assert "cut off?" in str(cut[-1].refused)


def test_web_of_science_text(tmp_path: Path) -> None:
    name, (one, two) = read(tmp_path / "savedrecs.txt", WOS)
    record = made(one)
    assert name == "wos"
    assert record.title == "A long title that goes on"
    assert record.abstract == "First line. Second line."
    assert [str(author) for author in record.authors] == ["Doe, Jo", "Roe, Ann"]
    assert record.keywords == ("one", "two", "three", "FOUR")
    assert (record.pages, record.volume, record.issue, record.year) == ("11-19", "3", "2", 2021)
    assert (record.doi, record.pmid, record.source_key) == ("10.5555/w", "456", "WOS:0001")
    assert (record.citation_count, record.publication_date) == (7, "2021-03")
    assert record.references == ("doi:10.5555/cited",)
    assert dict(record.extra)["wos:WC"] == "Medicine"
    assert "cut off?" in str(two.refused)


def test_web_of_science_table(tmp_path: Path) -> None:
    text = "PT\tAU\tAF\tTI\tSO\tPY\tBP\tEP\tDI\tUT\nJ\tDoe, J; Roe, A\t\tA title\tJ\t2020\t5\t9\t10.5555/t\tWOS:2\n" \
           "J\tshort\n"  # fmt: skip
    name, (one, two) = read(tmp_path / "a.txt", text)
    record = made(one)
    assert name == "wos-tab"
    assert (record.title, record.pages, record.source_key) == ("A title", "5-9", "WOS:2")
    assert [author.family for author in record.authors] == ["Doe", "Roe"]
    assert two.refused == "2 cells where the header has 10 columns"


def test_pubmed_xml_as_a_file(tmp_path: Path) -> None:
    name, rows = read(tmp_path / "a.xml", pubmed_set(LITERATURE.pubmed[:5]))
    assert name == "pubmed-xml"
    assert [made(row).pmid for row in rows] == [paper.pmid for paper in LITERATURE.pubmed[:5]]
    _, cut = read(tmp_path / "b.xml", pubmed_set(LITERATURE.pubmed[:5])[:9000])
    assert "cut off?" in str(cut[-1].refused)


def test_pubmed_xml_of_one_record_alone_or_of_none(tmp_path: Path) -> None:
    whole = pubmed_set(LITERATURE.pubmed[:1])
    start, end = whole.index("<PubmedArticle>"), whole.rindex("</PubmedArticleSet>")
    _, rows = read(tmp_path / "a.xml", whole[start:end])
    assert [made(row).pmid for row in rows] == [LITERATURE.pubmed[0].pmid]
    _, rows = read(tmp_path / "b.xml", "<PubmedArticle><PubmedData/></PubmedArticle>")
    assert rows[0].refused == "the record is incomplete: it has no element 'MedlineCitation'"
    with pytest.raises(FormatError, match="no PubMed record"):
        read(tmp_path / "c.xml", "<PubmedArticleSet></PubmedArticleSet>")


def test_nbib_of_a_tool_that_closes_no_record(tmp_path: Path) -> None:
    """Only where all the others end by an SO line does its absence mean that the file was cut."""
    closed = "PMID- 1\nTI  - One\nSO  - J. 2020\n\n"
    _, rows = read(
        tmp_path / "a.nbib", closed + "PMID- 2\nTI  - Two\nAID - doi:10.5555/2\n\nPMID- 3\nTI  - Three\n"
    )
    assert [row.refused for row in rows] == [None] * 3
    assert made(rows[1]).doi == "10.5555/2"
    _, rows = read(tmp_path / "b.nbib", closed + "PMID- 2\nTI  - Two\n")
    assert "cut off?" in str(rows[1].refused)


@pytest.mark.parametrize("kind", ["list", "page", "lines", "one"])
def test_openalex_json(kind: str, tmp_path: Path) -> None:
    works = [openalex_work(paper) for paper in LITERATURE.openalex[:4]]
    text = {
        "list": json.dumps(works),
        "page": json.dumps({"meta": {"count": 4}, "results": works}, indent=1),
        "lines": "\n".join(map(json.dumps, works)) + "\nnot json\n",
        "one": json.dumps(works[0]),
    }[kind]
    name, rows = read(tmp_path / "a.json", text)
    assert name == "openalex-json"
    found = [made(row).openalex_id for row in rows if not row.refused]
    expected = [paper.openalex_id for paper in LITERATURE.openalex[:4]]
    assert found == (expected[:1] if kind == "one" else expected)
    assert [row.refused is not None for row in rows] == [False] * len(found) + [True] * (kind == "lines")


def test_xlsx(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Article Title", "Authors", "Publication Year", "DOI", "Date", "Notes"])
    sheet.append(["First", "Doe, Jo; Roe, Ann", 2020, "10.5555/a", date(2020, 3, 5), "x"])
    sheet.append([None, None, None, None, None, None])
    sheet.append(["Second", "Poe, E", 2021.0, None, None, None])
    book.save(tmp_path / "a.xlsx")
    reading = open_file(tmp_path / "a.xlsx")
    one, two = (made(row) for row in reading.rows)
    assert reading.format == "xlsx"
    assert (one.title, one.year, one.publication_date, one.doi) == ("First", 2020, "2020-03-05", "10.5555/a")
    assert (two.title, two.year) == ("Second", 2021)
    assert dict(one.extra) == {"Notes": "x"}
    mapped = open_file(tmp_path / "a.xlsx", mapping={"title": "Notes"})
    assert made(next(iter(mapped.rows))).title == "x"
    (tmp_path / "b.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes()[:900])
    with pytest.raises(FormatError, match="cannot be read as XLSX"):
        list(open_file(tmp_path / "b.xlsx").rows)


HEADS = {
    "Scopus": ('"Authors","Title","Year","Source title","Volume","Issue","Page start","Page end","Cited by","DOI",'
               '"Link","Abstract","Author Keywords","Document Type","Source","EID"\n'
               '"Doe J.; Roe A.","T",2020,"J","3","2","5","9","7","10.5555/s","http://x","A","k; l","Article",'
               '"Scopus","2-s2.0-1"\n'),
    "PubMed": ("PMID,Title,Authors,Citation,First Author,Journal/Book,Publication Year,Create Date,PMCID,NIHMS ID,DOI\n"
               '7,T,"Doe J, Roe A.",c,Doe J,J,2020,2020/03/05,,,10.5555/s\n'),
    "Lens": ("Lens ID,Title,Date Published,Publication Year,Publication Type,Source Title,Volume,Issue Number,"
             "Start Page,End Page,Abstract,Author/s,DOI,PMID,Citing Works Count\n"
             "001-1,T,2020-03-05,2020,journal article,J,3,2,5,9,A,Doe J; Roe A,10.5555/s,7,7\n"),
    "OpenAlex": ("id,doi,display_name,publication_year,ids.pmid,primary_location.source.display_name,biblio.volume,"
                 "biblio.first_page,biblio.last_page,authorships.author.display_name,cited_by_count\n"
                 "https://openalex.org/W1,https://doi.org/10.5555/s,T,2020,7,J,3,5,9,Jo Doe|Ann Roe,7\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_heads_of_many_tables(name: str, tmp_path: Path) -> None:
    _, (row,) = read(tmp_path / "a.csv", HEADS[name])
    record = made(row)
    assert (record.title, record.year, record.doi, record.venue) == ("T", 2020, "10.5555/s", "J")
    assert [author.family for author in record.authors] == ["Doe", "Roe"]
    assert record.pages == (None if name == "PubMed" else "5-9")
    assert record.citation_count == (None if name == "PubMed" else 7)
    assert name == "Scopus" or record.pmid == "7"
