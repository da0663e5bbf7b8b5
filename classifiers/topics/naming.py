"""Which topic of a new fit is which of an earlier one.

A topic keeps its id (T1, T2, …) as long as it and its successor have more than half of their documents
in common (Jaccard over the documents of both fits): only one topic can have that, so nothing needs to
be settled by order. A topic without a predecessor gets a number that no fit before it had; a number is
never given twice, so what people wrote about T7 is never read as being about another topic.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

SAME = 0.5


class Successor(NamedTuple):
    """A topic's id, and its Jaccard with the earlier topic of that id; 0 if it is new."""

    id: str
    jaccard: float


def named(
    topics: Sequence[set[str]], earlier: Mapping[str, set[str]], known: Sequence[str] = ()
) -> list[Successor]:
    """Ids for topics (sets of documents), largest first, by what the ``earlier`` fit called its own.

    ``known``: every id that was ever given.

    >>> named([{"a", "b", "c"}, {"d"}], {"T1": {"d", "x"}, "T2": {"a", "b"}}, ["T1", "T2", "T3"])
    [Successor(id='T2', jaccard=1.0), Successor(id='T1', jaccard=1.0)]
    >>> named([{"a"}, {"b"}], {})
    [Successor(id='T1', jaccard=0.0), Successor(id='T2', jaccard=0.0)]
    """
    old = set().union(*earlier.values())
    new = set().union(*topics)
    number = max((int(one[1:]) for one in (*known, *earlier)), default=0)
    made = []
    for topic in topics:
        match = _best(topic & old, {name: held & new for name, held in earlier.items()})
        if match is None:
            number += 1
        made.append(match or Successor(f"T{number}", 0.0))
    return made


def _best(topic: set[str], earlier: Mapping[str, set[str]]) -> Successor | None:
    for name, held in earlier.items():
        shared = len(topic & held)
        if shared and shared / len(topic | held) > SAME:
            return Successor(name, shared / len(topic | held))
    return None
