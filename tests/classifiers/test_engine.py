"""One corpus through every engine: the same labels, nothing lost when a worker or the whole is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifiers import engine
from classifiers.codebook import load as load_codebook
from classifiers.engine import read, tag
from classifiers.keywords import KeywordTagger
from classifiers.llm import LlmTagger
from classifiers.parallel import cluster, workers
from classifiers.parallel import spec as spec_
from classifiers.parallel.spec import Spec
from classifiers.prompting.endpoint import Settings
from classifiers.tagger import Texts, decide
from corpora import schema
from corpora.errors import InputError, LitscaleError, UnknownNameError
from corpora.record import text_hash
from corpora.simulator.literature import simulate

CODEBOOK = load_codebook("nlp-medicine")
SPEC = Spec("keywords", CODEBOOK)
RECORDS = 130
PART = 20


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two Parquet files whose record ids are in no order; some texts are missing."""
    papers = simulate(RECORDS, seed=3)
    rows = [
        {"record_id": f"R{(i * 7919) % 1009:016x}", "title": paper.title, "abstract": paper.abstract}
        for i, paper in enumerate((papers.pubmed + papers.openalex)[:RECORDS])
    ]
    rows[3]["abstract"] = None
    rows[4] |= {"title": None, "abstract": None}
    folder = tmp_path_factory.mktemp("corpus")
    paths = [folder / "a.parquet", folder / "b.parquet"]
    pq.write_table(pa.Table.from_pylist(rows[:57]), paths[0], row_group_size=10)
    pq.write_table(pa.Table.from_pylist(rows[57:]), paths[1])
    return paths


@pytest.fixture(scope="module")
def plain(corpus: list[Path], tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return labels(tag(read(corpus), tmp_path_factory.mktemp("plain"), SPEC, part=PART))


def labels(scored: engine.Scored) -> pa.Table:
    return pa.concat_tables(scored.labels(33))


# ---------------------------------------------------------------------- in one process


def test_labels_are_the_taggers_own_in_the_order_of_record_ids(corpus: list[Path], plain: pa.Table) -> None:
    assert plain.schema == schema.LABELS
    rows = pa.concat_tables([pq.read_table(path) for path in corpus]).sort_by("record_id").to_pylist()
    assert len(rows) == RECORDS
    texts = Texts([row["title"] for row in rows], [row["abstract"] for row in rows])
    tagger = KeywordTagger(CODEBOOK)
    scores = tagger.predict_proba(texts)
    values, unsure = decide(CODEBOOK, scores, tagger.thresholds())
    each = len(CODEBOOK.label_ids()) + sum(len(rollup.labels) for rollup in CODEBOOK.rollups)
    assert plain.num_rows == RECORDS * each
    cells = plain.to_pylist()
    for row in (0, 50, RECORDS - 1):
        found = cells[row * each : (row + 1) * each]
        assert {one["record_id"] for one in found} == {rows[row]["record_id"]}
        assert {one["text_hash"] for one in found} == {text_hash(rows[row]["title"], rows[row]["abstract"])}
        coded = found[: scores.shape[1]]
        assert [f"{one['dimension']}.{one['label']}" for one in coded] == CODEBOOK.label_ids()
        assert [one["probability"] for one in coded] == scores[row].tolist()
        assert [one["value"] for one in coded] == values[row].tolist()
        assert [one["unsure"] for one in coded] == unsure[row].tolist()
        family = {one["label"]: one["value"] for one in found if one["dimension"] == "family"}
        assert family["generative_llm"] == values[row, CODEBOOK.label_ids().index("methods.generative_llm")]


def test_a_second_run_computes_only_what_changed(
    corpus: list[Path], plain: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tag(read(corpus), tmp_path, SPEC, part=PART)
    assert (first.records, first.reused, len(first.parts)) == (RECORDS, 0, 7)
    times = [path.stat().st_mtime_ns for path in first.parts]
    told: list[tuple[int, int | None]] = []
    again = tag(
        read(corpus),
        tmp_path,
        SPEC,
        part=PART,
        total=RECORDS,
        progress=lambda _, done, total=None: told.append((done, total)),
    )
    assert again.reused == RECORDS
    assert [path.stat().st_mtime_ns for path in again.parts] == times
    assert told[-1] == (RECORDS, RECORDS)
    rows = [{**row, "title": "Another"} if i == 25 else row for i, row in enumerate(_rows(corpus))]
    third = tag(iter(pa.Table.from_pylist(rows).to_batches()), tmp_path, SPEC, part=PART)
    assert third.reused == RECORDS - PART
    assert sorted(first.parts[0].parent.glob("*.parquet")) == sorted(third.parts)  # what is stale is gone


def _rows(corpus: list[Path]) -> list[dict[str, Any]]:
    return [row for batch in read(corpus) for row in batch.to_pylist()]


def test_another_model_codebook_or_endpoint_shares_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "weights").write_text("1")
    other = CODEBOOK.model_copy(update={"version": "2"})
    specs = [
        SPEC,
        Spec("linear", CODEBOOK),
        Spec("keywords", other),
        Spec("linear", CODEBOOK, tmp_path / "a"),
    ]
    keys = [spec.key for spec in specs]
    (tmp_path / "a" / "weights").write_text("2")
    keys.append(Spec("linear", CODEBOOK, tmp_path / "a").key)
    for name in ("small", "large"):
        monkeypatch.setenv("LITSCALE_LLM_MODEL", name)
        keys.append(Spec("llm", CODEBOOK).key)
    assert len(set(keys)) == 7
    again = Spec.from_json(specs[3].to_json())
    assert (again.tagger, again.codebook, again.model) == ("linear", CODEBOOK, tmp_path / "a")


def test_memory_holds_a_part_and_not_the_corpus(tmp_path: Path) -> None:
    asked = 0

    def endless() -> Iterator[pa.RecordBatch]:
        nonlocal asked
        while True:
            asked += 10
            yield pa.record_batch(
                [[f"R{asked}"] * 10, ["t"] * 10, ["a"] * 10], ["record_id", "title", "abstract"]
            )

    def stop(_: str, done: int, total: int | None = None) -> None:
        if done >= 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tag(endless(), tmp_path, SPEC, part=PART, progress=stop)
    assert asked <= 60 + 10
    assert len(list(tmp_path.rglob("part-*.parquet"))) == 3


def test_what_cannot_be_tagged_says_why(corpus: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'machine'"):
        tag(read(corpus), tmp_path, SPEC, engine="machin")
    with pytest.raises(InputError, match="no column key; it has record_id, title, abstract"):
        next(read(corpus, "key"))
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        next(read([tmp_path / "x.parquet"]))
    empty = tag(iter(()), tmp_path, SPEC)
    assert (empty.records, list(empty.labels()), list(empty.refused())) == (0, [], [])


def test_records_without_an_answer_are_named(model: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LITSCALE_LLM_URL", model.url)
    monkeypatch.setenv("LITSCALE_LLM_MODEL", "tiny")
    monkeypatch.setenv("LITSCALE_LLM_CACHE", str(tmp_path / "answers"))
    whole = {"choices": [{"message": {"content": None, "refusal": "I will not."}}]}
    model.script = lambda *_: {"body": whole}
    batch = pa.record_batch([["R1", "R2"], ["a", None], ["b", None]], ["record_id", "title", "abstract"])
    scored = tag(iter([batch]), tmp_path, Spec("llm", CODEBOOK))
    assert dict(scored.refused()) == {"R1": "refused: I will not.", "R2": "neither title nor abstract"}
    assert labels(scored).num_rows == 0  # all unsure is no label


def test_a_killed_run_keeps_its_parts(corpus: list[Path], plain: pa.Table, tmp_path: Path) -> None:
    source = (
        "import sys, time; from pathlib import Path\n"
        "from classifiers.engine import read, tag; from classifiers.parallel.spec import Spec\n"
        "from classifiers.codebook import load\n"
        "spec = Spec('keywords', load('nlp-medicine'))\n"
        "slow = lambda what, done, total=None: time.sleep(0.2)\n"
        f"tag(read(map(Path, sys.argv[2:])), Path(sys.argv[1]), spec, part={PART}, progress=slow)\n"
    )
    with subprocess.Popen([sys.executable, "-c", source, str(tmp_path), *map(str, corpus)]) as child:
        _until(lambda: len(list(tmp_path.rglob("part-*.parquet"))) >= 3)
        child.send_signal(signal.SIGKILL)
    again = tag(read(corpus), tmp_path, SPEC, part=PART)
    assert 3 * PART <= again.reused < RECORDS
    assert labels(again).equals(plain)


def _until(holds: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ---------------------------------------------------------------------- on a machine


def test_two_processes_give_the_same_labels_though_one_is_killed(
    corpus: list[Path], plain: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    made: list[workers.Child] = []
    real = workers.Child

    def child(*given: Any) -> workers.Child:
        made.append(real(*given))
        return made[-1]

    monkeypatch.setattr(workers, "Child", child)
    killed: list[int] = []

    def kill_one(_: str, done: int, total: int | None = None) -> None:
        if not killed:
            killed.append(made[0].process.pid)
            os.kill(killed[0], signal.SIGKILL)

    scored = tag(read(corpus), tmp_path, SPEC, engine="machine", workers=2, part=PART, progress=kill_one)
    assert len(made) == 2
    assert made[0].process.pid != killed[0]  # another took its place
    assert labels(scored).equals(plain)
    assert all(one.process.poll() is not None for one in made)


def test_a_part_that_kills_every_worker_is_named(
    corpus: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = workers.Child._start

    def start(self: workers.Child) -> None:
        real(self)
        self.process.kill()

    monkeypatch.setattr(workers.Child, "_start", start)
    first = next(read(corpus))["record_id"][0].as_py()
    with pytest.raises(
        LitscaleError, match=f"3 workers in a row were killed while tagging records {first} to"
    ):
        tag(read(corpus), tmp_path, SPEC, engine="machine", workers=1, part=PART)


def test_a_workers_own_words_arrive(corpus: list[Path], tmp_path: Path) -> None:
    with pytest.raises(LitscaleError, match="the linear tagger has learnt nothing yet; run: review train"):
        tag(read(corpus), tmp_path, Spec("linear", CODEBOOK), engine="machine", workers=1, part=PART)


def test_each_child_gets_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert workers._places(None) == [{"CUDA_VISIBLE_DEVICES": "2"}, {"CUDA_VISIBLE_DEVICES": "5"}]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in workers._places(3)] == ["2", "5", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert len(workers._places(3)) == 3
    assert "CUDA_VISIBLE_DEVICES" not in workers._places(3)[0]


# ---------------------------------------------------------------------- on a cluster


def test_a_models_files_travel_with_the_worker(model: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LITSCALE_LLM_CACHE", str(tmp_path / "answers"))
    (tmp_path / "model").mkdir()
    LlmTagger(CODEBOOK, Settings(model.url, "tiny")).save(tmp_path / "model")
    spec = Spec("llm", CODEBOOK, tmp_path / "model")
    worker = cluster.TaggingWorker(Spec("llm", CODEBOOK, Path("/not/here")).to_json(), spec.files())
    batch = pa.record_batch([["R1"], ["a"], [None]], spec_.TEXTS.names[:3])
    (texts,) = engine.parts_of([batch], PART)
    assert worker.score(texts).schema == spec_.scored_schema(len(CODEBOOK.label_ids()))
    assert len(model.asked) == 3  # its answers could not be read


@pytest.fixture
def two_nodes() -> Iterator[None]:
    """A cluster of two worker nodes beside a head that computes nothing."""
    ray = pytest.importorskip("ray")
    utils = pytest.importorskip("ray.cluster_utils")
    nodes = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        nodes.add_node(num_cpus=1)
    ray.init(address=nodes.address, log_to_driver=False)
    yield
    ray.shutdown()
    nodes.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ray's own, at its start
@pytest.mark.usefixtures("two_nodes")
def test_a_cluster_of_two_workers_gives_the_same_labels_though_one_is_killed(
    corpus: list[Path], plain: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    most = 1

    def kill(_: str, done: int, total: int | None = None) -> None:
        if not killed:
            killed.extend(_own_actors()[:most])
            for process in killed:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    scored = tag(read(corpus), tmp_path / "a", SPEC, engine="ray", part=PART, progress=kill)
    assert killed
    assert labels(scored).equals(plain)
    with pytest.raises(LitscaleError, match="the linear tagger has learnt nothing yet"):
        tag(read(corpus), tmp_path / "b", Spec("linear", CODEBOOK), engine="ray", part=PART)
    monkeypatch.setattr(cluster, "RESTARTS", 0)
    killed.clear()
    most = 9  # those of the runs before may still be on their way out
    with pytest.raises(LitscaleError, match="a worker of the cluster was lost"):
        tag(read(corpus), tmp_path / "c", SPEC, engine="ray", part=PART, progress=kill)
    assert list(tmp_path.glob("c/*/part-*.parquet"))  # what was done is kept


def _own_actors() -> list[int]:
    """Processes of actors of this test's cluster: ray names them by the class."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            named = (folder / "cmdline").read_bytes().startswith(b"ray::TaggingWorker")
        except OSError:
            continue
        if named and os.getpid() in _ancestors(int(folder.name)):
            found.append(int(folder.name))
    return found


def _ancestors(process: int) -> list[int]:
    found = []
    while process > 1:
        try:
            told = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            break  # gone meanwhile
        process = int(told.rpartition(")")[2].split()[1])
        found.append(process)
    return found
