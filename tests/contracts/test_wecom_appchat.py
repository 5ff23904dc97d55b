"""The channel ``wecom-appchat`` keeps the contract of channels that hear nobody."""

from collections.abc import Iterator
from functools import cached_property

import pytest
import redis

from bot.channel import Channel
from bot.connections import Connections
from channels.wecom_appchat import Config, build
from simulator.platform import Platform
from simulator.server import SimulatorServer
from tests.channels.groups import Installation
from tests.contracts.outgoing import GroupScene, GroupSpeaker, OutgoingContract, OutgoingPlatformContract
from tests.contracts.sending import ADDRESS
from tests.fakes.scripted_http import ScriptedServer, reply
from tests.simulator.parties import CORP_ID, SECRET, Clock, Simulator
from tests.simulator.test_appchats import ALL, called
from tests.simulator.test_group_robot import community

CHAT = "course1"
CONFIG = Config.model_validate({"corp_id": CORP_ID, "secret": SECRET, "chatid": CHAT})


class Appchat(GroupSpeaker):
    """A group of the app."""

    send_path = "/cgi-bin/appchat/send"

    @cached_property
    def channel(self) -> Channel:
        return build(ADDRESS, CONFIG, self.kit())


@pytest.fixture
def subject(redis_client: "redis.Redis", http: Connections, platform: ScriptedServer) -> Appchat:
    platform.on("/cgi-bin/gettoken", reply({"errcode": 0, "access_token": "t", "expires_in": 7200}))
    platform.on(Appchat.send_path, reply({"errcode": 0, "errmsg": "ok"}))
    return Appchat(redis_client, http, platform)


class TestWeComAppchat(OutgoingContract):
    """All of it."""


class AppchatScene(GroupScene):
    """A group of the app, which gives a member 200 messages a minute and loses the rest silently."""

    chat, per_minute = CHAT, 200
    call = "appchat/send"

    def build(self) -> Channel:
        return build(ADDRESS, CONFIG, self.here.kit())

    def stop(self) -> str:
        self.simulator.rules(appchat_allowed=False)
        return "48002"

    def secrets(self) -> tuple[str, ...]:
        return SECRET, self.simulator.token()


@pytest.fixture
def scene(redis_client: "redis.Redis") -> Iterator[AppchatScene]:
    clock = Clock()
    with SimulatorServer(Platform(community(), clock=clock)) as server:
        simulator = Simulator(server.url)
        assert called(simulator, "create", chatid=CHAT, name="读片课", userlist=ALL)["errcode"] == 0
        yield AppchatScene(Installation(simulator, redis_client, clock))


class TestWeComAppchatOnThePlatform(OutgoingPlatformContract):
    """All of it."""
