"""The reports of a review as a screener reads them: one text each, mapped from a narrow file.

A report is shown by its most complete record; a field that this one lacks comes from another. The
fields that are shown lie uncompressed in ``cache/texts/`` under the hash of what they were read from,
so that opening a session again reads no Parquet and holds no abstract in memory.
"""

import html
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.errors import StoreError
from corpora.record import text_hash
from review import linking, patches
from review.workspace import Workspace

COLUMNS = (
    "record_id", "source", "title", "abstract", "year", "venue", "volume", "pages", "authors", "keywords",
    "mesh", "publication_types", "language", "doi", "pmid", "openalex_id", "url", "retraction",
)  # fmt: skip

SHORTEST_ABSTRACT = 100
"""Characters; a shorter abstract is not usable for ranking or a stop (method rules, section 5)."""

_ENGLISH = ("", "en", "eng", "english")

_CHUNK = 10_000
"""Records that are written together."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One report as it is shown: ``fields`` by name, and all its records.

    Title and abstract are `readable`; ``text_hash`` names them as the source gave them.
    """

    report: str
    record_id: str
    members: tuple[str, ...]
    fields: dict[str, Any]
    text_hash: str = ""


class Texts:
    """All reports in the order of their ids; row i of every array here is report ``ids[i]``."""

    def __init__(self, workspace: Workspace) -> None:
        self.fingerprint = workspace.hash_of("records", "links", ledger=("patches", "links", "withdrawals"))
        self._table = _mapped(workspace, self.fingerprint)
        self.reports = linking.clusters(workspace).reports
        records = self._table["record_id"].to_pylist()
        usable = _lengths(self._table["abstract"])
        self._filled: dict[tuple[str, str], str] = {}
        self._rows: dict[str, list[int]] = {}
        for row, record in enumerate(records):
            self._rows.setdefault(self.reports[record], []).append(row)
        self.ids = sorted(self._rows)
        self.index = {report: place for place, report in enumerate(self.ids)}
        # The fullest abstract first; record ids break ties, so every machine shows the same one.
        for rows in self._rows.values():
            rows.sort(key=lambda row: (-min(int(usable[row]), 400), records[row]))
        self.rankable = self._rankable(usable)

    def __len__(self) -> int:
        return len(self.ids)

    def _rankable(self, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a report has an abstract to go by, in a language that the ranker covers."""
        languages = self._table["language"].to_pylist()
        first = [self._rows[report][0] for report in self.ids]
        return np.array(
            [
                lengths[row] >= SHORTEST_ABSTRACT and (languages[row] or "").strip().lower() in _ENGLISH
                for row in first
            ],
            dtype=bool,
        )

    def members(self, report: str) -> tuple[str, ...]:
        """Record ids of a report, sorted."""
        table = self._table["record_id"]
        return tuple(sorted(table[row].as_py() for row in self._rows[report]))

    def shown(self, report: str) -> Shown:
        """A report with all its fields."""
        rows = [self._table.slice(row, 1).to_pylist()[0] for row in self._rows[report]]
        for row in rows:
            row.update({name: v for (record, name), v in self._filled.items() if record == row["record_id"]})
        fields = dict(rows[0])
        for other in rows[1:]:
            for name, value in other.items():
                if fields[name] in (None, "", []) and value not in (None, "", []):
                    fields[name] = value
        fields["retraction"] = next((row["retraction"] for row in rows if row["retraction"]), None)
        members = tuple(sorted(row["record_id"] for row in rows))
        named = text_hash(fields["title"], fields["abstract"])
        fields |= {name: readable(fields[name]) for name in ("title", "abstract") if fields[name]}
        return Shown(report, str(rows[0]["record_id"]), members, fields, named)

    def fill(self, record_id: str, field: str, value: str) -> None:
        """Show a field as it was filled in this session; the patch is kept by `review.patches`."""
        self._filled[record_id, field] = value

    def documents(self) -> Iterator[tuple[str, str, str, str]]:
        """Title, abstract, keywords with MeSH, and venue of every report, in the order of ids."""
        columns = [self._table[name] for name in ("title", "abstract", "keywords", "mesh", "venue")]
        for report in self.ids:
            row = self._rows[report][0]
            title, abstract, keywords, mesh, venue = (column[row].as_py() for column in columns)
            words = [*(keywords or []), *(heading["descriptor"] for heading in mesh or [])]
            yield title or "", abstract or "", "; ".join(words), venue or ""

    def find(self, words: str, limit: int = 200) -> list[str]:
        """Reports whose title or abstract hold all words, in the order of ids."""
        import pyarrow.compute as pc

        terms = words.lower().split()
        if not terms:
            return []
        hay = pc.utf8_lower(pc.binary_join_element_wise(
            pc.fill_null(self._table["title"], ""), pc.fill_null(self._table["abstract"], ""), "\n"
        ))  # fmt: skip
        mask = pc.match_substring(hay, terms[0])
        for term in terms[1:]:
            mask = pc.and_(mask, pc.match_substring(hay, term))
        hits = pc.filter(self._table["record_id"], mask).to_pylist()
        return sorted({self.reports[record] for record in hits})[:limit]

    def known(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """Reports of record ids, DOIs or PMIDs, and the names that none answers to."""
        wanted = [name.strip() for name in names if name.strip()]
        held: dict[str, str] = {}
        for column in ("record_id", "doi", "pmid", "openalex_id"):
            cells = self._table[column].to_pylist()
            ids = self._table["record_id"].to_pylist()
            held.update({str(c).lower(): self.reports[r] for c, r in zip(cells, ids, strict=True) if c})
        plain = [name.lower().removeprefix("https://doi.org/").removeprefix("doi:") for name in wanted]
        found = [held[name] for name in plain if name in held]
        return found, [name for name, key in zip(wanted, plain, strict=True) if key not in held]


_INLINE = re.compile(
    r"</?(?:jats:)?(?:i|b|u|em|strong|italic|bold|sub|sup|sc|scp|tt|span)\b[^<>]{0,80}>", re.I
)
_BLOCK = re.compile(
    r"</?(?:jats:)?(?:h[1-6]|p|br|div|ul|ol|li|title|subtitle|sec|abstract)\b[^<>]{0,80}>", re.I
)


def readable(text: str) -> str:
    """A text without the markup that databases leave in it: entities, also doubled ones, and known tags.

    >>> readable("Bones&lt;subtitle&gt;A &amp;amp; B&lt;/subtitle&gt; <h2>Text</h2> CO<sub>2</sub>, p < .05")
    'Bones A & B Text CO2, p < .05'
    """
    if "&" not in text and "<" not in text:
        return text
    plain = html.unescape(html.unescape(text))
    return re.sub(r" {2,}", " ", _BLOCK.sub(" ", _INLINE.sub("", plain))).strip()


def _lengths(column: pa.ChunkedArray) -> NDArray[np.int64]:
    import pyarrow.compute as pc

    counted = pc.fill_null(pc.utf8_length(column), 0)
    return np.asarray(counted.to_numpy(), dtype=np.int64)


def _mapped(workspace: Workspace, fingerprint: str) -> pa.Table:
    """The newest version of every record, mapped; written first unless that is done."""
    path = workspace.root / "cache" / "texts" / f"{fingerprint}.arrow"
    if not path.exists():
        _write(workspace, path)
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _write(workspace: Workspace, path: Path) -> None:
    """Write what is shown, the abstracts apart: reading them is what takes the most memory.

    Raises:
        StoreError: records came in between the two readings.

    """
    table = patches.records(workspace, [name for name in COLUMNS if name != "abstract"])
    abstracts = patches.records(workspace, ("record_id", "abstract"))
    if not table["record_id"].equals(abstracts["record_id"]):
        raise StoreError(f"{workspace.root}: records came in while they were read; open it again")
    table = table.append_column(abstracts.schema.field("abstract"), abstracts["abstract"]).select(COLUMNS)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{uuid4().hex}")
    with pa.ipc.new_file(str(temporary), table.schema) as file:
        file.write_table(table, max_chunksize=_CHUNK)
    for old in path.parent.glob("*.arrow"):
        with suppress(OSError):  # in use on a system that does not let go of it
            old.unlink()
    temporary.rename(path)
    del table, abstracts
    pa.default_memory_pool().release_unused()
