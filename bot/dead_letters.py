"""Dead letters: messages and replies that were given up, kept for a while with the reason, so that somebody can look.

Those who wrote them were told; here lies what an operator needs to send them once more or to drop them. A bot has at
most :data:`KEPT` letters, each for :data:`KEPT_S`; the oldest go first. What no release of ours can decode lies in its
conversation's ``parked`` list byte for byte, and the letter says where.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import redis
import structlog

from bot import keys
from bot.messages import ConversationId
from bot.redis_client import redis_answers

log = structlog.get_logger()

KEPT = 1000
KEPT_S = 7 * 24 * 3600

_KEEP = """
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3] - ARGV[4])
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -ARGV[5] - 1)) do
  redis.call('ZREM', KEYS[1], entry)
  redis.call('DEL', ARGV[6] .. string.match(entry, ':(.*)'))
end
return 1
"""
"""A letter that makes room for a newer one goes with its content, whose key lies in the slot of the index."""


class LetterKind(StrEnum):
    """What was given up: a message whose every try failed or that came too late, a reply that the platform did not
    take, a message or reply that cannot be decoded, or a reply whose fate could not be recorded."""

    MESSAGE = "message"
    REPLY = "reply"
    UNDECODABLE_MESSAGE = "undecodable_message"
    UNDECODABLE_REPLY = "undecodable_reply"
    UNRECORDED = "unrecorded"

    @property
    def parked(self) -> bool:
        """Whether its bytes lie in the conversation's parked list."""
        return self not in (LetterKind.MESSAGE, LetterKind.REPLY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One dead letter.

    ``at`` is the epoch second at which it was given up, ``reason`` one word or an error's class, ``turn`` the id of
    the turn, where there is one. ``content`` are the encoded messages or the encoded reply, empty for what is parked;
    ``digest`` then finds it in the parked list. ``sent`` is how many parts of a reply the platform took before.
    """

    kind: LetterKind
    conversation: ConversationId
    reason: str
    at: float
    turn: str = ""
    content: tuple[bytes, ...] = ()
    digest: str = ""
    sent: int = 0

    @property
    def key(self) -> str:
        """Ten letters and digits that name it; the same for the same thing given up again."""
        origin = "\0".join((self.kind, self.conversation.key, self.turn, self.digest))
        return base64.b32encode(hashlib.sha256(origin.encode()).digest())[:10].decode().lower()

    def encode(self) -> bytes:
        """UTF-8 JSON."""
        fields = asdict(self) | {"conversation": self.conversation.key}
        fields["content"] = [base64.b64encode(each).decode() for each in self.content]
        return json.dumps(fields, ensure_ascii=False).encode()

    @classmethod
    def decode(cls, raw: bytes) -> "Letter":
        """The inverse of :meth:`encode`. Raises ``ValueError``."""
        try:
            fields: dict[str, Any] = json.loads(raw)
            fields["conversation"] = ConversationId.from_key(fields["conversation"])
            fields["content"] = tuple(base64.b64decode(each, validate=True) for each in fields["content"])
            return cls(**fields | {"kind": LetterKind(fields["kind"])})
        except (KeyError, TypeError, binascii.Error) as error:
            raise ValueError(f"not a dead letter: {type(error).__name__}") from error


class DeadLetters:
    """The dead letters in Redis. Every method raises :class:`~bot.errors.Unavailable` when Redis does not answer."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def keep(self, letter: Letter) -> None:
        """Keep ``letter``, in place of an earlier one of the same thing."""
        bot = letter.conversation.bot
        names = (keys.dead_index(bot), keys.dead_letter(bot, letter.key))
        values = (_entry(letter), letter.encode(), letter.at, KEPT_S, KEPT, keys.dead_letter(bot, ""))
        with redis_answers():
            self._redis.eval(_KEEP, len(names), *names, *values)

    def get(self, bots: Iterable[str], key: str) -> Letter | None:
        """The letter of that key, whichever of ``bots`` it is of."""
        return next((letter for bot in bots for letter in self._read(bot, [key])), None)

    def newest(self, bot: str, limit: int) -> list[Letter]:
        """The letters of ``bot``, the newest first."""
        return self._read(bot, [key for _, key in self._entries(bot)[:limit]])

    def since(self, bot: str, at: float) -> list[Letter]:
        """The letters of ``bot`` that were given up after ``at``, epoch seconds, the oldest first."""
        with redis_answers():
            entries: Any = self._redis.zrangebyscore(keys.dead_index(bot), f"({at!r}", "+inf")
        return self._read(bot, [entry.decode().partition(":")[2] for entry in entries])

    def counts(self, bot: str) -> Mapping[LetterKind, int]:
        """How many letters of each kind ``bot`` has."""
        entries = self._entries(bot)
        pipe: Any = self._redis.pipeline(transaction=False)
        for _, key in entries:
            pipe.exists(keys.dead_letter(bot, key))
        with redis_answers():
            kinds = [kind for (kind, _), there in zip(entries, pipe.execute(), strict=True) if there]
        return {kind: kinds.count(kind) for kind in LetterKind}

    def remove(self, letter: Letter) -> bool:
        """Forget ``letter``; False when somebody was quicker."""
        bot = letter.conversation.bot
        with redis_answers():
            pipe = self._redis.pipeline(transaction=True)
            pipe.delete(keys.dead_letter(bot, letter.key))
            pipe.zrem(keys.dead_index(bot), _entry(letter))
            return bool(pipe.execute()[0])

    def _entries(self, bot: str) -> list[tuple[str, str]]:
        """Kind and key of the letters of ``bot``, the newest first; one whose time is over leaves the index only with
        the next that comes."""
        with redis_answers():
            entries: Any = self._redis.zrevrange(keys.dead_index(bot), 0, KEPT - 1)
        return [(kind, key) for kind, _, key in (entry.decode().partition(":") for entry in entries)]

    def _read(self, bot: str, names: list[str]) -> list[Letter]:
        """The letters that are still kept, in the order of ``names``."""
        with redis_answers():
            raws: Any = self._redis.mget([keys.dead_letter(bot, name) for name in names]) if names else []
        letters = []
        for name, raw in zip(names, raws, strict=True):
            try:
                letters += [Letter.decode(raw)] if raw is not None else []
            except ValueError as error:
                log.error("dead_letter_unreadable", bot=bot, key=name, error=str(error))
        return letters


def digest_of(raw: bytes) -> str:
    """What names a parked thing in its list."""
    return hashlib.sha256(raw).hexdigest()[:16]


def _entry(letter: Letter) -> str:
    """How the index of a bot names ``letter``: counting by kind reads no content."""
    return f"{letter.kind}:{letter.key}"
