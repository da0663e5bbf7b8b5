"""Training, evaluating and tagging as they are typed, with a tiny encoder; what is said when parts lack."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from classifiers import learnt
from classifiers.codebook import load as load_codebook
from classifiers.tagger import Texts
from corpora.errors import InputError
from corpora.simulator.literature import simulate
from review.cli.main import app
from review.labelling import tagging
from tests.classifiers import tiny

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

BOOK = """
name = "small"
version = "1"
title = "Small"

[[dimensions]]
id = "rag"
title = "RAG"
kind = "flag"
labels = [{ id = "yes", title = "Retrieval", definition = "Reads retrieved text." }]

[[dimensions]]
id = "methods"
title = "Methods"
labels = [
  { id = "neural", title = "Neural networks" },
  { id = "generative_llm", title = "Generative LLM", definition = "GPT and others." },
]
"""


def run(*arguments: str) -> str:
    told = CliRunner().invoke(app, list(arguments))
    assert told.exit_code == 0, told.output
    return told.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty labelled papers with their texts, a codebook of two dimensions, a tiny encoder."""
    made = tmp_path_factory.mktemp("training")
    literature = simulate(60, seed=3)
    papers, truth = (literature.pubmed + literature.openalex)[:60], literature.truth()[:60]
    rows = [
        {
            "record_key": f"r{place}",
            "title": paper.title,
            "abstract": paper.abstract,
            "year": paper.year,
            "sample": "random" if place % 2 else "enriched",
            "rag": row.get("rag", False),
            "methods": [name for name in row.get("methods", []) if name in ("neural", "generative_llm")],
        }
        for place, (paper, row) in enumerate(zip(papers, truth, strict=True))
    ]
    (made / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (made / "small.toml").write_text(BOOK, "utf-8")
    tiny.encoder(made / "encoder", Texts([p.title for p in papers], [p.abstract for p in papers]))
    (made / "new.csv").write_text("title,abstract\nGPT-4 for triage,A large language model.\n", "utf-8")
    return made


@pytest.fixture(scope="module")
def model(folder: Path) -> tuple[Path, dict[str, Any]]:
    told = run("train", "--encoder", str(folder / "encoder"), "--labels", str(folder / "labels.jsonl"),
               "--codebook", str(folder / "small.toml"), "--folds", "2", "--epochs", "1", "--json",
               "--checkpoints", str(folder / "kept"), "--out", str(folder / "model"))  # fmt: skip
    return folder / "model", json.loads(told)


def test_train_keeps_a_whole_model(folder: Path, model: tuple[Path, dict[str, Any]]) -> None:
    path, told = model
    assert told["done"][0]["delivered"] == 60
    card = (path / "MODEL_CARD.md").read_text()
    assert "Transformer tagger for `small`" in card
    assert "held out by group" in card
    assert "| methods.generative_llm |" in card
    measured = json.loads((path / "evaluation.json").read_text())
    assert {"transformer", "calibration", "abstention", "recall_at_3"} <= measured.keys()
    assert "F1 95 %" in card
    assert len(list((folder / "kept").glob("network-0-*.npy"))) == 1
    parameters = json.loads((path / "run.json").read_text())["parameters"]
    assert parameters["tagger"] == "transformer"
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    titles = [row["title"] for row in rows]
    assert learnt.among(path, [*titles, titles[0].upper() + "!", "Another title", None]).tolist() == (
        [True] * 61 + [False] * 2
    )


@pytest.mark.parametrize("tagger", ["linear", "transformer"])
def test_a_promise_of_recall_and_what_it_costs(folder: Path, tmp_path: Path, tagger: str) -> None:
    more = ("--encoder", str(folder / "encoder"), "--folds", "2", "--epochs", "6", "--early-stopping", "1")
    told = json.loads(run("train", "--labels", str(folder / "labels.jsonl"), "--codebook",
                          str(folder / "small.toml"), "--promise-recall", "0.9", "--json", "--out",
                          str(tmp_path / "model"), "--tagger", tagger,
                          *(more if tagger == "transformer" else ())))  # fmt: skip
    assert any("promised recall 0.9" in note for note in told["done"][0]["notes"])
    assert "keep 90% of each label's records" in (tmp_path / "model" / "MODEL_CARD.md").read_text()
    promise = json.loads((tmp_path / "model" / "evaluation.json").read_text())["promise"]
    methods = next(one for one in promise["dimensions"] if one["dimension"] == "methods")
    assert (methods["recall"], promise["recall"]) == (pytest.approx(0.9, abs=0.15), 0.9)
    assert methods["recall"] >= methods["recall_at_best_f1"] - 0.05
    if tagger == "transformer":
        recipe = json.loads((tmp_path / "model" / "model.json").read_text())
        assert (recipe["watched"], recipe["recipe"]["patience"]) == (0.1, 1)
        assert all("watched" in epoch for epoch in recipe["history"])


def test_tag_with_a_trained_model(folder: Path, model: tuple[Path, Any]) -> None:
    run("tag", str(folder / "new.csv"), "--codebook", str(folder / "small.toml"), "--model",
        str(model[0]), "--out", str(folder / "tags.jsonl"))  # fmt: skip
    told = json.loads((folder / "tags.jsonl").read_text())
    assert told.keys() == {"row", "scores", "labels", "unsure"}
    assert told["row"] == 0
    assert set(told["scores"]) == {"rag.yes", "methods.neural", "methods.generative_llm"}
    assert set(told["labels"]) == {"rag", "methods"}


def test_a_dimension_without_heads_is_named(folder: Path, model: tuple[Path, Any]) -> None:
    added = '\n[[dimensions]]\nid = "place"\ntitle = "Place"\nlabels = [{ id = "home", title = "Home" }]\n'
    (folder / "wider.toml").write_text(BOOK + added, "utf-8")
    outcome = tagging.tag_file(
        folder / "new.csv", folder / "wider.jsonl", model=model[0], codebook=str(folder / "wider.toml")
    )
    assert any("no heads for place" in note for note in outcome.notes)
    assert json.loads((folder / "wider.jsonl").read_text())["labels"]["place"] == []


def test_evaluate_compares_on_the_same_folds(folder: Path) -> None:
    run("evaluate", "--labels", str(folder / "labels.jsonl"), "--codebook", str(folder / "small.toml"),
        "--tagger", "tfidf-logistic", "--tagger", "linear", "--out", str(folder / "told.json"))  # fmt: skip
    told = json.loads((folder / "told.json").read_text())
    assert told["taggers"].keys() == {"tfidf-logistic", "linear"}
    linear = told["taggers"]["linear"]
    assert {"labels", "dimensions", "calibration", "confusion", "by_year", "coverage_curve"} <= linear.keys()
    assert "f1_interval" in linear["labels"][0]
    low, high = told["paired"]["linear less tfidf-logistic"]["methods"][1:]
    assert low <= high
    groups = {one["group"] for one in linear["by_year"]["methods"]}
    assert groups - {"unknown"}


def test_evaluate_a_model_on_new_labels(folder: Path, model: tuple[Path, Any]) -> None:
    told = CliRunner().invoke(app, ["evaluate", "--labels", str(folder / "labels.jsonl"), "--codebook",
                                    str(folder / "small.toml"), "--model", str(model[0])])  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "new to the model" in " ".join(told.output.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--tagger", "keywords"), "nothing to train"),
        (("train", "--encoder", "minlm"), "did you mean 'minilm'"),
        (("evaluate", "--tagger", "magic"), "cannot be evaluated"),
    ],
)
def test_errors_say_what_to_do(folder: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    more = ("--labels", str(folder / "labels.jsonl"), "--codebook", str(folder / "small.toml"))
    out = ("--out", str(tmp_path / "out"))
    told = CliRunner().invoke(app, [*arguments, *more, *out])
    assert words in str(told.exception) + told.output


def test_without_torch_the_choice_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    book = load_codebook("nlp-medicine")
    monkeypatch.setattr(tagging, "usable", lambda: False)
    monkeypatch.setattr(tagging, "shipped_model", lambda name, codebook: Path("somewhere"))
    name, notes = tagging.default_tagger(book)
    assert name == "linear"
    assert "pip install 'litscale[transformer]'" in notes[0]
    monkeypatch.setattr(tagging, "shipped_model", lambda name, codebook: None)
    name, notes = tagging.default_tagger(book)
    assert name == "keywords"
    assert "no weights ship" in notes[0]
    with pytest.raises(InputError, match="no model of any tagger"):
        tagging._of_model(Path("nowhere"))
