"""Decrypted callback JSON to what the product understands: pure, no network (pages 100719, 101027)."""

import hashlib
from dataclasses import dataclass

import structlog

from bot.channel import CallbackRequest, ChannelAddress, Greeting, Messages, Poll, Rejected
from bot.messages import ConversationId, InboundMessage, MessageKind, Sender
from channels.wecom.callback import LOGGED_NAME_LENGTH, argument
from channels.wecom.json_fields import MAX_ID_BYTES, Fields, read_object
from channels.wecom_aibot.config import Config
from channels.wecom_aibot.content import read_content, read_quote
from channels.wecom_aibot.events import read_event
from channels.wecom_aibot.mentions import without_robot
from channels.wecom_aibot.replies import stream_id_of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Callback:
    """One genuine callback: the request, and its decrypted body as bytes and as JSON."""

    request: CallbackRequest
    plain: bytes
    fields: Fields

    @property
    def context(self) -> dict[str, str]:
        """What an answer needs: it must carry the callback's own nonce (page 101033)."""
        return {"nonce": argument(self.request, "nonce")}


class CallbackReader:
    """Reads the callbacks of one robot.

    :meth:`read` raises :class:`~bot.channel.Rejected` with ``bad_charset``, ``bad_json`` or ``bad_message`` (a value
    of another type, or a person, chat or stream that is not named).
    """

    def __init__(self, address: ChannelAddress, config: Config) -> None:
        self._address = address
        self._names = (config.display_name, address.bot_name)
        self._encoding_aes_key = config.encoding_aes_key.get_secret_value()

    def read(self, request: CallbackRequest, plain: bytes) -> Messages | Poll | Greeting:
        """What the genuine ``request``, decrypted to ``plain``, brought; no message for an event that was only
        logged."""
        fields = Fields(read_object(plain))
        callback = _Callback(request, plain, fields)
        message_type = fields.text("msgtype")
        if message_type == "event":
            return self._event(callback)
        if message_type == "stream":
            stream_id = fields.object("stream").identifier("id")
            if not stream_id:
                raise Rejected("bad_message")
            return Poll(conversation=self._conversation(fields), stream_id=stream_id, context=callback.context)
        if not message_type:
            raise Rejected("bad_message")
        return Messages(messages=(self._message(callback, message_type),), context=callback.context)

    def _message(self, callback: _Callback, message_type: str) -> InboundMessage:
        fields, conversation = callback.fields, self._conversation(callback.fields)
        content = read_content(fields)
        if content.kind is MessageKind.UNSUPPORTED:
            self._log("message_unsupported", name=message_type[:LOGGED_NAME_LENGTH])
        text = without_robot(content.text, self._names) if conversation.chat else content.text
        message_id = _message_id(callback)
        return InboundMessage(
            conversation=conversation,
            message_id=message_id,
            sender=Sender(id=conversation.person),
            kind=content.kind,
            text=text,
            sent_at=_sent_at(callback),
            received_at=callback.request.received_at,
            attachments=content.attachments,
            quoted=read_quote(fields),
            stream_id=stream_id_of(message_id, self._encoding_aes_key),
            response_url=fields.url("response_url"),
        )

    def _event(self, callback: _Callback) -> Messages | Greeting:
        """What somebody did: greeted in the answer, or work for the product; an event nobody knows is logged.

        A card's event is sent once and must be answered within 5 s (page 101027), and a feedback takes nothing but the
        empty answer.
        """
        fields = callback.fields.object("event")
        name = fields.text("eventtype")
        if name == "enter_chat":
            return Greeting(conversation=self._conversation(callback.fields), context=callback.context)
        event = read_event(fields)
        if event is None:
            self._log("event_ignored", name=name[:LOGGED_NAME_LENGTH])
            return Messages(messages=(), context=callback.context)
        conversation = self._conversation(callback.fields)
        message = InboundMessage(
            conversation=conversation,
            message_id=_message_id(callback),
            sender=Sender(id=conversation.person),
            kind=MessageKind.EVENT,
            text="",
            sent_at=_sent_at(callback),
            received_at=callback.request.received_at,
            event=event,
            response_url=callback.fields.url("response_url"),
        )
        return Messages(messages=(message,), context=callback.context)

    def _conversation(self, fields: Fields) -> ConversationId:
        """Who speaks, and where.

        ``enter_chat`` comes without a ``chattype`` (page 101027), so a chat that is named counts as a group unless it
        is said to be single: taking a group for a single chat could show its members what is meant for one.
        """
        person, chat = fields.object("from").identifier("userid"), fields.identifier("chatid")
        chat_type = fields.text("chattype")
        if not person or (chat_type == "group" and not chat):
            raise Rejected("bad_message")
        chat = "" if chat_type == "single" else chat
        return ConversationId(bot=self._address.bot, channel=self._address.channel, person=person, chat=chat)

    def _log(self, event: str, **values: object) -> None:
        log.info(event, bot=self._address.bot, channel=self._address.channel, **values)


def _message_id(callback: _Callback) -> str:
    """``msgid``, which the platform asks to dedupe on (page 100719); without a usable one, SHA-1 of the whole body."""
    message_id = callback.fields.text("msgid")
    if 1 <= len(message_id.encode()) <= MAX_ID_BYTES and message_id.isprintable():
        return message_id
    return hashlib.sha1(callback.plain, usedforsecurity=False).hexdigest()


def _sent_at(callback: _Callback) -> float:
    """``create_time``, which only events are documented to have; else the second at which the callback was signed."""
    created = callback.fields.seconds("create_time")
    return float(argument(callback.request, "timestamp") if created is None else created)
