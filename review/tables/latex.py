r"""A table as LaTeX: `longtable`, so that it breaks over pages, with rules of `booktabs`.

The file is put into a paper by ``\input``; text is UTF-8, so compile by XeLaTeX or LuaLaTeX where
titles hold more than Latin letters.
"""

import re

from review.report.document import clean
from review.tables.table import Table

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_",
    "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}",
    # After the end of a row these would be its options.
    "[": "{[}", "*": "{*}",
}  # fmt: skip


def escape(text: str) -> str:
    r"""One line in which no letter is a command.

    >>> print(escape("50 % of R&D\n[sic] \\x"))
    50 \% of R\&D {[}sic] \textbackslash{}x
    """
    signs = "".join(_SIGNS.get(letter, letter) for letter in " ".join(clean(text).split()))
    # Two hyphens would become one dash, two apostrophes a quotation mark.
    return re.sub(r"(-(?=-)|'(?='))", r"\1{}", signs)


def latex(table: Table) -> str:
    """The whole table with caption and notes."""
    widths = _widths(table)
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{width:.3f}\linewidth}}" for width in widths)
    head = [r"\toprule", _row(table.columns), r"\midrule"]
    caption = " ".join([f"{table.title}.", *(f"{mark}." for mark in table.marks), table.what])
    lines = [
        r"% needs \usepackage{array,booktabs,longtable,textcomp} and, for straight quotes, [T1]{fontenc}",
        r"\begingroup\small\setlength{\tabcolsep}{3pt}",
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
    ]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"


def _widths(table: Table) -> list[float]:
    """Columns share the line by their longest texts, none below a word's and none above all others'."""
    lengths = [
        min(max([len(name), 6, *(len(row[place]) for row in table.rows)]), 40)
        for place, name in enumerate(table.columns)
    ]
    # A point or two between columns is what the last hundredths are for.
    return [0.94 * length / sum(lengths) for length in lengths]
