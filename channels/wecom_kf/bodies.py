"""What each part is in a ``kf/send_msg`` (page 94677): its ``msgtype`` and the object under that name."""

from typing import Any

from bot.channel import Refused
from bot.parts import Markdown, Menu, MenuLimits, Text

TEXT_BYTES = 2048
MENU = MenuLimits(text_bytes=1024, choice_bytes=128, choices=10)
"""Ten choices are documented, the lengths are not: these are what the console lets one write."""

Body = tuple[str, dict[str, Any]]


def body_of(part: Text | Markdown | Menu) -> Body:
    """The message that says ``part``. Raises :class:`~bot.channel.Refused` with ``too_long``, ``empty`` or
    ``menu_too_large``."""
    match part:
        case Menu(text, choices, ids):
            if not MENU.takes(part):
                raise Refused("menu_too_large")
            named = zip(ids or map(str, range(1, len(choices) + 1)), choices, strict=True)
            items = [{"type": "click", "click": {"id": name, "content": each}} for name, each in named]
            return "msgmenu", {"head_content": text, "list": items}
        case Text(content) | Markdown(content):
            if not content:
                raise Refused("empty")
            if len(content.encode(errors="replace")) > TEXT_BYTES:
                raise Refused("too_long")
            return "text", {"content": content}
