"""The main tagger: a transformer with one attention query per label, blended with a linear model.

`fit` is one recipe from labels to decisions: grouped folds; in each a network and a linear model learn
on the others and score it; from all out-of-fold scores come one blend weight per dimension,
calibration and thresholds; then both learn from everything. What is measured is therefore the very
recipe that is kept, with weights rounded as they are kept. On a machine without a GPU the encoder's
layers are frozen and run once; on a GPU the whole encoder learns. PyTorch is imported where it is used.
"""

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from classifiers.blend import Blend, Crossfit, crossfit, fit_blend
from classifiers.codebook import Codebook
from classifiers.evidence import Evidence
from classifiers.folds import components, grouped_folds
from classifiers.kept import digest, kept
from classifiers.lexical import Lexical
from classifiers.linear import MIN_LEARNT, write_linear
from classifiers.tagger import Bools, Codes, Floats, Texts, fitting, lacking, mapped, passing
from classifiers.thresholds import NEVER
from corpora.errors import InputError
from corpora.progress import Progress, silent

if TYPE_CHECKING:
    from classifiers.neural.bundle import Bundle
    from classifiers.neural.training import Recipe

FOLDS = 4
PART = 1024
"""Records that are tagged at a time; bounds memory."""

_UNTAUGHT = "the transformer tagger has learnt nothing yet; run: review train --tagger transformer"


@dataclass(frozen=True, slots=True)
class Plan:
    """How the tagger is trained; nothing here is needed to predict."""

    encoder: str = "minilm"
    revision: str | None = None
    folds: int = FOLDS
    recipe: "Recipe | None" = None
    """None: the one for the machine, see `neural.training.recipe_for`."""
    network_seed: int | None = None
    """Seed of first weights and batch order; None: the seed of the folds."""
    kept: Path | None = None
    """Folder for states, checkpoints and finished folds: a stopped training is taken up there."""
    random: Bools | None = None
    """Rows (n,) of a simple random sample: intercepts are fitted on them."""
    max_tokens: int = 384
    recall: float | None = None
    """Thresholds keep this share of the positives; None: they are those of best F1."""
    watched: float = 0.0
    """Share of the groups that is held out of every training and says when to stop; 0: none stops early."""


class TransformerTagger:
    """The transformer tagger; see the module."""

    name = "transformer"

    def __init__(self, codebook: Codebook, plan: Plan | None = None) -> None:
        self.codebook = codebook
        self.plan = plan or Plan()
        self.recall = self.plan.recall
        self.own = codebook
        """The codebook that the heads were trained for; may have fewer dimensions."""
        self.told: dict[str, Any] = {}
        self.learnt: Bools = np.zeros(len(codebook.label_ids()), np.bool_)
        self.folds: NDArray[np.int64] | None = None
        self.sources: list[Floats] = []
        """Out-of-fold scores of network and linear model, (n, L) each, after `fit`."""
        self._bundle: Bundle | None = None
        self._lexical: Lexical | None = None
        self._blend: Blend | None = None
        self._alone: Blend | None = None
        self._evidence: Evidence | None = None

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        texts: Texts,
        codes: Codes,
        groups: Sequence[Sequence[str]] = (),
        *,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Self:
        """Learn from ``codes`` (n, L); groups of rows are never split over folds."""
        from classifiers.neural.bundle import Learner

        plan = self.plan
        self._evidence = Evidence(self.codebook)
        evidence = self._evidence.scores(texts, progress)
        asked = passing(self.codebook, codes)
        self.folds = grouped_folds(codes, groups, k=plan.folds, seed=seed)
        learner = Learner(self.codebook, plan, seed if plan.network_seed is None else plan.network_seed)
        learner.take(texts, evidence, asked, components(groups, len(texts)), progress)
        network, linear = np.zeros((2, *codes.shape), np.float32)
        for fold in range(plan.folds):
            inside, outside = np.flatnonzero(self.folds != fold), np.flatnonzero(self.folds == fold)
            network[outside] = learner.fold(fold, inside, outside, progress)
            linear[outside] = self._linear_fold(fold, texts, evidence, asked, inside, outside)
        self.sources = [network, linear]
        self._blend = fit_blend(self.codebook, self.sources, codes, plan.random, self.recall)
        self.learnt = (codes == 1).sum(axis=0) >= MIN_LEARNT
        self._blend.thresholds[~self.learnt] = NEVER
        # The linear part serves alone where PyTorch is not installed, with decisions of its own.
        self._alone = fit_blend(self.codebook, [linear], codes, plan.random, self.recall)
        self._alone.thresholds[~self.learnt] = NEVER
        self._lexical = Lexical().fit(texts.joined(), evidence, asked)
        self._bundle = learner.whole(progress)
        self.told = {"learnt_from": len(texts), "seed": seed, **learner.told()}
        return self

    def _linear_fold(
        self, fold: int, texts: Texts, evidence: Floats, asked: Codes, inside: Any, outside: Any
    ) -> Floats:
        def learnt() -> Floats:
            model = Lexical().fit(texts.take(inside).joined(), evidence[inside], asked[inside])
            return model.compact(KEPT_NGRAMS).margins(texts.take(outside).joined(), evidence[outside])

        key = digest("ridge", KEPT_NGRAMS, texts.joined(), evidence, asked, inside)
        return kept(self.plan.kept, f"linear-{fold}", key, learnt)

    def crossfitted(self, codes: Codes) -> Crossfit:
        """Honest out-of-fold probabilities and thresholds of what `fit` learnt from."""
        if self.folds is None:
            raise InputError("out-of-fold scores are there only after training, not in a loaded model")
        return crossfit(self.codebook, self.sources, codes, self.folds, self.plan.random, self.recall)

    # ------------------------------------------------------------------ predicting

    def predict_proba(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, L), in [0, 1]; 0 for labels that the model has no head for."""
        bundle, lexical, blend, evidence = self._bundle, self._lexical, self._blend, self._evidence
        if bundle is None or lexical is None or blend is None or evidence is None:
            raise InputError(_UNTAUGHT)
        out = np.zeros((len(texts), len(self.own.label_ids())), np.float32)
        for start in range(0, len(texts), PART):
            rows = range(start, min(start + PART, len(texts)))
            part = texts.take(rows)
            clues = evidence.scores(part)
            sources = [bundle.logits(part, clues), lexical.margins(part.joined(), clues)]
            out[rows.start : rows.stop] = blend.probabilities(self.own, sources)
            progress("tagging with the transformer", rows.stop, len(texts))
        return mapped(self.own, self.codebook, out, 0.0)

    def thresholds(self) -> Floats:
        """Shape (L,); 2 for labels that were never learnt or have no head."""
        if self._blend is None:
            return np.full(len(self.codebook.label_ids()), NEVER, np.float32)
        limits: Floats = mapped(self.own, self.codebook, self._blend.thresholds[None], NEVER)[0]
        return limits

    @property
    def windows(self) -> dict[str, int]:
        """Records tagged so far, how many were read in several windows, and how many were cut."""
        return {} if self._bundle is None else dict(self._bundle.counts)

    def lacking(self) -> list[str]:
        """Dimensions of the codebook that the model has no heads for."""
        return lacking(self.own, self.codebook)

    # ------------------------------------------------------------------ keeping

    def save(self, folder: Path) -> None:
        """Everything that predicting needs: encoder, heads, tokenizer, linear part, rules; no pickle."""
        if self._bundle is None or self._lexical is None or self._blend is None or self._evidence is None:
            raise InputError(_UNTAUGHT)
        self._bundle.save(folder)
        self._lexical.save(folder, most=KEPT_NGRAMS)
        self._evidence.save(folder)
        arrays: dict[str, Any] = dict(self._blend.arrays())
        np.savez_compressed(folder / "blend.npz", **arrays)
        if self._alone is not None:
            write_linear(folder, self.own, self._alone, self.learnt)
        told = {
            "tagger": self.name,
            "codebook": self.own.hash,
            "labels": self.own.label_ids(),
            "book": self.own.model_dump(mode="json"),
            **self.told,
        }
        (folder / "model.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """Read a saved model; the codebook may have further dimensions, but must share one.

        Raises:
            InputError: no model there, or none of its heads fits the codebook.
            MissingExtraError: PyTorch or transformers is not installed.

        """
        from classifiers.neural.encoders import need_torch

        told = read_told(folder)
        need_torch("the transformer tagger")
        from classifiers.neural.bundle import Bundle

        made = cls(codebook)
        own = Codebook.model_validate(told["book"])
        made.own = codebook if own.hash == codebook.hash else own
        fitting(own, codebook, folder)
        made.told = {key: told[key] for key in told if key not in ("book", "labels", "codebook", "tagger")}
        made._bundle = Bundle.load(folder, made.own)
        made._lexical = Lexical.load(folder)
        made._evidence = Evidence.load(folder, made.own)
        with np.load(folder / "blend.npz", allow_pickle=False) as arrays:
            made._blend = Blend.of({name: arrays[name] for name in arrays.files})
        return made


KEPT_NGRAMS = 100_000
"""N-grams whose weights a saved model keeps."""


def read_told(folder: Path) -> dict[str, Any]:
    """``model.json`` of a saved model."""
    try:
        told: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no transformer model can be read here: {error}") from error
    return told


def shipped(codebook: Codebook) -> Path | None:
    """The folder of the weights that ship for a codebook, or for the one it inherits from."""
    names = [codebook.name, *([codebook.inherit.codebook] if codebook.inherit else [])]
    folders = [Path(__file__).parent / "pretrained" / name for name in names]
    return next((folder for folder in folders if (folder / "model.json").is_file()), None)


def usable() -> bool:
    """Whether PyTorch and transformers are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))


def plan_told(plan: Plan) -> dict[str, Any]:
    """A plan as plain data, for run.json."""
    recipe = asdict(plan.recipe) if plan.recipe is not None else None
    return {"encoder": plan.encoder, "revision": plan.revision, "folds": plan.folds, "recipe": recipe}
