"""How many messages of one member the bot has in progress (rule 28)."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Literal

from simulator.rules import Rules

Admission = Literal["held", "refused"]


class InProgress:
    """Counts by member and lets held messages go when one ends; thread-safe."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._active: defaultdict[str, set[int]] = defaultdict(set)
        self._held: defaultdict[str, deque[tuple[int, Callable[[], None]]]] = defaultdict(deque)

    @property
    def held(self) -> int:
        """How many messages wait for others to end."""
        with self._lock:
            return sum(map(len, self._held.values()))

    def enter(
        self, member: str, entry_id: int, *, start: Callable[[], None], wait: Callable[[Admission], None]
    ) -> None:
        """Begin with a message by ``start``, now or when one before it has ended, or refuse it.

        ``wait`` is told before anything else happens to a message that is held or refused.
        """
        with self._lock:
            if self._held[member] or len(self._active[member]) >= self._rules.bot_in_progress:
                refused = self._rules.bot_excess == "refused"
                wait("refused" if refused else "held")
                if not refused:
                    self._held[member].append((entry_id, start))
                return
            self._active[member].add(entry_id)
        start()

    def leave(self, member: str, entry_id: int) -> None:
        """A message has ended: the next held one begins. Nothing for one that had ended before."""
        begun = []
        with self._lock:
            self._active[member].discard(entry_id)
            while self._held[member] and len(self._active[member]) < self._rules.bot_in_progress:
                next_id, start = self._held[member].popleft()
                self._active[member].add(next_id)
                begun.append(start)
            if not self._active[member]:
                del self._active[member]
            if not self._held[member]:
                del self._held[member]
        for start in begun:
            start()

    def clear(self) -> None:
        """Forget all, held ones too."""
        with self._lock:
            self._active.clear()
            self._held.clear()
