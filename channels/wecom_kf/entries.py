"""What stands on a page of ``sync_msg``, entry by entry, as :class:`~bot.messages.InboundMessage` (pages 94670, 94699).

Pure, no network. A message that is not as documented inside is one that cannot be read, which can be answered; an entry
of which not even that much can be told is left out. Both are logged and counted, and neither stops what comes after it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.channel import ChannelAddress, Rejected
from bot.events import CardClick, ServicerWrote
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind, Sender
from channels.wecom.callback import LOGGED_NAME_LENGTH
from channels.wecom.json_fields import Fields
from channels.wecom_kf.events import EventEntry, read_event

log = structlog.get_logger()

CUSTOMER, SERVICER = 3, 5
"""``origin``: who a message comes from; what the API sent never comes back."""
MAX_MEDIA_ID_BYTES = 1024
_NAMED_CHOICE = re.compile(r"(?P<key>[a-z_]{1,32}:[0-9A-Za-z_-]{1,64}):(?P<choice>[0-9A-Za-z_-]{1,32})", re.ASCII)
"""The ids of :attr:`bot.parts.Menu.ids`."""

_Content = tuple[MessageKind, str, tuple[Attachment, ...]]
_UNSUPPORTED: _Content = (MessageKind.UNSUPPORTED, "", ())


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry that needs work, as a ``message``, and what came with its event (:class:`.events.EventEntry`).
    ``opens`` tells that the customer wrote, which opens a new allowance."""

    message: InboundMessage
    opens: bool = False
    code: str = ""
    code_life_s: float = 0.0
    failed: str = ""


class EntryReader:
    """Reads the entries of one account. ``count`` counts what is left out."""

    def __init__(self, address: ChannelAddress, open_kfid: str, count: Callable[..., None]) -> None:
        self._address = address
        self.open_kfid = open_kfid
        self._count = count

    def read(self, raw: object, received_at: float) -> Entry | None:
        """The entry in ``raw``, an object of ``msg_list``; ``None`` for one that needs no work."""
        listed = raw if isinstance(raw, dict) else {}
        try:
            return self._entry(listed, received_at)
        except Rejected:
            name = str(listed.get("msgtype"))[:LOGGED_NAME_LENGTH]
            log.warning("entry_unreadable", account=self.open_kfid, name=name)
            self._count("degraded", what="entry_unreadable")
            return None

    def _entry(self, raw: Mapping[str, Any], received_at: float) -> Entry | None:
        fields = about = Fields(raw)
        if fields.text("msgtype") == "event":
            about = fields.object("event")  # an event names its account and customer inside
        account, person = about.identifier("open_kfid"), about.identifier("external_userid")
        if account and account != self.open_kfid:
            log.info("entry_of_another_account", account=account[:LOGGED_NAME_LENGTH])
            return None
        envelope = {"message_id": _message_id(fields, raw), "sent_at": float(_required_second(fields))}
        if about is not fields:
            return self._event(about, person, received_at, envelope)
        if fields.number("origin") == SERVICER:  # a human's own words are no question to us
            wrote = ServicerWrote(servicer=fields.identifier("servicer_userid"))
            return Entry(message=self._message(person, MessageKind.EVENT, received_at, envelope, event=wrote))
        if fields.number("origin") != CUSTOMER:  # whose words these are is not known, so nobody is answered
            raise Rejected("bad_message")
        if pressed := _pressed(fields):
            message = self._message(person, MessageKind.EVENT, received_at, envelope, event=pressed)
            return Entry(message=message, opens=True)
        kind, text, attachments = self._content(fields)
        message = self._message(person, kind, received_at, envelope, text=text, attachments=attachments)
        return Entry(message=message, opens=True)

    def _content(self, fields: Fields) -> _Content:
        name = fields.text("msgtype")
        reader = _READERS.get(name)
        if reader is None:
            log.info("message_unsupported", name=name[:LOGGED_NAME_LENGTH])
            return _UNSUPPORTED
        try:
            return reader(fields.object(name))
        except Rejected:
            log.warning("content_unreadable", account=self.open_kfid, name=name)
            self._count("degraded", what="content_unreadable")
            return _UNSUPPORTED

    def _event(self, event: Fields, person: str, received_at: float, envelope: Mapping[str, Any]) -> Entry | None:
        found: EventEntry | None = read_event(event, envelope["sent_at"])
        if found is None:
            return None
        message = self._message(person, MessageKind.EVENT, received_at, envelope, event=found.event)
        return Entry(message=message, code=found.code, code_life_s=found.code_life_s, failed=found.failed)

    def _message(
        self, person: str, kind: MessageKind, received_at: float, envelope: Mapping[str, Any], **more: Any
    ) -> InboundMessage:
        if not person:
            raise Rejected("bad_message")
        return InboundMessage(
            conversation=ConversationId(bot=self._address.bot, channel=self._address.channel, person=person),
            sender=Sender(id=person),
            kind=kind,
            received_at=received_at,
            **{"text": "", **envelope, **more},
        )


def _message_id(fields: Fields, raw: Mapping[str, Any]) -> str:
    """``msgid``; for an entry without one, SHA-1 of all it says, which a repeated page leaves alike."""
    if given := fields.identifier("msgid"):
        return given
    said = json.dumps(raw, sort_keys=True)
    return hashlib.sha1(said.encode(), usedforsecurity=False).hexdigest()


def _required_second(fields: Fields) -> int:
    second = fields.seconds("send_time")
    if second is None:
        raise Rejected("bad_message")
    return second


def _pressed(fields: Fields) -> CardClick | None:
    """The choice in a menu whose choices have ids of their own; ``None`` for whatever else a customer wrote."""
    content = fields.values.get("text") if fields.text("msgtype") == "text" else None
    menu_id = content.get("menu_id") if isinstance(content, dict) else None
    named = _NAMED_CHOICE.fullmatch(menu_id) if isinstance(menu_id, str) else None
    if named is None:
        return None
    key, choice = named["key"], named["choice"]
    return CardClick(task_id=named[0], key=key, chosen={key: (choice,)})


def _medium(kind: MessageKind, voice_format: str = "") -> Callable[[Fields], _Content]:
    def read(content: Fields) -> _Content:
        media_id = content.identifier("media_id", MAX_MEDIA_ID_BYTES)
        return kind, "", (Attachment(kind=kind, media_id=media_id, format=voice_format),)

    return read


def _location(content: Fields) -> _Content:
    place = [content.values.get(name) for name in ("latitude", "longitude")]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in place):
        raise Rejected("bad_message")
    url = f"geo:{place[0]},{place[1]}"  # RFC 5870: latitude, longitude
    words = "\n".join(filter(None, (content.text("name"), content.text("address"))))
    return MessageKind.LOCATION, words, (Attachment(kind=MessageKind.LOCATION, url=url),)


def _link(content: Fields) -> _Content:
    words = "\n".join(filter(None, (content.text("title"), content.text("desc"))))
    return MessageKind.LINK, words, (Attachment(kind=MessageKind.LINK, url=content.url("url")),)


_READERS: Mapping[str, Callable[[Fields], _Content]] = {
    "text": lambda content: (MessageKind.TEXT, content.text("content"), ()),
    "image": _medium(MessageKind.IMAGE),
    "voice": _medium(MessageKind.VOICE, "amr"),
    "video": _medium(MessageKind.VIDEO),
    "file": _medium(MessageKind.FILE),
    "location": _location,
    "link": _link,
}
"""The documented types that can be worked on. A choice in a menu is a text too, in the words of the choice (where its
``menu_id`` only counts, that says nothing more); every other type is ``UNSUPPORTED`` and answered as such."""
