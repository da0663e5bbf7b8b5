"""The transformer tagger on tiny real networks: windows, learning, masks, checkpoints, keeping."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.codebook import Codebook, Dimension, Label
from classifiers.codebook import load as load_codebook
from classifiers.labels import _codes
from classifiers.neural import encoders
from classifiers.tagger import Texts
from classifiers.transformer import Plan, TransformerTagger, read_told
from corpora.errors import InputError, MissingExtraError, UnknownNameError
from corpora.progress import silent
from corpora.simulator.literature import simulate
from tests.classifiers import tiny

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
WHOLE = load_codebook("nlp-medicine")
BOOK, COLUMNS = tiny.subset(WHOLE, ("scope", "methods", "rag", "rag_source"))
IDS = {name: place for place, name in enumerate(BOOK.label_ids())}


@pytest.fixture(scope="module")
def material() -> tuple[Texts, Any, list[str]]:
    made = simulate(200, seed=3)
    papers, truth = (made.pubmed + made.openalex)[:200], made.truth()[:200]
    ids = {name: place for place, name in enumerate(WHOLE.label_ids())}
    texts = Texts([paper.title for paper in papers], [paper.abstract for paper in papers])
    codes = np.stack([_codes(row, WHOLE, ids, Counter()) for row in truth])[:, COLUMNS]
    return texts, codes, [row["study"] for row in truth]


@pytest.fixture(scope="module")
def trained(material: Any, tmp_path_factory: pytest.TempPathFactory) -> TransformerTagger:
    folder = tmp_path_factory.mktemp("encoder")
    return tiny.tagger(BOOK, folder, material, 160, epochs=6, budget=2048, rate=0.02)


def test_it_learns_more_than_the_share(material: Any, trained: TransformerTagger) -> None:
    texts, codes, _ = material
    rows = np.arange(160, 200)
    scores = trained.predict_proba(texts.take(rows), silent)
    column = IDS["methods.generative_llm"]
    true = codes[rows, column] == 1
    assert scores[rows - 160, column][true].mean() > scores[rows - 160, column][~true].mean() + 0.2
    losses = [told["loss"] for told in trained.told["history"]]
    assert losses[-1] < 0.7 * losses[0], "the network itself must learn"


def test_scores_obey_scope_and_condition(material: Any, trained: TransformerTagger) -> None:
    scores = trained.predict_proba(material[0].take(range(40)), silent)
    inside = 1 - scores[:, [IDS["scope.out_of_scope"]]]
    methods = scores[:, BOOK.columns("methods")]
    assert (methods <= inside + 1e-6).all()
    assert (scores[:, BOOK.columns("rag_source")] <= scores[:, [IDS["rag.yes"]]] + 1e-6).all()
    assert np.allclose(scores[:, BOOK.columns("scope")].sum(axis=1), 1, atol=1e-5)


def test_what_is_saved_predicts_alike(material: Any, trained: TransformerTagger, tmp_path: Path) -> None:
    texts = material[0].take(range(40))
    trained.save(tmp_path)
    assert not list(tmp_path.glob("*.bin")) + list(tmp_path.glob("*.pkl"))
    again = TransformerTagger.load(tmp_path, BOOK)
    assert np.abs(trained.predict_proba(texts) - again.predict_proba(texts)).max() < 0.03
    assert np.allclose(trained.thresholds(), again.thresholds())
    assert read_told(tmp_path)["labels"] == BOOK.label_ids()
    broken = (tmp_path / "network.safetensors").read_bytes()[:100]
    (tmp_path / "network.safetensors").write_bytes(broken)
    with pytest.raises(InputError, match="the network cannot be read"):
        TransformerTagger.load(tmp_path, BOOK)


def test_a_codebook_may_add_dimensions(trained: TransformerTagger, material: Any, tmp_path: Path) -> None:
    trained.save(tmp_path)
    added = Dimension(id="language", title="Language", labels=(Label(id="english", title="English"),))
    wider = BOOK.model_copy(update={"dimensions": (added, *BOOK.dimensions)})
    again = TransformerTagger.load(tmp_path, wider)
    assert again.lacking() == ["language"]
    texts = material[0].take(range(10))
    scores = again.predict_proba(texts)
    assert (scores[:, 0] == 0).all()
    assert again.thresholds()[0] > 1
    assert np.allclose(scores[:, 1:], TransformerTagger.load(tmp_path, BOOK).predict_proba(texts), atol=1e-6)
    foreign = Codebook(name="other", version="1", title="Other", dimensions=(added,))
    with pytest.raises(InputError, match="shares no dimension"):
        TransformerTagger.load(tmp_path, foreign)


def test_long_abstracts_are_read_to_their_end(trained: TransformerTagger, material: Any) -> None:
    from classifiers.neural.windows import MOST, cut_windows

    tokenizer = trained._bundle.tokenizer  # type: ignore[union-attr]
    filler = "the of and study " * 300
    texts = Texts(["A title", "Short"], [f"{filler} retrieval", "few words"])
    windows = cut_windows(tokenizer, texts, 128)
    assert windows.split == 1
    first = [ids for ids, owner in zip(windows.tokens, windows.record, strict=True) if owner == 0]
    assert max(map(len, first)) <= 128
    assert (windows.cut, len(first)) == (1, MOST), "1,200 words and more do not fit in eight windows"
    middling = cut_windows(tokenizer, Texts(["A title"], ["the of and study " * 60 + "retrieval"]), 128)
    assert middling.cut == 0
    last = tokenizer("retrieval", add_special_tokens=False)["input_ids"]
    assert middling.tokens[-1][-1 - len(last) : -1] == last
    longer = cut_windows(tokenizer, Texts(["A title"], ["word " * 20_000]), 128)
    assert longer.cut == 1
    assert len(longer.tokens) == MOST
    before = dict(trained.windows)
    trained.predict_proba(Texts(["A title"], [filler]))
    assert trained.windows["in several windows"] == before.get("in several windows", 0) + 1


def test_codes_that_were_not_asked_weigh_nothing() -> None:
    from classifiers.neural.loss import layout, loss

    codes = np.zeros((4, len(IDS)), np.int8)
    codes[:, IDS["scope.in_scope"]] = 1
    codes[0, IDS["methods.neural"]] = 1
    masked = codes.copy()
    masked[1:, IDS["methods.neural"]] = -1
    made = layout(BOOK, codes)
    logits = torch.zeros(4, len(IDS), requires_grad=True)
    loss(logits, torch.from_numpy(masked), made).backward()
    gradient = logits.grad[:, IDS["methods.neural"]]
    assert gradient[0] < 0
    assert (gradient[1:] == 0).all()
    other = logits.detach().clone()
    other[1:, IDS["methods.neural"]] = 50.0
    assert torch.allclose(
        loss(logits, torch.from_numpy(masked), made), loss(other, torch.from_numpy(masked), made)
    )


def test_windows_of_a_record_are_pooled_as_one() -> None:
    from transformers import BertConfig, BertModel

    from classifiers.neural.model import Heads, Network

    torch.manual_seed(0)
    encoder = BertModel(BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                   intermediate_size=32), add_pooling_layer=False)  # fmt: skip
    network = Network(encoder, Heads(torch.randn(3, 16), 0)).eval()
    top, low = torch.randn(3, 5, 16), torch.randn(3, 5, 16)
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1, 3:] = False
    evidence = torch.zeros(2, 0)
    pooled = network.score(top, low, mask, torch.tensor([0, 0, 1]), evidence)
    both = torch.cat([top[0], top[1, :3]])[None], torch.cat([low[0], low[1, :3]])[None]
    alone = network.score(*both, torch.ones(1, 8, dtype=torch.bool), torch.tensor([0]), evidence[:1])
    assert torch.allclose(pooled[0], alone[0], atol=1e-5)


def test_a_stopped_training_goes_on_to_the_same_end(material: Any, tmp_path: Path) -> None:
    from classifiers.neural.bundle import Learner
    from classifiers.neural.training import Recipe

    texts, codes, _ = material
    texts, codes = texts.take(range(40)), codes[:40]
    folder = tiny.encoder(tmp_path / "encoder", texts)
    evidence = np.zeros((40, 0), np.float32)

    def outcome(kept: Path, epochs_first: int | None) -> Any:
        plan = Plan(encoder=str(folder), folds=2, recipe=Recipe(frozen=2, epochs=3, budget=1024), kept=kept)
        (kept / "fold-0").mkdir(parents=True)
        learner = Learner(BOOK, plan, 5)
        learner.take(texts, evidence, codes, np.arange(40), silent)
        if epochs_first:
            stopped = 0

            def stop(what: str, done: int, total: int | None = None) -> None:
                nonlocal stopped
                stopped = done
                if done > epochs_first * 20:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                learner.fold(0, np.arange(20), np.arange(20, 40), stop)
            state = json.loads((kept / "fold-0" / "state.json").read_text())
            assert state["epoch"] == epochs_first
        return learner.fold(0, np.arange(20), np.arange(20, 40), silent)

    straight = outcome(tmp_path / "one", None)
    assert np.allclose(straight, outcome(tmp_path / "two", 1), atol=1e-3)


def test_what_was_kept_of_other_inputs_is_not_taken(material: Any, tmp_path: Path) -> None:
    from classifiers.neural.bundle import Learner
    from classifiers.neural.training import Recipe

    texts, codes, _ = material
    texts, codes, evidence = texts.take(range(40)), codes[:40], np.zeros((40, 0), np.float32)
    folder = tiny.encoder(tmp_path / "encoder", texts)
    made = []
    for epochs, given in ((1, codes), (2, codes), (2, 1 - np.abs(codes)), (2, codes)):
        recipe = Recipe(frozen=3, epochs=epochs, budget=1024)
        learner = Learner(BOOK, Plan(encoder=str(folder), recipe=recipe, kept=tmp_path), 5)
        learner.take(texts, evidence, given, np.arange(40), silent)
        made.append(learner.fold(0, np.arange(20), np.arange(20, 40), silent))
    assert not np.array_equal(made[0], made[1]), "a recipe of two epochs is another"
    assert not np.array_equal(made[1], made[2]), "other labels are others"
    assert np.array_equal(made[1], made[3])
    assert len(list(tmp_path.glob("network-0-*.npy"))) == 3


def test_what_is_measured_is_rounded_as_it_is_kept(material: Any, tmp_path: Path) -> None:
    from classifiers.lexical import Lexical
    from classifiers.neural.bundle import Learner
    from classifiers.neural.training import Recipe

    texts, codes, _ = material
    texts, codes, evidence = texts.take(range(60)), codes[:60], np.zeros((60, 0), np.float32)
    model = Lexical().fit(texts.joined(), evidence, codes)
    exact = model.margins(texts.joined(), evidence)
    model.save(tmp_path, most=50)
    rough = model.compact(50).margins(texts.joined(), evidence)
    assert np.abs(rough - exact).max() > 0.01, "fifty n-grams of thousands are a loss"
    assert np.allclose(Lexical.load(tmp_path).margins(texts.joined(), evidence), rough, atol=1e-5)
    plan = Plan(
        encoder=str(tiny.encoder(tmp_path / "e", texts)), recipe=Recipe(frozen=2, epochs=1, budget=2048)
    )
    learner = Learner(BOOK, plan, 5)
    learner.take(texts, evidence, codes, np.arange(60), silent)
    for tensor in learner.whole(silent).network.state_dict().values():
        assert torch.equal(tensor.half().to(tensor.dtype), tensor)


@pytest.mark.parametrize("recipe", [{"frozen": 0}, {"frozen": 0, "lora": 2}, {"frozen": 2}])
def test_every_way_of_training(recipe: dict[str, int], material: Any, tmp_path: Path) -> None:
    small, columns = tiny.subset(BOOK, ("rag",))
    assert columns == [IDS["rag.yes"]]
    texts, codes, studies = material
    data = (texts, codes[:, columns], studies)
    made = tiny.tagger(small, tmp_path / "encoder", data, 24, budget=1024, **recipe)
    (tmp_path / "model").mkdir()
    made.save(tmp_path / "model")
    again = TransformerTagger.load(tmp_path / "model", small)
    few = texts.take(range(6))
    assert np.abs(made.predict_proba(few) - again.predict_proba(few)).max() < 0.03


def test_early_stopping_watches_records_left_out(material: Any, tmp_path: Path) -> None:
    from classifiers.neural.bundle import Learner
    from classifiers.neural.loss import layout
    from classifiers.neural.training import Recipe, Trainer

    texts, codes, _ = material
    texts, codes = texts.take(range(60)), codes[:60]
    recipe = Recipe(frozen=3, epochs=30, patience=1, rate=0.0, encoder_rate=0.0, budget=2048)
    learner = Learner(BOOK, Plan(encoder=str(tiny.encoder(tmp_path, texts)), recipe=recipe), 1)
    learner.take(texts, np.zeros((60, 0), np.float32), codes, np.arange(60) // 3, silent)
    trainer = Trainer(learner._new(0), recipe, layout(BOOK, codes), 1)
    trainer.run(learner._data, np.arange(40), watch=np.arange(40, 60), progress=silent)  # type: ignore[arg-type]
    assert trainer.epoch == 2, "nothing can be gained at a rate of 0"
    plan = Plan(encoder=learner.plan.encoder, watched=0.2)
    chosen = Learner(BOOK, plan, 1)
    chosen._groups = np.arange(60) // 3
    learning, watch = chosen._split(np.arange(30))
    assert watch is not None
    assert sorted([*learning, *watch]) == list(range(30))
    assert len(watch) == 6
    assert not set(learning // 3) & set(watch // 3), "copies of a paper are on one side"


def test_the_best_epoch_is_taken(material: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from classifiers.neural.bundle import Learner
    from classifiers.neural.loss import layout
    from classifiers.neural.training import Recipe, Trainer

    texts, codes, _ = material
    texts, codes = texts.take(range(40)), codes[:40]
    recipe = Recipe(frozen=3, epochs=9, patience=2, budget=2048)
    learner = Learner(BOOK, Plan(encoder=str(tiny.encoder(tmp_path, texts)), recipe=recipe), 1)
    learner.take(texts, np.zeros((40, 0), np.float32), codes, np.arange(40), silent)
    told, seen = iter([0.1, 0.3, 0.2, 0.25]), []
    trainer = Trainer(learner._new(0), recipe, layout(BOOK, codes), 1)

    def watched(*_: Any) -> float:
        seen.append(trainer.averaged["heads.bias"].clone())
        return next(told)

    monkeypatch.setattr(trainer, "_watch", watched)
    trainer.run(learner._data, np.arange(30), watch=np.arange(30, 40), progress=silent)  # type: ignore[arg-type]
    assert trainer.epoch == 4
    assert torch.equal(trainer.network.heads.bias.detach(), seen[1])


def test_encoders_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'biomedbert'"):
        encoders.locate("biomedbrt")
    found = encoders.locate()
    assert (found.folder / "model.safetensors").is_file()
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(encoders, "_packaged", lambda source: tmp_path)
    with pytest.raises(InputError, match="should have SHA-256 53aa51172d14"):
        encoders.locate()
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no model.safetensors"):
        encoders.locate(str(tmp_path))
    for source in encoders.SOURCES.values():
        assert len(source.revision) == 40
        assert set(source.revision) <= set("0123456789abcdef")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install 'litscale"):
        encoders.need_torch("x")


def test_untaught_taggers_say_so() -> None:
    made = TransformerTagger(BOOK, replace(Plan(), folds=2))
    with pytest.raises(InputError, match="learnt nothing"):
        made.predict_proba(Texts(["x"], [None]))
    with pytest.raises(InputError, match="learnt nothing"):
        made.save(Path("nowhere"))
    with pytest.raises(InputError, match="only after training"):
        made.crossfitted(np.zeros((1, len(IDS)), np.int8))
