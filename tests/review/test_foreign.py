"""Decisions of ASReview, Rayyan and Covidence: what is read, what is refused, every row accounted for."""

import csv
import io
import json
import pickle
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import FormatError, InputError, UnaccountedError
from corpora.formats.detect import open_file
from review.screening.foreign import project, rayyan
from review.screening.foreign.reading import read, recognise
from review.screening.foreign.rows import Foreign, ForeignDecision, entries

DATA = "title,abstract\n" + "".join(f"Title {i},Abstract {i}\n" for i in range(5))
TAGS = [{"name": "Biomes", "values": [{"name": "Savanna", "checked": True}, {"name": "Boreal"}]}]
NOW = 1795531622.5
# record_id, label, querier, time, note, tags, user_id
LABELLED = [
    (0, 1, None, NOW, None, "null", None),
    (2, 0, "max", NOW, "look again", json.dumps(TAGS), None),
    (3, None, "max", None, None, None, None),
]


def database(*statements: tuple[str, list[tuple[Any, ...]]]) -> bytes:
    """A SQLite file: pairs of a CREATE statement and the rows of its table."""
    base = sqlite3.connect(":memory:")
    for create, rows in statements:
        base.execute(create)
        name = create.split()[2]
        for row in rows:
            base.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    base.commit()
    made = base.serialize()
    base.close()
    return made


def results(rows: list[tuple[Any, ...]]) -> tuple[str, list[tuple[Any, ...]]]:
    return (
        "CREATE TABLE results (record_id INTEGER, label INTEGER, querier TEXT, time FLOAT, note TEXT, "
        "tags JSON, user_id INTEGER)",
        rows,
    )


def records(count: int = 5) -> tuple[str, list[tuple[Any, ...]]]:
    return "CREATE TABLE record (record_id INTEGER, dataset_row INTEGER)", [(i, i) for i in range(count)]


def members(version: int, rows: list[tuple[Any, ...]] = LABELLED, name: str = "data.csv") -> dict[str, bytes]:
    """A project file as ASReview 1.6, 2.1 and 3.0 write it, as far as it matters here."""
    config: dict[str, Any] = {"version": f"{version}.0", "mode": "oracle", "reviews": [{"id": "abc"}]}
    made = {f"data/{name}": DATA.encode()}
    if version == 1:
        old = [(r, label, by or "prior", "2026-11-24 14:47:02.5", note) for r, label, by, _, note, *_ in rows]
        columns = "record_id INTEGER, label INTEGER, query_strategy TEXT, labeling_time INTEGER, notes TEXT"
        order = [(i,) for i in range(5)]
        made["reviews/abc/results.sql"] = database(
            (f"CREATE TABLE results ({columns})", old), ("CREATE TABLE record_table (record_id INT)", order)
        )
        config["dataset_path"] = name
    else:
        config["datasets"] = [{"id": "d1", "name": name}]
    if version == 2:
        made |= {"reviews/abc/results.db": database(results(rows)), "data_store.db": database(records())}
    if version == 3:
        config |= {"project_file_version": 3}
        made["results.db"] = database(results(rows), records())
    return {"project.json": json.dumps(config).encode(), **made}


def project_file(folder: Path, held: dict[str, bytes]) -> Path:
    path = folder / "review.asreview"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in held.items():
            archive.writestr(name, body)
    return path


def with_config(held: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    config = json.loads(held["project.json"]) | changes
    return {**held, "project.json": json.dumps(config).encode()}


def table(path: Path, *rows: tuple[str, ...]) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def said(found: Foreign) -> list[tuple[int, str | None, str]]:
    return [(one.row, one.reviewer, one.verdict) for one in found.decisions]


def take(path: Path, tool: str, **options: Any) -> Foreign:
    return read(path, tool=tool, **({"stage": "title-abstract"} | options))


# ------------------------------------------------------------------ ASReview projects


@pytest.mark.parametrize("version", [1, 2, 3])
def test_project_files(tmp_path: Path, version: int) -> None:
    held = members(version)
    # A matrix as old versions saved it: whoever loads it is lost. It must not even be taken out.
    held["tfidf.pickle"] = pickle.dumps(pytest.fail)
    path = project_file(tmp_path, held)
    found = take(path, "asreview", reviewer="ann", into=tmp_path / "out")
    assert found.rows == 5
    assert found.undecided == [1, 3, 4]
    assert found.unreadable == []
    first, second = found.decisions
    assert (first.row, first.reviewer, first.verdict, first.note) == (0, "ann", "include", None)
    assert (second.row, second.verdict, second.note) == (2, "exclude", "look again")
    zone = "" if version == 1 else "+00:00"
    assert first.decided_at == f"2026-11-24T14:47:02.500000{zone}"
    assert second.labels == (() if version == 1 else ("Biomes: Savanna",))
    assert found.remarks == ["1 decision from prior knowledge"]
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["data.csv"]
    assert found.records_file == tmp_path / "out" / "data.csv"
    assert found.records_file.read_text() == DATA
    # Without a folder nothing is written.
    before = sorted(tmp_path.rglob("*"))
    again = take(path, "asreview", reviewer="ann")
    assert again.records_file is None
    assert again.decisions == found.decisions
    assert sorted(tmp_path.rglob("*")) == before


def test_tags_of_late_versions_one(tmp_path: Path) -> None:
    held = members(1)
    held["reviews/abc/results.sql"] = database(
        (
            "CREATE TABLE results (record_id INT, label INT, custom_metadata_json TEXT)",
            [(1, 1, '{"tags": ["a:b"]}')],
        ),
        ("CREATE TABLE record_table (record_id INT)", [(i,) for i in (4, 3, 1, 0, 2)]),
    )
    found = take(project_file(tmp_path, held), "asreview")
    assert found.decisions == [ForeignDecision(2, None, "title-abstract", "include", labels=("a:b",))]


def test_users_of_a_project_are_not_made_one_person(tmp_path: Path) -> None:
    one = [(0, 1, None, NOW, None, None, 7), (1, 0, None, NOW, None, None, 7)]
    path = project_file(tmp_path, members(3, one))
    assert said(take(path, "asreview", reviewer="ann")) == [(0, "ann", "include"), (1, "ann", "exclude")]
    assert said(take(path, "asreview")) == [
        (0, "asreview user 7", "include"),
        (1, "asreview user 7", "exclude"),
    ]
    two = [*one, (2, 1, None, NOW, None, None, 9)]
    found = take(project_file(tmp_path, members(3, two)), "asreview", reviewer="ann")
    assert {who for _, who, _ in said(found)} == {"asreview user 7", "asreview user 9"}
    assert found.remarks[0].startswith("2 users decided")


def test_odd_rows_of_a_project_are_told(tmp_path: Path) -> None:
    rows = [
        (0, 5, None, NOW, None, None, None),
        (1, 1, None, NOW, None, None, None),
        (1, 0, None, NOW, None, None, None),
        (2, 1, None, NOW, None, "{broken", None),
        (3, -1, None, NOW, None, None, None),
        (99, 1, None, NOW, None, None, None),
    ]
    found = take(project_file(tmp_path, members(3, rows)), "asreview")
    assert found.decisions == []
    assert found.undecided == [3, 4]
    assert [(one.row, one.place) for one in found.unreadable] == [
        (None, "record_id 99"), (0, "data row 1"), (1, "data row 2"), (2, "data row 3"),
    ]  # fmt: skip
    assert [one.why for one in found.unreadable[1:]] == [
        "label 5; 1 (relevant) or 0 (irrelevant) is expected",
        "2 decisions on one record, where ASReview keeps one",
        "its tags cannot be read: '{broken'",
    ]


def without(held: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {place: body for place, body in held.items() if place != name}


THREE = members(3)
VIEW = database(records(), ("CREATE VIEW results AS SELECT 1 AS record_id, 1 AS label", []))


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (without(THREE, "project.json"), "no project.json in this zip"),
        ({**THREE, "project.json": b"{"}, "project.json is not JSON"),
        ({**THREE, "project.json": b"[]"}, "holds no table of settings"),
        (with_config(THREE, project_file_version=4), "known are 1, 2 and 3"),
        (with_config(members(1), version="0.19"), "made by ASReview '0.19'; known are 1, 2 and 3"),
        (with_config(THREE, mode="simulate"), "is a simulation"),
        (
            with_config(members(2), reviews=[{"id": "a"}, {"id": "b"}]),
            "has 2 reviews .a, b.; one is expected",
        ),
        (with_config(THREE, datasets=[{"name": "../../evil.csv"}]), "'../../evil.csv'; a plain file name"),
        (with_config(THREE, datasets=[{"name": "/etc/evil.csv"}]), "'/etc/evil.csv'; a plain file name"),
        (with_config(THREE, datasets=[{"name": "..\\evil.csv"}]), "a plain file name is expected"),
        (with_config(THREE, datasets=[{"name": ".."}]), "a plain file name is expected"),
        (with_config(THREE, datasets=[]), "is called ''; a plain file name is expected"),
        (with_config(THREE, datasets=[{"name": "a.csv"}, {"name": "b.csv"}]), "has 2 data sets"),
        (without(THREE, "results.db"), "no results.db in it; is the project set up?"),
        (without(THREE, "data/data.csv"), "no data/data.csv in it"),
        ({**THREE, "results.db": b"SQLite format 3\x00 not really"}, "database cannot be read"),
        ({**THREE, "results.db": database(records())}, "no table 'results', but record"),
        ({**THREE, "results.db": VIEW}, "no table 'results', but record, results"),
        ({**THREE, "results.db": database(("CREATE TABLE results (a)", []))}, "no column 'record_id', but a"),
        (
            {**THREE, "results.db": database(results([]), records(4))},
            "holds 4 records, its data set data.csv has 5",
        ),
        ({**THREE, "data/data.csv": b"\x00\x01"}, "data.csv"),
        (
            {
                **THREE,
                "results.db": database(
                    results([]), ("CREATE TABLE record (record_id, dataset_row)", [(0, 7)])
                ),
            },
            "records are not rows 0 to 0 of one data set",
        ),
    ],
)
def test_projects_that_are_refused(tmp_path: Path, held: dict[str, bytes], message: str) -> None:
    path = project_file(tmp_path, held)
    out = tmp_path / "inner" / "out"
    with pytest.raises(InputError, match=message):
        take(path, "asreview", into=out)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]


def test_a_damaged_or_swollen_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project_file(tmp_path, members(3))
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(FormatError, match="not a readable zip"):
        take(path, "asreview", into=tmp_path / "out")
    path.write_bytes(whole)
    monkeypatch.setattr(project, "_MOST_BYTES", 1000)
    with pytest.raises(InputError, match="results.db is larger than 1,000 bytes"):
        take(path, "asreview", into=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_data_set_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = project_file(tmp_path, members(3))
    (tmp_path / "data.csv").write_text("mine")
    with pytest.raises(InputError, match="data.csv: is there already"):
        take(path, "asreview", into=tmp_path)
    assert (tmp_path / "data.csv").read_text() == "mine"


# ------------------------------------------------------------------ ASReview exports


def test_an_export_with_labels_of_the_data_set_beside(tmp_path: Path) -> None:
    path = table(
        tmp_path / "export.csv",
        ("", "title", "included", "asreview_label", "asreview_time", "asreview_note",
         "asreview_tag_biomes_sav", "asreview_user_name"),
        ("0", "A", "1", "0.0", "2026-11-24 14:48:49", "no trial", "0", "Ben"),
        ("1", "B", "0", "1", "24/11/2026 14:48", "", "1", ""),
        ("2", "C", "1", "", "", "", "", ""),  # an old label is no decision
        ("3", "D", "", "yes", "", "", "", ""),
        ("4", "E"),
    )  # fmt: skip
    found = take(path, "asreview", reviewer="ann")
    assert found.decisions == [
        ForeignDecision(
            0, "Ben", "title-abstract", "exclude", None, "no trial", (), "2026-11-24T14:48:49+00:00"
        ),
        ForeignDecision(1, "ann", "title-abstract", "include", labels=("biomes_sav",)),
    ]
    assert found.undecided == [2]
    assert [(one.row, one.why) for one in found.unreadable] == [
        (3, "label 'yes'; 1 (relevant) or 0 (irrelevant) is expected"),
        (4, "2 cells where the header has 8 columns"),
    ]
    assert found.remarks == [
        "1 decision with a time in another form than 2026-11-24 14:48:49: it was left out"
    ]
    assert found.records_file == path


def test_an_export_of_version_one(tmp_path: Path) -> None:
    path = table(
        tmp_path / "export.csv",
        ("record_id", "title", "label_included", "asreview_ranking", "asreview_prior", "exported_notes_2",
         "exported_notes_10"),
        ("7", "A", "1", "1", "1", "older", "newest"),
        ("3", "B", "0", "2", "0", "", ""),
        ("5", "C", "", "3", "", "", ""),
        ("6", "D", "-1", "4", "", "", ""),
    )  # fmt: skip
    found = take(path, "asreview", reviewer="ann")
    assert said(found) == [(0, "ann", "include"), (1, "ann", "exclude")]
    assert found.decisions[0].note == "newest"
    assert found.undecided == [2, 3]
    assert found.remarks == ["1 decision from prior knowledge"]


def test_a_ris_export(tmp_path: Path) -> None:
    path = tmp_path / "export.ris"
    path.write_text(
        'TY  - JOUR\nN1  - ASReview_relevant\nN1  - my own note\nN1  - asreview_time: "2026-11-24 14:48:49"\n'
        'N1  - asreview_note: "say \\"maybe\\"\\nlater"\nN1  - asreview_tag_biomes_sav: 1\nTI  - A\n'
        "ER  - \n\n"
        "TY  - JOUR\nN1  - ASReview_not_seen\nTI  - B\nER  - \n\n"
        "TY  - JOUR\nTI  - C\nER  - \n\n"
        "TY  - JOUR\nN1  - ASReview_relevant\nN1  - ASReview_irrelevant\nTI  - D\nER  - \n\n"
        "TY  - JOUR\nN1  - ASReview_relevant\nN1  - asreview_note: broken\nTI  - E\nER  - \n\n"
        "TY  - JOUR\nER  - \n"
    )
    found = take(path, "asreview", reviewer="ann")
    assert found.decisions == [
        ForeignDecision(0, "ann", "title-abstract", "include", None, 'say "maybe"\nlater', ("biomes_sav",),
                        "2026-11-24T14:48:49+00:00"),
    ]  # fmt: skip
    assert found.undecided == [1, 2]
    assert [(one.row, one.why[:35]) for one in found.unreadable] == [
        (3, "its notes hold ASReview_irrelevant "), (4, "ASReview's notes in it cannot be re"),
        (5, "the record has no value in any fiel"),
    ]  # fmt: skip


def test_exports_without_labels_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", ("title", "abstract"), ("A", "x"))
    with pytest.raises(
        InputError, match="no column of labels; columns are title, abstract; known are asreview_label"
    ):
        take(path, "asreview")
    path = tmp_path / "a.ris"
    path.write_text("TY  - JOUR\nTI  - A\nER  - \n")
    with pytest.raises(InputError, match="no note ASReview_relevant or .* in its 1 record"):
        take(path, "asreview")


# ------------------------------------------------------------------ Rayyan


def rayyan_csv(path: Path, *notes: str) -> Path:
    rows = ((f"rayyan-{i}", f"Title {i}", text) for i, text in enumerate(notes))
    return table(path, ("key", "title", "notes"), *rows)


def test_a_rayyan_table(tmp_path: Path) -> None:
    path = rayyan_csv(
        tmp_path / "articles.csv",
        'RAYYAN-INCLUSION: {"Ann"=>"Included", "Ben"=>"Excluded"} | RAYYAN-LABELS: a,b c | '
        'RAYYAN-EXCLUSION-REASONS: wrong age,animal study | USER-NOTES: {"Ann"=>["one", "two, three"]}',
        'PMID 123 | RAYYAN-INCLUSION: {"Ann" => "Maybe"}',
        "",
        'RAYYAN-INCLUSION: {"Ann"=>"Vielleicht"}',
        'RAYYAN-INCLUSION: {"Ann"=>"Excluded", "Ben"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: wrong age',
        'RAYYAN-LABELS: a | USER-NOTES: {"Ben"=>["look"]}',
        'RAYYAN-INCLUSION: {"Ann"=>"Included"} | RAYYAN-EXCLUSION-REASONS: wrong age | USER-NOTES: loose',
        'RAYYAN-INCLUSION: {"Ann"=>"Included"} | RAYYAN-INCLUSION: {"Ann"=>"Excluded"}',
    )
    found = take(path, "rayyan")
    stage = "title-abstract"
    both = "wrong age; animal study"
    assert found.decisions == [
        ForeignDecision(0, "Ann", stage, "include", None, "one\ntwo, three", ("a", "b c")),
        ForeignDecision(0, "Ben", stage, "exclude", both, None, ("a", "b c")),
        ForeignDecision(1, "Ann", stage, "maybe"),
        ForeignDecision(4, "Ann", stage, "exclude", "wrong age"),
        ForeignDecision(4, "Ben", stage, "exclude", "wrong age"),
        ForeignDecision(6, "Ann", stage, "include", None, "loose"),
    ]
    assert found.undecided == [2, 5]
    assert [(one.row, one.place) for one in found.unreadable] == [(3, "data row 4"), (7, "data row 8")]
    assert "Vielleicht" in found.unreadable[0].why
    assert "which one holds?" in found.unreadable[1].why
    assert sorted(text[:30] for text in found.remarks) == [
        "1 row with exclusion reasons t", "1 row with labels though nobod", "1 row with notes of people who",
        "1 row with several excluders: ",
    ]  # fmt: skip


def test_one_person_of_a_rayyan_file(tmp_path: Path) -> None:
    path = rayyan_csv(
        tmp_path / "articles.csv",
        'RAYYAN-INCLUSION: {"Ann"=>"Included", "Ben"=>"Excluded"}',
        'RAYYAN-INCLUSION: {"Ben"=>"Excluded"}',
        "RAYYAN-INCLUSION: Included",
        'RAYYAN-INCLUSION: {"Ann"=>""}',
    )
    found = take(path, "rayyan", reviewer="Ann")
    assert said(found) == [(0, "Ann", "include"), (2, "Ann", "include")]
    assert found.undecided == [1, 3]
    assert found.remarks == ["2 decisions were of other people and left out"]
    assert said(take(path, "rayyan"))[-1] == (2, None, "include")
    with pytest.raises(InputError, match="nobody named 'Cem' decided; there are Ann, Ben"):
        take(path, "rayyan", reviewer="Cem")


def test_a_rayyan_ris_file(tmp_path: Path) -> None:
    path = tmp_path / "articles.ris"
    path.write_text(
        'TY  - JOUR\nTI  - A\nN1  - RAYYAN-INCLUSION: {"Ann"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: wrong\n'
        "study design | RAYYAN-LABELS: later\nER  - \n\nTY  - JOUR\nTI  - B\nN1  - own\nER  - \n"
    )
    found = take(path, "rayyan")
    assert found.decisions == [
        ForeignDecision(0, "Ann", "title-abstract", "exclude", "wrong study design", labels=("later",))
    ]
    assert found.undecided == [1]


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(st.dictionaries(NAMES, st.sampled_from(["Included", "Excluded", "Maybe"]), min_size=1, max_size=4))
def test_names_survive_whatever_they_hold(votes: dict[str, str]) -> None:
    escaped = {name.replace("\\", "\\\\").replace('"', '\\"'): vote for name, vote in votes.items()}
    text = "{" + ", ".join(f'"{name}"=>"{vote}"' for name, vote in escaped.items()) + "}"
    assert rayyan._votes(text) == {name: vote.lower() for name, vote in votes.items()}


def test_what_is_no_rayyan_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no RAYYAN-INCLUSION in the notes of 1 row;"):
        take(rayyan_csv(tmp_path / "a.csv", "own note"), "rayyan")
    with pytest.raises(InputError, match="no column 'notes'"):
        take(table(tmp_path / "b.csv", ("title", "year"), ("A", "2020")), "rayyan")


# ------------------------------------------------------------------ Covidence


def covidence_csv(path: Path) -> Path:
    return table(
        path,
        ("Title", "Authors", "Ref", "Covidence #", "Study", "Notes", "Tags"),
        ("A", "Doe, J", "1", "#11", "Doe 2020", "Exclusion reason: Wrong study design; ", "grey; trial"),
        (
            "B",
            "Roe, R",
            "2",
            "#12",
            "Roe 2021",
            "Ann: ask the authors; Exclusion reason: Not in English;",
            "",
        ),
        ("C", "Poe, E", "3", "#13", "Poe 2022", "", "grey, trial"),
    )


def test_a_covidence_list_is_what_the_person_says(tmp_path: Path) -> None:
    path = covidence_csv(tmp_path / "review_1_excluded.csv")
    found = take(path, "covidence", on="Excluded", stage="full-text")
    assert found.decisions == [
        ForeignDecision(0, None, "full-text", "exclude", "Wrong study design", None, ("grey", "trial")),
        ForeignDecision(1, None, "full-text", "exclude", "Not in English", "Ann: ask the authors"),
        ForeignDecision(2, None, "full-text", "exclude", None, None, ("grey", "trial")),
    ]
    # Whoever was excluded at full text had passed title and abstract.
    passed = take(path, "covidence", on="Excluded", reviewer="consensus")
    assert said(passed) == [(i, "consensus", "include") for i in range(3)]
    assert {one.reason for one in passed.decisions} == {None}
    assert said(take(path, "covidence", on="irrelevant")) == [(i, None, "exclude") for i in range(3)]
    waiting = take(path, "covidence", on="Awaiting", stage="full-text")
    assert (waiting.decisions, waiting.undecided) == ([], [0, 1, 2])


def test_a_covidence_ris_file(tmp_path: Path) -> None:
    path = tmp_path / "excluded.ris"
    path.write_text("TY  - JOUR\nTI  - A\nN1  - Exclusion reason: Wrong setting; \nER  - \n")
    (one,) = take(path, "covidence", on="excluded", stage="full-text").decisions
    assert (one.verdict, one.reason, one.note) == ("exclude", "Wrong setting", None)


def test_a_covidence_file_needs_its_list(tmp_path: Path) -> None:
    path = covidence_csv(tmp_path / "a.csv")
    with pytest.raises(
        InputError, match="list None; say which Covidence list this file is, for title-abstract"
    ):
        take(path, "covidence")
    with pytest.raises(InputError, match="list 'irrelevant'; .* for full-text excluded, included"):
        take(path, "covidence", on="irrelevant", stage="full-text")
    other = table(tmp_path / "b.csv", ("title", "year"), ("A", "2020"))
    with pytest.raises(InputError, match="columns are title, year; a Covidence export has"):
        take(other, "covidence", on="included")


# ------------------------------------------------------------------ all tools


def test_rows_are_counted_as_the_importer_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "tricky.csv"
    path.write_bytes(
        b'\xef\xbb\xbftitle;notes\r\n\r\n"A;\r\nB";x\r\n;\r\nC\r\n \r\nD;y;z\r\nM\xfcller;"RAYYAN-INCLUSION: '
        b'{""Ann""=>""Included""}"\r\n"cut;off\r\nE;f\r\n'
    )
    _, rows = entries(path)
    ours = [(one.row, one.refused is not None) for one in rows]
    assert ours == [(row.number, row.refused is not None) for row in open_file(path).rows]
    assert ours == [(0, False), (1, False), (2, True), (3, False), (4, True)]
    assert said(take(path, "rayyan")) == [(3, "Ann", "include")]


def test_which_tool_made_a_file(tmp_path: Path) -> None:
    ris = tmp_path / "a.ris"
    for note, tool in (
        ('RAYYAN-INCLUSION: {"Ann"=>"Maybe"}', "rayyan"), ("ASReview_irrelevant", "asreview"),
        ("Exclusion reason: Wrong setting;", "covidence"), ("none", None),
    ):  # fmt: skip
        ris.write_text(f"TY  - JOUR\nTI  - A\nN1  - {note}\nER  - \n")
        assert recognise(ris) == tool
    assert recognise(project_file(tmp_path, members(2))) == "asreview"
    assert recognise(rayyan_csv(tmp_path / "b.csv", "", 'RAYYAN-INCLUSION: {"Ann"=>"Maybe"}')) == "rayyan"
    assert recognise(covidence_csv(tmp_path / "c.csv")) == "covidence"
    assert recognise(table(tmp_path / "d.csv", ("title", "asreview_label"), ("A", ""))) == "asreview"
    assert recognise(table(tmp_path / "e.csv", ("title", "included"), ("A", "1"))) is None
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("articles.csv", "title\n")
    assert recognise(tmp_path / "f.zip") is None
    with pytest.raises(InputError, match="no such file"):
        recognise(tmp_path / "nowhere.csv")


def test_what_the_door_refuses(tmp_path: Path) -> None:
    path = covidence_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match="tool 'abstrackr'; known are asreview, rayyan, covidence"):
        take(path, "abstrackr")
    with pytest.raises(InputError, match="stage 'abstract'; stages are title-abstract, full-text"):
        take(path, "rayyan", stage="abstract")
    with pytest.raises(InputError, match="nowhere.csv: no such file"):
        take(tmp_path / "nowhere.csv", "rayyan")
    bib = tmp_path / "a.bib"
    bib.write_text("@article{a, title = {A}}\n")
    with pytest.raises(InputError, match="is bibtex; decisions are read from CSV and RIS"):
        take(bib, "rayyan")
    with pytest.raises(FormatError, match="column 'notes' comes twice"):
        take(table(tmp_path / "b.csv", ("title", "Notes", "notes"), ("A", "", "")), "rayyan")


def test_a_row_that_is_lost_is_noticed() -> None:
    with pytest.raises(UnaccountedError, match="3 rows, but 1 decided, 1 undecided and 0 unreadable"):
        Foreign(
            "x", rows=3, decisions=[ForeignDecision(0, None, "full-text", "include")], undecided=[1]
        ).check()
