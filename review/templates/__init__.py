"""Protocols to start a review from."""

from importlib.resources import files

from corpora.registry import unknown

NAMES = ("scoping", "systematic", "nlp-vs-llm", "rag-medicine")
PUBLISHED = ("nlp-vs-llm", "rag-medicine")
"""Templates after a published review, whose numbers ship too."""


def read_template(name: str) -> str:
    """The text of a template; an unknown name lists the known ones.

    >>> "[review]" in read_template("scoping")
    True
    """
    if name not in NAMES:
        raise unknown("template", name, NAMES)
    return read_file(f"{name}.toml")


def read_published(name: str) -> str:
    """The published numbers that ship under a name; an unknown name lists the known ones."""
    if name not in PUBLISHED:
        raise unknown("published review", name, PUBLISHED)
    return read_file(f"{name}.published.toml")


def read_file(name: str) -> str:
    """The text of any file of this folder."""
    return files(__name__).joinpath(name).read_text("utf-8")
