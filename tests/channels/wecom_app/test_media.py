"""Sending a medium: uploaded once, shown by its id, and refused before it leaves where the platform would refuse it."""

import hashlib
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis

from bot.channel import ChannelError, Receipt, Refused, Retry, Unknown
from bot.media.store import MediaStore
from bot.messages import MessageKind
from bot.parts import Medium
from channels.wecom.config import UploadNames
from channels.wecom.uploads import MEDIA_ID_LIFE_S, upload_of
from tests.channels.chains import told_by
from tests.channels.wecom_app.conftest import SECRET, SEND_PATH, Installation
from tests.fakes.scripted_http import Answer, Cut, Drip, Recorded, Scripted, reply
from tests.media_sources import AMR, GIF, JPEG, MP4, PDF, PNG, put

UPLOAD_PATH = "/cgi-bin/media/upload"
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """The one part of a multipart body, and what its head says."""

    name: str
    filename: str
    filelength: str
    content_type: str
    content: bytes


def part_of(request: Recorded) -> Part:
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\w+)", request.headers["content-type"])
    assert boundary is not None
    delimiter = f"--{boundary[1]}".encode()
    before, whole, after = request.body.split(delimiter)
    assert (before, after) == (b"", b"--\r\n")
    head, content = whole.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1)
    found = re.fullmatch(
        rb'Content-Disposition: form-data; name="(.*)"; filename="(.*)"; filelength=(\d+)\r\nContent-Type: (.*)', head
    )
    assert found is not None, head
    name, filename, length, content_type = (piece.decode() for piece in found.groups())
    return Part(name, filename, length, content_type, content)


def upload_answers() -> Callable[[Recorded], Answer]:
    """A media/upload that numbers its ids: ``media-1``, ``media-2`` …; its answer is that of page 90253."""
    numbers = iter(range(1, 1_000))

    def answer(request: Recorded) -> Answer:
        kind = request.query["type"]
        media_id = f"media-{next(numbers)}"
        return reply({"errcode": 0, "errmsg": "", "type": kind, "media_id": media_id, "created_at": "1380000000"})

    return answer


@pytest.fixture
def store(here: Installation, tmp_path: Path) -> MediaStore:
    """What the channel sends lies here."""
    store = MediaStore(tmp_path, keep_s=3600)
    here.media = store
    here.platform.on(UPLOAD_PATH, upload_answers())
    return store


def uploads(here: Installation) -> list[Recorded]:
    return here.platform.to(UPLOAD_PATH)


_ID = {"media_id": "media-1"}


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        ("image", "示意图.png", Part("media", "___.png", "208", "image/png", PNG)),
        ("image", "photo.JPEG", Part("media", "photo.JPEG", "204", "image/jpeg", JPEG)),
        ("image", "", Part("media", "image.jpg", "204", "image/jpeg", JPEG)),
        ("voice", "voice", Part("media", "voice.amr", "206", "audio/amr", AMR)),
        ("video", "演示.mp4", Part("media", "__.mp4", "212", "video/mp4", MP4)),
        ("file", 'a"b\\c 说明.pdf', Part("media", "c __.pdf", "209", "application/pdf", PDF)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_medium_is_uploaded_and_shown_by_its_id(
    here: Installation, store: MediaStore, kind: str, name: str, part: Part
) -> None:
    put(store, "m1", part.content, name)
    assert here.send(Medium(MessageKind(kind), "m1")) == Receipt(message_id="msg-1")
    (upload,) = uploads(here)
    assert upload.query == {"access_token": "token-1", "type": kind}
    assert part_of(upload) == part
    (sent,) = here.sent
    assert sent.json == {
        "touser": "zhang.wei",
        "msgtype": kind,
        "agentid": 1000002,
        kind: _ID | ({"title": name, "description": ""} if kind == "video" else {}),
        "enable_duplicate_check": 1,
        "duplicate_check_interval": 600,
    }
    assert here.counted == [("send", {"outcome": "sent", "code": "0"})]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("说明 书（第2版）.pdf", "说明 书（第2版）.pdf"),
        ('a"b\\c/../d.pdf', "d.pdf"),
        ("审\u202efdp.exe", "审fdp.exe"),
        ("一" * 200 + ".pdf", "一" * 96 + ".pdf"),
    ],
)
def test_names_are_kept_where_the_operator_dares(here: Installation, store: MediaStore, name: str, shown: str) -> None:
    put(store, "m1", PDF, name)
    here.send(Medium(MessageKind.FILE, "m1"), channel=here.channel(upload_names="utf8"))
    assert part_of(uploads(here)[0]).filename == shown


@pytest.mark.parametrize(("names", "shown"), [("ascii", "a______.pdf"), ("utf8", "a____é_.pdf")])
def test_a_name_never_leaves_its_line(store: MediaStore, names: UploadNames, shown: str) -> None:
    """Whatever the media store lets through."""
    medium = replace(put(store, "m1", PDF), name='a"\r\n\u202eé/.pdf')
    assert upload_of(MessageKind.FILE, medium, names).name == shown


def test_a_picture_that_is_neither_jpeg_nor_png_goes_as_a_file(here: Installation, store: MediaStore) -> None:
    put(store, "m1", GIF, "cat.gif")
    here.send(Medium(MessageKind.IMAGE, "m1"))
    assert uploads(here)[0].query["type"] == "file"
    assert (here.sent[0].json["msgtype"], here.sent[0].json["file"]) == ("file", {"media_id": "media-1"})
    assert ("degraded", {"what": "picture_sent_as_file"}) in here.counted


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("image", PNG[:8] + bytes(10 * _MB - 7), "media_too_large"),
        ("voice", AMR + bytes(2 * _MB), "media_too_large"),
        ("video", MP4 + bytes(10 * _MB), "media_too_large"),
        ("file", PDF + bytes(20 * _MB), "media_too_large"),
        ("image", GIF + bytes(20 * _MB), "media_too_large"),
        ("file", b"%PDF-", "media_too_small"),
        ("file", b"", "media_too_small"),
        ("voice", b"RIFF....WAVE" + bytes(100), "media_type"),
        ("video", PNG, "media_type"),
        ("location", PNG, "part_unsupported"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_the_platform_would_refuse_never_leaves(
    here: Installation, store: MediaStore, kind: str, content: bytes, code: str
) -> None:
    put(store, "m1", content)
    with pytest.raises(Refused) as caught:
        here.send(Medium(MessageKind(kind), "m1"))
    assert caught.value.code == code
    assert here.platform.requests == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [("image", PNG[:8] + bytes(10 * _MB - 8)), ("file", b"6bytes"), ("voice", AMR[:6] + bytes(2 * _MB - 6))],
)
def test_what_just_fits_is_taken(here: Installation, store: MediaStore, kind: str, content: bytes) -> None:
    put(store, "m1", content)
    here.send(Medium(MessageKind(kind), "m1"))
    assert part_of(uploads(here)[0]).content == content


def test_a_medium_that_is_kept_no_longer_is_refused(here: Installation, store: MediaStore) -> None:
    medium = put(store, "m1", PNG)
    medium.path.unlink()
    for media in ("m1", "never-was"):
        with pytest.raises(Refused, match="media_gone"):
            here.send(Medium(MessageKind.IMAGE, media))
    assert here.platform.to(SEND_PATH) == uploads(here) == []


def test_the_same_content_is_uploaded_once_for_all_apps_of_the_corp(
    here: Installation, store: MediaStore, redis_client: "redis.Redis"
) -> None:
    for media in ("m1", "m2"):
        put(store, media, PNG)
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-1:0")
    here.send(Medium(MessageKind.IMAGE, "m2"), key="turn-2:0", person="li.na")
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-3:0", channel=here.channel(agent_id=1000003))
    assert (len(uploads(here)), len(here.sent)) == (1, 3)
    here.send(Medium(MessageKind.FILE, "m1"), key="turn-4:0")  # another kind has an id of its own
    assert len(uploads(here)) == 2
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-5:0", channel=here.channel(corp_id="ww2"))
    assert len(uploads(here)) == 3
    (name,) = redis_client.keys(f"wecom:*:media:image:{hashlib.sha256(PNG).hexdigest()}:")[:1]
    assert 0 < redis_client.ttl(name) < MEDIA_ID_LIFE_S


def test_a_file_is_shown_by_its_own_name(here: Installation, store: MediaStore) -> None:
    for media, name in (("m1", "a.pdf"), ("m2", "b.pdf"), ("m3", "a.pdf")):
        put(store, media, PDF, name)
        here.send(Medium(MessageKind.FILE, media), key=f"{media}:0")
    assert [part_of(upload).filename for upload in uploads(here)] == ["a.pdf", "b.pdf"]
    assert [sent.json["file"]["media_id"] for sent in here.sent] == ["media-1", "media-2", "media-1"]


def test_of_two_uploads_at_once_the_first_ones_id_counts(here: Installation, store: MediaStore) -> None:
    """So that a resend by whoever was slower is the same request."""
    put(store, "m1", PNG)
    both_here, answer = threading.Barrier(2, timeout=10), upload_answers()

    def together(request: Recorded) -> Answer:
        both_here.wait()
        return answer(request)

    here.platform.on(UPLOAD_PATH, together)
    with ThreadPoolExecutor(2) as pool:
        sends = [
            pool.submit(here.send, Medium(MessageKind.IMAGE, "m1"), key=f"turn-{n}:0", person=f"member-{n}")
            for n in (1, 2)
        ]
        assert [send.result() for send in sends] == [Receipt(message_id="msg-1")] * 2
    assert len(uploads(here)) == 2
    assert len({sent.json["image"]["media_id"] for sent in here.sent}) == 1


def test_a_media_id_that_died_is_dropped_and_the_medium_uploaded_once_more(
    here: Installation, store: MediaStore
) -> None:
    put(store, "m1", PNG)
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-1:0")
    here.platform.on(SEND_PATH, reply({"errcode": 40007, "errmsg": "invalid media_id"}), reply({"errcode": 0}))
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-2:0", person="li.na")
    assert [sent.json["image"]["media_id"] for sent in here.sent] == ["media-1", "media-1", "media-2"]
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-3:0")
    assert (len(uploads(here)), here.sent[-1].json["image"]["media_id"]) == (2, "media-2")


def test_an_id_that_somebody_else_renewed_meanwhile_is_used(
    here: Installation, store: MediaStore, redis_client: "redis.Redis"
) -> None:
    put(store, "m1", PNG)
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-1:0")
    (name,) = redis_client.keys("wecom:*:media:image:*")

    def renewed(_request: Recorded) -> Answer:
        redis_client.set(name, "media-of-another-process")
        return reply({"errcode": 40007, "errmsg": "invalid media_id"})

    here.platform.on(SEND_PATH, renewed, reply({"errcode": 0}))
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-2:0", person="li.na")
    assert here.sent[-1].json["image"]["media_id"] == "media-of-another-process"
    assert len(uploads(here)) == 1


def test_a_medium_whose_new_id_is_refused_too_is_given_up(here: Installation, store: MediaStore) -> None:
    put(store, "m1", PNG)
    here.platform.on(SEND_PATH, reply({"errcode": 40007, "errmsg": "invalid media_id"}))
    with pytest.raises(Refused, match="40007"):
        here.send(Medium(MessageKind.IMAGE, "m1"))
    assert (len(uploads(here)), len(here.sent)) == (2, 2)


def test_a_resend_of_a_medium_is_the_same_request_and_an_honest_repeat_is_delivered(
    here: Installation, store: MediaStore
) -> None:
    put(store, "m1", PNG)
    here.platform.on(SEND_PATH, Cut(), reply({"errcode": 0}))
    with pytest.raises(Unknown):
        here.send(Medium(MessageKind.IMAGE, "m1"))
    here.send(Medium(MessageKind.IMAGE, "m1"))
    here.send(Medium(MessageKind.IMAGE, "m1"), key="turn-2:0")
    first, resend, repeat = here.sent
    assert first.body == resend.body
    assert [sent.json["enable_duplicate_check"] for sent in (first, repeat)] == [1, 0]
    assert len(uploads(here)) == 1


def test_a_dead_token_is_fetched_anew_for_an_upload(here: Installation, store: MediaStore) -> None:
    put(store, "m1", PNG)
    here.platform.on(UPLOAD_PATH, reply({"errcode": 42001}), upload_answers())
    here.send(Medium(MessageKind.IMAGE, "m1"))
    first, second = uploads(here)
    assert (first.query["access_token"], second.query["access_token"]) == ("token-1", "token-2")
    assert part_of(first) == part_of(second)


@pytest.mark.parametrize(
    ("scripted", "error", "code"),
    [
        (Cut(), Retry, "upload_connection_lost"),
        (Answer(status=500), Retry, "upload_http_500"),
        (Answer(body=b"<html>"), Retry, "upload_http_200"),
        (Answer(delay_s=60), Retry, "upload_timeout"),
        (Drip(), Retry, "upload_timeout"),
        (reply({"errcode": 0, "errmsg": ""}), Retry, "upload_without_media_id"),
        (reply({"errcode": -1}), Retry, "-1"),
        (reply({"errcode": 45009}), Retry, "45009"),
        (reply({"errcode": 40004}), Refused, "40004"),
        (reply({"errcode": 40006}), Refused, "40006"),
        (reply({"errcode": 48002}), Refused, "48002"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_upload_that_fails_sends_nothing(
    here: Installation, store: MediaStore, scripted: Scripted, error: type[ChannelError], code: str
) -> None:
    put(store, "m1", PNG)
    here.platform.on(UPLOAD_PATH, scripted)
    with pytest.raises(error) as caught:
        here.send(Medium(MessageKind.IMAGE, "m1"), within_s=0.5 if code.endswith("timeout") else 20)
    assert vars(caught.value)["code"] == code
    assert here.sent == []
    assert here.outcomes() == [(error.__name__.lower(), code)]


def test_no_error_of_an_upload_shows_token_secret_or_content(here: Installation, store: MediaStore) -> None:
    put(store, "m1", PDF + b"patient")
    here.platform.on(UPLOAD_PATH, reply({"errcode": 40006, "errmsg": f"token-1 {SECRET}"}))
    with pytest.raises(Refused) as caught:
        here.send(Medium(MessageKind.FILE, "m1"))
    shown = told_by(caught.value)
    for hidden in ("token-1", SECRET, "patient"):
        assert hidden not in shown
