"""What the robot says inside an HTTP answer, and the name of the bubble it says it in (pages 100719, 101031)."""

import base64
import hashlib
import hmac
from typing import Any

from bot.channel import Greeting, Immediate, Messages, Poll, StreamState

MAX_CONTENT_BYTES = 20_480
"""Of a stream's content (page 101031) and of a late reply (page 101138)."""
STREAM_ID_LENGTH = 32


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
        case Messages(messages=(first, *_)):
            return _stream(first.stream_id, immediate)
        case _:
            return None


def _text(content: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": _cut(content)}}


def _stream(stream_id: str, immediate: Immediate) -> dict[str, Any] | None:
    state = immediate.stream
    if state is None:
        if not immediate.notice:
            return None
        state = StreamState(text=immediate.notice, finished=True)
    return {"msgtype": "stream", "stream": {"id": stream_id, "finish": state.finished, "content": _cut(state.text)}}


def _cut(text: str) -> str:
    """The beginning of ``text`` within :data:`MAX_CONTENT_BYTES`, whole characters; more would be refused."""
    return text.encode(errors="replace")[:MAX_CONTENT_BYTES].decode(errors="ignore")
