"""Bibliographic columns of studies, which older or smaller tables may lack."""

from typing import Any

import pandas as pd

from review.analysis.tidy import labels_of


def cells(studies: pd.DataFrame, name: str) -> list[Any]:
    """A column's values; None for every study where the column is absent.

    >>> cells(pd.DataFrame({"a": [1]}), "b")
    [None]
    """
    return studies[name].tolist() if name in studies else [None] * len(studies)


def lists(studies: pd.DataFrame, name: str) -> list[list[str]]:
    """A column of lists; a study of which nothing is known has an empty one."""
    return [labels_of(cell) or [] for cell in cells(studies, name)]
