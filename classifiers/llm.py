"""A language model that codes by the codebook. Its labels are one more run, never truth.

Any OpenAI-compatible endpoint serves (`classifiers.prompting.endpoint`). Answers are kept as they came, each
as soon as it is there, in a folder named by model, prompt and parameters; within it by the text's
hash. So a killed run goes on where it was, and the same text is never paid for twice. Nothing is
sent to another machine before somebody agreed (method rules, section 4).
"""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Self

import numpy as np

from classifiers.codebook import Codebook
from classifiers.prompting import asking
from classifiers.prompting.asking import Answer, UnreadableError
from classifiers.prompting.endpoint import (
    AGREED,
    MODEL,
    URL,
    Endpoint,
    RefusedError,
    Settings,
    estimated_tokens,
)
from classifiers.prompting.kept import Answers
from classifiers.prompting.spending import Estimate, Usage
from classifiers.tagger import UNSURE_BAND, Codes, Floats, Texts
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.record import text_hash
from corpora.words import counted

CACHE = "LITSCALE_LLM_CACHE"
READINGS = 3
"""Times that a model is asked for an answer that can be read."""

_EXPECTED_OUT = 600
"""Tokens of a usual answer, for the estimate before anything is sent."""

_THRESHOLD = 0.5
_DOUBT = UNSURE_BAND / 2


class LlmTagger:
    """The tagger; see the module. Without ``settings`` the environment names the endpoint."""

    name = "llm"

    def __init__(
        self, codebook: Codebook, settings: Settings | None = None, cache: Path | None = None
    ) -> None:
        self.codebook = codebook
        self.usage = Usage()
        self._settings = settings
        self._cache = cache
        self._agreed: str | None = None
        self._opened: dict[Path, Answers] = {}
        self._system = asking.system_prompt(codebook)
        self._schema = asking.schema(codebook)

    # ------------------------------------------------------------------ the protocol

    def fit(
        self,
        texts: Texts,
        codes: Codes,
        groups: Sequence[Sequence[str]] = (),
        *,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Self:
        """There is nothing to learn: the codebook is the prompt."""
        del texts, codes, groups, seed, progress
        return self

    def predict_proba(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, L): 1 where a label holds, just above the threshold where its evidence is missing.

        Records without an answer are just below it everywhere, so all unsure; `usage` says why.

        Raises:
            InputError: no endpoint is named, or texts would leave this machine without agreement.
            TransportError: the endpoint fails; what was answered is kept, so run it again.

        """
        out = np.full((len(texts), len(self.codebook.label_ids())), _THRESHOLD - _DOUBT, np.float32)
        hashes = [text_hash(*pair) for pair in zip(texts.titles, texts.abstracts, strict=True)]
        pairs = dict(zip(hashes, zip(texts.titles, texts.abstracts, strict=True), strict=True))
        answers = self._answers()
        todo = {name: pair for name, pair in pairs.items() if name not in answers and any(pair)}
        self.usage.kept += sum(name in answers for name in pairs)
        if todo:
            self._ask_all(todo, answers, progress)
        for row, name in enumerate(hashes):
            found = self._read(answers, name, pairs[name])
            if isinstance(found, str):
                self.usage.refused += 1
                self.usage.reasons[name] = found
            else:
                self.usage.without_evidence += len(found.doubtful)
                out[row] = self._scores(found)
        return out

    def thresholds(self) -> Floats:
        """One half."""
        return np.full(len(self.codebook.label_ids()), _THRESHOLD, np.float32)

    def save(self, folder: Path) -> None:
        """``llm.json``: endpoint and parameters; there is no key in it."""
        told = {"tagger": self.name, "codebook": self.codebook.hash, "endpoint": self.settings.to_dict()}
        (folder / "llm.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """The endpoint that was saved. Any codebook can be its prompt, so none is refused."""
        path = folder / "llm.json"
        try:
            told = json.loads(path.read_text("utf-8"))
            return cls(codebook, Settings.from_dict(told["endpoint"], str(path)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: no endpoint can be read here: {error}") from error

    @staticmethod
    def depends_on() -> str:
        """What its labels depend on beside codebook and saved settings: the environment's model."""
        return f"{os.environ.get(URL, '')} {os.environ.get(MODEL, '')}"

    # ------------------------------------------------------------------ before and after

    @property
    def settings(self) -> Settings:
        """The endpoint; see `Settings.from_environment`."""
        if self._settings is None:
            self._settings = Settings.from_environment()
        return self._settings

    def estimate(self, texts: Texts) -> Estimate:
        """What tagging these texts would send and cost; nothing is sent."""
        answers = self._answers()
        pairs = zip(texts.titles, texts.abstracts, strict=True)
        todo = {text_hash(*pair): pair for pair in pairs if any(pair)}
        new = [pair for name, pair in todo.items() if name not in answers]
        fixed = estimated_tokens(self._system) + estimated_tokens(json.dumps(self._schema))
        tokens_in = sum(fixed + estimated_tokens(asking.user_prompt(*pair)) for pair in new)
        tokens_out = _EXPECTED_OUT * len(new)
        cost = self.settings.cost(tokens_in, tokens_out)
        return Estimate(len(todo), len(todo) - len(new), tokens_in, tokens_out, cost, self.settings)

    def cost(self) -> float | None:
        """Of what was asked so far, by the endpoint's own token counts; None without prices."""
        return self.settings.cost(self.usage.tokens_in, self.usage.tokens_out)

    def agree(self) -> Self:
        """Somebody who saw `Estimate.sentence` agreed that texts go to this endpoint's host."""
        self._agreed = self.settings.host
        return self

    def explain(self, title: str | None, abstract: str | None) -> list[tuple[str, str]]:
        """Which sentence was given for which label of a text that was tagged before."""
        found = self._read(self._answers(), text_hash(title, abstract), (title, abstract))
        return [] if isinstance(found, str) else list(found.labels.items())

    # ------------------------------------------------------------------ asking

    def _answers(self) -> Answers:
        """What is kept of this model, prompt and these parameters."""
        held = self.settings
        root = self._cache or Path(os.environ.get(CACHE, "") or _default_cache())
        if root in self._opened:
            return self._opened[root]
        asked = {
            "model": held.model,
            "prompt": self._system,
            "schema": self._schema,
            "parameters": {"temperature": held.temperature, "max_tokens": held.max_tokens},
        }
        self._opened[root] = Answers.of(root, asked)
        return self._opened[root]

    def _ask_all(
        self, todo: dict[str, tuple[str | None, str | None]], answers: Answers, progress: Progress
    ) -> None:
        """Ask about each text; each answer is kept at once. The first failure ends it, told as it is."""
        held = self.settings
        if not held.local and held.host not in (self._agreed, os.environ.get(AGREED)):
            raise InputError(
                f"{counted(len(todo), 'text')} (title and abstract) would go to {held.host} and nobody "
                f"agreed yet: agree when asked, or set {AGREED}={held.host}"
            )
        items: Iterator[tuple[str, tuple[str | None, str | None]]] = iter(todo.items())
        with Endpoint(held) as endpoint, ThreadPoolExecutor(max(held.parallel, 1)) as pool:
            under_way: dict[Future[list[dict[str, Any]]], str] = {}
            done = 0
            while True:
                while len(under_way) < 2 * held.parallel and (item := next(items, None)):
                    under_way[pool.submit(self._ask, endpoint, *item[1])] = item[0]
                if not under_way:
                    return
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                failure: BaseException | None = None
                for future in finished:
                    name = under_way.pop(future)
                    if (error := future.exception()) is not None:
                        failure = error
                        continue
                    self._count(future.result())
                    answers.add(name, future.result())
                    done += 1
                    progress("asking the language model", done, len(todo))
                if failure is not None:
                    pool.shutdown(cancel_futures=True)
                    self._keep_rest(under_way, answers)
                    raise failure

    def _keep_rest(self, under_way: dict[Future[list[dict[str, Any]]], str], answers: Answers) -> None:
        """Answers that came while the first failure was on its way are paid for: keep them too."""
        for future, name in under_way.items():
            if not future.cancelled() and future.exception() is None:
                self._count(future.result())
                answers.add(name, future.result())

    def _ask(self, endpoint: Endpoint, title: str | None, abstract: str | None) -> list[dict[str, Any]]:
        """Ask until the answer can be read, `READINGS` times at most; gives every reply as it came."""
        messages = [
            {"role": "system", "content": self._system},
            {"role": "user", "content": asking.user_prompt(title, abstract)},
        ]
        replies: list[dict[str, Any]] = []
        for _ in range(READINGS):
            try:
                reply = endpoint.ask(messages, self._schema)
            except RefusedError as error:
                if not endpoint.answered:  # nothing ever went through: it is not this record's fault
                    raise
                return [*replies, {"raw": "", "refusal": str(error)}]
            told: dict[str, Any] = {"raw": reply.text, "model": reply.model, "url": endpoint.settings.url}
            told |= {"tokens_in": reply.tokens_in, "tokens_out": reply.tokens_out, "refusal": reply.refusal}
            told["left_out"] = sorted(endpoint.left_out)
            replies.append(told)
            if reply.refusal:
                break
            try:
                asking.read(self.codebook, reply.text, title, abstract)
                break
            except UnreadableError as error:
                complaint = f"That cannot be used: {error}. Answer again with the one JSON object only."
                messages = [
                    *messages[:2],
                    {"role": "assistant", "content": reply.text},
                    {"role": "user", "content": complaint},
                ]
        return replies

    def _count(self, replies: list[dict[str, Any]]) -> None:
        self.usage.asked += 1
        self.usage.requests += len(replies)
        for reply in replies:
            self.usage.tokens_in += reply.get("tokens_in") or 0
            self.usage.tokens_out += reply.get("tokens_out") or 0
            self.usage.uncounted += reply.get("tokens_out") is None

    # ------------------------------------------------------------------ reading

    def _read(self, answers: Answers, name: str, pair: tuple[str | None, str | None]) -> Answer | str:
        """The answer about a text, or why there is none."""
        if not any(pair):
            return "neither title nor abstract"
        replies = answers.get(name)
        if not replies:
            return "not asked"
        last = replies[-1]
        if last.get("refusal"):
            return f"refused: {last['refusal']}"
        try:
            return asking.read(self.codebook, last["raw"], *pair)
        except UnreadableError as error:
            return f"unreadable after {counted(len(replies), 'answer')}: {error}"

    def _scores(self, answer: Answer) -> Floats:
        """Shape (L,)."""
        ids = self.codebook.label_ids()
        row = np.array([float(name in answer.labels) for name in ids], np.float32)
        for dimension in self.codebook.dimensions:
            columns = self.codebook.columns(dimension.id)
            doubtful = [column for column in columns if ids[column] in answer.doubtful]
            if doubtful and dimension.kind == "one":
                row[columns] = _THRESHOLD  # so close to the next that `decide` calls it unsure
            row[doubtful] = _THRESHOLD + _DOUBT
        return row


def _default_cache() -> str:
    return os.path.join(
        os.environ.get("XDG_CACHE_HOME", "") or os.path.expanduser("~/.cache"), "litscale", "llm"
    )
