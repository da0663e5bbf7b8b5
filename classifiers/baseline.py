"""The baseline that everything is held against: TF-IDF of words and one logistic regression a label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from classifiers.blend import Crossfit
from classifiers.codebook import Codebook
from classifiers.tagger import Codes, Floats, Texts
from classifiers.thresholds import choose
from corpora.progress import Progress, silent


def out_of_fold(
    texts: Texts,
    codes: Codes,
    folds: NDArray[np.int64],
    columns: Sequence[int],
    progress: Progress = silent,
) -> Floats:
    """Probabilities (n, L) of the chosen columns, each row by a model that did not see its fold.

    Word 1-2-grams in at least two records, sublinear; classes weighted to balance, C = 10.
    """
    joined = texts.joined()
    scores = np.zeros(codes.shape, np.float32)
    count = int(folds.max()) + 1
    for fold in range(count):
        progress("TF-IDF and logistic regression", fold, count)
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        words = TfidfVectorizer(
            ngram_range=(1, 2),
            min_df=2,
            max_features=60_000,
            sublinear_tf=True,
            strip_accents="unicode",
            dtype=np.float32,
        )
        seen = words.fit_transform([joined[row] for row in inside])
        unseen = words.transform([joined[row] for row in outside])
        for column in columns:
            asked = np.flatnonzero(codes[inside, column] >= 0)
            true = codes[inside[asked], column] == 1
            if true.any() and not true.all():
                model = LogisticRegression(C=10.0, class_weight="balanced", solver="liblinear")
                scores[outside, column] = model.fit(seen[asked], true).predict_proba(unseen)[:, 1]
    return scores


def decided(codebook: Codebook, scores: Floats, codes: Codes, folds: NDArray[np.int64]) -> Crossfit:
    """With thresholds of each fold from the others, chosen as everyone else's are."""
    limits = np.zeros_like(scores)
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        limits[outside] = choose(codebook, scores[inside], codes[inside])
    return Crossfit(scores, limits)
