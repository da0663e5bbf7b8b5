"""`Facts`: one narrow row a study, and a full-text index, for one snapshot of a workspace.

Figures and dashboard read these, never the corpus itself. They are `derived` and may be
deleted at any time: the table of studies and the index under the hash of the records and links that they
were read from, and beside them what changes more often, the status of each study and its labels, each
under a hash of its own. So a decision costs one column, not the whole; the parts are joined on reading.

``year`` is the earliest year of a study's reports; its labels are the union over its records (method
rules, section 8). So are its ``keywords`` and ``mesh`` (descriptors), both in lower case, and its
``countries`` (ISO 3166-1 alpha-2); ``author_names`` are those of one record, for two records may write
the same people differently. Each is null where no record brings any.
"""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary, finalize

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from review import factparts
from review.derived import derived
from review.workspace import Workspace

_FORM = 3
"""Raised when a part changes its columns, so that a cache of an older litscale is built anew."""


class Index:
    """The full-text index, open as long as somebody holds it: its file may be forgotten meanwhile."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(address, uri=True, check_same_thread=False)
        finalize(self, self._connection.close)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds; of several threads one at a time."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Facts:
    """``studies``: one row a study; ``labels``: dimension → tagger and run that speak for it."""

    snapshot: str
    index: Index
    studies: pd.DataFrame
    labels: dict[str, dict[str, str]]
    codebook: Codebook

    def search(self, words: str, limit: int = 1000) -> list[str]:
        """Study ids whose title, abstract, authors or venue hold all words, best first.

        Words are matched as they are (FTS5 syntax is not interpreted), the last one as a prefix.
        """
        terms = [f'"{word}"' for word in words.replace('"', " ").split()]
        if not terms:
            return []
        rows = self.index.rows(
            "SELECT study_id FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT ?",
            " ".join(terms) + "*",
            limit,
        )
        return [row[0] for row in rows]

    def text(self, study_id: str) -> tuple[str, str]:
        """Title and abstract of a study as they were indexed."""
        rows = self.index.rows("SELECT title, abstract FROM texts WHERE study_id = ?", study_id)
        return (rows[0][0] or "", rows[0][1] or "") if rows else ("", "")


_held: WeakValueDictionary[tuple[Workspace, str, str], Facts] = WeakValueDictionary()
"""What somebody still holds, by workspace, snapshot and codebook: it is not read once more."""


def facts(workspace: Workspace) -> Facts:
    """The facts of the present snapshot; a part is built once and then read from the cache.

    They are shared: nobody may change them.
    """
    codebook = load_codebook(workspace.protocol.labels.codebook)
    state = workspace, workspace.snapshot(), codebook.hash
    held = _held.get(state)
    if held is None:
        held = _held[state] = _read(workspace, state[1], codebook)
    return held


def _read(workspace: Workspace, snapshot: str, codebook: Codebook) -> Facts:
    spoken = _spoken(workspace, codebook)
    runs = {one.id: spoken[one.id]["run"] if one.id in spoken else None for one in codebook.all_dimensions()}
    corpus = workspace.hash_of("records", "links", ledger=("patches", "links"))
    decided = workspace.ledger.marks("decisions", "resolutions", "removals")
    rules = [workspace.protocol.seed, *(stage.model_dump() for stage in workspace.protocol.screening)]

    folder = derived(
        workspace, "studies", [_FORM, corpus], lambda into: factparts.write_studies(workspace, into)
    )

    def column(kind: str, key: list[Any], make: Callable[[pa.Table], pa.Table]) -> pa.Table:
        """What is made from the studies' members and from what is told in ``key``."""

        def write(into: Path) -> None:
            members = pq.read_table(folder / "members.parquet")
            pq.write_table(make(members), into / f"{kind}.parquet", compression="zstd")

        return pq.read_table(derived(workspace, kind, [_FORM, corpus, *key], write) / f"{kind}.parquet")

    status = column("status", [decided, rules], lambda members: factparts.statuses(workspace, members))
    labels = column("labels", [runs], lambda members: factparts.labels(workspace, members, runs))
    table = pq.read_table(folder / "studies.parquet")
    table = table.add_column(table.schema.get_field_index("author_names"), "status", status["status"])
    for name in labels.column_names:
        table = table.append_column(name, labels[name])
    numbers = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}
    studies = table.to_pandas(types_mapper=numbers.get)
    return Facts(snapshot, Index(folder / "search.sqlite"), studies, spoken, codebook)


def shown(studies: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The studies that shares are about, and their name: the included ones, or all while there are none."""
    included = studies["status"] == "included"
    if included.any():
        return studies[included], f"{int(included.sum()):,} studies, those included so far"
    return studies, f"{len(studies):,} studies: all identified, none included yet"


def unheard(workspace: Workspace) -> str:
    """What to say where taggers of the protocol gave no labels and others did; empty if all is well."""
    given = {str(part.run.parameters["tagger"]) for part in workspace.parts("labels")}
    wanted = workspace.protocol.labels.taggers()
    silent, others = [name for name in wanted if name not in given], sorted(given - set(wanted))
    if not silent or not others:
        return ""
    return (
        f"the protocol's tagger {', '.join(silent)} has given no labels; those of {', '.join(others)} exist: "
        f"{to_be_heard(others[0])}, or run: review tag"
    )


def to_be_heard(tagger: str) -> str:
    """What to change so that this tagger's labels are shown."""
    return (
        f'to show them set [labels] tagger = "{tagger}" in protocol.toml '
        "(then review protocol amend --reason '…', if it is frozen)"
    )


def _spoken(workspace: Workspace, codebook: Codebook) -> dict[str, dict[str, str]]:
    """Dimension → the tagger that speaks for it, and its newest run; without those that were never tagged."""
    ids = [dimension.id for dimension in codebook.all_dimensions()]
    taggers = {one: workspace.protocol.labels.tagger_of(codebook.root_of(one)) for one in ids}
    parts = {tagger: workspace.latest("labels", tagger=tagger) for tagger in set(taggers.values())}
    found = ((one, tagger, parts[tagger]) for one, tagger in taggers.items())
    return {one: {"tagger": tagger, "run": part.run.id} for one, tagger, part in found if part}
