"""The drawn flow: all text in its box, at the journal's size, on a page that the journal takes."""

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from review.analysis.tidy import Context
from review.figures.base import drawn
from review.figures.presets import preset
from review.figures.prisma import PRISMA_FLOW
from review.figures.prisma_boxes import diagram
from review.figures.prisma_docx import prisma_docx
from review.flow import Before, Flow, Known, Screening, count_flow

TA, FT = "title-abstract", "full-text"


def flow(reasons: int = 4, databases: int = 3, *, update: bool = False, other: bool = False) -> Flow:
    """A flow with long names: 40 records a database, each 20th a copy, half of the reports excluded."""
    names = [f"Database number {k} with $quite$ a long name (Vendor)" for k in range(databases)]
    rows = [(f"R{k}{n:02}", f"s{k}", name, "database") for k, name in enumerate(names) for n in range(40)]
    if other:
        rows += [
            (f"X{n}", "x", "Averyveryverylongwordthatfitsinnoboxatall" * 2, "citation") for n in range(9)
        ]
    found = pd.DataFrame(rows, columns=["record_id", "search", "source", "kind"])
    ids = [row[0] for row in rows]
    reports = {one: "R000" if k % 20 == 1 else one for k, one in enumerate(ids)}
    held = sorted(set(reports.values()))
    made = [(one, TA, "include", None) for one in held]
    made += [
        (one, FT, "exclude", f"Reason {k % reasons}: not what was asked for")
        for k, one in enumerate(held[::2])
    ]
    made += [(one, FT, "include", None) for one in held[1::2]]
    decided = pd.DataFrame(made, columns=["report_id", "stage", "verdict", "reason"])
    before = Before("v1", 3, 4, frozenset(ids[:4]), frozenset(ids[:4])) if update else Before()
    ai = Screening(ai=(TA, FT))
    return count_flow(Known(found, reports, reports, decided, [TA, FT], screening=ai, before=before))


def figure(of: Flow, journal: str) -> Figure:
    return drawn(PRISMA_FLOW, PRISMA_FLOW.compute(of, Context("all", simulated=True)), preset(journal))


CASES = {
    "new": flow(),
    "updated": flow(update=True),
    "many": flow(15, 12),
    "all": flow(8, 6, update=True, other=True),
}


@pytest.mark.parametrize("journal", ["nature", "lancet", "elsevier"])
@pytest.mark.parametrize("case", CASES)
def test_all_text_stands_in_its_box(case: str, journal: str) -> None:
    made = figure(CASES[case], journal)
    chosen = preset(journal)
    assert made.get_figheight() * 25.4 <= chosen.tallest + 0.1
    axes = made.axes[0]
    assert min(text.get_fontsize() for text in axes.texts) >= chosen.smallest - 0.01
    page = made.bbox
    boxes = [patch.get_window_extent() for patch in axes.patches if isinstance(patch, Rectangle)]
    lowest = min(box.y0 for box in boxes)
    for text in axes.texts:
        extent = text.get_window_extent()
        if extent.y1 < lowest:
            inside = page.x0 <= extent.x0 and extent.x1 <= page.x1 + 1 and extent.y0 >= 0
        else:
            inside = any(
                box.x0 <= extent.x0 + 1 and extent.x1 <= box.x1 + 1 and box.y0 <= extent.y0 + 1
                and extent.y1 <= box.y1 + 1
                for box in boxes
            )  # fmt: skip
        assert inside, text.get_text()


def test_a_long_list_ends_with_what_is_left_of_it() -> None:
    counted = CASES["many"]
    whole, short = diagram(counted), diagram(counted, most=4)
    listed = [text for _, text in short.arms[0][1][-1].side]
    shown = list(counted.databases.reasons.values())[:3]
    rest = counted.databases.excluded_full_text - sum(shown)
    assert listed[-1] == f"12 others (n\u00a0=\u00a0{rest})"
    assert len(whole.arms[0][1][-1].side) == 18


def test_the_same_flow_gives_the_same_docx() -> None:
    tidy = PRISMA_FLOW.compute(CASES["all"], Context("all", simulated=True))
    assert prisma_docx(tidy) == prisma_docx(tidy)
