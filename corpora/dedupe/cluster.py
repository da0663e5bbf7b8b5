"""From links to reports and studies: derived each time, never stored, whatever the order.

A report is a connected set of ``same_report`` matches, a study of reports joined by
``same_study`` matches. What a person said beats the machine: a `not` beats any chain, so a
cluster is cut at its weakest links until no `not` pair is inside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

_CERTAIN = 2.0
"""Score of a person's match: stronger than any the machine can give."""

_Link = tuple[float, str, str]


@dataclass(frozen=True, slots=True)
class Clusters:
    """``reports`` and ``studies``: record id → the smallest record id in its cluster."""

    reports: dict[str, str]
    studies: dict[str, str]
    unknown: int = 0
    """Links that name a record that is not among the ids."""


def cluster(ids: Sequence[str], links: pa.Table, people: pa.Table) -> Clusters:
    """Reports and studies of all ids.

    Args:
        ids: every record id.
        links: the machine's, of schema `corpora.schema.LINKS`.
        people: left_id, right_id, kind, verdict; later rows beat earlier ones of a pair.

    """
    known = set(ids)
    said: dict[tuple[str, str, str], str] = {}
    for row in people.to_pylist():
        pair = sorted((row["left_id"], row["right_id"]))
        said[row["kind"], pair[0], pair[1]] = row["verdict"]
    machine = links.select(["kind", "left_id", "right_id", "verdict", "score"]).to_pylist()
    unknown = sum(not {row["left_id"], row["right_id"]} <= known for row in machine)
    reports = _joined(ids, *_links("same_report", machine, said, known))
    matches, vetoes = _links("same_study", machine, said, known)
    lifted = [(score, reports[left], reports[right]) for score, left, right in matches]
    apart = [(reports[left], reports[right]) for left, right in vetoes]
    of_report = _joined(sorted(set(reports.values())), lifted, apart)
    return Clusters(reports, {one: of_report[reports[one]] for one in ids}, unknown)


def _links(
    kind: str,
    machine: Iterable[dict[str, object]],
    said: dict[tuple[str, str, str], str],
    known: set[str],
) -> tuple[list[_Link], list[tuple[str, str]]]:
    """Matches that count, and the pairs that a person says are apart."""
    found: dict[tuple[str, str], float] = {}
    for row in machine:
        left, right = sorted((str(row["left_id"]), str(row["right_id"])))
        if row["kind"] == kind and row["verdict"] == "match" and {left, right} <= known:
            score = float(row["score"])  # type: ignore[arg-type]
            found[left, right] = max(score, found.get((left, right), 0.0))
    vetoes = []
    for (of, left, right), verdict in said.items():
        if of != kind or not {left, right} <= known:
            continue
        found.pop((left, right), None)
        if verdict == "match":
            found[left, right] = _CERTAIN
        elif verdict == "not":
            vetoes.append((left, right))
    return [(score, left, right) for (left, right), score in found.items()], sorted(vetoes)


def _joined(ids: Sequence[str], matches: list[_Link], vetoes: list[tuple[str, str]]) -> dict[str, str]:
    """Union by links from the strongest to the weakest; one that would join a vetoed pair is cut.

    Taking the strongest first is what makes the cut fall on the weakest link of every chain; ties
    are settled by the ids, so the order of rows never matters.
    """
    parent = {one: one for one in ids}
    foes: dict[str, set[str]] = {}
    for left, right in vetoes:
        foes.setdefault(left, set()).add(right)
        foes.setdefault(right, set()).add(left)

    def root(one: str) -> str:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for _, left, right in sorted(matches, key=lambda link: (-link[0], link[1], link[2])):
        one, two = sorted((root(left), root(right)))
        if one == two or any(root(foe) == two for foe in foes.get(one, ())):
            continue
        parent[two] = one
        if two in foes:
            foes.setdefault(one, set()).update(foes[two])
    return {one: root(one) for one in ids}
