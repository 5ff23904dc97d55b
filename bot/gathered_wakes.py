"""Wake-ups published by a thread of their own, those that are in no hurry together in one task.

Publishing a task costs the web process as much as all else of a callback, and a worker as much again to receive it.
While workers keep up, every wake-up goes out at once; when they do not, nobody is answered later for one that waits a
moment for others. Losing some with the process is harmless: the sweep finds their conversations.
"""

import atexit
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot import telemetry

log = structlog.get_logger()

MOST_TOGETHER = 32
"""Conversations in one task: its worker works them side by side, as far as it has threads."""
GATHERED_FOR_S = 0.05
CLOSES_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class _Wake:
    conversation: str
    hurry: bool


class GatheredWakes:
    """``publish(*conversations)`` publishes one task for all of them."""

    def __init__(self, publish: Callable[..., None]) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[_Wake | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._begin_anew)  # threads stay behind
        atexit.register(self.close)

    def __call__(self, conversation: str) -> None:
        """Wake ``conversation`` at once."""
        self._put(conversation, hurry=True)

    def later(self, conversation: str) -> None:
        """Wake ``conversation`` within :data:`GATHERED_FOR_S`."""
        self._put(conversation, hurry=False)

    def close(self) -> None:
        """Publish what still waits, and end; a broker that does not answer is not waited for."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(CLOSES_WITHIN_S)

    def _begin_anew(self) -> None:
        self._waiting, self._thread = queue.SimpleQueue(), None
        self._lock = threading.Lock()  # somebody may have held it just then

    def _put(self, conversation: str, *, hurry: bool) -> None:
        self._waiting.put(_Wake(conversation, hurry=hurry))
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, args=(self._waiting,), name="wakes", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self, waiting: "queue.SimpleQueue[_Wake | None]") -> None:
        while (wake := waiting.get()) is not None:
            together = self._gathered(wake, waiting)
            try:
                self._publish(*together)
            except Exception:  # these are left to the sweep; without this thread all would be
                log.exception("wake_not_published", conversations=together)
                telemetry.count("degraded", what="wake_not_published")

    def _gathered(self, wake: _Wake, waiting: "queue.SimpleQueue[_Wake | None]") -> list[str]:
        """``wake`` and those to be published with it."""
        together, hurry = [wake.conversation], wake.hurry
        until = time.monotonic() + GATHERED_FOR_S
        while len(together) < MOST_TOGETHER:
            try:
                another = waiting.get(timeout=0 if hurry else max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if another is None:
                waiting.put(None)  # the end comes after these
                break
            together.append(another.conversation)
            hurry = hurry or another.hurry
        return together
