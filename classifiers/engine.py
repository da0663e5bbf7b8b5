"""Tagging a corpus larger than memory: in one process, on all of a machine, or on a Ray cluster.

Records stream through in parts of `PART`; each part's scores are committed to a file of their own, by
one rename, and named by what they were made of: tagger, codebook, model, record ids and texts. So a
run that was killed goes on where it was, a changed text is scored again, and it does not matter which
engine scored which part: the parts are cut alike, and only the process that reads the corpus writes.

The same tagger gives the same numbers in every engine, as long as it computes each part by itself;
labels come out in the order of record ids.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from classifiers.codebook import Codebook
from classifiers.parallel.spec import TEXTS, Batches, Spec, score, scored_schema
from classifiers.tagger import Floats, decide, rolled_up
from corpora import registry
from corpora.errors import DiskError, InputError
from corpora.progress import Progress, silent
from corpora.record import digest, text_hash
from corpora.schema import LABELS

PART = 2_000
"""Records between two commits: what a kill can cost, and what a worker is handed at a time."""


@dataclass(frozen=True)
class Scored:
    """Scores of a whole corpus, in parts on disk."""

    spec: Spec
    parts: tuple[Path, ...]
    records: int
    reused: int
    """Records whose scores stood there from an earlier run."""

    def scores(self, rows: int = PART) -> Iterator[pa.Table]:
        """All scores by `scored_schema`, sorted by record id (then text), ``rows`` at a time.

        The sort spills to disk beside the parts, so it needs no more memory than DuckDB allows itself.
        """
        if not self.parts:
            return
        folder = self.parts[0].parent
        settings: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "temp_directory": str(folder / ".tmp-sort"),
        }
        with duckdb.connect(config=settings) as connection:
            found = connection.sql(
                "SELECT * FROM read_parquet($parts) ORDER BY record_id, text_hash",
                params={"parts": [str(path) for path in self.parts]},
            )
            schema = scored_schema(len(self.spec.codebook.label_ids()))
            for batch in found.to_arrow_reader(rows):
                yield pa.Table.from_batches([batch]).cast(schema)

    def labels(self, rows: int = PART) -> Iterator[pa.Table]:
        """All labels in long form (`corpora.schema.LABELS`), by record id, derived dimensions last.

        Records that the tagger has no answer for have none; `refused` names them.
        """
        thresholds = self.spec.here.thresholds()
        for table in self.scores(rows):
            table = table.filter(pc.is_null(table["refused"]))
            yield label_table(self.spec.codebook, thresholds, table)

    def refused(self) -> Iterator[tuple[str, str]]:
        """Records that the tagger has no answer for, with the reason."""
        for path in self.parts:
            table = pq.read_table(path, columns=["record_id", "refused"])
            for name, reason in zip(
                *(table[column].to_pylist() for column in table.column_names), strict=True
            ):
                if reason is not None:
                    yield name, reason

    def counts(self) -> dict[str, int]:
        """What the tagger counted over all parts, by name; see `classifiers.parallel.spec.counted`."""
        found: Counter[str] = Counter()
        for path in self.parts:
            first = pq.read_table(path, columns=["counts"])["counts"][0].as_py()
            found.update(dict(first or ()))
        return dict(found)


def tag(
    batches: Iterable[pa.RecordBatch],
    work: Path,
    spec: Spec,
    *,
    engine: str = "process",
    workers: int | None = None,
    total: int | None = None,
    progress: Progress = silent,
    part: int = PART,
) -> Scored:
    """Score records (columns record_id, title, abstract) part by part into ``work``.

    ``engine`` is ``process``, ``machine`` (a process a GPU, else a process a core) or ``ray`` (the
    cluster of ``RAY_ADDRESS``, else one on this machine); ``workers`` overrides how many.

    Raises:
        UnknownNameError: no such engine.
        LitscaleError: whatever the tagger raises; parts that were done stay.

    """
    run = _engine(engine)
    folder = work / spec.key
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[int, Path] = {}
    counts = {"records": 0, "reused": 0}

    def waiting() -> Batches:
        for number, texts in enumerate(parts_of(batches, part)):
            path = folder / f"part-{number:06d}-{_content(texts)}.parquet"
            done[number] = path
            if path.exists():
                counts["reused"] += texts.num_rows
                _told(texts.num_rows)
            else:
                yield number, texts

    def _told(rows: int) -> None:
        counts["records"] += rows
        progress(f"tagging with {spec.tagger}", counts["records"], total)

    for number, scored in run(waiting(), spec, workers):
        _commit(done[number], scored)
        _told(scored.num_rows)
    paths = tuple(done[number] for number in sorted(done))
    for left in set(folder.glob("part-*.parquet")) - set(paths):
        left.unlink()  # of texts that are no longer there
    return Scored(spec, paths, counts["records"], counts["reused"])


def read(paths: Sequence[Path], key: str = "record_id") -> Iterator[pa.RecordBatch]:
    """Records of Parquet files, batch by batch; ``key`` is the column that names a record.

    Raises:
        InputError: a file cannot be read, or lacks a column.

    """
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                missing = {key, "title", "abstract"} - set(file.schema_arrow.names)
                if missing:
                    raise InputError(
                        f"{path}: no column {', '.join(sorted(missing))}; it has "
                        f"{', '.join(file.schema_arrow.names)}"
                    )
                for batch in file.iter_batches(PART, columns=[key, "title", "abstract"]):
                    yield pa.record_batch(
                        [batch[key].cast(pa.string()), batch["title"], batch["abstract"]], TEXTS.names[:3]
                    )
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(f"{path}: cannot be read as Parquet: {error}") from error


def parts_of(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same records in parts of exactly ``rows`` (the last may be shorter), with text hashes."""
    held: list[pa.RecordBatch] = []
    count = 0
    for given in batches:
        batch = _with_hashes(given)
        while count + batch.num_rows >= rows:
            held.append(batch.slice(0, rows - count))
            batch = batch.slice(rows - count)
            yield pa.concat_batches(held)
            held, count = [], 0
        if batch.num_rows:
            held.append(batch)
            count += batch.num_rows
    if count:
        yield pa.concat_batches(held)


def _with_hashes(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [batch[name].cast(pa.string()) for name in TEXTS.names[:3]]
    titles, abstracts = columns[1].to_pylist(), columns[2].to_pylist()
    hashes = [text_hash(title, abstract) for title, abstract in zip(titles, abstracts, strict=True)]
    return pa.record_batch([*columns, pa.array(hashes, pa.string())], schema=TEXTS)


def in_process(batches: Batches, spec: Spec, workers: int | None) -> Batches:
    """One after the other, here."""
    del workers
    for number, texts in batches:
        yield number, score(spec.here, texts)


def _engine(name: str) -> Callable[[Batches, Spec, int | None], Batches]:
    if name == "process":
        return in_process
    if name == "machine":
        from classifiers.parallel.workers import on_machine

        return on_machine
    if name == "ray":
        from classifiers.parallel.cluster import on_cluster

        return on_cluster
    raise registry.unknown("engine", name, ("machine", "process", "ray"))


# ---------------------------------------------------------------------- what comes out


def label_table(codebook: Codebook, thresholds: Floats, table: pa.Table) -> pa.Table:
    """Labels in long form from scores: record by record, every label, derived dimensions last."""
    count = len(codebook.label_ids())
    flat = table["scores"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    scores: Floats = np.array(flat, np.float32).reshape(-1, count)
    values, unsure = decide(codebook, scores, thresholds)
    names = codebook.label_ids()
    blocks: list[list[NDArray[Any]]] = [[scores], [values], [unsure]]
    held, chances = rolled_up(codebook, values), rolled_up(codebook, scores)
    for rollup in codebook.rollups:
        names += [f"{rollup.id}.{label.id}" for label in rollup.labels]
        made = (chances[rollup.id], held[rollup.id], np.zeros_like(held[rollup.id]))
        for block, more in zip(blocks, made, strict=True):
            block.append(more)
    probability, value, doubt = (np.concatenate(block, axis=1).ravel() for block in blocks)
    row = pa.array(np.repeat(np.arange(len(scores)), len(names)))
    label = pa.array(np.tile(np.arange(len(names)), len(scores)))
    split = [name.split(".") for name in names]
    return (
        pa.table(
            [
                table["record_id"].combine_chunks().take(row),
                pa.array([one[0] for one in split]).take(label),
                pa.array([one[1] for one in split]).take(label),
                pa.array(probability, pa.float32()),
                pa.array(value),
                pa.array(doubt),
                table["text_hash"].combine_chunks().take(row),
            ],
            names=["record_id", "dimension", "label", "probability", "value", "unsure", "text_hash"],
        )
        .select(LABELS.names)
        .cast(LABELS)
    )


def _content(texts: pa.RecordBatch) -> str:
    """Names a part: which records, which texts."""
    return digest(*texts["record_id"].to_pylist(), *texts["text_hash"].to_pylist())


def _commit(path: Path, scored: pa.RecordBatch) -> None:
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            pq.write_table(pa.Table.from_batches([scored]), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        raise DiskError(
            f"{path}: cannot be written ({error}); the parts before it are kept, so free some space and "
            "run the command again"
        ) from error
