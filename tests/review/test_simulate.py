"""`review simulate`: a finished review replayed from a plain file, as a user would type it."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from classifiers import ranking_metrics
from corpora.simulator.literature import simulate as simulated
from review.cli.main import app
from review.screening.replay import read

ROWS = 90


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished review: what has "drug" in its title was included."""
    made = simulated(ROWS, seed=5)
    path = tmp_path_factory.mktemp("review") / "finished.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "abstract", "year", "included_at_end"])
        for paper in [*made.pubmed, *made.openalex][:ROWS]:
            writer.writerow([paper.title, paper.abstract or "", 2020, int("drug" in paper.title.lower())])
    return path


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["simulate", *map(str, words)])


def order_of(folder: Path) -> list[tuple[int, int, int]]:
    with (folder / "order.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["position", "row", "label"]
    return [(int(a), int(b), int(c)) for a, b, c in rows[1:]]


def test_the_same_inputs_and_seed_give_the_same_files(finished: Path, tmp_path: Path) -> None:
    criteria = tmp_path / "criteria.txt"
    criteria.write_text("Drug safety and prescribing.", "utf-8")
    words = [finished, "--label-column", "included_at_end", "--seed", 7, "--criteria", criteria]
    for name in ("first", "second"):
        done = run(*words, "--out", tmp_path / name)
        assert done.exit_code == 0, done.output
    for name in ("order.csv", "metrics.json", "recall-curve.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_every_record_but_the_priors_stands_once_in_the_order(finished: Path, tmp_path: Path) -> None:
    documents, labels = read(finished, "included_at_end")
    priors = [int(np.flatnonzero(labels)[2]), int(np.flatnonzero(~labels)[5])]
    words = ["--label-column", "included_at_end", "--priors", ",".join(map(str, priors)), "--out", tmp_path]
    done = run(finished, *words, "--json")
    assert done.exit_code == 0, done.output
    found = order_of(tmp_path)
    assert [position for position, _, _ in found] == list(range(1, len(documents) - 1))
    assert sorted([row for _, row, _ in found] + priors) == list(range(len(documents)))
    assert all(label == labels[row] for _, row, label in found)
    told = json.loads((tmp_path / "metrics.json").read_text("utf-8"))
    assert told["metrics"] == ranking_metrics.all_metrics([label for _, _, label in found])
    assert told["priors"] == priors
    assert told["metrics"]["loss"] < 0.3
    assert (tmp_path / "recall-curve.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("cells", "words", "message"),
    [
        (["1", "maybe", "0"], [], "row 1: label = 'maybe': write 1 or 0"),
        (["1", "", "0"], [], "row 1: label is empty"),
        (["1", "0", "0"], ["--label-column", "verdict"], "no column 'verdict'"),
        (["0", "0", "0"], [], "label is 1 in 0 of 3 records"),
        (["1", "1", "1"], [], "label is 1 in 3 of 3 records"),
        ([], [], "no record in it"),
        (["1", "0", "1"], ["--priors", "0,9"], "name rows from 0 to 2"),
        (["1", "0", "1"], ["--priors", "1,1"], "name rows from 0 to 2, each once"),
        (["1", "0", "1"], ["--priors", "0,x"], "write row numbers with commas"),
        (["1", "0", "0"], ["--priors", "0,1"], "nothing is left to find"),
        (["1", "0", "1"], ["--ranker", "blnd"], "did you mean 'blend'"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    cells: list[str], words: list[str], message: str, tmp_path: Path
) -> None:
    path, out = tmp_path / "few.csv", tmp_path / "out"
    lines = [f"Statins in trial {number},Text {number},{cell}" for number, cell in enumerate(cells)]
    path.write_text("\n".join(["title,abstract,label", *lines]) + "\n", "utf-8")
    done = run(path, "--label-column", "label", *words, "--out", out)
    assert done.exit_code == 1
    assert message in f"{done.output}{done.exception}"
    assert not out.exists()


def test_words_for_in_and_out_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    cells = ["yes", "No", "included", "EXCLUDED", "1.0", "false"]
    lines = [f"Title {number},{cell}" for number, cell in enumerate(cells)]
    path.write_text("\n".join(["title,verdict", *lines]) + "\n", "utf-8")
    assert read(path, "verdict")[1].tolist() == [True, False, True, False, True, False]
