"""Decrypted callback XML to :class:`~bot.messages.InboundMessage`: pure, no network (pages 90239, 90240).

The fields of each message type are wechatpy's classes, filled from XML that was read with bounds.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from wechatpy.work.messages import MESSAGE_TYPES

from bot.channel import Messages, Rejected
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind, Sender
from channels.wecom.callback import LOGGED_NAME_LENGTH
from channels.wecom.clicks import bounded
from channels.wecom.xml_fields import read_xml
from channels.wecom_app.events import PRESSED_BUTTON, SYSTEM_SENDER, read_event

log = structlog.get_logger()

MAX_USER_ID_BYTES = 128
"""A userid has 1 to 64 bytes (page 90196); twice that leaves room for ids of linked companies, which carry more."""
MAX_MESSAGE_ID_LENGTH = 64
MAX_MEDIA_ID_BYTES = 1024
"""No bound is documented; the ids seen have fewer than 100."""

_Content = tuple[str, tuple[Attachment, ...]]
"""The words of a message and what came with them."""
_NO_ATTACHMENTS: tuple[Attachment, ...] = ()


def _image(message: Any) -> _Content:
    attachment = Attachment(kind=MessageKind.IMAGE, media_id=message.media_id or "", url=message.image or "")
    return "", (attachment,)


def _voice(message: Any) -> _Content:
    attachment = Attachment(kind=MessageKind.VOICE, media_id=message.media_id or "", format=message.format or "")
    return "", (attachment,)


def _video(message: Any) -> _Content:
    return "", (Attachment(kind=MessageKind.VIDEO, media_id=message.media_id or ""),)


def _location(message: Any) -> _Content:
    place = f"geo:{message.location_x or ''},{message.location_y or ''}"  # RFC 5870: latitude, longitude
    return message.label or "", (Attachment(kind=MessageKind.LOCATION, url=place),)


def _link(message: Any) -> _Content:
    text = "\n".join(filter(None, (message.title, message.description)))
    return text, (Attachment(kind=MessageKind.LINK, url=message.url or ""),)


_READERS: Mapping[str, tuple[MessageKind, Callable[[Any], _Content]]] = {
    "text": (MessageKind.TEXT, lambda message: (message.content or "", ())),
    "image": (MessageKind.IMAGE, _image),
    "voice": (MessageKind.VOICE, _voice),
    "video": (MessageKind.VIDEO, _video),
    "location": (MessageKind.LOCATION, _location),
    "link": (MessageKind.LINK, _link),
}
"""The documented message types (page 90239); every other one is ``UNSUPPORTED`` and answered as such."""


UPDATES_BUTTON = "updates_button"
"""In the context of a callback that a passive reply may answer by letting the pressed button become a text."""


def parse_callback(raw: bytes, bot: str, channel: str, received_at: float) -> Messages:
    """What ``raw``, the decrypted XML, brought: a message, an event, or nothing that needs work and was only logged.

    ``received_at`` is in epoch seconds. Raises :class:`~bot.channel.Rejected` with ``bad_charset``, ``bad_xml`` or
    ``bad_message`` (a sender, time or id outside its documented shape).
    """
    callback = read_xml(raw)
    fields = callback.fields()
    message_type, person = fields.get("MsgType", ""), fields.get("FromUserName", "")
    event = None
    if message_type == "event":
        event = read_event(callback, bot, channel)
        if event is None:
            return Messages(messages=())
        kind, (text, attachments) = MessageKind.EVENT, ("", _NO_ATTACHMENTS)
        message_id = _event_id(fields)
    elif not message_type or person == SYSTEM_SENDER:
        log.info(
            "callback_ignored", bot=bot, channel=channel, info_type=fields.get("InfoType", "")[:LOGGED_NAME_LENGTH]
        )
        return Messages(messages=())
    else:
        kind, (text, attachments) = _content(message_type, fields, bot, channel)
        message_id = _message_id(fields, raw)
    if not 1 <= len(person.encode()) <= MAX_USER_ID_BYTES:
        raise Rejected("bad_message")
    message = InboundMessage(
        conversation=ConversationId(bot=bot, channel=channel, person=person),
        message_id=message_id,
        sender=Sender(id=person),
        kind=kind,
        text=text,
        attachments=attachments,
        event=event,
        sent_at=_sent_at(fields),
        received_at=received_at,
    )
    is_button = event is not None and fields["Event"] == PRESSED_BUTTON
    return Messages(messages=(message,), context={UPDATES_BUTTON: True} if is_button else {})


def _content(message_type: str, fields: Mapping[str, str], bot: str, channel: str) -> tuple[MessageKind, _Content]:
    bounded(fields.get("MediaId", ""), MAX_MEDIA_ID_BYTES)
    if message_type == "file" and fields.get("MediaId"):  # not in the documentation; fetched like any other medium
        return MessageKind.FILE, ("", (Attachment(kind=MessageKind.FILE, media_id=fields["MediaId"]),))
    if message_type not in _READERS:
        log.info("message_unsupported", bot=bot, channel=channel, name=message_type[:LOGGED_NAME_LENGTH])
        return MessageKind.UNSUPPORTED, ("", _NO_ATTACHMENTS)
    kind, read = _READERS[message_type]
    return kind, read(MESSAGE_TYPES[message_type](dict(fields)))


def _message_id(fields: Mapping[str, str], raw: bytes) -> str:
    """``MsgId``; for a type that comes without one, SHA-1 of the whole XML, which a repeated delivery leaves alike."""
    message_id = fields.get("MsgId", "")
    if 1 <= len(message_id) <= MAX_MESSAGE_ID_LENGTH:
        return message_id
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def _event_id(fields: Mapping[str, str]) -> str:
    """An event has no ``MsgId``: page 90238 names sender and time; the rest parts two events of one second."""
    event_key = fields.get("EventKey") or fields.get("ChangeType", "")
    pieces = (fields.get("FromUserName", ""), fields.get("CreateTime", ""), fields.get("Event", ""), event_key)
    identity = "\0".join((*pieces, fields.get("TaskId", "")))
    return hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()


def _sent_at(fields: Mapping[str, str]) -> float:
    created = fields.get("CreateTime", "")
    if re.fullmatch(r"[0-9]{1,12}", created) is None:
        raise Rejected("bad_message")
    return float(created)
