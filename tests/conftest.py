"""Every test starts in a clean environment; nothing here reaches a network."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_OURS = (
    "LITSCALE_WORKSPACE",
    "LITSCALE_LEDGER_URL",
    "NCBI_API_KEY",
    "NCBI_EMAIL",
    "OPENALEX_API_KEY",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, ledger or workspace of the person who runs the tests."""
    for name in _OURS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def in_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty present directory."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)
