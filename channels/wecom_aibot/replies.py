"""What the robot says inside an HTTP answer, and the name of the bubble it says it in (pages 100719, 101031)."""

import base64
import hashlib
import hmac
from typing import Any

from bot.channel import Greeting, Immediate, Messages, Poll, StreamState
from bot.events import CardClick
from bot.messages import InboundMessage
from channels.wecom.cards import CardLengths
from channels.wecom.cutting import cut_bytes, cut_characters

MAX_CONTENT_BYTES = 20_480
"""Of a stream's content (page 101031) and of a late reply (page 101138)."""
STREAM_ID_LENGTH = 32
MAX_PICTURES = 10
MAX_PICTURE_BYTES = 10 * 1024 * 1024
"""Pictures of a stream, JPEG or PNG, only with its last answer (page 101031)."""
CARD_LENGTHS = CardLengths(title=26, line=30, text=112)
"""Page 101032."""
PRESSED_CARD_URL = "https://work.weixin.qq.com/"
"""Where a card leads that was pressed: a card without buttons must lead somewhere (page 101032)."""


def stream_id_of(message_id: str, encoding_aes_key: str) -> str:
    """The bubble of the message: a redelivery gets the same one, and nobody can guess that of another."""
    digest = hmac.digest(encoding_aes_key.encode(), message_id.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:STREAM_ID_LENGTH]


def reply_to(received: Messages | Poll | Greeting, immediate: Immediate) -> dict[str, Any] | None:
    """The platform's JSON for what can be said in answer to ``received``; ``None`` where there is nothing to say.

    A notice alone ends the bubble, for nothing follows it. Text outside a stream is allowed for a greeting only
    (page 101031).
    """
    match received:
        case Greeting():
            return _text(immediate.notice) if immediate.notice else None
        case Poll():
            return _stream(received.stream_id, immediate)
        case Messages(messages=(first, *_)) if first.event is not None:
            return _pressed(first, immediate)
        case Messages(messages=(first, *_)):
            return _stream(first.stream_id, immediate, turn_id=immediate.turn_id)
        case _:
            return None


def _text(content: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": cut_bytes(content, MAX_CONTENT_BYTES)}}


def _stream(stream_id: str, immediate: Immediate, turn_id: str = "") -> dict[str, Any] | None:
    """The bubble; only with a ``turn_id``, in its first answer, can people rate it (page 101031)."""
    state = immediate.stream
    if state is None:
        if not immediate.notice:
            return None
        state, turn_id = StreamState(text=immediate.notice, finished=True), ""
    content = cut_bytes(state.text, MAX_CONTENT_BYTES)
    stream: dict[str, Any] = {"id": stream_id, "finish": state.finished, "content": content}
    if state.finished and state.pictures:
        stream["msg_item"] = [_picture(picture) for picture in state.pictures[:MAX_PICTURES]]
    if turn_id:
        stream["feedback"] = {"id": turn_id}
    return {"msgtype": "stream", "stream": stream}


def _picture(picture: bytes) -> dict[str, Any]:
    digest = hashlib.md5(picture, usedforsecurity=False).hexdigest()
    return {"msgtype": "image", "image": {"base64": base64.b64encode(picture).decode(), "md5": digest}}


def _pressed(message: InboundMessage, immediate: Immediate) -> dict[str, Any] | None:
    """The card that was pressed becomes, for whoever pressed it, one that says so and has no buttons; this is the only
    chance to change it (page 101031). A notice is said there too, for nobody would see it elsewhere."""
    words = immediate.pressed or immediate.notice
    if not isinstance(message.event, CardClick) or not message.event.task_id or not words:
        return None
    card = {
        "card_type": "text_notice",
        "main_title": {"title": cut_characters(words, CARD_LENGTHS.title)},
        "card_action": {"type": 1, "url": PRESSED_CARD_URL},
        "task_id": message.event.task_id,
    }
    return {"response_type": "update_template_card", "userids": [message.sender.id], "template_card": card}
