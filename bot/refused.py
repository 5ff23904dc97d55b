"""Refused messages: what a person wrote and heard back that it was not taken, kept for a while all the same.

A message may say something that must not be lost however busy the bot is, such as an adverse event. So it goes into a
stream of its conversation's bucket before the refusal is said, for whoever screens it. A bucket keeps its newest
:data:`KEPT` messages, so that a flood pushes out only what shares its bucket. An entry holds ``conversation`` (its
key), ``message_id``, ``kind``, ``text`` (its first :data:`TEXT_KEPT` characters), ``sender`` (their name, where it is
known), ``limit`` (what was reached: ``person``, ``conversation`` or ``bot``; ``unscreened`` for what was answered with
an apology and could not be screened), ``sent_at``, ``received_at`` and ``expires_at``, all in epoch seconds; after the
last of these nobody reads it, and it goes with the next one that comes, or when none comes for :data:`KEPT_S`.
:mod:`bot.safety.cases.refused` reads it.
"""

from typing import Any

from bot import keys
from bot.messages import LONGEST_QUESTION, InboundMessage, MessageKind

KEPT = 200
KEPT_S = 24 * 3600
TEXT_KEPT = LONGEST_QUESTION

_KEEP = """
local now = redis.call('TIME')[1]
redis.call('XTRIM', KEYS[1], 'MINID', (now - ARGV[2]) * 1000)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


def keep(pipe: Any, message: InboundMessage, limit: str) -> None:
    """Add to the pipeline ``pipe`` what keeps ``message``, which ``limit`` refused; an event has no words to keep."""
    if message.kind is MessageKind.EVENT:  # says nothing
        return
    conversation = message.conversation
    fields = {
        "conversation": conversation.key,
        "message_id": message.message_id,
        "kind": message.kind.value,
        "text": message.text[:TEXT_KEPT],
        "limit": limit,
        "sender": message.sender.name,
        "sent_at": f"{message.sent_at:.3f}",
        "received_at": f"{message.received_at:.3f}",
        "expires_at": f"{message.received_at + KEPT_S:.3f}",
    }
    values = [piece for field in fields.items() for piece in field]
    pipe.eval(_KEEP, 1, keys.refused(conversation), KEPT, KEPT_S, *values)
