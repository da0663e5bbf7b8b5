"""What the facts of a review are made of, in three parts that change at their own pace.

The table of studies with its full-text index comes from records and links and is dear; the status of
each study comes from the ledger, its labels from the taggers' runs. A part is one value a study, in the
order of their ids, so that parts are joined by laying them side by side.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpora import places
from review import decisions, linking, patches, removing
from review.workspace import Workspace

Places = NDArray[np.int64]

_SHOWN = ("title", "venue", "doi", "pmid", "openalex_id", "url", "language", "retraction", "abstract")
"""Fields of which a study shows one record's value: that of the most complete record that has it."""

_READ = ("record_id", "source", "year", "authors", "citation_count", "keywords", "mesh", *_SHOWN)

_LISTS = pa.list_(pa.string())

_GATHERED = 64 << 20
"""Bytes of the index that are held in memory while it is made."""

_ORDER = ("included", "conflict", "awaiting", "excluded")
"""Where a report can stand, the furthest first."""


def write_studies(workspace: Workspace, folder: Path) -> None:
    """Write ``studies.parquet``, which record is in which study, and the full-text index."""
    table = patches.records(workspace, _READ)
    clusters = linking.clusters(workspace)
    ids = table["record_id"].to_pylist()
    members = {
        "record_id": table["record_id"],
        "report_id": pa.array([clusters.reports[one] for one in ids], pa.string()),
        "study_id": pa.array([clusters.studies[one] for one in ids], pa.string()),
    }
    pq.write_table(pa.table(members), folder / "members.parquet", compression="zstd")
    for name in ("report_id", "study_id"):
        table = table.append_column(name, members[name])
    studies, abstracts = studies_of(table)
    pq.write_table(studies, folder / "studies.parquet", compression="zstd")
    columns = [studies["study_id"], studies["title"], abstracts, studies["authors"], studies["venue"]]
    _index(folder / "search.sqlite", zip(*(column.to_pylist() for column in columns), strict=True))


def studies_of(records: pa.Table) -> tuple[pa.Table, pa.ChunkedArray]:
    """One row a study, sorted by its id, and the abstracts; ``records`` have report_id and study_id.

    The most complete record of a study comes first; ids break ties, so that the same corpus gives the
    same row.
    """
    ids, owner = _coded(records["study_id"])
    order = np.lexsort((_coded(records["record_id"])[1], -_completeness(records), owner))
    records, owner = records.take(pa.array(order)), owner[order]
    count = len(ids)
    names = _names(records["authors"])
    first = {name: _first(records[name], owner, count) for name in _SHOWN}
    people = _first(names, owner, count)
    numbers = pa.table({"owner": owner, "year": records["year"], "cited": records["citation_count"]})
    most = numbers.group_by("owner", use_threads=False).aggregate([("year", "min"), ("cited", "max")])
    ends = np.searchsorted(owner, np.arange(count + 1))
    made = {
        "study_id": ids,
        "record_ids": pa.ListArray.from_arrays(pa.array(ends, pa.int32()), _whole(records["record_id"])),
        "report_ids": _union(owner, _whole(records["report_id"]), count),
        "title": first["title"],
        "year": most["year_min"].cast(pa.int32()),
        "venue": first["venue"],
        "authors": pc.fill_null(pc.binary_join(people, "; "), ""),
        "sources": _union(owner, _whole(records["source"]), count),
        "doi": first["doi"],
        "pmid": first["pmid"],
        "openalex_id": first["openalex_id"],
        "url": first["url"],
        "language": first["language"],
        "citation_count": most["cited_max"],
        "retraction": first["retraction"],
        "has_abstract": pc.is_valid(first["abstract"]),
        "author_names": people,
        "countries": _countries(records["authors"], owner, count),
        "keywords": _words(records["keywords"], owner, count),
        "mesh": _words(records["mesh"], owner, count),
    }
    return pa.table(made), first["abstract"]


def statuses(workspace: Workspace, members: pa.Table) -> pa.Table:
    """Where each study stands: the furthest any of its reports has come; removed counts as excluded."""
    reports = dict(zip(members["record_id"].to_pylist(), members["report_id"].to_pylist(), strict=True))
    settled = decisions.settled(workspace, reports)
    stages: dict[str, dict[str, str]] = {stage: {} for stage in workspace.protocol.stages}
    columns = (settled[name].tolist() for name in ("report_id", "stage", "verdict"))
    for report, stage, verdict in zip(*columns, strict=True):
        stages[stage][report] = verdict
    removed, _ = removing.standing(workspace, reports)
    reached = {
        report: _ORDER.index("excluded" if report in removed else _standing(report, stages))
        for report in set(reports.values())
    }
    ids, owner = _coded(members["study_id"])
    furthest = np.full(len(ids), len(_ORDER) - 1)
    np.minimum.at(furthest, owner, [reached[report] for report in members["report_id"].to_pylist()])
    return pa.table({"status": pa.array(_ORDER, pa.string()).take(pa.array(furthest))})


def _standing(report: str, stages: Mapping[str, Mapping[str, str]]) -> str:
    for verdicts in stages.values():
        verdict = verdicts.get(report)
        if verdict != "include":
            return {None: "awaiting", "exclude": "excluded"}.get(verdict, "conflict")
    return "included"


def labels(workspace: Workspace, members: pa.Table, runs: Mapping[str, str | None]) -> pa.Table:
    """For each dimension its studies' sorted label ids, by its run; null where nothing was tagged.

    ``runs`` maps dimension → run of the tagger that speaks for it. A study that was tagged and given
    none has an empty list.
    """
    ids, owner = _coded(members["study_id"])
    made = {dimension: pa.nulls(len(ids), _LISTS) for dimension in runs}
    wanted = ["record_id", "dimension", "label", "value"]
    for run in sorted({run for run in runs.values() if run}):
        table = workspace.corpus.table("labels", "labels", wanted, run, coded=wanted[:3])
        table = table.unify_dictionaries().combine_chunks()
        record, dimension, label = (_whole(table[name]) for name in wanted[:3])
        place = pc.index_in(record.dictionary, members["record_id"].combine_chunks())
        study = pc.fill_null(pc.take(pa.array(owner), place), -1).to_numpy()[record.indices.to_numpy()]
        given = pc.fill_null(table["value"], False).to_numpy()
        dimensions = dimension.indices.to_numpy()
        names = dimension.dictionary.to_pylist()
        for name in (name for name in names if runs.get(name) == run):
            rows = np.flatnonzero((dimensions == names.index(name)) & (study >= 0))
            tagged = np.zeros(len(ids), dtype=bool)
            tagged[study[rows]] = True
            rows = rows[given[rows]]
            made[name] = _union(study[rows], label.take(pa.array(rows)), len(ids), tagged)
    return pa.table(made)


# ------------------------------------------------------------------ one value a study


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _coded(values: pa.ChunkedArray | pa.Array) -> tuple[pa.Array, Places]:
    """The distinct values, sorted, and the place of each value among them."""
    coded = _whole(values)
    coded = coded if isinstance(coded, pa.DictionaryArray) else coded.dictionary_encode()
    order = pc.sort_indices(coded.dictionary)
    place = np.empty(len(order), dtype=np.int64)
    place[order.to_numpy()] = np.arange(len(order))
    return coded.dictionary.take(order), place[coded.indices.to_numpy()]


def _first(column: pa.ChunkedArray | pa.Array, owner: Places, count: int) -> Any:
    """Of each study the first value that is not null; ``owner`` gives the study of each row, ascending."""
    held = np.flatnonzero(pc.is_valid(column).to_numpy(zero_copy_only=False))
    studies, at = np.unique(owner[held], return_index=True)
    rows = np.full(count, -1, dtype=np.int64)
    rows[studies] = held[at]
    return column.take(pa.array(rows, mask=rows < 0))


def _union(owner: Places, values: pa.Array, count: int, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Of each study its distinct values, sorted; null for those not ``known``: by default, without any."""
    names, place = _coded(values)
    pairs = np.unique(owner * max(len(names), 1) + place)
    study, value = np.divmod(pairs, max(len(names), 1))
    ends = np.searchsorted(study, np.arange(count + 1))
    missing = np.diff(ends) == 0 if known is None else ~known
    return pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), names.take(pa.array(value)), mask=pa.array(missing)
    )


def _mapped(owner: Places, values: pa.Array, to: Callable[[str], str | None]) -> tuple[Places, pa.Array]:
    """The values that ``to`` makes something of, with their owners; it is asked once for each value."""
    coded = values.dictionary_encode()
    told = pa.array([to(one) or None if one else None for one in coded.dictionary.to_pylist()], pa.string())
    made = told.take(coded.indices)
    held = np.flatnonzero(made.is_valid().to_numpy(zero_copy_only=False))
    return owner[held], made.take(pa.array(held))


def _flat(column: pa.Array, owner: Places) -> tuple[Places, pa.Array]:
    """The elements of lists, each with its list's owner."""
    return owner[pc.list_parent_indices(column).to_numpy()], column.flatten()


def _completeness(records: pa.Table) -> NDArray[np.float64]:
    """How much a record tells: the length of its abstract up to 400, a DOI, and no preprint's source."""
    length = pc.fill_null(pc.utf8_length(records["abstract"]), 0).to_numpy()
    doi = pc.is_valid(records["doi"]).to_numpy()
    preprint = pc.match_substring_regex(pc.fill_null(records["source"], ""), "arxiv|preprint|rxiv").to_numpy()
    return np.asarray(np.minimum(length, 400) / 400 + doi + ~preprint * 0.5, dtype=np.float64)


def _names(authors: pa.ChunkedArray) -> pa.Array:
    """``family, given`` of all who have a family name; null where nobody has."""
    lists = _whole(authors)
    owner, people = _flat(lists, np.arange(len(lists)))
    family, given = (pc.fill_null(pc.struct_field(people, name), "") for name in ("family", "given"))
    both = pc.binary_join_element_wise(family, given, ", ")
    names = pc.if_else(pc.equal(given, ""), family, both)
    held = np.flatnonzero(pc.not_equal(family, "").to_numpy(zero_copy_only=False))
    ends = np.searchsorted(owner[held], np.arange(len(lists) + 1))
    return pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), names.take(pa.array(held)), mask=pa.array(np.diff(ends) == 0)
    )


def _countries(authors: pa.ChunkedArray, owner: Places, count: int) -> pa.Array:
    """Of each author the country that the source gave, and those that the affiliations end with."""
    whose, people = _flat(_whole(authors), owner)
    given = _mapped(whose, pc.struct_field(people, "country"), str)
    told = _mapped(*_flat(pc.struct_field(people, "affiliations"), whose), places.country)
    whose, codes = np.concatenate([given[0], told[0]]), pa.concat_arrays([given[1], told[1]])
    return _union(whose, codes, count)


def _words(column: pa.ChunkedArray, owner: Places, count: int) -> pa.Array:
    """Keywords, or the descriptors of headings, in lower case."""
    whose, words = _flat(_whole(column), owner)
    if pa.types.is_struct(words.type):
        words = pc.struct_field(words, "descriptor")
    return _union(*_mapped(whose, words, lambda word: word.strip().lower()), count)


def _index(path: Path, texts: Iterable[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        # Written aside and renamed when whole: a journal would protect nothing.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE VIRTUAL TABLE texts USING fts5(study_id UNINDEXED, title, abstract, authors, "
            'venue, tokenize = "unicode61 remove_diacritics 2")'
        )
        # Words are gathered in memory before they are merged: a third less time than with the usual 1 MB.
        connection.execute("INSERT INTO texts(texts, rank) VALUES ('hashsize', ?)", (_GATHERED,))
        connection.executemany("INSERT INTO texts VALUES (?, ?, ?, ?, ?)", texts)
        connection.execute("INSERT INTO texts(texts) VALUES ('optimize')")
