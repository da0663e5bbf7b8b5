"""`review compare`: the numbers of a published review beside those of this one.

The published numbers are data (``templates/NAME.published.toml``, or a file of one's own): for each
item which label it is about, among which studies, and what was published, with its denominator. Ours
are computed by `review.analysis.prevalence`, naive and corrected, and never without their population:
two reviews that searched differently do not have the same share to estimate.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from classifiers.codebook import NOT_REPORTED, Codebook
from corpora.errors import InputError
from corpora.files import write_whole
from review import export, templates
from review.analysis import prevalence
from review.analysis.prevalence import Masks, Measure
from review.analysis.tidy import NOT_AUDITED, Context, Tidy, labels_of
from review.facts import facts
from review.figures.save import escaped
from review.workspace import Workspace

COLUMNS = (
    "what", "published", "published_n", "published_denominator", "n", "denominator", "naive", "corrected",
    "low", "high", "audited", "status", "caution",
)  # fmt: skip


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Table):
    """One published number; label ids are ``dimension.label`` of the codebook.

    A study counts below the line if it has every label of ``of``, not ``without_of``, any label of the
    dimension ``any_of``, and in the dimension ``reports`` one that is not "not reported"; above it if it
    also has ``has`` and not ``without``. ``share`` is in per cent.
    """

    what: str
    has: str
    of: tuple[str, ...] = ()
    without: str | None = None
    without_of: str | None = None
    any_of: str | None = None
    reports: str | None = None
    n: Annotated[int, Field(ge=0)] | None = None
    total: Annotated[int, Field(gt=0)] | None = None
    share: Annotated[float, Field(ge=0, le=100)] | None = None
    caution: str = ""

    def names(self) -> list[str]:
        """Every label that the item reads."""
        return [one for one in (self.has, *self.of, self.without, self.without_of) if one]

    def dimensions(self) -> tuple[str, ...]:
        """Every dimension that the item reads."""
        named = [name.split(".")[0] for name in self.names()]
        named += [one for one in (self.any_of, self.reports) if one]
        return tuple(dict.fromkeys(named))

    def published(self) -> float | None:
        """The published share in [0, 1]: as it was printed, else of its counts; None for a bare count."""
        if self.share is not None:
            return self.share / 100
        return self.n / self.total if self.n is not None and self.total else None

    @model_validator(mode="after")
    def _something_is_published(self) -> "Item":
        if self.n is None and self.share is None:
            raise ValueError(f"{self.what}: give n (with total, if known) or share")
        return self


class Published(_Table):
    """A published review: its numbers and what must be known of them."""

    name: str
    title: str
    source: str
    population: str
    cautions: tuple[str, ...] = ()
    item: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published review and, row by row, ours beside it (`COLUMNS`)."""

    published: Published
    tidy: Tidy

    def notes(self) -> list[str]:
        """What a reader must know before two numbers are held against each other."""
        theirs = self.published
        return [
            f"Published: {theirs.source}. Population: {theirs.population}.",
            f"Ours: {self.tidy.population}.",
            *theirs.cautions,
            *self.tidy.notes,
        ]

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        frame = self.tidy.frame.astype(object)
        return {
            "published": self.published.model_dump(exclude={"item"}),
            "rows": frame.where(frame.notna(), None).to_dict("records"),
            "population": self.tidy.population,
            "notes": self.notes(),
        }


def write(comparison: Comparison, path: Path) -> None:
    """The rows as CSV, safe for a spreadsheet; all of the file or none of it.

    Raises:
        DiskError: the disk refused the write.

    """
    write_whole(path, escaped(comparison.tidy.frame).to_csv(index=False).encode())


def read(name: str) -> Published:
    """Published numbers that ship, by name, or those of a file, by its path (``….toml``).

    Raises:
        InputError: names the file, the key and the value that cannot be used.

    """
    place = Path(name)
    try:
        text = place.read_text("utf-8") if name.endswith(".toml") else templates.read_published(name)
        return Published.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{name}: published numbers cannot be read: {error}") from error
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}, got {str(one['input'])[:60]!r}"
            for one in error.errors()
        )
        raise InputError(f"{name}: published numbers cannot be used: {told}") from error


def compare(workspace: Workspace, name: str | None = None) -> Comparison:
    """Ours beside the published numbers that the protocol names, or that ``name`` does.

    Raises:
        InputError: nothing to compare with is named.

    """
    wanted = name or workspace.protocol.review.published
    if not wanted:
        raise InputError(
            f"{workspace.root}: the protocol names no published review; say review compare --with NAME or "
            f"FILE.toml (shipped: {', '.join(templates.PUBLISHED)})"
        )
    published = read(wanted)
    held = facts(workspace)
    studies, context = export.population(workspace, held)
    return Comparison(published, beside(published, studies, context, held.codebook))


def beside(published: Published, studies: pd.DataFrame, context: Context, codebook: Codebook) -> Tidy:
    """One row an item: published share, count and denominator, then ours, naive and corrected.

    Raises:
        InputError: an item names a label that the codebook does not have.

    """
    _known(published, codebook)
    found: list[dict[str, Any]] = []
    absent: list[str] = []
    for item in published.item:
        read_ = item.dimensions()
        missing = [name for name in read_ if name not in context.labels]
        if missing:
            absent.append(f"{item.what}: {', '.join(missing)} not tagged")
            continue
        gate = codebook.gate if codebook.gate and codebook.gate.split(".")[0] in context.labels else None
        wanted = tuple(dict.fromkeys([*read_, *([gate.split(".")[0]] if gate else [])]))
        (one,) = prevalence.estimates(
            studies, measure(item, gate), context, dimensions=wanted, denominator=below(item, codebook)
        )
        theirs: dict[str, Any] = {
            "what": item.what,
            "published": item.published(),
            "published_n": item.n,
            "published_denominator": item.total,
            "caution": item.caution,
        }
        ours = prevalence.table([one]).iloc[0].to_dict()
        found.append(theirs | {str(name): value for name, value in ours.items()})
    types = {"published_n": "Int64", "published_denominator": "Int64", "published": "Float64"}
    frame = pd.DataFrame(found, columns=list(COLUMNS)).astype(types)
    notes = [f"Not compared: {told}." for told in absent]
    if absent and context.unheard:
        notes.append(f"{context.unheard[0].upper()}{context.unheard[1:]}.")
    if context.audit is None:
        notes += [NOT_AUDITED, f"Why: {context.audit_state}."]
    return Tidy(
        frame,
        unit="studies",
        denominator="as each row says",
        population=context.population,
        notes=tuple(notes),
        simulated=context.simulated,
    )


def measure(item: Item, gate: str | None) -> Measure:
    """The item as a measure: who is asked, who counts below the line, who above."""

    def made(frame: pd.DataFrame) -> Masks:
        held = {name: [labels_of(cell) for cell in frame[name]] for name in _columns(item, gate, frame)}
        tagged = np.array([all(held[name][row] is not None for name in held) for row in range(len(frame))])

        def having(label: str | None) -> Any:
            if label is None:
                return np.zeros(len(frame), bool)
            dimension, _, value = label.partition(".")
            return np.array([value in (cell or []) for cell in held[dimension]], bool)

        below = tagged & ~having(gate) & ~having(item.without_of)
        for label in item.of:
            below &= having(label)
        for dimension in (item.any_of, item.reports):
            if dimension:
                below &= np.array([bool(set(cell or []) - {NOT_REPORTED}) for cell in held[dimension]], bool)
        above = below & having(item.has) & ~having(item.without)
        return Masks(*(mask.astype(bool).reshape(-1, 1) for mask in (tagged, below, above)))

    return made


def below(item: Item, codebook: Codebook) -> str:
    """The denominator in words."""
    titles = codebook.titles()
    told = [titles[label] for label in item.of]
    told += [f"not {titles[item.without_of]}"] if item.without_of else []
    told += [f"with any {_title(codebook, item.any_of)}"] if item.any_of else []
    told += [f"that report {_title(codebook, item.reports)}"] if item.reports else []
    return ", ".join(["tagged studies in scope", *told])


def _columns(item: Item, gate: str | None, frame: pd.DataFrame) -> list[str]:
    wanted = [*item.dimensions(), *([gate.split(".")[0]] if gate else [])]
    return [name for name in dict.fromkeys(wanted) if name in frame]


def _title(codebook: Codebook, dimension: str) -> str:
    return next(one.title for one in codebook.all_dimensions() if one.id == dimension)


def _known(published: Published, codebook: Codebook) -> None:
    labels = codebook.titles()
    dimensions = {one.id for one in codebook.all_dimensions()}
    for item in published.item:
        bad = [name for name in item.names() if name not in labels]
        bad += [name for name in (item.any_of, item.reports) if name and name not in dimensions]
        if bad:
            raise InputError(
                f"{published.name}: {item.what!r} is about {', '.join(bad)}, which the codebook "
                f"{codebook.name} does not have; use its codebook, or change the item"
            )


def lines(comparison: Comparison) -> list[tuple[str, str, str, str]]:
    """Rows for a terminal: what, published, ours, and what to mind."""
    rows = comparison.tidy.frame.to_dict("records")
    return [(str(row["what"]), _published(row), _ours(row), str(row["caution"])) for row in rows]


def _published(row: dict[Any, Any]) -> str:
    share = "" if pd.isna(row["published"]) else f"{row['published']:.1%}"
    of = "" if pd.isna(row["published_denominator"]) else f"/{row['published_denominator']:,}"
    counts = "" if pd.isna(row["published_n"]) else f"{row['published_n']:,}{of}"
    return f"{share} ({counts})" if share and counts else share or counts


def _ours(row: dict[Any, Any]) -> str:
    naive = "–" if pd.isna(row["naive"]) else f"{row['naive']:.1%}"
    counts = f"{row['n']:,}/{row['denominator']:,}"
    if row["status"] != "corrected":
        return f"{naive} ({counts}), naive, {row['status']}"
    return f"{row['corrected']:.1%} [{row['low']:.1%}, {row['high']:.1%}]; naive {naive} ({counts})"
