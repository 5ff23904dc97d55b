"""Callbacks to a peer: signed, encrypted, redelivered, and sometimes doubled, swapped or lost (rules 2 to 12)."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from simulator.chats import Chats
from simulator.entries import Entry
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.rules import Rules
from simulator.sealing import Sealed, Sealer
from simulator.trace import Trace, exchanged
from simulator.webhook import MAX_ANSWER_BYTES, Answer, deliver

THREADS = 24
"""Callbacks under way at the same time."""

_CLOSING_S = 1.0


class Replies(Protocol):
    """What becomes of the answers to a peer's callbacks."""

    def take(self, entry: Entry, nonce: str, body: bytes) -> str:
        """Act on the answer ``body`` to the callback of ``entry`` that carried ``nonce``; returns its plain text."""
        ...

    def lost(self, entry: Entry) -> None:
        """The callback of ``entry`` was never answered."""
        ...


@dataclass(kw_only=True)
class _Job:
    """One callback on its way; ``copy`` is 2 for the second of a doubled one, ``once`` that it is never retried."""

    entry: Entry
    plain: bytes
    title: str
    once: bool = False
    answer_lost: bool = False
    doubled: bool = False
    copy: int = 1
    attempt: int = 0
    sealed: Sealed | None = None


class Deliveries:
    """Makes the callbacks. Messages of one member go out in order; different members' in parallel.

    The next message of a member waits until the first try of the one before was answered or cut, not for its retries.
    """

    def __init__(
        self,
        *,
        target: str,
        sealer: Sealer,
        callback_url: str,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        faults: Faults,
        trace: Trace,
        replies: Replies,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.callback_url = callback_url
        self._target = target
        self._sealer = sealer
        self._trace = trace
        self._replies = replies
        self._max_answer_bytes = max_answer_bytes
        self._rules = rules
        self._journal = journal
        self._chats = chats
        self._faults = faults
        self._closing = threading.Event()
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[_Job]] = {}
        self._held: dict[str, _Job] = {}
        self._under_way = 0
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        """Start making callbacks."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Start no further try, and wait a moment for those under way; later ones die with the process."""
        self._closing.set()
        for _ in self._threads:
            self._tasks.put(lambda: None)
        ends = time.monotonic() + _CLOSING_S
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))

    @property
    def waiting(self) -> int:
        """Callbacks not yet ended, held ones included."""
        with self._lock:
            return self._under_way

    def post(
        self, entry: Entry, plain: bytes, *, title: str, once: bool = False, fault_kind: str | None = None
    ) -> None:
        """Let ``plain``, what the member of ``entry`` did, go to the peer; ``once`` without any retry (rule 8).

        ``title`` is what the trace calls it. ``fault_kind`` is the fault that the caller has taken, empty for
        none; left out, the next one that waits happens.
        """
        kind = self._next_fault(entry.member) if fault_kind is None else fault_kind
        if kind:
            self._journal.rule(9, f"callback_{kind}", entry.request_id, entry)
        if kind == "drop":
            self._chats.deliver(entry, state="dropped")
            self._replies.lost(entry)
            return
        job = _Job(
            entry=entry,
            plain=plain,
            title=title,
            once=once,
            doubled=kind == "duplicate",
            answer_lost=kind == "lose_answer",
        )
        with self._lock:
            self._under_way += 1
            held = self._held.pop(entry.member, None)
            if kind == "swap" and held is None:
                self._held[entry.member] = job
                self._chats.deliver(entry, state="held")
                return
            self._enqueue(job)
            if held:
                self._enqueue(held)

    def _next_fault(self, member: str) -> str:
        fault = self._faults.take(self._target, member)
        return fault.kind if fault else ""

    def release(self) -> None:
        """Send what a swap still holds back, and leave the order as it was."""
        with self._lock:
            while self._held:
                _, job = self._held.popitem()
                self._enqueue(job)

    def _enqueue(self, job: _Job) -> None:
        member = job.entry.member
        if member in self._lanes:
            self._lanes[member].append(job)
        else:
            self._lanes[member] = deque([job])
            self._tasks.put(partial(self._next_of, member))

    def _work(self) -> None:
        while not self._closing.is_set():
            self._tasks.get()()

    def _next_of(self, member: str) -> None:
        with self._lock:
            job = self._lanes[member][0]
        if job.doubled:
            with self._lock:
                self._under_way += 1
            self._tasks.put(partial(self._retry, replace(job, copy=2)))
        ended = self._try(job)
        with self._lock:
            self._lanes[member].popleft()
            if self._lanes[member]:
                self._tasks.put(partial(self._next_of, member))
            else:
                del self._lanes[member]
        if ended:
            self._end()
        else:
            self._tasks.put(partial(self._retry, job))

    def _retry(self, job: _Job) -> None:
        """All tries that are left."""
        while not self._closing.is_set():
            if job.attempt:
                self._closing.wait(self._rules.callback_retry_pause_s)
            if self._try(job):
                break
        self._end()

    def _end(self) -> None:
        with self._lock:
            self._under_way -= 1

    def _try(self, job: _Job) -> bool:
        """One try; whether it was the last."""
        job.attempt += 1
        if job.sealed is None or not self._rules.callback_retry_reuses_signature:
            job.sealed = self._sealer.seal(job.plain)
        self._chats.deliver(job.entry, state="delivering", attempts=job.attempt)
        url = self.callback_url
        answer = deliver(url, job.sealed, self._rules.callback_timeout_s, self._max_answer_bytes)
        if job.answer_lost and not answer.error:
            # The peer did its work and never learns that nobody heard the answer.
            job.answer_lost = False
            answer = Answer(status=None, body=b"", ms=answer.ms, error="timeout")
        error = answer.error or ("" if answer.status == 200 else "status")
        self._journal.callback(
            peer=job.entry.peer,
            entry=job.entry.id,
            member=job.entry.member,
            request_id=job.entry.request_id,
            copy=job.copy,
            attempt=job.attempt,
            status=answer.status,
            ms=answer.ms,
            error=error,
        )
        outcome = {"attempts": job.attempt, "status": answer.status, "ms": answer.ms, "error": error}
        # The reply first: who sees "delivered" may rely on the reply being there.
        decrypted = "" if error else self._replies.take(job.entry, job.sealed.query["nonce"], answer.body)
        details = exchanged(url, job.sealed, job.plain, answer, decrypted)
        self._trace.add("callback", job.title, job.entry, count=job.attempt, **details)
        if not error:
            self._chats.deliver(job.entry, state="delivered", **outcome)
            return True
        retried = self._is_retried(job, error)
        self._journal.rule(5, "callback_failed", job.entry.request_id, job.entry, error=error, retried=retried)
        self._chats.deliver(job.entry, state="delivering" if retried else "failed", **outcome)
        if not retried:
            self._replies.lost(job.entry)
        return not retried

    def _is_retried(self, job: _Job, error: str) -> bool:
        if job.once or (error == "status" and not self._rules.callback_retry_on_status):
            return False
        return job.attempt <= self._rules.callback_retries
