"""Open an address from a terminal without disturbing what is on it."""

import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

Aside = Callable[[], AbstractContextManager[Any]]
"""Clears the terminal for a while: a browser like w3m needs it whole."""


def open_address(address: str, aside: Aside | None = None) -> str:
    """Open an address in the browser and say what was done; without one, say the address.

    ``aside`` is None where there is no terminal to lend to a browser that runs in one.
    """
    if not address.startswith(("https://", "http://", "file://")):
        # A record may hold anything; a browser is only handed what it cannot take for an option.
        return f"No browser opens this: {address}"
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return f"No browser is known here; the address is {address}"
    if not _in_terminal(browser):
        # A child of its own: what a browser prints would run across the screen.
        command = [sys.executable, "-m", "webbrowser", address]
        silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        threading.Thread(target=subprocess.run, args=(command,), kwargs=silent, daemon=True).start()
    elif aside is None:
        return f"No browser with a window is known here; the address is {address}"
    else:
        with aside():
            browser.open(address)
    return f"Opened {address}"


def _in_terminal(browser: webbrowser.BaseBrowser) -> bool:
    if isinstance(browser, webbrowser.GenericBrowser):
        return not isinstance(browser, webbrowser.BackgroundBrowser)
    return getattr(browser, "background", True) is False
