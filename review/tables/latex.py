r"""A table as LaTeX: `longtable`, so that it breaks over pages, with rules of `booktabs`.

The file is put into a paper by ``\input``; its first line names the packages it needs. Greek letters and
usual signs are commands; where titles hold other letters than Latin ones, compile by XeLaTeX or LuaLaTeX.
A table too wide for an upright page of usual width is turned.
"""

import unicodedata
from itertools import pairwise

from review.report.columns import needs, numeric, spread
from review.report.document import clean
from review.tables.table import Table

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_",
    "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}",
    # After the end of a row these would be its options.
    "[": "{[}", "*": "{*}",
    "→": r"\textrightarrow{}", "∩": r"\ensuremath{\cap}", "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}", "≈": r"\ensuremath{\approx}", "−": r"\ensuremath{-}",
    **{chr(0x2080 + digit): rf"\textsubscript{{{digit}}}" for digit in range(10)},
}  # fmt: skip
for _letter in "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ":
    _name = unicodedata.name(_letter).split()[-1].replace("LAMDA", "LAMBDA")
    _SIGNS[_letter] = rf"\ensuremath{{\{_name.lower() if _letter.islower() else _name.capitalize()}}}"

_LONG, _LONGEST = 16, 24
"""Letters: a longer word may be parted after its signs, a still longer one anywhere."""

_BREAK = r"\allowbreak{}"
_TEXT, _HIGH = 345.0, 550.0
"""Points: the width of text on the narrowest usual page (article, 10 pt), and its height."""

_SHAPES = (
    (r"\small", 9.0, _TEXT), (r"\footnotesize", 8.0, _TEXT), (r"\footnotesize", 8.0, _HIGH),
    (r"\scriptsize", 7.0, _HIGH),
)  # fmt: skip
_GAP = 6.0
"""Points between two columns."""


def escape(text: str) -> str:
    r"""One line in which no letter is a command, and long words may be parted.

    >>> print(escape("50 % of R&D\n[sic] \\x"))
    50 \% of R\&D {[}sic] \textbackslash{}x
    """
    return " ".join(map(_word, clean(text).split()))


def _word(word: str) -> str:
    signs = [_SIGNS.get(letter, letter) for letter in word]
    for place, (letter, after) in enumerate(pairwise(word)):
        if letter == after and letter in "-'":
            # Two hyphens would become one dash, two apostrophes a quotation mark.
            signs[place] += "{}"
        elif len(word) > _LONG and (letter in "/.:=_&?-" or place % _LONGEST == _LONGEST - 1):
            # Nothing else lets an address or a number of a run end a line.
            signs[place] += _BREAK
    return "".join(signs)


def latex(table: Table) -> str:
    """The whole table with caption and notes."""
    size, columns, turned = _shape(table)
    head = [r"\toprule", _row(table.columns), r"\midrule"]
    caption = " ".join([f"{table.title}.", *(f"{mark}." for mark in table.marks), table.what])
    packages = f"array,booktabs,longtable,textcomp{',pdflscape' if turned else ''}"
    lines = [
        rf"% needs \usepackage{{{packages}}} and, for straight quotes, [T1]{{fontenc}}",
        *([r"\begin{landscape}"] if turned else []),
        rf"\begingroup{size}\setlength{{\tabcolsep}}{{{_GAP / 2:.0f}pt}}",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"\caption{{{escape(caption)}}}\label{{tab:{table.name}}}\\",
        *head,
        r"\endfirsthead",
        *head,
        r"\endhead",
        r"\bottomrule",
        r"\endlastfoot",
        *map(_row, table.rows),
        r"\end{longtable}",
        *(rf"\noindent{{\footnotesize {escape(note)}\par}}" for note in table.notes),
        r"\endgroup",
        *([r"\end{landscape}"] if turned else []),
    ]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"


def _shape(table: Table) -> tuple[str, str, bool]:
    """The largest size at which no word is parted, the columns' form, and whether the page is turned."""
    fitting = (one for one in _SHAPES if sum(needs(table.columns, table.rows, one[1], _GAP)) <= one[2])
    size, points, room = next(fitting, _SHAPES[-1])
    widths = spread(table.columns, table.rows, room, points, _GAP)
    columns = "".join(
        rf">{{\ragged{'left' if numeric(table.rows, place) else 'right'}\arraybackslash}}"
        rf"p{{\dimexpr {width / room:.4f}\linewidth-2\tabcolsep\relax}}"
        for place, width in enumerate(widths)
    )
    return size, columns, room == _HIGH
