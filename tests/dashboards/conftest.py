"""Pages by AppTest, and the real app behind a real server."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from review.serve import command, environment
from review.workspace import WORKSPACE
from tests.review.conftest import Make, make_review

__all__ = ["Make", "make_review"]

APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"

Shown = Callable[..., AppTest]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Run one page alone: ``page(root, "shares", "show_rag", study="R1")``; more are query parameters.

    AppTest knows only the default page of an app, so the page is called.
    """

    def run(root: Path, name: str, function: str = "show", **query: str) -> AppTest:
        monkeypatch.setenv(WORKSPACE, str(root))
        code = (
            "from dashboards.source import open_source\n"
            f"from dashboards import {name} as shown\nshown.{function}(open_source())\n"
        )
        app = AppTest.from_string(code, default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return run


@contextmanager
def serving(root: Path, folder: Path | None = None) -> Iterator[str]:
    """The address of a server over a workspace, started in a folder that may hold secrets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = command("127.0.0.1", port, browser=False)
    with subprocess.Popen(
        line, env=environment(root), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        try:
            for _ in range(300):
                with socket.socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
