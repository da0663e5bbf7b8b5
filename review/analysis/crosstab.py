"""Two dimensions against each other, read both ways."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from review.analysis import prevalence
from review.analysis.prevalence import COLUMNS, Masks, Measure
from review.analysis.tidy import (
    FAMILIES,
    NO_METHOD,
    Context,
    Tidy,
    family_group,
    labels_of,
)

SIDES = ("row", "column")
"""Of the task's studies, share of the family; of the family's studies, share with the task."""


def task_by_family(studies: pd.DataFrame, context: Context) -> Tidy:
    """Task × method family: columns task, family, n, row_share, column_share, …

    ``row_share`` = share of the family within the task's studies; ``column_share`` = share of the
    task within the family's studies (a study may have several tasks, so a column can sum to more
    than 1). ``naive``, ``corrected`` and what goes with them are of the column share; the row
    share has its own, as ``row_naive``, ``row_corrected``, …
    """
    if not {"family", "tasks"} <= set(studies.columns):
        studies = studies.assign(family=None, tasks=None)
    groups = studies["family"].map(family_group)
    kept = studies[groups.notna() & studies["tasks"].map(labels_of).notna()]
    notes = []
    left_out = int((groups == NO_METHOD).sum())
    if left_out:
        notes.append(f"{left_out:,} studies state no method and are not shown.")
    long = kept.assign(task=kept["tasks"].map(labels_of), group=groups[kept.index])
    long = long[long["group"].isin(FAMILIES)][["group", "task"]].explode("task").dropna(subset=["task"])
    order = [str(task) for task in long["task"].value_counts().index]
    cells = [(task, family) for task in order for family in FAMILIES]
    found = {
        side: prevalence.estimates(
            kept, _measure(cells, order, side), context, dimensions=("family", "tasks"),
            denominator=f"the {'task' if side == 'row' else 'family'}'s studies",
        )
        for side in SIDES
    }  # fmt: skip
    frame = prevalence.table(found["column"])
    row = prevalence.table(found["row"])
    frame = frame.assign(
        row_share=row["naive"],
        column_share=frame["naive"],
        **{f"row_{name}": row[name] for name in COLUMNS},
    )
    names = {label: context.titles.get(f"tasks.{label}", label) for label in order}
    frame.insert(0, "task", [names[task] for task, _ in cells])
    frame.insert(1, "family", [family for _, family in cells])
    return Tidy(
        frame,
        unit="studies",
        denominator="left: the task's studies; right: the family's studies",
        population=context.population,
        notes=(*notes, *prevalence.notes([*found["row"], *found["column"]], context)),
        simulated=context.simulated,
    )


def _measure(cells: Sequence[tuple[str, str]], order: Sequence[str], side: str) -> Measure:
    """Cells (task, family) among the studies that state a method."""

    def measure(frame: pd.DataFrame) -> Masks:
        groups = [family_group(cell) for cell in frame["family"]]
        tasks = [labels_of(cell) or [] for cell in frame["tasks"]]
        of_family = np.array([[group == family for family in FAMILIES] for group in groups], dtype=bool)
        with_task = np.array([[task in one for task in order] for one in tasks], dtype=bool)
        of_family = of_family.reshape(len(frame), len(FAMILIES))
        with_task = with_task.reshape(len(frame), len(order))
        family = of_family[:, [FAMILIES.index(name) for _, name in cells]]
        task = with_task[:, [order.index(name) for name, _ in cells]]
        stated = of_family.any(axis=1, keepdims=True)
        below = np.asarray(task & stated if side == "row" else family)
        return Masks(np.ones_like(below), below, np.asarray(task & family))

    return measure
