"""What waits and what was given up, seen from outside: how many messages of each bot, and since when the oldest.

The counts are those that the inbox and the workers keep. The age is found by looking at the heads of the queues, and
never at more than :data:`LOOKED_AT` conversations, those that are due first: with more than that waiting it is a lower
bound, and who needs a figure then needs workers first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from bot import keys
from bot.dead_letters import KEPT, DeadLetters, Letter
from bot.messages import ConversationId, InboundMessage, UndecodableMessage
from bot.redis_client import redis_answers

LOOKED_AT = 1000
_PER_BUCKET = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The messages of one bot that are not answered yet: how many, and the age of the oldest in seconds, 0 without
    one; ``oldest_in`` is the key of its conversation. ``unsent`` counts conversations with a reply on its way."""

    messages: int
    oldest_s: float = 0.0
    oldest_in: str = ""
    unsent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """What an operator asks of one bot: what is ``waiting``, and its dead ``letters``, the newest first."""

    waiting: Waiting
    letters: tuple[Letter, ...]


def queue_of(client: "redis.Redis", bot: str, now: float) -> Queue:
    """The queue of ``bot`` at ``now``, epoch seconds. Raises :class:`~bot.errors.Unavailable`."""
    letters = tuple(DeadLetters(client).newest(bot, KEPT))
    return Queue(waiting=waiting(client, [bot], now)[bot], letters=letters)


def waiting(client: "redis.Redis", bots: Iterable[str], now: float) -> dict[str, Waiting]:
    """What waits for each of ``bots`` at ``now``, epoch seconds. Raises :class:`~bot.errors.Unavailable`."""
    bots = list(bots)
    with redis_answers():
        pipe: Any = client.pipeline(transaction=False)
        for bot in bots:
            pipe.get(keys.waiting(bot))
        counts = [max(0, int(count or 0)) for count in pipe.execute()]
        names = due_first(client)
        pipe = client.pipeline(transaction=False)
        for name in names:
            pipe.lindex(keys.queue(name), 0)
            pipe.exists(keys.outbox(name))
        heads = pipe.execute()
    found = {bot: Waiting(messages=count) for bot, count in zip(bots, counts, strict=True)}
    for name, raw, unsent in zip(names, heads[::2], heads[1::2], strict=True):
        if name.bot in found:
            found[name.bot] = _with(found[name.bot], name, raw, bool(unsent), now)
    return found


def due_first(client: "redis.Redis") -> list[ConversationId]:
    """The conversations with work left that are due first, at most :data:`LOOKED_AT`.

    Raises :class:`~bot.errors.Unavailable`.
    """
    with redis_answers():
        pipe: Any = client.pipeline(transaction=False)
        for due in keys.ALL_DUE:
            pipe.zrange(due, 0, _PER_BUCKET - 1, withscores=True)
        found = sorted((pair for pairs in pipe.execute() for pair in pairs), key=lambda pair: pair[1])
    return [name for raw, _ in found[:LOOKED_AT] if (name := _conversation(raw)) is not None]


def _with(known: Waiting, name: ConversationId, raw: bytes | None, unsent: bool, now: float) -> Waiting:
    age_s = _age_s(raw, now)
    older = age_s > known.oldest_s
    return Waiting(
        messages=known.messages,
        oldest_s=age_s if older else known.oldest_s,
        oldest_in=name.key if older else known.oldest_in,
        unsent=known.unsent + unsent,
    )


def _age_s(raw: bytes | None, now: float) -> float:
    """The age of an encoded message; none for what is none, which a worker will put aside."""
    if raw is None:
        return 0.0
    try:
        return max(0.0, now - InboundMessage.decode(raw).received_at)
    except UndecodableMessage:
        return 0.0


def _conversation(raw: bytes) -> ConversationId | None:
    try:
        return ConversationId.from_key(raw.decode())
    except ValueError:
        return None
