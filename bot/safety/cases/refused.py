"""The screen of messages that were refused, and of those that could not be screened in their turn.

They lie in a stream of each bucket (:mod:`bot.refused`). One hash of Redis says up to where each was read; it is moved
on after a message's case is in SQL and its sender was told, so that a reader that dies reads the message again and
finds the case it has opened.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import redis
import structlog

from bot import keys, telemetry
from bot.bots_file import BotConfig
from bot.errors import Unavailable
from bot.handoff.reach import Reach
from bot.lease import HEARD_KEPT, HEARD_KEPT_S
from bot.messages import BUCKETS, ConversationId, InboundMessage, MessageKind, Sender
from bot.parts import Text
from bot.redis_client import redis_answers
from bot.replies import OutboxReply
from bot.safety.cases.case import Case
from bot.safety.cases.courier import Post
from bot.safety.cases.heard import decode_heard
from bot.safety.cases.report import TurnReport, in_danger
from bot.safety.cases.watch import Watch
from bot.texts import Texts, language_of

log = structlog.get_logger()

READ_AT_ONCE = 50
"""Messages of one bucket in one look."""
_FIRST = b"0-0"


class RefusedReader:
    """``bots`` are the live ones, ``post`` puts a message into a conversation's outbox.

    Methods raise :class:`~bot.errors.Unavailable` when Redis or the database does not answer.
    """

    def __init__(
        self,
        client: "redis.Redis",
        watch: Watch,
        *,
        bots: Mapping[str, BotConfig],
        reach: Reach,
        post: Post,
        texts: Texts,
        clock: Callable[[], float],
    ) -> None:
        self._redis = client
        self._watch = watch
        self._bots = bots
        self._reach = reach
        self._post = post
        self._texts = texts
        self._clock = clock

    def read(self) -> int:
        """Screen what was refused since the last time; returns how many messages that were."""
        return sum(self._one(tag, entry, fields) for tag, entries in self._new() for entry, fields in entries)

    def _new(self) -> Sequence[tuple[str, Sequence[tuple[bytes, Mapping[bytes, bytes]]]]]:
        """What nobody has read yet, by bucket."""
        tags = [f"{{b{bucket:03d}}}" for bucket in range(BUCKETS)]
        with redis_answers():
            positions: Any = self._redis.hgetall(keys.REFUSED_READ)
            pipe: Any = self._redis.pipeline(transaction=False)
            for tag in tags:
                after = positions.get(tag.encode(), _FIRST).decode()
                pipe.xrange(keys.refused_in(tag), min=f"({after}", count=READ_AT_ONCE)
            return [(tag, entries) for tag, entries in zip(tags, pipe.execute(), strict=True) if entries]

    def _one(self, tag: str, entry: bytes, fields: Mapping[bytes, bytes]) -> bool:
        try:
            screened = self._screened({name.decode(): value.decode() for name, value in fields.items()})
        except Unavailable:
            raise
        except Exception:  # whatever is wrong with one message, the next may tell of somebody's death
            telemetry.count("degraded", what="refused_not_screened")
            log.exception("refused_not_screened", bucket=tag, entry=entry.decode())
            screened = False
        with redis_answers():
            self._redis.hset(keys.REFUSED_READ, tag, entry)
        return screened

    def _screened(self, fields: Mapping[str, str]) -> bool:
        message = _message(fields)
        bot = self._bots.get(message.conversation.bot)
        if bot is None or bot.safety.off or not message.text.strip() or self._clock() > float(fields["expires_at"]):
            return False
        name = keys.heard(message.conversation)
        with redis_answers():
            raw: Any = self._redis.lrange(name, 0, -1)
        heard, case = self._watch.look_at(message, bot, decode_heard(raw))
        if heard.encode() not in raw:
            with redis_answers():
                pipe = self._redis.pipeline(transaction=False)
                pipe.rpush(name, heard.encode())
                pipe.ltrim(name, -HEARD_KEPT, -1)
                pipe.expire(name, HEARD_KEPT_S)
                pipe.execute()
        if case is not None:
            self._thank(message, bot, case)
        telemetry.count("refused_screened", bot=bot.id, suspected=str(case is not None).lower())
        return True

    def _thank(self, message: InboundMessage, bot: BotConfig, case: Case) -> None:
        """The person heard that the message was not taken; now they hear that its report was."""
        language = language_of(message.text, bot.language)
        report = TurnReport(
            case=case,
            told=True,
            urgent=in_danger(frozenset(case.serious), at_once=case.at_once),
            declined=False,
            in_group=bool(message.conversation.chat),
            asked=(),
        )
        text = "\n\n".join(report.before(self._texts, language, bot.safety, bot.name))
        reply = OutboxReply(key=f"{message.turn_id}:report", parts=(Text(text),), created_at=self._clock())
        self._post(self._reach.person(message.conversation), reply)


def _message(fields: Mapping[str, str]) -> InboundMessage:
    """What was refused, as far as it was kept. Raises ``KeyError`` or ``ValueError`` for what no release wrote."""
    conversation = ConversationId.from_key(fields["conversation"])
    received_at = float(fields["received_at"])
    return InboundMessage(
        conversation=conversation,
        message_id=fields["message_id"],
        sender=Sender(id=conversation.person, name=fields.get("sender", "")),
        kind=MessageKind(fields["kind"]),
        text=fields["text"],
        sent_at=float(fields.get("sent_at", received_at)),
        received_at=received_at,
    )
