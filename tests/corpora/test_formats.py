"""Readers: every row accounted for, in every dialect, encoding and kind of damage."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.errors import FormatError, InputError, UnknownNameError
from corpora.formats.base import Row
from corpora.formats.detect import open_file
from corpora.record import Author, Record, build
from corpora.registry import entries, load

RIS = """TY  - JOUR
AU  - Doe, Jane
AU  - Roe, R.
TI  - Coding of letters
  in hospitals
JO  - J Simul
PY  - 2021/03/05/
SP  - 10
EP  - 19
VL  - 4
DO  - https://doi.org/10.5555/ABC
KW  - coding
KW  - letters
AB  - We coded letters.
C1  - kept
ER  -
"""
NBIB = """PMID- 123
TI  - Coding of letters in
      hospitals
AB  - We coded letters.
FAU - Doe, Jane
AU  - Doe J
AD  - Hospital, Switzerland.
AUID- ORCID: 0000-0002-1825-0097
JT  - Journal of Simulation
DP  - 2021 Mar 5
PT  - Journal Article
MH  - Neoplasms/*genetics
LID - 10.5555/abc [doi]
SI  - ClinicalTrials.gov/NCT04280705
RIN - Later. 2022
SO  - J Simul. 2021

"""
BIB = """@comment{not a row}
@string{js = "Journal of Simulation"}
@article{doe21,
  title = {Coding of {L}etters by M{\\"u}ller},
  author = {Doe, Jane and {Letters Group} and others},
  journal = js,
  year = 2021, pages = {10--19},
  doi = {10.5555/abc},
}
@article{doe21, title = {The same key}, year = {2022}}
"""
CSV = (
    "Article Title;Authors;Publication Year;DOI;PMID;Odd\n"
    '"Coding; of\nletters";Doe J, Roe R;2021;10.5555/abc;77;kept\n'
)


def write(folder: Path, name: str, body: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def rows(path: Path, **options: Any) -> list[Row]:
    return list(open_file(path, **options).rows)


def one(path: Path, **options: Any) -> Record:
    (row,) = rows(path, **options)
    assert row.refused is None
    return build(row.fields, source="x")


def test_ris(tmp_path: Path) -> None:
    record = one(write(tmp_path, "a.ris", RIS))
    assert record.title == "Coding of letters in hospitals"
    assert record.authors == (Author(family="Doe", given="Jane"), Author(family="Roe", given="R."))
    assert (record.doi, record.year, record.publication_date) == ("10.5555/abc", 2021, "2021-03-05")
    assert (record.pages, record.keywords) == ("10-19", ("coding", "letters"))
    assert dict(record.extra)["ris:C1"] == "kept"


def test_nbib(tmp_path: Path) -> None:
    reading = open_file(write(tmp_path, "a.nbib", NBIB))
    assert reading.format == "nbib"
    record = one(tmp_path / "a.nbib")
    assert (record.source_key, record.pmid, record.doi) == ("123", "123", "10.5555/abc")
    assert record.title == "Coding of letters in hospitals"
    assert record.authors[0].orcid == "0000-0002-1825-0097"
    assert record.mesh[0].major
    assert (record.retraction, record.nct_ids) == ("retracted", ("NCT04280705",))


def test_bibtex_keeps_duplicate_keys_and_decodes_latex(tmp_path: Path) -> None:
    first, second = rows(write(tmp_path, "a.bib", BIB))
    record = build(first.fields, source="x")
    assert record.title == "Coding of Letters by Müller"
    assert [author.family for author in record.authors] == ["Doe", "Letters Group"]
    assert (record.venue, record.pages) == ("Journal of Simulation", "10-19")
    assert second.repaired == ("citation key used twice",)
    assert second.number == 1


def test_csv_guesses_columns_and_keeps_the_others(tmp_path: Path) -> None:
    record = one(write(tmp_path, "a.csv", CSV))
    assert record.title == "Coding; of\nletters"
    assert len(record.authors) == 2
    assert (record.year, record.pmid, dict(record.extra)) == (2021, "77", {"Odd": "kept"})


def test_an_accession_that_names_no_number_is_none(tmp_path: Path) -> None:
    """Else all rows with an empty ``PMID:`` would be versions of one record."""
    text = "title,source id\nOne study,PMID:\nAnother study,PMID:\nA third study,N/A\nA fourth,PMID:12\n"
    read = [build(row.fields, source="x") for row in rows(write(tmp_path, "a.csv", text))]
    assert [record.source_key for record in read] == ["", "", "", "PMID:12"]
    assert dict(read[0].extra)["column:accession"] == "PMID:"


def test_columns_can_be_named_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "title,Real name\nx,The title\n")
    assert one(path, mapping={"title": "Real name"}).title == "The title"
    with pytest.raises(FormatError, match=r"--map title=No: columns are title, Real name"):
        rows(path, mapping={"title": "No"})


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"title": ["A", None], "year": [2020, None], "authors": [["Doe, J"], None]})
    pq.write_table(table, tmp_path / "a.parquet")
    first, second = (build(row.fields, source="x") for row in rows(tmp_path / "a.parquet"))
    assert (first.title, first.year, first.authors[0].given) == ("A", 2020, "J")
    assert (second.title, second.year, second.authors) == (None, None, ())


def test_a_cut_off_file_says_so_and_keeps_what_was_there(tmp_path: Path) -> None:
    cut = RIS * 2 + RIS[:60]
    found = rows(write(tmp_path, "a.ris", cut))
    assert [row.refused is None for row in found] == [True, True, False]
    assert "the file ends inside this record" in str(found[2].refused)
    assert "Doe, Jane" in found[2].raw
    found = rows(write(tmp_path, "a.nbib", NBIB * 2 + NBIB[:70]))
    assert "no SO line" in str(found[2].refused)
    found = rows(write(tmp_path, "a.csv", 'title,year\nA,2020\n"B,2021\nC,2022\n'))
    assert found[0].refused is None
    assert "never closed" in str(found[-1].refused)
    found = rows(write(tmp_path, "a.bib", BIB + "@article{cut, title = {Half a"))
    assert found[-1].refused


def test_ragged_rows_keep_their_number(tmp_path: Path) -> None:
    body = "title,year,doi\nA,2020,\nB\nC,2021,x,y,z\nD,2022\n"
    found = rows(write(tmp_path, "a.csv", body))
    assert [row.number for row in found] == [0, 1, 2, 3]
    assert [row.refused is None for row in found] == [True, False, False, True]
    assert found[3].repaired == ("the last cell is missing",)


@pytest.mark.parametrize(
    ("encoding", "repair"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("latin-1", "Windows-1252")],
)
def test_encodings(encoding: str, repair: str, tmp_path: Path) -> None:
    text = RIS.replace("Doe, Jane", "Müller, Zoé")
    (row,) = rows(write(tmp_path, "a.ris", text.encode(encoding)))
    assert build(row.fields, source="x").authors[0].family == "Müller"
    assert repair in " ".join(row.repaired)
    assert bool(row.repaired) == bool(repair)


def test_mojibake_is_mended_and_counted(tmp_path: Path) -> None:
    broken = "Müller’s".encode().decode("cp1252")
    (row,) = rows(write(tmp_path, "a.ris", RIS.replace("Coding", broken)))
    assert "Müller" in row.fields["title"]
    assert row.repaired == ("mojibake mended",)


def test_junk_between_records_is_counted(tmp_path: Path) -> None:
    (first, second) = rows(write(tmp_path, "a.ris", f"1.\n{RIS}2.\n{RIS}the end\n"))
    assert first.repaired == ("1 line outside any record",)
    assert second.repaired == ("1 line outside any record",) * 2


def test_records_without_title_or_abstract_are_kept(tmp_path: Path) -> None:
    record = one(write(tmp_path, "a.ris", "TY  - JOUR\nAB  - \nPY  - 20224\nAU  - Doe, J\nER  - \n"))
    assert (record.title, record.abstract, record.year) == (None, None, None)
    assert ("year", "20224") in record.unread


WRONG = {
    "empty.ris": (b"", "the file is empty"),
    "blank.csv": (b"  \n\n", "the file is empty"),
    "paper.ris": (b"%PDF-1.7 \x00", "looks like a PDF"),
    "book.csv": (b"PK\x03\x04 \x00", "save it as CSV"),
    "data.ris": (b"\x00\x01\x02\x03" * 9, "a binary file"),
    "notes.txt": (b"Dear all,\nhello\n", "it begins with 'Dear all,'"),
    "library.enw": (b"%0 Journal Article\n%A Doe, Jane\n%T A title\n", "export it as RIS or EndNote XML"),
    "ovid.txt": (b"<1>\nUnique Identifier\n  123\nTitle\n  A title\n", "export it from Ovid as RIS"),
    "beheaded.ris": (b"JF  - A journal\nER  - \n", "without the line 'TY  - "),
    "CITATION.cff": (
        b"# made by hand\ntitle: A program\ncff-version: 1.2.0\n",
        "a citation file of a program",
    ),
    "page.txt": (b"<!DOCTYPE html><html><body>Results 1-20</body></html>", "a web page"),
    "crossref.json": (b'{"message": {"DOI": "10.5555/1"}}', "JSON that is not of OpenAlex"),
    "empty.bib": (b"% Encoding: UTF-8\n", "BibTeX without an entry"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_named_for_what_it_is(name: str, tmp_path: Path) -> None:
    body, said = WRONG[name]
    with pytest.raises(FormatError, match=said):
        open_file(write(tmp_path, name, body))


def test_a_file_of_another_format_than_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a.bib", RIS)
    assert open_file(path).format == "ris"
    with pytest.raises(FormatError, match="not bibtex, it looks like ris"):
        open_file(path, format_name="bibtex")
    with pytest.raises(UnknownNameError, match="did you mean 'ris'"):
        open_file(path, format_name="rsi")
    with pytest.raises(InputError, match="--map is for tables"):
        open_file(path, mapping={"title": "x"})
    with pytest.raises(InputError, match="is a folder"):
        open_file(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        open_file(tmp_path / "none.ris")


def test_a_table_without_a_known_column_lists_what_it_has(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "year,colour\n2020,red\n")
    with pytest.raises(FormatError, match="columns are year, colour; name one with --map"):
        rows(path)


# Without the letters that mojibake consists of: a reader cannot tell "Îª" from a broken letter.
letters = st.characters(categories=["L", "N"], max_codepoint=0x24F, exclude_characters="ÂÃâÎÏÐÑª")
words = st.text(letters, min_size=1, max_size=12)
titles = st.lists(words, min_size=1, max_size=6).map(" ".join)
records = st.lists(
    st.tuples(titles, titles, st.integers(1950, 2026), st.lists(words, min_size=1, max_size=3)),
    min_size=1,
    max_size=5,
)


def as_ris(made: list[Any]) -> str:
    parts = []
    for title, abstract, year, people in made:
        names = "".join(f"AU  - {name}, A\n" for name in people)
        parts.append(f"TY  - JOUR\nTI  - {title}\nAB  - {abstract}\nPY  - {year}\n{names}ER  - \n\n")
    return "".join(parts)


def as_nbib(made: list[Any]) -> str:
    parts = []
    for number, (title, abstract, year, people) in enumerate(made, 1):
        names = "".join(f"FAU - {name}, A\n" for name in people)
        head = f"PMID- {number}\nTI  - {title}\nAB  - {abstract}\nDP  - {year}\n"
        parts.append(f"{head}{names}SO  - x\n\n")
    return "".join(parts)


def as_bib(made: list[Any]) -> str:
    parts = []
    for number, (title, abstract, year, people) in enumerate(made):
        names = " and ".join(f"{name}, A" for name in people)
        fields = f"title={{{title}}},abstract={{{abstract}}},year={{{year}}},author={{{names}}}"
        parts.append(f"@article{{k{number},{fields}}}\n")
    return "".join(parts)


def as_csv(made: list[Any]) -> str:
    lines = ["title,abstract,year,authors"]
    for title, abstract, year, people in made:
        lines.append(f'"{title}","{abstract}",{year},"{"; ".join(f"{name}, A" for name in people)}"')
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("writer", [as_ris, as_nbib, as_bib, as_csv])
@settings(max_examples=25, deadline=None)
@given(made=records)
def test_what_is_written_is_read(writer: Any, made: list[Any], tmp_path_factory: Any) -> None:
    path = write(tmp_path_factory.mktemp("round"), "file.txt", writer(made))
    name = writer.__name__.removeprefix("as_").replace("bib", "bibtex").replace("nbibtex", "nbib")
    found = [build(row.fields, source="x") for row in rows(path, format_name=name)]
    told = [
        (record.title, record.abstract, record.year, [author.family for author in record.authors])
        for record in found
    ]
    assert told == [(title, abstract, year, people) for title, abstract, year, people in made]


@pytest.mark.parametrize("name", entries("formats"))
def test_every_format_keeps_the_contract(name: str, tmp_path: Path) -> None:
    found = load("formats", name)
    assert found.name == name
    assert all(suffix.startswith(".") for suffix in found.suffixes)
    assert not found.sniff(b"%PDF-1.4")
    path = write(tmp_path, f"a{found.suffixes[0]}", b"nothing of the kind\n")
    with pytest.raises(FormatError, match=str(path)):
        list(found.read(path, {}))
