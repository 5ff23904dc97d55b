"""What the bot may answer to which callback (§4.3 to 4.6; rules 27, 31 and 32)."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulator.aibot.sealed_reply import BadReply, read_object
from simulator.card_grammar import Card, card_problem, shown_card
from simulator.limits import cut_utf8
from simulator.media_formats import PICTURES
from simulator.rules import Rules

MAX_PICTURES = 10
MAX_PICTURE_BYTES = 10 * 1024 * 1024
MAX_FEEDBACK_ID_BYTES = 256

Asked = Literal["message", "refresh", "enter_chat", "template_card_event", "feedback_event", "event"]
"""What was sent to the bot; ``event`` is any other event."""

_ALLOWED: Mapping[Asked, tuple[str, ...]] = {
    "message": ("stream", "template_card", "stream_with_template_card"),
    "refresh": ("stream", "stream_with_template_card"),
    "enter_chat": ("text", "template_card"),
    "template_card_event": ("update_template_card",),
    "feedback_event": (),
    "event": (),
}
_RULE = {"refresh": 27, "enter_chat": 31, "feedback_event": 32}


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPart:
    """A stream as of now; ``id`` may be empty in a refresh, ``pictures`` come with the end."""

    id: str
    content: str
    finish: bool
    cut: bool = False
    pictures: tuple[bytes, ...] = ()
    feedback: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BotReply:
    """What is to be shown: a text, a stream, a card, or a card in another's place (``update``, for ``userids``)."""

    text: str = ""
    stream: StreamPart | None = None
    card: Card | None = None
    update: Card | None = None
    userids: tuple[str, ...] = ()


def read_reply(plain: str, asked: Asked, rules: Rules) -> BotReply | None:
    """The decrypted answer ``plain``; ``None`` where it is empty or ``{}``. Raises :class:`BadReply`."""
    body = read_object(plain) if plain else {}
    if not body:
        return None
    kind = _kind(body)
    if kind not in _ALLOWED[asked]:
        rule = 31 if kind == "text" else _RULE.get(asked, 6)
        raise BadReply("reply_not_allowed", rule, msgtype=kind, to=asked)
    if kind == "text":
        return BotReply(text=_text(body))
    if kind == "update_template_card":
        return BotReply(update=_card(body, is_update=True), userids=_userids(body))
    return BotReply(
        stream=_stream(body, asked, rules) if kind != "template_card" else None,
        card=_card(body) if kind != "stream" else None,
    )


def _kind(body: Mapping[str, Any]) -> str:
    kind = body.get("response_type") if "response_type" in body else body.get("msgtype")
    return kind if isinstance(kind, str) else ""


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    content = text.get("content") if isinstance(text, dict) else None
    if not isinstance(content, str) or not content:
        raise BadReply("incomplete_reply")
    return content


def _userids(body: Mapping[str, Any]) -> tuple[str, ...]:
    userids = body.get("userids", [])
    if not isinstance(userids, list) or not all(isinstance(userid, str) for userid in userids):
        raise BadReply("incomplete_reply")
    return tuple(userids)


def _card(body: Mapping[str, Any], *, is_update: bool = False) -> Card:
    card = body.get("template_card", {})
    problem = card_problem(card, "bot", is_update=is_update)
    if problem:
        raise BadReply("bad_template_card", field=problem)
    return shown_card(card, "bot")


def _stream(body: Mapping[str, Any], asked: Asked, rules: Rules) -> StreamPart:
    stream = body.get("stream")
    if not isinstance(stream, dict):
        raise BadReply("incomplete_reply")
    stream_id, content, finish = stream.get("id", ""), stream.get("content", ""), stream.get("finish", False)
    if not isinstance(stream_id, str) or not isinstance(content, str) or not isinstance(finish, bool):
        raise BadReply("incomplete_reply")
    if asked == "message" and not stream_id:
        raise BadReply("stream_without_id", 27)
    if len(content.encode()) > rules.stream_bytes and rules.refuse_long_stream:
        raise BadReply("stream_too_long", 27, limit_bytes=rules.stream_bytes)
    shown, cut = cut_utf8(content, rules.stream_bytes)
    return StreamPart(
        id=stream_id,
        content=shown,
        finish=finish,
        cut=cut,
        pictures=_pictures(stream, finish, rules),
        feedback=read_feedback(stream),
    )


def read_feedback(part: Mapping[str, Any]) -> str:
    """The ``feedback.id`` of a stream, card or active reply, empty without one. Raises :class:`BadReply`."""
    feedback = part.get("feedback", {})
    feedback_id = feedback.get("id", "") if isinstance(feedback, dict) else None
    if not isinstance(feedback_id, str) or len(feedback_id.encode()) > MAX_FEEDBACK_ID_BYTES:
        raise BadReply("bad_feedback_id", 32)
    return feedback_id


def _pictures(stream: Mapping[str, Any], finish: bool, rules: Rules) -> tuple[bytes, ...]:
    items = stream.get("msg_item") or []
    if not finish and items:
        if rules.refuse_early_pictures:
            raise BadReply("pictures_before_the_end", 27)
        return ()
    if not isinstance(items, list) or len(items) > MAX_PICTURES:
        raise BadReply("too_many_pictures", 27)
    return tuple(map(_picture, items))


def _picture(item: object) -> bytes:
    image = item.get("image") if isinstance(item, dict) and item.get("msgtype") == "image" else None
    if not isinstance(image, dict):
        raise BadReply("bad_picture", 27)
    try:
        data = base64.b64decode(str(image.get("base64", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadReply("bad_picture", 27) from error
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if not data.startswith(PICTURES) or len(data) > MAX_PICTURE_BYTES or image.get("md5") != digest:
        raise BadReply("bad_picture", 27)
    return data
