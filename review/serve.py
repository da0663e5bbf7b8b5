"""Starts the dashboard as a child process; it computes nothing of its own."""

import os
import subprocess
import sys
from importlib.util import find_spec

from corpora.errors import MissingExtraError
from review.workspace import WORKSPACE, Workspace


def command(host: str, port: int, *, browser: bool) -> list[str]:
    """The command line of the Streamlit server.

    Raises:
        MissingExtraError: the dashboards package is not installed.

    """
    found = find_spec("dashboards")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("the dashboard is not installed: pip install litscale")
    app = os.path.join(found.submodule_search_locations[0], "app.py")
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": str(not browser).lower(),
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "server.fileWatcherType": "none",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", app, *flags]


def dashboard(workspace: Workspace, *, host: str, port: int, browser: bool) -> int:
    """Serve until interrupted; gives the server's exit status."""
    environment = {**os.environ, WORKSPACE: str(workspace.root)}
    with subprocess.Popen(command(host, port, browser=browser), env=environment) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            return 0
