"""Shares corrected to silver coding: for the shipped examples, and never called an audit.

An audit is people's (method rules, section 8). The examples that ship have codes that a language model
gave by the codebook instead. The protocol names them: ``training``, what a tagger learnt from, every
study of it coded; and ``silver``, codes of a simple random sample of all other studies, which no tagger
learnt from (or of every study, then it does not matter what learnt from them). Shares are corrected by
the same formulas with these two strata, and wherever they stand it is said that what they were corrected
to is a language model's word.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from classifiers.labels import Labelled, read_labels
from corpora.errors import InputError
from corpora.words import by_number, counted
from review.analysis.tidy import Audit
from review.facts import Facts, shown
from review.labelling import taught, training
from review.labelling.answers import Answer, questions, union
from review.workspace import Workspace

_REST = "not learnt from"

_last: dict[tuple[str, ...], tuple[Audit | None, str]] = {}
"""The newest answer by all that it was read from: every figure of a run asks the same."""


def standing(workspace: Workspace, held: Facts) -> tuple[Audit | None, str]:
    """The silver codes as what shares are corrected to, and how that stands in words.

    Raises:
        InputError: the file cannot be read, or a study that a tagger learnt from is not coded.

    """
    given, taught_by = _source(workspace), training.source(workspace) if _teaches(workspace) else None
    hashes = [one.hash() if one else "" for one in (given, taught_by)]
    key = (str(workspace.root), held.snapshot, workspace.protocol.labels.model_dump_json(), *hashes)
    if key not in _last:
        found = _standing(workspace, held, given, taught_by)
        _last.clear()
        _last[key] = found
    return _last[key]


def _standing(
    workspace: Workspace, held: Facts, given: training.Source, taught_by: training.Source | None
) -> tuple[Audit | None, str]:
    studies, _ = shown(held.studies)
    codebook = load_codebook(workspace.protocol.labels.codebook)
    sample = _coded(workspace, given, codebook)
    learnt = _coded(workspace, taught_by, codebook) if taught_by else {}
    here = set(studies["study_id"])
    coded = {one: row for one, row in (learnt | sample).items() if one in here}
    known = taught.studies(workspace) & here
    bare = sorted(known - set(coded))
    if bare:
        raise InputError(
            f"{given.labels}: {counted(len(bare), 'study')} that a tagger learnt from "
            f"{by_number(len(bare), 'is', 'are')} not coded (first: {bare[0]}); its errors on them "
            "are no measure of those elsewhere: code all of them, or use another tagger"
        )
    strata = pd.Series(
        [taught.TRAINING if one in known else _REST for one in studies["study_id"]],
        index=pd.Index(studies["study_id"]),
    )
    if not coded:
        return None, f"no study of {given.labels.name} is here"
    truth = pd.DataFrame(list(coded.values()), index=pd.Index(list(coded))).astype(object)
    of = counted(len(strata), "study")
    told = f"not audited by people; corrected to silver coding of {len(truth):,} of {of}"
    return Audit("silver coding", "", strata, truth, silver=True), told


def _teaches(workspace: Workspace) -> bool:
    """Whether a tagger in use learnt from the protocol's training labels."""
    labels = workspace.protocol.labels
    return labels.training is not None and any(
        workspace.latest("models", tagger=name) for name in labels.taggers()
    )


def _source(workspace: Workspace) -> training.Source:
    labels = workspace.protocol.labels
    records = workspace.root / labels.training_records if labels.training_records else None
    return training.Source(workspace.root / str(labels.silver), records, labels.key)


def _coded(
    workspace: Workspace, given: training.Source, codebook: Codebook
) -> dict[str, dict[str, list[str]]]:
    """Study → dimension → label ids, the union over its coded records."""
    found = read_labels(given.labels, codebook, given.key)
    asked = questions(codebook)
    parts: dict[str, list[dict[str, Answer]]] = {}
    for row, study in taught.placed(workspace, found, given).items():
        parts.setdefault(study, []).append(_answers(found, row, codebook))
    absent = [
        one.id for one in codebook.dimensions if not (found.codes[:, codebook.columns(one.id)] >= 0).any()
    ]
    absent += [rollup.id for rollup in codebook.rollups if rollup.of in absent]
    unions = {study: union(codebook, given_, asked) for study, given_ in parts.items()}
    return {s: {name: ids for name, ids in row.items() if name not in absent} for s, row in unions.items()}


def _answers(found: Labelled, row: int, codebook: Codebook) -> dict[str, Answer]:
    names = np.asarray(codebook.label_ids(), dtype=object)[found.codes[row] == 1]
    made: dict[str, Answer] = {}
    for name in names:
        dimension, _, label = str(name).partition(".")
        before = made.get(dimension, Answer())
        made[dimension] = replace(before, labels=before.labels | {label})
    return made
