"""Composing an answer from numbered sources with a language model, and saying only what was verified.

The model writes, :class:`~bot.answering.verify.Verifier` reads along, and the person sees the verified sentences as
they come. Whatever becomes of it has a name, so that the caller knows what to do instead.

The model reads placeholders for personal data, and so does the verifier; the person reads the values they stand for.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import structlog

from bot import telemetry
from bot.answering.asking import Asking
from bot.answering.masks import Masks, approved_values
from bot.answering.prompts import NO_ANSWER, PROMPT_VERSION, messages, safe_source, without_marks
from bot.answering.verify import Dropped, Source, Verifier
from bot.errors import ModelError
from bot.knowledge.entries import Entry
from bot.llm.model import Generation, LanguageModel, Role
from bot.safety.personal_data import Masker
from bot.safety.wording import Wording

log = structlog.get_logger()

COMPOSE_S = 60.0
"""The longest an answer may take to be written; the model's own limits are usually shorter."""
_MARK = re.compile(r"\[(\d+)\]")


class Outcome(StrEnum):
    """What became of a composition. Only ``ANSWERED`` may be said.

    An answer that was ``CUT`` half-way is not said, although its sentences were verified: what was to follow may have
    been the condition under which they hold.
    """

    ANSWERED = "answered"
    DECLINED = "declined"
    """The model found no answer in the sources."""
    UNVERIFIED = "unverified"
    """It wrote something, and nothing of that stands in the sources."""
    CUT = "cut"
    """It stopped or failed half-way."""
    FAILED = "failed"
    """It failed before anything was verified."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Composition:
    """A composed answer, or why there is none.

    ``text`` cites with ``[1]`` to ``[k]`` in order of appearance; ``cited`` are the indices, from 0, of the entries
    they stand for. Both are empty unless ``answered``. ``dropped`` are the sentences that were not let through, also
    of an answer. ``error`` is a :class:`~bot.errors.ModelError`'s code. Times in milliseconds; ``first_token_ms`` is
    ``None`` when nothing came.
    """

    outcome: Outcome
    text: str = ""
    cited: tuple[int, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    model: str
    prompt: str = PROMPT_VERSION
    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    cost: float
    first_token_ms: float | None
    total_ms: float
    error: str = ""

    @property
    def answered(self) -> bool:
        """Whether ``text`` may be said."""
        return self.outcome is Outcome.ANSWERED

    @property
    def declined(self) -> bool:
        """Whether the model read the sources and found no answer in them."""
        return self.outcome is Outcome.DECLINED

    def to_json(self) -> dict[str, Any]:
        """All of it but the answer, for the record."""
        fields = asdict(self)
        del fields["text"]
        return fields | {"outcome": self.outcome.value, "cited": list(self.cited), "dropped": list(fields["dropped"])}


class Composer:
    """Composes answers with ``model``, which reads no personal data. Thread-safe. ``own_host`` is that of PUBLIC_URL,
    to which answers may link; ``timeout_s`` bounds one composition."""

    def __init__(self, model: LanguageModel, masks: Masks, own_host: str = "", timeout_s: float = COMPOSE_S) -> None:
        self._model = model
        self._masks = masks
        self._own_host = own_host
        self._timeout_s = timeout_s

    def compose(self, question: str, entries: Sequence[Entry], asking: Asking) -> Composition:
        """An answer to ``question`` from ``entries``; ``asking.show`` gets the verified text so far as it grows.

        A failing model is an outcome. Raises :class:`~bot.errors.Unavailable` when Redis cannot tell the token budget
        or the placeholders of the conversation.
        """
        masker = self._masker(question, entries, asking)
        question = masker.mask(without_marks(question))
        sources = [safe_source(entry.title, entry.text) for entry in entries]
        if asking.own:
            sources = [Source(title=masker.mask(each.title), text=masker.mask(each.text)) for each in sources]
        request = messages(
            question,
            sources,
            name=asking.bot.name,
            persona=asking.bot.persona,
            language=asking.language,
            quoted=masker.mask(without_marks(asking.quoted)),
        )
        self._masks.keep(asking.conversation, masker)
        deadline = time.time() + self._timeout_s
        wording = Wording(asking.bot.safety, self._own_host)
        writing = _Writing(Verifier(sources, question, wording.objection), masker, asking.show)
        error = ""
        with self._model.stream(Role.LARGE, request, bot=asking.bot.id, deadline=deadline) as generation:
            try:
                writing.read(generation)
            except ModelError as failure:
                error = failure.code
        composition = writing.composition(generation, error)
        telemetry.count("composition", outcome=composition.outcome.value)
        for dropped in composition.dropped:
            telemetry.count("sentence_dropped", reason=dropped.reason)
        log.info(
            "composed",
            bot=asking.bot.id,
            outcome=composition.outcome.value,
            error=error,
            dropped=[dropped.reason for dropped in composition.dropped],
            total_ms=composition.total_ms,
        )
        return composition

    def _masker(self, question: str, entries: Sequence[Entry], asking: Asking) -> Masker:
        """The masker of the conversation, which lets pass what approved sources say themselves."""
        approved = () if asking.own else [text for entry in entries for text in (entry.title, entry.text)]
        return self._masks.open(asking.conversation, approved_values((question, asking.quoted), approved))


class _Writing:
    """An answer that grows, sentence by verified sentence."""

    def __init__(self, verifier: Verifier, masker: Masker, show: Callable[[str], None]) -> None:
        self._verifier = verifier
        self._masker = masker
        self._show = show
        self._written = ""
        self._text = ""
        self._numbers: dict[int, int] = {}
        self._declined = False

    def read(self, generation: Generation) -> None:
        """To the end, or until the model declines. Raises :class:`~bot.errors.ModelError`."""
        for delta in generation:
            self._written += delta
            if NO_ANSWER in self._written:
                self._declined = True
                return
            self._add(self._verifier.feed(delta))

    def composition(self, generation: Generation, error: str) -> Composition:
        """What came of it."""
        whole = not error and generation.finish != "length"
        if not self._declined:
            self._add(self._verifier.finish(complete=whole))
        outcome = self._outcome(whole=whole, error=error)
        answered = outcome is Outcome.ANSWERED
        usage = generation.usage
        return Composition(
            outcome=outcome,
            text=self._text if answered else "",
            cited=tuple(number - 1 for number in self._numbers) if answered else (),
            dropped=tuple(self._verifier.dropped),
            model=generation.model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            estimated=usage.estimated,
            cost=usage.cost,
            first_token_ms=generation.first_token_ms,
            total_ms=generation.total_ms,
            error=error,
        )

    def _outcome(self, *, whole: bool, error: str) -> Outcome:
        if self._declined:
            return Outcome.DECLINED
        if not whole:
            return Outcome.CUT if self._text or not error else Outcome.FAILED
        return Outcome.ANSWERED if self._text else Outcome.UNVERIFIED

    def _add(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            words = self._masker.unmask(sentence)
            if self._masker.is_left_in(words):  # it stands for nothing that was written this time
                self._verifier.dropped.append(Dropped(text=sentence, reason="placeholder"))
                continue
            self._text += _MARK.sub(self._renumbered, words)
        if sentences:
            self._show(self._text)

    def _renumbered(self, mark: re.Match[str]) -> str:
        number = self._numbers.setdefault(int(mark[1]), len(self._numbers) + 1)
        return f"[{number}]"
