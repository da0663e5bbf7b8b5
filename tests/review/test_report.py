"""`review report` and `review checklist`: true sentences, harmless texts, the same bytes twice."""

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from lxml import html

from review import removing
from review.decisions import decide
from review.report import build, checklists, numbers, references
from review.report.document import Code, Document, Grid, Heading, Text, markdown
from review.report.gathering import Material
from review.report.page import html as to_html
from review.report.word import word
from review.screening import resolving, stops
from review.workspace import Workspace
from tests.review import reported
from tests.review.test_cli import run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A review with its report, made by the command line."""
    folder = tmp_path_factory.mktemp("report") / "review"
    reported.make(folder)
    run("report", "-w", str(folder), "-q")
    run("checklist", "prisma-2020", "prisma-s", "--format", "docx,html,md,csv", "-w", str(folder), "-q")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "report" / "report.html").read_text("utf-8")


def words(page: str) -> str:
    return " ".join(" ".join(html.fromstring(page).xpath("//main//text()")).split())


def test_the_report_says_what_the_ledger_shows(page: str) -> None:
    told = words(page)
    for sentence in (
        "The review was pre-registered (PROSPERO CRD1, 2020-01-31, as the protocol states)",
        "Embase through Ovid (2026-01-05) and Scopus (date not stated)",
        "2 searches or imports brought 10 records; every row could be read.",
        "Not stated: platform of 1 search, date of the search of 1 search and hits",
        "10 records are 8 reports of 8 studies.",
        "Two people were to decide on each report",
        "People's verdicts differed on 1 report; 1 was settled by discussion; 0 are open.",
        "claim: not verified",
        "Recall was not verified by a random sample.",
        "No audit was made: shares are as the tagger gave them",
        "4 studies in 4 reports were included.",
        "exp statin/ and sepsis.ti,ab. 2 or 3",
        "library ann asked",
    ):
        assert sentence in told
    assert "INTERIM" not in told


def test_titles_are_text_in_html_and_docx(root: Path, page: str) -> None:
    tree = html.fromstring(page)
    assert not tree.xpath("//script | //iframe | //link | //object | //*[@onerror]")
    assert all(source.startswith("data:image/") for source in tree.xpath("//@src"))
    assert tree.xpath("//h1")[0].text == "Statins <b>for</b> sepsis & more"
    cells = [cell.text for cell in tree.xpath("//td")]
    opened = docx.Document(str(root / "report" / "report.docx"))
    in_docx = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
    for title in reported.TITLES[:4]:
        assert title in cells
        assert title in in_docx
    with zipfile.ZipFile(root / "report" / "report.docx") as package:
        document = package.read("word/document.xml").decode()
    assert "<w:instrText" not in document
    assert ",'=cmd|" in (root / "report" / "included.csv").read_text("utf-8")
    assert r"\input{" not in (root / "report" / "references.bib").read_text()


def test_pictures_have_words_and_the_page_asks_for_nothing(root: Path, page: str) -> None:
    tree = html.fromstring(page)
    pictures = tree.xpath("//img")
    assert len(pictures) == 2
    assert all(len(picture.get("alt")) > 40 for picture in pictures)
    assert "default-src 'none'" in page
    # Addresses stand there as text; nothing links, loads or imports them.
    assert all(address.startswith("#") for address in tree.xpath("//@href"))
    assert not re.search(r"@import|url\(", page)
    opened = docx.Document(str(root / "report" / "report.docx"))
    shapes = [shape._inline.docPr.get("descr") for shape in opened.inline_shapes]
    assert shapes == [picture.get("alt") for picture in pictures]


def test_docx_has_headings_captions_and_native_tables(root: Path) -> None:
    opened = docx.Document(str(root / "report" / "report.docx"))
    styles = [paragraph.style.name for paragraph in opened.paragraphs]
    assert {"Title", "Heading 1", "Heading 2", "Caption", "List Bullet"} <= set(styles)
    captions = [one.text for one in opened.paragraphs if one.style.name == "Caption"]
    assert sum(one.startswith("Table ") for one in captions) == len(opened.tables)
    assert all("w:tblHeader" in table._tbl.xml for table in opened.tables)


def test_every_number_of_a_count_stands_in_the_json(root: Path) -> None:
    held = json.loads((root / "report" / "report.json").read_text("utf-8"))["numbers"]
    assert held["dedupe.reports"]["value"] == 8
    assert held["included.studies"] == {
        "value": 4, "shown": "4", "from": "ledger: decisions; corpus: links"
    }  # fmt: skip
    assert held["conflicts.title-abstract.opened"]["value"] == 1
    assert held["share.methods.generative_llm.naive"]["value"] == 1.0


def test_two_builds_give_the_same_bytes(root: Path, tmp_path: Path) -> None:
    build.report(Workspace(root), tmp_path)
    checklists.write(Workspace(root), ["prisma-s"], ["docx", "html", "md", "csv"], tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (root / "report" / path.name).read_bytes(), path.name


def test_a_checklist_leaves_to_the_author_what_nobody_can_know(root: Path) -> None:
    rows = {row[0]: row for row in checklists.rows(Material(Workspace(root)), "prisma-2020")}
    assert rows["11"][4:] == ("", "", "for the author")
    assert rows["5"][5] == "2 criteria, in the order in which they fail: sepsis and statin."
    assert rows["5"][6] == "for the author: how studies were grouped for synthesis"
    assert "does not name it a systematic review" in rows["1"][5]
    search = {row[0]: row for row in checklists.rows(Material(Workspace(root)), "prisma-s")}
    assert search["3"][5] == "The ledger holds no search of study registers."
    assert search["14"][6] == "for the author"
    assert "Embase 8 and Scopus 2" in search["15"][5]
    text = (root / "report" / "checklist-prisma-2020.md").read_text("utf-8")
    assert "| 24a |" in text


def test_an_empty_review_says_what_is_missing(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w", '[review]\ntitle = "Empty"\n[figures]\nnames = []\n')
    m = Material(workspace)
    told = markdown(build.compose(m))
    for sentence in (
        "No version of the protocol was frozen",
        "The protocol states no eligibility criteria.",
        "No search was run and no file was imported.",
        "Duplicates were not looked for.",
        "nothing was screened",
        "Nothing was tagged, so there are no shares.",
        "No study is included so far.",
    ):
        assert sentence in told
    for name in checklists.NAMES:
        assert checklists.rows(m, name)


def test_removals_stops_and_amendments_are_told(make_review: Callable[..., Workspace]) -> None:
    workspace = make_review(30)
    removing.remove(workspace, removing.plan(workspace, "year < 2003"), "too old", "ann", automation=False)
    board = resolving.open_board(workspace, "title-abstract")
    gone, _ = removing.standing(workspace, board.texts.reports)
    for number, report in enumerate([one for one in board.texts.ids if one not in gone][:6]):
        shown = board.texts.shown(report)
        for who in ("ann", "ben")[: 1 if number == 5 else 2]:
            verdict = "include" if number == 0 or (number == 1 and who == "ben") else "exclude"
            decide(workspace, shown.record_id, stage="title-abstract", verdict=verdict, reviewer=who,
                   members=shown.record_id)  # fmt: skip
    stops.accept(resolving.open_board(workspace, "title-abstract"), "ann", "consecutive(2)")
    path = workspace.protocol_path
    path.write_text(path.read_text().replace("A statin was given.", "Any statin was given."))
    workspace = Workspace(workspace.root)
    workspace.amend("doses were forgotten")
    told = markdown(build.compose(Material(workspace)))
    for sentence in (
        "INTERIM",
        "fixed in advance in the ledger, not pre-registered, but for 1 amendment.",
        "doses were forgotten (decisions that hold now and were made under older versions: 11)",
        "6 reports were removed before screening.",
        "2 people decided on 6 reports; 4 of these are settled, 1 waits for a second decision.",
        "People's verdicts differed on 1 report; 1 is open.",
        "this stage was stopped (rule: consecutive(2); claim: not verified)",
        "Recall was not verified by a random sample.",
        # 30 less 6 removed, 6 that people met, and the one without an abstract, which no stop covers
        "17 reports were left unscreened by this stop; nobody has read them",
        "No report has come to this stage yet.",
        "No audit was made, for there are no labels.",
    ):
        assert sentence in told
    assert "pre-registered (" not in told


def test_numbers_are_grammatical_for_none_one_and_many() -> None:
    assert [numbers.counted(n, f"{n:,}", "study") for n in (0, 1, 2000)] == [
        "no studies", "1 study", "2,000 studies"
    ]  # fmt: skip


def test_a_key_stands_for_one_number() -> None:
    held = numbers.Numbers()
    held("a", 1, "x")
    held("a", 1, "x")
    with pytest.raises(ValueError, match="cannot both hold"):
        held("a", 2, "x")


def test_letters_that_xml_cannot_hold_are_dropped() -> None:
    document = Document("T\x00\ud800", blocks=[Heading(2, "H\x0b"), Text("a\x1fb"), Code("x\x08"),
                                               Grid("c", ("a",), (("\ufffe\x00z",),))])  # fmt: skip
    opened = docx.Document(io.BytesIO(word(document)))
    assert [one.text for one in opened.paragraphs][:4] == ["T", "H", "ab", "x"]
    assert opened.tables[0].cell(1, 0).text == "z"
    assert "<td>z</td>" in to_html(document)


def test_an_article_without_pages_is_not_called_a_preprint() -> None:
    from corpora.record import Author, Record

    doe = (Author(family="Doe", given="Ann"),)
    known, bare = (
        Record(source="x", title="T", venue="J", year=2020, authors=doe, volume=volume)
        for volume in ("3", None)
    )
    assert references.listed([known, bare]) == ["Doe, A. (2020) “T”, J, 3.", "Doe, A. (2020) “T”, J."]
