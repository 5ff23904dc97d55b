"""Fetching what people sent: from the platform's hosts only, decrypted while it comes, within a limit and a time."""

import base64
import io
import logging

import pytest
import structlog
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channel import ChannelError, Fetched, Refused, Retry
from bot.messages import Attachment, MessageKind
from tests.channels.chains import told_by
from tests.channels.wecom_aibot.conftest import ENCODING_AES_KEY, Installation
from tests.fakes.scripted_http import Answer, Cut, Drip, Scripted

MEDIA_PATH = "/media/abc"
LIMIT = 1_000_000
OCTETS = "application/octet-stream"


def sealed(content: bytes, padding: bytes | None = None, key: str = ENCODING_AES_KEY) -> bytes:
    """``content`` as the platform stores it (page 100719), encrypted by hand."""
    aes_key = base64.b64decode(key + "=")
    n = 32 - len(content) % 32
    encryptor = Cipher(algorithms.AES(aes_key), modes.CBC(aes_key[:16])).encryptor()
    return encryptor.update(content + (bytes([n]) * n if padding is None else padding)) + encryptor.finalize()


def stored(content: bytes, disposition: str = "", **changes: object) -> Answer:
    """The answer of the platform's store to a link."""
    headers = {"Content-Disposition": disposition} if disposition else {}
    return Answer(**{"body": sealed(content), "content_type": OCTETS, "headers": headers} | changes)  # type: ignore[arg-type]


def brings(
    here: Installation, *, url: str = "", kind: str = "file", limit: int = LIMIT, within_s: float = 5.0
) -> tuple[Fetched, bytes]:
    """What a fetch says and wrote."""
    into = io.BytesIO()
    attachment = Attachment(kind=MessageKind(kind), url=url or f"{here.platform.url}{MEDIA_PATH}?sign=the-signature")
    said = here.channel().fetch(attachment, into, limit, here.clock() + within_s)
    return said, into.getvalue()


@pytest.mark.parametrize("length", [*range(34), 4095, 4096, 4097, 100_000])
def test_every_length_is_decrypted_whole(here: Installation, length: int) -> None:
    content = bytes(n % 251 for n in range(length))
    here.platform.on(MEDIA_PATH, stored(content))
    assert brings(here)[1] == content


@pytest.mark.parametrize("kind", ["image", "video", "file"])
def test_a_medium_comes_with_its_name(here: Installation, kind: str) -> None:
    here.platform.on(MEDIA_PATH, stored(b"%PDF-1.7", "attachment; filename*=UTF-8''%E8%AF%B4%E6%98%8E.pdf"))
    said, content = brings(here, kind=kind)
    assert (said, content) == (Fetched(name="说明.pdf", content_type=OCTETS), b"%PDF-1.7")
    (request,) = here.platform.requests
    assert (request.method, request.query) == ("GET", {"sign": "the-signature"})


@pytest.mark.parametrize(
    ("scripted", "error", "code"),
    [
        (Answer(status=403), Refused, "expired"),
        (Answer(status=404), Refused, "expired"),
        (Answer(status=410), Refused, "expired"),
        (Answer(status=400), Refused, "http_400"),
        (Answer(status=302, headers={"Location": "http://169.254.169.254/"}), Refused, "http_302"),
        (Answer(status=206, body=sealed(b"x")), Refused, "http_206"),
        (Answer(status=429), Retry, "http_429"),
        (Answer(status=503), Retry, "http_503"),
        (stored(b"x" * (LIMIT + 1)), Refused, "too_large"),
        (stored(b"x" * LIMIT + b"y" * 31), Refused, "too_large"),
        (stored(b"x", headers={"Content-Length": str(LIMIT + 33)}), Refused, "too_large"),
        (stored(b"x", headers={"Content-Length": "9" * 5_000}), Refused, "too_large"),
        (stored(b"x" * 100, headers={"Content-Length": "5000"}), Retry, "connection_lost"),
        (stored(b"x" * 100, headers={"Content-Length": "48"}), Refused, "bad_ciphertext"),
        (stored(b"x", delay_s=60), Retry, "timeout"),
        (Drip(part="headers"), Retry, "timeout"),
        (Drip(part="body"), Retry, "timeout"),
        (Cut(), Retry, "connection_lost"),
        (Answer(body=b""), Refused, "bad_ciphertext"),
        (Answer(body=sealed(b"x" * 64)[:-1]), Refused, "bad_ciphertext"),
        (Answer(body=sealed(b"x" * 64, key="k" * 43)), Refused, "bad_ciphertext"),
        (Answer(body=sealed(b"x" * 31, b"\x00")), Refused, "bad_ciphertext"),
        (Answer(body=sealed(b"x" * 31, b"\x21")), Refused, "bad_ciphertext"),
        (Answer(body=sealed(b"x" * 28, b"\x01\x04\x04\x04")), Refused, "bad_ciphertext"),
        (Answer(body=sealed(b"", bytes([32]) * 16)), Refused, "bad_ciphertext"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_failure_has_its_meaning(
    here: Installation, scripted: Scripted, error: type[ChannelError], code: str
) -> None:
    here.platform.on(MEDIA_PATH, scripted)
    with pytest.raises(error) as caught:
        brings(here, within_s=0.5 if code == "timeout" else 20)
    assert vars(caught.value)["code"] == code
    assert len(here.platform.requests) == 1


def test_what_just_fits_is_taken_and_nothing_more_is_ever_written(here: Installation) -> None:
    here.platform.on(MEDIA_PATH, stored(b"x" * LIMIT))
    assert brings(here)[1] == b"x" * LIMIT
    into = io.BytesIO()
    attachment = Attachment(kind=MessageKind.FILE, url=f"{here.platform.url}{MEDIA_PATH}")
    with pytest.raises(Refused, match="too_large"):
        here.channel().fetch(attachment, into, LIMIT - 1, here.clock() + 5)
    assert len(into.getvalue()) <= LIMIT - 1


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://169.254.169.254/latest/meta-data", "image"),
        ("https://169.254.169.254/latest/meta-data", "image"),
        ("http://bucket.cos.ap-guangzhou.myqcloud.com/a", "image"),
        ("https://a.example/", "link"),
        ("geo:23.1,113.3", "location"),
    ],
)
def test_other_hosts_are_never_asked(here: Installation, url: str, kind: str) -> None:
    with pytest.raises(Refused, match="not_fetchable"):
        brings(here, url=url, kind=kind)
    assert here.platform.requests == []


def test_the_operator_learns_which_host_was_not_allowed_and_nothing_else_of_the_link(here: Installation) -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(Refused, match="not_fetchable"):
        brings(here, url="https://media.cdn.example/a?sign=the-signature")
    assert [(line["event"], line["host"]) for line in lines] == [("media_host_not_allowed", "media.cdn.example")]
    assert "the-signature" not in str(lines)


def test_a_medium_without_a_link_cannot_be_fetched(here: Installation) -> None:
    with pytest.raises(Refused, match="not_fetchable"):
        here.channel().fetch(Attachment(kind=MessageKind.VOICE), io.BytesIO(), LIMIT, here.clock() + 5)


@pytest.mark.parametrize(
    "scripted",
    [
        Cut(),
        Answer(status=403),
        Answer(status=500),
        Answer(delay_s=60),
        Answer(body=b"x"),
        stored(b"words of a patient"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_error_and_no_log_shows_the_links_query_or_the_content(
    here: Installation, caplog: pytest.LogCaptureFixture, scripted: Scripted
) -> None:
    caplog.set_level(logging.DEBUG)
    here.platform.on(MEDIA_PATH, scripted)
    shown = ""
    with structlog.testing.capture_logs() as lines:
        try:
            brings(here, within_s=0.5 if getattr(scripted, "delay_s", 0) else 20)
        except ChannelError as caught:
            shown = told_by(caught)
    shown += caplog.text + str(lines)
    assert "127.0.0.1" in shown
    for hidden in ("the-signature", "words of a patient"):
        assert hidden not in shown
