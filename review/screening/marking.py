"""Words to mark in a title or abstract: the protocol's terms, and what the model goes by."""

import re
from collections.abc import Iterable
from typing import Any

from review.protocol import Terms
from review.screening.texts import Shown

Mark = tuple[int, int, str, str]
"""Start and end in characters, field, and kind: include, exclude or model."""

FIELDS = ("title", "abstract")

SIGNS = {"include": ("*", "*"), "exclude": ("~", "~"), "model": ("_", "_")}
"""What stands around a marked word where there are no colours."""

_GAP = r"[\s\-\u2010-\u2013]+"
"""Between the words of a term: a text may write "growth mixture" with a hyphen or across lines."""


def marks(shown: Shown, terms: Terms, model: Iterable[str] = ()) -> list[Mark]:
    """Every place of every term, whole words in any case; ``*`` stands for any further letters.

    Where marks overlap, the earlier stays; of those that start together, the longer; of those that
    are the same words, the protocol's before the model's.
    """
    wanted = [(word, "include") for word in terms.include]
    wanted += [(word, "exclude") for word in terms.exclude]
    wanted += [(word, "model") for word in model]
    patterns = [(_pattern(word), kind) for word, kind in wanted if word.strip(" *\t\n")]
    found = [
        (hit.start(), hit.end(), field, kind)
        for field in FIELDS
        for pattern, kind in patterns
        for hit in re.finditer(pattern, shown.fields[field] or "", re.IGNORECASE)
    ]
    kept: list[Mark] = []
    for mark in sorted(found, key=lambda mark: (mark[2], mark[0], -mark[1])):
        if not kept or kept[-1][2] != mark[2] or mark[0] >= kept[-1][1]:
            kept.append(mark)
    return kept


def signed(text: str, field: str, marks: Iterable[Mark]) -> str:
    """A field's text with `SIGNS` around its marks; these must not overlap.

    >>> signed("Statins in mice", "title", [(0, 7, "title", "include"), (11, 15, "title", "exclude")])
    '*Statins* in ~mice~'
    """
    made, last = [], 0
    for start, end, name, kind in marks:
        if name == field:
            before, after = SIGNS[kind]
            made += [text[last:start], before, text[start:end], after]
            last = end
    return "".join([*made, text[last:]])


def model_terms(model: Any, shown: Shown) -> list[str]:
    """Terms of this text that speak most for inclusion, strongest first; none without a model."""
    from classifiers.features import Document

    if model is None:
        return []
    document = Document(shown.fields["title"] or "", shown.fields["abstract"] or "")
    return [term for term, weight in model.reasons(document) if weight > 0]


def _pattern(word: str) -> str:
    r"""A term as a regular expression: \b would fail beside "(LGMM)" or "C++"."""
    parts = [re.escape(part).replace(r"\*", r"\w*") for part in word.split()]
    return rf"(?<!\w){_GAP.join(parts)}(?!\w)"
