"""What a format is: a name, a sniff, and a reader that accounts for every row."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One data row of a file: either ``fields`` for `corpora.record.build`, or ``refused``.

    ``number`` counts data rows from 0 (a header is not one); a refused row keeps its number.
    ``repaired`` says what the reader mended; ``raw`` is the row as it stood; ``key`` names the
    source key of a refused row where it is known.
    """

    number: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None
    repaired: tuple[str, ...] = ()
    raw: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """A file format behind the entry-point group ``litscale.formats``.

    ``sniff`` sees the first 8 KiB and says whether this is its format; suffixes only break ties.
    ``read`` takes a path and a mapping of field to column (empty but for tables, which say so by
    ``maps``), yields rows in file order and raises `corpora.errors.FormatError` if the file is
    not of this format. ``source`` is the source's name if the format implies one (NBIB: pubmed).
    """

    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    read: Callable[[Path, Mapping[str, str]], Iterator[Row]]
    source: str | None = None
    maps: bool = False
