"""The flow in the layout that the PRISMA2020 package for R and its web form read.

One row a field: ``data`` names it, ``box`` its box, ``boxtext`` its text, ``n`` its number (Haddaway et
al. 2022, https://doi.org/10.1002/cl2.1230). The layout is narrower than the flow: what it has no
field for is counted in the nearest one, and told. The package leaves out the arm of other methods and
the previous version where all their numbers are missing, and sets ``tooltips`` beside its boxes.
"""

from collections.abc import Mapping

import pandas as pd

from review.flow.arms import CARRIED, Arm
from review.flow.model import Flow

COLUMNS = ("data", "node", "box", "description", "boxtext", "tooltips", "url", "n")
_BY_DATABASES = "Identification of new studies via databases and registers"
_BY_OTHERS = "Identification of new studies via other methods"
_OTHERS = ("box11", "box12", "box13", "box14", "box15")
_PLAIN = str.maketrans({",": None, ";": None, "'": "’", '"': "”", "\\": "/"})
"""Signs of the layout, and those that would end a label of the package's drawing language."""


def prisma_fields(flow: Flow) -> tuple[pd.DataFrame, list[str]]:
    """The table, and what the layout cannot show."""
    left, right = flow.databases, flow.other
    others = bool(right.records)
    before = flow.previous
    databases = _sources(left, "database", CARRIED)
    registers = _sources(left, "register")
    organisations = _sources(right, "organisation", "contact", CARRIED)
    total = (flow.included_studies, flow.included_reports) if before else (None, None)
    rows: list[tuple[str | None, str | None, str, str, int | str | None]] = [
        (None, "node4", "prevstud", "Previous studies", None),
        ("previous_studies", "node5", "box1", "Studies included in previous version of review",
         before.studies if before else None),
        ("previous_reports", None, "box1", "Reports of studies included in previous version of review",
         before.reports if before else None),
        (None, "node6", "newstud", _BY_DATABASES, None),
        ("database_results", "node7", "box2", "Databases", sum(databases.values())),
        ("database_specific_results", None, "box2", "Databases", _list(databases)),
        ("register_results", None, "box2", "Registers", sum(registers.values())),
        ("register_specific_results", None, "box2", "Registers", _list(registers)),
        (None, "node16", "othstud", _BY_OTHERS, None),
        ("website_results", "node17", "box11", "Websites", sum(_sources(right, "website").values())),
        ("organisation_results", None, "box11", _organisations(right), sum(organisations.values())),
        ("citations_results", None, "box11", "Citation searching",
         sum(_sources(right, "citation").values())),
        ("duplicates", "node8", "box3", "Duplicate records", left.duplicates),
        ("excluded_automatic", None, "box3", "Records marked as ineligible by automation tools",
         left.automation),
        ("excluded_other", None, "box3", "Records removed for other reasons", left.otherwise),
        ("records_screened", "node9", "box4", "Records screened", left.screened),
        ("records_excluded", "node10", "box5", "Records excluded", left.excluded),
        ("dbr_sought_reports", "node11", "box6", "Reports sought for retrieval", left.sought),
        ("dbr_notretrieved_reports", "node12", "box7", "Reports not retrieved", left.not_retrieved),
        ("other_sought_reports", "node18", "box12", "Reports sought for retrieval", right.sought),
        ("other_notretrieved_reports", "node19", "box13", "Reports not retrieved", right.not_retrieved),
        ("dbr_assessed", "node13", "box8", "Reports assessed for eligibility", left.assessed),
        ("dbr_excluded", "node14", "box9", "Reports excluded", _list(_out(left))),
        ("other_assessed", "node20", "box14", "Reports assessed for eligibility", right.assessed),
        ("other_excluded", "node21", "box15", "Reports excluded", _list(_out(right))),
        ("new_studies", "node15", "box10", "New studies included in review", flow.new_studies),
        ("new_reports", None, "box10", "Reports of new included studies", flow.new_reports),
        ("total_studies", "node22", "box16", "Total studies included in review", total[0]),
        ("total_reports", None, "box16", "Reports of total included studies", total[1]),
        ("identification", "node1", "identification", "Identification", None),
        ("screening", "node2", "screening", "Screening", None),
        ("included", "node3", "included", "Included", None),
    ]  # fmt: skip
    made = [
        (
            data,
            node,
            box,
            text,
            text,
            text if node else None,
            None,
            n if others or box not in _OTHERS else None,
        )
        for data, node, box, text, n in rows
    ]
    return pd.DataFrame(made, columns=list(COLUMNS)), _lost(flow)


def _sources(arm: Arm, *kinds: str) -> dict[str, int]:
    return {name: n for kind in kinds for name, n in arm.identified.get(kind, {}).items()}


def _organisations(arm: Arm) -> str:
    """The layout has no field for contacts and for what was carried over."""
    more = _sources(arm, "contact", CARRIED)
    return "Organisations, contacts, previous version" if more else "Organisations"


def _out(arm: Arm) -> dict[str, int]:
    """Reasons at full text; what awaits or is ongoing leaves the layout's sum here too."""
    waiting = {"Awaiting classification": arm.awaiting_classification, "Ongoing": arm.ongoing}
    return {**arm.reasons, **{name: n for name, n in waiting.items() if n}}


def _list(counts: Mapping[str, int]) -> str:
    """``Name, n; Name, n``: the layout's own signs are taken out of names; an empty list is ``None, 0``.

    >>> _list({"Wrong dose, or none; unclear": 3, "Authors' reply": 1}), _list({})
    ('Wrong dose or none unclear, 3; Authors’ reply, 1', 'None, 0')
    """
    return "; ".join(f"{name.translate(_PLAIN)}, {n}" for name, n in counts.items()) or "None, 0"


def _lost(flow: Flow) -> list[str]:
    """What the reader of this table will not see."""
    told = [f"interim: {n:,} {name}" for name, n in flow.open().items()]
    if flow.other.records != flow.other.sought:
        removed = flow.other.automation + flow.other.otherwise
        told.append(
            f"other methods: {flow.other.duplicates:,} duplicates, {removed:,} removed and "
            f"{flow.other.excluded:,} excluded by title and abstract have no box in this layout"
        )
    if not flow.full_text:
        told.append("the protocol has no full-text stage: the boxes from 'sought' to 'excluded' hold 0")
    return told
