"""The :class:`~bot.channel.Channel` of a self-built WeCom application: callbacks in, passive replies and sends out."""

import secrets
from typing import IO

from bot.channel import (
    NOTHING,
    CallbackRequest,
    CallbackResponse,
    ChannelAddress,
    ChannelKit,
    Echo,
    Fetched,
    Immediate,
    Limits,
    Messages,
    Receipt,
    Received,
    Rejected,
    UrlVerification,
)
from bot.finding import Finding
from bot.messages import Attachment, ConversationId
from bot.parts import Part
from channels.wecom.application import Application
from channels.wecom.bells import bell_in
from channels.wecom.callback import open_callback, posted_body, verified_echo
from channels.wecom.crypto import CallbackCrypto
from channels.wecom.fetch import Fetcher
from channels.wecom.transport import hide_secrets_in_http_logs
from channels.wecom.verification import url_verification
from channels.wecom.xml_fields import read_xml
from channels.wecom_app.config import Config
from channels.wecom_app.examine import examine
from channels.wecom_app.parse import UPDATES_BUTTON, parse_callback
from channels.wecom_app.replies import passive_reply
from channels.wecom_app.send import LIMITS, Sender

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
        application = Application(config.corp_id, config.secret, str(config.agent_id), kit)
        self._sender = Sender(config, application, kit)
        self._fetcher = Fetcher(application, kit)

    @property
    def limits(self) -> Limits:
        """Bytes a part and seconds a call (page 90236)."""
        return LIMITS

    def receive(self, request: CallbackRequest) -> Received:
        """URL verification (GET) or one message, event or bell of customer service (POST), verified and decrypted
        (page 90930).

        The checks stand in the order of what a stranger can reach: size, envelope, signature, decryption, receive id,
        age, content. Where an argument is given twice, the one value that the caller passes on is used throughout.
        Raises :class:`~bot.channel.Rejected`, and nothing else whatever the bytes; a reason is one of ``bad_method``,
        ``too_large``, ``missing_argument``, ``bad_argument``, ``decoded_twice``, ``bad_charset``, ``bad_xml``,
        ``bad_envelope``, those of :meth:`.CallbackCrypto.open`, ``stale`` and ``bad_message``.
        """
        skew_s = self._kit.callback_max_skew_s
        if request.method == "GET":
            return Echo(plain=verified_echo(self._crypto, request, skew_s))
        encrypted = read_xml(posted_body(request)).fields().get("Encrypt", "")
        if not encrypted:
            raise Rejected("bad_envelope")
        plain = open_callback(self._crypto, request, encrypted, skew_s)
        if bell := bell_in(plain, self._config.corp_id):
            return bell
        return parse_callback(plain, self._address.bot, self._address.channel, request.received_at)

    def respond(self, received: Received, immediate: Immediate = NOTHING) -> CallbackResponse:
        """The plain text of an URL verification; a passive reply (:mod:`.replies`); else an empty 200."""
        if isinstance(received, Echo):
            return CallbackResponse(body=received.plain.encode())
        if not isinstance(received, Messages) or not received.messages:
            return CallbackResponse()
        now = int(self._kit.clock())
        reply = passive_reply(
            received.messages[0],
            immediate,
            corp_id=self._config.corp_id,
            agent_id=self._config.agent_id,
            now=now,
            updates_button=UPDATES_BUTTON in received.context,
        )
        if not reply:
            return CallbackResponse()
        sealed = self._crypto.seal(reply.encode(), str(now), secrets.token_hex(8))
        return CallbackResponse(body=sealed, content_type=XML_TYPE)

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:
        """See :meth:`.Sender.send`; an application has no group chats, so the person alone is addressed."""
        return self._sender.send(conversation.person, part, key, deadline)

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline: float) -> Fetched:
        """See :class:`~bot.channel.Channel`; only media ids are followed, never a URL."""
        return self._fetcher.fetch(attachment, into, limit, deadline)

    def recall(self, message_id: str, deadline: float) -> None:
        """See :meth:`.Sender.recall`."""
        self._sender.recall(message_id, deadline)

    def link(self, label: str, url: str) -> str:
        """An anchor, which text messages may hold (page 90236).

        No escape is documented, so what could end the anchor early is written otherwise: wide in ``label``, encoded in
        ``url``.
        """
        shown = label.replace("<", "＜").replace(">", "＞")
        target = url.replace('"', "%22").replace("<", "%3C").replace(">", "%3E")
        return f'<a href="{target}">{shown}</a>'

    def verification_request(self) -> UrlVerification:
        """See :class:`~bot.channel.Channel` (page 90930)."""
        return url_verification(self._crypto, self._kit.clock)

    def examine(self, deadline: float) -> list[Finding]:
        """See :func:`.examine.examine`."""
        return examine(self._config, self._kit, deadline)
