"""The ledger on SQLite and on a real PostgreSQL: append-only, retry-safe, ordered."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from corpora.errors import LedgerError, VersionError
from corpora.run import Run
from review.ledger import Ledger
from review.migrations import TABLES

DECISION = {"record_id": "R1", "stage": "title-abstract", "verdict": "include", "reviewer": "ann"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger(url)
    yield opened
    opened.close()


def test_the_steps_make_the_declared_tables(ledger: Ledger) -> None:
    inspector = sa.inspect(ledger._engine)
    for name, table in TABLES.items():
        made = {column["name"] for column in inspector.get_columns(name)}
        assert made == {column.name for column in table.columns}, name


def test_the_same_uuid_twice_adds_nothing(ledger: Ledger) -> None:
    uuid = ledger.append("decisions", DECISION)
    assert ledger.append("decisions", {**DECISION, "uuid": uuid, "verdict": "exclude"}) == uuid
    assert [row["verdict"] for row in ledger.rows("decisions")] == ["include"]


def test_marks_tell_two_ledgers_and_two_states_apart(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.marks("decisions", "links") == [("decisions", 0, ""), ("links", 0, "")]
    ledger.append("decisions", DECISION)
    first = ledger.marks("decisions")
    last = ledger.append("decisions", {**DECISION, "reviewer": "ben"})
    assert ledger.marks("decisions") == [("decisions", 2, last)] != first
    other = Ledger(f"sqlite:///{tmp_path / 'other.sqlite'}")
    other.append("decisions", DECISION)
    assert other.state()["decisions"][0] == 1
    assert other.marks("decisions") != first
    other.close()


def test_only_the_columns_that_are_asked_for_are_read(ledger: Ledger) -> None:
    uuid = ledger.append("decisions", DECISION)
    assert ledger.rows("decisions", columns=("reviewer", "uuid")) == [{"reviewer": "ann", "uuid": uuid}]
    assert set(ledger.rows("decisions")[0]) == set(TABLES["decisions"].columns.keys())


def test_an_undo_is_a_new_row_and_can_be_undone(ledger: Ledger) -> None:
    first = ledger.append("decisions", DECISION)
    undo = ledger.append("decisions", {**DECISION, "verdict": "withdrawn", "supersedes": first})
    assert [row["uuid"] for row in ledger.current("decisions")] == [undo]
    ledger.append("decisions", {**DECISION, "supersedes": undo})
    assert [row["verdict"] for row in ledger.current("decisions")] == ["include"]
    assert len(ledger.rows("decisions")) == 3


def test_a_row_is_superseded_once(ledger: Ledger) -> None:
    first = ledger.append("decisions", DECISION)
    ledger.append("decisions", {**DECISION, "supersedes": first})
    with pytest.raises(LedgerError, match="superseded the same row before"):
        ledger.append("decisions", {**DECISION, "supersedes": first})


def test_many_writers_lose_and_double_nothing(url: str) -> None:
    def work(name: str) -> None:
        own = Ledger(url)
        for number in range(20):
            own.append("decisions", {**DECISION, "reviewer": name, "record_id": f"R{number}"})
        own.close()

    threads = [threading.Thread(target=work, args=(f"p{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = Ledger(url)
    rows = ledger.rows("decisions")
    ledger.close()
    assert len({(row["reviewer"], row["record_id"]) for row in rows}) == len(rows) == 80
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)


def test_opening_again_changes_nothing(url: str) -> None:
    first = Ledger(url)
    first.add_run("records", Run.begin("test", {"a": 1}))
    first.close()
    second = Ledger(url)
    assert second.state()["runs"][0] == 1
    assert second.arrow("decisions").num_rows == 0
    second.close()


def test_a_newer_ledger_is_refused(ledger: Ledger, url: str) -> None:
    with ledger._begin(write=True) as connection:
        connection.execute(sa.text("INSERT INTO migrations VALUES ('9999-future', 'later')"))
    with pytest.raises(VersionError, match="9999-future"):
        Ledger(url)


def test_a_server_that_is_away_is_said_without_the_password() -> None:
    with pytest.raises(LedgerError, match=r"cannot be used") as caught:
        Ledger("postgresql+psycopg://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_other_databases_are_refused() -> None:
    with pytest.raises(LedgerError, match="'mysql': only sqlite and postgresql are known"):
        Ledger("mysql://h/x")
