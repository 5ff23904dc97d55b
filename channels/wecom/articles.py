"""Articles as the object of a ``news`` message (pages 90236, 90248, 99110)."""

from typing import Any

from bot.channel import Refused
from bot.parts import Article
from channels.wecom.cutting import cut_bytes

MAX_ARTICLES = 8
TITLE_BYTES, DESCRIPTION_BYTES = 128, 512
URL_BYTES = 2048


def news_body(articles: tuple[Article, ...]) -> dict[str, Any]:
    """What stands under ``news``.

    Raises :class:`~bot.channel.Refused` with ``no_articles``, ``too_many_articles`` or ``bad_article_url``.
    """
    if not articles:
        raise Refused("no_articles")
    if len(articles) > MAX_ARTICLES:
        raise Refused("too_many_articles")
    return {"articles": [_article(article) for article in articles]}


def _article(article: Article) -> dict[str, Any]:
    if not article.url or len(article.url.encode(errors="replace")) > URL_BYTES:
        raise Refused("bad_article_url")
    picture = {"picurl": article.picture_url} if article.picture_url else {}
    return {
        "title": cut_bytes(article.title, TITLE_BYTES),
        "description": cut_bytes(article.description, DESCRIPTION_BYTES),
        "url": article.url,
        **picture,
    }
