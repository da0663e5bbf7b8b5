"""What every registered source must do, the built-ins and those of third parties alike."""

from pathlib import Path

import pytest

from corpora.record import build
from corpora.registry import entries, load
from corpora.simulator.literature import simulate
from corpora.simulator.server import Fault, serve
from corpora.sources import archive
from corpora.sources.base import Search, Source, Visit
from corpora.transport import Transport

LITERATURE = simulate(300, seed=5)
AT_ROOT = ("pubmed", "openalex")


@pytest.mark.parametrize("name", entries("sources"))
def test_a_source_keeps_its_promise(name: str, tmp_path: Path) -> None:
    source: Source = load("sources", name)()
    assert source.name == name
    assert source.title
    assert source.platform
    assert source.kind in ("database", "register")
    with serve(LITERATURE) as service:
        url = service.url if name in AT_ROOT else f"{service.url}/{name}"
        search = Search("s", name, "model OR chatbot", base_url=url)
        with source.transport(search) as transport:
            service.faults = [Fault(500), Fault(), Fault(cut=True)]
            fetched = source.fetch(Visit(search, transport, tmp_path))
            archive.close(tmp_path, fetched)
            asked = len(service.log)
            again = source.fetch(Visit(search, transport, tmp_path))
            assert len(service.log) == asked
            assert again.promised == fetched.promised
        rows = list(source.rows(tmp_path))
        records = [build(row.fields, source=name) for row in rows if not row.refused]
        assert len(rows) + sum(fetched.explained.values()) == fetched.promised > 2
        assert len({record.source_key for record in records}) == len(records)
        assert all(record.source_key and record.title for record in records)
        assert not [record.unread for record in records if record.unread]
        details = archive.closed(tmp_path)
        assert details is not None
        assert {"strategy", "counts", "searched", "requests", "host"} <= details.details.keys()
        with Transport(None) as transport:
            assert source.holds(search, transport, records[0])
            missing = build({"title": "Never written by anybody at all", "doi": "10.5555/no"}, source="x")
            assert not source.holds(search, transport, missing)
