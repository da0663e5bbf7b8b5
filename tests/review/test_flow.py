"""The PRISMA flow: its sums add up in every state; what is open makes it INTERIM."""

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.errors import UnaccountedError
from review.flow import Before, Flow, Known, Screening, count_flow

TA, FT = "title-abstract", "full-text"


def retrievals(*rows: tuple[str, str, str]) -> pd.DataFrame:
    made = [(record, f"{source}-search", source, kind) for record, source, kind in rows]
    return pd.DataFrame(made, columns=["record_id", "search", "source", "kind"])


def decisions(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["report_id", "stage", "verdict", "reason"])


FOUR = retrievals(
    ("R1", "pubmed", "database"),
    ("R2", "openalex", "database"),
    ("R3", "pubmed", "database"),
    ("R4", "trials", "register"),
    ("R5", "google", "website"),
)
REPORTS = {"R1": "R1", "R2": "R1", "R3": "R3", "R4": "R4", "R5": "R5"}
STUDIES = {"R1": "R1", "R2": "R1", "R3": "R1", "R4": "R4", "R5": "R5"}


def count(made: pd.DataFrame, stages: list[str], **more: Any) -> Flow:
    return count_flow(Known(FOUR, REPORTS, STUDIES, made, stages, **more))


def test_before_screening_everything_awaits() -> None:
    flow = count(decisions(), [TA])
    assert flow.databases.identified == {
        "database": {"openalex": 1, "pubmed": 2},
        "register": {"trials": 1},
    }
    assert (flow.databases.records, flow.databases.reports) == (4, 3)
    assert flow.databases.duplicates_by_machine == 1
    assert (flow.other.records, flow.other.awaiting) == (1, 1)
    assert flow.open() == {"awaiting screening": 4}
    with pytest.raises(UnaccountedError, match="awaiting screening: 4"):
        flow.require_final()


def test_links_that_nobody_confirmed_keep_it_interim() -> None:
    flow = count_flow(Known(retrievals(), {}, {}, decisions(), [TA], links_to_confirm=2))
    assert flow.open() == {"same-study links to confirm": 2}
    with pytest.raises(UnaccountedError, match="same-study links to confirm: 2"):
        flow.require_final()


def test_one_stage_to_the_end() -> None:
    flow = count(
        decisions(
            ("R1", TA, "include", None),
            ("R3", TA, "include", None),
            ("R4", TA, "exclude", "topic"),
            ("R5", TA, "exclude", None),
        ),
        [TA],
    )
    flow.require_final()
    assert (flow.included_reports, flow.included_studies) == (2, 1)
    assert "5 records → 4 reports → 3 studies; included: 2 reports → 1 study" in flow.notes


def test_two_stages_with_reasons_conflicts_and_pending() -> None:
    flow = count(
        decisions(
            ("R1", TA, "include", None),
            ("R3", TA, "include", None),
            ("R4", TA, "include", None),
            ("R5", TA, "conflict", None),
            ("R1", FT, "include", None),
            ("R3", FT, "exclude", "population"),
        ),
        [TA, FT],
    )
    arm = flow.databases
    assert (arm.sought, arm.assessed, arm.pending, arm.included) == (3, 2, 1, 1)
    assert arm.reasons == {"population": 1}
    assert flow.open() == {"open conflicts": 1, "retrieval or assessment pending": 1}


def test_what_a_stop_left_out_is_neither_screened_nor_awaiting() -> None:
    made = decisions(("R1", TA, "include", None))
    left = Screening(unscreened=frozenset({"R1", "R3"}), rule="sample")
    arm = (flow := count(made, [TA], screening=left)).databases
    assert (arm.screened, arm.unscreened, arm.awaiting) == (1, 1, 1)
    assert any("1 record not screened after stopping rule sample" in note for note in flow.notes)
    assert flow.open() == {"awaiting screening": 2}


def test_full_texts_that_could_not_be_had_or_settled() -> None:
    made = decisions(
        *((report, TA, "include", None) for report in ("R1", "R3", "R4")),
        ("R3", FT, "awaiting", None),
        ("R4", FT, "ongoing", None),
    )
    arm = count(
        made, [TA, FT], screening=Screening(not_retrieved={"R1": "no answer", "R3": "lost"})
    ).databases
    assert (arm.sought, arm.not_retrieved, arm.pending, arm.assessed) == (3, 1, 0, 2)
    assert (arm.awaiting_classification, arm.ongoing, arm.included) == (1, 1, 0)


def test_a_report_of_both_arms_counts_in_databases() -> None:
    both = pd.concat([FOUR, retrievals(("R1", "friend", "contact"))])
    flow = count_flow(Known(both, REPORTS, STUDIES, decisions(), [TA]))
    assert (flow.other.records, flow.other.reports, flow.other.duplicates_by_machine) == (2, 1, 1)
    assert any("by databases and by other methods" in note for note in flow.notes)


def test_duplicates_by_hand_are_counted_apart() -> None:
    alone = {"R1": "R1", "R2": "R2", "R3": "R3", "R4": "R4", "R5": "R5"}
    flow = count(decisions(), [TA], machine=alone)
    assert (flow.databases.duplicates_by_hand, flow.databases.duplicates_by_machine) == (1, 0)


def test_nothing_at_all_is_a_flow_of_zeros() -> None:
    flow = count_flow(Known(retrievals(), {}, {}, decisions(), [TA, FT]))
    assert not flow.interim
    assert flow.included_studies == 0
    assert {row["n"] for row in flow.rows()} == {0}


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_the_sums_hold_in_every_state(data: st.DataObject) -> None:
    """Any records, clusters, decisions, removals and version before: `count_flow` checks all identities."""
    ids = [f"R{n}" for n in range(data.draw(st.integers(0, 8)))]
    some = st.frozensets(st.sampled_from(ids or ["R0"]))

    def cluster(of: dict[str, str]) -> dict[str, str]:
        made = {one: data.draw(st.sampled_from(ids[: n + 1])) for n, one in enumerate(ids)}
        return {one: of[min(of[made[one]], of[one])] for one in ids}

    machine = {one: one for one in ids}
    reports, studies = cluster(machine), {one: data.draw(st.sampled_from(["S1", "S2"])) for one in ids}
    studies = {one: studies[reports[one]] for one in ids}
    kinds = ["database", "register", "website", "citation", "previous"]
    found = retrievals(
        *((one, data.draw(st.sampled_from("ab")), data.draw(st.sampled_from(kinds))) for one in ids)
    )
    verdicts = ["include", "exclude", "conflict"]
    ends = {TA: verdicts, FT: [*verdicts, "awaiting", "ongoing"]}
    made = [
        (report, stage, data.draw(st.sampled_from(ends[stage])), data.draw(st.sampled_from([None, "x"])))
        for report in sorted(set(reports.values()))
        for stage in (TA, FT)
        if data.draw(st.booleans())
    ]
    stages = data.draw(st.sampled_from([[TA], [FT], [TA, FT]]))
    screening = Screening(
        not_retrieved={one: data.draw(st.sampled_from(["", "lost"])) for one in data.draw(some)},
        unscreened=data.draw(some),
        removed={one: (data.draw(st.booleans()), "out") for one in data.draw(some)},
        ai=data.draw(st.sampled_from([(), (TA,)])),
    )
    held = data.draw(some)
    before = Before("v1", 2, 3, held, held & data.draw(some), held & data.draw(some))
    flow = count_flow(
        Known(
            found,
            reports,
            studies,
            decisions(*made),
            stages,
            machine=data.draw(st.sampled_from([None, machine])),
            screening=screening,
            before=data.draw(st.sampled_from([Before(), before])),
            kind=data.draw(st.sampled_from(["systematic", "scoping"])),
        )
    )
    assert flow.included_studies <= flow.included_reports
    assert Flow.from_dict(json.loads(json.dumps(flow.to_dict()))) == flow
    assert sum(row["n"] for row in flow.rows() if row["what"] == "Records identified") == (
        flow.databases.records + flow.other.records
    )
