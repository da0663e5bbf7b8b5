"""Facts: what is joined from parts is what is built from nothing, whatever happened before."""

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import places, schema
from corpora.record import Author, MeshHeading, Record
from review import decisions, factparts, linking, patches, removing, settling
from review.facts import Facts, facts
from review.gathering import ingest
from review.labelling import tagging
from review.protocol import Import
from review.screening import resolving
from review.workspace import Workspace
from tests.review import coding
from tests.review.conftest import PROTOCOL, Make

STAGES = ("title-abstract", "full-text")


class History:
    """A review in which something happens at random, each time to another record."""

    def __init__(self, root: Path, seed: int) -> None:
        self.chance, self.folder = random.Random(seed), root.parent
        book = self.folder / "small.toml"
        book.write_text(coding.CODEBOOK, "utf-8")
        (self.folder / "small.keywords.toml").write_text(coding.RULES, "utf-8")
        protocol = PROTOCOL.format(title_abstract='mode = "dual"')
        self.workspace = Workspace.create(root, f'{protocol}[labels]\ncodebook = "{book}"\n')
        self.workspace.freeze()
        self.bring()

    def records(self) -> list[str]:
        return self.workspace.corpus.records(["record_id"])["record_id"].to_pylist() or ["R0"]

    def one(self) -> str:
        return self.chance.choice(self.records())

    def bring(self) -> None:
        file = self.folder / f"{len(self.workspace.corpus.parts('records'))}.csv"
        lines = ["title,abstract,year,doi,authors"]
        for _ in range(6):
            n = self.chance.randrange(8)
            abstract = f"A large language model answers question {n} on sepsis." if n % 3 else ""
            lines.append(f'Trial {n} of statins,"{abstract}",20{n:02},10.1/{n // 2},"Ng, Ada; Li, Bo{n}"')
        file.write_text("\n".join(lines), "utf-8")
        source = self.chance.choice(["PubMed", "arXiv"])
        ingest.import_file(self.workspace, Import(file=str(file), source=source, kind="database"))

    def take_back(self) -> None:
        parts = self.workspace.parts("records")
        if parts:
            ingest.withdraw(self.workspace, self.chance.choice(parts).run.id, "wrong", "ann")

    def dedupe(self) -> None:
        linking.dedupe(self.workspace)

    def link(self) -> None:
        pair, kind = (self.one(), self.one()), self.chance.choice(["same_report", "same_study"])
        settling.say(self.workspace, pair, kind, self.chance.choice(settling.VERDICTS), "ann")

    def decide(self) -> None:
        for record in [self.one() for _ in range(4)]:
            stage, person = self.chance.choice(STAGES), self.chance.choice(["ann", "ben"])
            verdict = self.chance.choice(["include", "include", "exclude", "undone"])
            decisions.decide(self.workspace, record, stage=stage, verdict=verdict, reviewer=person)

    def remove(self) -> None:
        planned = removing.plan(self.workspace, f"year < 20{self.chance.randrange(8):02}")
        if planned.reports:
            removing.remove(self.workspace, planned, "too old", "ann", automation=False)

    def fill(self) -> None:
        patches.fill(self.workspace, self.one(), "abstract", "A statin was given, by hand.", "ann")

    def tag(self) -> None:
        coding.tag(self.workspace)


EVENTS = ("bring", "take_back", "dedupe", "link", "decide", "remove", "fill", "tag")


def from_nothing(workspace: Workspace) -> Facts:
    """Facts of the same state by somebody who has no cache and remembers nothing."""
    cache, aside = (workspace.root / name for name in ("cache", "aside"))
    cache.rename(aside)
    try:
        return facts(Workspace(workspace.root))
    finally:
        shutil.rmtree(cache)
        aside.rename(cache)


def same(one: Facts, other: Facts) -> None:
    pd.testing.assert_frame_equal(one.studies, other.studies)
    assert (one.labels, one.snapshot) == (other.labels, other.snapshot)
    for words in ("statins", "question sep", "by hand", "Ada", "Trial 3"):
        assert one.search(words) == other.search(words)
    for study in one.studies["study_id"]:
        assert one.text(study) == other.text(study)


@settings(max_examples=2)
@given(st.integers(0, 10**6), st.permutations(EVENTS))
def test_parts_give_what_a_whole_build_gives(
    tmp_path_factory: pytest.TempPathFactory, seed: int, events: list[str]
) -> None:
    lived(tmp_path_factory.mktemp("history"), seed, events)


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 10**6), st.lists(st.sampled_from(EVENTS), min_size=8, max_size=16))
def test_parts_give_what_a_whole_build_gives_in_many_histories(
    tmp_path_factory: pytest.TempPathFactory, seed: int, events: list[str]
) -> None:
    lived(tmp_path_factory.mktemp("history"), seed, events)


def lived(folder: Path, seed: int, events: list[str]) -> None:
    history = History(folder / "review", seed)
    for event in events:
        getattr(history, event)()
        same(facts(history.workspace), from_nothing(history.workspace))


words = st.sampled_from(["", "nlp", " NLP ", "Straße", "İ", "ward round"])
people = st.builds(
    Author,
    family=st.sampled_from(["", "Ng", "Li"]),
    given=st.sampled_from(["", "Ada"]),
    country=st.sampled_from([None, "CH"]),
    affiliations=st.lists(st.sampled_from(["Bern, Switzerland", "Lyon, France.", "Ward 3", ""])).map(tuple),
)
record = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["pubmed", "arxiv", "medrxiv"]),
        "title": st.sampled_from([None, "One", "Two"]),
        "abstract": st.sampled_from([None, "", "short", "long " * 100]),
        "year": st.sampled_from([None, 1999, 2024]),
        "doi": st.sampled_from([None, "10.1/a"]),
        "venue": st.sampled_from([None, "BMJ"]),
        "citation_count": st.sampled_from([None, 0, 7]),
        "authors": st.lists(people, max_size=3).map(tuple),
        "keywords": st.lists(words, max_size=3).map(tuple),
        "mesh": st.lists(st.builds(MeshHeading, descriptor=words), max_size=2).map(tuple),
    }
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), record), min_size=1, max_size=8))
def test_a_study_is_what_its_records_say(rows: list[tuple[int, int, dict[str, Any]]]) -> None:
    records = [Record(source_key=str(n), **fields) for n, (*_, fields) in enumerate(rows)]
    table = schema.to_table(records)
    table = table.append_column("study_id", pa.array([f"S{study}" for study, *_ in rows]))
    table = table.append_column("report_id", pa.array([f"S{study}-{report}" for study, report, _ in rows]))
    studies, abstracts = factparts.studies_of(table)
    assert studies["study_id"].to_pylist() == sorted({f"S{study}" for study, *_ in rows})
    for row, abstract in zip(studies.to_pylist(), abstracts.to_pylist(), strict=True):
        held = [(one, report) for one, (study, report, _) in zip(records, rows, strict=True)
                if f"S{study}" == row["study_id"]]  # fmt: skip
        own = sorted((one for one, _ in held), key=lambda one: (-complete(one), one.record_id))
        assert row["record_ids"] == [one.record_id for one in own]
        assert row["report_ids"] == sorted({f"{row['study_id']}-{report}" for _, report in held})
        assert row["sources"] == sorted({one.source for one in own})
        for name in ("title", "doi", "venue"):
            assert row[name] == first(getattr(one, name) for one in own)
        assert abstract == first(one.abstract for one in own)
        assert row["has_abstract"] == (abstract is not None)
        assert row["year"] == min((one.year for one in own if one.year is not None), default=None)
        cited = [one.citation_count for one in own if one.citation_count is not None]
        assert row["citation_count"] == max(cited, default=None)
        named = first([who for who in one.authors if who.family] or None for one in own) or []
        names = [f"{who.family}, {who.given}" if who.given else who.family for who in named]
        assert (row["author_names"], row["authors"]) == (names or None, "; ".join(names))
        assert row["keywords"] == union(word.strip().lower() for one in own for word in one.keywords)
        assert row["mesh"] == union(term.descriptor.strip().lower() for one in own for term in one.mesh)
        assert row["countries"] == union(
            code for one in own for who in one.authors
            for code in (who.country, *map(places.country, who.affiliations))
        )  # fmt: skip


def complete(one: Record) -> float:
    length = min(len(one.abstract or ""), 400) / 400
    return length + (one.doi is not None) + 0.5 * (one.source == "pubmed")


def first(values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def union(values: Any) -> list[str] | None:
    return sorted({value for value in values if value}) or None


# ------------------------------------------------------------------ the cache


def parts(workspace: Workspace) -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for path in (workspace.root / "cache" / "derived").iterdir():
        made.setdefault(path.name.split("-")[0], set()).add(path.name)
    return made


def test_only_the_part_that_changed_is_built(make_review: Make) -> None:
    workspace = make_review(count=10)
    facts(workspace)
    first_parts = parts(workspace)
    one, *_ = workspace.corpus.records(["record_id"])["record_id"].to_pylist()
    for person in ("ann", "ben"):
        decisions.decide(workspace, one, stage="title-abstract", verdict="exclude", reviewer=person)
    assert facts(workspace).studies.set_index("study_id").loc[one, "status"] == "excluded"
    decided = parts(workspace)
    assert {kind: len(held) for kind, held in decided.items()} == {
        "studies": 1,
        "status": 2,
        "settled": 2,
        "labels": 1,
    }
    tagging.tag(workspace, "keywords")
    assert facts(workspace).labels
    tagged = parts(workspace)
    assert {kind: len(held) for kind, held in tagged.items()} == {
        "studies": 1,
        "status": 2,
        "settled": 2,
        "labels": 2,
    }
    assert first_parts["studies"] == tagged["studies"]
    patches.fill(workspace, one, "language", "eng", "ann")
    facts(workspace)
    assert {kind: len(held) for kind, held in parts(workspace).items()} == {
        "studies": 2, "status": 3, "settled": 2, "labels": 3,
    }  # fmt: skip


def test_a_reader_goes_on_when_its_state_is_forgotten(make_review: Make) -> None:
    workspace = make_review(count=10)
    old = facts(workspace)
    kept = parts(workspace)["studies"]
    one = old.studies["study_id"][0]
    for n in range(4):
        patches.fill(workspace, one, "language", f"l{n}", "ann")
        new = facts(workspace)
    held = {kind: len(names) for kind, names in parts(workspace).items()}
    assert held == {"studies": 3, "status": 3, "settled": 1, "labels": 3}
    assert not kept & parts(workspace)["studies"]
    assert old.search("statins") == new.search("statins") != []
    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(old.text, list(old.studies["study_id"]) * 5))
    assert {title for title, _ in texts} == set(old.studies["title"])


def test_what_is_settled_is_kept_and_never_taken_from_another_state(make_review: Make) -> None:
    workspace = make_review(count=6, title_abstract='mode = "single"')
    reports = linking.clusters(workspace).reports
    for number, report in enumerate(sorted(set(reports.values()))):
        verdict = ("include", "exclude", "maybe")[number % 3]
        decisions.decide(workspace, report, stage="title-abstract", verdict=verdict, reviewer="ann")
        found = decisions.settled(workspace, reports)
        told = decisions.verdicts(
            [decisions.ballots(workspace, reports, one) for one in workspace.protocol.screening]
        )
        pd.testing.assert_frame_equal(found, told)
        assert len(found) == number + 1
    apart = {record: record for record in [*reports, "R0"]}
    assert len(decisions.settled(workspace, apart)) == 6
    assert len(parts(workspace)["settled"]) == 3


def test_a_board_feeds_ballots_of_its_own(make_review: Make) -> None:
    workspace = make_review(count=6, title_abstract='mode = "single"')
    board = resolving.open_board(workspace, "title-abstract")
    shared = decisions.ballots(workspace, board.texts.reports, board.stage)
    decisions.decide(workspace, board.texts.ids[0], stage="title-abstract", verdict="include", reviewer="ann")
    assert board.refresh() == {board.texts.ids[0]}
    assert (board.ballots.voted(), shared.voted()) == ([board.texts.ids[0]], [])
    anew = decisions.ballots(workspace, board.texts.reports, board.stage)
    assert anew.voted() == board.ballots.voted()
    assert resolving.present_board(workspace, "title-abstract").ballots.voted() == anew.voted()


def test_a_killed_build_leaves_no_part(make_review: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_review(count=10)

    def killed(path: Path, texts: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(factparts, "_index", killed)
        with pytest.raises(KeyboardInterrupt):
            facts(workspace)
    assert parts(workspace) == {}
    assert len(facts(workspace).search("trial")) == 10


def test_two_commands_may_build_the_same_part(make_review: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_review(count=10)
    write = factparts.write_studies

    def overtaken(of: Workspace, into: Path) -> None:
        monkeypatch.setattr(factparts, "write_studies", write)
        facts(Workspace(of.root))
        write(of, into)

    monkeypatch.setattr(factparts, "write_studies", overtaken)
    assert len(facts(workspace).studies) == 10
    assert {kind: len(held) for kind, held in parts(workspace).items()} == {
        "studies": 1, "status": 1, "settled": 1, "labels": 1,
    }  # fmt: skip
