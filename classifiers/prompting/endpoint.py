"""A language model behind an OpenAI-compatible endpoint: vLLM, Ollama, or a service elsewhere.

The request is POST ``<url>/chat/completions``
(https://platform.openai.com/docs/api-reference/chat). The key is read from ``LITSCALE_LLM_KEY`` when
a request is made; it is kept nowhere and cut out of every message.
"""

import json
import os
import re
import threading
from dataclasses import asdict, dataclass, fields
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from corpora.errors import InputError, TransportError
from corpora.transport import LOOPBACK, TRIES, Transport

KEY = "LITSCALE_LLM_KEY"
URL = "LITSCALE_LLM_URL"
MODEL = "LITSCALE_LLM_MODEL"
AGREED = "LITSCALE_LLM_AGREED"
"""Names the host that texts may be sent to, where nobody can be asked."""
PRICES = "LITSCALE_LLM_PRICES"
"""Price of a million tokens in and out, as ``0.15,0.60``."""

_REFUSES = {400, 404, 413, 415, 422, 501}
_LETTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a model is and how it is asked. Prices are per million tokens, in the user's currency."""

    url: str
    model: str
    temperature: float = 0.0
    max_tokens: int = 2_048
    timeout: float = 120.0
    """Seconds without an answer after which a request is made again."""
    tries: int = TRIES
    parallel: int = 4
    """Requests under way at the same time."""
    price_in: float | None = None
    price_out: float | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"endpoint {self.url!r}: give its base, e.g. http://127.0.0.1:11434/v1")
        if parts.username or parts.password or parts.query:
            raise InputError(
                f"endpoint at {parts.hostname}: its URL holds a user, password or parameter; "
                f"put the key into {KEY}, it is never written anywhere"
            )
        if not self.model:
            raise InputError(f"endpoint {self.url}: say which model, e.g. name:version")

    @classmethod
    def from_environment(cls) -> Self:
        """Endpoint, model and prices out of ``LITSCALE_LLM_URL``, ``_MODEL`` and ``_PRICES`` (optional).

        Raises:
            InputError: one of the first two is not set, or prices are no two numbers.

        """
        url, model = os.environ.get(URL, ""), os.environ.get(MODEL, "")
        if not url or not model:
            raise InputError(
                f"no language model is named: set {URL} to an OpenAI-compatible endpoint "
                f"(http://127.0.0.1:11434/v1) and {MODEL} to the model's name"
            )
        given = os.environ.get(PRICES, "")
        try:
            price_in, price_out = (float(one) for one in given.split(",")) if given else (None, None)
        except ValueError as error:
            raise InputError(
                f"{PRICES}: prices of a million tokens, in,out like 0.15,0.60; got {given!r}"
            ) from error
        return cls(url, model, price_in=price_in, price_out=price_out)

    @classmethod
    def from_dict(cls, told: dict[str, Any], place: str) -> Self:
        """Settings as `to_dict` gives them; ``place`` is only named in errors."""
        known = {one.name for one in fields(cls)}
        if set(told) - known or not {"url", "model"} <= set(told):
            raise InputError(f"{place}: endpoint settings are {sorted(known)}, got {sorted(told)}")
        return cls(**told)

    def to_dict(self) -> dict[str, Any]:
        """All settings; there is no secret among them."""
        return asdict(self)

    @property
    def host(self) -> str:
        """The machine that texts go to."""
        return urlsplit(self.url).hostname or ""

    @property
    def local(self) -> bool:
        """True if texts stay on this machine."""
        return self.host in LOOPBACK

    @property
    def where(self) -> str:
        """The machine as people say it."""
        return "this machine" if self.local else self.host

    def cost(self, tokens_in: int, tokens_out: int) -> float | None:
        """In the prices' currency; None without prices."""
        if self.price_in is None or self.price_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; tokens are None where the endpoint does not count them."""

    text: str
    model: str
    """Name and version that the endpoint gives itself."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    refusal: str | None = None
    """Why there is no answer: the model or a filter refused, or its length ran out."""


class RefusedError(TransportError):
    """Raised when the endpoint refuses this very request, whatever is repeated."""


class Endpoint:
    """Sends questions, from any number of threads; network errors, 429 and 5xx are tried again."""

    def __init__(self, settings: Settings, *, line: Transport | None = None) -> None:
        self.settings = settings
        self._line = line or Transport(None, timeout=settings.timeout, tries=settings.tries)
        self._own = line is None
        self._lock = threading.Lock()
        self.left_out: frozenset[str] = frozenset()
        """Parameters that the endpoint refuses: left out since it did (``max_tokens``: renamed)."""
        self.answered = 0
        """Requests that were answered so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own:
            self._line.close()

    def ask(self, messages: list[dict[str, str]], schema: dict[str, Any] | None = None) -> Reply:
        """One answer, in the form of ``schema`` (JSON Schema) if the endpoint can.

        A parameter that the endpoint refuses is left out from then on, as plainly as it can be asked.

        Raises:
            RefusedError: the endpoint will not answer this request.
            TransportError: it cannot be reached or still fails after all tries, or the key is wrong.

        """
        left_out = set(self.left_out)
        while True:
            body = self._body(messages, schema, left_out)
            try:
                reply = self._post(body)
            except RefusedError as error:
                name = _refused(str(error), body)
                if name is None:
                    raise
                left_out.add(name)
            else:
                with self._lock:
                    self.answered += 1
                    self.left_out |= left_out
                return reply

    def _body(
        self, messages: list[dict[str, str]], schema: dict[str, Any] | None, left_out: set[str]
    ) -> dict[str, Any]:
        held = self.settings
        body: dict[str, Any] = {"model": held.model, "messages": messages}
        # Newer models of some services take the second name only.
        body["max_completion_tokens" if "max_tokens" in left_out else "max_tokens"] = held.max_tokens
        if "temperature" not in left_out:
            body["temperature"] = held.temperature
        if schema is not None and "response_format" not in left_out:
            told = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": told}
        return body

    def _post(self, body: dict[str, Any]) -> Reply:
        url = self.settings.url.rstrip("/") + "/chat/completions"
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(KEY, "").strip()
        if key:
            headers["Authorization"] = f"Bearer {key}"

        def judge(answer: httpx.Response) -> str | None:
            if answer.status_code in _REFUSES:
                raise RefusedError(f"HTTP {answer.status_code}: {answer.text[:200].strip()!r}")
            return None if not answer.is_success else _complaint(answer)

        try:
            data = json.dumps(body).encode()
            answer = self._line.send("POST", url, data=data, headers=headers, judge=judge)
        except TransportError as error:
            said = str(error).replace(key, "…") if key else str(error)
            if isinstance(error, RefusedError):
                raise RefusedError(f"POST {url}: {self.settings.model} was refused: {said}") from None
            raise TransportError(said) from None
        return _reply(answer.json(), self.settings.model)


def _refused(said: str, body: dict[str, Any]) -> str | None:
    """The parameter that a refusal names, or the one that is refused most; None if all are gone."""
    for name in ("max_tokens", "temperature", "response_format"):
        if name in body and name in said:
            return name
    return "response_format" if "response_format" in body else None


def _complaint(answer: httpx.Response) -> str | None:
    """Why a successful answer is none: half a body, or an error in a mantle."""
    try:
        message = answer.json()["choices"][0]["message"]
        held = isinstance(message, dict) and ("content" in message or message.get("refusal"))
    except (ValueError, KeyError, IndexError, TypeError):
        held = False
    return None if held else f"the answer has no choices[0].message.content: {answer.text[:200].strip()!r}"


def _reply(told: dict[str, Any], model: str) -> Reply:
    choice, usage = told["choices"][0], told.get("usage") or {}
    message, finish = choice["message"], choice.get("finish_reason")
    refusal = message.get("refusal") or None
    if finish == "content_filter":
        refusal = refusal or "stopped by a content filter"
    elif finish == "length":
        refusal = refusal or "the answer was cut: raise max_tokens"
    return Reply(
        str(message.get("content") or ""),
        str(told.get("model") or model),
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        str(refusal) if refusal else None,
    )


def object_in(raw: str) -> dict[str, Any] | None:
    """The JSON object of an answer: also within a fence or words, after a model's thoughts; else None.

    >>> object_in('<think>{?}</think>Here: ```json\\n{"a": 1}\\n```'), object_in("I cannot say")
    ({'a': 1}, None)
    """
    text = re.sub(r"<think>.*?</think>", "", raw, flags=re.DOTALL)
    start, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[start : end + 1])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, at four letters a token as English has in common models.

    >>> estimated_tokens("A language model answers.")
    7
    """
    return -(-len(text) // _LETTERS_PER_TOKEN)
