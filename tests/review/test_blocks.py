"""Blocks: known probabilities, unbiased estimates, the same draw from the same set."""

from itertools import combinations
from math import comb, sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import InputError
from review.screening.blocks import Block, Stratum, draw_simple, draw_stratified, expected_positives, plan

IDS = [f"R{i:03}" for i in range(300)]
SCORES = [1 / (1 + i) for i in range(300)]
POSITIVE = {one: float(i < 6 or i in (40, 130, 250)) for i, one in enumerate(IDS)}


def total(block: Block) -> float:
    """Horvitz-Thompson estimate of the number of positives."""
    return sum(POSITIVE[one] / block.probabilities[one] for one in block.ids)


def assert_unbiased(blocks: list[Block]) -> None:
    estimates = [total(block) for block in blocks]
    assert abs(fmean(estimates) - sum(POSITIVE.values())) < 3 * stdev(estimates) / sqrt(len(estimates))


def test_estimates_are_unbiased() -> None:
    simple = [draw_simple(IDS, 40, seed) for seed in range(400)]
    stratified = [draw_stratified(IDS, SCORES, 40, seed) for seed in range(400)]
    assert_unbiased(simple)
    assert_unbiased(stratified)
    assert stdev(map(total, stratified)) < stdev(map(total, simple))
    # Each record is drawn as often as its probability says.
    for blocks in (simple, stratified):
        for one in ("R000", "R020", "R150"):
            chances = {block.probabilities[one] for block in blocks if one in block.probabilities}
            assert len(chances) == 1
            chance = chances.pop()
            seen = sum(one in block.probabilities for block in blocks) / len(blocks)
            assert abs(seen - chance) <= 4 * sqrt(chance * (1 - chance) / len(blocks))


def test_every_pair_is_as_likely() -> None:
    seen = dict.fromkeys(combinations("abcde", 2), 0)
    for seed in range(2000):
        first, second = sorted(draw_simple("abcde", 2, seed).ids)
        seen[first, second] += 1
    expected = 2000 / comb(5, 2)
    assert sum((count - expected) ** 2 / expected for count in seen.values()) < 27.9  # χ² of 9, p = .001


@given(
    st.dictionaries(st.text(max_size=6), st.floats(0, 1), min_size=1, max_size=60),
    st.integers(0, 9),
    st.data(),
)
def test_a_draw_depends_on_the_set_alone(scores: dict[str, float], seed: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(min(4, len(scores)), len(scores)))
    mixed = data.draw(st.permutations(sorted(scores)))
    assert draw_simple(list(scores), n, seed) == draw_simple(mixed, n, seed)
    one, two = (
        draw_stratified(ids, [scores[each] for each in ids], n, seed, least=1)
        for ids in (list(scores), mixed)
    )
    assert one == two
    assert len(set(one.ids)) == n
    assert set(one.probabilities) == set(one.strata) == set(one.ids) <= set(scores)
    assert all(0 < chance <= 1 for chance in one.probabilities.values())
    # The weights of a stratum add up to its records, so those of the block to all.
    assert sum(1 / chance for chance in one.probabilities.values()) == pytest.approx(len(scores))


def test_strata_and_what_each_gives() -> None:
    assert plan(IDS, SCORES, 40) == (
        Stratum(1, 1 / 6, 1.0, 6, 6),  # all there are; the others share the rest
        Stratum(2, 1 / 30, 1 / 7, 24, 12),
        Stratum(3, 1 / 90, 1 / 31, 60, 11),
        Stratum(4, 1 / 300, 1 / 91, 210, 11),
    )
    assert [one.drawn for one in plan(IDS[:20], SCORES[:20], 15)] == [2, 4, 9]  # 2 % of 20 are none
    assert [one.drawn for one in plan(IDS, SCORES, 300)] == [6, 24, 60, 210]
    block = draw_stratified(IDS, SCORES, 40, 1)
    assert {block.strata[one] for one in IDS[:6]} == {1}
    assert all(block.probabilities[one] == 1 for one in IDS[:6])


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 8), st.data())
def test_each_stratum_gives_the_same_or_all_it_has(sizes: list[int], least: int, data: st.DataObject) -> None:
    count = sum(sizes)
    shares = [sum(sizes[: i + 1]) / count for i in range(len(sizes))]
    n = data.draw(st.integers(sum(min(least, size) for size in sizes), count))
    ids = [str(i) for i in range(count)]
    planned = plan(ids, [0.0] * count, n, strata=shares, least=least)
    assert [one.size for one in planned] == sizes
    assert sum(one.drawn for one in planned) == n
    assert all(one.drawn >= min(least, one.size) for one in planned)
    level = max(one.drawn for one in planned)
    assert all(one.drawn >= min(level - 1, one.size) for one in planned)


def test_the_order_of_a_block_tells_nothing_of_the_strata() -> None:
    # 6 of 300 stand in the first stratum; over many seeds they come first as often as last.
    firsts = lasts = 0
    for seed in range(300):
        block = draw_stratified(IDS, SCORES, 20, seed)
        firsts += block.strata[block.ids[0]] == 4
        lasts += block.strata[block.ids[-1]] == 4
    assert 45 < firsts < 105  # 5 of 20
    assert 45 < lasts < 105


def test_another_purpose_or_seed_is_another_draw() -> None:
    draws = [
        draw_simple(IDS, 60, 1).ids,
        draw_simple(IDS, 60, 2).ids,
        draw_simple(IDS, 60, 1, purpose="audit").ids,
    ]
    shared = [len({*one} & {*two}) for one, two in combinations(draws, 2)]
    assert all(2 <= count <= 24 for count in shared)  # 12 are expected


def test_what_to_expect_is_told_beforehand() -> None:
    planned = plan(IDS, SCORES, 40)
    expected = expected_positives(planned, (1.0, 0.1, 0.02, 0.0))
    assert expected.total == pytest.approx(6 + 2.4 + 1.2)
    assert expected.block == pytest.approx(6 + 1.2 + 0.22)
    assert expected.simple == pytest.approx(9.6 * 40 / 300)
    assert expected.none == 0
    rare = expected_positives(planned, (0.1, 0.01, 0.0, 0.0))
    assert rare.none == pytest.approx(0.9**6 * 0.99**12)
    assert "a chance of 47.1% to see none" in str(rare)


def test_what_is_refused() -> None:
    for n in (0, -1, 301):
        with pytest.raises(InputError, match=f"block of {n}: draw at least 1 and at most the 300"):
            draw_simple(IDS, n, 1)
        with pytest.raises(InputError, match=f"block of {n}"):
            draw_stratified(IDS, SCORES, n, 1)
    with pytest.raises(InputError, match="block of 1: draw at least 1 and at most the 0"):
        draw_simple([], 1, 1)
    with pytest.raises(InputError, match="'R2' comes twice in 3 ids"):
        draw_simple(["R2", "R1", "R2"], 1, 1)
    with pytest.raises(InputError, match="300 ids and 2 scores"):
        draw_stratified(IDS, [1.0, 2.0], 10, 1)
    with pytest.raises(InputError, match="1 score is not finite, the first is of R007 nan"):
        draw_stratified(IDS, [*SCORES[:7], float("nan"), *SCORES[8:]], 10, 1)
    with pytest.raises(InputError, match="least 0; a stratum that gives no record"):
        draw_stratified(IDS, SCORES, 40, 1, least=0)
    with pytest.raises(InputError, match="4 strata with 5 each at least need 20"):
        draw_stratified(IDS, SCORES, 19, 1)
    for strata in ((), (0.5,), (0.5, 0.2, 1.0), (0.0, 1.0), (0.5, 1.2)):
        with pytest.raises(InputError, match="give rising shares above 0 that end with 1"):
            draw_stratified(IDS, SCORES, 40, 1, strata=strata)
    for prevalences in ((0.5,), (0.5, 0.5, 0.5, 1.5)):
        with pytest.raises(InputError, match="give 4 shares in"):
            expected_positives(plan(IDS, SCORES, 40), prevalences)
