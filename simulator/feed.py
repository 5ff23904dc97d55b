"""Numbered things that change, kept in bounds, with a way to wait for what is new since a revision."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar


class Item(Protocol):
    """What a feed keeps; ``rev`` is set by the feed and grows with each change."""

    rev: int

    def to_json(self) -> dict[str, Any]:
        """All that a reader may know."""
        ...


T = TypeVar("T", bound=Item)


class Feed(Generic[T]):
    """Thread-safe. ``changed`` is its lock, to be held by who changes an item; ``run`` changes when it starts anew."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.items: OrderedDict[int, T] = OrderedDict()
        """By number, in the order of their last change."""
        self.run = secrets.token_hex(8)
        self._rev = 0
        self._closed = False

    def put(self, number: int, item: T, kept: int) -> int | None:
        """Keep ``item``, new or changed, and wake who waits. Of more than ``kept`` the one that changed longest ago
        goes; returns its number."""
        with self.changed:
            self._rev += 1
            item.rev = self._rev
            self.items[number] = item
            self.items.move_to_end(number)
            forgotten = self.items.popitem(last=False)[0] if len(self.items) > kept else None
            self.changed.notify_all()
            return forgotten

    def news(
        self, *, after: int, wait_s: float, wanted: Callable[[T], bool] = lambda _item: True
    ) -> tuple[int, list[dict[str, Any]]]:
        """The newest revision, and the ``wanted`` items changed since revision ``after``, ordered by number.

        Nothing new: waits up to ``wait_s`` seconds for it, or until the feed is closed.
        """
        ends = time.monotonic() + wait_s
        with self.changed:
            while True:
                found = self._since(after, wanted)
                left = ends - time.monotonic()
                if found or left <= 0 or self._closed:
                    return self._rev, found
                self.changed.wait(left)

    def close(self) -> None:
        """Let nobody wait any more."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    def clear(self) -> None:
        """Forget everything and start a new run."""
        with self.changed:
            self.items.clear()
            self._rev = 0
            self.run = secrets.token_hex(8)
            self.changed.notify_all()

    def _since(self, after: int, wanted: Callable[[T], bool]) -> list[dict[str, Any]]:
        found = []
        for number, item in reversed(self.items.items()):
            if item.rev <= after:
                break
            if wanted(item):
                found.append((number, item.to_json()))
        return [json for _, json in sorted(found, key=lambda pair: pair[0])]
