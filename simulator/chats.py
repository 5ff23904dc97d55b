"""What members wrote and what they see: one bounded list of entries, with a way to wait for news."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

KEPT_ENTRIES = 5000
"""How many entries are kept over all members; the one that changed longest ago goes first."""

Via = Literal["member", "send", "passive"]
"""Who put an entry into a chat: the member, the app by ``message/send``, or the app in a callback's answer."""

State = Literal["queued", "held", "delivering", "delivered", "failed", "dropped"]


@dataclass(kw_only=True, slots=True)
class Delivery:
    """How a member's message fares on its way to the app.

    ``attempts`` counts tries so far, ``status`` is the last HTTP status (``None`` when there was none), ``ms`` the last
    try's duration, ``error`` why it failed: ``timeout``, ``connection``, ``bad_http`` or ``status``.
    """

    state: State = "queued"
    attempts: int = 0
    status: int | None = None
    ms: float = 0.0
    error: str = ""


@dataclass(kw_only=True, slots=True)
class Entry:
    """One bubble. ``type`` is the MsgType, ``content`` its text, ``fields`` what a member's other kinds carry.

    ``cut`` says that the platform cut the text (rule 17); ``msg_id`` is the callback's MsgId (empty for an event) or
    the ``msgid`` that ``message/send`` returned; ``at`` is in seconds since the epoch; ``rev`` grows with each change.
    """

    id: int
    member: str
    via: Via
    type: str
    content: str
    at: float
    rev: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    cut: bool = False
    msg_id: str = ""
    request_id: str = ""
    delivery: Delivery | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)


class Chats:
    """All chats of the app, thread-safe. ``run`` changes whenever numbering starts anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._entries: OrderedDict[int, Entry] = OrderedDict()  # in the order of their last change
        self._answered: set[int] = set()
        self._last_id = 0
        self._rev = 0
        self.run = secrets.token_hex(8)

    def add(self, *, member: str, via: Via, type: str, content: str, **details: Any) -> Entry:  # noqa: A002 -- WeCom's word
        """Put a new entry into ``member``'s chat and wake who waits."""
        with self._changed:
            self._last_id += 1
            entry = Entry(
                id=self._last_id, member=member, via=via, type=type, content=content, at=self._clock(), **details
            )
            self._touch(entry)
            return entry

    def deliver(self, entry: Entry, **changes: Any) -> None:
        """Change the delivery of a member's entry, unless it is already delivered."""
        with self._changed:
            if entry.delivery is None or entry.delivery.state == "delivered":
                return
            for name, value in changes.items():
                setattr(entry.delivery, name, value)
            if entry.id in self._entries:
                self._touch(entry)

    def claim_answer(self, entry: Entry) -> bool:
        """Whether a passive reply to ``entry`` is shown: the first is, there is one a message (§2.5)."""
        with self._changed:
            first = entry.id in self._entries and entry.id not in self._answered
            self._answered.add(entry.id)
            return first

    def news(self, *, member: str = "", after: int = 0, wait_s: float = 0.0) -> tuple[int, list[dict[str, Any]]]:
        """The newest revision, and the entries changed since revision ``after``, oldest first.

        ``member`` restricts them to one chat. Nothing new: waits up to ``wait_s`` seconds for it.
        """
        ends = time.monotonic() + wait_s
        with self._changed:
            while True:
                found = self._since(member, after)
                left = ends - time.monotonic()
                if found or left <= 0:
                    return self._rev, found
                self._changed.wait(left)

    def clear(self) -> None:
        """Forget everything and start a new run."""
        with self._changed:
            self._entries.clear()
            self._answered.clear()
            self._rev = 0
            self.run = secrets.token_hex(8)
            self._changed.notify_all()

    def _since(self, member: str, after: int) -> list[dict[str, Any]]:
        found = []
        for entry in reversed(self._entries.values()):
            if entry.rev <= after:
                break
            if member in ("", entry.member):
                found.append(entry.to_json())
        return sorted(found, key=lambda entry: entry["id"])

    def _touch(self, entry: Entry) -> None:
        self._rev += 1
        entry.rev = self._rev
        self._entries[entry.id] = entry
        self._entries.move_to_end(entry.id)
        if len(self._entries) > KEPT_ENTRIES:
            forgotten, _ = self._entries.popitem(last=False)
            self._answered.discard(forgotten)
        self._changed.notify_all()
