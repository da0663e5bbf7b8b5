"""Duplicate linking: golden pairs, order-independence, and a person's word."""

import random
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import schema
from corpora.dedupe.block import CAP, pairs
from corpora.dedupe.cluster import cluster
from corpora.dedupe.link import cluster_rows, find_links
from corpora.dedupe.match import RULES
from corpora.dedupe.normalise import comparables
from corpora.formats.people import authors
from corpora.record import Record, build

CASES = tomllib.loads((Path(__file__).parent / "dedupe_cases.toml").read_text("utf-8"))
PEOPLE = pa.schema([(name, pa.string()) for name in ("left_id", "right_id", "kind", "verdict")])


def record(values: dict[str, Any], key: str) -> Record:
    merged = {**CASES["base"], **values}
    return build({**merged, "authors": authors(merged["authors"]), "accession": key}, source="test")


def links_of(*records: Record) -> list[dict[str, Any]]:
    return find_links(schema.to_table(records)).to_pylist()


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["id"])
def test_golden_pairs(case: dict[str, Any]) -> None:
    found = links_of(record(case.get("one", {}), "1"), record(case.get("two", {}), "2"))
    told = [f"{link['kind']} {link['verdict']}" for link in found] or ["none"]
    assert told == [case["expect"]], [(link["rule"], link["reason"]) for link in found]


def test_every_rule_is_named_once_and_scores_lie_in_0_1() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(0 <= rule.score <= 1 for rule in RULES)


def test_links_say_why_and_are_sorted() -> None:
    found = links_of(record({}, "1"), record({"volume": ""}, "2"), record({"year": "2022"}, "3"))
    assert [(link["left_id"], link["right_id"]) for link in found] == sorted(
        (link["left_id"], link["right_id"]) for link in found
    )
    assert all(link["left_id"] < link["right_id"] and "titles" in link["reason"] for link in found)


def test_nothing_and_emptiness_match_nothing() -> None:
    assert find_links(schema.RECORDS.empty_table()).schema == schema.LINKS
    blank = [build({"accession": str(n)}, source="x") for n in range(5)]
    assert links_of(*blank) == []


def test_a_giant_block_is_cut_to_neighbours_and_counted() -> None:
    many = [record({"title": f"{CASES['base']['title']} {n:04d}"}, str(n)) for n in range(CAP + 50)]
    listed = comparables(schema.to_table(many))
    candidates, cut = pairs(listed)
    assert cut >= 1
    assert len(candidates) < len(many) ** 2 / 4


def test_rows_of_a_plain_file_come_back_one_for_one() -> None:
    one, other = record({}, "1"), record({"title": "Sleep of dock workers", "pages": "9"}, "2")
    table = schema.to_table([one, other, one, record({"authors": ["Doe J"]}, "3")])
    found = cluster_rows(table)
    assert found["row"].tolist() == [0, 1, 2, 3]
    assert found["record_id"].tolist() == table["record_id"].to_pylist()
    assert found["report"][0] == found["report"][2] == found["report"][3] != found["report"][1]
    assert found["rule"][1] == ""


IDS = [f"R{n}" for n in range(7)]
machine = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(IDS),
        st.sampled_from(["same_report", "same_study"]),
        st.sampled_from(["match", "maybe"]),
        st.sampled_from([0.5, 0.9, 0.9, 1.0]),
    ).filter(lambda link: link[0] < link[1]),
    max_size=12,
)
people = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(IDS),
        st.sampled_from(["same_report", "same_study"]),
        st.sampled_from(["match", "not"]),
    ).filter(lambda link: link[0] < link[1]),
    max_size=3,
    unique_by=lambda link: link[:3],
)


def as_links(rows: list[Any]) -> pa.Table:
    names = ("left_id", "right_id", "kind", "verdict", "score")
    made = [dict(zip(names, row, strict=True)) | {"rule": "r", "reason": ""} for row in rows]
    return pa.Table.from_pylist(made, schema.LINKS)


def as_people(rows: list[Any]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(PEOPLE.names, row, strict=True)) for row in rows], PEOPLE)


@settings(max_examples=150, deadline=None)
@given(machine, people, st.randoms(use_true_random=False))
def test_clusters_do_not_depend_on_order_and_a_persons_not_holds(
    links: list[Any], said: list[Any], shuffle: random.Random
) -> None:
    made = cluster(IDS, as_links(links), as_people(said))
    ids, mixed = IDS.copy(), links.copy()
    shuffle.shuffle(ids)
    shuffle.shuffle(mixed)
    again = cluster(ids, as_links(mixed), as_people(said))
    assert made == again
    for left, right, kind, verdict in said:
        if kind == "same_report" and verdict == "not":
            assert made.reports[left] != made.reports[right]
    for report in set(made.reports.values()):
        members = [one for one in IDS if made.reports[one] == report]
        assert min(members) == report
        assert len({made.studies[one] for one in members}) == 1


def test_the_weakest_link_of_a_chain_is_cut() -> None:
    links = as_links([("R1", "R2", "same_report", "match", 0.9), ("R2", "R3", "same_report", "match", 0.6)])
    made = cluster(IDS, links, as_people([("R1", "R3", "same_report", "not")]))
    assert made.reports["R1"] == made.reports["R2"] != made.reports["R3"]


def test_a_person_can_join_what_the_machine_did_not() -> None:
    made = cluster(IDS, as_links([]), as_people([("R1", "R2", "same_study", "match")]))
    assert made.reports["R1"] != made.reports["R2"]
    assert made.studies["R1"] == made.studies["R2"] == "R1"


def test_links_to_records_that_are_gone_are_counted() -> None:
    links = as_links([("R0", "R99", "same_report", "match", 1.0)])
    assert cluster(IDS, links, as_people([])).unknown == 1
