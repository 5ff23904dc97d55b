"""The channel ``wecom-robot`` keeps the contract of channels that hear nobody."""

from collections.abc import Iterator
from functools import cached_property

import pytest
import redis

from bot.channel import Channel
from bot.connections import Connections
from channels.wecom_robot import Config, build
from simulator.platform import Platform
from simulator.server import SimulatorServer
from tests.channels.groups import Installation
from tests.contracts.outgoing import GroupScene, GroupSpeaker, OutgoingContract, OutgoingPlatformContract
from tests.contracts.sending import ADDRESS
from tests.fakes.scripted_http import ScriptedServer, reply
from tests.simulator.parties import Clock, Simulator
from tests.simulator.test_group_robot import KEY, community

CONFIG = Config.model_validate({"webhook": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"})


class Robot(GroupSpeaker):
    """A group robot."""

    send_path = "/cgi-bin/webhook/send"

    @cached_property
    def channel(self) -> Channel:
        return build(ADDRESS, CONFIG, self.kit())


@pytest.fixture
def subject(redis_client: "redis.Redis", http: Connections, platform: ScriptedServer) -> Robot:
    platform.on(Robot.send_path, reply({"errcode": 0, "errmsg": "ok"}))
    return Robot(redis_client, http, platform)


class TestWeComRobot(OutgoingContract):
    """All of it."""


class RobotScene(GroupScene):
    """A group robot, which needs no token."""

    chat, per_minute = "imaging", 20
    call, refused_token = "webhook/send", 0

    def build(self) -> Channel:
        return build(ADDRESS, CONFIG, self.here.kit())

    def stop(self) -> str:
        self.simulator.call("POST", "/_sim/robots", key=KEY, disabled=True)
        return "93004"

    def secrets(self) -> tuple[str, ...]:
        return (KEY,)


@pytest.fixture
def scene(redis_client: "redis.Redis") -> Iterator[RobotScene]:
    clock = Clock()
    with SimulatorServer(Platform(community(), clock=clock)) as server:
        yield RobotScene(Installation(Simulator(server.url), redis_client, clock))


class TestWeComRobotOnThePlatform(OutgoingPlatformContract):
    """All of it."""
