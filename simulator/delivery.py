"""Callbacks to the app: signed, encrypted, redelivered, and sometimes doubled, swapped or lost (rules 2 to 12)."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from simulator.chats import Chats, Entry
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.limits import cut_utf8
from simulator.passive import BadPassiveReply, read_passive_reply
from simulator.rules import Rules
from simulator.sealing import Sealed, Sealer
from simulator.webhook import Answer, exchange

THREADS = 24
"""Callbacks under way at the same time."""

_CLOSING_S = 1.0


@dataclass(kw_only=True)
class _Job:
    """One callback on its way; ``copy`` is 2 for the second of a doubled one."""

    entry: Entry
    plain: bytes
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
        sealer: Sealer,
        callback_url: str,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        faults: Faults,
    ) -> None:
        self.callback_url = callback_url
        self._sealer = sealer
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

    def post(self, entry: Entry, plain: bytes) -> None:
        """Let ``plain``, what the member of ``entry`` did, go to the app."""
        fault = self._faults.take("callback", entry.member)
        kind = fault.kind if fault else ""
        if kind:
            self._journal.rule(9, f"callback_{kind}", entry.request_id, member=entry.member)
        if kind == "drop":
            self._chats.deliver(entry, state="dropped")
            return
        job = _Job(entry=entry, plain=plain, doubled=kind == "duplicate")
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
        answer = exchange(self.callback_url, job.sealed.query, job.sealed.body, self._rules.callback_timeout_s)
        error = answer.error or ("" if answer.status == 200 else "status")
        self._journal.callback(
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
        if not error:
            # The reply first: who sees "delivered" may rely on the reply being there.
            self._show_reply(job, answer)
            self._chats.deliver(job.entry, state="delivered", **outcome)
            return True
        retried = self._is_retried(job, error)
        self._journal.rule(5, "callback_failed", job.entry.request_id, error=error, retried=retried)
        self._chats.deliver(job.entry, state="delivering" if retried else "failed", **outcome)
        return not retried

    def _is_retried(self, job: _Job, error: str) -> bool:
        if error == "status" and not self._rules.callback_retry_on_status:
            return False
        return job.attempt <= self._rules.callback_retries

    def _show_reply(self, job: _Job, answer: Answer) -> None:
        entry = job.entry
        try:
            reply = read_passive_reply(answer.body, sealer=self._sealer, userid=entry.member)
        except BadPassiveReply as error:
            self._journal.rule(6, str(error), entry.request_id, member=entry.member)
            return
        if reply is None:
            return
        if not self._chats.claim_answer(entry):
            self._journal.rule(6, "passive_reply_not_shown", entry.request_id, member=entry.member)
            return
        content, cut = cut_utf8(reply.content, self._rules.text_bytes)
        if cut:
            self._journal.rule(17, "text_cut", entry.request_id, limit_bytes=self._rules.text_bytes)
        self._chats.add(
            member=entry.member,
            via="passive",
            type=reply.type,
            content=content,
            cut=cut,
            request_id=entry.request_id,
        )
