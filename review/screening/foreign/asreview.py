"""ASReview's decisions: project files of versions 1 to 3, and CSV or RIS exports.

Exports: since version 2 columns ``asreview_label``, ``asreview_time`` (UTC), ``asreview_note``,
``asreview_tag_…`` (1 or 0), ``asreview_user_name``, in RIS notes of these names; version 1 wrote
the data set's own label column, ``asreview_prior`` and ``exported_notes_N``.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from corpora.errors import InputError
from corpora.words import counted
from review.screening.foreign.project import Project, read_project
from review.screening.foreign.rows import Entry, Foreign, ForeignDecision, RowError, Unread, Verdict, entries

_LABEL = "asreview_label"
_OLD_LABELS = (
    "final_included", "label", "label_included", "included_label", "included_final", "included",
    "included_flag", "include",
)  # fmt: skip
"""The label columns that version 1 knew, the first one present being the label."""

_VERDICTS: dict[str, Verdict] = {"1": "include", "0": "exclude"}
_NONE = ("", "-1", "none", "nan")
_IN_NOTES = {"ASReview_relevant": "1", "ASReview_irrelevant": "0", "ASReview_not_seen": ""}
NOTED = re.compile(rf"\b(?:{'|'.join(_IN_NOTES)})\b")
_TAG = "asreview_tag_"


def read(path: Path, *, reviewer: str | None, stage: str, into: Path | None) -> Foreign:
    """Decisions of a project file (its data set goes into the folder ``into``) or an export.

    Raises:
        InputError: as `read_project`, or an export without a column of labels.

    """
    if path.suffix.lower() == ".asreview":
        project, dataset = read_project(path, into)
        found = _of_project(project, reviewer, stage)
        found.records_file = dataset
    else:
        found = _of_export(path, reviewer, stage)
    return found.check()


# ------------------------------------------------------------------ project files


def _of_project(project: Project, reviewer: str | None, stage: str) -> Foreign:
    found = Foreign("asreview", rows=len(project.rows))
    users = {row["user_id"] for row in project.results if row.get("user_id") is not None}
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in project.results:
        place = project.rows.get(row["record_id"])
        if place is None:
            record = f"record_id {row['record_id']!r}"
            found.unreadable.append(
                Unread(None, record, "a decision on a record that the project does not hold")
            )
        else:
            rows.setdefault(place, []).append(row)
    for place in range(found.rows):
        given = [row for row in rows.get(place, []) if _label(row["label"]) not in _NONE]
        if not given:
            found.undecided.append(place)
            continue
        try:
            found.decisions.append(_only(given, place, users, reviewer, stage))
        except RowError as error:
            found.unreadable.append(Unread(place, f"data row {place + 1}", str(error)))
    if len(users) > 1:
        found.remarks.append(
            f"{counted(len(users), 'user')} decided; the project file holds their numbers, not their names"
        )
    key = "query_strategy" if project.version == 1 else "querier"
    prior = sum(row["label"] is not None and row.get(key) in (None, "prior") for row in project.results)
    if prior:
        found.remarks.append(f"{counted(prior, 'decision')} from prior knowledge")
    return found


def _only(
    given: Sequence[Mapping[str, Any]], place: int, users: set[Any], reviewer: str | None, stage: str
) -> ForeignDecision:
    if len(given) > 1:
        raise RowError(f"{counted(len(given), 'decision')} on one record, where ASReview keeps one")
    row = given[0]
    made = _decision(row, place, _person(row, users, reviewer), stage)
    # Version 1 stored local time without an offset, later ones seconds since 1970.
    return replace(made, decided_at=_time(row.get("time") or row.get("labeling_time")))


def _decision(row: Mapping[str, Any], place: int, person: str | None, stage: str) -> ForeignDecision:
    label = _label(row["label"])
    if label not in _VERDICTS:
        raise RowError(f"label {row['label']!r}; 1 (relevant) or 0 (irrelevant) is expected")
    return ForeignDecision(
        row=place,
        reviewer=person,
        stage=stage,
        verdict=_VERDICTS[label],
        note=str(row.get("note") or row.get("notes") or "") or None,
        labels=_tags(row.get("tags") or row.get("custom_metadata_json")),
    )


def _person(row: Mapping[str, Any], users: set[Any], reviewer: str | None) -> str | None:
    """One name for one user; several users must not become one person."""
    user = row.get("user_id")
    if user is None or (reviewer is not None and len(users) == 1):
        return reviewer
    return f"asreview user {user}"


def _tags(text: str | None) -> tuple[str, ...]:
    """Version 2 and 3: groups of values, some of them checked; late versions 1: a list of names."""
    try:
        value = json.loads(text or "null")
        if isinstance(value, dict):
            return tuple(str(tag) for tag in value.get("tags") or ())
        return tuple(
            f"{group.get('name')}: {tag.get('name')}"
            for group in value or ()
            for tag in group.get("values", ())
            if tag.get("checked")
        )
    except (ValueError, AttributeError, TypeError) as error:
        raise RowError(f"its tags cannot be read: {text!r}") from error


# ------------------------------------------------------------------ exports


def _of_export(path: Path, reviewer: str | None, stage: str) -> Foreign:
    columns, rows = entries(path)
    column = _label_column(path, columns) if columns else _LABEL
    found = Foreign("asreview", records_file=path)
    labelled = prior = undated = 0
    for entry in rows:
        found.rows += 1
        try:
            values = _values(entry, bool(columns))
            labelled += column in values
            label = _label(values.get(column))
            if label in _NONE:
                found.undecided.append(entry.row)
                continue
            person = values.get("asreview_user_name") or reviewer
            made = _exported(values, label, entry.row, person, stage)
        except RowError as error:
            found.unreadable.append(Unread(entry.row, entry.place, str(error)))
            continue
        found.decisions.append(made)
        prior += _label(values.get("asreview_prior")) == "1"
        undated += bool(values.get("asreview_time")) and made.decided_at is None
    if not labelled:
        raise InputError(f"{path}: no note {' or '.join(_IN_NOTES)} in its {counted(found.rows, 'record')}")
    for count, text in (
        (prior, "from prior knowledge"),
        (undated, "with a time in another form than 2026-11-24 14:48:49: it was left out"),
    ):
        if count:
            found.remarks.append(f"{counted(count, 'decision')} {text}")
    return found


def _values(entry: Entry, table: bool) -> Mapping[str, str]:
    if entry.refused:
        raise RowError(entry.refused)
    return entry.values if table else _noted(entry.values.get("notes", ""))


def _label_column(path: Path, columns: Sequence[str]) -> str:
    """Since version 2 a column of ASReview's own; a data set's old labels beside it are not decisions."""
    known = (_LABEL, *_OLD_LABELS)
    found = next((name for name in known if name in columns), None)
    if found is None:
        raise InputError(
            f"{path}: no column of labels; columns are {', '.join(columns)}; known are {', '.join(known)}"
        )
    return found


def _exported(
    values: Mapping[str, str], label: str, place: int, person: str | None, stage: str
) -> ForeignDecision:
    notes = sorted((name for name in values if name.startswith("exported_notes")), key=_number)
    note = values.get("asreview_note") or (values[notes[-1]] if notes else None)
    made = _decision({"label": label, "note": note}, place, person, stage)
    tags = tuple(
        name.removeprefix(_TAG)
        for name, value in values.items()
        if name.startswith(_TAG) and _label(value) == "1"
    )
    return replace(made, labels=tags, decided_at=_time(values.get("asreview_time"), UTC))


def _number(name: str) -> int:
    """Of ``exported_notes_3``: the last screening's notes have the highest."""
    digits = name.rpartition("_")[2]
    return int(digits) if digits.isdigit() else 0


def _noted(notes: str) -> dict[str, str]:
    """What ASReview wrote into the notes of a RIS record, by column name."""
    try:
        values = {
            name.lower(): str(json.loads(value))
            for name, value in re.findall(r"^(asreview_\w+): (.*)$", notes, re.M)
        }
    except ValueError as error:
        raise RowError(f"ASReview's notes in it cannot be read: {notes!r}") from error
    marks = set(NOTED.findall(notes))
    if len(marks) > 1:
        raise RowError(f"its notes hold {' and '.join(sorted(marks))}; one of them is expected")
    if marks:
        values[_LABEL] = _IN_NOTES[marks.pop()]
    return values


# ------------------------------------------------------------------ cells


def _label(value: object) -> str:
    """A label as text: 1, 1.0 and "1.0" are the same."""
    text = "" if value is None else str(value).strip().lower()
    return text.removesuffix(".0")


def _time(value: object, zone: tzinfo | None = None) -> str | None:
    """ISO 8601 of seconds since 1970, or of a text whose zone is known; None if it cannot be read.

    >>> _time(1795531622.5), _time("2026-11-24 14:48:49", UTC), _time("2026-11-24 14:48:49")
    ('2026-11-24T14:47:02.500000+00:00', '2026-11-24T14:48:49+00:00', '2026-11-24T14:48:49')
    """
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC).isoformat()
        time = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return (time if time.tzinfo else time.replace(tzinfo=zone)).isoformat()
