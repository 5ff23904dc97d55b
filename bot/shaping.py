"""Words as the parts of a reply: in pieces that a channel takes, and no more of them than it lets through."""

from collections.abc import Callable, Sequence

from bot.channel import Limits
from bot.parts import Menu, Part, Stream, Text
from bot.splitting import beginning, split_text

_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
"""How much of the room the beginning of a long text may fill: cuts between sentences leave some of it empty."""


def parts_of(
    text: str,
    limits: Limits,
    more: Sequence[Part] = (),
    *,
    choices: Sequence[str] = (),
    stream_id: str = "",
    label: str = "",
    closing: str = "",
    continued: Callable[[], str] | None = None,
) -> tuple[Part, ...]:
    """``text`` in pieces, each with ``label`` below it, and of the parts that follow it those that the channel shows.

    ``choices``, lines ``· …`` of the text, become a menu where that holds all. Of a text that needs more messages than
    a reply may have its beginning is said, and after it what ``continued`` says of where the rest stands. With
    ``closing``, which stands below the text and is never cut off, a reply is one message.
    """
    shown = tuple(part for part in more if limits.shows(part))
    if choices and (menu := _menu(text, choices, label)) and limits.shows(menu):
        return (menu, *shown)
    below = f"\n{label}" if label else ""
    most_bytes = limits.text_bytes - len(below.encode())
    most, whole = 1 if closing else limits.reply_messages, "\n\n".join(filter(None, (text, closing)))
    pieces = split_text(whole, most_bytes) if whole else []
    if continued is not None and 0 < most < len(pieces):
        pieces = _shortened(text, most_bytes, most, "\n\n".join(filter(None, (closing, continued()))))
    parts: list[Part] = [Text(piece + below) for piece in pieces]
    if stream_id and pieces:
        parts[0] = Stream(pieces[0] + below, stream_id)
    return (*parts, *shown)


def _menu(text: str, choices: Sequence[str], label: str) -> Menu:
    listed = {f"· {choice}" for choice in choices}
    lines = [line for line in text.split("\n") if line not in listed]
    return Menu("\n".join([*lines, label] if label else lines), tuple(choices))


def _shortened(text: str, most_bytes: int, messages: int, last_line: str) -> list[str]:
    """The beginning of ``text`` and ``last_line`` in at most ``messages`` pieces."""
    room = messages * most_bytes - len(last_line.encode())
    for share in _SHARES:
        said = beginning(text, max(1, int(room * share)))
        pieces = split_text(f"{said}…\n\n{last_line}", most_bytes)
        if len(pieces) <= messages:
            break
    return pieces
