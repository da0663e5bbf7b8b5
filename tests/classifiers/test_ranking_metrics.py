"""Screening metrics at their corners, and against the definitions counted out record by record."""

from itertools import permutations
from math import ceil, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import ranking_metrics as metrics
from corpora.errors import InputError

orders = st.lists(st.booleans(), min_size=1, max_size=40).filter(any)
mixed = orders.filter(lambda found: not all(found))
shares = st.integers(1, 20).map(lambda n: n / 20)
near = pytest.approx


def best(found: list[bool]) -> list[bool]:
    return sorted(found, reverse=True)


# ---------------------------------------------------------------------- corners


def test_a_perfect_order() -> None:
    found = [1] * 5 + [0] * 95
    assert metrics.all_metrics(found) == {
        "loss": 0.0, "wss@95": 0.9, "wss@100": 0.95, "nwss@95": 1.0,
        "recall@1%": 0.2, "recall@5%": 1.0, "recall@10%": 1.0, "recall@20%": 1.0,
        "erf@10%": 0.9, "atd": 3.0, "ndcg": 1.0,
    }  # fmt: skip


def test_the_worst_order() -> None:
    found = [0] * 95 + [1] * 5
    told = metrics.all_metrics(found)
    assert told["loss"] == 1.0
    assert told["wss@95"] == -0.05
    assert told["wss@100"] == 0.0
    assert told["nwss@95"] == 0.0
    assert told["recall@20%"] == 0.0
    assert told["erf@10%"] == -0.1
    assert told["atd"] == 98.0


def test_one_record_and_all_included() -> None:
    for found in ([1], [1, 1, 1]):
        told = metrics.all_metrics(found)
        assert told["loss"] == 0
        assert told["ndcg"] == 1
        assert told["nwss@95"] == 0
        assert told["wss@100"] == 0


@pytest.mark.parametrize("found", [[], [0], [0, 0, 0]])
def test_nothing_included_has_no_score(found: list[int]) -> None:
    for metric in (metrics.loss, metrics.wss, metrics.nwss, metrics.atd, metrics.ndcg, metrics.erf):
        with pytest.raises(InputError, match=f"none of {len(found)} records? is included"):
            metric(found)


@pytest.mark.parametrize("found", [[1, 2], [1, -1], [0.5, 1], [float("nan"), 1], [[1, 0]]])
def test_what_is_not_a_label_is_refused(found: list[int]) -> None:
    with pytest.raises(InputError, match="one 0 or 1 a record"):
        metrics.loss(found)


@pytest.mark.parametrize("recall", [0, -0.1, 1.01, float("nan")])
def test_recall_outside_its_range_is_refused(recall: float) -> None:
    with pytest.raises(InputError, match="above 0 and at most 1"):
        metrics.wss([1, 0], recall)


@pytest.mark.parametrize("share", [-0.1, 1.01, float("nan")])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        metrics.recall_at([1, 0], share)


def test_a_share_that_binary_numbers_cannot_hold_means_what_it_says() -> None:
    # .95 · 20 and .1 · 30 and .07 · 100 are 19, 3 and 7, whatever the last bit says.
    assert metrics.work_for_recall([1] * 19 + [0] * 80 + [1], 0.95) == 19
    assert metrics.recall_at([0, 0, 1] + [0] * 26 + [1], 0.1) == 0.5
    assert metrics.recall_at([0] * 6 + [1] + [0] * 93, 0.07) == 1.0


def test_an_example_counted_by_hand() -> None:
    found = [1, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    assert metrics.loss(found) == near((10 - 6) / (3 * 7))
    assert metrics.wss(found, 1.0) == near(0.4)
    assert metrics.nwss(found, 1.0) == near(4 / 7)
    assert metrics.atd(found) == near(10 / 3)
    assert metrics.ndcg(found) == near((1 + 1 / 2 + 1 / log2(7)) / (1 + 1 / log2(3) + 1 / 2))


# ---------------------------------------------------------------------- definitions


@given(orders, shares)
def test_work_and_recall_by_counting(found: list[bool], share: float) -> None:
    wanted = ceil(round(share * sum(found), 9))
    work = metrics.work_for_recall(found, share)
    assert sum(found[:work]) == wanted
    assert sum(found[: work - 1]) == wanted - 1
    screened = int(round(share * len(found), 9))
    assert metrics.recall_at(found, share) == near(sum(found[:screened]) / sum(found))
    assert metrics.erf(found, share) == near(sum(found[:screened]) / sum(found) - screened / len(found))


@given(orders, shares)
def test_wss_and_nwss_by_the_confusion_table(found: list[bool], recall: float) -> None:
    work = metrics.work_for_recall(found, recall)
    behind = found[work:]
    true_negative, false_negative = behind.count(False), behind.count(True)
    assert metrics.wss(found, recall) == near((true_negative + false_negative) / len(found) - (1 - recall))
    negatives = found.count(False)
    assert metrics.nwss(found, recall) == near(true_negative / negatives if negatives else 0)


@given(mixed)
def test_loss_by_areas_under_the_curves(found: list[bool]) -> None:
    def area(order: list[bool]) -> int:
        return int(np.cumsum(order).sum())

    top, bottom = area(best(found)), area(best(found)[::-1])
    assert metrics.loss(found) == near((top - area(found)) / (top - bottom))


@given(mixed)
def test_loss_is_the_share_of_pairs_in_the_wrong_order(found: list[bool]) -> None:
    pairs = [(a, b) for n, a in enumerate(found) for b in found[n + 1 :]]
    wrong = sum(b and not a for a, b in pairs)
    assert metrics.loss(found) == near(wrong / (sum(found) * found.count(False)))


@given(mixed)
def test_turning_an_order_round_turns_the_loss_round(found: list[bool]) -> None:
    assert metrics.loss(found[::-1]) == near(1 - metrics.loss(found))


@given(orders)
def test_ndcg_by_its_sum(found: list[bool]) -> None:
    def gain(order: list[bool]) -> float:
        return sum(1 / log2(place + 1) for place, hit in enumerate(order, 1) if hit)

    assert metrics.ndcg(found) == near(gain(found) / gain(best(found)))


@pytest.mark.parametrize("included", [1, 2, 3])
def test_no_order_beats_the_perfect_one(included: int) -> None:
    perfect = [1] * included + [0] * (5 - included)
    top = metrics.all_metrics(perfect)
    for order in set(permutations(perfect)):
        told = metrics.all_metrics(order)
        assert told["loss"] >= top["loss"]
        assert told["atd"] >= top["atd"]
        for name in set(told) - {"loss", "atd"}:
            assert told[name] <= top[name], name


@given(orders, st.data())
def test_finding_a_record_earlier_never_makes_it_worse(found: list[bool], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(found) - 1))
    if place == 0 or not found[place] or found[place - 1]:
        return
    better = found.copy()
    better[place - 1], better[place] = better[place], better[place - 1]
    before, after = metrics.all_metrics(found), metrics.all_metrics(better)
    assert after["loss"] < before["loss"]
    assert after["atd"] < before["atd"]
    for name in set(before) - {"loss", "atd"}:
        assert after[name] >= before[name], name
