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
"""Between the words of a term: "growth mixture" also marks "growth-mixture", in one line or two."""


def marks(shown: Shown, terms: Terms, model: Iterable[str] = ()) -> list[Mark]:
    """Every place of every term, whole words in any case; ``*`` stands for any further letters.

    Where marks overlap, the earlier stays, and of those that start together the longer. The model's
    words take only what the protocol's leave: asking for them hides no mark.
    """
    kept: list[Mark] = []
    own = ((word, kind) for kind in ("include", "exclude") for word in getattr(terms, kind))
    for group in (own, ((word, "model") for word in model)):
        for mark in sorted(_found(shown, group), key=lambda mark: (mark[2], mark[0], -mark[1])):
            if not any(mark[2] == one[2] and mark[0] < one[1] and one[0] < mark[1] for one in kept):
                kept.append(mark)
    return sorted(kept, key=lambda mark: (mark[2], mark[0]))


def _found(shown: Shown, wanted: Iterable[tuple[str, str]]) -> list[Mark]:
    """Every place of every (term, kind)."""
    return [
        (hit.start(), hit.end(), field, kind)
        for word, kind in wanted
        if word.strip(" *-\t\n")
        for field in FIELDS
        for hit in re.finditer(_pattern(word), shown.fields[field] or "", re.IGNORECASE)
    ]


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
    parts = [re.escape(part).replace(r"\*", r"\w*") for part in re.split(r"[\s\-]+", word) if part]
    return rf"(?<!\w){_GAP.join(parts)}(?!\w)"
