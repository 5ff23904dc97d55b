"""Several conversations in one task, worked side by side by the threads of the pool that are free."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger()


class Sharing:
    """``drain(conversation)`` works one. ``submit(work)`` has a thread of the pool do ``work`` when one is free."""

    def __init__(self, drain: Callable[[str], None], submit: Callable[[Callable[[], None]], object]) -> None:
        self._drain = drain
        self._submit = submit
        self._waiting: deque[str] = deque()
        self._stopped = False
        self._lock = threading.Lock()
        self.helping = 0
        """Threads that work conversations of another thread's task."""

    def work(self, conversations: Sequence[str]) -> None:
        """Work what waits, ``conversations`` among it, until nothing does; others help."""
        if self._stopped:  # nor would a pool that ends take more work
            return
        self._waiting.extend(conversations)
        for _ in conversations[1:]:
            self._submit(self._help)
        while self._work_next():
            pass

    def stop(self) -> None:
        """Begin no other: the sweep wakes what still waits for another worker."""
        self._stopped = True

    def _help(self) -> None:
        self._note_help(1)
        try:
            while self._work_next():
                pass
        except Exception:  # nobody waits for what a helper does; a task's own end in Celery's log
            log.exception("drain_failed")
        finally:
            self._note_help(-1)

    def _note_help(self, more: int) -> None:
        with self._lock:
            self.helping += more

    def _work_next(self) -> bool:
        """Work the conversation that has waited longest; False when there is none."""
        if self._stopped:
            return False
        try:
            conversation = self._waiting.popleft()
        except IndexError:
            return False
        self._drain(conversation)
        return True
