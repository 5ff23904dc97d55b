"""What a person wrote lately, as it lies in Redis beside the queue of the conversation.

A message is screened together with the four before it (:data:`bot.safety.adverse_events.WINDOW`). They come with the
turn and go back with its commit, so that no message costs a trip of its own.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from bot.messages import LONGEST_QUESTION

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of one message, the number of the ``case`` that it belongs to (0: none), and whether the reply to it
    ``asked_back`` if somebody has shown an effect."""

    text: str
    case: int = 0
    asked_back: bool = False

    def encode(self) -> bytes:
        """JSON."""
        kept = replace(self, text=self.text[:LONGEST_QUESTION])
        text = json.dumps([kept.text, kept.case, kept.asked_back], ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")


def decode_heard(raw: Sequence[bytes]) -> tuple[Heard, ...]:
    """The inverse of :meth:`Heard.encode` for several, in order; what no release wrote is left out and logged."""
    found = []
    for one in raw:
        try:
            text, case, asked_back = json.loads(one)
            found.append(Heard(str(text), int(case), bool(asked_back)))
        except (ValueError, TypeError, RecursionError):
            log.error("heard_undecodable", bytes=len(one))
    return tuple(found)
