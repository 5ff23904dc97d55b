"""Group robots (消息推送): a webhook that puts messages into one group and hears nothing (§3, rule 25).

Not thread-safe: the API works under one lock.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from simulator.chats import Chats
from simulator.errcodes import ApiError
from simulator.journal import Journal
from simulator.limits import Quota
from simulator.media import Media
from simulator.media_formats import PICTURES, MediaType, check_media
from simulator.messages import Message, MessageReader
from simulator.rules import Rules
from simulator.sending import read_body
from simulator.settings import Robot
from simulator.uploads import Uploads

RULE = 25
_MINUTE_S = 60.0
_CARDS = ("text_notice", "news_notice")
_UPLOADED: tuple[MediaType, ...] = ("file", "voice")


class Robots:
    """All robots of the corp by key. ``disabled`` are the keys of those that an administrator stopped."""

    def __init__(
        self,
        robots: Sequence[Robot],
        *,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        media: Media,
        uploads: Uploads,
        clock: Callable[[], float],
    ) -> None:
        self._robots = {robot.key: robot for robot in robots}
        self._rules = rules
        self._journal = journal
        self._chats = chats
        self._media = media
        self._uploads = uploads
        self._clock = clock
        self._reader = MessageReader(rules, media)
        self.clear()

    def clear(self) -> None:
        """Forget rates and media ids, and let every robot speak again."""
        self.disabled: set[str] = set()
        self._rates = {key: Quota(_MINUTE_S, _MINUTE_S) for key in self._robots}
        self._media_of: dict[str, str] = {}

    def has(self, key: str) -> bool:
        """Whether there is a robot with this key."""
        return key in self._robots

    def send(self, key: str, raw: bytes, request_id: str) -> dict[str, Any]:
        """The answer to ``webhook/send`` with the body ``raw``. Raises :class:`ApiError`."""
        robot = self._robot(key)
        if not self._rates[key].take(self._clock(), self._rules.robot_per_minute):
            raise ApiError(45009, RULE)
        message = self._message(key, read_body(raw, self._rules))
        self._chats.add(
            member="",
            via="webhook",
            peer="bot",
            chat=robot.chatid,
            type=message.type,
            content=message.content,
            fields={**message.fields, "author": robot.name},
            upload=message.upload.summary() if message.upload else None,
            request_id=request_id,
        )
        self._journal.rule(RULE, "robot_spoke", request_id, chat=robot.chatid)
        return {"errcode": 0, "errmsg": "ok"}

    def upload(self, key: str, named: str, name: str, data: bytes) -> dict[str, Any]:
        """The answer to ``webhook/upload_media`` of ``data`` as the type that is ``named``. Raises
        :class:`ApiError`."""
        self._robot(key)
        kind = next((known for known in _UPLOADED if known == named), None)
        if kind is None:
            raise ApiError(40005, RULE)
        check_media(kind, data, self._rules)
        media_id = self._media.media_id(self._uploads.add(name, data), kind)
        self._media_of[media_id] = key
        created_at = str(int(self._clock()))
        return {"errcode": 0, "errmsg": "ok", "type": kind, "media_id": media_id, "created_at": created_at}

    def _robot(self, key: str) -> Robot:
        robot = self._robots.get(key)
        if robot is None:
            raise ApiError(93000, RULE)
        if key in self.disabled:
            raise ApiError(93004, RULE)
        return robot

    def _message(self, key: str, body: Mapping[str, Any]) -> Message:
        kind = body.get("msgtype")
        if not isinstance(kind, str):
            raise ApiError(40008, RULE)
        content = body.get(kind)
        match kind:
            case "text" | "markdown" | "markdown_v2":
                return self._words(kind, content)
            case "image":
                return self._picture(_object(content))
            case "news" | "file" | "voice" | "template_card":
                if kind in _UPLOADED and self._media_of.get(str(_object(content).get("media_id"))) != key:
                    raise ApiError(40007, RULE)  # it works only with the key it was uploaded with
                if kind == "template_card" and _object(content).get("card_type") not in _CARDS:
                    raise ApiError(40058, RULE, ": a robot's card has no buttons")
                return self._reader.read(body)
        raise ApiError(40008, RULE)

    def _words(self, kind: str, content: object) -> Message:
        words = _object(content).get("content")
        if not isinstance(words, str):
            raise ApiError(40058, RULE)
        if not words:
            raise ApiError(44004, RULE)
        most = self._rules.text_bytes if kind == "text" else self._rules.robot_markdown_bytes
        if len(words.encode()) > most:
            raise ApiError(40058, RULE, f": {kind}.content exceed max length {most}")
        mentions = [str(one) for one in _object(content).get("mentioned_list") or []]
        fields = {"mentioned_list": mentions} if mentions and kind == "text" else {}
        return Message(type="text" if kind == "text" else "markdown", content=words, fields=fields)

    def _picture(self, content: Mapping[str, Any]) -> Message:
        try:
            data = base64.b64decode(str(content.get("base64", "")), validate=True)
        except binascii.Error:
            _wrong_picture()
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != str(content.get("md5", "")).lower():
            raise ApiError(self._rules.robot_md5_errcode, RULE)
        if len(data) > self._rules.robot_image_bytes:
            raise ApiError(40009, RULE)
        if not data.startswith(PICTURES):
            _wrong_picture()
        return Message(type="image", upload=self._uploads.add("image", data))


def _object(content: object) -> Mapping[str, Any]:
    if not isinstance(content, dict) or not content:
        raise ApiError(40063, RULE)
    return content


def _wrong_picture() -> NoReturn:
    raise ApiError(40058, RULE, ": image.base64 is no JPG or PNG")
