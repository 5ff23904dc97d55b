"""The :class:`~bot.channel.Channel` of a self-built WeCom application: callbacks in, passive replies and sends out."""

import re
import secrets

from wechatpy.work.replies import TextReply

from bot.channel import (
    CallbackRequest,
    CallbackResponse,
    ChannelKit,
    Echo,
    Limits,
    Messages,
    Receipt,
    Received,
    Rejected,
)
from bot.messages import ConversationId, Part
from channels.wecom_app.config import Config
from channels.wecom_app.crypto import CallbackCrypto
from channels.wecom_app.fields import read_fields
from channels.wecom_app.parse import parse_message
from channels.wecom_app.send import LIMITS, Sender
from channels.wecom_app.transport import hide_secrets_in_http_logs

MAX_BODY_BYTES = 256 * 1024
"""A callback carries a text or references to media; the largest documented one stays far below."""
MAX_ARGUMENT_LENGTH = 4096
PASSIVE_TEXT_BYTES = 2048
"""Page 90241; the platform cuts what is longer, perhaps inside a character."""
XML_TYPE = "application/xml; charset=utf-8"


def build(bot_id: str, channel_id: str, config: Config, kit: ChannelKit) -> "WeComAppChannel":
    """The channel ``channel_id`` of the bot ``bot_id`` (both ids of ``bots.yaml``). Opens no connection."""
    hide_secrets_in_http_logs()
    return WeComAppChannel(bot_id, channel_id, config, kit)


class WeComAppChannel:
    """Implements :class:`~bot.channel.Channel`; safe to share between threads."""

    def __init__(self, bot_id: str, channel_id: str, config: Config, kit: ChannelKit) -> None:
        self._bot = bot_id
        self._channel = channel_id
        self._config = config
        self._kit = kit
        token, key = config.token.get_secret_value(), config.encoding_aes_key.get_secret_value()
        self._crypto = CallbackCrypto(token, key, config.corp_id)
        self._sender = Sender(config, kit)

    @property
    def limits(self) -> Limits:
        """Bytes a part and seconds a call (page 90236)."""
        return LIMITS

    def receive(self, request: CallbackRequest) -> Received:
        """URL verification (GET) or one message or event (POST), verified and decrypted (page 90930).

        The checks stand in the order of what a stranger can reach: size, envelope, signature, decryption, receive id,
        age, content. Where an argument is given twice, the one value that the caller passes on is used throughout.
        Raises :class:`~bot.channel.Rejected`, and nothing else whatever the bytes; a reason is one of ``bad_method``,
        ``too_large``, ``missing_argument``, ``bad_argument``, ``decoded_twice``, ``bad_charset``, ``bad_xml``,
        ``bad_envelope``, those of :meth:`.CallbackCrypto.open`, ``stale`` and ``bad_message``.
        """
        if request.method == "GET":
            return self._verify_url(request)
        if request.method != "POST":
            raise Rejected("bad_method", 405)
        if len(request.body) > MAX_BODY_BYTES:
            raise Rejected("too_large", 413)
        encrypted = read_fields(request.body).get("Encrypt", "")
        if not encrypted:
            raise Rejected("bad_envelope")
        plain = self._open(request, encrypted)
        message = parse_message(plain, self._bot, self._channel, request.received_at)
        return Messages(messages=(message,) if message else ())

    def respond(self, received: Received, notice: str | None) -> CallbackResponse:
        """The plain text of an URL verification; ``notice`` as a passive text reply (page 90241); else an empty 200."""
        if isinstance(received, Echo):
            return CallbackResponse(body=received.plain.encode())
        if notice is None or not received.messages:
            return CallbackResponse()
        now = int(self._kit.clock())
        text = notice.encode(errors="replace")[:PASSIVE_TEXT_BYTES].decode(errors="ignore")
        reply = TextReply(
            source=self._config.corp_id,
            target=received.messages[0].sender.id,
            agent=self._config.agent_id,
            time=now,
            content=text.replace("]]>", "]]]]><![CDATA[>"),  # wechatpy would let it end the section
        )
        sealed = self._crypto.seal(reply.render().encode(), str(now), secrets.token_hex(8))
        return CallbackResponse(body=sealed, content_type=XML_TYPE)

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:
        """See :meth:`.Sender.send`; an application has no group chats, so the person alone is addressed."""
        return self._sender.send(conversation.person, part, key, deadline)

    def _verify_url(self, request: CallbackRequest) -> Echo:
        echo = _argument(request, "echostr")
        if " " in echo:  # base64 has none: something in front of us decoded "+" a second time, a common fault
            raise Rejected("decoded_twice")
        plain = self._open(request, echo)
        try:
            return Echo(plain=plain.decode())
        except UnicodeDecodeError as error:
            raise Rejected("bad_charset") from error

    def _open(self, request: CallbackRequest, encrypted: str) -> bytes:
        """The decrypted content of a request that is genuine and fresh. Raises :class:`~bot.channel.Rejected`."""
        timestamp = _argument(request, "timestamp")
        plain = self._crypto.open(
            _argument(request, "msg_signature"), timestamp, _argument(request, "nonce"), encrypted
        )
        if re.fullmatch(r"[0-9]{1,12}", timestamp) is None:
            raise Rejected("bad_argument")
        if abs(request.received_at - int(timestamp)) > self._kit.callback_max_skew_s:
            raise Rejected("stale", 403)
        return plain


def _argument(request: CallbackRequest, name: str) -> str:
    """One argument of the query, visible ASCII: nothing else is ever signed, and it is hashed and compared as bytes."""
    value = request.query.get(name, "")
    if not value:
        raise Rejected("missing_argument")
    if len(value) > MAX_ARGUMENT_LENGTH or not (value.isascii() and value.isprintable()):
        raise Rejected("bad_argument")
    return value
