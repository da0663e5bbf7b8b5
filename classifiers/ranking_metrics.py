"""How good a screening order is: pure functions of the labels in the order of screening.

``found`` holds one value a record, true where it was included, first screened first; priors are
not in it. All functions raise `InputError` where nothing was included: no order of such records
is better than another. Formulas are those of asreview-insights unless another source is named.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.words import counted

Found = Sequence[bool] | Sequence[int] | NDArray[np.bool_]

_GUARD = 1e-9
"""Rounding of shares: .95 · 20 is 19 records, not 20."""


def positions(found: Found) -> NDArray[np.int64]:
    """Times to discovery: 1-based places of the included records, ascending.

    >>> positions([0, 1, 1]).tolist()
    [2, 3]

    Raises:
        InputError: nothing included, or a value that is neither 0 nor 1.

    """
    values = np.asarray(found)
    if values.ndim != 1 or not np.isin(values, (0, 1)).all():
        raise InputError(f"labels of shape {values.shape}: one 0 or 1 a record is needed")
    places = np.flatnonzero(values) + 1
    if not len(places):
        raise InputError(
            f"none of {counted(len(values), 'record')} is included: an order of them has no score"
        )
    return places


def work_for_recall(found: Found, recall: float) -> int:
    """Records to screen until ``recall`` (above 0, at most 1) of the included are found.

    >>> work_for_recall([1, 0, 1, 0], 0.5), work_for_recall([1, 0, 1, 0], 0.51)
    (1, 3)
    """
    if not 0 < recall <= 1:
        raise InputError(f"recall {recall}: give a share above 0 and at most 1")
    places = positions(found)
    return int(places[math.ceil(recall * len(places) - _GUARD) - 1])


def wss(found: Found, recall: float = 0.95) -> float:
    """Work saved over sampling, in [recall - 1, recall]: (TN + FN)/N - (1 - recall).

    Cohen et al. 2006, doi 10.1197/jamia.m1929. ``recall=1`` is WSS@100.

    >>> wss([1, 0, 0, 0], 1.0)
    0.75
    """
    return 1 - work_for_recall(found, recall) / len(found) - (1 - recall)


def nwss(found: Found, recall: float = 0.95) -> float:
    """Normalised WSS, in [0, 1]: the share of excluded records that need not be seen.

    Kusa et al. 2023, doi 10.1016/j.iswa.2023.200193: the true negative rate at ``recall``; it can
    be compared between reviews of unlike prevalence. 0 where nothing is excluded: nothing to save.

    >>> nwss([1, 1, 0, 0], 1.0), nwss([0, 0, 1, 1], 1.0)
    (1.0, 0.0)
    """
    work = work_for_recall(found, recall)
    excluded = np.asarray(found) == 0
    return float(excluded[work:].sum() / excluded.sum()) if excluded.any() else 0.0


def recall_at(found: Found, share: float) -> float:
    """Recall, in [0, 1], once ``share`` of the records (rounded down) is screened.

    >>> recall_at([1, 0, 1, 0], 0.5)
    0.5
    """
    places = positions(found)
    return float((places <= _records(found, share)).sum() / len(places))


def erf(found: Found, share: float = 0.1) -> float:
    """Extra relevant found over a random order, in (-1, 1): recall less the share screened.

    >>> erf([1, 0, 0, 0], 0.25), erf([0, 0, 0, 1], 0.25)
    (0.75, -0.25)
    """
    return recall_at(found, share) - _records(found, share) / len(found)


def atd(found: Found) -> float:
    """Average time to discovery, in records: mean place of the included ones.

    Ferdinands et al. 2023, doi 10.1186/s13643-023-02257-7.

    >>> atd([0, 1, 0, 1])
    3.0
    """
    return float(positions(found).mean())


def loss(found: Found) -> float:
    """Normalised loss of the recall curve, in [0, 1]; 0 is perfect, about .5 random.

    (AUC_opt - AUC_actual)/(AUC_opt - AUC_worst) with AUC_opt = N·R - R(R-1)/2 and AUC_worst =
    R(R+1)/2. AUC_actual = R(N+1) less the sum of places, so this is (sum of places - R(R+1)/2) /
    (R(N - R)): one less the area under the ROC curve. 0 where all are included.

    >>> loss([1, 1, 0, 0]), loss([0, 0, 1, 1]), loss([0, 1, 1, 0])
    (0.0, 1.0, 0.5)
    """
    places = positions(found)
    included = len(places)
    worst = included * (len(found) - included)
    return float((places.sum() - included * (included + 1) // 2) / worst) if worst else 0.0


def ndcg(found: Found) -> float:
    """Normalised discounted cumulative gain, in (0, 1], gain 1 and discount log2(place + 1).

    Järvelin & Kekäläinen 2002, doi 10.1145/582415.582418.

    >>> ndcg([1, 1, 0]), round(ndcg([0, 1]), 4)
    (1.0, 0.6309)
    """
    places = positions(found)
    ideal = np.arange(1, len(places) + 1)
    return float((1 / np.log2(places + 1)).sum() / (1 / np.log2(ideal + 1)).sum())


def all_metrics(found: Found) -> dict[str, float]:
    """Every metric of a screening order under its usual name, rounded to five digits."""
    scores = {
        "loss": loss(found),
        "wss@95": wss(found),
        "wss@100": wss(found, 1.0),
        "nwss@95": nwss(found),
        **{f"recall@{share}%": recall_at(found, share / 100) for share in (1, 5, 10, 20)},
        "erf@10%": erf(found),
        "atd": atd(found),
        "ndcg": ndcg(found),
    }
    return {name: round(value, 5) for name, value in scores.items()}


def _records(found: Found, share: float) -> int:
    if not 0 <= share <= 1:
        raise InputError(f"share {share}: give a number from 0 to 1")
    return math.floor(share * len(found) + _GUARD)
