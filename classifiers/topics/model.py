"""Topics of texts: clusters of their embeddings, class-TF-IDF words, a hierarchy, a map.

The published pipeline (Yang et al. 2026, doi 10.1038/s44401-026-00076-1) embeds title and abstract and
hands the vectors to BERTopic (Grootendorst 2022, arXiv 2203.05794): UMAP, HDBSCAN, class-TF-IDF. Here
the clusters are `classifiers.topics.clusters`, so that they come out the same each time and can be made
again for `classifiers.topics.stability`; words and hierarchy are BERTopic's own, over those clusters.
"""

import html
import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifiers.topics.clusters import (
    Labels,
    Recipe,
    Vectors,
    centres,
    clustered,
    imports,
    need_libraries,
    reduced,
)
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.words import counted

WORDS = 10
"""Words kept of a topic."""

EXAMPLES = 3
"""Documents nearest to a topic's centre that are kept as its examples."""

_VOCABULARY = 50_000
# Words of three letters or more that begin with a letter, in any script; hyphens stay inside.
_TOKEN = r"(?u)\b[^\W\d_][\w-]*\w\w\b"  # noqa: S105


class Word(NamedTuple):
    """A word of a topic and its class-TF-IDF."""

    word: str
    weight: float


class Merge(NamedTuple):
    """One step of the hierarchy: the two nodes that join, at which distance, and their words.

    Nodes below the number of topics are topics; step i makes node (number of topics + i).
    """

    left: int
    right: int
    distance: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Topics of documents, whose rows are sorted by id.

    ``labels``: topic of each row, 0 the largest, -1 none; ``first``: before outliers were taken in;
    ``plane`` (n, 2): the map; ``words`` and ``examples`` (rows) of each topic.
    """

    ids: list[str]
    vectors: Vectors
    labels: Labels
    first: Labels
    plane: NDArray[np.float32]
    words: list[list[Word]]
    examples: list[list[int]]
    hierarchy: list[Merge]
    recipe: Recipe

    @property
    def sizes(self) -> list[int]:
        """Documents of each topic."""
        return [int(n) for n in np.bincount(self.labels[self.labels >= 0], minlength=len(self.words))]


def fit(
    ids: Sequence[str],
    texts: Sequence[str],
    vectors: Vectors,
    recipe: Recipe | None = None,
    progress: Progress = silent,
) -> Fit:
    """Topics of texts with their vectors (n, size), each of length 1; their order does not matter.

    Raises:
        InputError: an id comes twice, or there is too little to cluster.
        MissingExtraError: bertopic, umap-learn or hdbscan is not installed.

    """
    need_libraries()
    if len(set(ids)) < len(ids):
        raise InputError(
            f"topics: {counted(len(ids) - len(set(ids)), 'id comes')} more than once; give each text once"
        )
    order = sorted(range(len(ids)), key=lambda row: ids[row])
    rows = np.ascontiguousarray(vectors[order], dtype=np.float32)
    held = [html.unescape(texts[row]) for row in order]
    settled = (recipe or Recipe()).settled(len(held))
    steps = ("clustering", "words of topics", "map of topics")
    progress(steps[0], 0, 1)
    labels, first = clustered(rows, settled)
    progress(steps[0], 1, 1)
    words, hierarchy = _described(held, rows, labels)
    progress(steps[1], 1, 1)
    plane = reduced(rows, settled, 2, 0.1)
    progress(steps[2], 1, 1)
    return Fit(
        [ids[row] for row in order], rows, labels, first, plane, words,
        _examples(rows, labels), hierarchy, settled,
    )  # fmt: skip


def keyword_name(words: Sequence[str], most: int = 3) -> str:
    """A topic's name out of its words, best first.

    A phrase takes the place of words that it holds, phrases that run into each other are joined up to
    three words, and what else overlaps is passed over.

    >>> keyword_name(["ner", "entity", "entity recognition", "named entity", "entities", "recognition ner"])
    'ner, named entity recognition'
    >>> keyword_name(["rag", "retrieval", "retrieval augmented", "retrieval-augmented generation", "notes"])
    'rag, retrieval-augmented generation, notes'
    """
    chosen: list[str] = []
    for word in words:
        parts = _parts(word)
        shared = [place for place, one in enumerate(chosen) if parts & _parts(one)]
        if not shared:
            chosen += [word] if len(chosen) < most else []
        elif len(shared) == 1 and parts > _parts(chosen[shared[0]]):
            chosen[shared[0]] = word
        elif len(shared) == 1:
            chosen[shared[0]] = _joined(chosen[shared[0]], word)
    return ", ".join(chosen)


def _joined(one: str, other: str) -> str:
    """Two phrases as one if the last word of one begins the other; else the first of them."""
    for left, right in ((one.split(), other.split()), (other.split(), one.split())):
        if len(left) == len(right) == 2 and left[1] == right[0]:
            return " ".join([*left, right[1]])
    return one


def _parts(phrase: str) -> set[str]:
    return {_stem(part) for part in phrase.replace("-", " ").split()}


def _stem(word: str) -> str:
    """Enough to know a plural.

    >>> [_stem(word) for word in ("entities", "notes", "diagnosis", "class")]
    ['entity', 'note', 'diagnosis', 'class']
    """
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "is", "us")) else word


def _examples(vectors: Vectors, labels: Labels) -> list[list[int]]:
    near = np.einsum("ij,ij->i", vectors, centres(vectors, labels)[labels])
    made = []
    for label in range(labels.max() + 1):
        rows = np.flatnonzero(labels == label)
        made.append(rows[np.argsort(-near[rows], kind="stable")[:EXAMPLES]].tolist())
    return made


def _described(texts: list[str], vectors: Vectors, labels: Labels) -> tuple[list[list[Word]], list[Merge]]:
    """Words and hierarchy by BERTopic over clusters that are already there (its manual mode)."""
    model = _bertopic()
    with redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model.fit(texts, embeddings=vectors, y=labels.tolist())
        # It numbers topics anew by size and breaks ties its own way.
        theirs = dict(zip(labels.tolist(), model.topics_, strict=True))
        words = [
            [Word(str(word), float(weight)) for word, weight in model.get_topic(theirs[label]) if word][
                :WORDS
            ]
            for label in range(labels.max() + 1)
        ]
        steps = model.hierarchical_topics(texts) if len(words) > 1 else None
    ours = {topic: label for label, topic in theirs.items() if label >= 0}
    return words, [] if steps is None else _merges(steps, ours)


def _merges(steps: Any, ours: dict[int, int]) -> list[Merge]:
    made = []
    for _, row in steps.iloc[::-1].iterrows():  # they come highest first
        sides = [int(row[f"Child_{side}_ID"]) for side in ("Left", "Right")]
        left, right = sorted(ours.get(node, node) for node in sides)
        words = tuple(word for word in str(row["Parent_Name"]).split("_") if word)
        made.append(Merge(left, right, float(row["Distance"]), words))
    return made


def _bertopic() -> Any:
    with imports():
        from bertopic import BERTopic
        from bertopic.cluster import BaseCluster
        from bertopic.dimensionality import BaseDimensionalityReduction
        from bertopic.vectorizers import ClassTfidfTransformer
    from sklearn.feature_extraction.text import CountVectorizer

    return BERTopic(
        language="multilingual",  # keeps letters other than a to z, and hyphens
        embedding_model=None,
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=BaseCluster(),
        vectorizer_model=CountVectorizer(
            stop_words="english", ngram_range=(1, 2), token_pattern=_TOKEN, max_features=_VOCABULARY
        ),
        ctfidf_model=ClassTfidfTransformer(reduce_frequent_words=True),
    )
