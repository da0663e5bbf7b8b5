"""The drawn flow: all text in its box, at the journal's size, on a page that the journal takes."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from review.analysis.tidy import Context
from review.figures.base import drawn
from review.figures.presets import preset
from review.figures.prisma import PRISMA_FLOW
from review.figures.prisma_boxes import FOLDED, Box, diagram
from review.figures.prisma_docx import prisma_docx
from review.flow import Arm, Before, Flow, Known, Previous, Screening, count_flow

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


def listed(what: str, count: int) -> dict[str, int]:
    """Reasons or sources of these many, largest first."""
    return {f"{what} {k}: a name of usual length (1946 to now)": count + 5 - k for k in range(count)}


def full_arm(*kinds: str) -> Arm:
    """An arm with every line that a box can have; each list adds up to its number."""
    identified = {kind: {name: 20 * n for name, n in listed(kind, 12).items()} for kind in kinds}
    records = sum(sum(sources.values()) for sources in identified.values())
    removed, out, missing = listed("Rule", 5), listed("Reason", 14), listed("No library", 6)
    screened = records - 90 - 2 * sum(removed.values())
    sought = screened - sum(out.values()) - 22
    assessed = sought - sum(missing.values()) - 9
    return Arm(
        identified, records, records - 90, 60, 13, removed, removed, 17, screened, sum(out.values()), out, 17,
        5, sought, sum(missing.values()), missing, assessed, out, 11, 7, 9, 4, 50,
    )  # fmt: skip


def full() -> Flow:
    """An updated review with all kinds of sources, a language model, and nothing settled."""
    arms = (full_arm("database", "register"), full_arm("website", "organisation", "citation", "contact"))
    before = Previous("v1", 120, 140, 110, 128, 3, 2000, 900, 30, 4)
    notes = tuple(
        f"Note {k}: a sentence on what the numbers of the diagram above do not say" for k in range(6)
    )
    return Flow(*arms, before, 100, 90, 240, 210, True, True, "systematic", 7, (TA, FT), notes)


def figure(of: Flow, journal: str) -> Figure:
    return drawn(PRISMA_FLOW, PRISMA_FLOW.compute(of, Context("all", simulated=True)), preset(journal))


CASES = {
    "new": flow(),
    "updated": flow(update=True),
    "many": flow(15, 12),
    "all": flow(8, 6, update=True, other=True),
    "full": full(),
    "scoping": replace(full(), kind="scoping"),
}
PAGES = {
    "new": ["nature", "plos"],
    "updated": ["lancet"],
    "many": ["elsevier", "plos"],
    "all": ["nature", "jmir", "plos"],
    "full": ["nature", "lancet", "jmir", "plos", "elsevier"],
    "scoping": ["plos"],
}


@pytest.mark.parametrize(("case", "journal"), [(case, page) for case in PAGES for page in PAGES[case]])
def test_all_text_stands_in_its_box(case: str, journal: str) -> None:
    made = figure(CASES[case], journal)
    chosen = preset(journal)
    assert made.get_figheight() * 25.4 <= chosen.tallest + 0.1
    axes = made.axes[0]
    assert bool(made.get_label()) == any(text.get_text() == FOLDED for text in axes.texts)
    assert bool(made.get_label()) or case not in ("full", "scoping")
    assert min(float(text.get_fontsize()) for text in axes.texts) >= chosen.smallest - 0.01
    # At the screen's resolution text is set to whole pixels, and wider than it prints.
    made.set_dpi(chosen.dpi)
    page, slack = made.bbox, chosen.dpi / 100
    boxes = [patch.get_window_extent() for patch in axes.patches if isinstance(patch, Rectangle)]
    lowest = min(box.y0 for box in boxes)
    for text in axes.texts:
        extent = text.get_window_extent()
        if extent.y1 < lowest:
            inside = page.x0 <= extent.x0 and extent.x1 <= page.x1 + slack and extent.y0 >= 0
        else:
            inside = any(
                box.x0 <= extent.x0 + slack and extent.x1 <= box.x1 + slack and box.y0 <= extent.y0 + slack
                and extent.y1 <= box.y1 + slack
                for box in boxes
            )  # fmt: skip
        assert inside, text.get_text()


def test_a_long_list_ends_with_what_is_left_of_it() -> None:
    counted = CASES["many"]
    whole, short = diagram(counted), diagram(counted, 3, 4)
    shown = list(counted.databases.reasons.values())[:3]
    rest = counted.databases.excluded_full_text - sum(shown)
    assert short.arms[0][1][-1].side[-2:] == (
        (2, f"12 other reasons* (n\u00a0=\u00a0{rest})"),
        (1, "by AI (n\u00a0=\u00a00)"),
    )
    assert len(whole.arms[0][1][-1].side) == 18
    assert short.arms[0][1][0].main[-1] == (2, "10 other sources* (n\u00a0=\u00a0400)")


@pytest.mark.parametrize(("most", "reasons"), [(None, None), (6, 9), (2, 2), (1, 1)])
def test_lists_add_up_to_the_line_above_them_however_short(most: int | None, reasons: int | None) -> None:
    made = diagram(CASES["full"], most, reasons)
    boxes = [box for _, arm in made.arms for level in arm for box in (level.main, level.side)]
    assert sum(map(check_sums, boxes)) == 24
    alt = PRISMA_FLOW.alt(PRISMA_FLOW.compute(CASES["full"], Context("all")))
    assert all(name in alt for name in CASES["full"].other.reasons)


def check_sums(box: Box) -> int:
    """Compare each line that has lines under it with their sum; how many there were."""
    told = [(depth, int(n.replace(",", ""))) for depth, text in box for n in re.findall(r"([\d,]+)\)$", text)]
    parents = 0
    for place, (depth, n) in enumerate(told):
        below = []
        for deeper, more in told[place + 1 :]:
            if deeper <= depth:
                break
            below += [more] * (deeper == depth + 1)
        if below:
            assert sum(below) == n, box
            parents += 1
    return parents


def test_the_same_flow_gives_the_same_docx() -> None:
    tidy = PRISMA_FLOW.compute(CASES["all"], Context("all", simulated=True))
    assert prisma_docx(tidy) == prisma_docx(tidy)
