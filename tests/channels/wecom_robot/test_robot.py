"""A group robot against the simulated platform."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pydantic import ValidationError

from bot.channel import ChannelAddress, Receipt, Refused, Retry
from bot.finding import State
from bot.media.store import MediaStore
from bot.messages import ConversationId, MessageKind
from bot.parts import Article, Markdown, Medium, News, Part, Stream, Text
from channels.wecom_robot import Config, WeComRobotChannel, build
from simulator.platform import Platform
from simulator.server import SimulatorServer
from tests.channels.groups import Installation
from tests.media_sources import GIF, PDF, PNG, put
from tests.simulator.parties import Clock, Simulator
from tests.simulator.test_group_robot import KEY, community

WEBHOOK = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
ADDRESS = ChannelAddress(bot="imaging", channel="news", bot_name="影像助手")
GROUP = ConversationId(bot="imaging", channel="news", person="")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(redis_client: "redis.Redis", clock: Clock, tmp_path: Path) -> Iterator[Installation]:
    with SimulatorServer(Platform(community(), clock=clock)) as server:
        yield Installation(Simulator(server.url), redis_client, clock, MediaStore(tmp_path, 3600.0))


def robot(here: Installation, **fields: object) -> WeComRobotChannel:
    return build(ADDRESS, Config.model_validate({"webhook": WEBHOOK, **fields}), here.kit())


def say(channel: WeComRobotChannel, part: Part | str, key: str = "broadcast:1:0") -> Receipt:
    part = Text(part) if isinstance(part, str) else part
    return channel.send(GROUP, part, key, channel._kit.clock() + 5)


def read(here: Installation) -> list[str]:
    return [one["content"] for one in here.platform.entries(chat="imaging")]


def test_words_reach_the_group(here: Installation) -> None:
    channel = robot(here)
    say(channel, "明天停机")
    say(channel, Markdown("**周报**"))
    say(channel, News((Article("读片课", "周五", "https://academy.example/1"),)))
    entries = here.platform.entries(chat="imaging")
    assert [(one["type"], one["content"]) for one in entries] == [
        ("text", "明天停机"),
        ("markdown", "**周报**"),
        ("news", "读片课"),
    ]
    assert channel.limits.announces
    assert not channel.limits.pushes


def test_the_twenty_first_in_a_minute_waits_for_its_turn_and_is_never_refused(here: Installation, clock: Clock) -> None:
    channel = robot(here)
    for number in range(20):
        say(channel, str(number))
        clock.now += 1
    with pytest.raises(Retry) as wait:
        say(channel, "20")
    assert wait.value.paced
    assert wait.value.after_s == pytest.approx(40)
    clock.now += wait.value.after_s
    say(channel, "20")
    assert read(here) == [str(number) for number in range(21)]
    assert {"outcome": "paced", "code": "paced"} in [labels for _, labels in here.counted]


def test_two_processes_share_the_pace_of_a_robot(here: Installation) -> None:
    first, second = robot(here, per_minute=2), robot(here, per_minute=2)
    say(first, "一")
    say(second, "二")
    with pytest.raises(Retry):
        say(first, "三")


@pytest.mark.parametrize("errcode", [93000, 93004, 93008])
def test_a_robot_that_is_gone_alerts_and_is_left_alone_for_a_minute(here: Installation, errcode: int) -> None:
    here.platform.fault(on="webhook/send", kind="errcode", errcode=errcode)
    channel = robot(here)
    with pytest.raises(Refused) as refusal:
        say(channel, "一")
    assert (refusal.value.code, refusal.value.alert) == (str(errcode), True)
    with pytest.raises(Retry, match="circuit_open"):
        say(channel, "二")


@pytest.mark.parametrize("part", [Text("长" * 683), Markdown("长" * 1366), Stream("x", "s"), News(())])
def test_what_a_robot_cannot_say_never_leaves(here: Installation, part: Part) -> None:
    with pytest.raises(Refused):
        say(robot(here), part)
    assert here.platform.log(25) == []


def test_a_picture_travels_in_the_message_and_a_file_is_uploaded_first(here: Installation) -> None:
    assert isinstance(here.media, MediaStore)
    put(here.media, "pic", PNG, "片.png", MessageKind.IMAGE)
    put(here.media, "gif", GIF, "动.gif", MessageKind.IMAGE)
    put(here.media, "pdf", PDF, "课件.pdf")
    channel = robot(here)
    for kind, media in ((MessageKind.IMAGE, "pic"), (MessageKind.IMAGE, "gif"), (MessageKind.FILE, "pdf")):
        say(channel, Medium(kind, media))
    entries = here.platform.entries(chat="imaging")
    shown = [(one["type"], one["upload"]["name"]) for one in entries]
    assert shown == [("image", "image"), ("file", "动.gif"), ("file", "课件.pdf")]
    assert ("degraded", {"what": "picture_sent_as_file"}) in here.counted
    with pytest.raises(Refused, match="media_gone"):
        say(channel, Medium(MessageKind.FILE, "gone"))
    with pytest.raises(Refused, match="part_unsupported"):
        say(channel, Medium(MessageKind.VIDEO, "pdf"))


@pytest.mark.parametrize(
    "url",
    [
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + KEY,
        "https://qyapi.weixin.qq.com.evil.example/cgi-bin/webhook/send?key=" + KEY,
        "https://evil.example/cgi-bin/webhook/send?key=" + KEY,
        "https://qyapi.weixin.qq.com@evil.example/cgi-bin/webhook/send?key=" + KEY,
        WEBHOOK + "&key=other-key-1",
        KEY,
    ],
)
def test_only_the_platforms_own_address_is_a_webhook(url: str) -> None:
    with pytest.raises(ValidationError) as error:
        Config.model_validate({"webhook": url})
    assert KEY not in str(error.value)


def test_the_key_stands_in_no_log_and_no_error(here: Installation, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel = robot(here)
    here.platform.call("POST", "/_sim/robots", key=KEY, disabled=True)
    with pytest.raises(Refused) as refusal:
        say(channel, "一")
    assert KEY not in caplog.text
    assert KEY not in f"{refusal.value} {refusal.value.detail} {Config.model_validate({'webhook': WEBHOOK})!r}"


def test_doctor_finds_a_good_key_without_a_word_in_the_group(here: Installation) -> None:
    channel = robot(here)
    (finding,) = channel.examine(here.clock() + 5)
    assert finding.state is State.OK
    here.platform.call("POST", "/_sim/robots", key=KEY, disabled=True)
    (finding,) = channel.examine(here.clock() + 5)
    assert finding.state is State.BROKEN
    assert "93004" in finding.detail
    assert read(here) == []
