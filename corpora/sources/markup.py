"""Plain text from the markup that services leave in titles and abstracts (JATS, HTML)."""

from typing import Any

from lxml import etree, html

_HEADINGS = ("title", "label", "h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = ("p", "sec", "div", "list", "list-item", "li", "ul", "ol", "br")


def plain(markup: str | None) -> str | None:
    """Text without tags: a line a paragraph, a heading before its own; white space folded.

    The HTML reader is used for JATS too: abstracts are fragments, often with a bare ``<``. A
    heading that only says "Abstract" is left out.

    >>> plain("<jats:title>Abstract</jats:title><jats:p>H<jats:sub>2</jats:sub>O, p<0.05 &amp; more</jats:p>")
    'H2O, p<0.05 & more'
    >>> plain("<h4>Aim</h4>To see.<h4>Results</h4>Seen."), plain(" "), plain("no  tags")
    ('Aim: To see.\\nResults: Seen.', None, 'no tags')
    """
    if not markup or not markup.strip():
        return None
    lines = [""]
    _write(html.fragment_fromstring(markup.replace("\x00", " "), create_parent="div"), lines)
    told = (" ".join(line.split()) for line in lines)
    return "\n".join(line for line in told if line and line.rstrip(":").lower() != "abstract") or None


def _write(element: Any, lines: list[str]) -> None:
    """Append an element's text to the lines; a heading opens one, a block has its own."""
    name = "" if isinstance(element, etree._Comment) else element.tag.rpartition(":")[2]
    if not name:
        return
    heading = name in _HEADINGS
    # A paragraph right after its heading goes on in the heading's line.
    if heading or (name in _BLOCKS and not lines[-1].endswith(": ")):
        lines.append("")
    lines[-1] += element.text or ""
    for child in element:
        _write(child, lines)
        lines[-1] += child.tail or ""
    if heading and lines[-1].strip():
        lines[-1] = lines[-1].strip().rstrip(":") + ": "
        if lines[-1].lower() == "abstract: ":
            lines.append("")
    elif name in _BLOCKS and not lines[-1].endswith(": "):
        lines.append("")
