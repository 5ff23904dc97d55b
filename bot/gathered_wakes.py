"""Wake-ups published by a thread of their own, those that came meanwhile together in one task.

Publishing a task costs the web process as much as all else of a callback, and a worker as much again to receive it.
While little happens every wake-up goes out at once, alone. Losing some with the process is harmless: the sweep finds
their conversations.
"""

import atexit
import os
import queue
import threading
from collections.abc import Callable

MOST_TOGETHER = 16
"""Conversations in one task: its worker works them side by side, as far as it has threads."""
CLOSES_WITHIN_S = 2.0


class GatheredWakes:
    """``publish(*conversations)`` publishes one task for all of them."""

    def __init__(self, publish: Callable[..., None]) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._begin_anew)  # threads stay behind
        atexit.register(self.close)

    def __call__(self, conversation: str) -> None:
        """Wake ``conversation`` soon."""
        self._waiting.put(conversation)
        if self._thread is None:
            self._start()

    def close(self) -> None:
        """Publish what still waits, and end; a broker that does not answer is not waited for."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(CLOSES_WITHIN_S)

    def _begin_anew(self) -> None:
        self._waiting, self._thread = queue.SimpleQueue(), None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(self._waiting,), name="wakes", daemon=True)
                self._thread.start()

    def _run(self, waiting: "queue.SimpleQueue[str | None]") -> None:
        while (conversation := waiting.get()) is not None:
            together = [conversation]
            while len(together) < MOST_TOGETHER and not waiting.empty():  # nobody else takes anything
                if (another := waiting.get()) is None:
                    waiting.put(None)  # the end comes after these
                    break
                together.append(another)
            self._publish(*together)
