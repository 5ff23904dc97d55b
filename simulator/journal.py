"""What the simulator did: every rule it enforced (rule 43) and every callback it made, in bounded rings."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import structlog

from simulator.entries import Entry
from simulator.trace import Trace

log = structlog.get_logger()

KEPT_RECORDS = 2000
"""How many records each ring keeps; older ones are forgotten, their counts are not."""


class Journal:
    """Two rings, ``log`` and ``callbacks``, each record numbered from 1; thread-safe.

    Nothing a member or the bot wrote, no token and no secret goes in.
    """

    def __init__(self, clock: Callable[[], float], trace: Trace) -> None:
        self._clock = clock
        self._trace = trace
        self._lock = threading.Lock()
        self._rings: dict[str, deque[dict[str, Any]]] = {
            "log": deque(maxlen=KEPT_RECORDS),
            "callbacks": deque(maxlen=KEPT_RECORDS),
        }
        self._last = 0
        self._counts: Counter[str] = Counter()

    def rule(self, rule: int | None, event: str, request_id: str, entry: Entry | None = None, **details: Any) -> None:
        """Write down that ``rule`` was enforced in request ``request_id``; ``None`` for a fault asked for on purpose.

        ``event`` is a constant word; a failing test finds rule and reason under it. ``entry`` is what a member wrote,
        where it was about that.
        """
        if entry:
            details = {"member": entry.member, **details}
        self._add("log", {"rule": rule, "event": event, "request_id": request_id, **details})
        whose = {} if entry else {"request_id": request_id, "member": details.get("member", "")}
        self._trace.add("rule", event, entry, rule=rule, details=details, **whose)
        log.info("rule_enforced", rule=rule, what=event, request_id=request_id, **details)

    def callback(self, **details: Any) -> None:
        """Write down one try of a callback."""
        self._add("callbacks", details)
        log.info("callback_made", **details)

    def records(self, ring: str, after: int = 0) -> list[dict[str, Any]]:
        """The records of ``log`` or ``callbacks`` with a number above ``after``, oldest first."""
        with self._lock:
            return [record for record in self._rings[ring] if record["n"] > after]

    def counts(self) -> dict[str, int]:
        """How often each event was written down, ``callbacks`` among them, forgotten records included."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Forget all records and counts; numbers go on."""
        with self._lock:
            for ring in self._rings.values():
                ring.clear()
            self._counts.clear()

    def _add(self, ring: str, details: dict[str, Any]) -> None:
        with self._lock:
            self._last += 1
            self._rings[ring].append({"n": self._last, "at": self._clock(), **details})
            self._counts[details.get("event", ring)] += 1
