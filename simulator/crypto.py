"""Callback crypto as WeCom defines it (§1.2): SHA-1 signature, AES-256-CBC with 32-byte padding blocks."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_PAD_BLOCK = 32
_RANDOM_BYTES = 16
_LENGTH_BYTES = 4


class CryptoError(ValueError):
    """Text that was not encrypted as §1.2 says, or a key that is none; ``str()`` is a constant word."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside: the message and the receive id that came with it (empty for an AI bot, §1.4)."""

    message: bytes
    receive_id: str


def aes_key(encoding_aes_key: str) -> bytes:
    """The 32 key bytes of an EncodingAESKey (§1.1). Raises :class:`CryptoError` unless it has 43 letters and digits."""
    if len(encoding_aes_key) != 43 or not (encoding_aes_key.isascii() and encoding_aes_key.isalnum()):
        raise CryptoError("bad_encoding_aes_key")
    return base64.b64decode(encoding_aes_key + "=")


def signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """``msg_signature``: lower-case hex SHA-1 over the four strings, sorted and joined (§1.2)."""
    joined = "".join(sorted((token, timestamp, nonce, encrypted)))
    return hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 -- the protocol fixes SHA-1


def encrypt(key: bytes, message: bytes, receive_id: str, random16: bytes | None = None) -> str:
    """``message`` encrypted for ``receive_id``, as base64.

    ``random16`` fixes the random part for test vectors; left out, it is fresh: 16 hex digits, as WeCom's are.
    """
    random_part = secrets.token_hex(_RANDOM_BYTES // 2).encode() if random16 is None else random16
    plain = random_part + len(message).to_bytes(_LENGTH_BYTES, "big") + message + receive_id.encode()
    n = _PAD_BLOCK - len(plain) % _PAD_BLOCK
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([n]) * n) + encryptor.finalize()).decode()


def decrypt(key: bytes, encrypted: str) -> Opened:
    """The inverse of :func:`encrypt`; the caller compares the receive id. Raises :class:`CryptoError`."""
    try:
        ciphertext = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CryptoError("bad_base64") from error
    if not ciphertext or len(ciphertext) % (algorithms.AES.block_size // 8):
        raise CryptoError("bad_length")
    decryptor = _cipher(key).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    n = padded[-1]
    if not 1 <= n <= _PAD_BLOCK:
        raise CryptoError("bad_padding")
    body = padded[_RANDOM_BYTES:-n]
    size = int.from_bytes(body[:_LENGTH_BYTES], "big")
    content = body[_LENGTH_BYTES:]
    if len(body) < _LENGTH_BYTES or size > len(content):
        raise CryptoError("bad_length")
    try:
        return Opened(content[:size], content[size:].decode())
    except UnicodeDecodeError as error:
        raise CryptoError("bad_receive_id") from error


def encrypt_media(key: bytes, content: bytes) -> bytes:
    """A picture or file as a bot's link answers it: the same cipher, and nothing inside but the file (§4.2)."""
    n = _PAD_BLOCK - len(content) % _PAD_BLOCK
    encryptor = _cipher(key).encryptor()
    return encryptor.update(content + bytes([n]) * n) + encryptor.finalize()


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
