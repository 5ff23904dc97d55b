"""Asking a language model: one answer as it is written, or one answer as a whole.

::

    with model.stream(Role.LARGE, messages, bot="imaging", deadline=time.time() + 40) as generation:
        for text in generation:
            ...
    generation.usage.tokens

A call is tried again only while nothing of its answer was seen, and only where the same request may succeed: after a
lost connection, a 429 or a 5xx. Everything is counted: calls by outcome, tokens, cost, and how long a person waits.
"""

import random
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import structlog

from bot.errors import ConfigError, ModelError, ModelNonsense, ModelTimeout
from bot.llm.breaker import CircuitBreaker
from bot.llm.budget import TokenBudget
from bot.llm.exchange import Delta, End, ModelServer, Tokens
from bot.llm.thinking import ThinkingFilter
from bot.llm.usage import Message, Prices, Usage, estimate_prompt, estimate_tokens
from bot.settings import Settings
from bot.telemetry import LLM_CALL, LLM_FIRST_TOKEN, add, count

if TYPE_CHECKING:
    import redis

log = structlog.get_logger()

TRIES = 2
RETRY_S = 0.5
"""The wait before the second try, half to whole; a longer Retry-After wins while it ends before the deadline."""
MAX_CHARACTERS = 20_000
"""An answer, with what was thought aloud for it, that grows beyond is none: bounds the memory of a call."""
_THOUGHT_SHARE = 5
"""Thinking may be so many times as long."""
_FAULTS_OF_THE_REQUEST = frozenset({"http_400", "http_413", "http_422", "content_filter"})
"""They say nothing about how the next call will fare."""


class Role(StrEnum):
    """What a model is asked for."""

    LARGE = "large"
    """To compose answers."""
    SMALL = "small"
    """To understand questions."""
    VISION = "vision"
    """To read pictures; only where one is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A whole answer. ``finish`` is the API's reason, ``length`` where the answer was cut by the model's own limit."""

    text: str
    model: str
    finish: str
    usage: Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """``names`` are the models by role.

    Seconds a model may take to begin, to pause inside its answer, and for all of it.
    """

    names: dict[Role, str]
    first_token_s: float = 15.0
    between_tokens_s: float = 15.0
    timeout_s: float = 60.0
    prices: Prices = field(default_factory=Prices)


class LanguageModel:
    """The models of one server. Thread-safe."""

    def __init__(self, server: ModelServer, config: ModelConfig, budget: TokenBudget) -> None:
        self._server = server
        self._config = config
        self._budget = budget
        self._breakers = {name: CircuitBreaker() for name in config.names.values()}

    @classmethod
    def from_settings(cls, settings: Settings, client: "redis.Redis") -> Self:
        """The models the settings name; imports the client library.

        Raises :class:`~bot.errors.ConfigError` when they name none (see :attr:`~bot.settings.Settings.llm_configured`).
        """
        if not settings.llm_configured or settings.openai_model is None:
            raise ConfigError(["environment: OPENAI_MODEL: missing; expected the model's name"])
        large = settings.openai_model
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        names = {Role.LARGE: large, Role.SMALL: settings.openai_small_model or large}
        if settings.vision_model:
            names[Role.VISION] = settings.vision_model
        config = ModelConfig(
            names=names,
            first_token_s=settings.llm_first_token_s,
            timeout_s=settings.llm_timeout_s,
            prices=Prices(input=settings.llm_price_input, output=settings.llm_price_output),
        )
        budget = TokenBudget(client, settings.llm_daily_tokens, settings.timezone)
        return cls(ModelServer(settings.openai_base_url, key), config, budget)

    def stream(self, role: Role, messages: Sequence[Message], *, bot: str, deadline: float) -> "Generation":
        """An answer as it is written, for ``bot``, complete or given up by epoch second ``deadline``.

        The call is made when the first text is asked for. Iterating raises :class:`~bot.errors.ModelError`, and
        :class:`~bot.errors.Unavailable` when Redis cannot tell the budget.
        """
        name = self._config.names[role]
        timeout_s = min(self._config.timeout_s, deadline - time.time())
        return Generation(
            server=self._server,
            config=self._config,
            budget=self._budget,
            breaker=self._breakers[name],
            model=name,
            messages=messages,
            bot=bot,
            timeout_s=timeout_s,
        )

    def complete(self, role: Role, messages: Sequence[Message], *, bot: str, deadline: float) -> Completion:
        """A whole answer; it comes as a stream too, so that a silent server is noticed early. Raises as there."""
        with self.stream(role, messages, bot=bot, deadline=deadline) as generation:
            text = "".join(generation)
        return Completion(text=text, model=generation.model, finish=generation.finish, usage=generation.usage)

    def health(self) -> dict[str, Any]:
        """``{"state": "ok" | "degraded", "models": {name: circuit}}``, JSON-ready; of this process."""
        models = {name: breaker.state() for name, breaker in self._breakers.items()}
        well = all(state["circuit"] == "closed" for state in models.values())
        return {"state": "ok" if well else "degraded", "models": models}

    def close(self) -> None:
        """Close the kept connections."""
        self._server.close()


class Generation:
    """One answer: a context manager to iterate over once. Leaving it early hangs up and counts what came.

    ``model`` is its name. After the end ``usage`` tells what was used up, ``finish`` why the model stopped, and
    ``first_token_ms`` and ``total_ms`` how long it took from the beginning of the iteration, retries included.
    """

    def __init__(
        self,
        *,
        server: ModelServer,
        config: ModelConfig,
        budget: TokenBudget,
        breaker: CircuitBreaker,
        model: str,
        messages: Sequence[Message],
        bot: str,
        timeout_s: float,
    ) -> None:
        self.model = model
        self.finish = ""
        self.first_token_ms: float | None = None
        self.total_ms = 0.0
        self._server = server
        self._config = config
        self._budget = budget
        self._breaker = breaker
        self._messages = messages
        self._bot = bot
        self._timeout_s = timeout_s
        self._started = 0.0
        self._tokens: Tokens | None = None
        self._text = ""
        self._thought = 0
        self._running = self._run()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def __iter__(self) -> Iterator[str]:
        """The texts that follow one another; none is empty."""
        return self._running

    @property
    def usage(self) -> Usage:
        """What was used up so far, as the server tells it; estimated before its end, or where it does not tell."""
        if self._tokens is not None:
            return self._config.prices.usage(self._tokens.prompt, self._tokens.completion, estimated=False)
        if not self._text and not self._thought:
            return self._config.prices.usage(0, 0, estimated=True)
        completion = estimate_tokens(self._text) + estimate_tokens("x" * self._thought)
        return self._config.prices.usage(estimate_prompt(self._messages), completion, estimated=True)

    def _run(self) -> Generator[str, None, None]:
        self._started = time.monotonic()
        self._admit()
        outcome = "abandoned"
        try:
            yield from self._tries()
            outcome = "ok"
        except ModelError as error:
            outcome = error.code
            log.warning("llm_failed", bot=self._bot, model=self.model, error=type(error).__name__, code=error.code)
            raise
        finally:
            self._settle(outcome)

    def _admit(self) -> None:
        try:
            self._budget.check(self._bot)
            if self._timeout_s <= 0:
                raise ModelTimeout("deadline")
            self._breaker.enter()
        except ModelError as error:
            count("llm_call", model=self.model, outcome=error.code)
            raise

    def _tries(self) -> Iterator[str]:
        end = End()
        for attempt in range(1, TRIES + 1):
            end = yield from self._attempt()
            if end.error is None or self._text or not end.retry or attempt == TRIES:
                break
            pause_s = max(RETRY_S * random.uniform(0.5, 1.0), end.retry_after_s)  # noqa: S311 - jitter, no secret
            if pause_s >= self._left_s():
                break
            log.warning("llm_retry", bot=self._bot, model=self.model, code=end.error.code, pause_s=round(pause_s, 2))
            time.sleep(pause_s)
        self.finish = end.reason
        if end.error is not None:
            raise end.error
        if not self._text.strip():
            raise ModelNonsense("empty")

    def _attempt(self) -> Generator[str, None, End]:
        """One exchange's texts, and its end as the value of ``yield from``."""
        visible = ThinkingFilter()
        exchange = self._server.ask(self.model, self._messages, self._left_s())
        patience_s, name = self._config.first_token_s, "first_token"
        try:
            while True:
                event = exchange.next(min(patience_s, self._left_s()))
                if event is None or self._left_s() <= 0:
                    return End(error=ModelTimeout(name if self._left_s() > 0 else "deadline"))
                if isinstance(event, End):
                    yield from self._seen(visible.finish() if event.error is None else "")
                    return event
                if isinstance(event, Tokens):
                    self._tokens = event
                    continue
                patience_s, name = self._config.between_tokens_s, "between_tokens"
                yield from self._seen(self._take(event, visible))
        finally:
            exchange.hang_up()

    def _take(self, delta: Delta, visible: ThinkingFilter) -> str:
        """What of ``delta`` may be seen."""
        text = visible.feed(delta.text)
        self._thought += delta.thought + len(delta.text) - len(text)
        if len(self._text) + len(text) + self._thought / _THOUGHT_SHARE > MAX_CHARACTERS:
            raise ModelNonsense("too_long")
        return text

    def _seen(self, text: str) -> Iterator[str]:
        if not text:
            return
        if self.first_token_ms is None:
            elapsed_s = time.monotonic() - self._started
            self.first_token_ms = round(elapsed_s * 1000, 1)
            LLM_FIRST_TOKEN.labels(model=self.model).observe(elapsed_s)
        self._text += text
        yield text

    def _left_s(self) -> float:
        return self._started + self._timeout_s - time.monotonic()

    def _settle(self, outcome: str) -> None:
        """Tell everybody who counts."""
        elapsed_s = time.monotonic() - self._started
        self.total_ms = round(elapsed_s * 1000, 1)
        LLM_CALL.labels(model=self.model).observe(elapsed_s)
        count("llm_call", model=self.model, outcome=outcome)
        hurried = outcome == "deadline" and self._timeout_s < self._config.timeout_s
        if outcome == "ok" or (outcome == "abandoned" and self._text):
            self._breaker.succeeded()
        elif outcome == "abandoned" or outcome in _FAULTS_OF_THE_REQUEST or hurried:
            self._breaker.gave_up()
        else:
            self._breaker.failed(outcome)
        usage = self.usage
        if usage.tokens:
            add("llm_tokens", usage.prompt_tokens, model=self.model, kind="prompt")
            add("llm_tokens", usage.completion_tokens, model=self.model, kind="completion")
            add("llm_cost", usage.cost, model=self.model)
            self._budget.charge(self._bot, usage.tokens)
