"""Marks of terms: every place, whole words, never one over another, and never a changed text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from review.protocol import Terms
from review.screening.marking import SIGNS, marks, model_terms, signed
from review.screening.texts import Shown

WORDS = ("statin", "statins", "sepsis", "mice", "growth", "mixture", "a", "C++", "(LGMM)", "trial")
JOINTS = (" ", "-", "\n", ", ", ". ", "", "é", "–", "  ")

texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(JOINTS)), max_size=30).map(
    lambda parts: "".join(word.upper() if len(joint) > 1 else word + joint for word, joint in parts)
)
plain_terms = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
any_terms = plain_terms | st.sampled_from(
    ("*", "**", " ", "-", "stat*", "*s", "s*s*", "growth-mixture", "[", "\\")
)
lists = st.lists(any_terms, max_size=4).map(tuple)


def shown(title: str, abstract: str | None) -> Shown:
    return Shown("R1", "R1", ("R1",), {"title": title, "abstract": abstract})


@given(texts, texts | st.none(), lists, lists, lists)
def test_marks_lie_inside_the_text_apart_and_in_order(
    title: str,
    abstract: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    model: tuple[str, ...],
) -> None:
    found = marks(shown(title, abstract), Terms(include=include, exclude=exclude), model)
    for field, text in (("title", title), ("abstract", abstract or "")):
        here = [mark for mark in found if mark[2] == field]
        edges = [edge for start, end, _, _ in here for edge in (start, end)]
        assert edges == sorted(edges)
        assert all(0 <= start < end <= len(text) for start, end, _, _ in here)
    assert {kind for *_, kind in found} <= set(SIGNS)


@given(texts, lists, lists, lists)
def test_a_text_without_its_signs_is_the_text(
    text: str, include: tuple[str, ...], exclude: tuple[str, ...], model: tuple[str, ...]
) -> None:
    found = marks(shown(text, None), Terms(include=include, exclude=exclude), model)
    made = signed(text, "title", found)
    assert re.sub(r"[*~_]", "", made) == text
    assert len(made) == len(text) + 2 * len(found)
    for start, end, _, kind in found:
        before, after = SIGNS[kind]
        assert f"{before}{text[start:end]}{after}" in made


@given(texts, st.sampled_from([word for word in WORDS if word.isalpha()]))
def test_every_whole_word_is_marked_and_no_part_of_another(text: str, term: str) -> None:
    found = marks(shown(text, None), Terms(include=(term,)))
    words = [hit for hit in re.finditer(r"\w+", text) if hit[0].lower() == term]
    assert [(start, end) for start, end, _, _ in found] == [hit.span() for hit in words]


@given(texts, plain_terms)
def test_what_is_marked_is_the_term(text: str, term: str) -> None:
    def level(words: str) -> list[str]:
        return re.split(r"[\s–-]+", words.lower())

    for start, end, _, _ in marks(shown(text, None), Terms(exclude=(term,))):
        assert level(text[start:end]) == level(term)


@given(texts, lists, lists, lists)
def test_the_models_words_take_no_mark_of_the_protocol_away(
    text: str, include: tuple[str, ...], exclude: tuple[str, ...], model: tuple[str, ...]
) -> None:
    terms = Terms(include=include, exclude=exclude)
    without, asked = marks(shown(text, None), terms), marks(shown(text, None), terms, model)
    assert [mark for mark in asked if mark[3] != "model"] == without


def test_terms_with_stars_signs_and_several_words() -> None:
    def found(text: str, *include: str) -> list[str]:
        return [text[start:end] for start, end, _, _ in marks(shown(text, None), Terms(include=include))]

    assert found("Trajectories of a trajectory", "trajector*") == ["Trajectories", "trajectory"]
    assert found("behavior, behaviour", "behavio*r") == ["behavior", "behaviour"]
    assert found("growth-mixture, growth\nmixture, growthmixture", "growth mixture") == [
        "growth-mixture",
        "growth\nmixture",
    ]
    assert found("In C++ (LGMM) or C", "C++", "(LGMM)") == ["C++", "(LGMM)"]
    assert found("statins and antistatins", "statin") == []
    assert found("anything", "*", "-") == []


def test_the_longer_term_wins_where_two_begin_together() -> None:
    terms = Terms(include=("latent class",), exclude=("latent", "class analysis"))
    text = "latent class analysis; latent profile"
    told = [(text[start:end], kind) for start, end, _, kind in marks(shown(text, None), terms)]
    assert told == [("latent class", "include"), ("latent", "exclude")]


def test_no_model_gives_no_reasons() -> None:
    assert model_terms(None, shown("Statins", None)) == []
