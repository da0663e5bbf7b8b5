"""Labels met by their own words, without PyTorch and without a labelled record."""

import numpy as np
import pytest

from classifiers.codebook import Codebook, Dimension, Label
from classifiers.descriptions import Matching

BOOK = Codebook(
    name="made",
    version="1",
    title="Made",
    dimensions=(
        Dimension(
            id="task",
            title="Task",
            labels=(
                Label(id="summary", title="Summarization", definition="A text is made shorter."),
                Label(id="coding", title="Medical coding", definition="Codes of a medical text."),
                Label(id="none", title="Of the", definition=""),
            ),
        ),
    ),
)


def test_words_of_a_label_speak_for_it() -> None:
    words = Matching(BOOK)
    scores = words.scores(["Summarizing discharge letters", "Medical coding of letters", "", "of the"])
    assert scores.shape == (4, 3)
    assert scores[0, 0] == pytest.approx(0.5), "one word of one in the title, once: a half"
    assert scores[0, 1] == 0
    assert scores[1, 1] > scores[1, 0] == 0
    assert (scores[2:] == 0).all(), "words that say nothing match nothing"


def test_rare_words_and_repeated_ones_count_more_and_texts_stand_alone() -> None:
    words = Matching(BOOK)
    once, twice, other = words.scores(["coding", "coding, coding", "medical"])[:, 1]
    assert once < twice < 2
    rare, common = words.scores(["shorter"])[0, 0], words.scores(["text"])[0, 0]
    assert rare > common > 0, "'text' stands in two definitions"
    alone = words.scores(["medical"])
    assert np.array_equal(alone[0, 1:2], [other]), "a score does not depend on what is tagged beside it"
