"""Signature and encryption of callbacks and passive replies (page 90930).

The cipher, the padding encoder and the signer are wechatpy's. Its ``WeChatCrypto`` above them is not used: it
compares signatures and receive ids with ``!=``, accepts any padding and length field and non-base64 characters, draws
its random part without the system's entropy, and reports malformed bytes through whatever exception they cause.
"""

import base64
import binascii
import hmac
import secrets
import struct

from wechatpy.crypto.base import WeChatCipher
from wechatpy.crypto.pkcs7 import PKCS7Encoder
from wechatpy.utils import WeChatSigner

from bot.channel import Rejected

RANDOM_BYTES = 16
BLOCK_BYTES = 32
"""PKCS#7 pads to 32 bytes, not to the cipher's 16, so up to 32 bytes of padding are right (page 90930)."""
_HEAD_BYTES = RANDOM_BYTES + 4

_ENVELOPE = """<xml>
<Encrypt><![CDATA[{encrypted}]]></Encrypt>
<MsgSignature><![CDATA[{signature}]]></MsgSignature>
<TimeStamp>{timestamp}</TimeStamp>
<Nonce><![CDATA[{nonce}]]></Nonce>
</xml>"""


class CallbackCrypto:
    """The three secrets of one callback URL at work.

    ``token`` has at most 32 letters and digits, ``encoding_aes_key`` exactly 43; ``receive_id`` is the corp id for an
    application. Safe to share between threads.
    """

    def __init__(self, token: str, encoding_aes_key: str, receive_id: str) -> None:
        self._token = token
        self._cipher = WeChatCipher(base64.b64decode(encoding_aes_key + "="))
        self._receive_id = receive_id.encode()

    def signature(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """The lower-case hex SHA-1 over the sorted pieces."""
        signer = WeChatSigner()
        signer.add_data(self._token, timestamp, nonce, encrypted)
        return str(signer.signature)

    def open(self, signature: str, timestamp: str, nonce: str, encrypted: str) -> bytes:
        """Check the signature, then decrypt.

        Raises :class:`~bot.channel.Rejected` with ``bad_signature``, ``bad_base64``, ``bad_ciphertext``,
        ``bad_padding``, ``bad_length`` or ``wrong_receive_id``.
        """
        expected = self.signature(timestamp, nonce, encrypted)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise Rejected("bad_signature", 403)
        return self._decrypt(encrypted)

    def _decrypt(self, encrypted: str) -> bytes:
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Rejected("bad_base64") from error
        try:
            padded: bytes = self._cipher.decrypt(sealed)
        except ValueError as error:  # not a whole number of AES blocks
            raise Rejected("bad_ciphertext") from error
        padding = padded[-1] if padded else 0
        if not 1 <= padding <= BLOCK_BYTES or len(padded) < padding + _HEAD_BYTES:
            raise Rejected("bad_padding")
        plain = padded[:-padding]
        (length,) = struct.unpack(">I", plain[RANDOM_BYTES:_HEAD_BYTES])
        if _HEAD_BYTES + length > len(plain):
            raise Rejected("bad_length")
        message, receive_id = plain[_HEAD_BYTES : _HEAD_BYTES + length], plain[_HEAD_BYTES + length :]
        if not hmac.compare_digest(receive_id, self._receive_id):
            raise Rejected("wrong_receive_id", 403)
        return message

    def encrypt(self, message: bytes, random_part: bytes | None = None) -> str:
        """``message`` encrypted, as base64. ``random_part`` (16 bytes) is drawn fresh unless a test vector gives it."""
        head = (secrets.token_bytes(RANDOM_BYTES) if random_part is None else random_part) + struct.pack(
            ">I", len(message)
        )
        padded = PKCS7Encoder.encode(head + message + self._receive_id)
        return base64.b64encode(self._cipher.encrypt(padded)).decode()

    def seal(self, message: bytes, timestamp: str, nonce: str) -> bytes:
        """``message`` as the XML of a passive reply: encrypted, signed, with a timestamp and nonce of our choice."""
        encrypted = self.encrypt(message)
        signature = self.signature(timestamp, nonce, encrypted)
        return _ENVELOPE.format(encrypted=encrypted, signature=signature, timestamp=timestamp, nonce=nonce).encode()
