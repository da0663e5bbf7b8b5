"""A document as one HTML file that asks for nothing else: style and pictures stand in it."""

import base64
from html import escape

from review.report.document import Block, Code, Document, Grid, Heading, Items, Picture, Text, anchor, clean

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --line: #d0d7de;
  --tint: #f6f8fa; --warn: #8a1c1c; --warn-paper: #fff1f0; --link: #0a58ca; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #a0aab4; --paper: #11151a;
  --line: #39414b; --tint: #1a2027; --warn: #ffb4ab; --warn-paper: #3a1a1a; --link: #7ab7ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; overflow-wrap: anywhere; }
main.broad { max-width: 88rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.4rem; margin: 2.8rem 0 .8rem; padding-bottom: .3rem; border-bottom: 2px solid var(--line); }
h3 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .6rem 0; } ul, ol { margin: .6rem 0; padding-left: 1.5rem; } li { margin: .2rem 0; }
a { color: var(--link); }
.subtitle, .foot, .note { color: var(--soft); } .note, .foot { font-size: .86rem; }
.banner, .notice { border-left: 5px solid var(--warn); background: var(--warn-paper); color: var(--warn);
  padding: .7rem 1rem; margin: .9rem 0; border-radius: 0 6px 6px 0; } .banner { font-weight: 650; }
nav { background: var(--tint); border: 1px solid var(--line); border-radius: 8px; margin: 1.5rem 0;
  padding: .3rem 1.2rem; columns: 2 18rem; font-size: .92rem; }
nav ul { list-style: none; padding-left: .9rem; margin: .1rem 0 .4rem; } nav > ul { padding-left: 0; }
nav li { break-inside: avoid; } nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
figure { margin: 1.6rem 0; }
figcaption, caption { text-align: left; font-weight: 600; font-size: .93rem; padding: .5rem 0; }
figure img { width: 100%; min-width: 34rem; height: auto; background: #fff; padding: .5rem;
  border: 1px solid var(--line); border-radius: 6px; }
figure img.single { max-width: 34rem; min-width: 18rem; }
.scroll { overflow-x: auto; margin: 1.2rem 0; } figure .scroll { margin: 0; }
.scroll:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: collapse; width: 100%; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; min-width: 3.2rem; }
td.long { min-width: 14rem; }
th { border-bottom: 2px solid var(--soft); background: var(--tint); }
td.n { text-align: right; white-space: nowrap; } th.n { text-align: right; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere;
  font: .84rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
@media (max-width: 40rem) { main { padding: 1rem .9rem 3rem; } h1 { font-size: 1.5rem; } }
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --line: #bbb; --tint: #f4f4f4;
    --warn: #7a0000; --warn-paper: #fff; --link: #000; }
  @page { size: A4; margin: 18mm 16mm; } body { font-size: 10pt; } main { max-width: none; padding: 0; }
  nav { display: none; } h2, h3, caption, figcaption { break-after: avoid; }
  figure, tr { break-inside: avoid; } thead { display: table-header-group; }
  .scroll { overflow: visible; } figure img { min-width: 0; } td.long { min-width: 0; } }
"""


def html(document: Document) -> str:
    """The page; every text is escaped, and a policy in the page forbids scripts and requests."""
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_safe(document.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<main{' class=broad' if document.broad() else ''}>",
        f"<h1>{_safe(document.title)}</h1>",
    ]
    if document.subtitle:
        parts.append(f'<p class="subtitle">{_safe(document.subtitle)}</p>')
    parts += [f'<p class="banner" role="note">{_safe(banner)}</p>' for banner in document.banners]
    if sum(isinstance(block, Heading) for block in document.blocks) > 3:
        parts.append(_contents(document.blocks))
    parts += [_block(block, place) for place, block in enumerate(document.blocks)]
    if document.foot:
        parts.append(f'<footer><p class="foot">{_safe(document.foot)}</p></footer>')
    return "\n".join([*parts, "</main>\n</body>\n</html>\n"])


def _contents(blocks: list[Block]) -> str:
    """Links to all headings, sections under their part."""
    lines: list[str] = []
    inside = False
    for place, block in enumerate(blocks):
        if not isinstance(block, Heading):
            continue
        link = f'<a href="#{anchor(block.text, place)}">{_safe(block.text)}</a>'
        if block.level == 2:
            lines.append(("</ul></li>" if inside else "") + f"<li>{link}<ul>")
            inside = True
        else:
            lines.append(f"<li>{link}</li>")
    return f'<nav aria-label="Contents"><ul>{"".join(lines)}{"</ul></li>" if inside else ""}</ul></nav>'


def _block(block: Block, place: int) -> str:
    if isinstance(block, Heading):
        return f'<h{block.level} id="{anchor(block.text, place)}">{_safe(block.text)}</h{block.level}>'
    if isinstance(block, Text):
        return f"<p{' class=notice' if block.notice else ''}>{_safe(block.text)}</p>"
    if isinstance(block, Items):
        return f"<ul>{''.join(f'<li>{_safe(line)}</li>' for line in block.lines)}</ul>"
    if isinstance(block, Code):
        return f"<pre>{_safe(block.text)}</pre>"
    return _grid(block) if isinstance(block, Grid) else _picture(block)


def _grid(grid: Grid) -> str:
    right = [_numeric([row[k] for row in grid.rows]) for k in range(len(grid.columns))]
    head = "".join(
        f'<th scope="col"{" class=n" if number else ""}>{_safe(column)}</th>'
        for column, number in zip(grid.columns, right, strict=True)
    )
    rows = "\n".join(
        f"<tr>{''.join(_cell(cell, of_numbers=n) for cell, n in zip(row, right, strict=True))}</tr>"
        for row in grid.rows
    )
    table = (
        f"<table><caption>{_safe(grid.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>"
    )
    # A wide table scrolls in its own frame, which the keyboard can reach.
    name = _safe(grid.caption)
    frame = f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">{table}</div>'
    return frame + _notes(grid.notes)


def _cell(cell: str, *, of_numbers: bool) -> str:
    kind = ' class="n"' if of_numbers else ' class="long"' if len(cell) > 60 else ""
    return f"<td{kind}>{_safe(cell)}</td>"


def _numeric(cells: list[str]) -> bool:
    """Whether a column holds numbers only."""
    told = [cell for cell in cells if cell not in ("", "–")]
    return bool(told) and all(cell.replace(",", "").replace(".", "").strip("%+-").isdigit() for cell in told)


def _picture(picture: Picture) -> str:
    kind, body = ("svg+xml", picture.svg) if picture.svg is not None else ("png", picture.png)
    data = base64.b64encode(body).decode()
    size = "" if picture.wide else ' class="single"'
    image = f'<img{size} src="data:image/{kind};base64,{data}" alt="{_safe(picture.alt)}">'
    return (
        f'<figure><div class="scroll" tabindex="0" role="group" aria-label="Figure">{image}</div>'
        f"<figcaption>{_safe(picture.caption)}</figcaption>{_notes(picture.notes)}</figure>"
    )


def _notes(notes: tuple[str, ...]) -> str:
    return "".join(f'<p class="note">{_safe(note)}</p>' for note in notes)


def _safe(text: str) -> str:
    return escape(clean(text))
