"""A small review of our own making, ready to be screened; and a PostgreSQL for its ledger."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from review.gathering.ingest import import_file
from review.linking import dedupe
from review.protocol import Import
from review.workspace import LEDGER_URL, Workspace

POSTGRES = "LITSCALE_TEST_POSTGRES"

PROTOCOL = """
seed = 3
[review]
title = "Screening of statins for sepsis"
question = "Do statins lower mortality in sepsis?"
kind = "systematic"
[[criteria]]
id = "sepsis"
text = "Patients have sepsis."
[[criteria]]
id = "statin"
text = "A statin was given."
[[screening]]
stage = "title-abstract"
{title_abstract}
[[screening]]
stage = "full-text"
mode = "dual"
[terms]
include = ["statin*", "sepsis"]
exclude = ["mice"]
"""

FILLER = (
    "The study followed patients for thirty days and reports how many of them died, how long they stayed "
    "and what harm was seen; nothing of it is real, it was written for a test."
)


def rows(count: int) -> str:
    """CSV records: every fifth is about statins in sepsis, number 3 has no abstract."""
    lines = ["record_id,title,abstract,year,doi"]
    for number in range(count):
        topic = "Statins for sepsis" if number % 5 == 0 else f"Other drug {number} for asthma in mice"
        abstract = "" if number == 3 else f"{topic} in trial {number}. {FILLER}"
        cells = [f"A{number}", f"{topic}: trial number {number}", f'"{abstract}"', f"20{number % 25:02}"]
        lines.append(",".join([*cells, f"10.1234/x{number}"]))
    return "\n".join(lines) + "\n"


Make = Callable[..., Workspace]


@pytest.fixture
def make_review(tmp_path: Path) -> Make:
    """Make a workspace: ``make_review(count=20, title_abstract='mode = "dual"')``, frozen and deduped."""

    def make(count: int = 20, title_abstract: str = 'mode = "dual"', name: str = "review") -> Workspace:
        workspace = Workspace.create(tmp_path / name, PROTOCOL.format(title_abstract=title_abstract))
        file = tmp_path / f"{name}.csv"
        file.write_text(rows(count), "utf-8")
        import_file(workspace, Import(file=str(file), source="Own", kind="database"))
        dedupe(workspace)
        workspace.freeze()
        return workspace

    return make


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A fresh database on the server that `.ci/run` starts."""
    server = os.environ.get(POSTGRES)
    if not server:
        pytest.skip(f"{POSTGRES} names no server; .ci/run starts one")
    name = f"litscale_{uuid4().hex}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.engine.make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def either_ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test once on SQLite and once on PostgreSQL."""
    if request.param == "postgres":
        monkeypatch.setenv(LEDGER_URL, request.getfixturevalue("postgres_url"))
    return str(request.param)
