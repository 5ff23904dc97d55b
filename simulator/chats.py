"""What members wrote and what they see: one bounded list of entries, with a way to wait for news."""

from collections.abc import Callable
from typing import Any

from simulator.entries import Entry, PeerId, Via
from simulator.feed import Feed

KEPT_ENTRIES = 5000
"""How many entries are kept over all members; the one that changed longest ago goes first."""


class Chats:
    """Chats, thread-safe. ``run`` changes whenever numbering starts anew; all ids are above ``ids_above``."""

    def __init__(self, clock: Callable[[], float], *, ids_above: int = 0) -> None:
        self._clock = clock
        self._feed: Feed[Entry] = Feed()
        self._answered: set[int] = set()
        self._last_id = ids_above

    @property
    def run(self) -> str:
        """Names the present numbering."""
        return self._feed.run

    def add(self, *, member: str, via: Via, type: str, content: str, **details: Any) -> Entry:  # noqa: A002 -- WeCom's word
        """Put a new entry into a chat and wake who waits."""
        with self._feed.changed:
            self._last_id += 1
            entry = Entry(
                id=self._last_id, member=member, via=via, type=type, content=content, at=self._clock(), **details
            )
            self._touch(entry)
            return entry

    def change(self, entry: Entry, **changes: Any) -> None:
        """Change fields of ``entry`` in place."""
        with self._feed.changed:
            for name, value in changes.items():
                setattr(entry, name, value)
            self._touch_if_kept(entry)

    def deliver(self, entry: Entry, **changes: Any) -> None:
        """Change the delivery of a member's entry, unless it is already delivered."""
        with self._feed.changed:
            if entry.delivery is None or entry.delivery.state == "delivered":
                return
            for name, value in changes.items():
                setattr(entry.delivery, name, value)
            self._touch_if_kept(entry)

    def claim_answer(self, entry: Entry) -> bool:
        """Whether a passive reply to ``entry`` is shown: the first is, there is one a message (§2.5)."""
        with self._feed.changed:
            first = entry.id in self._feed.items and entry.id not in self._answered
            self._answered.add(entry.id)
            return first

    def find(self, entry_id: int) -> Entry | None:
        """The entry with that id, if it is still kept."""
        with self._feed.changed:
            return self._feed.items.get(entry_id)

    def last(self, wanted: Callable[[Entry], bool]) -> Entry | None:
        """The newest of the ``wanted`` entries."""
        with self._feed.changed:
            return max(filter(wanted, self._feed.items.values()), key=lambda entry: entry.id, default=None)

    def news(
        self, *, wanted: Callable[[Entry], bool] = lambda _entry: True, after: int = 0, wait_s: float = 0.0
    ) -> tuple[int, list[dict[str, Any]]]:
        """The newest revision, and the ``wanted`` entries changed since revision ``after``, oldest first.

        Nothing new: waits up to ``wait_s`` seconds for it.
        """
        return self._feed.news(after=after, wait_s=wait_s, wanted=wanted)

    def close(self) -> None:
        """Let nobody wait for news any more."""
        self._feed.close()

    def clear(self) -> None:
        """Forget everything and start a new run."""
        with self._feed.changed:
            self._answered.clear()
            self._feed.clear()

    def _touch_if_kept(self, entry: Entry) -> None:
        if entry.id in self._feed.items:
            self._touch(entry)

    def _touch(self, entry: Entry) -> None:
        forgotten = self._feed.put(entry.id, entry, KEPT_ENTRIES)
        if forgotten is not None:
            self._answered.discard(forgotten)


def in_chat(entry: Entry, *, peer: PeerId, chat: str, member: str) -> bool:
    """Whether ``entry`` stands in the group ``chat`` or, that empty, in the single chat of ``member`` with ``peer``."""
    if chat or entry.chat:
        return entry.chat == chat
    return entry.peer == peer and entry.member == member
