"""Plain text from the markup that services leave in titles and abstracts (JATS, HTML, MathML)."""

import re
from typing import Any

from lxml import etree, html

_HEADINGS = frozenset(("title", "label", "h1", "h2", "h3", "h4", "h5", "h6"))
_BLOCKS = frozenset(("p", "sec", "div", "list", "list-item", "li", "ul", "ol", "br"))
_INLINE = (
    "a|b|i|u|em|strong|small|sub|sup|span|font|tt|sc|scp|strike|italic|bold|underline|monospace|ext-link|xref|"
    "inline-formula|disp-formula|tex-math|math|semantics|mrow|mi|mn|mo|mtext|msub|msup|msubsup|mfrac|msqrt|"
    "mspace|mstyle|mover|munder|mfenced"
)
_NO_TAG = re.compile(
    rf"<(?!/?(?:(?:jats|mml):[\w-]+|{'|'.join(sorted(_HEADINGS | _BLOCKS))}|{_INLINE})"
    r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>|!--)",
    re.IGNORECASE,
)
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no XML text may hold."""


def plain(markup: str | None) -> str | None:
    """Text without tags: a line a paragraph, a heading before its own; white space folded.

    The HTML reader is used for JATS too: abstracts are fragments. A ``<`` that opens none of the
    tags that services use is a sign of its own, and stays. The heading "Abstract" is left out.

    >>> plain("<jats:title>Abstract</jats:title><jats:p>H<sub>2</sub>O, a<b and c>d &amp; e</jats:p>")
    'H2O, a<b and c>d & e'
    >>> plain("<h4>Aim</h4>To see.<h4>Results</h4>Seen."), plain(" "), plain("no  tags")
    ('Aim: To see.\\nResults: Seen.', None, 'no tags')
    """
    text = _NO_TEXT.sub(" ", _NO_TAG.sub("&lt;", markup or ""))
    if not text.strip():
        return None
    lines = [""]
    _write(html.fragment_fromstring(text, create_parent="div"), lines)
    return "\n".join(line for raw in lines if (line := " ".join(raw.split()))) or None


def _write(element: Any, lines: list[str]) -> None:
    """Append an element's text to the lines; a heading opens one, a block has its own."""
    if isinstance(element, etree._Comment):
        return
    name = element.tag.rpartition(":")[2]
    heading = name in _HEADINGS
    # A paragraph right after its heading goes on in the heading's line.
    if heading or (name in _BLOCKS and not lines[-1].endswith(": ")):
        lines.append("")
    lines[-1] += element.text or ""
    for child in element:
        _write(child, lines)
        lines[-1] += child.tail or ""
    if heading:
        told = lines[-1].strip().rstrip(":")
        lines[-1] = "" if told.lower() in ("", "abstract") else f"{told}: "
    elif name in _BLOCKS and not lines[-1].endswith(": "):
        lines.append("")
