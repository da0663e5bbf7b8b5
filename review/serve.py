"""Starts the dashboard as a child process; it computes nothing of its own."""

import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

from corpora.errors import MissingExtraError
from corpora.transport import LOOPBACK
from review.facts import facts
from review.workspace import WORKSPACE, Workspace

_LIGHT = {
    "primaryColor": "#0B5C8A",
    "backgroundColor": "#FFFFFF",
    "secondaryBackgroundColor": "#F3F6F8",
    "textColor": "#0A0F14",
    "linkColor": "#0B5C8A",
    "grayTextColor": "#566270",
    "borderColor": "#D5DCE2",
    "codeTextColor": "#0A0F14",
}
_DARK = {
    "primaryColor": "#6CB8E6",
    "backgroundColor": "#12161B",
    "secondaryBackgroundColor": "#1C2229",
    "textColor": "#F2F5F8",
    "linkColor": "#7FC4EE",
    "grayTextColor": "#A3AEBA",
    "borderColor": "#3A444E",
    "codeTextColor": "#F2F5F8",
}
_THEME = {
    "baseFontSize": "15",
    "paddingTop": "3.5rem",
    "headingFontSizes": '["2rem", "1.4rem", "1.15rem", "1rem", "1rem", "1rem"]',
    "headingFontWeights": "[650, 600, 600, 600, 600, 600]",
    "metricValueFontSize": "1.7rem",
    "baseRadius": "0.4rem",
    "showWidgetBorder": "true",
    "showSidebarBorder": "true",
    **{f"light.{name}": value for name, value in _LIGHT.items()},
    **{f"dark.{name}": value for name, value in _DARK.items()},
}
"""The theme, light and dark; which one is shown follows the browser."""


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
        # Else every click waits until all that is held of 100,000 studies has been walked through.
        "runner.postScriptGC": "false",
        **{f"theme.{name}": value for name, value in _THEME.items()},
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", app, *flags]


def environment(root: Path) -> dict[str, str]:
    """The server's environment. It has a thread a visitor: small sums that each take all cores wait for
    one another, and take twice as long."""
    return {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **os.environ, WORKSPACE: str(root)}


def access(host: str) -> str:
    """Who will see the dashboard, as a sentence; whether Streamlit's secrets ask for a login."""
    places = [folder / ".streamlit" / "secrets.toml" for folder in (Path.home(), Path.cwd())]
    for path in filter(Path.exists, places):
        try:
            if "auth" in tomllib.loads(path.read_text("utf-8")):
                return f"Visitors must log in: {path} says so."
        except (OSError, ValueError) as error:
            return f"Nobody will be let in: {path} cannot be read ({error})."
    if host in LOOPBACK:
        return "Only this machine can open it; nobody is asked to log in."
    return (
        f"Everybody who reaches {host} sees the review: nobody is asked to log in, for there is no [auth] "
        f"section in {' or '.join(map(str, places))}."
    )


def dashboard(workspace: Workspace, *, host: str, port: int, browser: bool) -> int:
    """Serve until interrupted; gives the server's exit status.

    The facts are built before the server starts, so that nobody's first page waits for them.
    """
    facts(workspace)
    line = command(host, port, browser=browser)
    with subprocess.Popen(line, env=environment(workspace.root)) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            return 0
