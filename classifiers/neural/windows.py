"""Texts as token windows: `[title] [SEP] [abstract]`, long abstracts in several, nothing cut unseen.

Every window of a record begins with its title, so that each is read knowing what the record is.
Windows overlap by `OVERLAP` tokens. What still does not fit (a title longer than a window's half,
more than `MOST` windows) is counted, never dropped silently.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.tagger import Texts

MAX_TOKENS = 384
OVERLAP = 48
MOST = 8
"""Windows a record can have; about 2,600 tokens of abstract."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of n records: ``tokens[w]`` are token ids, ``record[w]`` says whose (ascending)."""

    tokens: list[list[int]]
    record: NDArray[np.int64]
    records: int
    split: int
    """Records in more than one window."""
    cut: int
    """Records of which tokens were left out all the same."""

    def lengths(self) -> NDArray[np.int64]:
        """Shape (n,): tokens of each record over all its windows."""
        sizes = np.array([len(ids) for ids in self.tokens], np.int64)
        return np.bincount(self.record, weights=sizes, minlength=self.records).astype(np.int64)

    def take(self, rows: NDArray[np.int64]) -> "Windows":
        """The windows of some records, in the order of ``rows``."""
        starts = np.searchsorted(self.record, rows, side="left")
        ends = np.searchsorted(self.record, rows, side="right")
        places = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
        record = np.repeat(np.arange(len(rows)), ends - starts)
        tokens = [self.tokens[w] for part in places for w in part]
        return Windows(tokens, record.astype(np.int64), len(rows), self.split, self.cut)


def cut_windows(tokenizer: Any, texts: Texts, max_tokens: int = MAX_TOKENS) -> Windows:
    """Tokenise titles and abstracts and lay them into windows of at most ``max_tokens`` tokens."""
    titles = _ids(tokenizer, [title or "" for title in texts.titles])
    abstracts = _ids(tokenizer, [abstract or "" for abstract in texts.abstracts])
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    tokens: list[list[int]] = []
    record: list[int] = []
    split = cut = 0
    for row, (title, abstract) in enumerate(zip(titles, abstracts, strict=True)):
        head = title[: max_tokens // 2]
        room = max_tokens - len(head) - 3
        parts = _parts(abstract, room)
        left_out = len(head) < len(title) or len(parts) > MOST
        parts = parts[:MOST]
        cut += left_out
        split += len(parts) > 1
        for part in parts:
            tokens.append([first, *head, last, *part, last])
            record.append(row)
    return Windows(tokens, np.array(record, np.int64), len(texts), split, cut)


def _ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    if not texts:
        return []
    found = tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    return list(found)


def _parts(ids: list[int], room: int) -> list[list[int]]:
    """Overlapping pieces of at most ``room`` tokens that cover all of ``ids``.

    >>> [(part[0], part[-1]) for part in _parts(list(range(200)), 100)]
    [(0, 99), (52, 151), (104, 199)]
    """
    if len(ids) <= room:
        return [ids]
    step = room - OVERLAP
    return [ids[start : start + room] for start in range(0, len(ids) - OVERLAP, step)]
