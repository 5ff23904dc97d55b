"""The ``task_id`` of each card that an account has sent; one is used once (§5.9 †)."""

import threading
from collections import OrderedDict

from simulator.card_grammar import Card
from simulator.rules import Rules

KEPT_TASK_IDS = 5000


class TaskIds:
    """Those of one account, thread-safe."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._used: OrderedDict[str, None] = OrderedDict()

    def may_use(self, card: Card) -> bool:
        """Whether ``card`` has no ``task_id``, or one that was not used before."""
        with self._lock:
            return not (self._rules.refuse_repeated_task_id and card.get("task_id") in self._used)

    def use(self, card: Card) -> None:
        """Remember the ``task_id`` of a card that is sent."""
        task_id = card.get("task_id")
        with self._lock:
            if task_id:
                self._used[task_id] = None
                if len(self._used) > KEPT_TASK_IDS:
                    self._used.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._used.clear()
