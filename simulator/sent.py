"""What the app has sent, and taking it back: ``message/recall`` (rule 22, §2.9). Not thread-safe: the API works under
one lock."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from simulator.chats import Chats
from simulator.entries import Entry
from simulator.errcodes import ApiError
from simulator.rules import Rules

KEPT_MESSAGES = 5000


class SentMessages:
    """The app's messages by msgid."""

    def __init__(self, rules: Rules, chats: Chats, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._chats = chats
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self._sent: OrderedDict[str, tuple[float, Mapping[str, Entry | None]]] = OrderedDict()

    def remember(self, msgid: str, entries: Mapping[str, Entry | None]) -> None:
        """Keep what ``msgid`` put into whose chat."""
        self._sent[msgid] = self._clock(), entries
        if len(self._sent) > KEPT_MESSAGES:
            self._sent.popitem(last=False)

    def recall(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take a message back from all who got it, and answer.

        Raises :class:`ApiError`: 40058 for a msgid that is not this app's, 42052 after a day.
        """
        sent = self._sent.get(str(body.get("msgid")))
        if sent is None:
            raise ApiError(40058, 22)
        sent_at, entries = sent
        if self._clock() - sent_at > self._rules.recall_life_s:
            raise ApiError(42052, 22)
        for entry in filter(None, entries.values()):
            self._chats.change(entry, recalled=True, content="", fields={}, upload=None, cut=False)
        return {"errcode": 0, "errmsg": "ok"}
