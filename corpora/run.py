"""A `Run`: who did what with which parameters, and what came of it.

Every command that writes makes one. It stands as ``run.json`` beside its output and is copied
to the ledger by the review room; nothing here knows a database.
"""

import json
import platform
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

Outcome = Literal["running", "done", "failed"]


def now() -> str:
    """The present time in UTC, ISO 8601, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Account:
    """What a run was promised, delivered, refused and can explain; they must add up.

    ``promised`` is what the file or service said it holds (None if it says nothing),
    ``delivered`` what was kept, ``refused`` what was kept only raw or by name, with its reason,
    ``explained`` what the service itself took back, by reason. ``counts`` holds whatever else
    the run counted, by name.

    >>> Account(promised=4, delivered=2, refused=1, explained={"left the index": 1}).unaccounted
    0
    """

    promised: int | None = None
    delivered: int = 0
    refused: int = 0
    explained: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def unaccounted(self) -> int:
        """Promised rows of which nothing is known; 0 when nothing was promised."""
        if self.promised is None:
            return 0
        return self.promised - self.delivered - self.refused - sum(self.explained.values())


@dataclass(slots=True)
class FileEntry:
    """One file of a committed part: rows (None if it is no table) and its sha256."""

    rows: int | None
    sha256: str


@dataclass(slots=True)
class Run:
    """One execution of one command: parameters in, account out.

    ``sequence`` is the order of commits within one kind of parts; time stamps are for people
    and never order anything. ``input_hash`` identifies what was read (a file's sha256, a
    snapshot's hash).
    """

    id: str
    command: str
    parameters: dict[str, Any]
    seed: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    input_hash: str | None = None
    started: str = ""
    ended: str | None = None
    outcome: Outcome = "running"
    account: Account = field(default_factory=Account)
    notes: list[str] = field(default_factory=list)
    sequence: int = 0
    schema_version: int = 1
    files: dict[str, FileEntry] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        command: str,
        parameters: dict[str, Any],
        *,
        seed: int | None = None,
        input_hash: str | None = None,
        libraries: tuple[str, ...] = (),
    ) -> "Run":
        """Start a run now; ``libraries`` are the distributions whose versions matter to it."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        versions = {"python": platform.python_version()}
        versions |= {name: version(name) for name in ("litscale", *libraries)}
        return cls(
            id=f"{stamp}-{secrets.token_hex(4)}",
            command=command,
            parameters=parameters,
            seed=seed,
            input_hash=input_hash,
            versions=versions,
            started=now(),
        )

    def finish(self, outcome: Outcome = "done") -> "Run":
        """Stamp the end."""
        self.ended, self.outcome = now(), outcome
        return self

    def to_json(self) -> str:
        """The text of ``run.json``."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Run":
        """Read ``run.json`` back; fields of newer versions are ignored.

        >>> run = Run.begin("import", {"file": "a.ris"}, seed=1)
        >>> Run.from_json(run.to_json()) == run
        True
        """
        data = json.loads(text)
        data["account"] = Account(**data.get("account", {}))
        data["files"] = {name: FileEntry(**entry) for name, entry in data["files"].items()}
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})
