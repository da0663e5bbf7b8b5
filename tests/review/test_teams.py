"""Several people at once, each a process of their own, over SQLite and a real PostgreSQL."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from review.ledger import Ledger
from review.screening import resolving
from review.screening.session import Session
from review.screening.spool import Spool
from review.workspace import Workspace

Make = Callable[..., Workspace]
TA = "title-abstract"

PERSON = """
import sys
from pathlib import Path
from review.screening.session import Session
from review.workspace import Workspace
with Session(Workspace(Path(sys.argv[1])), sys.argv[2], "title-abstract") as session:
    while item := session.next():
        inside = (item.shown.fields["title"] or "").startswith("Statins")
        session.decide(item, "include" if inside else "exclude")
        print(item.shown.report, flush=True)
"""


def start(workspace: Workspace, person: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PERSON, str(workspace.root), person]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_four_processes_lose_double_and_collide_nothing_though_one_is_killed(
    make_review: Make, either_ledger: str
) -> None:
    workspace = make_review(40)
    people = ("ann", "ben", "cleo", "dora")
    children = {person: start(workspace, person) for person in people}
    told: dict[str, list[str]] = {}
    killed = children.pop("dora")
    assert killed.stdout
    first = [killed.stdout.readline().strip() for _ in range(4)]
    os.kill(killed.pid, signal.SIGKILL)
    rest, _ = killed.communicate()
    told["dora"] = [one for one in [*first, *rest.split()] if one]
    for person, child in children.items():
        out, err = child.communicate(timeout=240)
        assert child.returncode == 0, err
        told[person] = out.split()
    # What Dora held and never decided is given back when she leaves; then somebody finishes.
    resolving.assign(workspace, TA, people, "joined", "lead")
    resolving.assign(workspace, TA, ["dora"], "left", "lead")
    late = start(workspace, "ann")
    out, err = late.communicate(timeout=240)
    assert late.returncode == 0, err
    told["ann"] += out.split()
    late = start(workspace, "ben")
    out, err = late.communicate(timeout=240)
    assert late.returncode == 0, err
    told["ben"] += out.split()

    rows = workspace.ledger.current("decisions")
    kept = Counter((row["record_id"], row["reviewer"]) for row in rows)
    assert set(kept.values()) == {1}  # nothing doubled
    for person, reports in told.items():
        assert len(reports) == len(set(reports))
        assert set(reports) <= {record for record, who in kept if who == person}  # nothing lost
    seats = Counter(record for record, _ in kept)
    assert set(seats.values()) == {2}  # dual review: two each, never three
    assert len(seats) == 39
    places = [row["place"] for row in workspace.ledger.rows("claims")]
    assert len(places) == len(set(places))
    held = resolving.settled_counts(resolving.open_board(workspace, TA))
    assert (held["include"], held["exclude"], held["open"]) == (8, 31, 1)


@pytest.mark.postgres
def test_a_connection_that_the_server_cuts_in_mid_decision_loses_nothing(
    make_review: Make, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITSCALE_LEDGER_URL", postgres_url)
    workspace = make_review(8, 'mode = "single"')
    admin = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"),
                             isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)  # fmt: skip
    insert = Ledger._insert

    def cut(ledger: Ledger, table: str) -> object:
        """The server ends our connection between the look-up and the insert of a decision."""
        if table == "decisions":
            with admin.connect() as other:
                other.execute(sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ))  # fmt: skip
        return insert(ledger, table)

    with Session(workspace, "ann", TA) as session:
        item = session.next()
        assert item
        monkeypatch.setattr(Ledger, "_insert", cut)
        uuid = session.decide(item, "include")
        assert session.progress().spooled == 1
        assert len(Spool(workspace.root, "ann")) == 1
        assert workspace.ledger.rows("decisions") == []
        monkeypatch.setattr(Ledger, "_insert", insert)
        after = session.next()  # the server is back: screening goes on, and the spool is sent
        assert after
        session.decide(after, "exclude")
        assert session.progress().spooled == 0
    rows = workspace.ledger.rows("decisions")
    assert [row["verdict"] for row in rows] == ["include", "exclude"]
    assert rows[0]["uuid"] == uuid
    admin.dispose()


def test_two_machines_of_a_team_see_one_order_of_events(
    make_review: Make, either_ledger: str, tmp_path: Path
) -> None:
    workspace = make_review(12)
    here, there = Workspace(workspace.root), Workspace(workspace.root)
    with Session(here, "ann", TA) as ann, Session(there, "ben", TA) as ben:
        for _ in range(11):
            one, two = ann.next(), ben.next()
            assert one
            assert two
            ann.decide(one, "include")
            ben.decide(two, "exclude")
        assert ann.next() is None
        assert ben.next() is None
    boards = [resolving.open_board(held, TA) for held in (here, there)]
    assert resolving.settled_counts(boards[0]) == resolving.settled_counts(boards[1])
    assert len(resolving.conflicts(boards[0])) == 11
