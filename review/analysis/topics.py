"""Topics against method families and years, on a map, and how solid they are.

A topic is what the clustering put there: people do not code it, so an audit cannot correct it. Of a
share that names a topic and a family, the family's side is corrected where it was audited.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from corpora.words import by_number, counted
from review.analysis import prevalence
from review.analysis.labelsets import LabelSets
from review.analysis.prevalence import COLUMNS, Masks, Measure
from review.analysis.tidy import FAMILIES, NO_METHOD, POOLED, Context, Tidy, dated, family_group

OUTLIERS = "In no topic"
UNFITTED = "no topics were fitted. Run: review topics"
MAP_SEED = 42
PERSON, KEYWORDS, MODEL = "person", "keywords", "model "
"""Who gave a topic its name; after `MODEL` stands which."""
MOST_ON_MAP = 5_000
"""Studies drawn of each family, at most."""

_COUNTED = (
    "A topic is what the clustering put there, so its share is a count; topic-stability says how solid."
)
_STATES = {
    "removed": ("study is", "in topics that people removed"),
    "left out": ("study has", "no usable abstract and no topic"),
    "new": ("study", "came after the topics were fitted (review topics)"),
}


def placed(
    studies: pd.DataFrame,
    fit: pd.DataFrame,
    names: Mapping[str, str | None],
    solid: Mapping[str, bool | None],
    named_by: Mapping[str, str],
) -> pd.DataFrame:
    """Studies with what a fit says of them: topic (a list of one name), state, x, y, solid and named_by.

    ``fit``: record_id, topic, x, y, left_out; ``names``: topic → name, None if it was removed; topics
    of one name are one, solid if all of them are, and ``named_by`` a person if a person wrote the name
    of any. ``state`` is topic, outlier, removed, left out or new; outliers have the topic `OUTLIERS`, the
    last three none.
    """
    held = fit.set_index("record_id").to_dict("index")
    rows = []
    for records in studies["record_ids"]:
        row = next((held[one] for one in sorted(records) if one in held), None)
        rows.append(_place(row, names))
    made = studies.assign(**{key: [row[key] for row in rows] for key in ("topic", "state", "x", "y")})
    weak = {name for topic, name in names.items() if name and not solid[topic]}
    unknown = all(one is None for one in solid.values())
    made["solid"] = [
        None if unknown or row["state"] != "topic" else row["topic"][0] not in weak for row in rows
    ]
    namers: dict[str, str] = {}
    for topic, name in names.items():
        if name and namers.get(name) != PERSON:
            namers[name] = named_by[topic]
    made["named_by"] = [namers[row["topic"][0]] if row["state"] == "topic" else None for row in rows]
    return made


def _place(row: dict[Hashable, Any] | None, names: Mapping[str, str | None]) -> dict[str, Any]:
    if row is None:
        return {"topic": None, "state": "new", "x": np.nan, "y": np.nan}
    where = {"x": row["x"], "y": row["y"]}
    if isinstance(row["left_out"], str):
        return {"topic": None, "state": "left out", **where}
    if not isinstance(row["topic"], str):
        return {"topic": [OUTLIERS], "state": "outlier", **where}
    name = names[row["topic"]]
    return {"topic": [name] if name else None, "state": "topic" if name else "removed", **where}


def topic_by_family(studies: pd.DataFrame, context: Context) -> Tidy:
    """Topic × method family: columns topic, family, size, solid, named_by, n, row_share, column_share, …

    ``row_share`` = share of the family within the topic's studies that state a method; ``column_share``
    = share of the topic within the family's studies. ``naive``, ``corrected`` and what goes with them
    are of the column share, ``row_naive``, … of the row share; the family is corrected in both.
    Studies in no topic are a row of their own, so that a family's shares sum to 1.
    """
    kept, notes = _kept(studies)
    groups = kept["family"].map(family_group) if "family" in kept else pd.Series(None, index=kept.index)
    kept = kept[groups.notna()]
    if silent := int((groups == NO_METHOD).sum()):
        notes.append(
            f"{counted(silent, 'study states')} no method and {by_number(silent, 'is', 'are')} not shown."
        )
    cells = [(topic, family) for topic in _names(kept, groups) for family in FAMILIES]
    over = {"row": "the topic's studies that state a method", "column": "the family's clustered studies"}
    found = {
        side: prevalence.estimates(
            kept, _measure(cells, side), context, dimensions=("family",), denominator=over[side]
        )
        for side in ("row", "column")
    }  # fmt: skip
    row, frame = prevalence.table(found["row"]), prevalence.table(found["column"])
    frame = frame.assign(
        row_share=row["naive"], column_share=frame["naive"], row_denominator=row["denominator"],
        **{f"row_{name}": row[name] for name in COLUMNS},
    )  # fmt: skip
    frame.insert(0, "topic", [topic for topic, _ in cells])
    frame.insert(1, "family", [family for _, family in cells])
    _describe(frame, kept)
    told = prevalence.notes([*found["row"], *found["column"]], context) if cells else []
    return Tidy(
        frame, "studies", f"left: {over['column']}; right: {over['row']}", context.population,
        (*notes, _COUNTED, *_by_model(frame, "topic"), *told), context.simulated,
        _instead(studies, "studies with a topic and a family"),
    )  # fmt: skip


def topics_over_time(studies: pd.DataFrame, context: Context, top: int = 40) -> Tidy:
    """Share of each topic among the year's studies: columns year, topic, size, solid, named_by, n, naive, …

    Topics come in the order of their mean year; beyond the ``top`` largest they are counted in a note.
    """
    kept, notes = _kept(studies)
    kept, undated = dated(kept)
    notes += undated
    names = kept["topic"].map(lambda cell: cell[0])
    largest = [str(one) for one in names[names != OUTLIERS].value_counts(sort=True).index[:top]]
    if (rest := int(names.nunique()) - len(largest) - int((names == OUTLIERS).any())) > 0:
        notes.append(f"{counted(rest, 'smaller topic is')} not shown.")
    order = sorted(largest, key=lambda name: (float(kept.loc[names == name, "year"].mean()), name))
    order += [OUTLIERS] if (names == OUTLIERS).any() else []
    years = range(int(kept["year"].min()), int(kept["year"].max()) + 1) if len(kept) else range(0)
    rows: list[tuple[int | None, str]] = [(year, name) for year in years for name in order]
    denominator = "clustered studies of the year, without removed topics"
    found = prevalence.estimates(
        kept, prevalence.by_year(rows, _held, bool), _uncorrected(context),
        dimensions=("topic",), denominator=denominator,
    )  # fmt: skip
    frame = prevalence.table(found)
    frame.insert(0, "year", [year for year, _ in rows])
    frame.insert(1, "topic", [name for _, name in rows])
    _describe(frame, kept)
    return Tidy(
        frame, "studies", denominator, context.population,
        (*notes, _COUNTED, *_by_model(frame, "topic"), POOLED), context.simulated,
        _instead(studies, "studies with a topic and a year"),
    )  # fmt: skip


def topic_map(studies: pd.DataFrame, context: Context) -> Tidy:
    """Studies of two families on one plane, equally many of each, and where topics lie.

    Columns kind (study or topic), family, topic, x, y, n (1, or the topic's studies), solid, named_by.
    Studies are a random sample of each family as tagged, as large as the smaller family and at most
    `MOST_ON_MAP`; a topic lies at the median of all its studies.
    """
    kept, notes = _kept(studies)
    kept = kept.sort_values("study_id")
    groups = kept["family"].map(family_group) if "family" in kept else pd.Series(None, index=kept.index)
    sides = [kept[groups == family] for family in (FAMILIES[0], FAMILIES[2])]
    size = min(MOST_ON_MAP, *(len(side) for side in sides))
    draw = np.random.default_rng(MAP_SEED)
    rows = []
    for family, side in zip((FAMILIES[0], FAMILIES[2]), sides, strict=True):
        part = side.iloc[np.sort(draw.choice(len(side), size, replace=False))] if size else side.iloc[:0]
        unknown = dict.fromkeys(("solid", "named_by"))
        rows.append(part[["topic", "x", "y"]].assign(kind="study", family=family, n=1, **unknown))
    frame = pd.concat(rows)
    frame["topic"] = [cell[0] for cell in frame["topic"]]
    names = kept["topic"].map(lambda cell: cell[0])
    for name in names[names != OUTLIERS].value_counts().index if size else ():
        part = kept[names == name]
        middle = {
            "x": part["x"].median(),
            "y": part["y"].median(),
            "n": len(part),
            "solid": part["solid"].iloc[0],
            "named_by": part["named_by"].iloc[0],
        }
        frame.loc[len(frame) + len(kept)] = {"topic": name, "kind": "topic", "family": "", **middle}
    frame = frame[["kind", "family", "topic", "x", "y", "n", "solid", "named_by"]].reset_index(drop=True)
    notes.append(
        f"{counted(size, 'study')} of each family, drawn at random of {len(sides[0]):,} and "
        f"{len(sides[1]):,} "
        "as tagged; those of both families or none are not drawn. Distances on the map mean little."
    )
    notes += _by_model(frame, "topic")
    return Tidy(
        frame, "studies", "equally many of each family", context.population, tuple(notes), context.simulated,
        _instead(studies, "studies of both families with a topic"),
    )  # fmt: skip


def topic_stability(report: pd.DataFrame, context: Context) -> Tidy:
    """How well topics come out again: a row a topic (kind topic), a step of the hierarchy (node), a pair
    of seeds (seeds).

    Columns kind, id, name, named_by, n (studies), jaccard (mean best Jaccard over subsamples), low and high
    (smallest and largest), null (by chance), solid; left, right and distance of a node; with_outliers
    and without_outliers (adjusted Rand index) of seeds.
    """
    notes = []
    if not {"kind", "jaccard"} <= set(report.columns):
        report = pd.DataFrame({"kind": [], "n": []})
    else:
        topics, seeds = (report[report["kind"] == kind] for kind in ("topic", "seeds"))
        solid = int(topics["solid"].fillna(value=False).astype(bool).sum())
        notes = [f"{solid} of {len(topics)} topics are solid: mean best Jaccard of .6 or more."]
        for what, column in (("as a class", "with_outliers"), ("left aside", "without_outliers")):
            if len(seeds):
                low, high = seeds[column].min(), seeds[column].max()
                notes.append(
                    f"Over seeds, outliers {what}: adjusted Rand index {seeds[column].mean():.2f} "
                    f"({low:.2f} to {high:.2f}, {counted(len(seeds), 'pair')})."
                )
        notes += _by_model(topics, "name")
    return Tidy(
        report, "studies", "studies of the topic in the subsample", context.population, tuple(notes),
        context.simulated, "no stability of topics was measured. Run: review topics",
    )  # fmt: skip


# ------------------------------------------------------------------ helpers


def _kept(studies: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Studies that are in a topic or an outlier, and sentences about the others."""
    if "topic" not in studies:
        return studies.iloc[:0].assign(topic=None, state=None, x=0.0, y=0.0, solid=None, named_by=None), []
    counts = studies["state"].value_counts()
    notes = [
        f"{counted(int(counts[state]), study)} {told}."
        for state, (study, told) in _STATES.items()
        if state in counts
    ]
    kept = studies[studies["state"].isin(["topic", "outlier"])]
    if outliers := int((kept["state"] == "outlier").sum()):
        notes.insert(0, f"{outliers:,} of {len(kept):,} studies are in no topic.")
    return kept, notes


def _instead(studies: pd.DataFrame, lacking: str) -> str:
    return f"no {lacking}." if "topic" in studies else UNFITTED


def _names(kept: pd.DataFrame, groups: pd.Series) -> list[str]:
    """Topics by the share of the first family in them, most first; outliers last."""
    stated = groups[kept.index].isin(FAMILIES)
    names = kept["topic"].map(lambda cell: cell[0])[stated]
    share = (groups[names.index] == FAMILIES[0]).groupby(names).mean()
    order = sorted((name for name in share.index if name != OUTLIERS), key=lambda name: (-share[name], name))
    return [*order, *([OUTLIERS] if OUTLIERS in share.index else [])]


def _describe(frame: pd.DataFrame, kept: pd.DataFrame) -> None:
    """Add how many studies a topic has, whether it is solid and who named it."""
    names = kept["topic"].map(lambda cell: cell[0])
    sizes, one = names.value_counts(), kept.set_axis(names)[["solid", "named_by"]]
    one = one[~one.index.duplicated()]
    frame.insert(2, "size", [int(sizes[name]) for name in frame["topic"]])
    for place, column in enumerate(one, 3):
        frame.insert(place, column, [one.at[name, column] for name in frame["topic"]])


def models(named_by: Iterable[Any]) -> list[str]:
    """The language models among those who named topics.

    >>> models(["person", "model tiny", None, "model tiny"])
    ['tiny']
    """
    said = dict.fromkeys(one for one in named_by if isinstance(one, str))
    return [one.removeprefix(MODEL) for one in said if one.startswith(MODEL)]


def _by_model(frame: pd.DataFrame, name: str) -> list[str]:
    """A sentence about names that a language model gave."""
    by_model = frame["named_by"].astype("string").str.startswith(MODEL).fillna(value=False).astype(bool)
    if not (count := int(frame.loc[by_model, name].nunique())):
        return []
    topics = f"{counted(count, 'topic has')} {by_number(count, 'its name', 'their names')}"
    return [f"{topics} from a language model ({', '.join(models(frame['named_by']))}), not from people."]


def _held(frame: pd.DataFrame) -> LabelSets:
    return LabelSets.of(frame["topic"])


def _uncorrected(context: Context) -> Context:
    return replace(context, audit=None, audit_state="a topic is a count, people do not code it")


def _measure(cells: Sequence[tuple[str, str]], side: str) -> Measure:
    """Cells (topic, family) among the studies that state a method."""

    def measure(frame: pd.DataFrame) -> Masks:
        groups = np.array([str(family_group(cell)) for cell in frame["family"]])
        topics = np.array([cell[0] for cell in frame["topic"]])
        family = groups[:, None] == np.array([name for _, name in cells])[None, :]
        topic = topics[:, None] == np.array([name for name, _ in cells])[None, :]
        stated = np.isin(groups, FAMILIES)[:, None]
        below = np.asarray(topic & stated if side == "row" else family)
        return Masks(np.ones_like(below), below, np.asarray(topic & family))

    return measure
