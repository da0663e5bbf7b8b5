"""Patches fill what a source left empty, and never what it said."""

from pathlib import Path

import pyarrow as pa
import pytest

from corpora import schema
from corpora.errors import InputError
from corpora.record import Record
from corpora.run import Run
from review.facts import facts
from review.patches import fill, records
from review.workspace import Workspace


def test_a_patch_fills_and_never_overwrites(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w", '[review]\ntitle = "T"\n')
    bare = Record(source="x", source_key="1", title="Given")
    run = Run.begin("test", {})
    with workspace.writing("records", run) as part:
        part.add("records", schema.to_table([bare]))
        machine = [
            {"record_id": bare.record_id, "field": "abstract", "value": "by machine", "origin": "OpenAlex"},
            {"record_id": bare.record_id, "field": "title", "value": "never", "origin": "OpenAlex"},
        ]
        part.add("patches", pa.Table.from_pylist(machine, schema.PATCHES))
    shown = records(workspace, ["title", "abstract", "year"]).to_pylist()
    assert shown == [{"title": "Given", "abstract": "by machine", "year": None}]
    before = workspace.snapshot()
    fill(workspace, bare.record_id, "abstract", "by hand", "ann")
    fill(workspace, bare.record_id, "year", "2021", "ann")
    assert workspace.snapshot() != before
    assert records(workspace, ["abstract", "year"]).to_pylist() == [{"abstract": "by hand", "year": 2021}]
    held = facts(workspace)
    assert held.studies["year"].tolist() == [2021]
    assert held.search("hand") == [bare.record_id]
    own = workspace.corpus.records(["abstract", "year"]).to_pylist()
    assert own == [{"abstract": None, "year": None}]


def test_only_known_fields_are_filled(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w", '[review]\ntitle = "T"\n')
    with pytest.raises(InputError, match="fields are title, abstract"):
        fill(workspace, "R1", "colour", "red", "ann")
    with pytest.raises(InputError, match="write digits"):
        fill(workspace, "R1", "year", "MMXX", "ann")
