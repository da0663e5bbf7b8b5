"""Two dimensions against each other, read both ways."""

import pandas as pd

from review.analysis.tidy import (
    FAMILIES,
    NO_METHOD,
    NOT_AUDITED,
    Context,
    Tidy,
    family_group,
    labels_of,
    shares,
)


def task_by_family(studies: pd.DataFrame, context: Context) -> Tidy:
    """Task × method family: columns task, family, n, row_share, column_share, …

    ``row_share`` = share of the family within the task's studies; ``column_share`` = share of the
    task within the family's studies (a study may have several tasks, so a column can sum to more
    than 1). ``naive`` is the column share, with the family's studies as denominator.
    """
    if not {"family", "tasks"} <= set(studies.columns):
        studies = studies.assign(family=None, tasks=None)
    groups = studies["family"].map(family_group)
    kept = studies.assign(family=groups, task=studies["tasks"].map(labels_of))
    kept = kept[groups.isin(FAMILIES) & kept["task"].notna()]
    notes = [NOT_AUDITED]
    left_out = int((groups == NO_METHOD).sum())
    if left_out:
        notes.insert(0, f"{left_out:,} studies state no method and are not shown.")
    long = kept[["study_id", "family", "task"]].explode("task").dropna(subset=["task"])
    order = list(long["task"].value_counts().index)
    index = pd.MultiIndex.from_product([order, FAMILIES], names=["task", "family"])
    counts = long.groupby(["task", "family"]).size().reindex(index, fill_value=0)
    frame = counts.rename("n").reset_index()
    of_family = kept["family"].value_counts()
    frame = shares(frame, frame["family"].map(of_family).fillna(0).tolist())
    by_task = frame.groupby("task")["n"].transform("sum")
    frame["row_share"] = (frame["n"] / by_task).where(by_task > 0)
    frame["column_share"] = frame["naive"]
    names = {label: context.titles.get(f"tasks.{label}", label) for label in order}
    return Tidy(
        frame.assign(task=frame["task"].map(names)),
        unit="studies",
        denominator="left: the task's studies; right: the family's studies",
        population=context.population,
        notes=tuple(notes),
        simulated=context.simulated,
    )
