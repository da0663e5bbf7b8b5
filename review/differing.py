"""What `review verify` found: every difference, and the few lines a person reads first."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from corpora.words import counted
from review.gathering.fulltexts import FOLDER as FULLTEXTS

ABSENT = "not there"
"""Stands for the side of a difference that has nothing."""

CORPUS, TEXTS, FILES = "files of the corpus", f"files in {FULLTEXTS}", "files of the report"
_PARTS = (
    ("corpus/", CORPUS), (f"{FULLTEXTS}/", TEXTS), ("report, figure", "figures of the report"),
    ("report, section", "sections"), ("figures/", "figures"), ("tables/", "tables"),
    ("workspace", "workspace"),
)  # fmt: skip
_FIRST = 3
"""Differences of one part that are shown unless all are asked for."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was said: ``where`` it stands, ``what`` it is, old and new value."""

    where: str
    what: str
    old: Any
    new: Any

    def line(self) -> str:
        """For a terminal."""
        return f"{self.where}: {self.what}: {_shown(self.old)} → {_shown(self.new)}"

    @property
    def part(self) -> str:
        """What it is counted with: a key of `Verified.compared`."""
        if self.where == "report":
            return "numbers"
        return next((part for start, part in _PARTS if self.where.startswith(start)), FILES)

    @property
    def item(self) -> str:
        """The number, section, figure, table or file that differs."""
        if self.part in ("numbers", "sections"):
            return self.what
        # A figure's drawings and its table are one figure.
        return (
            Path(self.where).with_suffix("").as_posix() if self.part in ("figures", "tables") else self.where
        )

    @property
    def came(self) -> bool:
        """Whether the whole item was not there before: the row of a table is not the table."""
        return self.old == ABSENT and self.what != "row"


@dataclass(slots=True)
class Verified:
    """How much was compared by part, what differs, and which figures and tables are stale."""

    compared: dict[str, int] = field(default_factory=dict)
    differing: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "holds": not self.differing}

    def lines(self, *, every: bool = False) -> list[str]:
        """For a terminal: each part with its first differences, or with all of them."""
        parts = dict.fromkeys([*self.compared, *(one.part for one in self.differing)])
        told = [line for part in parts for line in self._part(part, every=every)]
        counts = ", ".join(f"{count:,} {name}" for name, count in self.compared.items())
        if not self.differing and not self.notes:
            return [f"compared {counts or 'nothing'}: all hold"]
        return [*told, *self._advice(every=every)]

    def _part(self, part: str, *, every: bool) -> Iterator[str]:
        mine = [one for one in self.differing if one.part == part]
        came = {one.item for one in mine if one.came}
        differ = {one.item for one in mine} - came
        notes = [note for note in self.notes if note.startswith(f"{part}/")]
        stale = {note.partition(":")[0] for note in notes} - differ
        hold = self.compared.get(part, 0) - len(differ) - len(stale)
        counts = [f"{hold:,} of {self.compared[part]:,} hold"] if part in self.compared else []
        counts += [f"{len(differ):,} differ"] if differ else []
        counts += [f"{len(stale):,} stale (what they read has changed, they have not)"] if stale else []
        counts += [f"{len(came):,} would be new"] if came else []
        yield f"{part}: {', '.join(counts)}"
        lines = [one.line() for one in mine] + (
            notes if every else [f"{name}: stale" for name in sorted(stale)]
        )
        yield from (f"  {line}" for line in (lines if every else lines[:_FIRST]))
        if not every and len(lines) > _FIRST:
            yield f"  … {len(lines) - _FIRST:,} more"

    def _advice(self, *, every: bool) -> Iterator[str]:
        """What to do, by what differs; a file that was changed by hand differs in its hash."""
        parts = {one.part for one in self.differing} | {note.partition("/")[0] for note in self.notes}
        if parts & {CORPUS, TEXTS}:
            yield "What was gathered is not as it was written: take the files that are named from a backup."
        drawn = [name for name in ("figures", "tables") if name in parts]
        reported = parts - {CORPUS, TEXTS, "workspace", *drawn}
        again = [*(["report"] if reported else []), *drawn]
        if again:
            commands = ", ".join(f"review {name}" for name in again)
            yield f"The review went on since, or files were changed. Make them anew: {commands}"
        if not every:
            yield f"All {counted(len(self.differing), 'difference')}: review verify --all, or --json"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:159]}…"
