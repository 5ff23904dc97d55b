"""What an operator does with a dead letter: sends it once more, or drops it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import redis
import structlog

from bot import keys
from bot.dead_letters import DeadLetters, Letter, LetterKind, digest_of
from bot.errors import BotError, Unavailable, UsageError
from bot.messages import ConversationId, InboundMessage, UndecodableMessage
from bot.outbox import OutboxReply, post
from bot.redis_client import redis_answers

log = structlog.get_logger()

_ENQUEUE = """
redis.call('RPUSH', KEYS[1], ARGV[1])
if redis.call('ZSCORE', KEYS[2], ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[2], redis.call('TIME')[1], ARGV[2])
return 1
"""


class SecondTries:
    """Acts on dead letters; ``wake(key)`` publishes a drain of the conversation with that key.

    Every method raises :class:`~bot.errors.Unavailable` when Redis does not answer, and
    :class:`~bot.errors.UsageError` for what cannot be done.
    """

    def __init__(self, client: "redis.Redis", wake: Callable[[str], None]) -> None:
        self._redis = client
        self._letters = DeadLetters(client)
        self._wake = wake

    def resend(self, letter: Letter, actor: str, now: float) -> None:
        """Put what ``letter`` holds where it was given up, as if it came at ``now``, epoch seconds.

        A message is answered anew; of a reply the parts go out that the platform has not taken. What it hears then may
        come after the apology for it.
        """
        work = self._work_of(letter, now)
        if not self._letters.remove(letter):
            raise UsageError(f"somebody else has just taken the dead letter {letter.key}")
        try:
            for one in work:
                one()
        except BotError:
            self._letters.keep(letter)
            raise
        self._unpark(letter)
        log.warning("dead_letter_resent", actor=actor, **_facts(letter))

    def drop(self, letter: Letter, actor: str) -> None:
        """Forget ``letter`` and what it stands for."""
        self._letters.remove(letter)
        self._unpark(letter)
        log.warning("dead_letter_dropped", actor=actor, **_facts(letter))

    def _work_of(self, letter: Letter, now: float) -> list[Callable[[], object]]:
        """What sends ``letter`` again; decoded first, so that nothing is begun that cannot be done."""
        try:
            match letter.kind:
                case LetterKind.MESSAGE:
                    return [self._enqueuing(InboundMessage.decode(raw), now) for raw in letter.content]
                case LetterKind.UNDECODABLE_MESSAGE:
                    return [self._enqueuing(InboundMessage.decode(self._parked(letter)), now)]
                case LetterKind.REPLY:
                    return [self._posting(letter, OutboxReply.decode(raw), now) for raw in letter.content]
                case LetterKind.UNDECODABLE_REPLY:
                    return [self._posting(letter, OutboxReply.decode(self._parked(letter)), now)]
                case LetterKind.UNRECORDED:
                    raise UsageError("its reply had its fate already, only the record is missing: drop it")
        except UndecodableMessage as error:
            raise UsageError(
                f"this release cannot read it either ({error}): drop it, or try a later release"
            ) from error

    def _enqueuing(self, message: InboundMessage, now: float) -> Callable[[], None]:
        """The bubble that waited for an answer has ended meanwhile, so the answer goes without it."""
        again = replace(message, received_at=now, stream_id="")
        return lambda: self._enqueue(again.conversation, again.encode())

    def _enqueue(self, conversation: ConversationId, raw: bytes) -> None:
        names = (keys.queue(conversation), keys.due(conversation.tag))
        with redis_answers():
            self._redis.incr(keys.waiting(conversation.bot))
            woken = self._redis.eval(_ENQUEUE, len(names), *names, raw, conversation.key)
        if woken:
            self._wake(conversation.key)

    def _posting(self, letter: Letter, reply: OutboxReply, now: float) -> Callable[[], bool]:
        key = f"{reply.key}:again:{now:.0f}"
        again = replace(reply, key=key, parts=reply.parts[letter.sent :], created_at=now)
        return lambda: post(self._redis, self._wake, letter.conversation, again)

    def _parked(self, letter: Letter) -> bytes:
        """What was put aside byte for byte; it may have been pushed out by later ones."""
        with redis_answers():
            parked: Any = self._redis.lrange(keys.parked(letter.conversation), 0, -1)
        found = next((raw for raw in parked if digest_of(raw) == letter.digest), None)
        if found is None:
            raise UsageError(f"what the dead letter {letter.key} stands for is not kept any more: drop it")
        return bytes(found)

    def _unpark(self, letter: Letter) -> None:
        if not letter.digest:
            return
        try:
            raw: Any = self._parked(letter)
            self._redis.lrem(keys.parked(letter.conversation), 1, raw)
        except UsageError:  # it has been pushed out already
            return
        except redis.RedisError as error:
            raise Unavailable(f"Redis did not answer: {type(error).__name__}") from error


def _facts(letter: Letter) -> dict[str, str]:
    """What the log tells of ``letter``: never what somebody wrote."""
    return {
        "key": letter.key,
        "kind": letter.kind.value,
        "conversation": letter.conversation.key,
        "turn": letter.turn,
        "reason": letter.reason,
    }
