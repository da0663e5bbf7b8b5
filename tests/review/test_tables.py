"""Tables: the same cells in every format, whoever wrote them; the same bytes for the same review."""

import csv
import io
import json
import re
import zipfile

import docx
import lxml.html
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from corpora.errors import InputError, UnknownNameError
from corpora.registry import entries, load
from review.analysis.tidy import Tidy
from review.decisions import decide
from review.facts import facts
from review.report.document import clean
from review.tables.kinds import KINDS, table_of
from review.tables.latex import _SIGNS
from review.tables.save import FORMATS, tables
from review.tables.table import Table, from_tidy
from review.workspace import Workspace
from tests.review import coding
from tests.review.conftest import Make
from tests.review.test_figures import CASES, CONTEXT, data_for

HOSTILE = (
    r"<script>alert(1)</script> \input{/etc/passwd} 50 % & $x$ #1 _a_ ~b^ [c](http://d) `e` **f** | g -- h "
    "\"i\" 'j' &amp; \\\\[1em] * k =cmd|'/c calc'!A0 \x00\x07 \uffff é 中 {l} <!-- m --> ![n](o) <p>"
)


def table(*cells: str, notes: tuple[str, ...] = ()) -> Table:
    frame = pd.DataFrame({"what": list(cells), "n": range(len(cells))})
    return from_tidy("t", "Title", Tidy(frame, "studies", "all", "everyone", notes))


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


letters = st.characters(codec="utf-8")
texts = st.one_of(
    st.text(letters, max_size=60), st.lists(st.sampled_from(HOSTILE.split()), max_size=8).map(" ".join)
)


@settings(max_examples=80, deadline=None)
@given(texts)
@example(HOSTILE)
@example("[1em] x")
@example("# x")
@example("1. x")
@example(r"\| \\| \[")
def test_no_letter_of_a_cell_is_markup(text: str) -> None:
    wanted = one_line(text) or "–" * (not text)
    made = table(text, notes=(f"Note {text}",))
    assert cells_of_latex(FORMATS["tex"](made).decode())[0] == wanted
    page = lxml.html.document_fromstring(FORMATS["html"](made).decode())
    assert " ".join(page.xpath("//tbody/tr[1]/td[1]")[0].text_content().split()) == wanted
    assert {one.tag for one in page.iter()} <= {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "div", "table", "caption", "thead",
        "tbody", "tr", "th", "td", "p",
    }  # fmt: skip
    tokens = MarkdownIt("commonmark").enable("table").parse(FORMATS["md"](made).decode())
    blocks = {token.type.removesuffix("_open") for token in tokens if token.nesting >= 0}
    assert blocks <= {"heading", "paragraph", "inline", "table", "thead", "tbody", "tr", "th", "td"}
    assert sum(token.type == "heading_open" for token in tokens) == 1
    inline = [token for token in tokens if token.type == "inline"]
    kinds = {child.type for token in inline for child in token.children or ()}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    cell = inline[[token.content for token in inline].index("n") + 1]
    assert "".join(child.content for child in cell.children or ()) == wanted


def cells_of_latex(text: str) -> list[str]:
    """The first row, read back as TeX reads it: a sign that is no known escape fails."""
    row = text.split("\\endlastfoot\n")[1].split(" \\\\\n")[0]
    signs = {escaped: sign for sign, escaped in _SIGNS.items()}
    signs |= {"-{}": "-", "'{}": "'", r"\allowbreak{}": ""}
    names = sorted(map(re.escape, signs), key=len, reverse=True)
    cells = [""]
    for escaped, plain in re.findall(rf"({'|'.join(names)})|(.)", row):
        if plain == "&":
            cells.append("")
        else:
            assert plain not in set("\\{}$#_%~^"), f"{plain} stands bare in {row}"
            cells[-1] += signs.get(escaped, plain)
    return [cell.strip() for cell in cells]


@pytest.mark.parametrize("text", [HOSTILE, "=1+1", "@x", "\ttab"])
def test_word_and_spreadsheet_hold_hostile_text(text: str) -> None:
    made = table(text, notes=(text,))
    rows = docx.Document(io.BytesIO(FORMATS["docx"](made))).tables[0].rows
    assert rows[1].cells[0].text.split() == clean(text).split()
    cell = list(csv.reader(io.StringIO(FORMATS["csv"](made).decode(), newline="")))[1][0]
    assert not cell.startswith(("=", "+", "-", "@", "\t"))


def test_shares_are_printed_with_their_interval_or_as_naive() -> None:
    frame = pd.DataFrame(
        {
            "label": ["a", "b", "c"],
            "n": [1200, 3, 0],
            "naive": [0.52, 0.004, None],
            "corrected": [0.41, None, None],
            "low": [0.35, None, None],
            "high": [0.47, None, None],
            "audited": [300, 300, 0],
            "status": ["corrected", "not estimable", "not audited"],
        }
    )
    made = from_tidy(
        "t", "T", Tidy(frame, "studies", "all", "everyone", ("A note.",), simulated=True, silver=True)
    )
    assert made.columns == ("Label", "n", "Share", "Coded")
    assert [row[2] for row in made.rows] == ["41 % [35, 47]", "0.4 % (naive)", "–"]
    assert made.rows[0][1] == "1,200"
    for kind in ("md", "html", "tex"):
        body = FORMATS[kind](made).decode()
        assert "SIMULATED" in body
        assert "SILVER" in body
        for told in ("studies", "everyone", "A note.", "interval"):
            assert told in body
    assert "0.52" in FORMATS["csv"](made).decode()


@pytest.mark.parametrize("name", entries("figures"))
def test_every_figure_has_a_table(name: str) -> None:
    spec = load("figures", name)
    for case in ("many", "nothing"):
        tidy = spec.compute(data_for(spec, *CASES[case]), CONTEXT)
        made = from_tidy(name, spec.title, tidy)
        assert len(made.rows) == len(tidy.frame)
        assert not {"nan", "<NA>", "NaT"} & {cell for row in made.rows for cell in row}


@pytest.fixture
def workspace(make_review: Make) -> Workspace:
    return coding.tagged(make_review(30, 'mode = "single"'))


def test_a_review_writes_its_tables_the_same_each_time(workspace: Workspace) -> None:
    names = list(KINDS)
    first = {path: path.read_bytes() for one in tables(workspace, names) for path in one.files}
    assert {path.suffix[1:] for path in first} == {*FORMATS, "json"}
    again = [path for one in tables(workspace, names) for path in one.files]
    assert [path.read_bytes() for path in again] == list(first.values())
    word = next(path for path in first if path.name == "searches.docx")
    with zipfile.ZipFile(word) as package:
        assert {member.date_time for member in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    told = json.loads((workspace.root / "tables" / "label-shares.json").read_text("utf-8"))
    assert {"records", "labels:drugs"} <= set(told["inputs"])


def test_shares_of_the_table_are_those_of_the_analysis(workspace: Workspace) -> None:
    made, _ = table_of(workspace, "label-shares", facts(workspace))
    row = next(row for row in made.rows if row[:2] == ("Drugs", "Statin"))
    assert row[made.columns.index("n")] == "6"
    assert row[made.columns.index("Share")] == "20 % (naive)"
    assert any("not audited" in note for note in made.notes)


def test_only_included_studies_have_characteristics(workspace: Workspace) -> None:
    held = facts(workspace)
    made, _ = table_of(workspace, "characteristics", held)
    assert made.rows == ()
    assert "no study is included yet" in made.what
    chosen = held.studies.iloc[0]
    for stage, reviewers in (("title-abstract", ["ann"]), ("full-text", ["ann", "ben"])):
        for reviewer in reviewers:
            decide(workspace, chosen["record_ids"][0], stage=stage, verdict="include", reviewer=reviewer)
    made, reads = table_of(workspace, "characteristics", facts(workspace))
    ((study, title, venue, doi, tagged),) = made.rows
    assert study == f"Anonymous {chosen['year']}"
    assert (title, venue, doi) == (chosen["title"], "–", chosen["doi"])
    assert tagged.startswith("Scope: In. Drugs: ")
    assert "Drugs" in made.frame
    assert "decisions" in reads


def test_unknown_names_and_formats_are_refused(workspace: Workspace) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'searches'"):
        tables(workspace, ["search"])
    with pytest.raises(InputError, match="'doc' is not known; known: csv, md, tex, docx, html"):
        tables(workspace, ["searches"], formats=["doc"])
    assert not (workspace.root / "tables").exists()
