"""Fetching what members sent: whole or in pieces, within its limit and its time, whatever the other side does."""

import gzip
import io
import logging
import threading
from collections.abc import Callable

import pytest
import structlog

from bot.channel import ChannelError, Fetched, Refused, Retry
from bot.messages import Attachment, MessageKind
from bot.redis_client import connect
from channels.wecom import fetch
from channels.wecom.transport import IncomingBody
from tests.channels.chains import told_by
from tests.channels.threads import await_idle_threads
from tests.channels.wecom_app.conftest import SECRET, TOKEN_PATH, Installation
from tests.fakes.scripted_http import Answer, Cut, Drip, Recorded, Scripted, reply
from tests.media_sources import AMR, PNG

GET_PATH = "/cgi-bin/media/get"
VOICE = Attachment(kind=MessageKind.VOICE, media_id="media-of-a-patient", format="amr")
LIMIT = 1_000_000


def medium(content: bytes, disposition: str = 'attachment; filename="a.amr"', **changes: object) -> Answer:
    headers = {"Content-Disposition": disposition} if disposition else {}
    fields: dict[str, object] = {"body": content, "content_type": "audio/amr", "headers": headers}
    return Answer(**fields | changes)  # type: ignore[arg-type]


def brings(
    here: Installation, attachment: Attachment = VOICE, limit: int = LIMIT, within_s: float = 5.0
) -> tuple[Fetched, bytes]:
    """What a fetch says and wrote."""
    into = io.BytesIO()
    said = here.channel().fetch(attachment, into, limit, here.clock() + within_s)
    return said, into.getvalue()


def asked(here: Installation) -> list[Recorded]:
    return here.platform.to(GET_PATH)


def test_a_medium_comes_whole_with_its_name_and_type(here: Installation) -> None:
    here.platform.on(GET_PATH, medium(AMR))
    assert brings(here) == (Fetched(name="a.amr", content_type="audio/amr"), AMR)
    (request,) = asked(here)
    assert request.query == {"access_token": "token-1", "media_id": "media-of-a-patient"}
    assert "range" not in request.headers


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=\"a.amr\"; filename*=UTF-8''%E8%AF%B4%E6%98%8E.amr", "说明.amr"),
        ("attachment; filename*=utf-8''%E8%AF%B4%E6%98%8E.amr; filename=\"a.amr\"", "说明.amr"),
        ("attachment; filename*=gbk''%CB%B5.amr", "说.amr"),
        ("attachment; filename*=no-such''%CB%B5; filename=b.amr", "b.amr"),
        ("attachment; filename*=idna''%CB%B5; filename=b.amr", "b.amr"),
        ("attachment; filename*=undefined''%CB%B5", ""),
        ("attachment; filename*=zip''%CB%B5", ""),
        ("attachment; filename=plain.amr", "plain.amr"),
        ('attachment;FileName="a\\"b;c.amr"', 'a"b;c.amr'),
        ('attachment; filename="说明.amr"'.encode().decode("latin-1"), "说明.amr"),
        ("attachment", ""),
    ],
)
def test_the_name_is_read_however_it_is_written(here: Installation, disposition: str, name: str) -> None:
    here.platform.on(GET_PATH, medium(AMR, disposition))
    assert brings(here)[0].name == name


def test_content_without_a_disposition_is_content_unless_it_is_json(here: Installation) -> None:
    here.platform.on(GET_PATH, medium(PNG, "", content_type="image/png"))
    assert brings(here) == (Fetched(name="", content_type="image/png"), PNG)
    here.platform.on(GET_PATH, medium(b'{"errcode":40007}', 'attachment; filename="a.json"', content_type="text/plain"))
    assert brings(here)[1] == b'{"errcode":40007}', "a file that looks like an error is a file"


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "text/plain"])
def test_an_error_instead_of_bytes_is_an_error(here: Installation, content_type: str) -> None:
    body = b'{"errcode":40007,"errmsg":"invalid media_id"}'
    here.platform.on(GET_PATH, Answer(body=body, content_type=content_type))
    into = io.BytesIO()
    with pytest.raises(Refused, match="expired"):
        here.channel().fetch(VOICE, into, LIMIT, here.clock() + 5)
    assert into.getvalue() == b""


@pytest.mark.parametrize(
    ("scripted", "error", "code"),
    [
        (reply({"errcode": 40007, "errmsg": "invalid media_id"}), Refused, "expired"),
        (reply({"errcode": 48002}), Refused, "48002"),
        (reply({"errcode": -1}), Retry, "-1"),
        (reply({"errcode": 45009}), Retry, "45009"),
        (reply({"errcode": 0}), Retry, "http_200"),
        (Answer(body=b"<html>", content_type="application/json"), Retry, "http_200"),
        (Answer(status=500), Retry, "http_500"),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), Retry, "http_302"),
        (medium(AMR, status=404), Retry, "http_404"),
        (medium(b"x" * (LIMIT + 1)), Refused, "too_large"),
        (medium(b"x", headers={"Content-Disposition": "a", "Content-Length": str(LIMIT + 1)}), Refused, "too_large"),
        (medium(AMR, headers={"Content-Disposition": "a", "Content-Length": "5000"}), Retry, "connection_lost"),
        (medium(AMR, delay_s=60), Retry, "timeout"),
        (Drip(part="headers"), Retry, "timeout"),
        (Drip(headers={"Content-Disposition": "attachment"}), Retry, "timeout"),
        (Cut(), Retry, "connection_lost"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_failure_has_its_meaning(
    here: Installation, scripted: Scripted, error: type[Refused | Retry], code: str
) -> None:
    here.platform.on(GET_PATH, scripted)
    with pytest.raises(error) as caught:
        brings(here, within_s=0.5 if code == "timeout" else 20)
    assert vars(caught.value)["code"] == code
    assert len(asked(here)) == 1


@pytest.mark.parametrize("times", [1, 3])
def test_a_little_that_unfolds_to_very_much_is_too_large(here: Installation, times: int) -> None:
    """Packed once, 20 MB of nothing travel in 20 KB; packed thrice, in next to nothing."""
    body = bytes(20 * LIMIT)
    for _ in range(times):
        body = gzip.compress(body)
    encodings = ", ".join(["gzip"] * times)
    here.platform.on(GET_PATH, medium(body, headers={"Content-Disposition": "a", "Content-Encoding": encodings}))
    into = io.BytesIO()
    with pytest.raises(Refused, match="too_large"):
        here.channel().fetch(VOICE, into, LIMIT, here.clock() + 5)
    assert len(into.getvalue()) <= LIMIT


def test_what_was_packed_although_nobody_asked_is_unpacked(here: Installation) -> None:
    packed = {"Content-Disposition": "a", "Content-Encoding": "gzip"}
    here.platform.on(GET_PATH, medium(gzip.compress(AMR * 1000), headers=packed))
    assert brings(here)[1] == AMR * 1000
    assert asked(here)[0].headers["accept-encoding"] == "identity"


def test_who_was_given_up_ends_although_the_body_drips_on(here: Installation) -> None:
    here.platform.on(GET_PATH, Drip(headers={"Content-Disposition": "attachment"}, every_s=0.05))
    with pytest.raises(Retry, match="timeout"):
        brings(here, within_s=0.2)
    await_idle_threads()


class _Slow(io.BytesIO):
    """A file that takes its first bytes when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.released = threading.Event(), threading.Event()

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.reached.set()
        self.released.wait(30)
        return super().write(data)


def test_nothing_is_written_once_the_fetch_was_given_up(here: Installation) -> None:
    """The first chunk is let through; what came meanwhile must not follow it into a file that is somebody else's."""
    here.platform.on(GET_PATH, medium(b"x" * 100_000))
    into = _Slow()
    threading.Timer(0.6, into.released.set).start()
    with pytest.raises(Retry, match="timeout"):
        here.channel().fetch(VOICE, into, LIMIT, here.clock() + 0.3)
    written = len(into.getvalue())
    await_idle_threads()
    assert len(into.getvalue()) == written < 100_000


def test_a_body_that_nobody_waits_for_takes_nothing() -> None:
    into = io.BytesIO()
    incoming = IncomingBody(into.write, LIMIT, lambda _status, _headers: True)
    incoming.write(b"in time")
    incoming.abandon()
    with pytest.raises(OSError, match="nobody waits"):
        incoming.write(b"too late")
    assert (into.getvalue(), incoming.taken) == (b"in time", 7)


def test_a_disk_that_is_full_is_said(here: Installation) -> None:
    class Full(io.BytesIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            raise OSError(28, f"no space for {len(data)} bytes")

    here.platform.on(GET_PATH, medium(AMR))
    with pytest.raises(Retry, match="not_stored"):
        here.channel().fetch(VOICE, Full(), LIMIT, here.clock() + 5)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_dead_token_is_fetched_anew_once(here: Installation, code: int) -> None:
    here.platform.on(GET_PATH, reply({"errcode": code}), medium(AMR))
    assert brings(here)[1] == AMR
    assert [request.query["access_token"] for request in asked(here)] == ["token-1", "token-2"]


def in_pieces(content: bytes, **lies: str) -> Callable[[Recorded], Scripted]:
    """A media/get that serves ``content`` in pieces only, as page 90254 says."""

    def answer(request: Recorded) -> Scripted:
        wanted = request.headers.get("range", "")
        if not wanted:
            return reply({"errcode": 830002, "errmsg": "file too big"})
        first, last = map(int, wanted.removeprefix("bytes=").split("-"))
        assert (last + 1 - first) % 16 == 0
        assert last + 1 - first <= 20 * 1024 * 1024
        piece = content[first : last + 1]
        span = f"bytes {first}-{first + len(piece) - 1}/{len(content)}"
        headers = {"Content-Disposition": 'attachment; filename="a.amr"', "Content-Range": span} | lies
        return Answer(status=206, body=piece, content_type="audio/amr", headers=headers)

    return answer


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    """So that a few kilobytes are several pieces."""
    monkeypatch.setattr(fetch, "PIECE_BYTES", 1024)
    return 1024


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 5000])
def test_what_is_too_big_for_one_answer_comes_in_pieces(here: Installation, small_pieces: int, length: int) -> None:
    content = bytes(n % 251 for n in range(length))
    here.platform.on(GET_PATH, in_pieces(content))
    assert brings(here) == (Fetched(name="a.amr", content_type="audio/amr"), content)
    assert len(asked(here)) == 1 + -(-length // small_pieces)


@pytest.mark.parametrize(
    ("lies", "error", "code"),
    [
        ({"Content-Range": "bytes 0-99/100000000"}, Refused, "too_large"),
        ({"Content-Range": "bytes 7-99/200"}, Retry, "bad_range"),
        ({"Content-Range": ""}, Retry, "bad_range"),
        ({"Content-Range": "bytes */200"}, Retry, "bad_range"),
    ],
)
@pytest.mark.usefixtures("small_pieces")
def test_pieces_that_do_not_fit_are_refused(
    here: Installation, lies: dict[str, str], error: type[ChannelError], code: str
) -> None:
    here.platform.on(GET_PATH, in_pieces(b"x" * 3000, **lies))
    with pytest.raises(error, match=code):
        brings(here)


@pytest.mark.usefixtures("small_pieces")
def test_pieces_that_bring_nothing_end(here: Installation) -> None:
    here.platform.on(GET_PATH, in_pieces(b""))
    with pytest.raises(Retry, match="bad_range"):
        brings(here)


@pytest.mark.usefixtures("small_pieces")
def test_pieces_together_keep_to_the_limit(here: Installation) -> None:
    here.platform.on(GET_PATH, in_pieces(b"x" * 3000, **{"Content-Range": "bytes 0-1023/1500"}))
    with pytest.raises(Refused, match="too_large"):
        brings(here, limit=1000)


@pytest.mark.parametrize(
    "attachment",
    [
        Attachment(kind=MessageKind.LOCATION, url="geo:23.1,113.3"),
        Attachment(kind=MessageKind.LINK, url="https://a.example/"),
        Attachment(kind=MessageKind.IMAGE, url="http://169.254.169.254/latest/meta-data"),
        Attachment(kind=MessageKind.IMAGE, url="https://wework.qpic.cn/pic/1"),
    ],
)
def test_a_url_is_never_followed(here: Installation, attachment: Attachment) -> None:
    with pytest.raises(Refused, match="not_fetchable"):
        brings(here, attachment)
    assert here.platform.requests == []


def test_while_the_app_is_stopped_nothing_is_fetched(here: Installation) -> None:
    here.platform.on(GET_PATH, reply({"errcode": 60020, "errmsg": "not allow to access from your ip"}))
    with pytest.raises(Refused, match="60020"):
        brings(here)
    with pytest.raises(Retry, match="circuit_open"):
        brings(here)
    assert len(asked(here)) == 1


def test_without_redis_nothing_is_fetched(here: Installation) -> None:
    here.redis = connect("unix:///nonexistent/redis.sock")
    with pytest.raises(Retry, match="redis_unavailable"):
        brings(here)
    assert here.platform.requests == []


@pytest.mark.parametrize(
    ("path", "scripted"),
    [
        (GET_PATH, Cut()),
        (GET_PATH, Answer(status=500)),
        (GET_PATH, Answer(delay_s=60)),
        (GET_PATH, reply({"errcode": 987654, "errmsg": f"token-1 {SECRET} media-of-a-patient"})),
        (GET_PATH, reply({"errcode": 40007, "errmsg": "media-of-a-patient"})),
        (TOKEN_PATH, Cut()),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_no_error_and_no_log_shows_token_secret_or_media_id(
    here: Installation, caplog: pytest.LogCaptureFixture, path: str, scripted: Scripted
) -> None:
    caplog.set_level(logging.DEBUG)
    here.platform.on(path, scripted)
    with structlog.testing.capture_logs() as lines, pytest.raises(ChannelError) as caught:
        brings(here, within_s=0.5)
    shown = caplog.text + str(lines) + told_by(caught.value)
    for hidden in ("token-1", SECRET, "media-of-a-patient"):
        assert hidden not in shown
