"""The life of one message, put together from what Redis and SQL know of it: for whoever asks where it is."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from bot import keys
from bot.backlog import due_first
from bot.dead_letters import KEPT, DeadLetters
from bot.errors import Unavailable
from bot.feedback.records import FeedbackRecords
from bot.messages import ConversationId, InboundMessage, UndecodableMessage, turn_id_of
from bot.records.turns import TurnRecord, TurnRecords
from bot.redis_client import redis_answers
from bot.replies import OutboxReply

_QUEUE_LOOKED_AT = 50
"""At most so many messages of one conversation are looked through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Something that happened to the message: ``what``, in a word or two, with its ``detail``; ``at`` epoch seconds,
    ``None`` where nobody noted the time."""

    what: str
    detail: str = ""
    at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """The life of the message that turn ``turn_id`` answers, or will answer: its ``moments``, oldest first."""

    turn_id: str
    conversation: str
    message_ids: tuple[str, ...]
    moments: tuple[Moment, ...]


class Tracer:
    """Looks messages up. ``addresses`` are (bot id, channel id): where a message may have come in."""

    def __init__(
        self,
        client: "redis.Redis",
        records: TurnRecords,
        feedback: FeedbackRecords,
        addresses: Iterable[tuple[str, str]],
    ) -> None:
        self._redis = client
        self._records = records
        self._feedback = feedback
        self._addresses = tuple(addresses)

    def trace(self, wanted: str) -> Trace | None:
        """The life of the message with this platform id or turn id; ``None`` when nothing is known of it.

        What is recorded is found at once; what still waits is searched for among the conversations that are due first.
        Raises :class:`~bot.errors.Unavailable`.
        """
        turn_ids = [wanted, *(turn_id_of(bot, channel, wanted) for bot, channel in self._addresses)]
        record = next(filter(None, map(self._records.get, turn_ids)), None)
        record = record or self._records.of_message(wanted)
        if record is not None:
            return self._of_record(record)
        with redis_answers():
            return self._in_flight(wanted, turn_ids)

    def _of_record(self, record: TurnRecord) -> Trace:
        conversation = ConversationId.from_key(record.conversation)
        try:
            brought = list(self._brought(conversation, record.message_ids))
            given_up = list(self._given_up(conversation, record.id))
        except Unavailable as error:
            brought, given_up = [], [Moment(what="not known", detail=f"duplicates and dead letters: {error}")]
        moments = [
            Moment(what="received", at=record.asked_at),
            *brought,
            *_decided(record),
            *_delivered(record),
            *given_up,
            *self._rated(record.id),
        ]
        return _trace(record.id, record.conversation, record.message_ids, moments)

    def _in_flight(self, wanted: str, turn_ids: Sequence[str]) -> Trace | None:
        """A message in a queue, or a reply in an outbox."""
        for conversation in due_first(self._redis):
            queued: Any = self._redis.lrange(keys.queue(conversation), 0, _QUEUE_LOOKED_AT - 1)
            messages = [message for raw in queued if (message := _message(raw)) is not None]
            for place, message in enumerate(messages):
                if message.message_id == wanted or message.turn_id in turn_ids:
                    moments = self._waiting(conversation, message, place)
                    return _trace(message.turn_id, conversation.key, (message.message_id,), moments)
            outbox: Any = self._redis.lrange(keys.outbox(conversation), 0, _QUEUE_LOOKED_AT - 1)
            for place, raw in enumerate(outbox):
                reply = _reply(raw)
                if reply is None or not reply.record:
                    continue
                record = TurnRecord.decode(reply.record)
                if record.id in turn_ids or wanted in record.message_ids:
                    moments = [
                        Moment(what="received", at=record.asked_at),
                        *self._brought(conversation, record.message_ids),
                        *_decided(record),
                        self._sending(conversation, reply, place),
                    ]
                    return _trace(record.id, conversation.key, record.message_ids, moments)
        return None

    def _waiting(self, conversation: ConversationId, message: InboundMessage, place: int) -> list[Moment]:
        held = self._redis.exists(keys.lease(conversation))
        tries: Any = self._redis.get(keys.tries(conversation))
        fault: Any = self._redis.get(keys.fault(conversation))
        due: Any = self._redis.zscore(keys.due(conversation.tag), conversation.key)
        who = "a worker has the conversation now" if held else "no worker has the conversation"
        detail = f"{place} before it in the conversation; {who}"
        if tries and place == 0:
            detail += f"; tried {int(tries)} times" + (f", last failed with {fault.decode()}" if fault else "")
        if due is not None and not held:
            detail += f"; due {_in_seconds(float(due) - time.time())}"
        return [
            Moment(what="received", at=message.received_at),
            *self._brought(conversation, (message.message_id,)),
            Moment(what="waiting", detail=detail),
        ]

    def _sending(self, conversation: ConversationId, reply: OutboxReply, place: int) -> Moment:
        if place:
            return Moment(what="reply waits", detail=f"behind {place} others of the conversation")
        raw: Any = self._redis.hgetall(keys.progress(conversation))
        progress = {name.decode(): value.decode(errors="replace") for name, value in raw.items()}
        detail = f"{progress.get('part', 0)} of {len(reply.parts)} parts sent"
        if tries := int(progress.get("tries", 0)):
            detail += f"; the next was tried {tries} times"
        if "not_before" in progress:
            detail += f", again {_in_seconds(float(progress['not_before']) - time.time())}"
        return Moment(what="being sent", detail=detail)

    def _brought(self, conversation: ConversationId, message_ids: Iterable[str]) -> Iterator[Moment]:
        """How often the platform brought a message, where that is still known (a day)."""
        for message_id in message_ids:
            with redis_answers():
                times: Any = self._redis.get(keys.seen(conversation, message_id))
            if times is not None and int(times) > 1:
                yield Moment(what="duplicates dropped", detail=f"{message_id}: brought {int(times)} times, taken once")

    def _given_up(self, conversation: ConversationId, turn_id: str) -> Iterator[Moment]:
        for letter in DeadLetters(self._redis).newest(conversation.bot, KEPT):
            if letter.turn.partition(":")[0] == turn_id:  # or what followed from it: a second try, an apology
                detail = f"{letter.kind.value}: {letter.reason}; python -m bot queue resend {letter.key}"
                yield Moment(what="given up", detail=detail, at=letter.at)

    def _rated(self, turn_id: str) -> Iterator[Moment]:
        for given in self._feedback.of_turn(turn_id):
            yield Moment(what="rated", detail=f"{given.verdict.value} by {given.source.value}", at=given.given_at)


def _decided(record: TurnRecord) -> Iterator[Moment]:
    """From a worker's taking it to the reply being in the outbox; a turn's clock is read when it begins."""
    waited_s = record.answered_at - record.asked_at
    by = f" by {record.worker}" if record.worker else ""
    yield Moment(what="taken", detail=f"after {waited_s:.2f} s{by}", at=record.answered_at)
    at = record.answered_at
    for step in record.steps:
        at += step["ms"] / 1000
        yield Moment(what="step", detail=f"{step['step']} {step['ms']} ms", at=at)
    yield Moment(what="decided", detail=f"{record.kind}, by {record.step}", at=at)


def _delivered(record: TurnRecord) -> Iterator[Moment]:
    for number, platform_id in enumerate(record.platform_ids):
        at = record.sent_at[number] if number < len(record.sent_at) else None
        detail = f"part {number + 1} of {record.parts}" + (f", {platform_id}" if platform_id else "")
        yield Moment(what="sent", detail=detail, at=at)
    if record.unknown_sends:
        yield Moment(what="outcome unknown", detail=f"{record.unknown_sends} sends, repeated unchanged")
    fate = f"failed with {record.failure} after {record.parts_sent} of {record.parts} parts" if record.failure else ""
    yield Moment(what="recorded", detail=fate or f"{record.parts_sent} of {record.parts} parts", at=record.concluded_at)


def _trace(turn_id: str, conversation: str, message_ids: tuple[str, ...], moments: Iterable[Moment]) -> Trace:
    return Trace(turn_id=turn_id, conversation=conversation, message_ids=message_ids, moments=tuple(moments))


def _in_seconds(seconds: float) -> str:
    return f"in {seconds:.0f} s" if seconds > 0 else "now"


def _message(raw: bytes) -> InboundMessage | None:
    try:
        return InboundMessage.decode(raw)
    except UndecodableMessage:  # a worker will put it aside, and say so
        return None


def _reply(raw: bytes) -> OutboxReply | None:
    try:
        return OutboxReply.decode(raw)
    except UndecodableMessage:
        return None
