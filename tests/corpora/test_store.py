"""The corpus: a rename commits, nothing committed changes, damage is said."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpora.errors import DiskError, LockedError, StoreError, VersionError
from corpora.record import Record
from corpora.run import Run
from corpora.schema import KINDS, RECORDS, SCHEMA_VERSION, to_table
from corpora.store import Corpus, Part

PARTS = Path(__file__).parent / "parts"


def write(corpus: Corpus, *records: Record) -> Part:
    with corpus.lock(), corpus.writer("records", Run.begin("test", {})) as part:
        part.add("records", to_table(records))
        return part.commit()


def test_the_newest_version_is_current_and_old_ones_stay(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    old = Record(source="x", source_key="1", title="old")
    new = Record(source="x", source_key="1", title="new")
    write(corpus, old, Record(source="x", source_key="2", title="other"))
    write(corpus, new)
    current = corpus.records(["record_id", "title"]).to_pylist()
    assert {row["title"] for row in current} == {"new", "other"}
    assert [row["record_id"] for row in current] == sorted(row["record_id"] for row in current)
    assert corpus.versions(old.record_id)["title"].to_pylist() == ["old", "new"]


def test_nothing_is_seen_before_the_rename(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    with corpus.lock(), corpus.writer("records", Run.begin("test", {})) as part:
        part.add("records", to_table([Record(source="x", title="T")]))
        assert Corpus(tmp_path).records().num_rows == 0
    assert list((tmp_path / "records").iterdir()) == []


def test_a_kill_leaves_nothing_and_the_next_run_sweeps(tmp_path: Path) -> None:
    code = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from corpora.record import Record
        from corpora.run import Run
        from corpora.schema import to_table
        from corpora.store import Corpus
        corpus = Corpus(Path({str(tmp_path)!r}))
        with corpus.lock(), corpus.writer("records", Run.begin("killed", {{}})) as part:
            part.add("records", to_table([Record(source="x", title="T")]))
            print("written", flush=True)
            time.sleep(60)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"written\n"
        with pytest.raises(LockedError, match="another litscale command"), Corpus(tmp_path).lock():
            pass
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    corpus = Corpus(tmp_path)
    assert len(list((tmp_path / "records").glob(".tmp-*"))) == 1
    assert corpus.records().num_rows == 0
    write(corpus, Record(source="x", title="T"))
    assert [path.name[:4] for path in (tmp_path / "records").iterdir()] == ["run="]


def test_a_full_disk_commits_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(tmp_path)
    write(corpus, Record(source="x", source_key="1", title="kept"))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(DiskError, match=r"the disk is full; nothing of this run was committed"):
        write(corpus, Record(source="x", source_key="2", title="lost"))
    monkeypatch.undo()
    assert corpus.records(["title"])["title"].to_pylist() == ["kept"]
    assert len(list((tmp_path / "records").iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_really_full_device_is_a_disk_error(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    titles = [os.urandom(2000).hex() for _ in range(2000)]
    table = to_table([Record(source="x", title=title) for title in titles])

    def fill() -> None:
        with corpus.lock(), corpus.writer("records", Run.begin("test", {})) as part:
            (part.path / "records.parquet").symlink_to("/dev/full")
            part.add("records", table)
            part.commit()

    with pytest.raises(DiskError, match="the disk is full"):
        fill()
    assert corpus.parts("records") == []


def test_a_vanished_or_cut_part_is_an_error_not_a_smaller_number(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    part = write(corpus, Record(source="x", title="T"))
    path = part.path / "records.parquet"
    whole = path.read_bytes()
    pq.write_table(RECORDS.empty_table(), path)
    with pytest.raises(StoreError, match=r"holds 0 rows, its run.json says 1"):
        corpus.records()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="missing or damaged"):
        corpus.records()
    path.unlink()
    with pytest.raises(StoreError, match="missing or damaged"):
        corpus.records()
    (part.path / "run.json").unlink()
    with pytest.raises(StoreError, match=r"run.json: cannot be read"):
        corpus.parts("records")


def test_a_part_of_a_newer_litscale_is_refused(tmp_path: Path) -> None:
    part = write(Corpus(tmp_path), Record(source="x", title="T"))
    run = json.loads((part.path / "run.json").read_text())
    run["schema_version"] = SCHEMA_VERSION + 1
    (part.path / "run.json").write_text(json.dumps(run))
    with pytest.raises(VersionError, match="upgrade litscale"):
        Corpus(tmp_path).records()


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_parts_of_every_past_version_are_read(version: int, tmp_path: Path) -> None:
    shutil.copytree(PARTS / f"v{version}", tmp_path / "corpus")
    table = Corpus(tmp_path / "corpus").records()
    assert table.schema == KINDS["records"]["records"]
    assert table["title"].to_pylist() == ["A record kept from schema version 1"]


def test_columns_that_an_older_part_lacks_are_null(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    part = write(corpus, Record(source="x", title="T", licence="cc0"))
    path = part.path / "records.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["licence"]), path)
    assert corpus.records(["title", "licence"]).to_pylist() == [{"title": "T", "licence": None}]


def test_order_is_the_commit_not_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(tmp_path)
    write(corpus, Record(source="x", source_key="1", title="first"))
    later = Run.begin("test", {})
    later.id = "19700101T000000Z-00000000"
    with corpus.lock(), corpus.writer("records", later) as part:
        part.add("records", to_table([Record(source="x", source_key="1", title="second")]))
        part.commit()
    assert corpus.records(["title"])["title"].to_pylist() == ["second"]


def retrieve(corpus: Corpus, *records: Record, fresh: bool = True) -> Part:
    """A run that met these records; not fresh: their content was held already."""
    table = to_table(records)
    met = table.select(["record_id", "content_hash", "source"])
    schema = KINDS["records"]["retrievals"]
    columns = {name: met[name] if name in met.column_names else None for name in schema.names}
    rows = [pa.nulls(len(records), schema.field(n).type) if c is None else c for n, c in columns.items()]
    with corpus.lock(), corpus.writer("records", Run.begin("test", {})) as part:
        if fresh:
            part.add("records", table)
        part.add("retrievals", pa.table(rows, schema=schema))
        return part.commit()


def test_the_version_that_was_met_last_is_shown(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    old = Record(source="x", source_key="1", title="old")
    retrieve(corpus, old)
    retrieve(corpus, Record(source="x", source_key="1", title="new"))
    assert corpus.records(["title"])["title"].to_pylist() == ["new"]
    retrieve(corpus, old, fresh=False)
    assert corpus.records(["title"])["title"].to_pylist() == ["old"]


def test_a_withdrawn_run_is_read_no_more_but_what_others_met_stays(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    one, two = (Record(source="x", source_key=key, title=key) for key in "ab")
    first = retrieve(corpus, one, two)
    second = retrieve(corpus, two, fresh=False)
    corpus.withdrawn = frozenset([first.run.id])
    assert corpus.records(["title"])["title"].to_pylist() == ["b"]
    assert corpus.table("records", "retrievals").num_rows == 1
    assert corpus.table("records", "records", everything=True).num_rows == 2
    corpus.withdrawn = frozenset([first.run.id, second.run.id])
    assert corpus.records().num_rows == 0
    assert len(corpus.parts("records")) == 2


def test_coded_columns_hold_the_same_values(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    write(corpus, *(Record(source="x", source_key=str(n), title="one" if n % 2 else None) for n in range(5)))
    write(corpus, Record(source="y", source_key="1", title="two"))
    plain = corpus.table("records", "records", ["source", "title", "year"])
    coded = corpus.table("records", "records", ["source", "title", "year"], coded=["source", "title"])
    assert all(pa.types.is_dictionary(coded.schema.field(name).type) for name in ("source", "title"))
    assert coded.cast(plain.schema).equals(plain)
