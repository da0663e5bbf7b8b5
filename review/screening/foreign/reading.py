"""The door: which tool made a file, and what was decided in it."""

from pathlib import Path

from corpora.errors import InputError
from corpora.formats.encoding import head, lines
from review.screening.foreign import asreview, covidence, rayyan
from review.screening.foreign.project import is_project
from review.screening.foreign.rows import Foreign
from review.screening.votes import VERDICTS

TOOLS = ("asreview", "rayyan", "covidence")


def read(
    path: Path,
    *,
    tool: str,
    stage: str,
    reviewer: str | None = None,
    on: str | None = None,
    into: Path | None = None,
) -> Foreign:
    """Decisions of another tool's file; each row is decided, undecided or unreadable.

    ``reviewer`` names the person where the tool does not (ASReview without users, Covidence) and
    picks one where it does (Rayyan). ``on`` is the Covidence list that the file is. The data set
    of an ASReview project is put into the folder ``into``; without it nothing is written.

    Raises:
        InputError: an unknown tool or stage, or what the tool's reader says of the file.
        FormatError: a file that is not what it claims to be.

    """
    if tool not in TOOLS:
        raise InputError(f"{path}: tool {tool!r}; known are {', '.join(TOOLS)}")
    if stage not in VERDICTS:
        raise InputError(f"{path}: stage {stage!r}; stages are {', '.join(VERDICTS)}")
    _there(path)
    if tool == "asreview":
        return asreview.read(path, reviewer=reviewer, stage=stage, into=into)
    if tool == "rayyan":
        return rayyan.read(path, reviewer=reviewer, stage=stage)
    return covidence.read(path, reviewer=reviewer, stage=stage, on=on)


def recognise(path: Path) -> str | None:
    """The tool whose decisions a file holds, or None; only what the tool itself wrote counts.

    Raises:
        InputError: no such file.

    """
    _there(path)
    if is_project(path):
        return "asreview"
    if b"\x00" in head(path):
        return None
    header = True
    for text, _ in lines(path):
        if header and text.strip():
            names = text.lower()
            if "asreview_label" in names or ("asreview_prior" in names and "asreview_ranking" in names):
                return "asreview"
            if "covidence #" in names:
                return "covidence"
            header = False
        if rayyan.MARK.search(text):
            return "rayyan"
        if asreview.NOTED.search(text):
            return "asreview"
        if covidence.REASON.search(text):
            return "covidence"
    return None


def _there(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
