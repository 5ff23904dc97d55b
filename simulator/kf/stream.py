"""What an account's customers and servicers did, pulled page by page with a cursor (``sync_msg``, §6.3; rule 39)."""

import base64
import binascii
import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errcodes import ApiError
from simulator.rules import Rules

KEPT_MESSAGES = 20_000
"""Of one account; older ones are forgotten before their three days are over."""

_TAG_BYTES = 6
_NONCE_BYTES = 6
_POSITION_BYTES = 8

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the stream: a message (``None``: one that the API sent, which never shows) and the entry behind it.

    ``silk`` is the media id of a voice as Silk.
    """

    at: float
    message: Message | None
    entry_id: int = 0
    silk: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of ``sync_msg``; ``entry_ids`` are the entries that were read."""

    messages: list[dict[str, Any]]
    next_cursor: str
    has_more: bool
    entry_ids: list[int]


class AccountStream:
    """The stream of one account. To be used under the lock of :class:`Kf`."""

    def __init__(self, open_kfid: str, rules: Rules, clock: Callable[[], float]) -> None:
        self._tag = hashlib.sha256(open_kfid.encode()).digest()[:_TAG_BYTES]
        self._rules = rules
        self._clock = clock
        self._slots: deque[Slot] = deque()
        # Readers keep their cursors longer than a simulator runs: a new run's positions are beyond the last one's.
        self._first = int(clock() * 1_000_000)
        self._held: Slot | None = None

    def add(self, slot: Slot, *, fault: str = "") -> None:
        """Put ``slot`` at the end; with the fault ``swap`` only after the next one, with ``duplicate`` twice."""
        if fault == "swap" and self._held is None:
            self._held = slot
            return
        self._slots.extend([slot] * (2 if fault == "duplicate" else 1))
        self.release()
        while len(self._slots) > KEPT_MESSAGES:
            self._drop_first()

    def release(self) -> None:
        """Put in what a swap still holds back."""
        if self._held:
            self._slots.append(self._held)
            self._held = None

    def read(self, cursor: str, limit: int, *, silk: bool, empty: bool = False) -> Page:
        """At most ``limit`` places from ``cursor`` on, empty for the oldest; ``empty`` gives a page with nothing on it.

        Raises :class:`ApiError` for a cursor that is none of this account's.
        """
        while self._slots and self._slots[0].at <= self._clock() - self._rules.kf_history_s:
            self._drop_first()
        end = self._first + len(self._slots)
        begin = max(self._first, self._position(cursor)) if cursor else self._first
        if empty:
            return Page([], self._cursor(begin), has_more=True, entry_ids=[])
        upto = min(end, begin + limit)
        slots = [self._slots[position - self._first] for position in range(begin, upto)]
        messages = [_shown(slot, silk) for slot in slots if slot.message is not None]
        entry_ids = [slot.entry_id for slot in slots if slot.entry_id]
        return Page(messages, self._cursor(upto), has_more=upto < end, entry_ids=entry_ids)

    def _drop_first(self) -> None:
        self._slots.popleft()
        self._first += 1

    def _cursor(self, position: int) -> str:
        raw = self._tag + secrets.token_bytes(_NONCE_BYTES) + position.to_bytes(_POSITION_BYTES, "big")
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def _position(self, cursor: str) -> int:
        """Where ``cursor`` stands; one beyond the end of this run is the end."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise ApiError(self._rules.kf_cursor_errcode, 39, ": cursor") from error
        if len(raw) != _TAG_BYTES + _NONCE_BYTES + _POSITION_BYTES or not raw.startswith(self._tag):
            raise ApiError(self._rules.kf_cursor_errcode, 39, ": cursor")
        return min(int.from_bytes(raw[-_POSITION_BYTES:], "big"), self._first + len(self._slots))


def _shown(slot: Slot, silk: bool) -> dict[str, Any]:
    message = dict(slot.message or {})
    if silk and slot.silk:
        message["voice"] = {"media_id": slot.silk}
    return message
