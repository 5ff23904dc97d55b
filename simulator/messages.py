"""The bodies of ``message/send`` by message type: what is shown, what is cut, what is refused (rule 17, §2.7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.card_grammar import card_problem, shown_card
from simulator.cards import card_text
from simulator.errcodes import ApiError
from simulator.limits import cut_utf8
from simulator.media import Media
from simulator.media_formats import MediaType, media_type
from simulator.rules import Rules
from simulator.uploads import Upload

_TITLE_BYTES = 128
_DESCRIPTION_BYTES = 512
_TITLE_CHARACTERS = 128
_DESCRIPTION_CHARACTERS = 512
_BUTTON_CHARACTERS = 4
_URL_BYTES = 2048
_AUTHOR_BYTES = 64
_MAX_ARTICLES = 8

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a member is to see, as an entry has it; ``cut`` says that the text was longer."""

    type: str
    content: str = ""
    cut: bool = False
    fields: dict[str, Any] = field(default_factory=dict)
    upload: Upload | None = None


class MessageReader:
    """Reads what the app sends; ``media`` knows what was uploaded."""

    def __init__(self, rules: Rules, media: Media) -> None:
        self._rules = rules
        self._media = media
        self._readers: Mapping[str, Callable[[str, Body], Message]] = {
            "text": self._text,
            "markdown": self._text,
            "image": self._file,
            "voice": self._file,
            "video": self._file,
            "file": self._file,
            "textcard": self._textcard,
            "news": self._news,
            "mpnews": self._mpnews,
            "miniprogram_notice": _notice,
            "template_card": self._template_card,
        }

    def read(self, body: Body) -> Message:
        """The message in the request ``body``. Raises :class:`ApiError`."""
        kind = body.get("msgtype")
        reader = self._readers.get(kind) if isinstance(kind, str) else None
        if reader is None or not isinstance(kind, str):
            raise ApiError(40008, None)
        content = body.get(kind)
        if not isinstance(content, dict) or not content:
            raise ApiError(40063, None)
        return reader(kind, content)

    def _text(self, kind: str, body: Body) -> Message:
        text = body.get("content", "")
        if not isinstance(text, str):
            raise ApiError(40035, None)
        if not text:
            raise ApiError(44004, 17)
        if len(text.encode()) > self._rules.refused_text_bytes:
            raise ApiError(45002, None)
        shown, cut = cut_utf8(text, self._rules.text_bytes)
        return Message(type=kind, content=shown, cut=cut)

    def _file(self, kind: str, body: Body) -> Message:
        upload = self._upload(body, "media_id", media_type(kind))
        if kind != "video":
            return Message(type=kind, upload=upload)
        title, description = _cut(body, "title", _TITLE_BYTES), _cut(body, "description", _DESCRIPTION_BYTES)
        return Message(type=kind, upload=upload, fields={"title": title, "description": description})

    def _textcard(self, kind: str, body: Body) -> Message:
        title = _required(body, "title", 41016)[:_TITLE_CHARACTERS]
        description = _required(body, "description", 41033)[:_DESCRIPTION_CHARACTERS]
        url = _url(body, "url")
        button = _text_in(body, "btntxt")[:_BUTTON_CHARACTERS]
        fields = {"title": title, "description": description, "url": url, "btntxt": button}
        return Message(type=kind, content=f"{title}\n{description}", fields=fields)

    def _news(self, kind: str, body: Body) -> Message:
        articles = [_article(article) for article in _articles(body)]
        return _shown_news(kind, articles)

    def _mpnews(self, kind: str, body: Body) -> Message:
        articles = []
        for article in _articles(body):
            thumb = self._upload(article, "thumb_media_id", "image")
            _required(article, "content", 40063)
            author = _text_in(article, "author")
            if len(author.encode()) > _AUTHOR_BYTES:
                raise ApiError(45032, None)
            articles.append(
                {
                    "title": cut_utf8(_required(article, "title", 41016), _TITLE_BYTES)[0],
                    "description": _cut(article, "digest", _DESCRIPTION_BYTES),
                    "url": _text_in(article, "content_source_url"),
                    "author": author,
                    "picture": thumb.id,
                }
            )
        return _shown_news(kind, articles)

    def _template_card(self, kind: str, card: Body) -> Message:
        problem = card_problem(card, "app")
        if problem:
            raise ApiError(self._rules.card_errcode, None, f": template_card.{problem}")
        for row in card.get("horizontal_content_list") or []:
            if row.get("type") == 2:
                self._upload(row, "media_id", None)
        return Message(type=kind, content=card_text(card), fields=shown_card(card, "app"))

    def _upload(self, body: Body, name: str, kind: MediaType | None) -> Upload:
        media_id = body.get(name)
        if not isinstance(media_id, str) or not media_id:
            raise ApiError(44001, None)
        return self._media.by_media_id(media_id, kind)


def _shown_news(kind: str, articles: list[dict[str, Any]]) -> Message:
    return Message(type=kind, content=articles[0]["title"], fields={"articles": articles})


def _articles(body: Body) -> list[Body]:
    articles = body.get("articles")
    if not isinstance(articles, list) or not all(isinstance(article, dict) for article in articles):
        raise ApiError(40035, None)
    if not 1 <= len(articles) <= _MAX_ARTICLES:
        raise ApiError(45008, None)
    return articles


def _article(article: Body) -> dict[str, Any]:
    leads_to_program = bool(_text_in(article, "appid") and _text_in(article, "pagepath"))
    return {
        "title": cut_utf8(_required(article, "title", 41016), _TITLE_BYTES)[0],
        "description": _cut(article, "description", _DESCRIPTION_BYTES),
        "url": "" if leads_to_program else _url(article, "url"),
        "picurl": _text_in(article, "picurl"),
    }


def _notice(kind: str, body: Body) -> Message:
    """A mini program's notice: shown by its title, not looked at any closer."""
    return Message(type=kind, content=_text_in(body, "title"), fields=dict(body))


def _url(body: Body, name: str) -> str:
    url = _required(body, name, 41010)
    if len(url.encode()) > _URL_BYTES:
        raise ApiError(40058, None, f": {name} exceed max length {_URL_BYTES}")
    if not url.lower().startswith(("http://", "https://")):
        raise ApiError(45034, None)
    return url


def _cut(body: Body, name: str, most_bytes: int) -> str:
    return cut_utf8(_text_in(body, name), most_bytes)[0]


def _required(body: Body, name: str, errcode: int) -> str:
    text = _text_in(body, name)
    if not text:
        raise ApiError(errcode, None)
    return text


def _text_in(body: Body, name: str) -> str:
    text = body.get(name) or ""
    if not isinstance(text, str):
        raise ApiError(40035, None)
    return text
