"""The protocol: one TOML file that says what the review asks, searches, tags and shows.

`load` validates every key; an error names file, key and value. The text is kept verbatim in the
ledger when the protocol is frozen (method rules, section 2).
"""

import difflib
import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from corpora.errors import InputError, LitscaleError, ProtocolError

FILE = "protocol.toml"

Kind = Literal["database", "register", "website", "organisation", "citation", "contact", "previous"]
Stage = Literal["title-abstract", "full-text"]
Mode = Literal["single", "dual", "one-include-passes", "single-check"]
Preset = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\w][\w .+-]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Review(_Table):
    """What is asked, and where that was registered (both registration fields or neither).

    ``published`` names a published review to compare with (`review compare`).
    """

    title: Annotated[str, Field(min_length=1)]
    question: str = ""
    kind: Literal["systematic", "scoping"] = "scoping"
    registration: str | None = None
    registered: str | None = None
    published: str | None = None


class Criterion(_Table):
    """One eligibility criterion; their order in the file is the order in which they fail."""

    id: Name
    text: Annotated[str, Field(min_length=1)]


class Search(_Table):
    """One search of a service; ``limits`` are added to the query one by one and counted.

    ``kind`` is the service's own (database or register) unless the protocol says otherwise.
    """

    name: Name
    source: Name
    query: Annotated[str, Field(min_length=1)]
    kind: Kind | None = None
    platform: str | None = None
    limits: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    base_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    accept_warnings: bool = False


class Import(_Table):
    """One file that a person exported elsewhere; what is missing can be added later.

    ``deduplicated`` tells of duplicates that were removed elsewhere before; a ``mixed`` library
    takes the source of each row from the row.
    """

    file: Annotated[str, Field(min_length=1)]
    source: str | None = None
    platform: str | None = None
    kind: Kind = "database"
    searched: str | None = None
    strategy: str | None = None
    limits: str | None = None
    hits: Annotated[int, Field(ge=0)] | None = None
    deduplicated: str | None = None
    mixed: bool = False
    format: str | None = None
    map: dict[str, str] = {}


class ScreeningStage(_Table):
    """One stage of screening, how many people decide in it, and in which order.

    ``people`` is for dual review (3 and more: n-fold); ``check`` is the percentage of records
    that a second person screens in mode single-check; ``stop`` is a rule such as
    ``buscar(0.95, 0.95) and consecutive(50)``; ``target`` and ``alpha`` are those of the verified
    sample, and ``samples`` how many may be drawn at most: alpha is split over them.
    """

    stage: Stage
    mode: Mode = "single"
    people: Annotated[int, Field(ge=2, le=20)] = 2
    check: Annotated[float, Field(gt=0, le=100)] = 10.0
    ranker: Name = "blend"
    stop: str | None = None
    target: Annotated[float, Field(gt=0, le=1)] = 0.95
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    samples: Annotated[int, Field(ge=1, le=5)] = 1

    @field_validator("stop")
    @classmethod
    def _stop_can_be_read(cls, stop: str | None) -> str | None:
        if stop is not None:
            from review.screening.stopping.compose import parse as parse_rule

            try:
                parse_rule(stop)
            except LitscaleError as error:
                raise ValueError(str(error)) from error
        return stop


class Terms(_Table):
    """Words to mark in title and abstract while screening: those that speak for and against."""

    include: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    exclude: tuple[Annotated[str, Field(min_length=1)], ...] = ()


class Suggestions(_Table):
    """A language model that suggests, and never decides (method rules, section 4).

    ``url`` is the base of an OpenAI-compatible service, on this machine or elsewhere.
    """

    url: Annotated[str, Field(pattern=r"^https?://")]
    model: Annotated[str, Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=16, le=8192)] = 512


class Labels(_Table):
    """The codebook, which tagger speaks for which dimension, and what trains it.

    ``silver`` names codes of a random sample that a language model gave (`review.labelling.silver`):
    they never replace an audit by people, and are left aside as soon as there is one.
    """

    codebook: str = "nlp-medicine"
    tagger: str = "keywords"
    dimensions: dict[str, str] = {}
    training: str | None = None
    training_records: str | None = None
    silver: str | None = None
    key: str = "record_key"

    def taggers(self) -> list[str]:
        """Names of all taggers that are needed, each once, the default first."""
        return list(dict.fromkeys([self.tagger, *self.dimensions.values()]))

    def tagger_of(self, dimension: str) -> str:
        """The tagger whose labels are shown for a dimension."""
        return self.dimensions.get(dimension, self.tagger)


class Figures(_Table):
    """Which figures, for which journal, in which formats (empty: the preset's own)."""

    names: tuple[str, ...] = (
        "prisma-flow",
        "records-per-year",
        "family-share",
        "task-by-family",
        "evaluation-by-year",
    )
    preset: Preset = "nature"
    formats: tuple[Literal["pdf", "svg", "png", "tiff", "eps"], ...] = ()


class Ledger(_Table):
    """Where the ledger is, if not the workspace's own SQLite file; no passwords here."""

    url: str | None = None

    @field_validator("url")
    @classmethod
    def _no_password(cls, url: str | None) -> str | None:
        if url and "@" in url and ":" in url.split("://", 1)[-1].rsplit("@", 1)[0]:
            raise ValueError("holds a password; set LITSCALE_LEDGER_URL in the environment instead")
        return url


class Protocol(_Table):
    """The whole file. ``seed`` drives everything that is random."""

    review: Review
    criteria: tuple[Criterion, ...] = ()
    search: tuple[Search, ...] = ()
    imports: tuple[Import, ...] = Field(default=(), alias="import")
    screening: tuple[ScreeningStage, ...] = (ScreeningStage(stage="title-abstract"),)
    terms: Terms = Terms()
    suggestions: Suggestions | None = None
    labels: Labels = Labels()
    figures: Figures = Figures()
    ledger: Ledger = Ledger()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Protocol":
        groups: tuple[tuple[str, list[str]], ...] = (
            ("search.name", [search.name for search in self.search]),
            ("import.file", [item.file for item in self.imports]),
            ("criteria.id", [criterion.id for criterion in self.criteria]),
            ("screening.stage", self.stages),
        )
        for what, names in groups:
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                raise ValueError(f"{what} must be unique, doubled: {', '.join(doubled)}")
        return self

    @property
    def stages(self) -> list[str]:
        """Names of the screening stages in order."""
        return [stage.stage for stage in self.screening]

    def stage(self, name: str) -> ScreeningStage:
        """A stage by its name.

        Raises:
            InputError: the protocol has no such stage.

        """
        for stage in self.screening:
            if stage.stage == name:
                return stage
        raise InputError(f"stage {name!r}: the protocol has {', '.join(self.stages)}")


def load(path: Path) -> Protocol:
    """Read and validate a protocol file.

    Raises:
        ProtocolError: names the file, every bad key with its value, and what is expected.

    """
    return parse(read_text(path), path)


def read_text(path: Path) -> str:
    """The protocol's text, as it is frozen."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: cannot be read: {error}") from error


def parse(text: str, path: Path) -> Protocol:
    """Validate a protocol's text; ``path`` is only named in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{path}: not valid TOML: {error}") from error
    try:
        return Protocol.model_validate(data)
    except ValidationError as error:
        lines = "\n".join(f"  {_explain(dict(item))}" for item in error.errors())
        raise ProtocolError(f"{path}: the protocol cannot be used:\n{lines}") from error


def import_item(**given: Any) -> Import:
    """An `Import` from command-line options; ``map`` is a list of ``field=column``.

    Raises:
        InputError: an option's value is not one of the known ones.

    """
    pairs = [pair.partition("=") for pair in given.pop("map")]
    bad = [field for field, separator, _ in pairs if not separator]
    if bad:
        raise InputError(f"--map {bad[0]!r}: write it as field=column, e.g. title=Article")
    mapping = {field.strip(): column.strip() for field, _, column in pairs}
    try:
        return Import(map=mapping, **given)
    except ValidationError as error:
        lines = "; ".join(f"--{_explain(dict(item))}" for item in error.errors())
        raise InputError(f"import: {lines}") from error


def judges_alike(one: str, other: str) -> bool:
    """Whether two texts of a protocol ask the same questions, by the same criteria and in the same stages.

    They are read as plain TOML: an older text may hold keys that are no longer known.

    >>> judges_alike('seed = 1', 'seed = 2'), judges_alike('', '[review]\\nquestion = "Why?"')
    (True, False)
    """

    def judged(text: str) -> tuple[Any, ...]:
        told = tomllib.loads(text)
        stages = [stage.get("stage") for stage in told.get("screening", [])]
        return told.get("review", {}).get("question"), told.get("criteria"), stages

    return judged(one) == judged(other)


def text_hash(text: str) -> str:
    """Names a version of the protocol's text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _explain(item: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "(file)"
    if item["type"] == "missing":
        return f"{key}: is missing; add it"
    if item["type"] == "extra_forbidden":
        known = _known_keys(item["loc"][:-1])
        close = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{key} = {item['input']!r}: no such key; {hint}known: {', '.join(known)}"
    message = item["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(item["input"], dict) else f" = {item['input']!r}"
    return f"{key}{shown}: {message}"


def _known_keys(location: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Protocol
    for part in location:
        if isinstance(part, int):
            continue
        for name, info in model.model_fields.items():
            if part in (name, info.alias):
                model = _model_in(info.annotation) or model
    return sorted(info.alias or name for name, info in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found:
            return found
    return None
