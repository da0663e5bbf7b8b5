"""Topics: what the literature falls into, found without a codebook, and how solid that is."""

import streamlit as st

from dashboards import parts
from dashboards.filters import filtered
from dashboards.source import Source
from review import topicparts

NEEDS = ("topics", "topic-report")


def show(source: Source) -> None:
    """Draw the page."""
    parts.head("Topics", "What the literature falls into by its texts alone, and which topics are solid.")
    if not parts.ready(source):
        return
    fitted = topicparts.current(source.workspace)
    if fitted is None:
        parts.nothing("No topics were found yet.", "review topics")
        return
    rows = fitted.to_dict()
    solid = [row for row in rows if row["solid"]]
    with st.container(horizontal=True):
        st.metric("Topics", f"{len(rows):,}", border=True)
        st.metric("Solid topics", f"{len(solid):,}", border=True,
                  help="Found again in subsamples: mean best Jaccard of at least .6")  # fmt: skip
    view = filtered(source)
    parts.standing(source)
    names = {spec.title: name for name, spec in parts.figures_of(*NEEDS).items()}
    parts.gallery(source, view, names, key="topics", first=True, command="review topics")
    st.subheader("All topics", anchor=False)
    st.dataframe(
        [
            {
                "Topic": row["name"],
                "Studies": row["studies"],
                "Stability": row["jaccard"],
                "By chance": row["null"],
                "Solid": row["solid"],
                "Named by": row["named_by"],
                "Words": ", ".join(row["words"][:8]),
            }
            for row in rows
        ],
        hide_index=True,
        width="stretch",
        column_config={
            **dict.fromkeys(("Stability", "By chance"), st.column_config.NumberColumn(format="%.2f")),
            "Topic": st.column_config.TextColumn(width="medium"),
            "Words": st.column_config.TextColumn(width="large"),
        },
    )
    st.caption(
        "Names and merges stand in a file that people edit. Stability is the mean best Jaccard over "
        "subsamples, beside that of shuffled topics; solid is .6 and more."
    )
