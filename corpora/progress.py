"""Progress as a plain callback, so that no room but review knows of a screen."""

from typing import Protocol


class Progress(Protocol):
    """Called with what is being done, how much is done, and the total if it is known."""

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """Report that ``done`` of ``total`` steps of ``what`` are finished."""


def silent(what: str, done: int, total: int | None = None) -> None:
    """Report nothing: the default wherever a caller gives no progress."""
