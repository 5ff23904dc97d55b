"""What people send, the conversation it belongs to, and what an answer rests on.

All types are frozen. What goes through Redis has ``encode``/``decode`` with a schema version, so that a message
accepted by one release is still understood by the next. Replies are made of :mod:`bot.parts`.
"""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self
from urllib.parse import quote, unquote

from bot.errors import BotError
from bot.events import Event, decode_event, encode_event
from bot.json_fields import items, number, texts
from bot.shallow import shallow

BUCKETS = 256
"""Number of Redis hash-tag buckets; fixed for ever, because keys already written carry it."""

LONGEST_QUESTION = 4000
"""Characters of a message; who writes more is asked for less, and nothing is cut silently."""
_SCHEMA = 1
_TURN_ID = re.compile(r"[a-z2-7]{20}")


class UndecodableMessage(BotError):
    """Bytes from Redis that no release of ours wrote; ``raw`` keeps them."""

    def __init__(self, raw: bytes, why: str) -> None:
        self.raw = raw
        super().__init__(f"undecodable message ({why}), {len(raw)} bytes kept")


class MessageKind(StrEnum):
    """What a person sent. ``UNSUPPORTED`` is a kind the platform sent that we do not know."""

    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"
    LOCATION = "location"
    LINK = "link"
    EVENT = "event"
    UNSUPPORTED = "unsupported"


class ReplyKind(StrEnum):
    """How a reply came about; shown by ``ask --json`` and kept with every turn."""

    FAQ = "faq"
    GROUNDED = "grounded"
    EXTRACTIVE = "extractive"
    FLOW = "flow"
    REFUSAL = "refusal"
    HANDOFF = "handoff"
    COMMAND = "command"
    NOTICE = "notice"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationId:
    """One person in one chat with one bot over one channel: the unit of order.

    ``bot`` and ``channel`` are the ids of ``bots.yaml``; ``chat`` is the platform's group id, empty in a single chat;
    ``person`` is the platform's user id, opaque.
    """

    bot: str
    channel: str
    person: str
    chat: str = ""

    @property
    def key(self) -> str:
        """``bot/channel/chat/person`` with each piece percent-encoded; readable in logs and Redis keys."""
        return _joined(self.bot, self.channel, self.chat, self.person)

    @classmethod
    def from_key(cls, key: str) -> Self:
        """The inverse of :attr:`key`. Raises ``ValueError`` when ``key`` does not have four pieces."""
        bot, channel, chat, person = (unquote(piece) for piece in key.split("/"))
        return cls(bot=bot, channel=channel, chat=chat, person=person)

    @property
    def tag(self) -> str:
        """The Redis hash tag, ``{b042}``: crc32 of the key modulo :data:`BUCKETS`."""
        return _tag_of(self.key)


@lru_cache(maxsize=1024)  # a turn asks for them two dozen times
def _joined(*pieces: str) -> str:
    return "/".join(quote(piece, safe="@.") for piece in pieces)


@lru_cache(maxsize=1024)
def _tag_of(key: str) -> str:
    return f"{{b{zlib.crc32(key.encode()) % BUCKETS:03d}}}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Who wrote: the platform's user id (opaque) and, where the platform tells it, a name for people."""

    id: str
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A medium by reference; the bytes stay with the platform until somebody needs them.

    ``media_id`` and ``url`` are the platform's: where :meth:`bot.channel.Channel.fetch` finds the bytes. ``format`` is
    what the platform says of a voice, such as ``amr``. A location is a ``geo:`` URI (RFC 5870) and a link its URL:
    neither is ever fetched.
    """

    kind: MessageKind
    media_id: str = ""
    url: str = ""
    format: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quoted:
    """What a message quotes: the kind of the quoted message and its words, empty where it has none."""

    kind: MessageKind
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundMessage:
    """One message or event from a person.

    ``message_id`` is the platform's id, or sha1 over the fields that identify an event; unique per (bot, channel).
    ``text`` is what was written, without platform markup; empty for an event, which is told by ``event``.
    ``sent_at`` is the platform's time, ``received_at`` ours, both in seconds since the epoch. ``stream_id`` names the
    bubble that the platform already shows for the reply (empty where it shows none), see :mod:`bot.streams`;
    ``response_url`` is where one late reply may be posted.
    """

    conversation: ConversationId
    message_id: str
    sender: Sender
    kind: MessageKind
    text: str
    sent_at: float
    received_at: float
    attachments: tuple[Attachment, ...] = ()
    quoted: Quoted | None = None
    event: Event | None = None
    stream_id: str = ""
    response_url: str = ""

    @property
    def turn_id(self) -> str:
        """The id of the turn that this message begins: 20 letters and digits, the same in every process and try."""
        return turn_id_of(self.conversation.bot, self.conversation.channel, self.message_id)

    def encode(self) -> bytes:
        """UTF-8 JSON with a schema version."""
        fields = {"v": _SCHEMA, **shallow(self)}
        fields["conversation"], fields["sender"] = shallow(self.conversation), shallow(self.sender)
        fields["attachments"] = [shallow(attachment) for attachment in self.attachments]
        fields["quoted"] = shallow(self.quoted) if self.quoted else None
        fields["event"] = encode_event(self.event) if self.event else None
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The inverse of :meth:`encode`. Raises :class:`UndecodableMessage`, which keeps the bytes."""
        try:
            fields: dict[str, Any] = json.loads(raw)
            if fields.pop("v") != _SCHEMA:
                raise UndecodableMessage(raw, "unknown schema version")
            return cls(
                conversation=ConversationId(**texts(fields.pop("conversation"))),
                sender=Sender(**texts(fields.pop("sender"))),
                kind=MessageKind(fields.pop("kind")),
                sent_at=number(fields.pop("sent_at")),
                received_at=number(fields.pop("received_at")),
                attachments=tuple(_attachment(each) for each in items(fields.pop("attachments"))),
                quoted=_quoted(fields.pop("quoted", None)),
                event=None if (event := fields.pop("event", None)) is None else decode_event(event),
                **texts(fields),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UndecodableMessage(raw, type(error).__name__) from error


def turn_id_of(bot: str, channel: str, message_id: str) -> str:
    """See :attr:`InboundMessage.turn_id`."""
    origin = "\0".join((bot, channel, message_id))
    return base64.b32encode(hashlib.sha256(origin.encode()).digest())[:20].decode().lower()


def is_turn_id(text: str) -> bool:
    """Whether ``text`` has the shape of :attr:`InboundMessage.turn_id`; what a platform hands back need not."""
    return _TURN_ID.fullmatch(text) is not None


def _attachment(fields: dict[str, Any]) -> Attachment:
    return Attachment(kind=MessageKind(fields.pop("kind")), **texts(fields))


def _quoted(fields: dict[str, Any] | None) -> Quoted | None:
    return None if fields is None else Quoted(kind=MessageKind(fields.pop("kind")), **texts(fields))


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """Where an answer stands.

    ``n`` is the number shown to the person, from 1; ``title`` the document's or FAQ's title, ``source`` the file it
    came from, ``location`` the section path or row inside it, ``quote`` the words the answer rests on;
    ``approval_number`` is that of the material, empty where it has none.
    """

    n: int
    title: str
    source: str
    location: str
    quote: str
    approval_number: str = ""

    def to_json(self) -> dict[str, Any]:
        """Its values by name; an approval number only where there is one."""
        fields = shallow(self)
        if not self.approval_number:
            del fields["approval_number"]
        return fields
