"""A published review beside ours: hand-counted shares, and the reviews that ship."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from classifiers.codebook import load
from corpora.errors import InputError
from review import comparing, templates
from review.analysis.tidy import Context
from review.cli.main import app
from review.comparing import Item, Published
from review.workspace import Workspace

BOOK = load("rag-medicine")
ROWS = [
    # scope, rag, data_access, evaluation
    (["in_scope"], ["yes"], ["public"], ["bias"]),
    (["in_scope"], ["yes"], ["private"], []),
    (["in_scope"], ["yes"], ["not_reported"], ["bias"]),
    (["in_scope"], [], ["public"], ["bias"]),
    (["out_of_scope"], ["yes"], ["public"], []),
    (None, None, None, None),
]
STUDIES = pd.DataFrame(
    [(f"S{number}", 2024, *row) for number, row in enumerate(ROWS)],
    columns=["study_id", "year", "scope", "rag", "data_access", "evaluation"],
)
CONTEXT = Context("six studies", labels={name: {"tagger": "x"} for name in STUDIES.columns[2:]})


def published(**item: object) -> Published:
    return Published(
        name="mine", title="T", source="S", population="P", item=(Item.model_validate({"what": "w", **item}),)
    )


@pytest.mark.parametrize(
    ("item", "n", "denominator"),
    [
        ({"has": "data_access.public", "of": ["rag.yes"], "reports": "data_access", "n": 1}, 1, 2),
        ({"has": "data_access.public", "of": ["rag.yes"], "n": 1}, 1, 3),
        ({"has": "rag.yes", "share": 5}, 3, 4),
        ({"has": "rag.yes", "without": "evaluation.bias", "share": 5}, 1, 4),
        ({"has": "evaluation.bias", "without_of": "rag.yes", "share": 5}, 1, 1),
        ({"has": "evaluation.bias", "any_of": "evaluation", "share": 5}, 3, 3),
    ],
    ids=["reporting", "all RAG", "in scope", "above the line", "below the line", "any of"],
)
def test_counts_by_hand(item: dict[str, object], n: int, denominator: int) -> None:
    frame = comparing.beside(published(**item), STUDIES, CONTEXT, BOOK).frame
    assert frame[["n", "denominator"]].to_numpy().tolist() == [[n, denominator]]
    assert frame["status"].tolist() == ["not audited"]
    assert frame["corrected"].isna().all()


def test_what_is_not_tagged_is_said_and_not_counted() -> None:
    context = Context("six studies", labels={"rag": {}, "scope": {}})
    made = comparing.beside(published(has="evaluation.bias", n=3), STUDIES, context, BOOK)
    assert made.frame.empty
    assert made.notes[0] == "Not compared: w: evaluation not tagged."


def test_a_label_that_the_codebook_lacks_is_named() -> None:
    with pytest.raises(InputError, match=r"evaluation\.beauty.*rag-medicine"):
        comparing.beside(published(has="evaluation.beauty", n=3), STUDIES, CONTEXT, BOOK)


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = [", "cannot be read"), ('name = "a"', "title"), (None, "cannot be read")],
    ids=["not TOML", "keys missing", "no file"],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        comparing.read(str(path))


@pytest.mark.parametrize("name", templates.PUBLISHED)
def test_a_shipped_review_compares_from_its_template(tmp_path: Path, name: str) -> None:
    assert CliRunner().invoke(app, ["new", str(tmp_path / "r"), "--template", name]).exit_code == 0
    workspace = Workspace(tmp_path / "r")
    told = workspace.protocol
    assert {search.source for search in told.search} == {"pubmed", "openalex"}
    book = load(told.labels.codebook)
    assert set(told.labels.dimensions) <= {dimension.id for dimension in book.dimensions}
    comparing.beside(comparing.read(name), STUDIES, CONTEXT, book)  # every label exists
    csv = tmp_path / "out" / "c.csv"
    result = CliRunner().invoke(app, ["compare", "-w", str(workspace.root), "--json", "--out", str(csv)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["published"]["name"] == name
    assert csv.read_text("utf-8").startswith("what,published,published_n,published_denominator")


def test_without_anything_to_compare_with_it_says_what_there_is(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "r", templates.read_template("scoping"))
    with pytest.raises(InputError, match="nlp-vs-llm, rag-medicine"):
        comparing.compare(workspace)
