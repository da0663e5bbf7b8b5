"""Figures: sizes, fonts and formats as the journal asks; every sort of data; the same bytes."""

import json
import re
import struct
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from classifiers.codebook import parse
from corpora.errors import InputError, UnknownNameError
from corpora.registry import entries, load
from review.analysis.crosstab import task_by_family
from review.analysis.tidy import Context
from review.analysis.trends import by_family, evaluation_by_year, family_share
from review.figures.base import FigureSpec
from review.figures.presets import PRESETS, preset
from review.figures.save import save
from review.flow import Flow, Known, count_flow
from tests.review import quality_data

BOOK = parse(
    """
name = "figures"
version = "1"
title = "For figures"
gate = "scope.out"
[[dimensions]]
id = "scope"
title = "Scope"
kind = "one"
labels = [{ id = "in", title = "In" }, { id = "out", title = "Out" }]
[[dimensions]]
id = "methods"
title = "Methods"
labels = [{ id = "llm", title = "LLM" }, { id = "nlp", title = "NLP" }]
[[dimensions]]
id = "tasks"
title = "Tasks"
labels = [{ id = "coding", title = "Coding" }, { id = "odd", title = "=odd" }]
[[dimensions]]
id = "evaluation"
title = "Evaluation"
labels = [{ id = "safety", title = "Safety" }, """
    + ", ".join(f'{{ id = "c{i}", title = "Criterion {i}" }}' for i in range(15))
    + """]
[[dimensions]]
id = "specialty"
title = "Specialty"
labels = [{ id = "heart", title = "A specialty with a rather long name" }, { id = "skin", title = "Skin" }]
[[dimensions]]
id = "data"
title = "Data"
labels = [{ id = "notes", title = "Notes" }, { id = "never", title = "Never" }]
[[dimensions]]
id = "low_resource"
title = "Low resource"
kind = "flag"
labels = [{ id = "yes", title = "Low-resource" }]
[[rollups]]
id = "family"
title = "Family"
of = "methods"
labels = [{ id = "generative_llm", title = "LLM" }, { id = "traditional_nlp", title = "NLP" }]
[rollups.leaves]
generative_llm = ["llm"]
traditional_nlp = ["nlp"]
""",
    "figures",
)
CONTEXT = Context("all of them", titles=BOOK.titles(), simulated=True, codebook=BOOK)
FAMILIES = [["generative_llm"], ["traditional_nlp"], ["generative_llm", "traditional_nlp"], [], None]


def studies(n: int, years: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "study_id": [f"S{i}" for i in range(n)],
            "year": pd.array([years[i % len(years)] for i in range(n)], dtype="Int32"),
            "family": [FAMILIES[i // 5 % 5] for i in range(n)],
            "tasks": [["coding", "odd"][: i % 3] for i in range(n)],
            "evaluation": [["safety", f"c{i // 3 % 15}"][: i % 3] for i in range(n)],
            "specialty": [["heart", "skin"][i % 2 : i % 4] for i in range(n)],
            "data": [["notes"] if i % 2 else [] for i in range(n)],
            "low_resource": [["yes"] if i % 7 == 0 else [] for i in range(n)],
            "scope": [["in"]] * n,
            "sources": [["pubmed"] if i % 3 else ["acl"] if i % 2 else ["acl", "pubmed"] for i in range(n)],
            "language": ["en" if i % 9 else "fr" for i in range(n)],
            "venue": [f"A journal of $things$ no. {i % 30}" for i in range(n)],
            "author_names": [[f"Author {i % 40}, A."] + ["Other, Bo"] * (i % 3 == 0) for i in range(n)],
            "countries": [["DE", "GB", "US", f"{chr(65 + i % 26)}A"][i % 4 :] for i in range(n)],
            "keywords": [[f"word {i % 50}", f"a longer keyword ${i % 7}"] for i in range(n)],
            "mesh": [["humans"] if i % 5 else None for i in range(n)],
        }
    )


def flow(n: int) -> Flow:
    ids = [f"R{i}" for i in range(n)]
    kinds = ["database", "register", "citation"]
    found = pd.DataFrame(
        [(one, "s", f"source {i % 11} with a very long name", kinds[i % 3]) for i, one in enumerate(ids)],
        columns=["record_id", "search", "source", "kind"],
    )
    settled = pd.DataFrame(columns=["report_id", "stage", "verdict", "reason"])
    own = {one: one for one in ids}
    return count_flow(Known(found, own, own, settled, ["title-abstract"]))


def data_for(spec: FigureSpec, n: int, years: list[int | None]) -> Any:
    made = {
        "flow": flow,
        "measures": lambda n: quality_data.measures(BOOK, n, curves=n > 500),
        "courses": quality_data.courses,
        "agreements": quality_data.agreements,
    }
    return made[spec.needs](n) if spec.needs in made else studies(n, years)


CASES = {
    "many": (1000, [2015, 2016, 2019, 2024, None]),
    "one year": (10, [2024]),
    "no years": (10, [None]),
    "nothing": (0, [2024]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", entries("figures"))
def test_every_figure_draws_every_sort_of_data(name: str, case: str, tmp_path: Path) -> None:
    spec = load("figures", name)
    assert spec.name == name
    tidy = spec.compute(data_for(spec, *CASES[case]), CONTEXT)
    saved = save(spec, tidy, tmp_path, preset("jmir"), ("png",), {"records": "x"})
    assert {path.name for path in saved.files} == {f"{name}.png", f"{name}.csv", f"{name}.json"}
    told = json.loads((tmp_path / f"{name}.json").read_text())
    assert told["alt"]
    assert told["population"] == "all of them"
    assert told["inputs"] == {"records": "x"}
    width, height = struct.unpack(">II", (tmp_path / f"{name}.png").read_bytes()[16:24])
    assert max(width, height) <= 1200
    assert (tmp_path / f"{name}.png").stat().st_size < 5_000_000
    assert len(pd.read_csv(tmp_path / f"{name}.csv")) == len(tidy.frame)


@pytest.mark.parametrize("name", entries("figures"))
def test_the_saved_file_has_the_journals_width_and_its_fonts(name: str, tmp_path: Path) -> None:
    spec, wanted = load("figures", name), preset("lancet")  # the narrowest page
    tidy = spec.compute(data_for(spec, *CASES["many"]), CONTEXT)
    save(spec, tidy, tmp_path, wanted, ("pdf", "svg"))
    body = (tmp_path / f"{name}.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", body)
    assert box is not None
    millimetres = float(box.group(1)) / 72 * 25.4
    assert millimetres == pytest.approx(wanted.double if spec.wide else wanted.single, abs=0.2)
    assert float(box.group(2)) / 72 * 25.4 <= wanted.tallest + 0.2
    assert b"/FontFile2" in body
    assert b"/Type3" not in body
    text = (tmp_path / f"{name}.svg").read_text()
    assert "<text" in text
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:bold |700 )?([\d.]+)px", text)]
    assert sizes
    assert min(sizes) >= min(wanted.smallest, 5) - 0.01


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    spec = load("figures", "records-per-year")
    tidy = spec.compute(studies(*CASES["many"]), CONTEXT)
    for folder in ("a", "b"):
        save(spec, tidy, tmp_path / folder, preset("nature"))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_what_a_journal_does_not_take_is_refused(tmp_path: Path) -> None:
    spec = load("figures", "records-per-year")
    tidy = spec.compute(studies(*CASES["many"]), CONTEXT)
    with pytest.raises(InputError, match="jmir does not take pdf; it takes png"):
        save(spec, tidy, tmp_path, preset("jmir"), ("pdf",))
    with pytest.raises(UnknownNameError, match="did you mean 'nature'"):
        preset("natur")
    assert set(PRESETS) == {"nature", "npj", "lancet", "jmir", "plos", "elsevier"}


def test_formulas_are_escaped_in_the_table(tmp_path: Path) -> None:
    spec = load("figures", "task-by-family")
    save(spec, spec.compute(studies(*CASES["many"]), CONTEXT), tmp_path, preset("jmir"))
    assert "'=odd" in (tmp_path / "task-by-family.csv").read_text()


def test_counts_and_shares_add_up() -> None:
    frame = studies(*CASES["many"])
    counted = by_family(frame, CONTEXT)
    dated = int(frame["year"].notna().sum())
    untagged = int((frame["year"].notna() & frame["family"].isna()).sum())
    assert counted.frame["n"].sum() == dated - untagged
    assert f"{len(frame) - dated:,} studies without a year are not shown." in counted.notes
    assert f"{untagged:,} studies are not tagged and not shown." in counted.notes
    assert set(range(2015, 2025)) == set(counted.frame["year"])
    share = family_share(frame, CONTEXT)
    totals = share.frame.groupby("year")["naive"].sum(min_count=1).dropna()
    assert totals.tolist() == pytest.approx([1.0] * len(totals))
    assert share.frame["corrected"].isna().all()
    assert any("not audited" in note for note in share.notes)
    assert any("state no method" in note for note in share.notes)


def test_the_heat_map_is_read_both_ways() -> None:
    tidy = task_by_family(studies(*CASES["many"]), CONTEXT)
    rows = tidy.frame.groupby("task")["row_share"].sum()
    assert rows.tolist() == pytest.approx([1.0] * len(rows))
    cell = tidy.frame[(tidy.frame["task"] == "Coding") & (tidy.frame["family"] == "Both")].iloc[0]
    assert cell["column_share"] == pytest.approx(cell["n"] / cell["denominator"])


def test_rare_criteria_are_counted_not_dropped() -> None:
    tidy = evaluation_by_year(studies(*CASES["many"]), CONTEXT, top=5)
    assert tidy.frame["criterion"].nunique() == 5
    assert any("rarer criteria are not shown" in note for note in tidy.notes)
    assert "Safety" in set(tidy.frame["criterion"])
