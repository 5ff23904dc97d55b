"""The group that the application makes and changes, against the simulated platform."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from bot.channel import ChannelAddress
from bot.finding import State
from bot.group_making import GroupMaker
from channels.wecom_appchat import Config, build
from simulator.platform import Platform
from simulator.server import SimulatorServer
from tests.channels.groups import Installation
from tests.simulator.parties import CORP_ID, SECRET, Clock, Simulator
from tests.simulator.test_group_robot import community

ADDRESS = ChannelAddress(bot="imaging", channel="course", bot_name="影像助手")


@pytest.fixture
def here(redis_client: "redis.Redis") -> Iterator[Installation]:
    clock = Clock()
    with SimulatorServer(Platform(community(), clock=clock)) as server:
        yield Installation(Simulator(server.url), redis_client, clock)


def group(here: Installation, chatid: str = "course1", secret: str = SECRET) -> GroupMaker:
    channel = build(ADDRESS, Config(corp_id=CORP_ID, secret=secret, chatid=chatid), here.kit())  # type: ignore[arg-type]
    assert isinstance(channel, GroupMaker)
    return channel


def makes(here: Installation, *members: str, name: str = "读片课", **more: str) -> tuple[State, str, str]:
    """The state, the detail and the cure of what came of it; 张伟 owns the group."""
    found = group(here, **more).make_group(name, "zhang.wei", members, here.clock() + 5)
    return found.state, found.detail, found.cure


def changes(here: Installation, **wanted: Any) -> tuple[State, str, str]:
    empty: dict[str, Any] = {"name": "", "owner": "", "add": (), "remove": ()}
    found = group(here).change_group(**(empty | wanted), deadline=here.clock() + 5)
    return found.state, found.detail, found.cure


def known(here: Installation) -> dict[str, Any]:
    """The group as the platform knows it."""
    found: dict[str, Any] = here.platform.get(
        "/cgi-bin/appchat/get", access_token=here.platform.token(), chatid="course1"
    )["chat_info"]
    return found


def test_a_group_is_made_with_its_owner_and_changed(here: Installation) -> None:
    assert makes(here, "wang.fang", "wang.fang") == (State.OK, "the group course1 is made, with 2 members", "")
    assert known(here) == {
        "chatid": "course1",
        "name": "读片课",
        "owner": "zhang.wei",
        "userlist": ["zhang.wei", "wang.fang"],
    }
    assert changes(here, name="读片课二期", add=["li.na"], remove=["wang.fang"])[0] is State.OK
    assert (known(here)["name"], known(here)["userlist"]) == ("读片课二期", ["zhang.wei", "li.na"])
    assert changes(here, owner="li.na")[:2] == (State.OK, "the group course1 is changed")
    assert known(here)["owner"] == "li.na"


def test_what_the_platform_refuses_is_told_in_words(here: Installation) -> None:
    assert "python -m bot group create" in changes(here, name="二期")[2]
    assert makes(here, "wang.fang")[0] is State.OK
    state, detail, cure = makes(here, "wang.fang")
    assert (state, "86215" in detail, "group update" in cure) == (State.BROKEN, True, True)
    state, detail, cure = makes(here, "nobody.there", chatid="course2")
    assert (state, "40003" in detail, "user ids" in cure) == (State.BROKEN, True, True)
    here.platform.rules(appchat_allowed=False)
    assert "root department" in makes(here, "wang.fang", chatid="course3")[2]


def test_what_cannot_be_a_group_is_never_asked_for(here: Installation) -> None:
    assert makes(here, "zhang.wei")[1] == "a group has 2 to 2000 members, not 1"
    assert makes(here, "wang.fang", name="长" * 51)[1] == "a name has 1 to 50 characters, not 51"
    assert makes(here, *(f"m{number}" for number in range(2000)))[0] is State.BROKEN
    assert changes(here, name="长" * 51)[0] is State.BROKEN
    assert here.platform.log(24) == []


def test_a_lost_answer_is_no_failure_and_no_secret_is_told(here: Installation) -> None:
    here.platform.fault(on="appchat/create", kind="close_after")
    state, detail, cure = makes(here, "wang.fang")
    assert (state, "it may have been done" in detail, "doctor" in cure) == (State.BROKEN, True, True)
    assert known(here)["name"] == "读片课"
    told = repr(makes(here, "wang.fang", chatid="course2", secret="a-wrong-secret"))
    assert "token_refused" in told
    assert "a-wrong-secret" not in told
