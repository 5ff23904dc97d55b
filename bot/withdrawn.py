"""Answers that were composed before their sources were withdrawn, and lie unsent."""

import time
from collections.abc import Callable, Collection

from bot.feedback.invitation import ANSWERS
from bot.records.turns import TurnRecord
from bot.replies import OutboxReply


def rests_on_withdrawn(
    standing: Callable[[Collection[str], float], Collection[str]],
    reply: OutboxReply,
    clock: Callable[[], float] = time.time,
) -> bool:
    """Whether ``reply`` is an answer that cites what may not answer now. ``standing(ids, now)`` gives those of the
    entries that may; what it raises is passed on, for then nothing is known."""
    if not reply.record:
        return False
    record = TurnRecord.decode(reply.record)
    if record.kind not in ANSWERS or not record.cited:
        return False
    return len(set(standing(record.cited, clock()))) < len(set(record.cited))
