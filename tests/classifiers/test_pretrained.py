"""The weights that ship: they fit the codebook, load without a network, and read what they were made for."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from classifiers import learnt
from classifiers.codebook import load as load_codebook
from classifiers.linear import LinearTagger
from classifiers.tagger import Texts, decide, rolled_up
from classifiers.transformer import TransformerTagger, read_told, shipped
from corpora.progress import silent

CODEBOOK = load_codebook("nlp-medicine")
IDS = {name: place for place, name in enumerate(CODEBOOK.label_ids())}

TEXTS = Texts(
    [
        "Retrieval-augmented GPT-4 answers questions of patients with diabetes",
        "A conditional random field for drug names in discharge summaries",
        "Rainfall and wheat yield on the northern plains",
    ],
    [
        "We let a large language model read passages of clinical guidelines found by dense retrieval before "
        "it answers. Two endocrinologists rated the accuracy and completeness of 120 answers; Flesch "
        "reading ease was computed. Hallucinations became rarer.",
        "We annotated 500 discharge summaries of our hospital and trained a conditional random field with "
        "features from a lexicon. Named entity recognition reached an F1 of 0.87; inter-annotator agreement "
        "was a kappa of 0.81.",
        "Thirty years of station data are related to harvests by regression.",
    ],
)


@pytest.fixture(scope="module")
def folder() -> Path:
    found = shipped(CODEBOOK)
    assert found is not None, "no weights ship for the codebook"
    return found


def test_what_ships_is_whole_and_small(folder: Path) -> None:
    told = read_told(folder)
    assert told["codebook"] == CODEBOOK.hash, "the codebook changed: the weights must be trained anew"
    assert told["labels"] == CODEBOOK.label_ids()
    assert {"commit", "data", "encoder_revision", "recipe"} <= told.keys()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 60e6
    assert {path.suffix for path in folder.iterdir()} <= {".safetensors", ".json", ".npz", ".toml", ".md"}
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    for words in ("silver", "κ of .96", "Intended use", "Known failures", "| evaluation.agreement |"):
        assert words in card


def test_what_ships_says_what_it_learnt_from(folder: Path) -> None:
    with np.load(folder / learnt.FILE, allow_pickle=False) as arrays:
        assert (
            0.95 * read_told(folder)["learnt_from"]
            < len(arrays["titles"])
            <= read_told(folder)["learnt_from"]
        )
    assert not learnt.among(folder, [*TEXTS.titles, None, ""]).any()


def test_scores_that_ship_meet_what_was_promised(folder: Path) -> None:
    told = json.loads((folder / "evaluation.json").read_text("utf-8"))
    found = {score["dimension"]: score["macro_f1"] for score in told["dimensions"]}
    least = {"methods": 0.72, "tasks": 0.71, "data": 0.70, "evaluation": 0.55}
    assert all(found[name] >= value for name, value in least.items()), found
    for name in least:
        assert told["paired"]["transformer less tfidf-logistic"][name][1] > 0


def check(scores: np.ndarray, thresholds: np.ndarray) -> None:
    values, _ = decide(CODEBOOK, scores, thresholds)
    given = [{name for name, place in IDS.items() if values[row, place]} for row in range(3)]
    assert {"scope.in_scope", "methods.generative_llm", "rag.yes"} <= given[0]
    assert given[0] & {"evaluation.human_accuracy", "evaluation.readability_index"}
    assert {"methods.classical_ml", "tasks.named_entity_recognition", "data.ehr"} <= given[1]
    assert given[2] == {"scope.out_of_scope"}
    families = rolled_up(CODEBOOK, values)["family"]
    assert families[0, 0]
    assert families[1:].tolist() == [[False, True], [False, False]]


def test_the_transformer_reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    # Only what lies in the folder may be used: neither the hub nor the encoder's own package.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = importlib.util.find_spec

    def without_package(name: str, *rest: str) -> object:
        return None if name.startswith("gt_") else found(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without_package)
    made = TransformerTagger.load(folder, CODEBOOK)
    assert made.lacking() == []
    scores = made.predict_proba(TEXTS, silent)
    check(scores, made.thresholds())
    alone = made.predict_proba(TEXTS.take([1]), silent)
    assert np.abs(alone[0] - scores[1]).max() < 0.02, "the company of other texts must not matter"


def test_its_linear_part_reads_alone(folder: Path) -> None:
    made = LinearTagger.load(folder, CODEBOOK)
    check(made.predict_proba(TEXTS, silent), made.thresholds())
