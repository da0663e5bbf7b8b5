"""Writers: what is written reads back; formulas are escaped; what a format cannot hold is said."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from corpora.errors import InputError
from corpora.formats.detect import open_file
from corpora.formats.write import WRITERS, Item, name_for, write
from corpora.record import Author, MeshHeading, Record, build

SUFFIX = {"ris": "ris", "nbib": "nbib", "bibtex": "bib", "csv": "csv", "asreview": "csv", "xlsx": "xlsx"}
WORD = st.text(alphabet="abcdefghijklmnopqrstuvwxyzéüñß", min_size=3, max_size=9)
TEXT = st.lists(WORD, min_size=2, max_size=8).map(" ".join)
NAME = WORD.map(str.title)
RECORD = st.builds(
    Record,
    source=st.just("pubmed"),
    source_key=st.integers(1, 10**7).map(str),
    title=TEXT.map(lambda text: f"{text} & more: 50% of #1"),
    abstract=st.none() | TEXT,
    authors=st.lists(st.builds(Author, family=NAME, given=NAME), min_size=1, max_size=3).map(tuple),
    year=st.integers(1950, 2026),
    venue=TEXT,
    volume=st.integers(1, 99).map(str),
    issue=st.integers(1, 12).map(str),
    pages=st.tuples(st.integers(1, 99), st.integers(100, 200)).map(lambda ends: f"{ends[0]}-{ends[1]}"),
    doi=st.integers(1, 10**6).map(lambda n: f"10.5555/a{n}"),
    keywords=st.lists(WORD, max_size=3, unique=True).map(tuple),
    language=st.just("eng"),
)
MAIN = ("title", "abstract", "year", "venue", "volume", "issue", "pages", "doi", "pmid", "keywords")


def with_pmid(record: Record) -> Record:
    from dataclasses import replace

    return replace(record, pmid=record.source_key)


def read(path: Path, name: str) -> list[Record]:
    reading = open_file(path, format_name={"asreview": "csv"}.get(name, name))
    rows = list(reading.rows)
    assert [row.refused for row in rows if row.refused] == []
    return [build(row.fields, source="pubmed") for row in rows]


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=20, deadline=None)
@given(records=st.lists(RECORD.map(with_pmid), min_size=1, max_size=4, unique_by=lambda r: r.source_key))
def test_what_is_written_reads_back(name: str, records: list[Record], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("w") / f"out.{SUFFIX[name]}"
    count = write(path, [Item(record, {"decision": "include"}) for record in records], name)
    found = read(path, name)
    assert count == len(found) == len(records)
    fields = [field for field in MAIN if not (name == "asreview" and field == "pmid")]
    for one, two in zip(records, found, strict=True):
        assert {field: getattr(two, field) for field in fields} == {
            field: getattr(one, field) for field in fields
        }
        assert [str(author) for author in two.authors] == [str(author) for author in one.authors]


@pytest.mark.parametrize("name", WRITERS)
def test_a_bare_record_reads_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{SUFFIX[name]}"
    write(path, [Item(Record(source="x", source_key="1", title="Only a title", pmid="7"), {})], name)
    assert [record.title for record in read(path, name)] == ["Only a title"]


def test_collectives_and_tex_survive(tmp_path: Path) -> None:
    record = Record(
        source="x",
        title=r"Costs: 5% of $10 & {more} \ less_x",
        authors=(Author(family="The X Group"), Author(family="Doe", given="Jo")),
    )
    write(tmp_path / "a.bib", [Item(record, {})], "bibtex")
    (found,) = read(tmp_path / "a.bib", "bibtex")
    assert [author.family for author in found.authors] == ["The X Group", "Doe"]
    assert found.title is not None
    assert "5% of $10 & " in found.title


def test_formulas_are_escaped_in_tables(tmp_path: Path) -> None:
    record = Record(source="x", source_key="1", title='=HYPERLINK("http://x")', abstract="+1")
    for name in ("csv", "asreview", "xlsx"):
        write(tmp_path / f"a.{SUFFIX[name]}", [Item(record, {"note": "@x"})], name)
        if name == "xlsx":
            cells = [cell.value for cell in list(load_workbook(tmp_path / "a.xlsx").active.rows)[1]]
        else:
            cells = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text())))[1]
        assert {"'+1", "'@x"} <= set(cells)
        assert any(str(cell).startswith("'=HYPERLINK") for cell in cells)


def test_asreview_labels_and_further_columns(tmp_path: Path) -> None:
    items = [
        Item(Record(source="x", source_key=str(n), title="t"), {"decision": verdict, "task": "a"})
        for n, verdict in enumerate(("include", "maybe", "exclude", ""))
    ]
    write(tmp_path / "a.csv", items, "asreview")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [row["included"] for row in rows] == ["1", "1", "0", ""]
    (first, *_) = open_file(tmp_path / "a.csv").rows
    assert first.fields["asreview:label"] == "1"
    assert first.fields["task"] == "a"


def test_ris_carries_decisions_where_other_tools_show_them(tmp_path: Path) -> None:
    record = Record(source="embase", source_key="L1", title="T", abstract="One.\nTwo.")
    write(tmp_path / "a.ris", [Item(record, {"decision": "include", "task": "coding"})], "ris")
    text = (tmp_path / "a.ris").read_text()
    assert "C1  - decision: include" in text
    assert "N1  - decision: include; task: coding" in text
    assert "AB  - One. Two." in text
    assert "DB  - embase" in text


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    record = Record(source="x", source_key="1", title="T", abstract="x" * 40_000)
    with pytest.raises(InputError, match="abstract has 40,000 characters, a cell of XLSX takes 32,767"):
        write(tmp_path / "a.xlsx", [Item(record, {})], "xlsx")
    with pytest.raises(InputError, match="has no PMID; write RIS"):
        write(tmp_path / "a.nbib", [Item(record, {})], "nbib")
    with pytest.raises(InputError, match="no writer 'pdf'"):
        write(tmp_path / "a.pdf", [], "pdf")
    with pytest.raises(InputError, match=r"write .ris, .nbib"):
        name_for(tmp_path / "a.doc")
    assert list(tmp_path.glob("a.*")) == []


def test_mesh_of_nbib_reads_back(tmp_path: Path) -> None:
    mesh = (MeshHeading(descriptor="Stroke", qualifiers=("therapy",), major=True),)
    write(tmp_path / "a.nbib", [Item(Record(source="pubmed", pmid="7", title="T", mesh=mesh), {})], "nbib")
    (found,) = read(tmp_path / "a.nbib", "nbib")
    assert found.mesh == mesh
