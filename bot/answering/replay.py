"""Answering a recorded turn again and showing what differs: why did the bot say that, and would it still?

The turn is answered as of its own time and for its own reader, so that a difference comes from what changed since: the
knowledge, the program, the settings or the model. Nothing is sent and nothing is recorded.
"""

from collections.abc import Mapping
from typing import Any

from bot.answering.answerer import Answer, Answerer
from bot.answering.asking import Asking
from bot.answering.evidence import readings
from bot.bots_file import BotConfig
from bot.errors import UsageError
from bot.knowledge.entries import Audience
from bot.records.turns import TurnRecord, TurnRecords
from bot.texts import language_of

REPLAYED_STEPS = ("ask", "retrieve", "compose")
"""Steps whose turns rest on the knowledge; the others follow from the message alone."""
_SCORE_NOISE = 0.002
_SHOWN_PASSAGES = 5


def replay(
    records: TurnRecords,
    answerer: Answerer,
    bots: Mapping[str, BotConfig],
    versions: Mapping[str, str],
    turn_id: str,
) -> dict[str, Any]:
    """``{"turn_id", "question", "step", "replayed", "same", "differences": [{"what", "then", "now"}]}``.

    ``replayed`` is false for a turn that no knowledge decided, or not the knowledge alone. Raises
    :class:`~bot.errors.UsageError` for a turn or a bot that is not there.
    """
    record = records.get(turn_id)
    if record is None:
        raise UsageError(
            f"there is no turn {turn_id!r}; the answer of `ask --json` and the log line turn_decided name it"
        )
    bot = bots.get(record.bot)
    if bot is None:
        raise UsageError(f"turn {turn_id} belongs to the bot {record.bot!r}, which is not in bots.yaml any more")
    report: dict[str, Any] = {"turn_id": record.id, "question": record.question, "step": record.step}
    if record.step not in REPLAYED_STEPS or record.confidence is None or _rests_on_own(record):
        return report | {"replayed": False, "same": True, "differences": []}
    asking = Asking(bot=bot, language=language_of(record.question, bot.language), quoted=record.quoted)
    questions = readings(record.question.strip(), record.quoted.strip())
    answer = answerer.answer(questions, asking, Audience(record.reader), record.answered_at)
    differences = _differences(record, answer, versions)
    return report | {"replayed": True, "same": not differences, "differences": differences}


def _rests_on_own(record: TurnRecord) -> bool:
    """Whether a picture or file of the person's own took part, of which nothing is kept."""
    return any(step.get("media") or step.get("own_files") for step in record.steps)


def _differences(record: TurnRecord, answer: Answer, versions: Mapping[str, str]) -> list[dict[str, Any]]:
    then, now = _facts_of_record(record), _facts_of_answer(answer, versions)
    return [
        {"what": what, "then": then.get(what), "now": now.get(what)}
        for what in {**then, **now}
        if not _alike(then.get(what), now.get(what))
    ]


def _facts_of_record(record: TurnRecord) -> dict[str, Any]:
    cited = [(citation["title"], citation["location"], citation["quote"]) for citation in record.citations]
    return {
        "kind": record.kind,
        "confidence": record.confidence,
        "passages": [(entry, score) for entry, score, _ in record.passages[:_SHOWN_PASSAGES]],
        "sources": cited,
        "model": record.generation.get("model", ""),
        "prompt": record.generation.get("prompt", ""),
        **dict(record.versions),
    }


def _facts_of_answer(answer: Answer, versions: Mapping[str, str]) -> dict[str, Any]:
    cited = [(citation.title, citation.location, citation.quote) for citation in answer.citations]
    return {
        "kind": answer.kind.value,
        "confidence": answer.confidence,
        "passages": [(entry, score) for entry, score, _ in answer.passages[:_SHOWN_PASSAGES]],
        "sources": cited,
        "model": answer.generation.get("model", ""),
        "prompt": answer.generation.get("prompt", ""),
        **dict(versions),
    }


def _alike(then: Any, now: Any) -> bool:
    """Equal, but for the noise of floating point between two runs."""
    if isinstance(then, float) and isinstance(now, float):
        return abs(then - now) <= _SCORE_NOISE
    if isinstance(then, list | tuple) and isinstance(now, list | tuple):
        return len(then) == len(now) and all(_alike(a, b) for a, b in zip(then, now, strict=True))
    return bool(then == now)
