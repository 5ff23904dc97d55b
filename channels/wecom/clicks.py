"""Presses on cards, within the bounds of the grammar that they come from (pages 90240, 101027, 101032)."""

from collections.abc import Mapping

from bot.channel import Rejected
from bot.events import CardClick
from channels.wecom.cards import MAX_ID_BYTES, MAX_KEY_BYTES

MAX_CHOSEN = 200
"""Questions and options in one event; a card has 20 options at most, or three lists of 10."""
MAX_RESPONSE_CODE_BYTES = 1024


def card_click(*, task_id: str, key: str, chosen: Mapping[str, tuple[str, ...]], response_code: str = "") -> CardClick:
    """The press. Raises :class:`~bot.channel.Rejected` ``bad_message`` for one that no card could bring."""
    if sum(1 + len(options) for options in chosen.values()) > MAX_CHOSEN:
        raise Rejected("bad_message")
    for question, options in chosen.items():
        bounded(question, MAX_KEY_BYTES)
        for option in options:
            bounded(option, MAX_ID_BYTES)
    return CardClick(
        task_id=bounded(task_id, MAX_ID_BYTES),
        key=bounded(key, MAX_KEY_BYTES),
        chosen=chosen,
        response_code=bounded(response_code, MAX_RESPONSE_CODE_BYTES),
    )


def bounded(text: str, max_bytes: int) -> str:
    """``text`` itself. Raises :class:`~bot.channel.Rejected` ``bad_message`` unless it is printable and that short."""
    if not text.isprintable() or len(text.encode(errors="replace")) > max_bytes:
        raise Rejected("bad_message")
    return text
