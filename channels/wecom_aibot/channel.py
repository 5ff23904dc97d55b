"""The :class:`~bot.channel.Channel` of an intelligent robot in callback mode: callbacks in, bubbles out."""

import re
from typing import IO

from bot.channel import (
    NOTHING,
    Bell,
    CallbackRequest,
    CallbackResponse,
    ChannelAddress,
    ChannelKit,
    Echo,
    Fetched,
    Immediate,
    Limits,
    Receipt,
    Received,
    Refused,
    Rejected,
    UrlVerification,
)
from bot.finding import Finding
from bot.messages import Attachment, ConversationId
from bot.parts import Part
from channels.wecom.api import encode_json
from channels.wecom.callback import open_callback, posted_body, verified_echo
from channels.wecom.crypto import CallbackCrypto
from channels.wecom.json_fields import read_object
from channels.wecom.transport import JSON_TYPE, hide_secrets_in_http_logs
from channels.wecom.verification import url_verification
from channels.wecom_aibot.config import Config
from channels.wecom_aibot.examine import examine
from channels.wecom_aibot.fetch import Fetcher
from channels.wecom_aibot.parse import CallbackReader
from channels.wecom_aibot.replies import reply_to
from channels.wecom_aibot.send import LIMITS, Sender

SIGNATURE_NAMES = ("msg_signature", "msgsignature", "signature")
"""Page 101033 names the first; WeCom's own plugin takes all three, and ``Encrypt`` beside ``encrypt``."""


def build(address: ChannelAddress, config: Config, kit: ChannelKit) -> "WeComAiBotChannel":
    """The channel at ``address``. Opens no connection."""
    hide_secrets_in_http_logs()
    return WeComAiBotChannel(address, config, kit)


class WeComAiBotChannel:
    """Implements :class:`~bot.channel.Channel`; safe to share between threads."""

    def __init__(self, address: ChannelAddress, config: Config, kit: ChannelKit) -> None:
        self._kit = kit
        token, key = config.token.get_secret_value(), config.encoding_aes_key.get_secret_value()
        self._crypto = CallbackCrypto(token, key, config.receive_id)
        self._reader = CallbackReader(address, config)
        self._sender = Sender(config, kit)
        self._fetcher = Fetcher(config, kit)

    @property
    def limits(self) -> Limits:
        """Bytes a part and seconds a call (pages 101031, 101138)."""
        return LIMITS

    def receive(self, request: CallbackRequest) -> Received:
        """URL verification (GET), or a message, a poll or an event (POST), verified and decrypted (page 101033).

        The checks stand in the order of what a stranger can reach: size, envelope, signature, decryption, receive id,
        age, content. Raises :class:`~bot.channel.Rejected`, and nothing else whatever the bytes; a reason is one of
        ``bad_method``, ``too_large``, ``missing_argument``, ``bad_argument``, ``decoded_twice``, ``bad_charset``,
        ``bad_json``, ``bad_envelope``, those of :meth:`.CallbackCrypto.open`, ``stale`` and ``bad_message``.
        """
        skew_s = self._kit.callback_max_skew_s
        if request.method == "GET":
            return Echo(plain=verified_echo(self._crypto, request, skew_s, *SIGNATURE_NAMES))
        envelope = read_object(posted_body(request))
        encrypted = envelope.get("encrypt") or envelope.get("Encrypt")
        if not isinstance(encrypted, str) or not encrypted.isascii():
            raise Rejected("bad_envelope")
        plain = open_callback(self._crypto, request, encrypted, skew_s, *SIGNATURE_NAMES)
        return self._reader.read(request, plain)

    def respond(self, received: Received, immediate: Immediate = NOTHING) -> CallbackResponse:
        """The plain text of an URL verification; the bubble of a message or poll; the text of a greeting; the card that
        was pressed; else an empty 200."""
        if isinstance(received, Echo):
            return CallbackResponse(body=received.plain.encode())
        if isinstance(received, Bell):  # a robot has none
            return CallbackResponse()
        reply = reply_to(received, immediate)
        if reply is None:
            return CallbackResponse()
        now, nonce = int(self._kit.clock()), received.context["nonce"]
        encrypted = self._crypto.encrypt(encode_json(reply))
        signature = self._crypto.signature(str(now), nonce, encrypted)
        envelope = {"encrypt": encrypted, "msgsignature": signature, "timestamp": now, "nonce": nonce}
        # The documentation asks for no type: WeCom's own plugin says text/plain and is read, and this is what it is.
        return CallbackResponse(body=encode_json(envelope), content_type=JSON_TYPE)

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:
        """See :meth:`.Sender.send`."""
        return self._sender.send(conversation, part, key, deadline)

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline: float) -> Fetched:
        """See :meth:`.Fetcher.fetch`."""
        return self._fetcher.fetch(attachment, into, limit, deadline)

    def recall(self, message_id: str, deadline: float) -> None:  # noqa: ARG002 - the protocol's
        """Refused: no page knows a call that takes back what a robot said."""
        raise Refused("recall_unsupported")

    def link(self, label: str, url: str) -> str:
        """A link of Markdown; brackets in ``label`` and parentheses in ``url`` would end it early."""
        escaped = re.sub(r"[\[\]]", r"\\\g<0>", label)
        target = url.replace("(", "%28").replace(")", "%29")
        return f"[{escaped}]({target})"

    def verification_request(self) -> UrlVerification:
        """See :class:`~bot.channel.Channel` (page 101033)."""
        return url_verification(self._crypto, self._kit.clock)

    def examine(self, deadline: float) -> list[Finding]:  # noqa: ARG002 - nothing is asked, so nothing takes time
        """See :func:`.examine.examine`."""
        return examine()
