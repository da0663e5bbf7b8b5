"""Covidence exports (CSV, RIS): one file a list, the consensus only, nobody named.

A file does not say which list it is, so the person does. The reason of an exclusion stands in
the notes: ``Exclusion reason: Wrong study design; `` (column Notes, in RIS N1), tags in Tags.
"""

import re
from pathlib import Path

from corpora.errors import InputError
from review.screening.foreign.rows import Foreign, ForeignDecision, Unread, Verdict, entries, listed

LISTS: dict[str, dict[str, Verdict | None]] = {
    # What a record's being on a list says of each stage; None: it waits there for a decision.
    "title-abstract": {
        "irrelevant": "exclude", "full text review": "include", "included": "include", "excluded": "include",
        "awaiting": None,
    },
    "full-text": {"excluded": "exclude", "included": "include", "full text review": None, "awaiting": None},
}  # fmt: skip
REASON = re.compile(r"Exclusion reason:\s*([^;\n]*)\s*;?\s*", re.I)


def read(path: Path, *, reviewer: str | None, stage: str, on: str | None) -> Foreign:
    """Every row gets what the list says; ``on`` is the name of the list in Covidence.

    Who was excluded at full text was included by title and abstract, so that list serves both.

    Raises:
        InputError: no list named, one that says nothing of this stage, or no Covidence export.

    """
    known = LISTS[stage]
    if on is None or on.strip().lower() not in known:
        raise InputError(
            f"{path}: list {on!r}; say which Covidence list this file is, for {stage} {', '.join(known)}"
        )
    columns, rows = entries(path)
    if columns and not {"covidence #", "notes", "tags"} & set(columns):
        raise InputError(
            f"{path}: columns are {', '.join(columns)}; a Covidence export has Covidence #, Notes or Tags"
        )
    verdict = known[on.strip().lower()]
    found = Foreign("covidence", records_file=path)
    for entry in rows:
        found.rows += 1
        if entry.refused:
            found.unreadable.append(Unread(entry.row, entry.place, entry.refused))
        elif verdict is None:
            found.undecided.append(entry.row)
        else:
            notes = entry.values.get("notes", "")
            reasons = [text.strip() for text in REASON.findall(notes) if text.strip()]
            rest = REASON.sub("", notes).strip(" ;\n")
            tags = entry.values.get("tags", "")
            found.decisions.append(
                ForeignDecision(
                    row=entry.row,
                    reviewer=reviewer,
                    stage=stage,
                    verdict=verdict,
                    reason=("; ".join(reasons) or None) if verdict == "exclude" else None,
                    note=rest or None,
                    labels=listed(tags, ";\n" if ";" in tags else ","),
                )
            )
    return found.check()
