"""The encryption of callbacks against published vectors, and against everything that may be wrong with a callback."""

import base64
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channel import Rejected
from channels.wecom.crypto import CallbackCrypto
from tests.channels.wecom_app import vectors
from tests.channels.wecom_app.vectors import Keys, Sealed


def crypto_of(keys: Keys) -> CallbackCrypto:
    return CallbackCrypto(keys.token, keys.encoding_aes_key, keys.receive_id)


def open_sealed(sealed: Sealed, **changes: str) -> bytes:
    arguments = {"signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": sealed.nonce}
    return crypto_of(sealed.keys).open(encrypted=sealed.encrypted, **(arguments | changes))


def encrypt_raw(padded: bytes) -> str:
    """AES-CBC under the sample key, without the layout that our own code would add."""
    key = base64.b64decode(vectors.SAMPLE.encoding_aes_key + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


@pytest.mark.parametrize(
    ("sealed", "plain"),
    [
        (vectors.A, b"1288432023552776189"),
        (vectors.B, vectors.B_PLAIN),
        (vectors.C, b"1616140317555161061"),
        (vectors.E_ECHO, b"5927782489442352469"),
        (vectors.F, vectors.F_PLAIN),
    ],
    ids=["A", "B", "C", "E-echo", "F"],
)
def test_published_vectors_open(sealed: Sealed, plain: bytes) -> None:
    assert open_sealed(sealed) == plain


def test_vector_f_encrypts_byte_for_byte() -> None:
    crypto = crypto_of(vectors.WECHATPY)
    encrypted = crypto.encrypt(vectors.F_PLAIN, random_part=vectors.F_RANDOM_PART)
    assert encrypted == vectors.F.encrypted
    assert crypto.signature(vectors.F.timestamp, vectors.F.nonce, encrypted) == vectors.F.signature


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "437374424"},
        {"timestamp": "1411443781"},
        {"signature": vectors.E_ECHO.signature.upper()},
        {"signature": vectors.E_ECHO.signature[:-1]},
    ],
)
def test_a_signature_over_anything_else_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Rejected, match="bad_signature") as caught:
        open_sealed(vectors.E_ECHO, **changes)
    assert caught.value.status == 403


@pytest.mark.parametrize("padding", range(1, 33))
def test_every_padding_length_opens(padding: int) -> None:
    keys = vectors.SAMPLE
    message = b"x" * (96 - 20 - len(keys.receive_id) - padding)
    crypto = crypto_of(keys)
    encrypted = crypto.encrypt(message)
    assert len(base64.b64decode(encrypted)) == 96
    assert crypto.open(crypto.signature("1", "2", encrypted), "1", "2", encrypted) == message


def test_the_same_message_never_encrypts_alike() -> None:
    crypto = crypto_of(vectors.SAMPLE)
    assert crypto.encrypt(b"hello") != crypto.encrypt(b"hello")


_HEAD, _ID = b"r" * 16, vectors.SAMPLE.receive_id.encode()


@pytest.mark.parametrize(
    ("encrypted", "reason"),
    [
        ("", "bad_padding"),
        ("not base64!", "bad_base64"),
        (vectors.B.encrypted[:80] + "\n" + vectors.B.encrypted[80:], "bad_base64"),
        ("汉字", "bad_base64"),
        (base64.b64encode(b"x" * 17).decode(), "bad_ciphertext"),
        (encrypt_raw(_HEAD + struct.pack(">I", 5) + b"hello" + _ID + b"\0" * 5), "bad_padding"),
        (encrypt_raw(b"x" * 63 + bytes([33])), "bad_padding"),
        (encrypt_raw(b"x" * 31 + bytes([31])), "bad_padding"),
        (encrypt_raw(_HEAD + struct.pack(">I", 6) + b"hello" + b"\7" * 7), "bad_length"),
        (encrypt_raw(_HEAD + struct.pack(">I", 1000) + b"x" * 43 + b"\1"), "bad_length"),
        (encrypt_raw(_HEAD + struct.pack(">I", 2**32 - 1) + b"x" * 43 + b"\1"), "bad_length"),
        (encrypt_raw(_HEAD + struct.pack(">I", 0) + b"ww_another_corp" + b"\x0d" * 13), "wrong_receive_id"),
        (encrypt_raw(_HEAD + struct.pack(">I", 0) + b"\x0c" * 12), "wrong_receive_id"),
    ],
)
def test_a_signed_but_malformed_content_is_refused(encrypted: str, reason: str) -> None:
    crypto = crypto_of(vectors.SAMPLE)
    with pytest.raises(Rejected) as caught:
        crypto.open(crypto.signature("1", "2", encrypted), "1", "2", encrypted)
    assert caught.value.reason == reason
    assert 400 <= caught.value.status < 500
