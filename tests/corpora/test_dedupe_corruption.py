"""Duplicate linking on papers whose truth is known: copies with the faults of exports, lookalikes."""

import importlib.util
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from corpora import schema
from corpora.dedupe import spill
from corpora.dedupe.link import cluster_rows, find_links
from corpora.record import Author, Record, build

_PATH = Path(__file__).parents[1] / "benchmarks" / "corruption.py"
_SPEC = importlib.util.spec_from_file_location("corruption", _PATH)
assert _SPEC
assert _SPEC.loader
corruption: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(corruption)

_SAID = """
screening cohort wards nurses sepsis imaging dementia outcome language models embeddings triage
registry rural asthma children letters discharge coding prediction elderly surgery trial adherence
"""
_WORDS = _SAID.split()


def texts(seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    return [
        (f"{' '.join(rng.choices(_WORDS, k=6))}: {' '.join(rng.choices(_WORDS, k=5))}".capitalize(),
         " ".join(rng.choices(_WORDS, k=60)))
        for _ in range(400)
    ]  # fmt: skip


def as_record(row: dict[str, Any], key: int) -> Record:
    fields = {name: row[name] for name in ("title", "abstract", "venue", "volume", "issue", "pages", "doi")}
    people = [Author(family=family, given=given) for family, given in row["people"]]
    return build(
        {**fields, "year": str(row["year"]), "authors": people, "accession": f"{key:05d}"}, source="x"
    )


def reports(rows: list[dict[str, Any]]) -> list[str]:
    return list(cluster_rows(schema.to_table(as_record(row, key) for key, row in enumerate(rows)))["report"])


@pytest.mark.parametrize("fault", sorted(corruption.FAULTS))
def test_a_copy_with_one_fault_is_found(fault: str) -> None:
    rng = random.Random(1)
    papers = list(corruption.papers(60, texts(1), 1))
    rows = [row for paper in papers for row in (paper, corruption.copy(paper, rng, (fault,)))]
    found = reports(rows)
    assert sum(found[2 * n] == found[2 * n + 1] for n in range(60)) >= 58
    assert len(set(found)) >= 60


@pytest.mark.parametrize("seed", range(4))
def test_lookalikes_stay_apart_whatever_the_faults(seed: int) -> None:
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for paper in corruption.papers(120, texts(seed), seed):
        rows += [paper, corruption.copy(paper, rng), *corruption.lookalikes(paper, rng)]
    found, truth = reports(rows), [str(row["entity"]) for row in rows]
    pairs = [sum(n * (n - 1) // 2 for n in Counter(keys).values())
             for keys in (found, truth, zip(found, truth, strict=True))]  # fmt: skip
    assert pairs[2] / pairs[0] >= 0.98
    assert pairs[2] / pairs[1] >= 0.85


def test_the_work_on_disk_gives_the_very_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices smaller than the table, and a block so giant that it is cut to neighbours."""
    rng = random.Random(3)
    rows: list[dict[str, Any]] = []
    for paper in corruption.papers(150, texts(3), 3):
        rows += [paper, corruption.copy(paper, rng)]
    rows += [{**rows[0], "title": f"{rows[0]['title']} {n:03d}", "pages": str(n)} for n in range(220)]
    table = schema.to_table(as_record(row, key) for key, row in enumerate(rows))
    monkeypatch.setattr(spill, "SLICE", 70)
    told: list[str] = []
    by_disk = find_links(table, lambda what, *_: told.append(what), spill=10)
    assert by_disk.equals(find_links(table))
    assert by_disk.num_rows > 100
    assert {"putting records down", "comparing titles", "judging pairs"} <= set(told)
