"""What each part is in a ``webhook/send`` (page 99110): its ``msgtype`` and the object under that name."""

import base64
import hashlib
from typing import Any

from bot.channel import Refused, StoredMedium
from bot.parts import Markdown, News, Text
from channels.wecom.articles import news_body

TEXT_BYTES = 2048
MARKDOWN_BYTES = 4096
IMAGE_BYTES = 2 * 1024 * 1024
"""Before base64; a larger picture goes as a file."""
PICTURE_TYPES = frozenset({"image/jpeg", "image/png"})

Body = tuple[str, dict[str, Any]]


def body_of(part: Text | Markdown | News) -> Body:
    """The message that says ``part``.

    Raises :class:`~bot.channel.Refused` with ``too_long`` or what :func:`~channels.wecom.articles.news_body` raises.
    """
    match part:
        case Text(content):
            return "text", _words(content, TEXT_BYTES)
        case Markdown(content):
            return "markdown", _words(content, MARKDOWN_BYTES)
        case News(articles):
            return "news", news_body(articles)


def picture_body(medium: StoredMedium) -> Body:
    """The message that shows the picture ``medium``. Raises :class:`~bot.channel.Refused` with ``media_gone``."""
    try:
        content = medium.path.read_bytes()
    except FileNotFoundError as error:
        raise Refused("media_gone") from error
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()  # the platform's check of what arrived
    return "image", {"base64": base64.b64encode(content).decode(), "md5": md5}


def _words(content: str, most_bytes: int) -> dict[str, Any]:
    if len(content.encode(errors="replace")) > most_bytes:
        raise Refused("too_long")
    return {"content": content}
