"""`review checklist`: PRISMA 2020, PRISMA-ScR, PRISMA-S and PRISMA-trAIce, filled in from the ledger.

The items are data (``guidelines/*.toml``): number, topic and what is asked in our own words. An item
that names an ``answer`` is filled in by a function of `review.report.answers`; what the ledger cannot
prove is left to the author and said to be.
"""

import csv
import io
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from corpora import cells
from corpora.errors import InputError
from corpora.files import write_whole
from corpora.progress import Progress, silent
from corpora.registry import unknown
from review.report import page, word
from review.report.answers import ANSWERS
from review.report.build import FOLDER
from review.report.document import Document, Grid, Text, markdown
from review.report.gathering import Material
from review.workspace import Workspace

NAMES = ("prisma-2020", "prisma-scr", "prisma-s", "prisma-traice")
FORMATS = ("docx", "html", "md", "csv")
AUTHOR = "for the author"
COLUMNS = ("Item", "Section", "Topic", "What is asked", "Where", "From the ledger", "For the author")


@dataclass(frozen=True, slots=True)
class Written:
    """A checklist on disk: how many of its items the ledger answers."""

    name: str
    items: int
    answered: int
    files: tuple[Path, ...]

    def line(self) -> str:
        """For a terminal."""
        listed = ", ".join(str(path) for path in self.files)
        return f"{self.name}: {self.answered} of {self.items} rows have an answer from the ledger → {listed}"

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "name": self.name, "items": self.items, "answered": self.answered,
            "files": [str(path) for path in self.files],
        }  # fmt: skip


def guideline(name: str) -> dict[str, Any]:
    """A checklist's data: name, title, source, item.

    >>> len({one["number"].rstrip("abcdef") for one in guideline("prisma-2020")["item"]})
    27
    >>> [len(guideline(name)["item"]) for name in NAMES[1:]]
    [22, 16, 17]
    """
    if name not in NAMES:
        raise unknown("checklist", name, NAMES)
    text = (files("review.report") / "guidelines" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def rows(m: Material, name: str) -> list[tuple[str, ...]]:
    """One row an item, as `COLUMNS`."""
    made: list[tuple[str, ...]] = []
    for item in guideline(name)["item"]:
        answer = ANSWERS[item["answer"]](m) if "answer" in item else None
        topic = f"{item['topic']} ({item['level']})" if "level" in item else item["topic"]
        base = (item["number"], item["section"], topic, item["asks"])
        if answer is None:
            made.append((*base, "", "", AUTHOR))
        else:
            left = f"{AUTHOR}: {item['author']}" if "author" in item else ""
            made.append((*base, answer.where, answer.text, left))
    return made


def write(
    workspace: Workspace,
    names: Sequence[str] | None = None,
    formats: Sequence[str] = ("docx",),
    folder: Path | None = None,
    progress: Progress = silent,
) -> list[Written]:
    """Write checklists (else those of this kind of review) as ``checklist-NAME.FORMAT``.

    Raises:
        InputError: an unknown format.
        UnknownNameError: an unknown checklist.

    """
    if wrong := sorted(set(formats) - set(FORMATS)):
        raise InputError(f"--format {','.join(wrong)}: formats are {', '.join(FORMATS)}")
    m = Material(workspace, progress)
    main = "prisma-scr" if m.protocol.review.kind == "scoping" else "prisma-2020"
    target = folder or workspace.root / FOLDER
    made = []
    for name in names or (main, *NAMES[2:]):
        filled = rows(m, name)
        document = _document(m, name, filled)
        paths = []
        for kind in formats:
            paths.append(target / f"checklist-{name}.{kind}")
            write_whole(paths[-1], _body(document, filled, kind))
        made.append(Written(name, len(filled), sum(bool(row[5]) for row in filled), tuple(paths)))
    return made


def _document(m: Material, name: str, filled: list[tuple[str, ...]]) -> Document:
    held = guideline(name)
    banners = []
    if m.simulated:
        banners.append("SIMULATED LITERATURE: nothing in this checklist is real.")
    if m.flow.interim:
        banners.append("INTERIM: not everything is settled.")
    return Document(
        f"{held['title']} checklist",
        m.protocol.review.title,
        tuple(banners),
        [
            Text(
                f"Items by {held['source']}; what is asked is told in our own words. Answers are what the "
                "ledger shows; everything else is left to the author."
            ),
            Grid(f"{held['title']}: items and answers", COLUMNS, tuple(filled)),
        ],
        f"State {m.workspace.snapshot()} of the review.",
    )


def _body(document: Document, filled: list[tuple[str, ...]], kind: str) -> bytes:
    if kind == "docx":
        return word.word(document)
    if kind == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([COLUMNS, *([cells.safe(cell) for cell in row] for row in filled)])
        return out.getvalue().encode()
    return (page.html(document) if kind == "html" else markdown(document)).encode("utf-8", "replace")
