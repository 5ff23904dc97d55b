"""The bodies of ``kf/send_msg`` and ``send_msg_on_event`` by message type (§6.5)."""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.errcodes import ApiError
from simulator.limits import cut_utf8
from simulator.media import Media
from simulator.media_formats import media_type
from simulator.messages import Message
from simulator.rules import Rules

MAX_MENU_ITEMS = 10
MENU_ITEMS: Mapping[str, tuple[str, ...]] = {
    "click": ("content",),
    "view": ("url", "content"),
    "miniprogram": ("appid", "pagepath", "content"),
    "text": ("content",),
}
"""Kinds of menu items, and the fields that each must have."""
_AROUND_A_MENU = ("head_content", "tail_content")

Body = Mapping[str, Any]


class BodyReader:
    """Reads what is sent to customers; ``media`` knows what was uploaded."""

    def __init__(self, rules: Rules, media: Media) -> None:
        self._rules = rules
        self._media = media
        self._readers: Mapping[str, Callable[[str, Body], Message]] = {
            "text": self._text,
            "image": self._file,
            "voice": self._file,
            "video": self._file,
            "file": self._file,
            "link": self._link,
            "miniprogram": self._miniprogram,
            "location": _location,
            "msgmenu": self._menu,
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
            raise ApiError(44004, None)
        shown, cut = cut_utf8(text, self._rules.text_bytes)
        if cut and self._rules.kf_refuse_long_text:
            raise ApiError(45002, None)
        return Message(type=kind, content=shown, cut=cut)

    def _file(self, kind: str, body: Body) -> Message:
        upload = self._media.by_media_id(_required(body, "media_id", 44001), media_type(kind))
        return Message(type=kind, upload=upload)

    def _link(self, kind: str, body: Body) -> Message:
        thumb = self._media.by_media_id(_required(body, "thumb_media_id", 44001), "image")
        fields = {"title": _required(body, "title", 41016), "url": _required(body, "url", 41010)}
        return Message(
            type=kind, content=fields["title"], fields={**fields, "desc": _text_in(body, "desc"), "picture": thumb.id}
        )

    def _miniprogram(self, kind: str, body: Body) -> Message:
        thumb = self._media.by_media_id(_required(body, "thumb_media_id", 44001), "image")
        fields = {name: _required(body, name, 40063) for name in ("appid", "pagepath")}
        title = _text_in(body, "title")
        return Message(type=kind, content=title, fields={**fields, "title": title, "picture": thumb.id})

    def _menu(self, kind: str, body: Body) -> Message:
        items = body.get("list", [])
        if not isinstance(items, list):
            raise ApiError(40035, None)
        if len(items) > MAX_MENU_ITEMS:
            raise ApiError(95008, None)
        shown = [self._menu_item(item) for item in items]
        head, tail = (self._short(body, name, self._rules.kf_menu_words_bytes) for name in _AROUND_A_MENU)
        if not head and not tail and not shown:
            raise ApiError(40063, None)
        words = [head, *(item["content"] for item in shown), tail]
        fields = {"head_content": head, "list": shown, "tail_content": tail}
        return Message(type=kind, content="\n".join(filter(None, words)), fields=fields)

    def _menu_item(self, item: object) -> dict[str, Any]:
        kind = item.get("type") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(kind, str) or kind not in MENU_ITEMS:
            raise ApiError(95009, None)
        content = item.get(kind)
        if not isinstance(content, dict):
            raise ApiError(40063, None)
        fields = {name: _required(content, name, 40063) for name in MENU_ITEMS[kind]}
        if kind != "click":
            return {"type": kind, **fields}
        most = self._rules.kf_menu_item_bytes
        return {"type": kind, **{name: self._short(content, name, most) for name in ("id", "content")}}

    def _short(self, body: Body, name: str, most_bytes: int) -> str:
        text = _text_in(body, name)
        if len(text.encode(errors="replace")) > most_bytes:
            raise ApiError(40058, None, f": {name}")
        return text


def _location(kind: str, body: Body) -> Message:
    place = {name: body.get(name) for name in ("latitude", "longitude")}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in place.values()):
        raise ApiError(40035, None)
    words = {name: _text_in(body, name) for name in ("name", "address")}
    return Message(type=kind, content=words["name"], fields={**words, **place})


def _required(body: Body, name: str, errcode: int) -> str:
    text = _text_in(body, name)
    if not text:
        raise ApiError(errcode, None)
    return text


def _text_in(body: Body, name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(40035, None)
    return value
