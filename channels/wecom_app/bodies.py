"""What each part is in a ``message/send`` (page 90236): its ``msgtype`` and the object under that name."""

from typing import Any

from bot.channel import Refused
from bot.parts import Card, Markdown, News, Text
from channels.wecom.articles import TITLE_BYTES, news_body
from channels.wecom.cards import CardLengths, template_card
from channels.wecom.cutting import cut_bytes

TEXT_BYTES = 2048
"""Of texts and of Markdown; what exceeds it would be cut silently."""
CARD_LENGTHS = CardLengths(title=36, line=44, text=160)

Body = tuple[str, dict[str, Any]]


def body_of(part: Text | Markdown | News | Card) -> Body:
    """The message that says ``part``.

    Raises :class:`~bot.channel.Refused` with ``too_long``, ``no_articles``, ``too_many_articles``, ``bad_article_url``
    or what :func:`~channels.wecom.cards.template_card` raises.
    """
    match part:
        case Text(content):
            return "text", _words(content)
        case Markdown(content):
            return "markdown", _words(content)
        case News(articles):
            return "news", news_body(articles)
        case Card():
            return "template_card", template_card(part, CARD_LENGTHS)


def media_body(kind: str, media_id: str, title: str) -> Body:
    """The message that shows what was uploaded as ``kind``; only a video has a ``title``."""
    if kind == "video":
        return kind, {"media_id": media_id, "title": cut_bytes(title, TITLE_BYTES), "description": ""}
    return kind, {"media_id": media_id}


def _words(content: str) -> dict[str, Any]:
    if len(content.encode(errors="replace")) > TEXT_BYTES:
        raise Refused("too_long")
    return {"content": content}
