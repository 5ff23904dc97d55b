"""A group that the application made, against the simulated platform."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot.channel import ChannelAddress, Refused, Retry
from bot.finding import State
from bot.media.store import MediaStore
from bot.messages import ConversationId, MessageKind
from bot.parts import Article, Markdown, Medium, News, Part, Text
from channels.wecom_appchat import Config, WeComAppchatChannel, build
from simulator.platform import Platform
from simulator.server import SimulatorServer
from tests.channels.groups import Installation
from tests.media_sources import PNG, put
from tests.simulator.parties import CORP_ID, SECRET, Clock, Simulator
from tests.simulator.test_appchats import ALL, called
from tests.simulator.test_group_robot import community

ADDRESS = ChannelAddress(bot="imaging", channel="course", bot_name="影像助手")
GROUP = ConversationId(bot="imaging", channel="course", person="")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(redis_client: "redis.Redis", clock: Clock, tmp_path: Path) -> Iterator[Installation]:
    with SimulatorServer(Platform(community(), clock=clock)) as server:
        platform = Simulator(server.url)
        assert called(platform, "create", chatid="course1", name="读片课", userlist=ALL)["errcode"] == 0
        yield Installation(platform, redis_client, clock, MediaStore(tmp_path, 3600.0))


def group(here: Installation, chatid: str = "course1") -> WeComAppchatChannel:
    fields = {"corp_id": CORP_ID, "secret": SECRET, "chatid": chatid}
    return build(ADDRESS, Config.model_validate(fields), here.kit())


def say(here: Installation, channel: WeComAppchatChannel, part: Part) -> None:
    channel.send(GROUP, part, "broadcast:1:0", here.clock() + 5)


def test_words_and_media_reach_the_group(here: Installation) -> None:
    assert isinstance(here.media, MediaStore)
    put(here.media, "pic", PNG, "片.png", MessageKind.IMAGE)
    channel = group(here)
    parts: list[Part] = [Text("明天开课"), Markdown("**周报**"), News((Article("课", "", "https://a.example/"),))]
    for part in [*parts, Medium(MessageKind.IMAGE, "pic")]:
        say(here, channel, part)
    entries = here.platform.entries("zhang.wei", chat="course1")
    assert [one["type"] for one in entries] == ["text", "markdown", "news", "image"]
    with pytest.raises(Refused, match="too_long"):
        say(here, channel, Text("长" * 683))


def test_a_dead_token_is_fetched_anew(here: Installation) -> None:
    channel = group(here)
    say(here, channel, Text("一"))
    here.platform.call("POST", "/_sim/tokens/kill")
    say(here, channel, Text("二"))
    assert [one["content"] for one in here.platform.entries(chat="course1")] == ["一", "二"]


def test_a_group_that_is_not_ours_is_left_alone_and_the_application_is_not(here: Installation) -> None:
    stranger, ours = group(here, "elsewhere"), group(here)
    with pytest.raises(Refused) as refusal:
        say(here, stranger, Text("一"))
    assert (refusal.value.code, refusal.value.alert) == ("86003", True)
    with pytest.raises(Retry, match="circuit_open"):
        say(here, stranger, Text("二"))
    say(here, ours, Text("三"))


def test_doctor_looks_at_the_group_without_a_word(here: Installation) -> None:
    (found,) = group(here).examine(here.clock() + 5)
    assert (found.state, found.detail) == (State.OK, "the group is there, with 3 members")
    (found,) = group(here, "elsewhere").examine(here.clock() + 5)
    assert found.state is State.BROKEN
    assert "86003" in found.detail
    assert here.platform.entries(chat="course1") == []
