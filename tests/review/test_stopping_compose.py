"""Rules as text: what can be written, what is refused and where, and claims that stay apart."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import InputError, UnknownNameError
from review.screening.stopping.base import Rule, Screened
from review.screening.stopping.buscar import Buscar
from review.screening.stopping.capture import Chao, Rivest
from review.screening.stopping.compose import Joined, check, leaves, parse
from review.screening.stopping.control import Qbcb
from review.screening.stopping.safe import Safe
from review.screening.stopping.simple import Budget, Consecutive
from review.screening.stopping.verified import Verified

SHARES = st.floats(min_value=1e-9, max_value=1, exclude_max=True)
COUNTS = st.integers(1, 10**7).map(float)
RULES = st.one_of(
    st.builds(Consecutive, COUNTS),
    st.builds(Budget, COUNTS, st.floats(0, 1e6)),
    st.builds(Buscar, SHARES, SHARES),
    st.builds(Qbcb, SHARES, SHARES),
    st.builds(Chao, SHARES),
    st.builds(Rivest, SHARES),
    st.builds(Safe, COUNTS, SHARES, COUNTS),
    st.builds(Verified, SHARES, SHARES, SHARES),
)
TREES = st.recursive(
    RULES,
    lambda inner: st.builds(
        Joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4).map(tuple)
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_rule_is_read_back_from_its_text(rule: Rule) -> None:
    assert parse(str(rule)) == rule
    assert str(parse(str(rule))) == str(rule)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("consecutive", "consecutive(50)"),
        (" consecutive ( ) ", "consecutive(50)"),
        ("Consecutive(N=80)", "consecutive(80)"),
        ("buscar(.9)", "buscar(0.9, 0.95)"),
        ("buscar(confidence=0.8,recall=.9)", "buscar(0.9, 0.8)"),
        ("budget(hours=1.5)", "budget(0, 1.5)"),
        ("consecutive OR buscar AND chao", "consecutive or (buscar and chao)"),
        ("(consecutive or buscar) and chao", "(consecutive or buscar) and chao"),
        ("((consecutive))", "consecutive"),
        ("consecutive and buscar and chao", "consecutive and buscar and chao"),
    ],
)
def test_ways_to_write_the_same(text: str, same: str) -> None:
    assert parse(text) == parse(same)


def test_grouping_is_kept() -> None:
    assert str(parse("consecutive and (buscar and chao)")) == (
        "consecutive(50) and (buscar(0.95, 0.95) and chao(0.95))"
    )
    assert [rule.name for rule in leaves(parse("consecutive and (buscar or chao)"))] == [
        "consecutive", "buscar", "chao",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("", 1, "the name of a rule"),
        ("  ", 3, "the name of a rule"),
        ("and", 1, "the name of a rule"),
        ("buscar and", 11, "the name of a rule"),
        ("buscar buscar", 8, "'and', 'or' or the end"),
        ("buscar)", 7, "'and', 'or' or the end"),
        ("(buscar", 8, "')'"),
        ("buscar(0.9", 11, "','"),
        ("buscar(0.9 0.9)", 12, "','"),
        ("buscar(0.9,)", 12, "a number"),
        ("buscar(recall)", 14, "'='"),
        ("buscar(recall=)", 15, "a number"),
        ("buscar(target=1)", 8, "one of recall, confidence"),
        ("buscar(recall=.9, recall=.8)", 19, "one of confidence"),
        ("buscar(0.9, recall=.8)", 13, "one of confidence"),
        ("buscar(recall=.9, .8)", 19, "a named number"),
        ("buscar(.9, .9, .9)", 16, "')': the rule takes recall, confidence"),
        ("buscar & chao", 8, "a rule, a number or a parenthesis"),
        ("buscar(-1)", 8, "a rule, a number or a parenthesis"),
        ("buscar(1e5)", 9, "','"),
        ("__import__('os')", 1, "a rule, a number or a parenthesis"),
        ("(" * 51 + "buscar" + ")" * 51, 51, "at most 50 parentheses"),
    ],
)
def test_a_text_that_cannot_be_read_says_where(text: str, at: int, expected: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(text)
    told = str(raised.value)
    assert f"at character {at}, before" in told
    assert f"expected {expected}" in told


def test_an_unknown_rule_is_named_with_its_place_and_the_closest() -> None:
    told = r"at character 14: unknown stopping rule 'buscr'; did you mean 'buscar'\?"
    with pytest.raises(UnknownNameError, match=told):
        parse("budget(5) or buscr(0.9)")


def test_a_refused_number_is_placed_too() -> None:
    with pytest.raises(InputError, match="at character 14: buscar: recall = 2: give a share"):
        parse("budget(5) or buscar(2)")


@given(st.text(max_size=30))
def test_any_text_is_a_rule_or_an_error_of_ours(text: str) -> None:
    with suppress(InputError, UnknownNameError):  # anything else would be a bug
        assert parse(str(parse(text))) == parse(text)


LONG = Screened(np.array([True] * 30 + [False] * 900), 1000, hours=1.0)


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ("consecutive(50) and budget(5000)", False),
        ("consecutive(50) or budget(5000)", True),
        ("budget(5000) or consecutive(50) and buscar", True),
        ("(budget(5000) or consecutive(50)) and budget(9999)", False),
        ("qbcb or consecutive(50)", True),  # too few controls: it does not say stop, nor does it fail
        ("qbcb and consecutive(50)", False),
    ],
)
def test_and_or(text: str, stop: bool) -> None:
    assert check(parse(text), LONG).stop is stop


def test_claims_are_never_mixed() -> None:
    verdict = check(parse("buscar and (consecutive(50) or verified) and budget(10)"), LONG)
    assert (verdict.claim, verdict.recall, verdict.lower) == ("joined", None, None)
    simple = verdict.all()
    assert [one.claim for one in simple] == ["model-based", "heuristic", "verified", "resource"]
    for one in simple:
        assert f"[{one.claim}] {one.sentence}" in verdict.sentence
    assert not simple[2].stop  # nothing was sampled, whatever the model says
