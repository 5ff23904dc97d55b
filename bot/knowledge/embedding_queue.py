"""Who may use the model now: one thread at a time, people's questions first, several of them in one run."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Generic, TypeVar

Rows = TypeVar("Rows")
"""One row a text, in their order; can be sliced."""

QUESTIONS_A_RUN = 4
"""Most waiting questions in one run: more is hardly quicker a question, and the first would wait for the last."""
IDLE_S = 10.0
OVERTAKEN_AT_MOST = 16
"""Runs of questions that may go before a waiting import, so that a flood of questions does not stop it for ever."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked(Generic[Rows]):
    """``texts`` that wait for ``compute``, and where their rows will be."""

    compute: Callable[[list[str]], Rows]
    texts: list[str]
    rows: "Future[Rows]" = field(default_factory=Future)


class EmbeddingQueue:
    """One thread computes the questions of all; it ends when none came for a while, and the next one starts another.

    Were it those that ask who compute, in turn, the model would stand still from the end of one's run until the next
    had been given a processor, a third of the time under load.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._waiting: deque[_Asked[Any]] = deque()
        self._imports_waiting = 0
        self._overtaken = 0

    def question(self, compute: Callable[[list[str]], Rows], texts: list[str]) -> Rows:
        """What ``compute`` makes of ``texts``; raises what it raises. Texts that others wait for, as far as the same
        function makes their rows, go with them in one run."""
        mine = _Asked(compute, texts)
        with self._changed:
            self._waiting.append(mine)
            self._changed.notify_all()
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="embedding", daemon=True)
                thread.start()  # it may fail, and the next question tries again
                self._thread = thread
        return mine.rows.result()

    @contextmanager
    def slice_of_import(self) -> Iterator[None]:
        """The model for the ``with`` block, which should be short; entered when no question waits."""
        with self._changed:
            self._imports_waiting += 1
            try:
                self._changed.wait_for(lambda: not self._busy and (not self._waiting or self._import_is_due()))
            finally:
                self._imports_waiting -= 1
            self._busy = True
            self._overtaken = 0
        try:
            yield
        finally:
            self._leave()

    def _run(self) -> None:
        while run := self._next_run():
            try:
                _compute(run)
            finally:
                self._leave()

    def _next_run(self) -> list[_Asked[Any]]:
        """The questions of the next run, for which the model is taken; none when nobody asked for long."""
        with self._changed:
            while not self._changed.wait_for(self._may_compute, timeout=IDLE_S):
                if not self._waiting:
                    self._thread = None
                    return []
            self._busy = True
            if self._imports_waiting:
                self._overtaken += 1
            return self._take_run()

    def _may_compute(self) -> bool:
        return bool(self._waiting) and not self._busy and not self._import_is_due()

    def _import_is_due(self) -> bool:
        return self._imports_waiting > 0 and self._overtaken >= OVERTAKEN_AT_MOST

    def _take_run(self) -> list[_Asked[Any]]:
        run = [self._waiting.popleft()]
        room = QUESTIONS_A_RUN - len(run[0].texts)
        while self._waiting and self._waiting[0].compute == run[0].compute and len(self._waiting[0].texts) <= room:
            run.append(self._waiting.popleft())
            room -= len(run[-1].texts)
        return run

    def _leave(self) -> None:
        with self._changed:
            self._busy = False
            self._changed.notify_all()


def _compute(run: list[_Asked[Any]]) -> None:
    """Compute all that ``run`` waits for, and give each its rows or the error.

    Where a run of several fails each is tried alone, so that nobody's question is lost for another's text.
    """
    try:
        rows = run[0].compute([text for asked in run for text in asked.texts])
        ends = list(accumulate(len(asked.texts) for asked in run))
        shares = [rows[end - len(asked.texts) : end] for asked, end in zip(run, ends, strict=True)]
    except BaseException as error:  # noqa: BLE001 - raised again in every thread that asked
        if len(run) > 1 and isinstance(error, Exception):
            for asked in run:
                _compute([asked])
        else:
            for asked in run:
                asked.rows.set_exception(error)
        return
    for asked, share in zip(run, shares, strict=True):
        asked.rows.set_result(share)
