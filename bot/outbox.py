"""The outbox: replies are stored before their first byte goes out, and sent part by part, once as far as possible.

States of the part at the head (hash ``progress``), who moves it and what a crash leaves behind::

    ready ──mark──► sending until T ──platform took it──► next part, or the reply is finished
      ▲                  │
      │                  ├─ may be tried again ──► ready, not before N
      │                  ├─ refused, or no longer useful ──► the reply is dead: recorded, apologised for
      └── T has passed ──┘  (found by a new owner: the outcome is unknown; resent unchanged and counted)

The first part of a reply that is the next to be sent is marked in the script that commits it (:meth:`.Lease.commit`).

A reply that must not go out now stays, and others pass it: an emergency stop silences the bot and not the humans. Let
go while it is useful, it goes out; else, or when some of it had gone out before, it is dead like any other. So is an
answer to somebody whom a human has taken over: what the human says does not wait behind it.

A part is marked only while the lease outlives T, and a new owner does not touch it before T, so two processes never
have the same part in flight, except when one is frozen for longer than T between the mark and the write to the
socket. Then the platform's own duplicate rule is all there is.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import redis
import structlog

from bot import keys
from bot.channel import Channel, ChannelError, Refused, Retry, Unknown
from bot.dead_letters import DeadLetters, Letter, LetterKind, digest_of
from bot.errors import LeaseLost, Unavailable
from bot.lease import BATCH, Begun, Lease
from bot.messages import ConversationId, UndecodableMessage
from bot.outbox_scripts import FINISH, HEAD, LATER, LET_PASS, MARK, SENT
from bot.posting import post
from bot.replies import TAKEN_OVER, WITHDRAWN, Delivery, OutboxReply

log = structlog.get_logger()

TRIES_A_DRAIN = 3
LONGEST_SLEEP_S = 2.0
"""A wait longer than this is not slept in the worker; the conversation becomes due later instead."""
LONGEST_BACKOFF_S = 60.0
MARK_MARGIN_S = 1.0
LONGEST_MARK_S = 60.0
"""No call of a channel takes longer."""
UNKNOWN_SENDS = 2
"""So often a part may have been read where the platform does not know it again; then the reply is given up."""
STOPPED_S = 5.0
"""Seconds between two looks at a reply that must not go out now."""
LONGEST_WAIT_S = 2 * 3600.0
"""No part is told to wait longer: the longest is the pace of an hour."""


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

    @property
    def unknown(self) -> int:
        """Sends that may have arrived, one whose owner was lost among them."""
        return int(self.progress.get("unknown", 0)) + (self.progress.get("state") == "sending")

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


@dataclass(frozen=True, slots=True)
class _Marked(_Head):
    """A head whose next part was marked with its commit: it is to be sent by ``deadline``."""

    deadline: float


@dataclass(frozen=True, slots=True)
class Flushed:
    """Where sending ended: ``wait_s`` seconds until the head of the outbox may be looked at again, 0 when nothing is
    left in it. ``begun`` is then the next turn, where one was taken; when ``idle`` there was none, and the conversation
    was given up. ``stopped`` says that all that is left must not go out now, and hinders no turn."""

    wait_s: float = 0.0
    begun: Begun | None = None
    idle: bool = False
    stopped: bool = False


class Outbox:
    """Stores and sends replies.

    ``concluded(conversation, delivery)`` is called once a reply is sent or dead and before it leaves the outbox; it
    must be idempotent, because a crash in between calls it again, and so does what does not answer
    (:class:`~bot.errors.Unavailable`). ``count(event, **labels)`` counts. ``stopped(conversation, reply)`` tells
    whether a reply must not go out now, ``withdrawn(reply)`` whether it may not any more; ``taken_over(conversation,
    reply)`` the same of what was not sent as soon as it was decided. ``alert(conversation, code)`` hears of a refusal
    that an operator must mend.
    """

    def __init__(
        self,
        client: "redis.Redis",
        *,
        wake: Callable[[str], None],
        concluded: Callable[[ConversationId, Delivery], None],
        count: Callable[..., None],
        useful_s: float,
        stopped: Callable[[ConversationId, OutboxReply], bool] = lambda _conversation, _reply: False,
        withdrawn: Callable[[OutboxReply], bool] = lambda _reply: False,
        taken_over: Callable[[ConversationId, OutboxReply], bool] = lambda _conversation, _reply: False,
        alert: Callable[[ConversationId, str], None] = lambda _conversation, _code: None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = client
        self._letters = DeadLetters(client)
        self._wake = wake
        self._concluded = concluded
        self._count = count
        self._useful_s = useful_s
        self._stopped = stopped
        self._withdrawn = withdrawn
        self._taken_over = taken_over
        self._alert = alert
        self._clock = clock
        self._sleep = sleep

    def post(self, conversation: ConversationId, reply: OutboxReply) -> bool:
        """Put ``reply`` behind what ``conversation`` already waits for; False when this key was posted before.

        Needs no lease: it is how a command, a ticket or a time-out speaks to somebody else's conversation.
        """
        return post(self._redis, self._wake, conversation, reply)

    def deliver(
        self,
        lease: Lease,
        channel: Channel,
        taken: Sequence[bytes],
        reply: OutboxReply,
        take: Callable[[], bool],
        *,
        heard: Sequence[bytes] = (),
    ) -> Flushed:
        """Commit ``reply`` as the answer to the messages ``taken``, of which ``heard`` is remembered
        (:meth:`.Lease.commit`), and send as :meth:`flush` does: usually it is the next to be sent, and is marked with
        the commit."""
        timeout_s = channel.limits.send_timeout_s
        useful = bool(reply.parts) and self._is_useful(reply)
        deadline = self._clock() + timeout_s  # before the mark: however long this process stalls, T comes later
        raw = reply.encode()
        committed = lease.commit(taken, raw, timeout_s + MARK_MARGIN_S if useful else 0.0, heard)
        head: _Head | None = None
        if committed.marked:
            head = _Marked(raw, reply, {}, committed.now, deadline)
        elif committed.head is not None:
            head = self._opened(lease, committed.head, committed.progress, committed.now)
        return self._flush(lease, channel, head, take) if head else Flushed()

    def flush(self, lease: Lease, channel: Channel, take: Callable[[], bool] = lambda: False) -> Flushed:
        """Send everything that can be sent now, in order.

        Once the outbox is empty the next turn is begun if ``take()``, and a conversation with nothing left is given up.
        Raises ``LeaseLost`` and ``Unavailable``.
        """
        head = self._head(lease)
        return self._flush(lease, channel, head, take) if head else Flushed()

    def _flush(self, lease: Lease, channel: Channel, head: _Head | None, take: Callable[[], bool]) -> Flushed:
        tries_left, flushed = TRIES_A_DRAIN, Flushed()
        passed: set[str] = set()
        while head is not None:
            if head.part >= len(head.reply.parts):
                head, flushed = self._finish(lease, head, head.delivery(), take)
                continue
            wait_s = 0.0 if isinstance(head, _Marked) else self._wait_s(head)
            if wait_s > 0:
                if head.progress.get("state") == "sending" or not self._taken_over(lease.conversation, head.reply):
                    return Flushed(wait_s)
                head, flushed = self._finish(lease, head, head.delivery(TAKEN_OVER), take)
                continue
            if self._must_wait(lease.conversation, head):
                if head.reply.key in passed:
                    return Flushed(STOPPED_S, stopped=True)
                passed.add(head.reply.key)
                head = self._let_pass(lease, head)
                continue
            result = self._attempt(lease, channel, head)
            if result is None or isinstance(result, _Head):
                head, tries_left = result, TRIES_A_DRAIN
            elif isinstance(result, Refused):
                head, flushed = self._finish(lease, head, head.delivery(result.code), take)
            else:
                tries_left -= 1
                wait_s = self._postpone(lease, head, result)
                if failure_is_paced(result) or tries_left == 0 or wait_s > LONGEST_SLEEP_S:
                    return Flushed(wait_s)
                self._sleep(wait_s)
                head = self._head(lease)
        return flushed

    def _is_useful(self, reply: OutboxReply) -> bool:
        return self._clock() - reply.created_at <= self._useful_s

    def _must_wait(self, conversation: ConversationId, head: _Head) -> bool:
        """Whether nothing of the head has gone out, and nothing may now though it would be useful."""
        lost = head.progress.get("state") == "sending"  # whoever sent it may have got through
        gone_out = lost or head.part > 0 or int(head.progress.get("unknown", 0)) > 0
        return not gone_out and self._is_useful(head.reply) and self._stopped(conversation, head.reply)

    def _let_pass(self, lease: Lease, head: _Head) -> _Head | None:
        """The next head, when this one has gone behind the others."""
        names = [keys.outbox(lease.conversation), keys.progress(lease.conversation)]
        raw, progress, now = lease.run(LET_PASS, names, head.raw)
        return None if raw is None else self._opened(lease, raw, progress, float(now))

    def _wait_s(self, head: _Head) -> float:
        """How long the head must not be touched: another owner's send may be under way, or a retry is not due."""
        if head.progress.get("state") == "sending":
            wait_s = _not_from_before(float(head.progress["until"]) - head.now, LONGEST_MARK_S)
            if wait_s <= 0:
                self._count("send_unknown", cause="owner_lost")
                log.warning("send_outcome_unknown", key=head.reply.key, part=head.part)
            return wait_s
        return _not_from_before(float(head.progress.get("not_before", 0)) - head.now, LONGEST_WAIT_S)

    def _attempt(self, lease: Lease, channel: Channel, head: _Head) -> _Head | ChannelError | None:
        """One platform call for the head's next part; the head as it stands when the platform took it."""
        if (over := self._over(lease.conversation, channel, head)) is not None:
            return over
        names = [keys.progress(lease.conversation), keys.outbox(lease.conversation)]
        deadline = head.deadline if isinstance(head, _Marked) else self._mark(lease, channel.limits.send_timeout_s)
        key, part = f"{head.reply.key}:{head.part}", head.reply.parts[head.part]
        try:
            receipt = channel.send(lease.conversation, part, key, deadline)
        except (Retry, Refused, Unknown) as error:
            log.warning("send_failed", key=key, outcome=type(error).__name__.lower(), code=error.code, tries=head.tries)
            if isinstance(error, Refused) and error.alert:
                self._alert(lease.conversation, error.code)
            return error
        message_id = receipt.message_id.encode(errors="replace")  # it came from outside
        raw, progress, now = lease.run(SENT, names, head.part, message_id)
        if raw == head.raw:
            return _Head(raw, head.reply, _fields(progress), float(now))
        return None if raw is None else self._opened(lease, raw, progress, float(now))  # a fail-over lost the head

    def _over(self, conversation: ConversationId, channel: Channel, head: _Head) -> Refused | None:
        """Why nothing more of the head may go out."""
        if not self._is_useful(head.reply):
            return Refused("no_longer_useful")
        if self._stopped(conversation, head.reply):  # some of it has gone out, or may have
            return Refused("stopped")
        if self._withdrawn(head.reply):
            return Refused(WITHDRAWN)
        if not isinstance(head, _Marked) and self._taken_over(conversation, head.reply):
            return Refused(TAKEN_OVER)
        if not channel.limits.knows_repeats and head.unknown >= UNKNOWN_SENDS:
            return Refused("outcome_unknown")
        return None

    def _mark(self, lease: Lease, timeout_s: float) -> float:
        """Mark the head's next part as being sent; returns by when it must be."""
        deadline = self._clock() + timeout_s  # before the mark: however long this process stalls, T comes later
        while not lease.run(MARK, [keys.progress(lease.conversation)], timeout_s + MARK_MARGIN_S):
            lease.renew()
            deadline = self._clock() + timeout_s
        return deadline

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
        lease.run(LATER, [keys.progress(lease.conversation)], wait_s, label)
        return wait_s

    def _finish(
        self, lease: Lease, head: _Head, delivery: Delivery, take: Callable[[], bool]
    ) -> tuple[_Head | None, Flushed]:
        """Conclude the head and take it out; returns the next one, or where sending ended."""
        conversation = lease.conversation
        names = [keys.outbox(conversation), keys.progress(conversation)]
        try:
            self._concluded(conversation, delivery)
        except (Unavailable, LeaseLost):
            raise
        except Exception:  # a bug there must not hold up the conversation for ever; the record is kept with the reply
            log.exception("reply_not_concluded", key=delivery.reply.key, conversation=conversation.key)
            self._count("degraded", what="reply_not_concluded")
            self._park(lease, LetterKind.UNRECORDED, head.raw, delivery.failure)
            return self._head(lease), Flushed()
        if delivery.failure not in ("", TAKEN_OVER):  # of that a human knows, and it is not to be sent once more
            self._letters.keep(_letter(conversation, delivery, self._clock()))
        names += [keys.queue(conversation), keys.tries(conversation), keys.fault(conversation)]
        names += [keys.due(conversation.tag), keys.held(conversation), keys.heard(conversation)]
        what, *rest = lease.run(FINISH, names, head.raw, conversation.key, BATCH if take() else 0)
        match what:
            case b"reply":
                raw, progress, now = rest
                return self._opened(lease, raw, progress, float(now)), Flushed()
            case b"turn":
                return None, Flushed(begun=Begun.of(rest[0]))
        return None, Flushed(idle=what == b"idle")

    def _head(self, lease: Lease) -> _Head | None:
        """The first reply that can be decoded."""
        names = [keys.outbox(lease.conversation), keys.progress(lease.conversation)]
        while True:
            raw, progress, now = lease.run(HEAD, names)
            if raw is None:
                return None
            if (head := self._decoded(lease, raw, progress, float(now))) is not None:
                return head

    def _opened(self, lease: Lease, raw: bytes, progress: Sequence[bytes], now: float) -> _Head | None:
        """The head that was just read, or the first after it that can be decoded."""
        return self._decoded(lease, raw, progress, now) or self._head(lease)

    def _decoded(self, lease: Lease, raw: bytes, progress: Sequence[bytes], now: float) -> _Head | None:
        try:
            return _Head(raw, OutboxReply.decode(raw), _fields(progress), now)
        except UndecodableMessage as error:
            log.error("reply_parked", conversation=lease.conversation.key, error=str(error))
            self._count("message_parked")
            self._park(lease, LetterKind.UNDECODABLE_REPLY, raw, str(error))
            return None

    def _park(self, lease: Lease, kind: LetterKind, raw: bytes, reason: str) -> None:
        """Set the reply at the head aside, byte for byte; the letter first, for it may be written twice."""
        at, digest = self._clock(), digest_of(raw)
        self._letters.keep(Letter(kind=kind, conversation=lease.conversation, reason=reason, at=at, digest=digest))
        lease.park_reply(raw)


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


def _fields(pairs: Sequence[bytes]) -> dict[str, str]:
    """A hash as Redis gives it from a script."""
    texts = [piece.decode(errors="replace") for piece in pairs]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _not_from_before(wait_s: float, longest_s: float) -> float:
    """``wait_s``; nothing where it is longer than any can be, for then Redis' clock was set back meanwhile."""
    return wait_s if wait_s <= longest_s else 0.0


def failure_is_paced(failure: ChannelError) -> bool:
    """True when nothing was attempted because the platform would have discarded the message."""
    return isinstance(failure, Retry) and failure.paced
