"""`Facts`: one narrow row a study, and a full-text index, for one snapshot of a workspace.

Figures and dashboard read these, never the corpus itself. They are kept in ``cache/<hash>/`` and
may be deleted at any time. ``year`` is the earliest year of a study's reports; its labels are the
union over its records (method rules, section 8). So are its ``keywords`` and ``mesh`` (descriptors),
both in lower case, and its ``countries`` (ISO 3166-1 alpha-2); ``author_names`` are those of one record,
for two records may write the same people differently. Each is null where no record brings any.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from corpora import places
from corpora.dedupe.cluster import Clusters
from review import decisions, linking, patches, removing
from review.workspace import Workspace

_RECORD_COLUMNS = [
    "record_id", "source", "doi", "pmid", "openalex_id", "title", "abstract", "year", "venue",
    "publication_types", "authors", "language", "citation_count", "retraction", "url", "keywords", "mesh",
]  # fmt: skip

_FORM = 2
"""Raised when a column is added, so that a cache of an older litscale is built anew."""


@dataclass(frozen=True, slots=True)
class Facts:
    """``studies``: one row a study; ``labels``: dimension → tagger and run that speak for it."""

    snapshot: str
    folder: Path
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
        query = " ".join(terms) + "*"
        with closing(_read_only(self.folder / "search.sqlite")) as connection:
            rows = connection.execute(
                "SELECT study_id FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT ?",
                (query, limit),
            )
            return [row[0] for row in rows]

    def text(self, study_id: str) -> tuple[str, str]:
        """Title and abstract of a study as they were indexed."""
        with closing(_read_only(self.folder / "search.sqlite")) as connection:
            row = connection.execute(
                "SELECT title, abstract FROM texts WHERE study_id = ?", (study_id,)
            ).fetchone()
        return (row[0] or "", row[1] or "") if row else ("", "")


def facts(workspace: Workspace) -> Facts:
    """The facts of the present snapshot; built once and then read from the cache."""
    snapshot = workspace.snapshot()
    cache = workspace.root / "cache"
    folder = cache / f"{snapshot}-{_FORM}"
    codebook = load_codebook(workspace.protocol.labels.codebook)
    if not (folder / "facts.json").exists():
        building = cache / f".tmp-{snapshot}-{os.getpid()}"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        spoken = _build(workspace, codebook, building)
        (building / "facts.json").write_text(json.dumps({"labels": spoken}), "utf-8")
        if not (folder / "facts.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            building.rename(folder)
        _forget_older(cache, keep=folder.name)
    spoken = json.loads((folder / "facts.json").read_text("utf-8"))["labels"]
    studies = pq.read_table(folder / "studies.parquet").to_pandas()
    return Facts(snapshot, folder, studies, spoken, codebook)


def shown(studies: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The studies that shares are about, and their name: the included ones, or all while there are none."""
    included = studies["status"] == "included"
    if included.any():
        return studies[included], f"{int(included.sum()):,} studies, those included so far"
    return studies, f"{len(studies):,} studies: all identified, none included yet"


def _forget_older(cache: Path, keep: str) -> None:
    """Keep the three newest snapshots: a dashboard may still read the one before."""
    held = sorted(
        (path for path in cache.iterdir() if (path / "facts.json").exists() and path.name != keep),
        key=lambda path: path.stat().st_mtime,
    )
    for path in held[:-2]:
        shutil.rmtree(path, ignore_errors=True)


def _build(workspace: Workspace, codebook: Codebook, folder: Path) -> dict[str, dict[str, str]]:
    records = patches.records(workspace, _RECORD_COLUMNS).to_pandas()
    clusters = linking.clusters(workspace)
    records["study_id"] = records["record_id"].map(clusters.studies)
    records["report_id"] = records["record_id"].map(clusters.reports)
    studies, texts = _studies(records)
    studies["status"] = _status(workspace, clusters, studies)
    labels, spoken = _labels(workspace, codebook, clusters)
    lists = {"author_names": studies.pop("author_names").tolist(), **_lists(records, studies["study_id"])}
    table = pa.Table.from_pandas(studies, preserve_index=False)
    for name, cells in lists.items():
        table = table.append_column(name, pa.array(cells, pa.list_(pa.string())))
    for name in [dimension.id for dimension in codebook.all_dimensions()]:
        held = labels.get(name, {})
        cells = [held.get(study) for study in studies["study_id"]]
        table = table.append_column(name, pa.array(cells, pa.list_(pa.string())))
    pq.write_table(table, folder / "studies.parquet", compression="zstd")
    _index(folder / "search.sqlite", texts)
    return spoken


def _studies(records: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[Any, ...]]]:
    """One row a study; the shown fields are those of its most complete record."""
    records = records.assign(
        complete=records["abstract"].fillna("").str.len().clip(upper=400) / 400
        + records["doi"].notna()
        + (~records["source"].str.contains("arxiv|preprint|rxiv", na=False)) * 0.5,
        names=records["authors"].map(lambda authors: _names(authors) or None, na_action=None),
    )
    # The most complete first; ids break ties, so that the same corpus gives the same row.
    records = records.sort_values(["study_id", "complete", "record_id"], ascending=[True, False, True])
    grouped = records.groupby("study_id", sort=True)
    shown = grouped.first()
    people = ["; ".join(names or ()) for names in shown["names"]]
    studies = pd.DataFrame(
        {
            "study_id": shown.index,
            "record_ids": grouped["record_id"].agg(list).to_numpy(),
            "report_ids": grouped["report_id"].agg(lambda ids: sorted(set(ids))).to_numpy(),
            "title": shown["title"].to_numpy(),
            "year": grouped["year"].min().astype("Int32").array,
            "venue": shown["venue"].to_numpy(),
            "authors": people,
            "author_names": shown["names"].to_numpy(),
            "sources": grouped["source"].agg(lambda names: sorted(set(names))).to_numpy(),
            "doi": shown["doi"].to_numpy(),
            "pmid": shown["pmid"].to_numpy(),
            "openalex_id": shown["openalex_id"].to_numpy(),
            "url": shown["url"].to_numpy(),
            "language": shown["language"].to_numpy(),
            "citation_count": grouped["citation_count"].max().astype("Int64").array,
            "retraction": shown["retraction"].to_numpy(),
            "has_abstract": shown["abstract"].notna().to_numpy(),
        }
    )
    texts = list(
        zip(
            shown.index,
            shown["title"],
            shown["abstract"],
            people,
            shown["venue"],
            strict=True,
        )
    )
    return studies, texts


def _lists(records: pd.DataFrame, studies: pd.Series) -> dict[str, list[list[str] | None]]:
    """The union over a study's records: column → one list a study, None where no record brings any."""
    held: dict[str, dict[str, set[str]]] = {"countries": {}, "keywords": {}, "mesh": {}}
    columns = (records[name] for name in ("study_id", "authors", "keywords", "mesh"))
    for study, authors, keywords, mesh in zip(*columns, strict=True):
        descriptors = (heading["descriptor"] for heading in _listed(mesh))
        held["countries"].setdefault(study, set()).update(_countries(authors))
        held["keywords"].setdefault(study, set()).update(word.strip().lower() for word in _listed(keywords))
        held["mesh"].setdefault(study, set()).update(word.strip().lower() for word in descriptors)
    return {name: [sorted(found[study] - {""}) or None for study in studies] for name, found in held.items()}


def _listed(cell: Any) -> Iterable[Any]:
    return () if cell is None else cell


def _names(authors: Any) -> list[str]:
    named = [(author["family"], author["given"]) for author in _listed(authors) if author["family"]]
    return [f"{family}, {given}" if given else family for family, given in named]


def _countries(authors: Any) -> set[str]:
    """Of each author the country that the source gave, and those that the affiliations end with."""
    found: set[str | None] = set()
    for author in _listed(authors):
        found |= {author["country"], *map(places.country, _listed(author["affiliations"]))}
    return {code for code in found if code}


def _status(workspace: Workspace, clusters: Clusters, studies: pd.DataFrame) -> list[str]:
    """Where each study stands: the furthest any of its reports has come; removed counts as excluded."""
    rows = decisions.settled(workspace, clusters.reports)
    removed, _ = removing.standing(workspace, clusters.reports)
    verdicts = {
        (report, stage): verdict
        for report, stage, verdict in zip(rows["report_id"], rows["stage"], rows["verdict"], strict=True)
    }
    stages = workspace.protocol.stages
    order = ("included", "conflict", "awaiting", "excluded")
    return [
        min(
            (
                "excluded" if report in removed else _report_status(report, verdicts, stages)
                for report in reports
            ),
            key=order.index,
        )
        for reports in studies["report_ids"]
    ]


def _report_status(report: str, verdicts: dict[tuple[str, str], str], stages: list[str]) -> str:
    for stage in stages:
        verdict = verdicts.get((report, stage))
        if verdict != "include":
            return {None: "awaiting", "exclude": "excluded"}.get(verdict, "conflict")
    return "included"


def _labels(
    workspace: Workspace, codebook: Codebook, clusters: Clusters
) -> tuple[dict[str, dict[str, list[str]]], dict[str, dict[str, str]]]:
    """Per dimension: study → sorted label ids (tagged, but none given: empty list)."""
    found: dict[str, dict[str, list[str]]] = {}
    spoken: dict[str, dict[str, str]] = {}
    for dimension in codebook.all_dimensions():
        tagger = workspace.protocol.labels.tagger_of(codebook.root_of(dimension.id))
        part = workspace.latest("labels", tagger=tagger)
        if part is None:
            continue
        spoken[dimension.id] = {"tagger": tagger, "run": part.run.id}
        table = workspace.corpus.table(
            "labels", "labels", ["record_id", "dimension", "label", "value"], part.run.id
        )
        chosen = table.filter(pa.compute.equal(table["dimension"], dimension.id))
        held: dict[str, set[str]] = {}
        columns = (chosen[name].to_pylist() for name in ("record_id", "label", "value"))
        for record, label, value in zip(*columns, strict=True):
            if record in clusters.studies:
                labels = held.setdefault(clusters.studies[record], set())
                if value:
                    labels.add(label)
        found[dimension.id] = {study: sorted(labels) for study, labels in held.items()}
    return found, spoken


def _index(path: Path, texts: Iterable[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE VIRTUAL TABLE texts USING fts5(study_id UNINDEXED, title, abstract, authors, "
            'venue, tokenize = "unicode61 remove_diacritics 2")'
        )
        connection.executemany("INSERT INTO texts VALUES (?, ?, ?, ?, ?)", texts)
        connection.execute("INSERT INTO texts(texts) VALUES ('optimize')")


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
