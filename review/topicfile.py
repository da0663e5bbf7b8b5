"""``topics.toml``: what people call topics, which they merge and which they leave out.

It is written after every fit and read by ``review topics --apply``. Topics of one name are one group.
A later fit writes it anew: a topic that is the same (`classifiers.topics.naming`) keeps what people
wrote of it; the file as it was stays beside it under the name of the fit it belonged to.
"""

import tomllib
from dataclasses import dataclass
from typing import Any

import pandas as pd

from classifiers.topics.model import keyword_name
from corpora.errors import InputError
from corpora.files import write_whole
from review.analysis.topics import KEYWORDS, PERSON
from review.workspace import Workspace

FILE = "topics.toml"

_HEAD = """\
# Topics of this review. Give a topic another name; topics of the same name are merged into one; a topic
# with removed = true is left out of all shares. Then run: review topics --apply
# Lines that begin with # are for you to read; named_by and was say who gave the name: leave them, but for
# a model's name that you take as yours as it stands: write named_by = "person".
"""


@dataclass(frozen=True, slots=True)
class Group:
    """What a topic is called, whether it is left out, and who named it: keywords, person or a model."""

    name: str
    removed: bool = False
    named_by: str = PERSON


def by_keywords(topics: pd.DataFrame) -> dict[str, Group]:
    """The names that topics have by themselves; the id is added where two would have the same."""
    made: dict[str, Group] = {}
    for row in topics.to_dict("records"):
        name = keyword_name(row["words"]) or str(row["topic"])
        if any(name == group.name for group in made.values()):
            name = f"{name} ({row['topic']})"
        made[row["topic"]] = Group(name, named_by=KEYWORDS)
    return made


def read(workspace: Workspace, fit: str, topics: pd.DataFrame) -> dict[str, Group]:
    """What the file says of each topic of a fit.

    Raises:
        InputError: there is no file, it is no TOML, it belongs to another fit, it names an unknown
            topic, misses one or holds something else than name and removed.

    """
    path = workspace.root / FILE
    told = _parsed(workspace)
    if told is None:
        raise InputError(f"{path}: not here; run: review topics")
    if told.get("fit") != fit:
        raise InputError(
            f"{path}: fit = {told.get('fit')!r}, the newest fit is {fit!r}; run: review topics "
            "(it writes the file for that fit and keeps this one beside it)"
        )
    given, known = told.get("topics", {}), [str(one) for one in topics["topic"]]
    if unknown := [name for name in given if name not in known]:
        raise InputError(f"{path}: {unknown[0]} is no topic of this fit; it has {', '.join(known)}")
    if missing := [name for name in known if name not in given]:
        raise InputError(
            f"{path}: {', '.join(missing)} not there; every topic stands in it, "
            "leave one out with removed = true"
        )
    return {name: _group(f"{path}: [topics.{name}]", given[name]) for name in known}


def _group(place: str, row: Any) -> Group:
    if not isinstance(row, dict) or set(row) - {"name", "removed", "named_by", "was"}:
        raise InputError(f"{place}: it may hold name and removed, got {row!r}")
    name, removed = row.get("name"), row.get("removed", False)
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"{place}: name = {name!r}: a topic needs a name")
    if not isinstance(removed, bool):
        raise InputError(f"{place}: removed = {removed!r}: write true or false")
    kept = row.get("named_by", PERSON) if name == row.get("was") else PERSON
    return Group(name.strip(), removed, str(kept))


def renew(
    workspace: Workspace, fit: str, tables: dict[str, pd.DataFrame], earlier: dict[str, Group]
) -> list[str]:
    """Write the file for a fit, unless it is there; gives what is to be said.

    ``earlier``: the groups that were in force, for topics that the file does not know.
    """
    path = workspace.root / FILE
    told = _parsed(workspace)
    if told is not None and told.get("fit") == fit:
        return []
    kept, notes = dict(earlier), []
    if told is not None:
        kept |= {
            name: _group(f"{path}: [topics.{name}]", row) for name, row in told.get("topics", {}).items()
        }
        aside = path.with_name(f"topics.{told.get('fit', 'unknown')}.toml")
        path.rename(aside)
        notes.append(f"{FILE} is written anew for this fit; the one before is kept as {aside.name}")
    here = set(tables["topics"]["topic"])
    edited = {name: group for name, group in kept.items() if group.named_by != KEYWORDS or group.removed}
    if carried := sorted(name for name in edited if name in here):
        notes.append(f"names and removals carried over, look at them: {', '.join(carried)}")
    if gone := sorted(f"{name} ({group.name})" for name, group in edited.items() if name not in here):
        notes.append(f"no longer a topic, what was written of it is in the old file: {', '.join(gone)}")
    _write(workspace, _text(fit, tables, {name: edited[name] for name in edited if name in here}))
    notes.append(f"edit {FILE}, then run: review topics --apply")
    return notes


def rename(workspace: Workspace, groups: dict[str, Group], fit: str, tables: dict[str, pd.DataFrame]) -> None:
    """Write the file of a fit with these groups in place of those it holds."""
    _write(workspace, _text(fit, tables, groups))


def _text(fit: str, tables: dict[str, pd.DataFrame], groups: dict[str, Group]) -> str:
    near, groups = _nearest(tables["hierarchy"]), by_keywords(tables["topics"]) | groups
    lines = [_HEAD, f"fit = {_quoted(fit)}", ""]
    for row in tables["topics"].to_dict("records"):
        topic, group = row["topic"], groups[row["topic"]]
        known = "stability not measured"
        if pd.notna(row["jaccard"]):
            known = f"stability {row['jaccard']:.2f}, {'solid' if row['solid'] else 'NOT solid'}"
        lines += [
            f"[topics.{topic}]",
            f"# {row['studies']:,} studies, {known}; joins first with {near.get(topic, 'none')}",
            f"# {', '.join(row['words'])}",
            f"name = {_quoted(group.name)}",
            f"removed = {str(group.removed).lower()}",
            f"named_by = {_quoted(group.named_by)}",
            f"was = {_quoted(group.name)}",
            "",
        ]
    return "\n".join(lines)


def _nearest(hierarchy: pd.DataFrame) -> dict[str, str]:
    """For each topic, what it joins first in the hierarchy."""
    inside: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    for row in hierarchy.to_dict("records"):
        sides = [inside.get(row[name], [row[name]]) for name in ("left", "right")]
        for one, other in (sides, sides[::-1]):
            for topic in one:
                found.setdefault(topic, ", ".join(other))
        inside[row["node"]] = [*sides[0], *sides[1]]
    return found


def _quoted(text: str) -> str:
    """A TOML string.

    >>> _quoted('say "no"')
    '"say \\\\"no\\\\""'
    """
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parsed(workspace: Workspace) -> dict[str, Any] | None:
    path = workspace.root / FILE
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no TOML: {error}") from error


def _write(workspace: Workspace, text: str) -> None:
    write_whole(workspace.root / FILE, text.encode())
