"""Codebooks: what is coded, with definitions, as TOML that people edit.

A dimension holds labels; kind ``multi`` takes every label that applies, ``one`` exactly one,
``flag`` is the single label ``yes`` or nothing. A derived dimension (roll-up) is computed from
another: its labels hold if any of their leaves does. A field holds text, a number or a date that
people take from a record, with the words that say it; no tagger predicts it.

A codebook may take dimensions over from another one (``inherit``), with their keyword rules and the
heads of a model that learnt them; they stand before its own.
"""

import hashlib
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from corpora.errors import CodebookError
from corpora.registry import unknown

RULES = ".keywords.toml"

NOT_REPORTED = "not_reported"
"""A value of its own: shares are computed over the records that report."""

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(_Table):
    """One value of a dimension."""

    id: Id
    title: str
    definition: str = ""


class Dimension(_Table):
    """One question that is asked of every record.

    ``applies_when`` names a label id (``rag.yes``) without which the dimension stays empty.
    """

    id: Id
    title: str
    definition: str = ""
    kind: Literal["multi", "one", "flag"] = "multi"
    applies_when: str | None = None
    labels: tuple[Label, ...] = ()

    @model_validator(mode="after")
    def _labels_fit(self) -> "Dimension":
        names = [label.id for label in self.labels]
        if self.kind == "flag" and names != ["yes"]:
            raise ValueError("a flag has the single label 'yes'")
        if not names or len(set(names)) != len(names):
            raise ValueError(f"labels must be there and unique, got {names}")
        return self


class Field(_Table):
    """One value that people take from a record: text, a number or a date (YYYY, YYYY-MM, YYYY-MM-DD).

    ``quote`` asks for the words of the record that say it; ``unit`` is shown beside a number.
    """

    id: Id
    title: str
    definition: str = ""
    kind: Literal["text", "number", "date"] = "text"
    unit: str = ""
    quote: bool = True
    applies_when: str | None = None


class RollUp(_Table):
    """A derived dimension: each of its labels holds if any of its ``leaves`` holds."""

    id: Id
    title: str
    of: Id
    labels: tuple[Label, ...]
    leaves: dict[str, tuple[str, ...]]


class Inherit(_Table):
    """Dimensions and roll-ups that are another codebook's."""

    codebook: str
    dimensions: tuple[Id, ...]
    rollups: tuple[Id, ...] = ()


class Codebook(_Table):
    """All dimensions in order. ``scope`` (if present) is the gate: see `gate`."""

    name: Id | Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
    version: str
    title: str
    dimensions: tuple[Dimension, ...]
    rollups: tuple[RollUp, ...] = ()
    fields: tuple[Field, ...] = ()
    inherit: Inherit | None = None
    """Where the first dimensions come from; they are in ``dimensions`` all the same."""
    gate: str | None = None
    """Label id that, when it holds, leaves every other dimension empty (scope.out_of_scope)."""
    _beside: tuple[str, str] | None = PrivateAttr(None)

    @property
    def own_rules(self) -> tuple[str, str] | None:
        """Keyword rules that stand beside the codebook's file, and their place."""
        return self._beside

    @property
    def rules(self) -> tuple[str, str]:
        """Keyword rules and their place: those beside the codebook's file, else those that ship by its name.

        Raises:
            CodebookError: there are none.

        """
        if self._beside is None and self.name not in names():
            raise CodebookError(
                f"codebook {self.name}: no keyword rules; write them into NAME.keywords.toml beside the "
                "codebook's file NAME.toml"
            )
        return self._beside or read_rules(self.name)

    def with_rules(self, rules: tuple[str, str] | None) -> "Codebook":
        """The codebook with keyword rules (text, place) of its own."""
        made = self.model_copy()
        made._beside = rules
        return made

    @property
    def hash(self) -> str:
        """Names this version of the codebook."""
        # These joined later: a codebook without any keeps the name its models know it by.
        later = {name for name in ("fields", "inherit") if not getattr(self, name)}
        text = self.model_dump_json(exclude=later)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def label_ids(self) -> list[str]:
        """``dimension.label`` of every coded label, in order: the columns of every matrix."""
        return [f"{d.id}.{label.id}" for d in self.dimensions for label in d.labels]

    def columns(self, dimension: str) -> list[int]:
        """Positions of a coded dimension's labels in `label_ids`."""
        return [i for i, name in enumerate(self.label_ids()) if name.split(".")[0] == dimension]

    def dimension(self, name: str) -> Dimension:
        """A coded dimension by id."""
        for dimension in self.dimensions:
            if dimension.id == name:
                return dimension
        raise unknown("dimension", name, [d.id for d in self.dimensions])

    def all_dimensions(self) -> list[Dimension | RollUp]:
        """Coded dimensions, then derived ones."""
        return [*self.dimensions, *self.rollups]

    def root_of(self, name: str) -> str:
        """The coded dimension that a derived one comes from; itself otherwise."""
        return next((rollup.of for rollup in self.rollups if rollup.id == name), name)

    def titles(self) -> dict[str, str]:
        """``dimension.label`` → title, for coded and derived dimensions."""
        return {
            f"{dimension.id}.{label.id}": label.title
            for dimension in self.all_dimensions()
            for label in dimension.labels
        }

    @model_validator(mode="after")
    def _references_hold(self) -> "Codebook":
        ids = self.label_ids()
        parts: list[Dimension | Field] = [*self.dimensions, *self.fields]
        named = [*(part.id for part in parts), *(rollup.id for rollup in self.rollups)]
        if doubled := sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(f"ids of dimensions, roll-ups and fields must differ: {', '.join(doubled)}")
        wanted = [part.applies_when for part in parts if part.applies_when]
        wanted += [f"{r.of}.{leaf}" for r in self.rollups for ls in r.leaves.values() for leaf in ls]
        wanted += [self.gate] if self.gate else []
        missing = sorted(set(wanted) - set(ids))
        if missing:
            raise ValueError(f"names labels that no dimension has: {', '.join(missing)}")
        for rollup in self.rollups:
            if set(rollup.leaves) != {label.id for label in rollup.labels}:
                raise ValueError(f"rollup {rollup.id}: leaves and labels differ")
        return self


def names() -> list[str]:
    """Codebooks that ship.

    >>> names()
    ['nlp-medicine', 'rag-medicine']
    """
    folder = files("classifiers") / "codebooks"
    found = [Path(str(entry)).name for entry in folder.iterdir()]
    return sorted(
        name.removesuffix(".toml") for name in found if name.endswith(".toml") and name.count(".") == 1
    )


def load(name: str) -> Codebook:
    """A codebook that ships, by name, or a file of yours, by path.

    Raises:
        UnknownNameError: no such name; the known ones are listed.
        CodebookError: names file, key and value.

    >>> load("nlp-medicine").root_of("family")
    'methods'
    """
    made = parse(*read_toml(name, ".toml"))
    beside = name.endswith(".toml") and Path(name.removesuffix(".toml") + RULES).is_file()
    return made.with_rules(read_rules(name)) if beside else made


def read_toml(name: str, suffix: str) -> tuple[str, str]:
    """Text and place of a codebook's file; ``suffix`` chooses codebook or keyword rules."""
    if name.endswith(".toml"):
        path = Path(name.removesuffix(".toml") + suffix)
        try:
            return path.read_text("utf-8"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise CodebookError(f"{path}: cannot be read: {error}") from error
    if name not in names():
        raise unknown("codebook", name, names())
    return (files("classifiers") / "codebooks" / f"{name}{suffix}").read_text("utf-8"), name


def read_rules(name: str) -> tuple[str, str]:
    """Keyword rules of a codebook and their place: its own, then those of what it inherits."""
    text, place = read_toml(name, RULES)
    try:
        told = tomllib.loads(read_toml(name, ".toml")[0]).get("inherit")
    except CodebookError:  # rules that were kept beside a model are whole, and alone
        return text, place
    if told is None:
        return text, place
    taken = Inherit.model_validate(told)
    blocks = re.split(r"^(?=\[)", read_rules(taken.codebook)[0], flags=re.MULTILINE)
    kept = [block for block in blocks if re.match(r"\[(\w+)", block) and _head(block) in taken.dimensions]
    return "\n".join([text, *kept]), place


def _head(block: str) -> str:
    """The dimension of a table of keyword rules: ``[rag.yes]`` is of rag."""
    return re.split(r"[.\]]", block[1:], maxsplit=1)[0].strip()


def parse(text: str, place: str) -> Codebook:
    """Validate a codebook's text; ``place`` is only named in errors."""
    try:
        return Codebook.model_validate(_with_inherited(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise CodebookError(f"{place}: not valid TOML: {error}") from error
    except ValidationError as error:
        told = "\n".join(
            f"  {'.'.join(map(str, item['loc'])) or '(file)'}: {item['msg']}, got {str(item['input'])[:80]!r}"
            for item in error.errors()
        )
        raise CodebookError(f"{place}: the codebook cannot be used:\n{told}") from error


def _with_inherited(data: dict[str, Any]) -> dict[str, Any]:
    """A codebook's table with what it takes over from another one laid before its own."""
    if "inherit" not in data:
        return data
    taken = Inherit.model_validate(data["inherit"])
    base = load(taken.codebook)
    rollups = {rollup.id: rollup for rollup in base.rollups}
    missing = [name for name in taken.rollups if name not in rollups]
    if missing:
        raise unknown("roll-up", missing[0], rollups)
    return {
        **data,
        "dimensions": [*map(base.dimension, taken.dimensions), *data.get("dimensions", [])],
        "rollups": [*(rollups[name] for name in taken.rollups), *data.get("rollups", [])],
    }
