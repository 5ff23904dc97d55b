"""Streams: bubbles that the bot writes bit by bit, asked for by refresh callbacks (§4.4, rule 27)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from simulator.aibot.bodies import Bodies
from simulator.aibot.bubbles import Bubbles
from simulator.aibot.replies import BotReply, StreamPart, read_reply
from simulator.aibot.sealed_reply import BadReply, open_reply
from simulator.entries import Entry, StreamState
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.rules import Rules
from simulator.sealing import Sealer
from simulator.timers import Timers
from simulator.trace import Trace, exchanged
from simulator.webhook import Answer, deliver

POLL_THREADS = 12
MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Of one answer. Ten pictures of 10 MB, which WeCom would take, are more than a test machine should hold."""


@dataclass(slots=True)
class _Stream:
    asked: Entry
    shown: Entry
    state: StreamState
    has_card: bool


class Streams:
    """All unfinished streams of the bot, thread-safe. ``ended`` is told each message whose stream has ended."""

    def __init__(
        self,
        *,
        callback_url: Callable[[], str],
        sealer: Sealer,
        bodies: Bodies,
        rules: Rules,
        journal: Journal,
        bubbles: Bubbles,
        faults: Faults,
        trace: Trace,
        clock: Callable[[], float],
        ended: Callable[[Entry], None],
    ) -> None:
        self.timers = Timers(POLL_THREADS)
        self._callback_url = callback_url
        self._sealer = sealer
        self._bodies = bodies
        self._rules = rules
        self._journal = journal
        self._bubbles = bubbles
        self._faults = faults
        self._trace = trace
        self._clock = clock
        self._ended = ended
        self._lock = threading.Lock()
        self._alive: dict[int, _Stream] = {}  # by the id of the member's entry

    def begin(self, asked: Entry, reply: BotReply) -> None:
        """Show the stream that ``asked`` was answered with, and ask for the rest of it."""
        part = reply.stream
        if part is None:
            return
        shown = self._bubbles.stream(asked, part)
        if reply.card:
            self._bubbles.card(asked, reply.card)
        if part.finish:
            return
        stream = _Stream(asked, shown, StreamState(id=part.id), has_card=reply.card is not None)
        with self._lock:
            self._alive[asked.id] = stream
        self._schedule(stream)

    def follows(self, asked: Entry) -> bool:
        """Whether the stream that answers ``asked`` goes on."""
        with self._lock:
            return asked.id in self._alive

    def clear(self) -> None:
        """Forget all streams."""
        self.timers.clear()
        with self._lock:
            self._alive.clear()

    def _schedule(self, stream: _Stream) -> None:
        self.timers.after(self._rules.stream_poll_s, partial(self._refresh, stream))

    def _refresh(self, stream: _Stream) -> None:
        if not self.follows(stream.asked):
            return
        if self._clock() - stream.asked.at > self._rules.stream_life_s:
            self._journal.rule(27, "stream_expired", stream.asked.request_id, stream.asked)
            self._end(stream, expired=True)
            return
        fault = self._faults.take("poll", stream.asked.member)
        kind = fault.kind if fault else ""
        if kind:
            self._journal.rule(9, f"poll_{kind}", stream.asked.request_id, stream.asked)
        finished = False
        if kind != "drop":
            finished = self._ask(stream, answer_lost=kind == "lose_answer")
            if kind == "duplicate" and not finished:
                finished = self._ask(stream, answer_lost=False)
        if finished:
            self._end(stream, expired=False)
        else:
            self._schedule(stream)

    def _ask(self, stream: _Stream, *, answer_lost: bool) -> bool:
        """One refresh; whether the stream is finished."""
        url = self._callback_url()
        plain = self._bodies.refresh(stream.asked, stream.state.id)
        sealed = self._sealer.seal(plain)
        answer = deliver(url, sealed, self._rules.callback_timeout_s, MAX_ANSWER_BYTES)
        if answer_lost and not answer.error:
            answer = Answer(status=None, body=b"", ms=answer.ms, error="timeout")
        stream.state = replace(stream.state, polls=stream.state.polls + 1)
        decrypted, part = "", None
        try:
            if answer.status == 200:
                decrypted = open_reply(answer.body, sealer=self._sealer, nonce=sealed.query["nonce"])
                part = self._take(stream, decrypted)
        except BadReply as error:
            self._journal.rule(error.rule, str(error), stream.asked.request_id, stream.asked, **error.details)
        if part is None:
            self._bubbles.state(stream.shown, stream.state)
        details = exchanged(url, sealed, plain, answer, decrypted)
        self._trace.poll(stream.state.id, stream.asked, **details)
        return part is not None and part.finish

    def _take(self, stream: _Stream, plain: str) -> StreamPart | None:
        reply = read_reply(plain, "refresh", self._rules)
        part = reply.stream if reply else None
        if reply is None or part is None:
            return None
        if part.id not in ("", stream.state.id):
            raise BadReply("stream_id_changed", 27)
        if reply.card and stream.has_card:
            raise BadReply("second_card", 6)
        self._bubbles.check(reply.card)
        if part.feedback and part.feedback != stream.shown.feedback:
            self._journal.rule(32, "late_feedback_id_ignored", stream.asked.request_id, stream.asked)
        if part.cut:
            self._journal.rule(27, "stream_cut", stream.asked.request_id, stream.asked)
        stream.state = replace(stream.state, finished=part.finish)
        self._bubbles.grow(stream.shown, part, stream.state)
        if reply.card:
            stream.has_card = True
            self._bubbles.card(stream.asked, reply.card)
        return part

    def _end(self, stream: _Stream, *, expired: bool) -> None:
        with self._lock:
            ours = self._alive.pop(stream.asked.id, None) is stream
        if expired:
            self._bubbles.state(stream.shown, replace(stream.state, expired=True))
        if ours:
            self._ended(stream.asked)
