"""Plug-ins by entry point; the built-ins come through the same door.

A third party adds a format with ``[project.entry-points."litscale.formats"]`` in its own
pyproject; see https://packaging.python.org/en/latest/specifications/entry-points/.
"""

import difflib
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from corpora.errors import UnknownNameError

PREFIX = "litscale."


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Make the error that lists the known names and the closest one.

    >>> raise unknown("preset", "natrue", ["nature", "jmir"])
    Traceback (most recent call last):
    corpora.errors.UnknownNameError: unknown preset 'natrue'; did you mean 'nature'? \
Known: jmir, nature
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return UnknownNameError(f"unknown {kind} {name!r}{hint} Known: {', '.join(names) or 'none'}")


def entries(group: str) -> dict[str, EntryPoint]:
    """All plug-ins of a group (``formats``, ``sources``, ``taggers``, ``figures``), by name.

    >>> "ris" in entries("formats")
    True
    """
    found = entry_points(group=PREFIX + group)
    return {entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)}


def load(group: str, name: str) -> Any:
    """Load one plug-in; raises `UnknownNameError` with the known names and the closest.

    >>> load("formats", "ris").name
    'ris'
    """
    known = entries(group)
    if name not in known:
        raise unknown(group.rstrip("s"), name, known)
    return known[name].load()
