"""The :class:`~bot.channel.Channel` of a self-built WeCom application: callbacks in, passive replies and sends out."""

import secrets

from wechatpy.work.replies import TextReply

from bot.channel import (
    NOTHING,
    CallbackRequest,
    CallbackResponse,
    ChannelAddress,
    ChannelKit,
    Echo,
    Immediate,
    Limits,
    Messages,
    Receipt,
    Received,
    Rejected,
    UrlVerification,
)
from bot.finding import Finding
from bot.messages import ConversationId
from bot.parts import Part
from channels.wecom.callback import open_callback, verified_echo
from channels.wecom.crypto import CallbackCrypto
from channels.wecom.transport import hide_secrets_in_http_logs
from channels.wecom.verification import url_verification
from channels.wecom_app.config import Config
from channels.wecom_app.examine import examine
from channels.wecom_app.fields import read_fields
from channels.wecom_app.parse import parse_message
from channels.wecom_app.send import LIMITS, Sender

MAX_BODY_BYTES = 256 * 1024
"""A callback carries a text or references to media; the largest documented one stays far below."""
PASSIVE_TEXT_BYTES = 2048
"""Page 90241; the platform cuts what is longer, perhaps inside a character."""
XML_TYPE = "application/xml; charset=utf-8"


def build(address: ChannelAddress, config: Config, kit: ChannelKit) -> "WeComAppChannel":
    """The channel at ``address``. Opens no connection."""
    hide_secrets_in_http_logs()
    return WeComAppChannel(address, config, kit)


class WeComAppChannel:
    """Implements :class:`~bot.channel.Channel`; safe to share between threads."""

    def __init__(self, address: ChannelAddress, config: Config, kit: ChannelKit) -> None:
        self._address = address
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
        skew_s = self._kit.callback_max_skew_s
        if request.method == "GET":
            return Echo(plain=verified_echo(self._crypto, request, skew_s))
        if request.method != "POST":
            raise Rejected("bad_method", 405)
        if len(request.body) > MAX_BODY_BYTES:
            raise Rejected("too_large", 413)
        encrypted = read_fields(request.body).get("Encrypt", "")
        if not encrypted:
            raise Rejected("bad_envelope")
        plain = open_callback(self._crypto, request, encrypted, skew_s)
        message = parse_message(plain, self._address.bot, self._address.channel, request.received_at)
        return Messages(messages=(message,) if message else ())

    def respond(self, received: Received, immediate: Immediate = NOTHING) -> CallbackResponse:
        """The plain text of an URL verification; a notice as a passive text reply (page 90241); else an empty 200."""
        if isinstance(received, Echo):
            return CallbackResponse(body=received.plain.encode())
        if not immediate.notice or not isinstance(received, Messages) or not received.messages:
            return CallbackResponse()
        now = int(self._kit.clock())
        text = immediate.notice.encode(errors="replace")[:PASSIVE_TEXT_BYTES].decode(errors="ignore")
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

    def link(self, label: str, url: str) -> str:
        """An anchor, which text messages may hold (page 90236)."""
        return f'<a href="{url}">{label}</a>'

    def verification_request(self) -> UrlVerification:
        """See :class:`~bot.channel.Channel` (page 90930)."""
        return url_verification(self._crypto, self._kit.clock)

    def examine(self, deadline: float) -> list[Finding]:
        """See :func:`.examine.examine`."""
        return examine(self._config, self._kit, deadline)
