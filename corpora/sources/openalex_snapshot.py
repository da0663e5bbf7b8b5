"""OpenAlex's snapshot: JSON lines or Parquet, read by DuckDB with the search's filters pushed down.

Filters are applied in SQL. The text of a search is matched on the words as they stand, whereas the
API stems and drops stop words: the two find nearly, but not exactly, the same works, and the run
says so. https://developers.openalex.org
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from corpora import boolean
from corpora.errors import HarvestError, InputError
from corpora.formats.base import Row
from corpora.progress import Progress, silent
from corpora.run import now
from corpora.sources.base import Fetched, Search
from corpora.sources.openalex import row
from corpora.sources.openalex_query import parts
from corpora.sources.openalex_work import plain_abstract
from corpora.staging import connect
from corpora.words import counted

_BATCH = 500
_MATCHED_AS = "words as they stand; the API would stem them and drop stop words"


class Snapshot:
    """One search over the works of a snapshot folder (or of any folder with such files)."""

    def __init__(self, folder: Path, search: Search, temporary: Path) -> None:
        self.folder, self.search = folder, search
        self.files = _files(folder)
        self._filters, self._text = parts(search.query, search.limits)
        self._where = " AND ".join([_condition(*one) for one in self._filters.items()] or ["true"])
        self._temporary = temporary
        self.counts = {"read": 0, "passed": 0, "matched": 0}

    def check(self, progress: Progress = silent) -> Fetched:
        """Count what the files hold, what passes the filters and what the text matches.

        Raises:
            HarvestError: the files hold another number of works than their manifest says.

        """
        with connect(self._temporary) as connection:
            ((read,),) = connection.execute(f"SELECT count(*) FROM ({self._source()})").fetchall()  # noqa: S608
        self.counts["read"] = int(read)
        promised = _manifest(self.folder)
        if promised is not None and promised != self.counts["read"]:
            raise HarvestError(
                f"{self.folder}: its manifest lists {counted(promised, 'work')}, the files here hold "
                f"{self.counts['read']:,}; download what is missing (nothing was taken)"
            )
        ids = [one["id"] for one in self._works(progress)]
        explained = {
            "outside the filters": self.counts["read"] - self.counts["passed"],
            "not matched by the text": self.counts["passed"] - self.counts["matched"],
            "listed twice": len(ids) - len(set(ids)),
        }
        return Fetched(
            promised=self.counts["read"],
            explained={name: count for name, count in explained.items() if count},
            details={
                "strategy": self.search.query,
                "limits": list(self.search.limits),
                "files": [path.relative_to(self.folder).as_posix() for path in self.files],
                "searched": now(),
                "searched_in": f"title and abstract, {_MATCHED_AS}" if self._text else "filters only",
                "host": "OpenAlex snapshot",
            },
            notes=[f"{self.search.name}: matched on {_MATCHED_AS}"] if self._text else [],
        )

    def rows(self, progress: Progress = silent) -> Iterator[Row]:
        """Every work that passes, once."""
        seen: set[str] = set()
        for work in self._works(progress):
            if work["id"] not in seen:
                seen.add(work["id"])
                yield row(work)

    def _works(self, progress: Progress) -> Iterator[dict[str, Any]]:
        matches = _matcher(self._text)
        self.counts["passed"] = self.counts["matched"] = 0
        query = f"SELECT work FROM ({self._source()}) WHERE {self._where}"  # noqa: S608
        with connect(self._temporary) as connection:
            for batch in connection.sql(query).to_arrow_reader(_BATCH):
                for text in batch.column(0).to_pylist():
                    self.counts["passed"] += 1
                    work = _work(text)
                    if matches(work):
                        self.counts["matched"] += 1
                        yield work
                progress(f"reading {self.search.name}", self.counts["passed"])

    def _source(self) -> str:
        """SQL of one column ``work``, JSON, whatever the files are; newest parts first."""
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in self.files)
        if self.files[0].suffix == ".parquet":
            return f"SELECT to_json(one) AS work FROM read_parquet([{listed}], union_by_name=true) one"  # noqa: S608
        return f"SELECT json AS work FROM read_json_objects([{listed}], format='newline_delimited')"  # noqa: S608


def _work(text: str) -> dict[str, Any]:
    work: dict[str, Any] = json.loads(text)
    if isinstance(index := work.get("abstract_inverted_index"), str):
        # Parquet keeps the index as the text of a JSON object.
        work["abstract_inverted_index"] = json.loads(index)
    return work


def _files(folder: Path) -> list[Path]:
    """Parquet files if there are any, else JSON lines; of the folder ``works`` if there is one."""
    home = next((path for path in sorted(folder.rglob("works")) if path.is_dir()), folder)
    found = sorted(home.rglob("*.parquet"), reverse=True)
    for pattern in ("*.gz", "*.jsonl"):
        found = found or sorted(home.rglob(pattern), reverse=True)
    if not found:
        raise InputError(f"{folder}: no works here (part_*.gz, *.jsonl or *.parquet)")
    return found


def _manifest(folder: Path) -> int | None:
    """Works that the manifest lists; None without one."""
    found = sorted((*folder.rglob("works/manifest"), *folder.rglob("works/manifest.json")))
    if not found:
        return None
    entries = json.loads(found[0].read_text("utf-8"))["entries"]
    return sum(int(entry["meta"]["record_count"]) for entry in entries)


_COLUMNS = {
    "publication_year": "(work->>'$.publication_year')::BIGINT",
    "cited_by_count": "(work->>'$.cited_by_count')::BIGINT",
    "language": "work->>'$.language'",
    "type": "work->>'$.type'",
    "is_retracted": "work->>'$.is_retracted'",
    "doi": "regexp_replace(lower(work->>'$.doi'), '^https?://doi.org/', '')",
    "ids.pmid": "regexp_extract(work->>'$.ids.pmid', '[0-9]+$')",
    "pmid": "regexp_extract(work->>'$.ids.pmid', '[0-9]+$')",
    "ids.openalex": "upper(regexp_extract(work->>'$.id', '[Ww][0-9]+$'))",
    "openalex": "upper(regexp_extract(work->>'$.id', '[Ww][0-9]+$'))",
}
_NUMBERS = ("publication_year", "cited_by_count")


def _condition(name: str, value: str) -> str:
    """A filter of the API as SQL.

    >>> _condition("publication_year", "2020-2022|null")
    "((work->>'$.publication_year')::BIGINT BETWEEN 2020 AND 2022 OR \
(work->>'$.publication_year')::BIGINT IS NULL)"
    """
    if name not in _COLUMNS:
        known = ", ".join(sorted(_COLUMNS))
        raise InputError(f"OpenAlex snapshot: the filter {name!r} cannot be applied to files; known: {known}")
    column = _COLUMNS[name]
    options = [_option(name, column, option.strip()) for option in value.split("|")]
    return f"({' OR '.join(options)})"


def _option(name: str, column: str, option: str) -> str:
    if option == "null":
        return f"{column} IS NULL"
    if name in _NUMBERS:
        ends = re.fullmatch(r"(\d*)-(\d*)|([<>])(\d+)|(\d+)", option)
        if not ends:
            raise InputError(f"OpenAlex snapshot: {name}:{option}: write a number, 2020-2024, >2019 or <2025")
        low, high, sign, bound, exact = ends.groups()
        if sign:
            return f"{column} {sign} {bound}"
        return f"{column} BETWEEN {exact or low or 0} AND {exact or high or 9_999_999_999}"
    plain = option.rsplit("org/", 1)[-1].rsplit("gov/", 1)[-1]
    plain = plain.upper() if "openalex" in name else plain.lower()
    return f"{column} = '{plain.replace(chr(39), chr(39) * 2)}'"


def _matcher(text: str) -> Callable[[dict[str, Any]], bool]:
    if not text:
        return lambda _: True
    find = boolean.matcher(text)

    def matches(work: dict[str, Any]) -> bool:
        abstract = plain_abstract(work.get("abstract_inverted_index")) or ""
        return find(boolean.Document(f"{work.get('title') or ''} {abstract}".lower()))

    return matches
