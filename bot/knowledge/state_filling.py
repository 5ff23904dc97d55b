"""Token states that are not there yet, made in the background.

On a Qdrant server an entry may have been written by another machine, whose file of states is not ours; and a file may
be lost. The first question that meets such an entry is answered by the fused ranking, and later ones by its states.
"""

import threading
from collections.abc import Iterable

import structlog

from bot import telemetry
from bot.errors import BotError
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry
from bot.knowledge.points import keep_states
from bot.knowledge.state_store import StateStore

log = structlog.get_logger()

MOST_WAITING = 1_000
"""Entries that wait; those beyond are asked for again by the next question that meets them."""


class StateFiller:
    """Makes the states of entries with ``embedder`` and puts them into ``states``, one entry at a time, so that no
    question waits long for the model. Its thread ends when nothing waits. Thread-safe."""

    def __init__(self, embedder: Embedder, states: StateStore) -> None:
        self._embedder = embedder
        self._states = states
        self._waiting: dict[str, Entry] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def want(self, entries: Iterable[Entry]) -> None:
        """Make the states of ``entries`` soon, as far as they are missing."""
        with self._lock:
            for entry in entries:
                if len(self._waiting) < MOST_WAITING:
                    self._waiting[entry.id] = entry
            if self._waiting and self._thread is None:
                thread = threading.Thread(target=self._run, name="token-states", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while entry := self._next():
            try:
                keep_states(self._embedder, self._states, [entry])
            except BotError as error:  # the next question that meets it asks again
                telemetry.count("degraded", what="token_states")
                log.warning("token_states_not_made", entry=entry.id, error=str(error))

    def _next(self) -> Entry | None:
        with self._lock:
            if not self._waiting:
                self._thread = None
                return None
            return self._waiting.pop(next(iter(self._waiting)))
