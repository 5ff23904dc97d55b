"""Decrypted callback XML to :class:`~bot.messages.InboundMessage`: pure, no network (pages 90239, 90240).

The fields of each message type are wechatpy's classes, filled from XML that was read with bounds.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from wechatpy.work.messages import MESSAGE_TYPES

from bot.channel import Rejected
from bot.events import Event, Subscribed
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind, Sender
from channels.wecom_app.fields import read_fields

log = structlog.get_logger()

MAX_USER_ID_BYTES = 128
"""A userid has 1 to 64 bytes (page 90196); twice that leaves room for ids of linked companies, which carry more."""
MAX_MESSAGE_ID_LENGTH = 64
SYSTEM_SENDER = "sys"
"""``FromUserName`` of events that no person caused (page 90240)."""

EVENTS_THAT_NEED_WORK: Mapping[str, Event] = {"subscribe": Subscribed()}
"""Events that go through the inbox like a message: a member who gains sight of the app is welcomed."""
EVENTS_FOR_OPERATORS = frozenset(
    {
        "inactive_alert",
        "close_inactive_agent",
        "reopen_inactive_agent",
        "low_active_alert",
        "low_active",
        "active_restored",
    }
)
"""The platform stops, or restores, an app that is little used: somebody must act (page 90240)."""

_Content = tuple[str, tuple[Attachment, ...]]
"""The words of a message and what came with them."""
_NO_ATTACHMENTS: tuple[Attachment, ...] = ()
_LOGGED_NAME_LENGTH = 64


def _media(kind: MessageKind) -> Callable[[Any], _Content]:
    return lambda message: ("", (Attachment(kind=kind, media_id=message.media_id or ""),))


def _image(message: Any) -> _Content:
    attachment = Attachment(kind=MessageKind.IMAGE, media_id=message.media_id or "", url=message.image or "")
    return "", (attachment,)


def _location(message: Any) -> _Content:
    place = f"geo:{message.location_x or ''},{message.location_y or ''}"  # RFC 5870: latitude, longitude
    return message.label or "", (Attachment(kind=MessageKind.LOCATION, url=place),)


def _link(message: Any) -> _Content:
    text = "\n".join(filter(None, (message.title, message.description)))
    return text, (Attachment(kind=MessageKind.LINK, url=message.url or ""),)


_READERS: Mapping[str, tuple[MessageKind, Callable[[Any], _Content]]] = {
    "text": (MessageKind.TEXT, lambda message: (message.content or "", ())),
    "image": (MessageKind.IMAGE, _image),
    "voice": (MessageKind.VOICE, _media(MessageKind.VOICE)),
    "video": (MessageKind.VIDEO, _media(MessageKind.VIDEO)),
    "location": (MessageKind.LOCATION, _location),
    "link": (MessageKind.LINK, _link),
}
"""The documented message types (page 90239); every other one is ``UNSUPPORTED`` and answered as such."""


def parse_message(raw: bytes, bot: str, channel: str, received_at: float) -> InboundMessage | None:
    """The message or event in ``raw``, the decrypted XML; ``None`` for one that needs no work and was only logged.

    ``received_at`` is in epoch seconds. Raises :class:`~bot.channel.Rejected` with ``bad_charset``, ``bad_xml`` or
    ``bad_message`` (a sender or time outside its documented shape).
    """
    fields = read_fields(raw)
    message_type, person = fields.get("MsgType", ""), fields.get("FromUserName", "")
    event = None
    if message_type == "event":
        if not _needs_work(fields, bot, channel):
            return None
        kind, (text, attachments) = MessageKind.EVENT, ("", _NO_ATTACHMENTS)
        event = EVENTS_THAT_NEED_WORK[fields["Event"]]
        message_id = _event_id(fields)
    elif not message_type or person == SYSTEM_SENDER:
        log.info("callback_ignored", bot=bot, channel=channel, info_type=fields.get("InfoType", "")[:32])
        return None
    else:
        kind, (text, attachments) = _content(message_type, fields, bot, channel)
        message_id = _message_id(fields, raw)
    if not 1 <= len(person.encode()) <= MAX_USER_ID_BYTES:
        raise Rejected("bad_message")
    return InboundMessage(
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


def _needs_work(fields: Mapping[str, str], bot: str, channel: str) -> bool:
    name = fields.get("Event", "")
    if name in EVENTS_THAT_NEED_WORK and fields.get("FromUserName") != SYSTEM_SENDER:
        return True
    write = log.warning if name in EVENTS_FOR_OPERATORS else log.info
    write("event_ignored", bot=bot, channel=channel, name=name[:_LOGGED_NAME_LENGTH])
    return False


def _content(message_type: str, fields: Mapping[str, str], bot: str, channel: str) -> tuple[MessageKind, _Content]:
    if message_type not in _READERS:
        log.info("message_unsupported", bot=bot, channel=channel, name=message_type[:_LOGGED_NAME_LENGTH])
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
