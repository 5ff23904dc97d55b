"""The outbox: replies are stored before their first byte goes out, and sent part by part, once as far as possible.

States of the part at the head (hash ``progress``), who moves it and what a crash leaves behind::

    ready ──mark──► sending until T ──platform took it──► next part, or the reply is finished
      ▲                  │
      │                  ├─ may be tried again ──► ready, not before N
      │                  ├─ refused, or no longer useful ──► the reply is dead: recorded, apologised for
      └── T has passed ──┘  (found by a new owner: the outcome is unknown; resent unchanged and counted)

A part is marked only while the lease outlives T, and a new owner does not touch it before T, so two processes never
have the same part in flight, except when one is frozen for longer than T between the mark and the write to the
socket. Then the platform's own duplicate rule is all there is.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from bot import keys
from bot.channel import Channel, ChannelError, Refused, Retry, Unknown
from bot.dead_letters import DeadLetters, Letter, LetterKind, digest_of
from bot.errors import LeaseLost, Unavailable
from bot.lease import LUA_NOW, LUA_OWNED, PARKED_KEPT, PARKED_KEPT_S, Lease
from bot.messages import ConversationId, UndecodableMessage
from bot.parts import Part, decode_part, encode_part

log = structlog.get_logger()

_SCHEMA = 1
POSTED_TTL_S = 24 * 3600
TRIES_A_DRAIN = 3
LONGEST_SLEEP_S = 2.0
"""A wait longer than this is not slept in the worker; the conversation becomes due later instead."""
LONGEST_BACKOFF_S = 60.0
MARK_MARGIN_S = 1.0
LONGEST_MARK_S = 60.0
"""No call of a channel takes longer."""
LONGEST_WAIT_S = 2 * 3600.0
"""No part is told to wait longer: the longest is the pace of an hour."""

_HEAD = (
    LUA_NOW
    + LUA_OWNED
    + """
return {redis.call('LINDEX', KEYS[2], 0), redis.call('HGETALL', KEYS[3]), tostring(now())}
"""
)
_MARK = (
    LUA_NOW
    + LUA_OWNED
    + """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) * 1000 then return 0 end
redis.call('HSET', KEYS[2], 'state', 'sending', 'until', tostring(now() + ARGV[2]))
redis.call('HINCRBY', KEYS[2], 'tries', 1)
return 1
"""
)
_SENT = (
    LUA_NOW
    + LUA_OWNED
    + """
local part = tonumber(redis.call('HGET', KEYS[2], 'part')) or 0
if part ~= tonumber(ARGV[2]) then return 1 end  -- said before: the client repeats a command that got no answer
redis.call('HINCRBY', KEYS[2], 'part', 1)
redis.call('HDEL', KEYS[2], 'state', 'until', 'tries', 'not_before')
redis.call('HSET', KEYS[2], 'id' .. ARGV[2], ARGV[3], 'at' .. ARGV[2], string.format('%.3f', now()))
return 1
"""
)
_LATER = (
    LUA_NOW
    + LUA_OWNED
    + """
redis.call('HSET', KEYS[2], 'state', 'ready', 'not_before', tostring(now() + ARGV[2]))
if ARGV[3] == 'unknown' then redis.call('HINCRBY', KEYS[2], 'unknown', 1) end
if ARGV[3] == 'paced' then redis.call('HINCRBY', KEYS[2], 'tries', -1) end
return 1
"""
)
_FINISH = (
    LUA_OWNED
    + """
if redis.call('LINDEX', KEYS[2], 0) ~= ARGV[2] then return 1 end  -- said before
redis.call('LPOP', KEYS[2])
redis.call('DEL', KEYS[3])
return 1
"""
)
_PARK = (
    LUA_OWNED
    + """
local raw = redis.call('LPOP', KEYS[2])
redis.call('DEL', KEYS[3])
if raw then
  redis.call('RPUSH', KEYS[4], raw)
  redis.call('LTRIM', KEYS[4], -tonumber(ARGV[2]), -1)
  redis.call('EXPIRE', KEYS[4], ARGV[3])
end
return 1
"""
)
_POST = (
    LUA_NOW
    + """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[3]) then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[1])
if redis.call('ZSCORE', KEYS[3], ARGV[2]) then return 1 end
redis.call('ZADD', KEYS[3], now(), ARGV[2])
return 2
"""
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxReply:
    """A reply on its way: the parts, and what is recorded once its fate is known.

    ``key`` names it for ever (the turn id, or a notice's own key); part ``i`` is sent under ``key:i``.
    ``created_at`` is epoch seconds. ``record`` is the encoded turn record, empty for a notice. ``author`` is the key
    of the conversation that must hear when a human's words, which these are then, do not arrive.
    """

    key: str
    parts: tuple[Part, ...]
    created_at: float
    record: str = ""
    author: str = ""

    def encode(self) -> bytes:
        """UTF-8 JSON with a schema version."""
        fields: dict[str, Any] = {"v": _SCHEMA, "key": self.key, "at": self.created_at, "record": self.record}
        fields["author"] = self.author
        fields["parts"] = [encode_part(part) for part in self.parts]
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, raw: bytes) -> "OutboxReply":
        """The inverse of :meth:`encode`. Raises :class:`~bot.messages.UndecodableMessage`, which keeps the bytes."""
        try:
            fields = json.loads(raw)
            if fields["v"] != _SCHEMA:
                raise UndecodableMessage(raw, "unknown schema version")
            parts = tuple(decode_part(part) for part in fields["parts"])
            words = (fields["key"], fields["record"], fields.get("author", ""))
            if not all(isinstance(word, str) for word in words):
                raise UndecodableMessage(raw, "not text")
            key, record, author = words
            return cls(key=key, parts=parts, created_at=float(fields["at"]), record=record, author=author)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UndecodableMessage(raw, type(error).__name__) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The fate of a reply: ``sent`` parts out of ``parts``, the platform's message ids and the epoch seconds at which
    it took them, how many sends had an ``unknown`` outcome, and ``failure``, the code that ended it (empty when every
    part was sent)."""

    reply: OutboxReply
    sent: int
    message_ids: tuple[str, ...]
    unknown: int
    failure: str = ""
    sent_at: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Head:
    """The reply at the head of the outbox, as it lies there too, how far it is, and Redis' time when it was read."""

    raw: bytes
    reply: OutboxReply
    progress: Mapping[str, str]
    now: float

    @property
    def part(self) -> int:
        return int(self.progress.get("part", 0))

    @property
    def tries(self) -> int:
        return int(self.progress.get("tries", 0))

    def delivery(self, failure: str = "") -> Delivery:
        ids = tuple(self.progress.get(f"id{i}", "") for i in range(self.part))
        unknown = int(self.progress.get("unknown", 0))
        return Delivery(
            reply=self.reply,
            sent=self.part,
            message_ids=ids,
            unknown=unknown,
            failure=failure,
            sent_at=tuple(float(self.progress.get(f"at{i}", 0)) for i in range(self.part)),
        )


class Outbox:
    """Stores and sends replies.

    ``concluded(conversation, delivery)`` is called once a reply is sent or dead and before it leaves the outbox; it
    must be idempotent, because a crash in between calls it again, and so does what does not answer
    (:class:`~bot.errors.Unavailable`). ``count(event, **labels)`` counts.
    """

    def __init__(
        self,
        client: "redis.Redis",
        *,
        wake: Callable[[str], None],
        concluded: Callable[[ConversationId, Delivery], None],
        count: Callable[..., None],
        useful_s: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = client
        self._letters = DeadLetters(client)
        self._wake = wake
        self._concluded = concluded
        self._count = count
        self._useful_s = useful_s
        self._clock = clock
        self._sleep = sleep

    def post(self, conversation: ConversationId, reply: OutboxReply) -> bool:
        """Put ``reply`` behind what ``conversation`` already waits for; False when this key was posted before.

        Needs no lease: it is how a command, a ticket or a time-out speaks to somebody else's conversation.
        """
        return post(self._redis, self._wake, conversation, reply)

    def flush(self, lease: Lease, channel: Channel) -> float:
        """Send everything that can be sent now, in order.

        Returns 0 when the outbox is empty, else the seconds until its head may be looked at again.
        Raises ``LeaseLost`` and ``Unavailable``.
        """
        tries_left = TRIES_A_DRAIN
        while (head := self._head(lease)) is not None:
            if head.part >= len(head.reply.parts):
                self._finish(lease, head, head.delivery())
                continue
            wait_s = self._wait_s(head)
            if wait_s > 0:
                return wait_s
            failure = self._attempt(lease, channel, head)
            if failure is None:
                tries_left = TRIES_A_DRAIN
            elif isinstance(failure, Refused):
                self._finish(lease, head, head.delivery(failure.code))
            else:
                tries_left -= 1
                wait_s = self._postpone(lease, head, failure)
                if failure_is_paced(failure) or tries_left == 0 or wait_s > LONGEST_SLEEP_S:
                    return wait_s
                self._sleep(wait_s)
        return 0.0

    def _wait_s(self, head: _Head) -> float:
        """How long the head must not be touched: another owner's send may be under way, or a retry is not due."""
        if head.progress.get("state") == "sending":
            wait_s = _not_from_before(float(head.progress["until"]) - head.now, LONGEST_MARK_S)
            if wait_s <= 0:
                self._count("send_unknown", cause="owner_lost")
                log.warning("send_outcome_unknown", key=head.reply.key, part=head.part)
            return wait_s
        return _not_from_before(float(head.progress.get("not_before", 0)) - head.now, LONGEST_WAIT_S)

    def _attempt(self, lease: Lease, channel: Channel, head: _Head) -> ChannelError | None:
        """One platform call for the head's next part; ``None`` when the platform took it."""
        if self._clock() - head.reply.created_at > self._useful_s:
            return Refused("no_longer_useful")
        names, timeout_s = [keys.progress(lease.conversation)], channel.limits.send_timeout_s
        deadline = self._clock() + timeout_s  # before the mark: however long this process stalls, T comes later
        while not lease.run(_MARK, names, timeout_s + MARK_MARGIN_S):
            lease.renew()
            deadline = self._clock() + timeout_s
        key, part = f"{head.reply.key}:{head.part}", head.reply.parts[head.part]
        try:
            receipt = channel.send(lease.conversation, part, key, deadline)
        except (Retry, Refused, Unknown) as error:
            log.warning("send_failed", key=key, outcome=type(error).__name__.lower(), code=error.code, tries=head.tries)
            return error
        lease.run(_SENT, names, head.part, receipt.message_id.encode(errors="replace"))  # it came from outside
        return None

    def _postpone(self, lease: Lease, head: _Head, failure: ChannelError) -> float:
        """Store when the part may be tried again; returns the seconds until then."""
        paced = failure_is_paced(failure)
        backoff = min(LONGEST_BACKOFF_S, 2.0 ** max(0, head.tries - TRIES_A_DRAIN + 1))
        wait_s = failure.after_s if paced and isinstance(failure, Retry) else backoff * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        if isinstance(failure, Retry):
            wait_s = max(wait_s, failure.after_s)
        if isinstance(failure, Unknown):
            self._count("send_unknown", cause=failure.code)
        label = "paced" if paced else "unknown" if isinstance(failure, Unknown) else "failed"
        lease.run(_LATER, [keys.progress(lease.conversation)], wait_s, label)
        return wait_s

    def _finish(self, lease: Lease, head: _Head, delivery: Delivery) -> None:
        names = [keys.outbox(lease.conversation), keys.progress(lease.conversation)]
        try:
            self._concluded(lease.conversation, delivery)
        except (Unavailable, LeaseLost):
            raise
        except Exception:  # a bug there must not hold up the conversation for ever; the record is kept with the reply
            log.exception("reply_not_concluded", key=delivery.reply.key, conversation=lease.conversation.key)
            self._count("degraded", what="reply_not_concluded")
            self._park(lease, names, LetterKind.UNRECORDED, delivery.reply.encode(), delivery.failure)
        else:
            if delivery.failure:
                self._letters.keep(_letter(lease.conversation, delivery, self._clock()))
            lease.run(_FINISH, names, head.raw)

    def _head(self, lease: Lease) -> _Head | None:
        names = [keys.outbox(lease.conversation), keys.progress(lease.conversation)]
        while True:
            raw, pairs, now = lease.run(_HEAD, names)
            if raw is None:
                return None
            texts = [piece.decode(errors="replace") for piece in pairs]
            progress = dict(zip(texts[::2], texts[1::2], strict=True))
            try:
                return _Head(raw, OutboxReply.decode(raw), progress, float(now))
            except UndecodableMessage as error:
                log.error("reply_parked", conversation=lease.conversation.key, error=str(error))
                self._count("message_parked")
                self._park(lease, names, LetterKind.UNDECODABLE_REPLY, raw, str(error))

    def _park(self, lease: Lease, names: list[str], kind: LetterKind, raw: bytes, reason: str) -> None:
        """Set the reply at the head aside, byte for byte; the letter first, for it may be written twice."""
        at, digest = self._clock(), digest_of(raw)
        self._letters.keep(Letter(kind=kind, conversation=lease.conversation, reason=reason, at=at, digest=digest))
        lease.run(_PARK, [*names, keys.parked(lease.conversation)], PARKED_KEPT, PARKED_KEPT_S)


def post(client: "redis.Redis", wake: Callable[[str], None], conversation: ConversationId, reply: OutboxReply) -> bool:
    """See :meth:`Outbox.post`; for a process that sends nothing itself. Raises :class:`~bot.errors.Unavailable`."""
    names = [keys.posted(conversation, reply.key), keys.outbox(conversation), keys.due(conversation.tag)]
    try:
        result = client.eval(_POST, len(names), *names, reply.encode(), conversation.key, POSTED_TTL_S)
    except redis.RedisError as error:
        raise Unavailable(f"Redis did not take the notice: {type(error).__name__}") from error
    if result == 2:
        wake(conversation.key)
    return bool(result)


def _letter(conversation: ConversationId, delivery: Delivery, now: float) -> Letter:
    """A reply that was given up, as it is kept."""
    return Letter(
        kind=LetterKind.REPLY,
        conversation=conversation,
        reason=delivery.failure,
        at=now,
        turn=delivery.reply.key,
        content=(delivery.reply.encode(),),
        sent=delivery.sent,
    )


def _not_from_before(wait_s: float, longest_s: float) -> float:
    """``wait_s``; nothing where it is longer than any can be, for then Redis' clock was set back meanwhile."""
    return wait_s if wait_s <= longest_s else 0.0


def failure_is_paced(failure: ChannelError) -> bool:
    """True when nothing was attempted because the platform would have discarded the message."""
    return isinstance(failure, Retry) and failure.paced
