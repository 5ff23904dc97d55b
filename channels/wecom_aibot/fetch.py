"""The media that people sent to the robot: an encrypted file behind a link that lives 5 minutes (page 100719)."""

import base64
from typing import IO

import structlog
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channel import ChannelKit, Fetched, Refused
from bot.messages import Attachment, MessageKind
from channels.wecom.api import RETRY_S, retry
from channels.wecom.crypto import BLOCK_BYTES
from channels.wecom.downloads import BoundedWriter, download, fetched
from channels.wecom.transport import TOO_LARGE, Deadline, HttpAnswer, HttpRequest, IncomingBody, TooLarge
from channels.wecom_aibot.config import Config
from channels.wecom_aibot.urls import host_of, may_ask

log = structlog.get_logger()

_FETCHABLE = frozenset({MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.FILE})
_GONE = frozenset({403, 404, 410})
"""How a link that is too old is answered is documented nowhere; a store of objects says one of these."""
_MAY_PASS = frozenset({408, 425, 429})


class Fetcher:
    """Fetches for one robot; safe to share between threads."""

    def __init__(self, config: Config, kit: ChannelKit) -> None:
        self._key = base64.b64decode(config.encoding_aes_key.get_secret_value() + "=")
        self._hosts = config.media_hosts
        self._kit = kit

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline_epoch_s: float) -> Fetched:
        """See :meth:`bot.channel.Channel.fetch`; also :class:`~bot.channel.Refused` ``bad_ciphertext``."""
        if attachment.kind not in _FETCHABLE or not attachment.url:
            raise Refused("not_fetchable")
        if not may_ask(attachment.url, self._hosts, self._kit.api_base["wecom"]):
            log.warning("media_host_not_allowed", kind=attachment.kind.value, host=host_of(attachment.url))
            raise Refused("not_fetchable", "its host is none of media_hosts")
        decryptor = MediaDecryptor(self._key, BoundedWriter(into, limit))
        incoming = IncomingBody(decryptor.write, limit + BLOCK_BYTES, lambda status, _: status == 200)
        answer = self._download(attachment.url, incoming, Deadline(deadline_epoch_s, self._kit.clock))
        try:
            decryptor.finish()
        except TooLarge:
            raise Refused(TOO_LARGE) from None
        return fetched(answer.headers)

    def _download(self, url: str, incoming: IncomingBody, deadline: Deadline) -> HttpAnswer:
        request = HttpRequest(method="GET", url=url, query={}, headers={"Accept-Encoding": "identity"})
        answer = download(self._kit.http, request, incoming, deadline)
        if answer.status in _GONE:
            raise Refused("expired", f"http_{answer.status}")
        if answer.status >= 500 or answer.status in _MAY_PASS:
            raise retry(RETRY_S, f"http_{answer.status}")
        if answer.status != 200:
            raise Refused(f"http_{answer.status}")
        return answer


class MediaDecryptor:
    """Writes the plain text of an encrypted medium to ``into`` while it comes: AES-256-CBC, whose IV is the beginning
    of the key, padded to 32 bytes, and nothing inside but the file."""

    def __init__(self, key: bytes, into: BoundedWriter) -> None:
        self._decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        self._into = into
        self._held = b""

    def write(self, chunk: bytes) -> None:
        """Take some more; the last 32 bytes are held back, because they may be padding.

        Raises :class:`~channels.wecom.transport.TooLarge` and ``OSError``.
        """
        plain = self._held + self._decryptor.update(chunk)
        self._held = plain[-BLOCK_BYTES:]
        if certain := plain[:-BLOCK_BYTES]:
            self._into.write(certain)

    def finish(self) -> None:
        """Write what was held back without its padding.

        Raises :class:`~bot.channel.Refused` ``bad_ciphertext``, and what :meth:`write` raises.
        """
        try:
            self._decryptor.finalize()
        except ValueError as error:  # not a whole number of AES blocks
            raise Refused("bad_ciphertext") from error
        padding = self._held[-1] if self._held else 0
        if not 1 <= padding <= len(self._held) or self._held[-padding:] != bytes([padding]) * padding:
            raise Refused("bad_ciphertext")
        self._into.write(self._held[:-padding])
