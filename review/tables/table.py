"""A table for print: cells as text, with everything a reader must know of its numbers beneath.

Made from a `Tidy`, so that a table and its figure cannot differ. Its format comes later: HTML, DOCX
and Markdown from the report's `Document`, LaTeX from `review.tables.latex`.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from review.analysis.prevalence import COLUMNS
from review.analysis.tidy import Tidy
from review.figures.base import marks
from review.report.document import Document, Grid

NOTHING = "–"
_SHARES = "x % [a, b]: corrected for the tagger's errors, with its 95 % interval; x % (naive): uncorrected."


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """``rows`` are as printed and as long as ``columns``; ``frame`` holds the unrounded values."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    what: str
    notes: tuple[str, ...]
    frame: pd.DataFrame
    marks: tuple[str, ...] = ()

    def document(self) -> Document:
        """For HTML, DOCX and Markdown."""
        grid = Grid(self.what, self.columns, self.rows, self.notes)
        return Document(self.title, banners=self.marks, blocks=[grid])


def from_tidy(name: str, title: str, tidy: Tidy) -> Table:
    """Print a tidy table: every estimate becomes one column, all other columns stay."""
    frame = tidy.frame
    names = [str(name) for name in frame.columns]
    prefixes = [name[:-6] for name in names if name.endswith("status") and f"{name[:-6]}naive" in names]
    hidden = {f"{prefix}{column}" for prefix in prefixes for column in COLUMNS}
    naive = [frame[f"{prefix}naive"] for prefix in prefixes]
    # A share that only repeats the naive one would stand beside itself.
    hidden |= {name for name in names if any(frame[name].equals(share) for share in naive)}
    printed = {heading(name): [text(cell) for cell in frame[name]] for name in names if name not in hidden}
    for prefix in prefixes:
        printed[heading(f"{prefix}share")] = shares(frame, prefix)
        if (frame[f"{prefix}status"] == "corrected").any():
            printed[heading(f"{prefix}coded")] = [text(cell) for cell in frame[f"{prefix}audited"]]
    return Table(
        name=name,
        title=title,
        columns=tuple(printed),
        rows=tuple(zip(*printed.values(), strict=True)),
        what=_what(tidy),
        notes=(*((_SHARES,) if prefixes else ()), *tidy.notes),
        frame=frame,
        marks=tuple(marks(tidy)),
    )


def _what(tidy: Tidy) -> str:
    told = [f"Unit: {tidy.unit}", f"denominator: {tidy.denominator}", f"population: {tidy.population}"]
    return "; ".join(told) + "."


def heading(column: str) -> str:
    """A column's name for people.

    >>> heading("row_share"), heading("n"), heading("doi")
    ('Row share', 'n', 'DOI')
    """
    words = column.replace("_", " ")
    return "DOI" if words == "doi" else words if len(words) == 1 else words[:1].upper() + words[1:]


def shares(frame: pd.DataFrame, prefix: str = "") -> list[str]:
    """The estimates of a table as they are printed.

    >>> shares(pd.DataFrame({"naive": [0.52, 0.004], "corrected": [0.41, None], "low": [0.35, None],
    ...                      "high": [0.47, None], "status": ["corrected", "not audited"]}))
    ['41 % [35, 47]', '0.4 % (naive)']
    """
    names = (f"{prefix}{name}" for name in ("status", "naive", "corrected", "low", "high"))
    printed = []
    for status, naive, share, low, high in zip(*(frame[name] for name in names), strict=True):
        if status == "corrected":
            digits = _digits(share)
            interval = ", ".join(f"{100 * end:.{digits}f}" for end in (low, high))
            printed.append(f"{100 * share:.{digits}f} % [{interval}]")
        else:
            printed.append(NOTHING if pd.isna(naive) else f"{100 * naive:.{_digits(naive)}f} % (naive)")
    return printed


def _digits(share: Any) -> int:
    """One decimal below 10 %, where whole per cents would hide a difference."""
    return 1 if 0 < share < 0.0995 else 0


def text(cell: Any) -> str:
    """A cell as printed.

    >>> text(1234), text(0.123456), text(None), text(["b", "a"]), text(True)
    ('1,234', '0.123', '–', 'b; a', 'yes')
    """
    if cell is None or (pd.api.types.is_scalar(cell) and pd.isna(cell)):
        return NOTHING
    if isinstance(cell, str):
        return cell or NOTHING
    if pd.api.types.is_bool(cell):
        return "yes" if cell else "no"
    if pd.api.types.is_integer(cell):
        return f"{cell:,}"
    if pd.api.types.is_float(cell):
        number = float(cell)
        return f"{number:,.3g}" if abs(number) < 1000 else f"{number:,.0f}"
    return "; ".join(map(str, cell)) or NOTHING
