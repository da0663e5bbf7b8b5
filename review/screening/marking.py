"""Words to mark in a title or abstract: the protocol's terms, and what the model goes by."""

import re
from collections.abc import Iterable
from typing import Any

from review.protocol import Terms
from review.screening.texts import Shown

Mark = tuple[int, int, str, str]
"""Start and end in characters, field, and kind: include, exclude or model."""


def marks(shown: Shown, terms: Terms, model: Iterable[str] = ()) -> list[Mark]:
    """Every place of every term, whole words in any case; a term may end in ``*``.

    Where marks overlap, the earlier and longer one stays.
    """
    wanted = [(word, "include") for word in terms.include]
    wanted += [(word, "exclude") for word in terms.exclude]
    wanted += [(word, "model") for word in model]
    found = [
        (hit.start(), hit.end(), field, kind)
        for field in ("title", "abstract")
        for word, kind in wanted
        for hit in re.finditer(_pattern(word), shown.fields[field] or "", re.IGNORECASE)
    ]
    kept: list[Mark] = []
    for mark in sorted(found, key=lambda mark: (mark[2], mark[0], -mark[1])):
        if not kept or kept[-1][2] != mark[2] or mark[0] >= kept[-1][1]:
            kept.append(mark)
    return kept


def model_terms(model: Any, shown: Shown) -> list[str]:
    """Terms of this text that speak most for inclusion, strongest first; none without a model."""
    from classifiers.features import Document

    if model is None:
        return []
    document = Document(shown.fields["title"] or "", shown.fields["abstract"] or "")
    return [term for term, weight in model.reasons(document) if weight > 0]


def _pattern(word: str) -> str:
    words = r"\s+".join(re.escape(part) for part in word.rstrip("*").split())
    return rf"\b{words}" + ("" if word.endswith("*") else r"\b")
