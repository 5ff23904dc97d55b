"""Pictures, voices, videos and files to a customer."""

from pathlib import Path

import pytest
import redis

from bot.channel import Refused, Unknown
from bot.connections import Connections
from bot.media.store import MediaStore
from bot.messages import MessageKind
from bot.parts import Medium
from tests.channels.wecom_kf.conftest import Practice
from tests.media_sources import put
from tests.simulator.kf_desk import Desk
from tests.simulator.media_files import AMR, PNG
from tests.simulator.parties import Clock

MP4 = b"\0\0\0\x18ftypmp42" + b"\0" * 64
GIF = b"GIF89a" + bytes(range(200))
PDF = b"%PDF-1.7 and more"


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path, keep_s=86400.0)


@pytest.fixture
def asked(desk: Desk, redis_client: "redis.Redis", clock: Clock, store: MediaStore) -> Practice:
    practice = Practice(desk, redis_client, clock, Connections(environment=False), media=store)
    practice.begins()
    practice.desk.writes("有图吗")
    practice.pulls()
    return practice


def sent(practice: Practice) -> list[str]:
    """The types of what was sent, in order."""
    return [one["type"] for one in practice.desk.kf_entries() if one["via"] == "send"]


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        (MessageKind.IMAGE, PNG, "image"),
        (MessageKind.VOICE, AMR, "voice"),
        (MessageKind.VIDEO, MP4, "video"),
        (MessageKind.FILE, PDF, "file"),
        (MessageKind.IMAGE, GIF, "file"),
    ],
    ids=["picture", "voice", "video", "file", "a picture that is neither JPEG nor PNG"],
)
def test_each_is_shown_as_what_it_is(
    asked: Practice, store: MediaStore, kind: MessageKind, content: bytes, shown: str
) -> None:
    put(store, "m1", content, "说明.bin", kind)
    asked.sends(Medium(kind, "m1"))
    assert sent(asked) == [shown]


def test_what_the_platform_has_forgotten_is_uploaded_again(asked: Practice, store: MediaStore) -> None:
    """40007: once, and from then on the new id counts."""
    put(store, "m1", PNG)
    asked.sends(Medium(MessageKind.IMAGE, "m1"), key="turn:0")
    asked.desk.rules(media_id_life_s=10)
    asked.clock.now += 11
    asked.sends(Medium(MessageKind.IMAGE, "m1"), key="turn:1")
    asked.sends(Medium(MessageKind.IMAGE, "m1"), key="turn:2")
    assert sent(asked) == ["image"] * 3


def test_one_that_stays_unknown_is_given_up_and_not_counted(asked: Practice, store: MediaStore) -> None:
    put(store, "m1", PNG)
    asked.desk.fault(on="kf/send_msg", kind="errcode", errcode=40007, times=2)
    with pytest.raises(Refused, match="40007"):
        asked.sends(Medium(MessageKind.IMAGE, "m1"), key="turn:0")
    for number in range(1, 6):
        asked.sends(Medium(MessageKind.IMAGE, "m1"), key=f"turn:{number}")
    assert sent(asked) == ["image"] * 5


def test_a_resend_shows_it_once(asked: Practice, store: MediaStore) -> None:
    put(store, "m1", PNG)
    asked.desk.fault(on="kf/send_msg", kind="close_after")
    with pytest.raises(Unknown):
        asked.sends(Medium(MessageKind.IMAGE, "m1"))
    asked.sends(Medium(MessageKind.IMAGE, "m1"))
    assert sent(asked) == ["image"]


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        (MessageKind.VOICE, AMR + b"\0" * 2 * 1024 * 1024, "media_too_large"),
        (MessageKind.VIDEO, MP4 + b"\0" * 10 * 1024 * 1024, "media_too_large"),
        (MessageKind.FILE, b"12345", "media_too_small"),
        (MessageKind.VOICE, PDF, "media_type"),
    ],
    ids=["voice", "video", "nothing in it", "no voice"],
)
def test_what_the_platform_would_not_take_never_leaves(
    asked: Practice, store: MediaStore, kind: MessageKind, content: bytes, code: str
) -> None:
    put(store, "m1", content, kind=kind)
    with pytest.raises(Refused, match=code):
        asked.sends(Medium(kind, "m1"))
    assert sent(asked) == []
