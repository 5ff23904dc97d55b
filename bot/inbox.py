"""The inbox: a message is in Redis, once, before the platform hears 200.

Accepting a message is one pipelined round trip: the person's token bucket, the bot's count of waiting messages, and
ONE script that claims the message id and appends to the conversation's queue (delivery design, "durable before 200",
"once", "bounded"). Whether the limits were broken is known only with the answer; a message over a limit is taken out
again, which costs a second trip on the rare path instead of two trips on every one.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import redis
import structlog

from bot import keys, refused, streams
from bot.errors import Unavailable
from bot.messages import ConversationId, InboundMessage
from bot.overload import EPISODE_S, NOTE_OVERLOAD
from bot.redis_client import redis_answers

log = structlog.get_logger()

SEEN_TTL_S = 24 * 3600
WAKE_GRACE_S = 10
"""A conversation that was woken and not leased within this time is woken again by the sweep."""

KEPT_UP_WITH = 8
"""While more messages of a bot wait, its conversations are woken together with others."""

WAKES_AHEAD = 500
"""The sweep wakes nobody while so many wake-ups wait for a worker: more would only be worked off one by one, to find
that the conversation has been served."""

LONGEST_WAIT_S = 2 * 3600
"""Nothing is due later than this by design; what is was written before Redis' clock was set back, and is due now."""
LOOK_AHEAD_EVERY = 5
"""One in so many sweeps looks for that: the sweep is most of what a worker without work does."""

_ACCEPT = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('INCR', KEYS[1]) return 'duplicate' end
if redis.call('LLEN', KEYS[2]) >= tonumber(ARGV[3]) then return 'full' end
redis.call('SET', KEYS[1], '1', 'EX', ARGV[4])
redis.call('RPUSH', KEYS[2], ARGV[1])
if redis.call('ZSCORE', KEYS[3], ARGV[2]) then return 'queued' end
redis.call('ZADD', KEYS[3], redis.call('TIME')[1] + ARGV[5], ARGV[2])
return 'wake'
"""

_REVOKE = """
if redis.call('LREM', KEYS[2], -1, ARGV[1]) == 0 and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2], KEYS[4], KEYS[5]) > 0 then return 2 end
redis.call('ZREM', KEYS[3], ARGV[2])
return 1
"""
"""Nor is a conversation due any more that has nothing left, else each refusal would cost a worker a look. A message
that is in no queue and whose id is free was taken out before: the client repeats a command that got no answer."""
_OTHERS_LEFT = 2

_DRAW = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local capacity, per_s = tonumber(ARGV[1]), ARGV[1] / 60
local tokens = tonumber(state[1]) or capacity
tokens = math.min(capacity, tokens + (now - (tonumber(state[2]) or now)) * per_s)
local allowed = 0
if tokens >= 1 then tokens = tokens - 1; allowed = 1 end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 120)
return allowed
"""

_REWAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return 0 end
if tonumber(score) > now and tonumber(score) < now + ARGV[3] then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return 1
"""


class Acceptance(Enum):
    """What became of a message: new in the queue, seen before, or over a limit and refused."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    BUSY = "busy"


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxLimits:
    """Bounds of the inbox.

    ``person_per_minute`` is a token bucket's capacity and refill a minute; the other two count waiting messages.
    ``wait_replicas`` is how many replicas must have the message before 200 (0 in a single Redis).
    """

    person_per_minute: int
    conversation_waiting: int
    bot_waiting: int
    wait_replicas: int = 0


class Inbox:
    """Accepts messages and finds conversations that need a worker.

    ``wake(key)`` publishes a drain of that conversation; losing it is harmless, the sweep finds the conversation.
    ``wake_later(key)`` does so within a moment, together with others, and is asked when workers do not keep up.
    ``prefetch(message)`` asks for what a message shows, before the platform forgets it; losing it is harmless too.
    ``wakes_waiting()`` is how many wake-ups no worker has looked at yet; ``count(event, **labels)`` counts.
    Every method raises :class:`~bot.errors.Unavailable` when Redis does not answer.
    """

    def __init__(
        self,
        client: "redis.Redis",
        limits: InboxLimits,
        wake: Callable[[str], None],
        prefetch: Callable[[InboundMessage], None] = lambda _message: None,
        *,
        wake_later: Callable[[str], None] | None = None,
        wakes_waiting: Callable[[], int] = lambda: 0,
        count: Callable[..., None] = lambda *_, **__: None,
        replica_timeout_ms: int = 500,
    ) -> None:
        self._redis = client
        self._limits = limits
        self._wake = wake
        self._wake_later = wake_later or wake
        self._prefetch = prefetch
        self._wakes_waiting = wakes_waiting
        self._count = count
        self._replica_timeout_ms = replica_timeout_ms
        self._streams = streams.Streams(client)
        self._sweeps = itertools.count()

    def accept(self, message: InboundMessage, waiting_text: str = "", *, hurried: bool = True) -> Acceptance:
        """Store ``message`` unless it was seen or a limit is reached; wake a worker if the conversation was idle.

        The bubble of its reply, where the platform shows one, is opened with ``waiting_text``. ``hurried`` is false for
        what waited at the platform: when it reaches us tells nothing of how fast its person writes.
        """
        conversation, raw = message.conversation, message.encode()
        try:
            allowed, waiting, status, replicas = self._store(message, raw, waiting_text)
            if status == b"duplicate":
                self._give_back(message, token=bool(allowed))
                self._require_replicas(replicas)
                return Acceptance.DUPLICATE
            if status == b"full":
                self._refuse(message, "conversation", token=False)
                return Acceptance.BUSY
            over = "person" if hurried and not allowed else "bot" if waiting > self._limits.bot_waiting else ""
            if over and (revoked := self._revoke(message, raw)):
                self._refuse(message, over, token=bool(allowed))
                if revoked == _OTHERS_LEFT and status == b"wake":
                    self._wake(conversation.key)  # what came meanwhile relied on the wake-up of this one
                return Acceptance.BUSY
            self._require_replicas(replicas)
        except redis.RedisError as error:
            raise Unavailable(f"Redis did not take the message: {type(error).__name__}") from error
        if message.attachments:
            self._prefetch(message)
        if status == b"wake":
            (self._wake if waiting <= KEPT_UP_WITH else self._wake_later)(conversation.key)
        return Acceptance.ACCEPTED

    def room(self, bot: str) -> int:
        """How many messages of ``bot`` may still wait for a worker."""
        with redis_answers():
            waiting: Any = self._redis.get(keys.waiting(bot))
        return max(0, self._limits.bot_waiting - int(waiting or 0))

    def sweep(self, limit_per_bucket: int = 100) -> int:
        """Wake the conversations that are due, those first that have been for longest. Returns how many were woken.

        While workers do not keep up, most of what is due is merely waiting for one; see :data:`WAKES_AHEAD`.
        """
        try:
            now = self._redis.time()[0]
            due = self._due(now, limit_per_bucket)
            room = max(0, WAKES_AHEAD - self._wakes_waiting()) if due else 0
            woken = self._still_due(due[:room])
            self._redis.set(keys.SWEEP_LAST, now)
        except redis.RedisError as error:
            raise Unavailable(f"Redis did not answer the sweep: {type(error).__name__}") from error
        for key in woken:
            self._wake_later(key)
        return len(woken)

    def recount(self, bots: Iterable[str]) -> dict[str, int]:
        """Count the waiting messages of each bot from the queues themselves and store the counts.

        The counts kept by ``accept`` and the workers drift when a process dies between two steps.
        """
        counts = dict.fromkeys(bots, 0)
        try:
            pipe = self._redis.pipeline(transaction=False)
            for due in keys.ALL_DUE:
                pipe.zrange(due, 0, -1)
            found = (_conversation(raw) for members in pipe.execute() for raw in members)
            conversations = [conversation for conversation in found if conversation is not None]
            pipe = self._redis.pipeline(transaction=False)
            for conversation in conversations:
                pipe.llen(keys.queue(conversation))
            for conversation, length in zip(conversations, pipe.execute(), strict=True):
                counts[conversation.bot] = counts.get(conversation.bot, 0) + length
            pipe = self._redis.pipeline(transaction=False)
            for bot, count in counts.items():
                pipe.set(keys.waiting(bot), count)
            pipe.execute()
        except redis.RedisError as error:
            raise Unavailable(f"Redis did not answer the recount: {type(error).__name__}") from error
        return counts

    def _store(self, message: InboundMessage, raw: bytes, waiting_text: str) -> tuple[int, int, bytes, int]:
        """The one round trip; EVAL and not EVALSHA, because a pipeline cannot answer NOSCRIPT half-way.

        WAIT is part of it: it speaks of the writes of its own connection, and a pool would give it any.

        The bubble is opened first: as soon as the message is in the queue a worker may finish it.
        """
        conversation, limits = message.conversation, self._limits
        pipe: Any = self._redis.pipeline(transaction=False)
        if message.stream_id:
            bubble, opening_values = streams.opening(message, waiting_text)
            pipe.eval(streams.OPEN_STREAM, len(bubble), *bubble, *opening_values)
        elif message.response_url:
            permission, permitting_values = streams.permitting(message)
            pipe.eval(streams.KEEP_LATE_REPLY, len(permission), *permission, *permitting_values)
        pipe.eval(_DRAW, 1, keys.person_bucket(conversation), limits.person_per_minute)
        pipe.incr(keys.waiting(conversation.bot))
        names = [*self._claim_keys(message), keys.due(conversation.tag)]
        values = [raw, conversation.key, limits.conversation_waiting, SEEN_TTL_S, WAKE_GRACE_S]
        pipe.eval(_ACCEPT, len(names), *names, *values)
        if limits.wait_replicas:
            pipe.wait(limits.wait_replicas, self._replica_timeout_ms)
            return tuple(pipe.execute()[-4:])
        return (*pipe.execute()[-3:], 0)

    def _claim_keys(self, message: InboundMessage) -> list[str]:
        return [keys.seen(message.conversation, message.message_id), keys.queue(message.conversation)]

    def _revoke(self, message: InboundMessage, raw: bytes) -> int:
        """Take the message out of the queue again; 0 when a worker has answered it meanwhile."""
        conversation = message.conversation
        others = [keys.due(conversation.tag), keys.outbox(conversation), keys.lease(conversation)]
        names = [*self._claim_keys(message), *others]
        return int(self._redis.eval(_REVOKE, len(names), *names, raw, conversation.key))

    def _refuse(self, message: InboundMessage, limit: str, *, token: bool) -> None:
        """Keep the message for whoever screens what was refused, and nothing else of it; its bubble ends with what the
        HTTP answer says."""
        pipe = self._redis.pipeline(transaction=False)
        refused.keep(pipe, message, limit)
        if limit == "bot":
            pipe.eval(NOTE_OVERLOAD, 1, keys.overload(message.conversation.bot), "refused", 1, EPISODE_S)
        pipe.execute()
        self._count("message_refused", bot=message.conversation.bot, limit=limit)
        self._give_back(message, token=token)
        if message.stream_id or message.response_url:
            self._streams.forget(message)

    def _give_back(self, message: InboundMessage, *, token: bool) -> None:
        conversation = message.conversation
        pipe = self._redis.pipeline(transaction=False)
        pipe.decr(keys.waiting(conversation.bot))
        if token:
            pipe.hincrbyfloat(keys.person_bucket(conversation), "tokens", 1)
        pipe.execute()

    def _require_replicas(self, reached: int) -> None:
        """A message, a duplicate too, is acknowledged once enough replicas have it."""
        wanted = self._limits.wait_replicas
        if reached < wanted:
            log.error("inbox_replicas_short", wanted=wanted, reached=reached)
            raise Unavailable(f"only {reached} of {wanted} replicas have the message")

    def _due(self, now: int, limit_per_bucket: int) -> list[tuple[str, bytes]]:
        """Bucket and member of what is due, those first that have been for longest.

        In some sweeps, the first among them, also what is due so late that Redis' clock must have been set back since.
        """
        pipe = self._redis.pipeline(transaction=False)
        ranges: list[tuple[str | float, str | float]] = [("-inf", now)]
        if next(self._sweeps) % LOOK_AHEAD_EVERY == 0:
            ranges.append((now + LONGEST_WAIT_S, "+inf"))
        for low, high in ranges:
            for due in keys.ALL_DUE:
                pipe.zrangebyscore(due, low, high, start=0, num=limit_per_bucket, withscores=True)
        found = zip(keys.ALL_DUE * len(ranges), pipe.execute(), strict=True)
        return [(due, raw) for _, due, raw in sorted((score, due, raw) for due, of in found for raw, score in of)]

    def _still_due(self, found: Iterable[tuple[str, bytes]]) -> list[str]:
        """The keys of those that are conversations and for which no other sweep was quicker, in their order."""
        pipe = self._redis.pipeline(transaction=False)
        keys_: list[str] = []
        for due, raw in found:
            if _conversation(raw) is None:
                log.error("due_undecodable", due=due, bytes=len(raw))
                self._redis.zrem(due, raw)
            else:
                pipe.eval(_REWAKE, 1, due, raw, WAKE_GRACE_S, LONGEST_WAIT_S)
                keys_.append(raw.decode())
        return [key for key, due_still in zip(keys_, pipe.execute(), strict=True) if due_still]


def _conversation(raw: bytes) -> ConversationId | None:
    """The conversation with the key ``raw``, ``None`` for what is no key of one."""
    try:
        return ConversationId.from_key(raw.decode())
    except ValueError:
        return None
