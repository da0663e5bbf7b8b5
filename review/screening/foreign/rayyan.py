"""Rayyan exports (CSV, RIS): the decisions stand in the notes of a record.

``RAYYAN-INCLUSION: {"Ann"=>"Included", "Ben"=>"Excluded"} | RAYYAN-LABELS: a,b |
RAYYAN-EXCLUSION-REASONS: wrong population | USER-NOTES: {"Ann"=>["look again"]}``; what stands
before is the record's own note. Rayyan names people, but pools labels and reasons over them.
"""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from corpora.errors import InputError
from corpora.words import counted
from review.screening.foreign.rows import (
    Entry,
    Foreign,
    ForeignDecision,
    RowError,
    Unread,
    Verdict,
    entries,
    listed,
)

MARK = re.compile(r"(RAYYAN-INCLUSION|RAYYAN-LABELS|RAYYAN-EXCLUSION-REASONS|USER-NOTES)\s*:\s*", re.I)
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_PAIR = re.compile(rf"{_TEXT}\s*(?:=>|:)\s*{_TEXT}")
_NOTES = re.compile(rf"{_TEXT}\s*(?:=>|:)\s*\[((?:{_TEXT}|[^\]\"])*)\]")
_VERDICTS: dict[str, Verdict] = {"included": "include", "excluded": "exclude", "maybe": "maybe"}
_NONE = ("", "undecided")


def read(path: Path, *, reviewer: str | None, stage: str) -> Foreign:
    """Decisions of everybody in the file, or of ``reviewer`` alone.

    Raises:
        InputError: nothing of Rayyan in the file, or nobody of that name.

    """
    columns, rows = entries(path)
    if columns and "notes" not in columns:
        raise InputError(
            f"{path}: no column 'notes'; a Rayyan export with decisions has one, not only {columns}"
        )
    found = Foreign("rayyan", records_file=path)
    people: set[str] = set()
    marked = 0
    told: Counter[str] = Counter()
    others = 0
    for entry in rows:
        found.rows += 1
        marked += bool(MARK.search(entry.values.get("notes", "")))
        try:
            row = _row(entry, stage)
        except RowError as error:
            found.unreadable.append(Unread(entry.row, entry.place, str(error)))
            continue
        people |= row.people
        own = [one for one in row.decisions if reviewer is None or one.reviewer in (reviewer, None)]
        found.decisions += [replace(one, reviewer=one.reviewer or reviewer) for one in own]
        if not own:
            found.undecided.append(entry.row)
        told.update(row.remarks)
        others += len(row.decisions) - len(own)
    if not marked:
        raise InputError(
            f"{path}: no RAYYAN-INCLUSION in the notes of {counted(found.rows, 'row')}; export it with "
            "the decisions"
        )
    if reviewer is not None and people and reviewer not in people:
        raise InputError(f"{path}: nobody named {reviewer!r} decided; there are {', '.join(sorted(people))}")
    found.remarks += [f"{counted(count, 'row')} {text}" for text, count in told.items() if count]
    if others:
        found.remarks.append(f"{counted(others, 'decision was')} of other people and left out")
    return found.check()


class _Row(NamedTuple):
    decisions: list[ForeignDecision]
    people: set[str]
    remarks: list[str]


def _row(entry: Entry, stage: str) -> _Row:
    """What a row says.

    Raises:
        RowError: why the row cannot be read.

    """
    if entry.refused:
        raise RowError(entry.refused)
    parts = sections(entry.values.get("notes", ""))
    said = _votes(parts.get("RAYYAN-INCLUSION", ""))
    votes = {name: vote for name, vote in said.items() if vote not in _NONE}
    reasons = "; ".join(listed(parts.get("RAYYAN-EXCLUSION-REASONS", "")))
    labels = listed(parts.get("RAYYAN-LABELS", ""))
    notes = _user_notes(parts.get("USER-NOTES", ""))
    made = [
        ForeignDecision(
            row=entry.row,
            reviewer=name,
            stage=stage,
            verdict=_VERDICTS[vote],
            reason=(reasons or None) if vote == "excluded" else None,
            note=notes.get(name) or notes.get(None),
            labels=labels,
        )
        for name, vote in votes.items()
    ]
    excluders = sum(one.verdict == "exclude" for one in made)
    remarks = {
        "with several excluders: Rayyan does not say who gave which reason, each gets all": (
            reasons and excluders > 1
        ),
        "with exclusion reasons though nobody excluded: these reasons were left out": (
            reasons and not excluders
        ),
        "with labels though nobody decided: these labels were left out": labels and not made,
        "with notes of people who did not decide: these notes were left out": (
            notes.keys() - votes.keys() - ({None} if made else set())
        ),
    }
    return _Row(made, {name for name in said if name}, [text for text, holds in remarks.items() if holds])


def sections(text: str) -> dict[str, str]:
    """The notes of a record by their keys.

    >>> sections('own | RAYYAN-INCLUSION: {"Ann"=>"Maybe"} | RAYYAN-LABELS: a,b')
    {'RAYYAN-INCLUSION': '{"Ann"=>"Maybe"}', 'RAYYAN-LABELS': 'a,b'}

    Raises:
        RowError: a key comes twice with different texts (exported, imported and exported again).

    """
    found: dict[str, str] = {}
    marks = list(MARK.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        key = mark.group(1).upper()
        value = text[mark.end() : end].strip().rstrip("|").strip()
        if found.setdefault(key, value) != value:
            raise RowError(f"two {key} in its notes, {found[key]!r} and {value!r}: which one holds?")
    return found


def _votes(text: str) -> dict[str | None, str]:
    """Person → what they said, in lower case; None is the person of a vote without a name."""
    pairs: dict[str | None, str] = {
        _plain(name): _plain(said).strip().lower() for name, said in _PAIR.findall(text)
    }
    rest = _PAIR.sub("", text).strip("{}, \n\"'")
    votes: dict[str | None, str] = pairs or ({None: rest.lower()} if rest else {})
    unknown = [said for said in votes.values() if said not in _VERDICTS and said not in _NONE]
    if unknown or (pairs and rest):
        raise RowError(
            f"RAYYAN-INCLUSION is {text!r}; Included, Excluded or Maybe of each person is expected"
        )
    return votes


def _user_notes(text: str) -> dict[str | None, str]:
    """Person → their notes; under None what has another form."""
    found: dict[str | None, str] = {
        _plain(match.group(1)): "\n".join(map(_plain, re.findall(_TEXT, match.group(2))))
        for match in _NOTES.finditer(text)
    }
    found[None] = _NOTES.sub("", text).strip("{}, \n")
    return {name: note for name, note in found.items() if note}


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
