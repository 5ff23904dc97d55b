"""Answers that were composed before their sources were withdrawn: unsent ones are not sent, recorded ones not shown."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bot.feedback.invitation import ANSWERS
from bot.records.turns import TurnRecord, TurnRecords
from bot.replies import OutboxReply
from bot.texts import Texts, language_of

Standing = Callable[[Collection[str], float], Collection[str]]
"""(ids of entries, epoch seconds) to those of them that may answer then. What it raises is passed on, for then nothing
is known."""


def rests_on_withdrawn(standing: Standing, reply: OutboxReply, clock: Callable[[], float] = time.time) -> bool:
    """Whether ``reply`` is an answer that cites what may not answer now."""
    return bool(reply.record) and _is_withdrawn(standing, TurnRecord.decode(reply.record), clock())


class RecordedAnswers:
    """What the page behind a long reply shows."""

    def __init__(
        self, records: TurnRecords, standing: Standing, texts: Texts, clock: Callable[[], float] = time.time
    ) -> None:
        self._records = records
        self._standing = standing
        self._texts = texts
        self._clock = clock

    def read(self, wanted: Mapping[str, Any]) -> str | None:
        """The words of the answer of ``turn``, for whoever holds the link to it; that its sources were withdrawn, where
        they were; ``None`` for one that is kept no longer."""
        record = self._records.get(str(wanted["turn"]))
        if record is None or not record.answer:
            return None
        if _is_withdrawn(self._standing, record, self._clock()):
            return self._texts.say("answer_outdated", language_of(record.question, "zh"))
        return record.answer


def _is_withdrawn(standing: Standing, record: TurnRecord, now: float) -> bool:
    if record.kind not in ANSWERS or not record.cited:
        return False
    return len(set(standing(record.cited, now))) < len(set(record.cited))
