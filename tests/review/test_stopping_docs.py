"""The page about stopping rules: its figures are those of the result file and the code."""

import json
from pathlib import Path

import pytest

from corpora.registry import entries
from review.screening.rulestudy import Row, table
from review.screening.stopping import verified
from review.screening.stopping.compose import parse

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "review" / "screening" / "stopping" / "README.md").read_text("utf-8")
FIGURES = json.loads((ROOT / "tests" / "benchmarks" / "results" / "stopping.json").read_text("utf-8"))[
    "figures"
]


@pytest.mark.parametrize("measure", ["met", "recall", "work", "proved", "false"])
def test_tables_are_those_of_the_result_file(measure: str) -> None:
    assert "\n".join(table([Row(**row) for row in FIGURES["rows"]], measure)) in PAGE


def test_the_study_kept_the_method_rules() -> None:
    assert FIGURES["runs_a_rule_and_scenario"] >= 400
    assert len(FIGURES["reviews"]) == 10
    assert FIGURES["buscar_ms_at_100000_at_most"] < 50


def test_the_plan_is_what_the_code_prints() -> None:
    assert "\n".join(verified.plan(100, 5000, screened=1200).lines()) in PAGE
    for found in (20, 50, 100, 250, 500):
        smallest = verified.smallest_sample(found, 5000, 0.95)
        assert smallest == FIGURES["smallest_sample_of_5000"][str(found)]
        assert f"| {found} | {smallest:,} |" in PAGE


def test_every_rule_is_explained_and_every_example_can_be_read() -> None:
    for name in entries("stopping"):
        assert f"`{name}(" in PAGE
    shown = [line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    block = PAGE.split("```")[1].strip().splitlines()
    for text in [*shown, *block]:
        parse(text.removesuffix(" then sample"))
