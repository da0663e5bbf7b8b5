"""Texts as counts of hashed terms: words, pairs of words, letters within words.

A chunk of texts is cut into words once; the rest is arithmetic on arrays. A word is hashed by its
letters, a pair of words by the two hashes, and letters are read off each distinct word once and
spread over the texts that hold it. A column is the low bits of a hash (Weinberger et al. 2009,
doi 10.1145/1553374.1553516), so that no vocabulary is held and a text has the same columns in any
company.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]

WORD = re.compile(r"(?u)\b\w\w+\b")
"""Two or more letters or digits: scikit-learn's word."""

LETTERS = 4
"""Letters of a term of a word's letters; a space stands before and behind the word."""

_GOLDEN, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
"""Multipliers of the splitmix64 generator (Steele et al. 2014, doi 10.1145/2660193.2660195)."""


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case.

    >>> words_of("Pain: a 10-year trial")
    ['pain', '10', 'year', 'trial']
    """
    return WORD.findall(text.lower())


@dataclass(frozen=True)
class Cut:
    """A chunk of ``n`` texts cut into words: ``word[i]`` is number ``i`` of the ``vocabulary``'s word.

    ``text`` names the text of each word; both arrays have one entry a word, in reading order.
    """

    n: int
    vocabulary: list[str]
    word: Numbers
    text: Numbers

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]]) -> "Cut":
        """Texts that are lists of words already."""
        flat = list(chain.from_iterable(texts))
        numbers = {word: number for number, word in enumerate(dict.fromkeys(flat))}
        word = np.fromiter(map(numbers.__getitem__, flat), dtype=np.int64, count=len(flat))
        text = np.repeat(np.arange(len(texts)), [len(one) for one in texts])
        return cls(len(texts), list(numbers), word, text)


def words_and_pairs(cut: Cut, bits: int) -> sp.csr_matrix:
    """How often each text has each word and each pair of neighbours, (n, 2**bits)."""
    hashes = _words(cut.vocabulary)[cut.word]
    pair, beside = _pairs(hashes), cut.text[1:] == cut.text[:-1]
    rows = np.concatenate([cut.text, cut.text[1:][beside]])
    return _counted(rows, _columns(np.concatenate([hashes, pair[beside]]), bits), (cut.n, 1 << bits))


def letters(cut: Cut, bits: int) -> sp.csr_matrix:
    """How often each text has each run of `LETTERS` letters within a word, (n, 2**bits)."""
    word, hashes = _letters(cut.vocabulary)
    inside = _counted(word, _columns(hashes, bits), (len(cut.vocabulary), 1 << bits))
    found: sp.csr_matrix = (_counted(cut.text, cut.word, (cut.n, len(cut.vocabulary))) @ inside).tocsr()
    found.sort_indices()  # the product leaves them in the order of the chunk's vocabulary
    return found


def names(words: Sequence[str], bits: int) -> list[tuple[str, int]]:
    """Words and pairs of a text, each once, with their columns in `words_and_pairs`."""
    hashes = _words(list(words))
    columns = _columns(np.concatenate([hashes, _pairs(hashes)]), bits).tolist()
    found = dict(zip([*words, *(f"{a} {b}" for a, b in pairwise(words))], columns, strict=True))
    return list(found.items())


def letter_names(words: Sequence[str], bits: int) -> list[tuple[str, int]]:
    """Letters of a text's words, each run once, with their columns in `letters`."""
    runs = [
        f" {word} "[at : at + LETTERS] for word in words for at in range(len(word) + 3 - LETTERS)
    ]  # the order in which `_letters` reads them
    return list(dict(zip(runs, _columns(_letters(list(words))[1], bits).tolist(), strict=True)).items())


def _points(words: Sequence[str]) -> tuple[Hashes, Numbers]:
    """Code points of words written one after the other, and how many each word has."""
    # An unpaired surrogate is a character like any other here.
    encoded = [word.encode("utf-32-le", "surrogatepass") for word in words]
    lengths = np.array([len(one) // 4 for one in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint32).astype(np.uint64), lengths


def _words(words: Sequence[str]) -> Hashes:
    """A hash a word: the sum of its letters' hashes, each mixed with its place."""
    if not words:
        return np.zeros(0, dtype=np.uint64)
    points, lengths = _points(words)
    starts = np.cumsum(lengths) - lengths
    place = (np.arange(len(points)) - np.repeat(starts, lengths)).astype(np.uint64)
    return _mixed(np.add.reduceat(_mixed(points + (place << np.uint64(32))), starts))


def _pairs(hashes: Hashes) -> Hashes:
    """A hash for each two neighbours; that of (a, b) is not that of (b, a)."""
    return _mixed(hashes[:-1] * np.uint64(3) + hashes[1:])


def _letters(words: Sequence[str]) -> tuple[Numbers, Hashes]:
    """Word number and hash of every run of letters."""
    points, lengths = _points([f" {word} " for word in words])
    word, last = np.repeat(np.arange(len(words)), lengths), max(len(points) - LETTERS + 1, 0)
    hashes = np.zeros(last, dtype=np.uint64)
    for step in range(LETTERS):
        hashes = _mixed(hashes + points[step : step + last])
    within = word[:last] == word[len(word) - last :]
    return word[:last][within], hashes[within]


def _mixed(hashes: Hashes) -> Hashes:
    hashes = hashes * _GOLDEN
    hashes ^= hashes >> np.uint64(29)
    hashes *= _MIX
    return hashes ^ (hashes >> np.uint64(32))


def _columns(hashes: Hashes, bits: int) -> Numbers:
    return (hashes & np.uint64((1 << bits) - 1)).astype(np.int64)


def _counted(rows: Numbers, columns: Numbers, shape: tuple[int, int]) -> sp.csr_matrix:
    ones = np.ones(len(rows), dtype=np.float32)
    found: sp.csr_matrix = sp.coo_matrix((ones, (rows, columns)), shape=shape).tocsr()
    found.sum_duplicates()
    return found
