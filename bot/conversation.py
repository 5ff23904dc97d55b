"""Working a conversation: one worker at a time takes messages, has them answered and sends the replies, in order."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import redis
import structlog

from bot.channel import Channel
from bot.dead_letters import DeadLetters, Letter, LetterKind, digest_of
from bot.errors import LeaseLost, Unavailable
from bot.lease import Begun, Lease, Leases
from bot.messages import ConversationId, InboundMessage, MessageKind, UndecodableMessage
from bot.outbox import Flushed, Outbox
from bot.overload import Overload
from bot.replies import OutboxReply
from bot.streams import Display, Streams

log = structlog.get_logger()

TURNS_A_DRAIN = 20
SHARE_S = 2.0
"""After so many turns, or a turn that ends later than this, a worker gives a busy conversation back: it goes behind
those that wait for a worker."""
STALE_TOGETHER = 200
"""At most this many messages whose useful time is over are apologised for with one word."""
STAFF_TOLD = 10
"""Messages that came too late in one overload of a bot and of which the staff hear one by one. Of more they could not
take notice: each still has its ticket, and the admins hear how many they are (:mod:`bot.overload`)."""
TRIES_A_TURN = 3
"""A turn begun more often than this without an end gets an apology instead of another try."""
WORKER_ENDED = "worker_ended"
"""Why a turn was given up whose tries no error ended: the worker died each time, or never came back."""
RETRY_A_BUG_S = 2.0
WAIT_FOR_A_PART_S = 3.0
LONGEST_WAIT_FOR_A_PART_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A reply for a conversation other than the one being worked: a hand-over, a relayed word of a human."""

    conversation: ConversationId
    reply: OutboxReply


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnOutcome:
    """What a turn leads to: the reply to its own conversation and what is said to others.

    ``reply.parts`` may be empty when a human has the conversation; the turn is recorded all the same. ``heard`` is what
    the next turn is given of this one. ``relayed`` tells that ``posts`` are the person's words for a human.
    """

    reply: OutboxReply
    posts: tuple[Post, ...] = ()
    heard: tuple[bytes, ...] = ()
    relayed: bool = False


class Answering(Protocol):
    """The product as the delivery path sees it."""

    def mergeable(self, message: InboundMessage) -> bool:
        """True when ``message`` may be answered together with its neighbours (plain text, not a command)."""
        ...

    def merged_notice(self, message: InboundMessage) -> str:
        """What the bubble of ``message`` says when it is answered in an earlier message's."""
        ...

    def run(
        self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes]
    ) -> TurnOutcome:
        """Answer ``messages`` as one turn, which follows those of which ``heard`` is left. Idempotent: a crash before
        commit runs it again.

        ``show(text)`` lets the person read the text so far, where the platform can. Raises
        :class:`~bot.errors.Unavailable` when a part of the installation does not answer.
        """
        ...

    def apologise(self, messages: Sequence[InboundMessage], reason: str, heard: Sequence[bytes]) -> TurnOutcome:
        """An honest word to people whose messages could not be answered, and a human informed."""
        ...


class ConversationWorker:
    """Drains conversations. ``channels`` is keyed by (bot id, channel id); while ``pinned()`` is entered, it and
    whatever ``answering`` looks at do not change. ``useful_s`` bounds how long a message is worth answering."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        leases: Leases,
        outbox: Outbox,
        channels: Mapping[tuple[str, str], Channel],
        answering: Answering,
        wake: Callable[[str], None],
        count: Callable[..., None],
        useful_s: float,
        pinned: Callable[[], AbstractContextManager[None]] = nullcontext,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pinned = pinned
        self._leases = leases
        self._outbox = outbox
        self._channels = channels
        self._answering = answering
        self._wake = wake
        self._count = count
        self._useful_s = useful_s
        self._clock = clock
        self._streams = Streams(client, clock)
        self._letters = DeadLetters(client)
        self._overload = Overload(client)

    def drain(self, key: str) -> None:
        """Work the conversation called ``key`` until nothing is left that can be done now.

        Losing or repeating this call is harmless: what it leaves behind, the sweep finds.
        """
        conversation = ConversationId.from_key(key)
        channel = self._channels.get((conversation.bot, conversation.channel))
        if channel is None:
            log.error("conversation_without_channel", conversation=key, cure="put the channel back into bots.yaml")
            return
        lease = self._leases.acquire(conversation, begin=True)
        if lease is None:
            self._count("lease_busy")
            return
        if lease.taken_over:
            self._count("lease_taken_over")
            log.warning("lease_taken_over", conversation=key)
        try:
            wait_s = self._work_until_stopped(lease, channel)
            more = wait_s is not None and lease.release(wait_s)
        except LeaseLost:
            self._count("lease_lost")
            log.warning("lease_lost", conversation=key)
            return
        finally:
            self._leases.forget(lease)
        if more:
            self._wake(key)

    def _work_until_stopped(self, lease: Lease, channel: Channel) -> float | None:
        """Like :meth:`_work`, and a part of the installation that does not answer is waited for."""
        try:
            return self._work(lease, channel)
        except Unavailable as error:
            self._failed(lease.conversation, error)
            return WAIT_FOR_A_PART_S

    def _work(self, lease: Lease, channel: Channel) -> float | None:
        """Send, take, answer, until idle. Returns the seconds until somebody must look again, 0 when there is more to
        do at once, ``None`` when nothing is left and the lease was given up."""
        began, turns = self._clock(), 0

        def may_take() -> bool:
            return turns < TURNS_A_DRAIN and self._clock() - began <= SHARE_S

        flushed = Flushed(begun=lease.begun)
        if lease.begun is None:
            with self._pinned():
                flushed = self._outbox.flush(lease, channel, may_take)  # what a drain before this one left
        while not flushed.idle:
            if flushed.wait_s and not flushed.stopped:
                return flushed.wait_s
            if flushed.begun is None and not may_take():
                return 0.0
            begun = flushed.begun or lease.begin()
            if not begun.messages:
                return flushed.wait_s
            turns += 1
            flushed = self._turn(lease, begun, may_take)
        return None

    def _turn(self, lease: Lease, begun: Begun, may_take: Callable[[], bool]) -> Flushed:
        """Answer what is at the head of the queue and send the reply, both under the configuration of this moment.
        A conversation whose channel has just been taken away waits."""
        where = (lease.conversation.bot, lease.conversation.channel)
        with self._pinned():
            channel = self._channels.get(where)
            if channel is None:
                lease.forgive()
                return Flushed(WAIT_FOR_A_PART_S)
            head: Sequence[bytes] = begun.messages
            turn = self._take(lease, head)
            if turn and self._too_old(turn[0]):
                head = lease.peek(STALE_TOGETHER)
                turn = self._take(lease, head)
            if not turn:
                return Flushed()
            outcome = self._answer(lease, turn, begun)
            if isinstance(outcome, Flushed):
                return outcome
            taken = head[: len(turn)]
            return self._outbox.deliver(lease, channel, taken, outcome.reply, may_take, heard=outcome.heard)

    def _take(self, lease: Lease, head: Sequence[bytes]) -> list[InboundMessage]:
        """The messages at the head that make one turn; empty when the head had to be put aside."""
        messages: list[InboundMessage] = []
        for raw in head:
            try:
                message = InboundMessage.decode(raw)
            except UndecodableMessage as error:
                if not messages:
                    log.error("message_parked", conversation=lease.conversation.key, error=str(error))
                    self._count("message_parked")
                    self._letters.keep(self._letter(lease, LetterKind.UNDECODABLE_MESSAGE, str(error), raw=raw))
                    lease.park(raw)
                break
            if messages and not self._together(messages[0], message):
                break
            messages.append(message)
        return messages

    def _together(self, first: InboundMessage, message: InboundMessage) -> bool:
        """Whether both are one turn: plain words of a burst, or whatever has waited for too long."""
        if self._too_old(first):
            return self._too_old(message)
        return self._answering.mergeable(first) and self._answering.mergeable(message)

    def _too_old(self, message: InboundMessage) -> bool:
        return self._clock() - message.received_at > self._useful_s

    def _answer(self, lease: Lease, turn: Sequence[InboundMessage], begun: Begun) -> TurnOutcome | Flushed:
        """What the turn leads to that was ``begun``; or when to try again."""
        conversation = lease.conversation
        age_s = self._clock() - turn[0].received_at
        try:
            self._finish_merged(lease, turn)
            if age_s > self._useful_s:
                outcome = self._apologise_late(turn, begun.heard)
            elif begun.tries > TRIES_A_TURN:
                self._give_up(lease, turn)
                outcome = self._answering.apologise(turn, "failed", begun.heard)
            else:
                show = Display(self._streams, lease, turn[0].stream_id).show
                outcome = self._answering.run(turn, show, begun.heard)
            for post in outcome.posts:
                self._outbox.post(post.conversation, post.reply)
        except Unavailable as error:
            lease.forgive()
            self._failed(conversation, error)
            return Flushed(min(LONGEST_WAIT_FOR_A_PART_S, 1.0 + age_s / 4))
        except LeaseLost:
            raise
        except Exception as error:  # a bug in one turn must hold up neither this worker nor the conversation
            log.exception("turn_failed", conversation=conversation.key, tries=begun.tries)
            self._failed(conversation, error)
            lease.note_fault(type(error).__name__)
            return Flushed(RETRY_A_BUG_S)
        return outcome

    def _give_up(self, lease: Lease, turn: Sequence[InboundMessage]) -> None:
        """Keep the messages of a turn whose every try failed, with what the last one failed of."""
        reason = lease.last_fault() or WORKER_ENDED
        self._count("message_dead", bot=lease.conversation.bot, reason=reason)
        log.error("message_dead", conversation=lease.conversation.key, turn=turn[0].turn_id, reason=reason)
        self._letters.keep(self._letter(lease, LetterKind.MESSAGE, reason, turn=turn))

    def _letter(
        self, lease: Lease, kind: LetterKind, reason: str, *, turn: Sequence[InboundMessage] = (), raw: bytes = b""
    ) -> Letter:
        """``turn`` as a dead letter; ``raw`` what cannot be decoded and is parked."""
        return Letter(
            kind=kind,
            conversation=lease.conversation,
            reason=reason,
            at=self._clock(),
            turn=turn[0].turn_id if turn else "",
            content=tuple(message.encode() for message in turn),
            digest=digest_of(raw) if raw else "",
        )

    def _apologise_late(self, turn: Sequence[InboundMessage], heard: Sequence[bytes]) -> TurnOutcome:
        """One word for all of them; the staff hear of it one by one only while that helps."""
        outcome = self._answering.apologise(turn, "too_old", heard)
        bot = turn[0].conversation.bot
        if self._overload.note(bot, "late", len(turn)) - len(turn) < STAFF_TOLD or outcome.relayed:
            return outcome
        self._count("degraded", what="staff_not_told")
        return replace(outcome, posts=())

    def _finish_merged(self, lease: Lease, turn: Sequence[InboundMessage]) -> None:
        """A burst is answered in the bubble of the first who said something; the others' end at once."""
        spoken = [message for message in turn if message.kind is not MessageKind.EVENT]
        for message in spoken[1:]:
            if message.stream_id:
                notice = self._answering.merged_notice(message)
                self._streams.show(lease, message.stream_id, notice, finished=True)

    def _failed(self, conversation: ConversationId, error: Exception) -> None:
        self._count("turn_failed", bot=conversation.bot, error=type(error).__name__)
        if isinstance(error, Unavailable):
            log.warning("turn_postponed", conversation=conversation.key, error=str(error))
