"""Bubbles: replies that a platform shows from the first second and asks for again until they are finished.

The platform owns the connection and the clock: it shows a bubble at once, asks what it says every second or so, and
stops at the first finished answer or after some minutes. So what a bubble shows lies in Redis, under the bucket of its
conversation, and every process knows its id::

    open ──the worker that owns the conversation rewrites the text──► open
     │
     ├──the outbox finishes it──► finished: the whole reply, for every later question
     └──web, asked after LIFE_S──► closed: an honest last line; a reply that comes later goes by the late-reply URL

Only web closes, and only the outbox finishes, so a bubble never ends twice and nothing is said in one that ended.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from bot import keys
from bot.channel import LateReply
from bot.errors import Unavailable
from bot.lease import Lease
from bot.lease_scripts import LUA_OWNED
from bot.messages import ConversationId, InboundMessage

LIFE_S = 330.0
"""Seconds after which an unfinished bubble is closed: the platform stops asking 360 s after the message (page 100719),
and the last answer must get there before."""
KEPT_S = 2 * 3600
"""How long a bubble is remembered: as long as a late reply is possible, and some."""
LATE_REPLY_S = 3600.0
"""Life of a late-reply URL (page 101138)."""
_MARGIN_S = 60.0
SHOW_EVERY_S = 0.4
"""A text that grows is written at most so often; the platform asks about once a second."""

OPEN_STREAM = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'text', ARGV[1], 'finished', 0, 'closed', 0, 'at', redis.call('TIME')[1])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  if ARGV[4] ~= '' then
    redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
    redis.call('EXPIRE', KEYS[2], ARGV[2])
  end
end
return redis.call('HMGET', KEYS[1], 'text', 'finished')
"""
"""Idempotent: a redelivery gets the state as it is now. Run by the inbox in the trip that accepts the message."""

_ASK = """
local state = redis.call('HMGET', KEYS[1], 'text', 'finished', 'at', 'pictures')
if not state[1] then return {} end
if state[2] == '0' and redis.call('TIME')[1] - state[3] > tonumber(ARGV[1]) then
  local text = state[1] .. ARGV[2]
  if ARGV[3] == state[1] then text = ARGV[4] end
  redis.call('HSET', KEYS[1], 'text', text, 'finished', 1, 'closed', 1)
  return {text, '1', ''}
end
return {state[1], state[2], state[4] or ''}
"""
_FINISH = """
local state = redis.call('HMGET', KEYS[1], 'finished', 'closed')
if not state[1] or state[2] == '1' then return 0 end
redis.call('HSET', KEYS[1], 'text', ARGV[1], 'finished', 1, 'pictures', ARGV[2])
return 1
"""
_SHOW = (
    LUA_OWNED
    + """
if redis.call('HGET', KEYS[2], 'finished') ~= '0' then return 0 end
redis.call('HSET', KEYS[2], 'text', ARGV[2], 'finished', ARGV[3])
return 1
"""
)
_FORGET = "redis.call('DEL', KEYS[1]); redis.call('HDEL', KEYS[2], ARGV[1])"
KEEP_LATE_REPLY = """
if redis.call('EXISTS', KEYS[2]) == 1 then return end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""
"""For an event, which has no bubble: unless it was seen before. Run by the inbox in the trip that accepts it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bubble:
    """What a bubble shows: the whole ``text`` so far, and whether it is ``finished``; then also the ``pictures``, ids
    in the media store."""

    text: str
    finished: bool
    pictures: tuple[str, ...] = ()


def opening(message: InboundMessage, text: str) -> tuple[list[str], list[str | float]]:
    """Keys and values of :data:`OPEN_STREAM` for the bubble of ``message``, which first shows ``text``."""
    conversation = message.conversation
    names = [keys.stream(conversation, message.stream_id), keys.late_replies(conversation)]
    return names, [text, KEPT_S, message.stream_id, _late_reply(message)]


def permitting(message: InboundMessage) -> tuple[list[str], list[str | float]]:
    """Keys and values of :data:`KEEP_LATE_REPLY` for ``message``, which has no bubble."""
    names = [keys.late_replies(message.conversation), keys.seen(message.conversation, message.message_id)]
    return names, [_bubble_of(message), _late_reply(message), KEPT_S]


def _bubble_of(message: InboundMessage) -> str:
    """The name of its bubble; the turn's id stands for it where the platform shows none."""
    return message.stream_id or message.turn_id


def _late_reply(message: InboundMessage) -> str:
    """How the permission that came with ``message`` is kept, empty without one."""
    expires_at = message.received_at + LATE_REPLY_S - _MARGIN_S
    return f"{expires_at:.0f} {message.response_url}" if message.response_url else ""


class Streams:
    """Bubbles in Redis; implements :class:`bot.channel.Bubbles`, whose methods raise ``redis.RedisError``."""

    def __init__(self, client: "redis.Redis", clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._clock = clock

    def ask(self, conversation: ConversationId, stream_id: str, *, waiting: str, late: str) -> Bubble | None:
        """What the bubble shows; ``None`` for one nobody knows.

        An unfinished one older than :data:`LIFE_S` is closed with the line ``late``, below what it already says unless
        that is only ``waiting``. Raises :class:`~bot.errors.Unavailable`.
        """
        try:
            state: Any = self._redis.eval(
                _ASK, 1, keys.stream(conversation, stream_id), LIFE_S, f"\n\n{late}", waiting, late
            )
        except redis.RedisError as error:
            raise Unavailable(f"Redis did not answer the poll: {type(error).__name__}") from error
        if not state:
            return None
        text, finished, pictures = state
        return Bubble(text=text.decode(), finished=finished == b"1", pictures=tuple(pictures.decode().split()))

    def show(self, lease: Lease, stream_id: str, text: str, *, finished: bool = False) -> bool:
        """Let the owner of the conversation rewrite the bubble; False when it ended.

        Raises :class:`~bot.errors.LeaseLost` and :class:`~bot.errors.Unavailable`.
        """
        names = [keys.stream(lease.conversation, stream_id)]
        return bool(lease.run(_SHOW, names, text, int(finished)))

    def forget(self, message: InboundMessage) -> None:
        """Take an opening back, and what it permitted: the message was not kept. Raises ``redis.RedisError``."""
        conversation, bubble = message.conversation, _bubble_of(message)
        names = [keys.stream(conversation, bubble), keys.late_replies(conversation)]
        self._redis.eval(_FORGET, len(names), *names, bubble)

    def finish(self, conversation: ConversationId, stream_id: str, text: str, pictures: tuple[str, ...] = ()) -> bool:
        """See :class:`bot.channel.Bubbles`. Finishing again, with a resend, changes nothing but what is shown."""
        return bool(self._redis.eval(_FINISH, 1, keys.stream(conversation, stream_id), text, " ".join(pictures)))

    def take_late_reply(self, conversation: ConversationId, stream_id: str = "") -> LateReply | None:
        """See :class:`bot.channel.Bubbles`."""
        name = keys.late_replies(conversation)
        held: Any = self._redis.hgetall(name)
        permissions = [_permission(key.decode(), value.decode()) for key, value in held.items()]
        usable = [
            permission
            for permission in permissions
            if permission.expires_at > self._clock() and stream_id in ("", permission.stream_id)
        ]
        for permission in sorted(usable, key=lambda one: one.expires_at, reverse=True):
            if self._redis.hdel(name, permission.stream_id):  # nobody else took it meanwhile
                return permission
        return None

    def give_back(self, conversation: ConversationId, permission: LateReply) -> None:
        """See :class:`bot.channel.Bubbles`."""
        name = keys.late_replies(conversation)
        pipe = self._redis.pipeline()
        pipe.hset(name, permission.stream_id, f"{permission.expires_at:.0f} {permission.url}")
        pipe.expire(name, KEPT_S)
        pipe.execute()


class Display:
    """What the worker shows in the bubble of a turn while it works: the text so far, at most every
    :data:`SHOW_EVERY_S`.

    Only for the eyes: the whole reply goes through the outbox. So what comes too soon after the last, or after the
    bubble ended, is left out.
    """

    def __init__(self, streams: Streams, lease: Lease, stream_id: str) -> None:
        self._streams = streams
        self._lease = lease
        self._stream_id = stream_id
        self._shown_at = 0.0

    def show(self, text: str) -> None:
        """Show ``text`` in place of what is there. Raises :class:`~bot.errors.LeaseLost` and
        :class:`~bot.errors.Unavailable`."""
        now = time.monotonic()
        if not self._stream_id or now - self._shown_at < SHOW_EVERY_S:
            return
        self._shown_at = now
        self._streams.show(self._lease, self._stream_id, text)


def _permission(stream_id: str, value: str) -> LateReply:
    expires_at, _, url = value.partition(" ")
    return LateReply(stream_id=stream_id, url=url, expires_at=float(expires_at))
