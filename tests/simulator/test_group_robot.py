"""Rule 25: the group robot's webhook."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simulator.platform import Platform
from simulator.server import SimulatorServer
from simulator.settings import Group, Member, Robot, Settings, SettingsError
from tests.simulator.media_files import PNG
from tests.simulator.parties import AES_KEY, AGENT_ID, CORP_ID, SECRET, TOKEN, Clock, Simulator

KEY, OTHER = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa", "00000000-0000-0000-0000-000000000000"


def community(**more: Any) -> Settings:
    """A corp with a group in which two robots speak."""
    return Settings(
        corp_id=CORP_ID,
        agent_id=AGENT_ID,
        secret=SECRET,
        token=TOKEN,
        encoding_aes_key=AES_KEY,
        callback_url="http://127.0.0.1:9/callback",
        members=tuple(map(Member.parse, ("wang.fang:王芳", "zhang.wei:张伟", "li.na:李娜"))),
        groups=(Group.parse("imaging:影像学院交流群:wang.fang,li.na"),),
        robots=(Robot.parse(f"{KEY}:imaging:学院通知"), Robot.parse(f"{OTHER}:imaging:运维告警")),
        **more,
    )


@pytest.fixture
def group(clock: Clock) -> Iterator[Simulator]:
    with SimulatorServer(Platform(community(), clock=clock)) as server:
        yield Simulator(server.url)


def said(group: Simulator, key: str = KEY, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = requests.post(
        f"{group.url}/cgi-bin/webhook/send", params={"key": key}, data=utf8(body), timeout=5
    ).json()
    return answer


def utf8(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def words(text: str, kind: str = "text") -> dict[str, Any]:
    return {"msgtype": kind, kind: {"content": text}}


def picture(data: bytes, **changes: str) -> dict[str, Any]:
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return {"msgtype": "image", "image": {"base64": base64.b64encode(data).decode(), "md5": md5, **changes}}


def test_who_is_in_the_group_reads_what_the_robot_says(group: Simulator) -> None:
    assert said(group, **words("明天停机")) == {"errcode": 0, "errmsg": "ok"}
    assert said(group, **words("**周报**", "markdown"))["errcode"] == 0
    entries = group.entries("li.na", chat="imaging")
    assert [(one["content"], one["via"], one["fields"]["author"]) for one in entries] == [
        ("明天停机", "webhook", "学院通知"),
        ("**周报**", "webhook", "学院通知"),
    ]
    assert group.entries("zhang.wei") == []


def test_a_wrong_key_and_a_stopped_robot_are_told_apart(group: Simulator) -> None:
    assert said(group, "unknown-key", **words("一"))["errcode"] == 93000
    group.call("POST", "/_sim/robots", key=KEY, disabled=True)
    assert said(group, **words("二"))["errcode"] == 93004
    group.call("POST", "/_sim/robots", key=KEY, disabled=False)
    assert said(group, **words("三"))["errcode"] == 0


def test_the_twenty_first_message_in_a_minute_blocks_for_a_minute(group: Simulator, clock: Clock) -> None:
    assert [said(group, **words(str(n)))["errcode"] for n in range(21)] == [0] * 20 + [45009]
    assert said(group, OTHER, **words("另一个"))["errcode"] == 0
    clock.now += 59
    assert said(group, **words("早"))["errcode"] == 45009
    clock.now += 1
    assert said(group, **words("到"))["errcode"] == 0


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (words("长" * 683), 40058),
        (words("长" * 1366, "markdown"), 40058),
        (words(""), 44004),
        ({"msgtype": "text"}, 40063),
        ({"msgtype": "video", "video": {"media_id": "x"}}, 40008),
        (picture(PNG, md5="0" * 32), 301019),
        (picture(PNG + b"\0" * 2_097_152), 40009),
        (picture(b"GIF89a......"), 40058),
        ({"msgtype": "template_card", "template_card": {"card_type": "button_interaction"}}, 40058),
    ],
)
def test_what_it_does_not_take(group: Simulator, body: dict[str, Any], errcode: int) -> None:
    assert said(group, **body)["errcode"] == errcode
    assert group.entries() == []


def test_a_picture_is_shown(group: Simulator) -> None:
    assert said(group, **picture(PNG))["errcode"] == 0
    (entry,) = group.entries(chat="imaging")
    assert (entry["type"], entry["upload"]["content_type"]) == ("image", "image/png")


def test_a_media_id_works_with_its_own_key_only(group: Simulator) -> None:
    url = f"{group.url}/cgi-bin/webhook/upload_media"
    answer = requests.post(
        url, params={"key": KEY, "type": "file"}, files={"media": ("课件.pdf", b"%PDF-1.7 ")}, timeout=5
    ).json()
    assert (answer["errcode"], answer["type"]) == (0, "file")
    body: dict[str, Any] = {"msgtype": "file", "file": {"media_id": answer["media_id"]}}
    assert said(group, OTHER, **body)["errcode"] == 40007
    assert said(group, **body)["errcode"] == 0
    assert group.entries(chat="imaging")[0]["upload"]["name"] == "课件.pdf"
    refused = requests.post(url, params={"key": KEY, "type": "image"}, files={"media": ("a", PNG)}, timeout=5).json()
    assert refused["errcode"] == 40005


def test_the_key_is_not_in_the_trace(group: Simulator) -> None:
    said(group, **words("一"))
    assert KEY not in str(group.get("/_sim/trace"))


def test_a_robot_needs_its_group() -> None:
    with pytest.raises(SettingsError, match="groups that are not here: elsewhere"):
        Settings(
            corp_id=CORP_ID,
            agent_id=AGENT_ID,
            secret=SECRET,
            token=TOKEN,
            encoding_aes_key=AES_KEY,
            callback_url="http://127.0.0.1:9/callback",
            members=(Member.parse("wang.fang"),),
            robots=(Robot.parse(f"{KEY}:elsewhere:通知"),),
        )
