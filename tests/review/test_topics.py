"""Topics of a workspace: counted, kept, named by people, never overwritten unseen; shares both ways."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from typer.testing import CliRunner

from classifiers import encode
from classifiers.topics import model
from classifiers.topics.clusters import Recipe
from corpora.errors import InputError
from corpora.registry import load
from review import export, materials, topicfile, topicnames, topicparts, topics
from review.analysis.tidy import FAMILIES, Audit, Context
from review.analysis.topics import OUTLIERS, topic_by_family, topic_map, topics_over_time
from review.cli.main import app
from review.facts import facts
from review.figures.base import drawn
from review.figures.presets import preset
from review.figures.save import save
from review.gathering.ingest import import_file
from review.linking import dedupe
from review.protocol import Import
from review.workspace import Workspace
from tests.classifiers.conftest import Model
from tests.classifiers.conftest import model as model_server

__all__ = ["model_server"]  # a fixture of the classifiers' tests

FIGURES = ("topic-map", "topic-by-family", "topics-over-time", "topic-stability")
THEMES = ("statin sepsis", "radiology image", "tweet vaccine")
FAST = Recipe("kmeans", topics=3, seed=5)
PROTOCOL = '[review]\ntitle = "Topics"\n[labels]\ntagger = "keywords"\n'


def by_words(texts: Sequence[str], kept: Path, **_: Any) -> np.ndarray:
    """A vector a text, of its words' hashes: texts of one theme lie together."""
    rows = np.zeros((len(texts), 32), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.split():
            row[hashlib.sha256(word.encode()).digest()[0] % 32] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def quick_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "embed", by_words)
    # Compiling UMAP takes half of what these tests take; its map is tested with the classifiers.
    monkeypatch.setattr(model, "reduced", lambda vectors, recipe, size, distance: vectors[:, :size])
    monkeypatch.setattr(encode, "by_name", lambda name: encode.Encoder(Path("none"), name))


def bring(workspace: Workspace, start: int, count: int) -> None:
    """Records of three themes; number 7 has no abstract."""
    lines = ["record_id,title,abstract,year"]
    for i in range(start, start + count):
        words = f"{THEMES[i % 3]} " * 12 + f"note{i} word{i * 7} item{i * 13}"
        lines.append(f"A{i},Paper {i} on {THEMES[i % 3]},{'' if i == 7 else words},{2015 + i % 6}")
    file = workspace.root / f"{start}.csv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    import_file(workspace, Import(file=str(file), source="Own", kind="database"))
    dedupe(workspace)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "w", PROTOCOL)
    bring(made, 0, 120)
    return Workspace(made.root)


def edit(workspace: Workspace, old: str, new: str, count: int = 1) -> None:
    path = workspace.root / topicfile.FILE
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")


def fitted(workspace: Workspace) -> topicparts.Fitted:
    found = topicparts.current(workspace)
    assert found is not None
    return found


def themes(workspace: Workspace) -> dict[str, str]:
    """Topic → the theme that its best words are of."""
    said = {
        row["topic"]: {word for phrase in row["words"][:2] for word in phrase.split()}
        for row in fitted(workspace).to_dict()
    }
    return {topic: next(one for one in THEMES if set(one.split()) == words) for topic, words in said.items()}


def section(workspace: Workspace, topic: str) -> str:
    """The name line of a topic in the file."""
    text = (workspace.root / topicfile.FILE).read_text("utf-8").split(f"[topics.{topic}]\n")[1]
    return next(line for line in text.splitlines() if line.startswith("name"))


# ------------------------------------------------------------------ fitting


def test_every_study_is_accounted_for_and_the_same_again_does_nothing(workspace: Workspace) -> None:
    outcome = topics.fit(workspace, FAST, repeats=2)
    assert outcome.run is not None
    account = outcome.run.account
    assert (account.promised, account.delivered, account.unaccounted) == (120, 119, 0)
    assert account.explained == {"left out, no usable abstract": 1}
    assert account.counts["topics"] == account.counts["topics solid"] == 3
    found = fitted(workspace)
    rows = found.tables["studies"]
    (gone,) = rows[rows["left_out"].notna()]["record_id"]
    assert any(gone in note for note in outcome.notes)
    assert sorted(found.tables["topics"]["studies"]) == [39, 40, 40]
    assert set(found.groups) == {"T1", "T2", "T3"}
    assert sorted(themes(workspace).values()) == sorted(THEMES)
    again = topics.fit(workspace, FAST, repeats=2)
    assert again.run is None
    assert ("topics", outcome.run.id) in {(r["kind"], r["uuid"]) for r in workspace.ledger.rows("runs")}
    other = topics.fit(workspace, replace(FAST, seed=6), repeats=0)
    assert other.run is not None
    assert fitted(workspace).tables["stability"].empty
    assert fitted(workspace).to_dict()[0]["solid"] is None


def test_a_lost_ledger_row_is_adopted(workspace: Workspace) -> None:
    outcome = topics.fit(workspace, FAST, repeats=0)
    assert outcome.run is not None
    (workspace.root / "ledger.sqlite").unlink()
    again = Workspace(workspace.root)
    assert outcome.run.id in {row["uuid"] for row in again.ledger.rows("runs") if row["kind"] == "topics"}


def test_nothing_is_fitted_over_too_few(tmp_path: Path) -> None:
    small = Workspace.create(tmp_path / "s", PROTOCOL)
    bring(small, 0, 12)
    with pytest.raises(InputError, match="at least 40 documents with a text, there are 11"):
        topics.fit(Workspace(small.root), FAST)
    with pytest.raises(InputError, match="no topics were fitted; run: review topics"):
        topics.apply(small)
    assert topicparts.on_studies(small, pd.DataFrame({"a": [1]})).columns.tolist() == ["a"]


# ------------------------------------------------------------------ what people write


def test_names_merges_and_removals_hold_once_they_are_applied(workspace: Workspace) -> None:
    topics.fit(workspace, FAST, repeats=0)
    before = {topic: group.name for topic, group in fitted(workspace).groups.items()}
    edit(workspace, f'name = "{before["T1"]}"', 'name = "Care"')
    edit(workspace, f'name = "{before["T2"]}"', 'name = "Care"')
    head, tail = (workspace.root / topicfile.FILE).read_text("utf-8").split("[topics.T3]")
    (workspace.root / topicfile.FILE).write_text(
        f"{head}[topics.T3]{tail.replace('removed = false', 'removed = true')}", "utf-8"
    )
    assert {g.name for g in fitted(workspace).groups.values()} == set(before.values())
    outcome = topics.apply(workspace)
    assert outcome.run is not None
    assert outcome.run.account.counts == {"groups": 1, "topics removed": 1}
    groups = fitted(workspace).groups
    assert groups["T1"] == groups["T2"] == topicfile.Group("Care", named_by="person")
    assert (groups["T3"].removed, groups["T3"].named_by) == (True, "keywords")
    assert topics.apply(workspace).run is None
    studies = export.population(workspace, facts(workspace))[0]
    placed = topicparts.on_studies(workspace, studies)
    assert placed["state"].value_counts().to_dict() == {"topic": 80, "removed": 39, "left out": 1}
    tidy = topics_over_time(placed, Context("all"))
    assert set(tidy.frame["topic"]) == {"Care"}
    assert any("are in topics that people removed" in note for note in tidy.notes)
    assert any("1 study has no usable abstract" in note for note in tidy.notes)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[topics.T2]", "[topics.T9]", "T9 is no topic of this fit; it has T1, T2, T3"),
        ("[topics.T2]", "[other.T2]", "T2 not there; every topic stands in it"),
        ("removed = false", 'removed = "no"', r"topics.T1]: removed = 'no': write true or false"),
        ('name = "', 'name = ""\nx = "', "it may hold name and removed"),
        ("removed = false", "removed = ", "topics.toml: no TOML"),
        ('fit = "', 'fit = "x', "the newest fit is"),
    ],
)
def test_a_file_that_is_not_of_this_fit_is_refused(
    workspace: Workspace, old: str, new: str, told: str
) -> None:
    topics.fit(workspace, FAST, repeats=0)
    edit(workspace, old, new)
    with pytest.raises(InputError, match=told):
        topics.apply(workspace)
    assert {group.named_by for group in fitted(workspace).groups.values()} == {"keywords"}


def test_a_refit_keeps_ids_and_what_people_wrote(workspace: Workspace) -> None:
    first = topics.fit(workspace, FAST, repeats=0)
    assert first.run is not None
    held = themes(workspace)
    mine = fitted(workspace).groups["T3"].name
    edit(workspace, f'name = "{mine}"', 'name = "Mine, \\"quoted\\""')
    edited = (workspace.root / topicfile.FILE).read_text("utf-8")
    bring(workspace, 200, 60)
    again = Workspace(workspace.root)
    second = topics.fit(again, FAST, repeats=0)
    assert second.run is not None
    assert themes(again) == held
    assert (again.root / f"topics.{first.run.id}.toml").read_text("utf-8") == edited
    assert section(again, "T3") == 'name = "Mine, \\"quoted\\""'
    assert any("carried over, look at them: T3" in note for note in second.notes)
    assert fitted(again).groups["T3"].named_by == "keywords"
    topics.apply(again)
    assert fitted(again).groups["T3"].name == 'Mine, "quoted"'
    # A topic that is gone is named, and what was written of it stays in the old file.
    tables = dict(fitted(again).tables)
    tables["topics"] = tables["topics"].query("topic != 'T3'")
    notes = topicfile.renew(again, "later", tables, {})
    assert any("no longer a topic" in note and "T3 (Mine" in note for note in notes)
    assert "[topics.T3]" not in (again.root / topicfile.FILE).read_text("utf-8")
    assert "Mine" in (again.root / f"topics.{second.run.id}.toml").read_text("utf-8")


def test_two_topics_with_the_same_words_are_not_merged_by_their_names() -> None:
    frame = pd.DataFrame({"topic": ["T1", "T2"], "words": [["a1"], ["a1"]]})
    assert [group.name for group in topicfile.by_keywords(frame).values()] == ["a1", "a1 (T2)"]


def test_a_models_names_are_marked_and_wait_to_be_applied(
    workspace: Workspace, model_server: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.fit(workspace, FAST, repeats=0)
    edit(workspace, f'name = "{fitted(workspace).groups["T1"].name}"', 'name = "Mine"')
    model_server.script = lambda number, _: '{"name": "Same  name"}' if number < 2 else "I cannot"
    monkeypatch.setenv("LITSCALE_LLM_URL", model_server.url.replace("127.0.0.1", "llm.example.org"))
    monkeypatch.setenv("LITSCALE_LLM_MODEL", "tiny")
    assert "Words and titles of three studies each of 2 topics would go to llm.example.org" in (
        topicnames.sends(workspace)
    )
    given = ["topics", "-w", str(workspace.root), "--name-by-llm"]
    refused = CliRunner().invoke(app, given)
    assert "nobody can be asked here" in str(refused.exception)
    assert model_server.asked == []
    monkeypatch.setenv("LITSCALE_LLM_URL", model_server.url)
    assert topicnames.sends(workspace) == ""
    outcome = topicnames.name_by_llm(workspace)
    assert outcome.run is not None
    assert (outcome.run.account.promised, outcome.run.account.delivered) == (2, 2)
    sent = json.dumps(model_server.asked)
    assert "Paper " in sent
    assert "note1" not in sent
    part = workspace.latest("topics", step="names")
    assert part is not None
    lines = (part.path / "answers.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["topic"] for line in lines] == ["T2", "T3"]
    assert fitted(workspace).groups["T2"].named_by == "keywords"
    topics.apply(workspace)
    groups = fitted(workspace).groups
    assert [groups[one].name for one in ("T1", "T2", "T3")] == ["Mine", "Same name", "Same name (T3)"]
    assert (groups["T1"].named_by, groups["T2"].named_by) == ("person", "model tiny:1")
    assert any("[named by model tiny:1]" in line for line in fitted(workspace).sentences())
    assert topicnames.name_by_llm(workspace).run is None
    # A name that a person changes is theirs; one that they merge into is too.
    edit(workspace, 'name = "Same name (T3)"', 'name = "Ours"')
    edit(workspace, 'name = "Mine"', 'name = "Same name"')
    topics.apply(workspace)
    placed = topicparts.on_studies(workspace, export.population(workspace, facts(workspace))[0])
    said = {one[0]: by for one, by in zip(placed["topic"], placed["named_by"], strict=True) if one and by}
    assert said == {"Ours": "person", "Same name": "person"}


# ------------------------------------------------------------------ shares


def placed_studies(n: int = 400) -> pd.DataFrame:
    """Studies in two topics, one named by a model, outliers and others; families go with the topic."""
    draw = np.random.default_rng(0)
    one, by = {"A": True, "=B": False}, {"A": "model tiny:1", "=B": "keywords"}
    states = draw.choice(["topic", "topic", "topic", "outlier", "removed"], n)
    names = np.where(draw.random(n) < 0.5, "A", "=B")
    said = [["generative_llm"] if x < 0.6 else ["traditional_nlp"] if x < 0.9 else [] for x in draw.random(n)]
    topic = [
        [name] if state == "topic" else [OUTLIERS] if state == "outlier" else None
        for name, state in zip(names, states, strict=True)
    ]
    return pd.DataFrame(
        {
            "study_id": [f"S{i:03}" for i in range(n)],
            "year": pd.array(2018 + np.arange(n) % 4, dtype="Int32"),
            "family": said,
            "topic": topic,
            "state": states,
            "x": draw.standard_normal(n),
            "y": draw.standard_normal(n),
            "solid": [one[x] if state == "topic" else None for x, state in zip(names, states, strict=True)],
            "named_by": [by[x] if state == "topic" else None for x, state in zip(names, states, strict=True)],
        }
    )


def test_shares_are_read_both_ways_and_add_up() -> None:
    studies = placed_studies()
    tidy = topic_by_family(studies, Context("all"))
    assert list(dict.fromkeys(tidy.frame["topic"]))[-1] == OUTLIERS
    columns = tidy.frame.groupby("family")["column_share"].sum()
    assert columns[[FAMILIES[0], FAMILIES[2]]].tolist() == pytest.approx([1, 1])
    assert tidy.frame.groupby("topic")["row_share"].sum().tolist() == pytest.approx([1, 1, 1])
    cell = tidy.frame[(tidy.frame["topic"] == "A") & (tidy.frame["family"] == FAMILIES[0])].iloc[0]
    inside = studies[[one == ["A"] for one in studies["topic"]]]
    llm = sum(one == ["generative_llm"] for one in inside["family"])
    kept = studies[studies["state"].isin(["topic", "outlier"])]
    assert cell["n"] == llm
    assert cell["row_share"] == llm / sum(bool(one) for one in inside["family"])
    assert cell["column_share"] == llm / sum(one == ["generative_llm"] for one in kept["family"])
    assert (cell["size"], cell["solid"], cell["status"]) == (len(inside), True, "not audited")
    years = topics_over_time(studies, Context("all")).frame
    assert years.groupby("year")["naive"].sum().tolist() == pytest.approx([1] * 4)


def test_an_audit_corrects_the_family_and_never_the_topic() -> None:
    studies = placed_studies(4000)
    draw = np.random.default_rng(1)
    ids = studies["study_id"].sample(900, random_state=2)
    said = studies.set_index("study_id").loc[ids, "family"]
    flipped = [["traditional_nlp"] if one and draw.random() < 0.3 else one for one in said]
    audit = Audit(
        "audit-1", "2026-01-01", pd.Series("all", index=studies["study_id"]),
        pd.DataFrame({"family": flipped}, index=ids),
    )  # fmt: skip
    context = Context("all", audit=audit, audit_state="finished")
    frame = topic_by_family(studies, context).frame
    cell = frame[(frame["topic"] == "A") & (frame["family"] == FAMILIES[0])].iloc[0]
    assert cell["row_status"] == "corrected"
    assert cell["row_high"] < cell["row_share"]
    assert cell["row_corrected"] == pytest.approx(0.7 * cell["row_share"], abs=0.08)
    over = topics_over_time(studies, context)
    assert set(over.frame["status"]) == {"not audited"}
    assert any("its share is a count" in note for note in over.notes)


def test_the_map_holds_as_many_of_each_family() -> None:
    frame = topic_map(placed_studies(), Context("all")).frame
    counts = frame[frame["kind"] == "study"]["family"].value_counts()
    assert counts[FAMILIES[0]] == counts[FAMILIES[2]] > 50
    assert set(frame[frame["kind"] == "topic"]["topic"]) == {"A", "=B"}
    again = topic_map(placed_studies().sample(frac=1, random_state=3), Context("all")).frame
    assert frame.equals(again)


# ------------------------------------------------------------------ figures and the command


@pytest.mark.parametrize("name", FIGURES)
def test_a_models_name_is_marked_wherever_it_is_drawn(name: str) -> None:
    spec = load("figures", name)
    report = pd.DataFrame(
        {"kind": "topic", "id": ["T1", "T2"], "name": ["A", "=B"], "named_by": ["model tiny:1", "person"],
         "n": 40, "jaccard": 0.8, "low": 0.7, "high": 0.9, "null": 0.1, "solid": True},
    )  # fmt: skip
    tidy = spec.compute(report if spec.needs == "topic-report" else placed_studies(), Context("all"))
    assert "1 topic has its name from a language model (tiny:1), not from people." in tidy.notes
    texts = [one.get_text() for one in drawn(spec, tidy, preset("nature")).findobj(Text)]
    marked = [one for one in texts if "‡" in one]
    assert any("A" in one and "=B" not in one for one in marked)
    assert any("‡ name given by a language model (tiny:1)" in " ".join(one.split()) for one in marked)
    assert not any("=B" in one for one in marked)
    theirs = tidy.frame.assign(named_by="person")
    texts = drawn(spec, replace(tidy, frame=theirs), preset("nature")).findobj(Text)
    assert not any("‡" in one.get_text() for one in texts)


def test_figures_are_drawn_at_a_journals_size_and_stale_after_a_new_fit(workspace: Workspace) -> None:
    topics.fit(workspace, FAST, repeats=2)
    held = facts(workspace)
    studies, context = export.population(workspace, held)
    report = materials.material("topic-report", workspace, held, studies)
    assert report["kind"].value_counts().to_dict() == {"seeds": 10, "topic": 3, "node": 2}
    for name in FIGURES:
        spec = load("figures", name)
        before = export.inputs_of(workspace, spec)
        material = report if spec.needs == "topic-report" else placed_studies()
        tidy = spec.compute(material, context)
        for journal, kinds in (("nature", ("pdf", "svg")), ("jmir", ("png",))):
            folder = workspace.root / "f" / journal
            saved = save(spec, tidy, folder, preset(journal), kinds)
            told = json.loads((folder / f"{name}.json").read_text())
            assert told["alt"]
            assert "to show" not in told["alt"]
            assert all(path.stat().st_size for path in saved.files)
        assert "=B" not in (folder / f"{name}.csv").read_text().replace("'=B", "")
        assert not tidy.empty
        assert before["topics"] == export.inputs_of(workspace, spec)["topics"]
    topics.fit(workspace, replace(FAST, seed=9), repeats=0)
    assert all(export.inputs_of(workspace, load("figures", n))["topics"] != before["topics"] for n in FIGURES)


def test_the_command_prints_a_table_or_one_document(workspace: Workspace) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(
            app, ["topics", "-w", str(workspace.root), *words], catch_exceptions=False
        )
        assert result.exit_code == 0
        return result.stdout

    told = json.loads(run("--mode", "kmeans", "--topics", "3", "--stability", "1", "--json"))
    assert [one["topic"] for one in told["topics"]] == ["T1", "T2", "T3"]
    assert all(one["solid"] for one in told["topics"])
    assert told["done"][0]["counts"]["outliers left"] == 0
    text = run("--mode", "kmeans", "--topics", "3", "--stability", "1")
    assert "up to date: nothing to do" in text
    assert " solid " in text
    assert "groups" in json.loads(run("--apply", "--json"))["done"][0]["counts"]
