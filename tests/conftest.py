"""Every test starts in a clean environment; one demonstration workspace serves them all."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No test is timed: a busy machine makes nothing wrong.
settings.register_profile("litscale", deadline=None)
settings.load_profile("litscale")

_OURS = (
    "LITSCALE_WORKSPACE",
    "LITSCALE_LEDGER_URL",
    "LITSCALE_PUBMED_URL",
    "LITSCALE_OPENALEX_URL",
    "LITSCALE_EUROPEPMC_URL",
    "LITSCALE_CROSSREF_URL",
    "LITSCALE_CLINICALTRIALS_URL",
    "CROSSREF_EMAIL",
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


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration workspace of 300 simulated records; read it, do not write to it."""
    from review.demo import demo

    root = tmp_path_factory.mktemp("demo") / "workspace"
    demo(root, records=300, seed=7, say=lambda _: None)
    return root


@pytest.fixture
def demo_copy(demo_root: Path, tmp_path: Path) -> Path:
    """A copy of the demonstration workspace to change."""
    return Path(shutil.copytree(demo_root, tmp_path / "copy"))
