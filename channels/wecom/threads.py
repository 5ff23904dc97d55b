"""Threads that run one job after another: as many as jobs run at once, started where none is idle, and soon gone."""

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Task:
    job: Callable[[], object]
    ended: Callable[[], None]


_Inbox = queue.SimpleQueue[_Task]


class Threads:
    """Daemon threads called ``name``, with `` idle`` behind it while they have nothing to do; safe to share.

    A job that never ends keeps its thread and holds nobody else up. A thread ends when it was idle for ``idle_s``
    seconds.
    """

    def __init__(self, name: str, idle_s: float) -> None:
        self._name = name
        self._idle_s = idle_s
        self._idle: list[_Inbox] = []  # taken from its end, so that those that are too many stay idle
        os.register_at_fork(after_in_child=self._idle.clear)  # a child process has none of the threads

    def run(self, job: Callable[[], object], ended: Callable[[], None]) -> None:
        """Call ``job`` in another thread, and then ``ended``, also when ``job`` raised: that ends its thread, and
        :mod:`threading` reports it. ``ended`` may come late or never, and finds the thread free for the next job."""
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._work, args=(inbox,), name=self._name, daemon=True).start()
        inbox.put(_Task(job, ended))

    def _work(self, inbox: _Inbox) -> None:
        while (task := self._next(inbox)) is not None:
            self._do(task, inbox)
            del task  # it holds what was sent

    def _do(self, task: _Task, inbox: _Inbox) -> None:
        thread = threading.current_thread()
        try:
            thread.name = self._name
            task.job()
            thread.name = f"{self._name} idle"
            self._idle.append(inbox)
        finally:
            task.ended()

    def _next(self, inbox: _Inbox) -> _Task | None:
        """What to do next; ``None`` after a while with nothing."""
        try:
            return inbox.get(timeout=self._idle_s)
        except queue.Empty:
            pass
        try:
            self._idle.remove(inbox)
        except ValueError:  # somebody has just taken it, and is about to put something in
            return inbox.get()
        return None
