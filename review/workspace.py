"""A review as a folder.

::

    protocol.toml     what the review asks and does
    workspace.json    the format version of this folder
    corpus/           records/, links/, labels/, models/, topics/: append-only parts; raw/: answers as sent
    ledger.sqlite     what people decided (unless the protocol names a PostgreSQL)
    cache/            derived views, safe to delete
    figures/          what is exported
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from corpora.errors import InputError, ProtocolError, StoreError, VersionError
from corpora.run import Run
from corpora.store import Corpus, Part, PartWriter
from review import protocol as protocols
from review.ledger import Ledger

FORMAT = 1
"""Format version of the folder; raised when an older litscale could not read it."""

KINDS = ("records", "links", "labels", "models", "topics")
LEDGER_URL = "LITSCALE_LEDGER_URL"
WORKSPACE = "LITSCALE_WORKSPACE"
_VERSION_FILE = "workspace.json"

T = TypeVar("T")


class Workspace:
    """One review: its protocol, corpus and ledger. Use `find` or `create`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._check_version()
        self.protocol_path = root / protocols.FILE
        self.protocol_text = protocols.read_text(self.protocol_path)
        self.protocol = protocols.parse(self.protocol_text, self.protocol_path)
        default = f"sqlite:///{root / 'ledger.sqlite'}"
        self.ledger = Ledger(os.environ.get(LEDGER_URL) or self.protocol.ledger.url or default)
        self.corpus = Corpus(root / "corpus")
        self._made: dict[str, tuple[Any, Any]] = {}
        self._adopt()
        self.corpus.withdrawn = frozenset(row["run"] for row in self.ledger.current("withdrawals"))

    # ------------------------------------------------------------------ finding and making

    @classmethod
    def find(cls, given: Path | None = None) -> "Workspace":
        """Open the given folder, else ``LITSCALE_WORKSPACE``, else the nearest one upwards.

        Raises:
            InputError: there is none.

        """
        named = given or (Path(os.environ[WORKSPACE]) if os.environ.get(WORKSPACE) else None)
        if named is not None:
            if not (named / protocols.FILE).is_file():
                raise InputError(
                    f"{named}: no {protocols.FILE} here, so this is no workspace; "
                    f"make one with: review new {named}"
                )
            return cls(named.resolve())
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / protocols.FILE).is_file():
                return cls(folder)
        raise InputError(
            f"no {protocols.FILE} in {here} or above it; change into a workspace, pass "
            "--workspace DIR, or make one with: review new DIR"
        )

    @classmethod
    def create(cls, root: Path, protocol_text: str) -> "Workspace":
        """Make a new workspace; an existing one, or any other file there, is left alone."""
        if (root / protocols.FILE).exists():
            raise InputError(f"{root}: holds a {protocols.FILE} already; choose another folder")
        if root.exists() and not root.is_dir():
            raise InputError(f"{root}: is a file; choose a folder")
        protocols.parse(protocol_text, root / protocols.FILE)
        root.mkdir(parents=True, exist_ok=True)
        (root / _VERSION_FILE).write_text(json.dumps({"format": FORMAT}) + "\n", "utf-8")
        (root / protocols.FILE).write_text(protocol_text, "utf-8")
        return cls(root.resolve())

    def _check_version(self) -> None:
        path = self.root / _VERSION_FILE
        try:
            held = int(json.loads(path.read_text("utf-8"))["format"]) if path.exists() else FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f'{path}: cannot be read ({error}); it should hold {{"format": {FORMAT}}}'
            ) from error
        if held > FORMAT:
            raise VersionError(
                f"{path}: this workspace has format {held}, this litscale knows up to {FORMAT}; "
                "upgrade litscale (nothing was changed)"
            )

    def _adopt(self) -> None:
        """List committed parts that a killed command did not list; miss none that is listed."""
        rows = self.ledger.rows("runs")
        listed = {(row["kind"], row["uuid"]) for row in rows}
        held: set[tuple[str, str]] = set()
        for kind in KINDS:
            for part in self.corpus.parts(kind):
                held.add((kind, part.run.id))
                if (kind, part.run.id) not in listed:
                    self.ledger.add_run(kind, part.run)
        gone = sorted(f"corpus/{kind}/run={run}" for kind, run in listed - held if kind in KINDS)
        if gone:
            raise StoreError(
                f"{self.root}: the ledger lists runs whose folder is not here: {', '.join(gone)}; "
                "copy them from a colleague or a backup"
            )

    # ------------------------------------------------------------------ writing

    @contextmanager
    def writing(self, kind: str, run: Run) -> Iterator[PartWriter]:
        """Write one part under the corpus lock; list it in the ledger after its commit."""
        with self.corpus.lock(), self.corpus.writer(kind, run) as part:
            yield part
            self.ledger.add_run(kind, part.commit().run)

    # ------------------------------------------------------------------ state

    def parts(self, kind: str) -> list[Part]:
        """Committed parts of a kind that nobody withdrew, oldest first."""
        return self.corpus.live(kind)

    def latest(self, kind: str, **parameters: Any) -> Part | None:
        """The newest part of a kind whose run has these parameters."""
        for part in reversed(self.parts(kind)):
            if all(part.run.parameters.get(key) == value for key, value in parameters.items()):
                return part
        return None

    def hash_of(self, *kinds: str, ledger: tuple[str, ...] = ()) -> str:
        """Hash over the parts of some kinds and the state of some ledger tables."""
        state: dict[str, Any] = {
            kind: [(part.run.id, part.file_hash()) for part in self.parts(kind)] for kind in kinds
        }
        if ledger:
            tables = self.ledger.state()
            state["ledger"] = {name: tables[name] for name in ledger}
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]

    def snapshot(self) -> str:
        """Names the whole present state: every part's files and every table of decisions."""
        tables = tuple(name for name in self.ledger.state() if name not in ("runs", "protocols"))
        joined = self.hash_of(*KINDS, ledger=tables) + protocols.text_hash(self.protocol_text)
        return hashlib.sha256(joined.encode()).hexdigest()[:16]

    def once(self, name: str, state: Any, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once while ``state`` stays equal. It is shared: nobody may change it."""
        held = self._made.get(name)
        if held is None or held[0] != state:
            held = self._made[name] = state, make()
        made: T = held[1]
        return made

    # ------------------------------------------------------------------ protocol versions

    def frozen(self) -> dict[str, Any] | None:
        """The newest frozen protocol: version, hash, text, at, reason; None if never frozen."""
        rows = self.ledger.rows("protocols")
        return rows[-1] if rows else None

    def freeze(self) -> int:
        """Stamp the protocol as it stands; gives its version.

        Raises:
            ProtocolError: it is frozen already, or decisions exist, so that a change needs
                `amend` with a reason.

        """
        held = self.frozen()
        if held and not self._changed_since(held):
            raise ProtocolError(
                f"{self.protocol_path}: frozen already as version {held['version']} on {held['at']}"
            )
        if held and self.ledger.rows("decisions"):
            raise ProtocolError(
                f"{self.protocol_path}: decisions were made under version {held['version']}; "
                "change it with: review protocol amend --reason '…'"
            )
        return self._stamp(held, None)

    def amend(self, reason: str) -> int:
        """Stamp a changed protocol as a new version with the reason; gives the version.

        Raises:
            ProtocolError: never frozen, not changed since, or no reason.

        """
        held = self.frozen()
        if held is None:
            raise ProtocolError(
                f"{self.protocol_path}: not frozen yet, so there is nothing to amend; "
                "run: review protocol freeze"
            )
        if not self._changed_since(held):
            raise ProtocolError(
                f"{self.protocol_path}: unchanged since version {held['version']}; edit it first"
            )
        if not reason.strip():
            raise ProtocolError(f"{self.protocol_path}: an amendment needs a reason, got {reason!r}")
        return self._stamp(held, reason.strip())

    def _changed_since(self, held: dict[str, Any]) -> bool:
        return bool(held["hash"] != protocols.text_hash(self.protocol_text))

    def _stamp(self, held: dict[str, Any] | None, reason: str | None) -> int:
        version = (int(held["version"]) if held else 0) + 1
        row = {
            "version": version,
            "hash": protocols.text_hash(self.protocol_text),
            "text": self.protocol_text,
            "reason": reason,
        }
        self.ledger.append("protocols", row)
        return version

    def protocol_version(self) -> int:
        """The version every decision carries.

        Raises:
            ProtocolError: never frozen, or changed since.

        """
        held = self.frozen()
        if held is None:
            raise ProtocolError(
                f"{self.protocol_path}: not frozen yet; decisions need: review protocol freeze"
            )
        if self._changed_since(held):
            raise ProtocolError(
                f"{self.protocol_path}: changed since version {held['version']} was frozen; "
                "run: review protocol amend --reason '…'"
            )
        return int(held["version"])
