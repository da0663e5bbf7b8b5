"""Which keywords occur together."""

from collections import Counter
from itertools import combinations
from typing import Any

import networkx
import pandas as pd

from corpora.words import counted
from review.analysis import columns
from review.analysis.tidy import Context, Tidy

# Species, sex, age groups and times, which MEDLINE's indexers consider for every article:
# https://www.nlm.nih.gov/bsd/disted/meshtutorial/principlesofmedlinesubjectindexing/principles/03.html
_CHECK_TAGS = frozenset({
    "humans", "animals", "male", "female", "pregnancy", "infant", "infant, newborn", "child",
    "child, preschool", "adolescent", "young adult", "adult", "middle aged", "aged", "aged, 80 and over",
    "mice", "rats", "cats", "cattle", "chick embryo", "cricetinae", "dogs", "guinea pigs", "rabbits", "swine",
    "history, 19th century", "history, 20th century", "history, 21st century",
})  # fmt: skip
FEWEST = 2
"""Studies with both keywords below which a pair is taken as chance and left out."""


def keyword_network(studies: pd.DataFrame, context: Context, top: int = 40) -> Tidy:
    """The most frequent keywords and their pairs: columns keyword, partner, n, strength, group.

    A keyword's own row names it as its partner and says its ``group``: communities found by greedy
    modularity over the pairs' strengths (Clauset, Newman & Moore 2004, doi 10.1103/PhysRevE.70.066111).
    ``strength`` of a pair is the association strength, n·N / (n_a·n_b): how many times as often the
    two occur together as if they were independent (van Eck & Waltman 2009, doi 10.1002/asi.21075).
    """
    own = columns.lists(studies, "keywords")
    mesh = columns.lists(studies, "mesh")
    named = [{*one, *other} - _CHECK_TAGS for one, other in zip(own, mesh, strict=True)]
    named = [words for words in named if words]
    counts = Counter(word for words in named for word in words)
    order = sorted(counts, key=lambda word: (-counts[word], word))
    shown = order[:top]
    pairs = Counter(
        pair for words in named for pair in combinations([word for word in shown if word in words], 2)
    )
    kept = {pair: n for pair, n in sorted(pairs.items()) if n >= FEWEST}
    strength = {(a, b): n * len(named) / (counts[a] * counts[b]) for (a, b), n in kept.items()}
    groups = _groups(shown, strength)
    rows: list[tuple[Any, ...]] = [(word, word, counts[word], None, groups[word]) for word in shown]
    rows += [(a, b, n, round(strength[a, b], 4), None) for (a, b), n in kept.items()]
    frame = pd.DataFrame(rows, columns=["keyword", "partner", "n", "strength", "group"])
    notes = [
        f"{len(named):,} of {len(studies):,} studies have a keyword: {sum(map(bool, own)):,} of authors or "
        f"indexers, {sum(map(bool, mesh)):,} MeSH descriptors (some both); spellings are not merged.",
        "MEDLINE's check tags (humans, female, adult …) are left out.",
        f"Pairs in fewer than {FEWEST} studies are left out.",
    ]
    if len(order) > top:
        notes.append(f"{counted(len(order) - top, 'rarer keyword is')} not shown.")
    return Tidy(
        frame.astype({"n": int, "strength": float, "group": "Int64"}),
        unit="studies",
        denominator="studies with a keyword",
        population=context.population,
        notes=tuple(notes),
        simulated=context.simulated,
        instead="no record has keywords or MeSH descriptors; PubMed and OpenAlex bring them, and RIS or CSV "
        "files of Scopus and Web of Science with their keywords.",
    )


def _groups(words: list[str], strength: dict[tuple[str, str], float]) -> dict[str, int]:
    """Word → number of its group, the largest 1; a word without a pair is a group of its own."""
    graph = networkx.Graph()
    graph.add_nodes_from(words)
    graph.add_weighted_edges_from((a, b, weight) for (a, b), weight in strength.items())
    if not strength:
        return {word: place for place, word in enumerate(words, 1)}
    found = networkx.algorithms.community.greedy_modularity_communities(graph, weight="weight")
    ordered = sorted(found, key=lambda group: (-len(group), min(words.index(word) for word in group)))
    return {word: place for place, group in enumerate(ordered, 1) for word in group}
