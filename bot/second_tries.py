"""What an operator does with a dead letter: sends it once more, or drops it.

What a letter holds is put back under a claim that bears the letter's name, and the letter goes afterwards: whoever dies
between the two leaves a letter that can be sent again, and its content is there once all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import redis
import structlog

from bot import keys
from bot.dead_letters import KEPT_S, DeadLetters, Letter, LetterKind, digest_of
from bot.errors import UsageError
from bot.messages import InboundMessage, UndecodableMessage
from bot.posting import post
from bot.redis_client import redis_answers
from bot.replies import OutboxReply

log = structlog.get_logger()

_ENQUEUE = """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[2]) then return 0 end
redis.call('RPUSH', KEYS[2], unpack(ARGV, 3))
if not redis.call('ZSCORE', KEYS[3], ARGV[1]) then redis.call('ZADD', KEYS[3], redis.call('TIME')[1], ARGV[1]) end
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
        done = self._put_back(letter, now)
        if not self._letters.remove(letter) and not done:
            raise UsageError(f"somebody else has just taken the dead letter {letter.key}")
        self._unpark(letter)
        log.warning("dead_letter_resent", actor=actor, **_facts(letter))

    def drop(self, letter: Letter, actor: str) -> None:
        """Forget ``letter`` and what it stands for."""
        self._letters.remove(letter)
        self._unpark(letter)
        log.warning("dead_letter_dropped", actor=actor, **_facts(letter))

    def _put_back(self, letter: Letter, now: float) -> bool:
        """Put the content of ``letter`` back; False when that was done before."""
        try:
            match letter.kind:
                case LetterKind.MESSAGE:
                    return self._enqueue(letter, [InboundMessage.decode(raw) for raw in letter.content], now)
                case LetterKind.UNDECODABLE_MESSAGE:
                    return self._enqueue(letter, [InboundMessage.decode(self._parked(letter))], now)
                case LetterKind.REPLY:
                    return self._post(letter, OutboxReply.decode(letter.content[0]), now)
                case LetterKind.UNDECODABLE_REPLY:
                    return self._post(letter, OutboxReply.decode(self._parked(letter)), now)
                case LetterKind.UNRECORDED:
                    raise UsageError("its reply had its fate already, only the record is missing: drop it")
        except UndecodableMessage as error:
            raise UsageError(
                f"this release cannot read it either ({error}): drop it, or try a later release"
            ) from error

    def _enqueue(self, letter: Letter, messages: Sequence[InboundMessage], now: float) -> bool:
        """The bubble that waited for an answer has ended meanwhile, so the answer goes without it."""
        conversation = letter.conversation
        raws = [replace(message, received_at=now, stream_id="").encode() for message in messages]
        names = (keys.posted(conversation, _claim(letter)), keys.queue(conversation), keys.due(conversation.tag))
        with redis_answers():
            if not self._redis.eval(_ENQUEUE, len(names), *names, conversation.key, KEPT_S, *raws):
                return False
            self._redis.incrby(keys.waiting(conversation.bot), len(raws))
        self._wake(conversation.key)
        return True

    def _post(self, letter: Letter, reply: OutboxReply, now: float) -> bool:
        again = replace(reply, key=f"{reply.key}:{_claim(letter)}", parts=reply.parts[letter.sent :], created_at=now)
        return post(self._redis, self._wake, letter.conversation, again)

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
        except UsageError:  # it has been pushed out already
            return
        with redis_answers():
            self._redis.lrem(keys.parked(letter.conversation), 1, raw)


def _claim(letter: Letter) -> str:
    """What names the putting back of ``letter``; of one that is kept again later, another."""
    return f"again:{letter.key}:{letter.at:.3f}"


def _facts(letter: Letter) -> dict[str, str]:
    """What the log tells of ``letter``: never what somebody wrote."""
    return {
        "key": letter.key,
        "kind": letter.kind.value,
        "conversation": letter.conversation.key,
        "turn": letter.turn,
        "reason": letter.reason,
    }
