"""A reply as it lies in the outbox, and what became of it."""

import json
from dataclasses import dataclass
from typing import Any

from bot.messages import UndecodableMessage
from bot.parts import Part, decode_part, encode_part

WITHDRAWN = "withdrawn"
"""Why an answer was given up whose sources may not answer any more."""
TAKEN_OVER = "taken_over"
"""Why an answer was given up to somebody whom a human has taken over."""
_SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxReply:
    """A reply on its way: the parts, and what is recorded once its fate is known.

    ``key`` names it for ever (the turn id, or a notice's own key); part ``i`` is sent under ``key:i``.
    ``created_at`` is epoch seconds. ``record`` is the encoded turn record, empty for a notice. ``author`` is the key
    of the conversation that must hear when a human's words, which these are then, do not arrive.
    """

    key: str
    parts: tuple[Part, ...]
    created_at: float
    record: str = ""
    author: str = ""

    def encode(self) -> bytes:
        """UTF-8 JSON with a schema version."""
        fields: dict[str, Any] = {"v": _SCHEMA, "key": self.key, "at": self.created_at, "record": self.record}
        fields["author"] = self.author
        fields["parts"] = [encode_part(part) for part in self.parts]
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, raw: bytes) -> "OutboxReply":
        """The inverse of :meth:`encode`. Raises :class:`~bot.messages.UndecodableMessage`, which keeps the bytes."""
        try:
            fields = json.loads(raw)
            if fields["v"] != _SCHEMA:
                raise UndecodableMessage(raw, "unknown schema version")
            parts = tuple(decode_part(part) for part in fields["parts"])
            words = (fields["key"], fields["record"], fields.get("author", ""))
            if not all(isinstance(word, str) for word in words):
                raise UndecodableMessage(raw, "not text")
            key, record, author = words
            return cls(key=key, parts=parts, created_at=float(fields["at"]), record=record, author=author)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UndecodableMessage(raw, type(error).__name__) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The fate of a reply: ``sent`` parts out of ``parts``, the platform's message ids and the epoch seconds at which
    it took them, how many sends had an ``unknown`` outcome, and ``failure``, the code that ended it (empty when every
    part was sent)."""

    reply: OutboxReply
    sent: int
    message_ids: tuple[str, ...]
    unknown: int
    failure: str = ""
    sent_at: tuple[float, ...] = ()
