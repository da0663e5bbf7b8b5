"""Audits: a stratified random sample of studies that people code with the tagger's word hidden.

Drawn once from exactly the studies that shares are about, kept in the ledger with every study's
stratum and inclusion probability. Strata are year band × predicted method family, at least
`LEAST` of each; studies that a tagger learnt from, the weights that ship included, are a stratum of
their own. What came later is covered by another audit, of the new studies alone (method rules,
section 8).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.run import now
from corpora.words import by_number, counted
from review import linking
from review.analysis.estimators import Estimand
from review.analysis.tidy import Audit, family_group
from review.facts import Facts, shown
from review.labelling import answers, silver, taught
from review.labelling.taught import TRAINING
from review.screening import blocks
from review.workspace import Workspace

STAGE = "labels"
KIND = "audit"
LEAST = 5
_MOST_BANDS = 5
_A_BAND = 60
"""Audited studies for each year band: fewer would leave strata with their least only."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An audit as it was drawn; ``strata`` gives every study of its population a stratum."""

    name: str
    at: str
    studies: tuple[str, ...]
    strata: Mapping[str, str]
    probabilities: Mapping[str, float]
    people: int
    dimensions: tuple[str, ...] | None
    estimand: Estimand

    def lines(self) -> list[str]:
        """For a person: what was drawn from which strata."""
        told = [
            f"{self.name}: {len(self.studies):,} of {counted(len(self.strata), 'study')}, to be coded by "
            f"{self.people} each, with the tagger's word hidden: review annotate"
        ]
        sizes = pd.Series(self.strata).value_counts(sort=False)
        chosen = pd.Series([self.strata[one] for one in self.studies]).value_counts()
        width = max(len(name) for name in sizes.index)
        told += [
            f"  {name:<{width}}  {chosen[name]:>5,} of {sizes[name]:>6,}" for name in sorted(sizes.index)
        ]
        return told


def audits(workspace: Workspace) -> list[Drawn]:
    """All audits, oldest first."""
    made = []
    for row in workspace.ledger.rows("blocks"):
        if (row["stage"], row["kind"]) != (STAGE, KIND):
            continue
        held = json.loads(row["parameters"])
        strata = {one: name for name, ids in held["population"].items() for one in ids}
        dimensions = None if held["dimensions"] is None else tuple(held["dimensions"])
        made.append(
            Drawn(
                row["name"].rpartition("/")[2], row["at"], tuple(json.loads(row["records"])), strata,
                held["probabilities"], held["people"], dimensions, held["estimand"],
            )
        )  # fmt: skip
    return made


def find(workspace: Workspace, name: str) -> Drawn:
    """An audit by its name.

    Raises:
        InputError: there is none of that name.

    """
    held = {one.name: one for one in audits(workspace)}
    if name not in held:
        known = ", ".join(held) or "none yet (review audit --n 300)"
        raise InputError(f"audit {name!r}: audits are {known}")
    return held[name]


# ------------------------------------------------------------------ drawing


def draw(
    workspace: Workspace,
    held: Facts,
    size: int,
    person: str,
    *,
    people: int = 1,
    dimensions: Sequence[str] | None = None,
    estimand: Estimand = "corpus",
) -> Drawn:
    """Draw an audit of ``size`` studies from those that no audit covers yet, and keep it.

    Raises:
        InputError: every study is covered already, the size is too small for the strata, or it
            cannot be told which studies a tagger learnt from.

    """
    answers.questions(held.codebook, dimensions)
    strata = uncovered(workspace, held, size)
    counts = strata.value_counts(sort=False).sort_index()
    shares = allocated(np.array(counts.tolist(), dtype=np.int64), size)
    number = len(audits(workspace)) + 1
    name, seed = f"{KIND}-{number}", workspace.protocol.seed
    chances: dict[str, float] = {}
    for (stratum, _), count in zip(counts.items(), shares.tolist(), strict=True):
        ids = sorted(strata.index[strata == stratum])
        chances |= blocks.draw_simple(ids, count, seed, purpose=f"{name}/{stratum}").probabilities
    order = blocks.draw_simple(sorted(chances), len(chances), seed, purpose=f"{name}/order").ids
    parameters = {
        "seed": seed, "of": len(strata), "size": size, "people": people, "estimand": estimand,
        "dimensions": list(dimensions) if dimensions is not None else None, "probabilities": chances,
        "population": {str(one): sorted(strata.index[strata == one]) for one in counts.index},
        "taggers": held.labels, "codebook_hash": held.codebook.hash, "snapshot": held.snapshot,
    }  # fmt: skip
    frozen = workspace.frozen()
    workspace.ledger.append("blocks", {
        "name": f"{STAGE}/{name}", "stage": STAGE, "kind": KIND, "records": json.dumps(list(order)),
        "parameters": json.dumps(parameters, sort_keys=True), "person": person, "at": now(),
        "protocol_version": frozen["version"] if frozen else None,
    })  # fmt: skip
    return find(workspace, name)


def uncovered(workspace: Workspace, held: Facts, size: int) -> pd.Series:
    """Study id → stratum, of the studies that shares are about and no audit covers.

    Raises:
        InputError: there are none, or nothing is tagged.

    """
    if not held.labels:
        raise InputError(f"{workspace.root}: nothing is tagged yet; run: review tag")
    covered = {one for audit in audits(workspace) for one in audit.strata}
    studies, named = shown(held.studies)
    fresh = studies[~studies["study_id"].isin(covered)]
    if fresh.empty:
        raise InputError(
            f"{workspace.root}: all {named} are covered by an audit already; an audit is drawn once "
            "and never topped up. Studies that come later can be audited when they are there"
        )
    return stratified(fresh, taught.studies(workspace), size)


def stratified(studies: pd.DataFrame, learnt_from: frozenset[str], size: int) -> pd.Series:
    """Study id → ``years | family``; bands hold about the same number of studies each.

    >>> frame = pd.DataFrame({"study_id": ["a", "b", "c"], "year": [2019, 2024, None],
    ...                       "family": [["generative_llm"], [], None]})
    >>> stratified(frame, frozenset({"b"}), 60).tolist()
    ['2019 | Generative LLM only', 'learnt from', 'no year | not tagged']
    """
    ids = pd.Index(studies["study_id"])
    years = np.asarray(studies["year"].astype("Float64").to_numpy(na_value=np.nan), dtype=np.float64)
    cells = studies["family"] if "family" in studies else [()] * len(studies)
    families = [family_group(cell) or "not tagged" for cell in cells]
    own = ids.isin(list(learnt_from))
    bands = _bands(years, ~own, max(1, min(_MOST_BANDS, size // _A_BAND)))
    made = [
        TRAINING if mine else f"{band} | {family}"
        for mine, band, family in zip(own.tolist(), bands, families, strict=True)
    ]
    return pd.Series(made, index=ids)


def _bands(years: NDArray[np.float64], counted: NDArray[np.bool_], wanted: int) -> list[str]:
    """The name of each study's band: ``2015-2018``, ``2019``, or ``no year``."""
    dated = years[counted & ~np.isnan(years)]
    if not len(dated):
        return ["no year" if np.isnan(year) else "any year" for year in years]
    cuts = np.unique(np.quantile(dated, np.linspace(0, 1, wanted + 1)[1:-1], method="higher"))
    place = np.searchsorted(cuts, years, side="right")
    names: dict[int, str] = {}
    for number in np.unique(place[counted & ~np.isnan(years)]).tolist():
        inside = years[(place == number) & counted & ~np.isnan(years)]
        low, high = int(inside.min()), int(inside.max())
        names[number] = f"{low}" if low == high else f"{low}-{high}"
    return [
        "no year" if np.isnan(y) else names.get(p, "") for y, p in zip(years, place.tolist(), strict=True)
    ]


def allocated(sizes: NDArray[np.int64], size: int, least: int = LEAST) -> NDArray[np.int64]:
    """How many of each stratum: by its size, but at least ``least``, or all it has.

    >>> allocated(np.array([900, 90, 10, 3]), 50).tolist()
    [37, 5, 5, 3]

    Raises:
        InputError: more than there are, or too few for the strata.

    """
    low = np.minimum(sizes, least)
    if not low.sum() <= size <= sizes.sum():
        raise InputError(
            f"audit of {size:,}: {len(sizes)} strata with {least} each at least need {low.sum():,}, and "
            f"there are {counted(sizes.sum(), 'study')}; see: review audit --plan"
        )
    made = low.copy()
    # One at a time to the stratum that is furthest behind its share; ties by its place.
    for _ in range(size - int(low.sum())):
        behind = np.where(made < sizes, sizes / (made + 0.5), -1.0)
        made[int(behind.argmax())] += 1
    return made


# ------------------------------------------------------------------ how they stand


def standing(workspace: Workspace, held: Facts) -> tuple[Audit | None, str]:
    """All finished audits as one, and how auditing stands in words.

    An audit is finished when every report of every drawn study is settled; a report that joined an
    audited study since is to be coded too.
    """
    drawn = audits(workspace)
    if not drawn and workspace.protocol.labels.silver:
        return silver.standing(workspace, held)
    if not drawn:
        return None, "no audit was drawn (review audit --plan)"
    told, parts = [], []
    for audit in drawn:
        truth, missing = truths(workspace, held, audit)
        if missing:
            done = len(audit.studies) - missing
            told.append(f"{audit.name} is under way: {done:,} of {len(audit.studies):,} studies are coded")
        else:
            parts.append((audit, truth))
    if not parts:
        return None, "; ".join(told)
    if spoilt := taught.spoilt(workspace):
        return None, (
            f"a tagger has since learnt from {len(spoilt):,} audited studies (first: {spoilt[0]}); take them "
            "out of the training labels and train again"
        )
    several = len(parts) > 1
    strata = {
        one: f"{audit.name}: {name}" if several else name
        for audit, _ in parts
        for one, name in audit.strata.items()
    }
    truth = pd.concat([part for _, part in parts], join="inner")
    names = ", ".join(audit.name for audit, _ in parts)
    finished = Audit(names, parts[-1][0].at, pd.Series(strata), truth, parts[0][0].estimand)
    told.append(f"{names}: {len(truth):,} of {counted(len(strata), 'study')} coded by people")
    apart = sum(name.endswith(TRAINING) for name in strata.values())
    if apart:
        told.append(
            f"{counted(apart, 'study')} that a tagger learnt from {by_number(apart, 'was', 'were')} "
            "audited apart, with its own word on them (not "
            "cross-fitted: it errs less there than elsewhere, which the other strata do not inherit)"
        )
    return finished, "; ".join(told)


def truths(workspace: Workspace, held: Facts, audit: Drawn) -> tuple[pd.DataFrame, int]:
    """People's labels of the drawn studies (index: study id), and how many are not settled yet.

    A study that is no more (joined to another, withdrawn) keeps a row without labels: it counts
    in its stratum and in no share.
    """
    asked = answers.questions(held.codebook, audit.dimensions)
    reports = linking.clusters(workspace).reports
    coded = answers.coded(workspace, reports, audit.name)
    present = held.studies.set_index("study_id")["report_ids"]
    rows: dict[str, dict[str, list[str]] | None] = {}
    missing = 0
    for study in audit.studies:
        parts = []
        for report in present.get(study, ()):
            one = coded.get(report)
            settled = one.settled(held.codebook, asked, audit.people) if one else None
            if settled is None:
                missing += 1
                break
            parts.append(settled)
        rows[study] = answers.union(held.codebook, parts, asked) if parts else None
    columns = list(answers.union(held.codebook, [], asked))
    empty: dict[str, Any] = dict.fromkeys(columns)
    truth = pd.DataFrame([row or empty for row in rows.values()], index=pd.Index(rows), columns=columns)
    return truth.astype(object).where(truth.notna(), None), missing


def signature(workspace: Workspace) -> str | None:
    """Names what the finished audits say; None while there are none. Figures that show shares read it."""
    if not audits(workspace) and not workspace.protocol.labels.silver:
        return None
    from review.facts import facts

    audit, _ = standing(workspace, facts(workspace))
    if audit is None:
        return None
    said = [audit.name, sorted(audit.strata.items()), audit.truth.sort_index().to_json()]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
