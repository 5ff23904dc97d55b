"""Whether a report of an adverse event would reach anybody."""

from collections.abc import Mapping

import pytest
import redis

from bot.assembly import channel_builder, load_bots
from bot.bots_file import BotConfig
from bot.channel import Channel, ChannelAddress
from bot.doctor.safety_desk import desk, mail_server
from bot.finding import State
from bot.safety.cases.config import SafetyConfig
from bot.settings import DEMO_BOTS_FILE
from tests.doctor.conftest import MakeSettings
from tests.fakes.mail_server import MailServer

DEMO = load_bots(DEMO_BOTS_FILE)["imaging"]
BOX = "pv@example.com"


def bot(**safety: object) -> BotConfig:
    return DEMO.model_copy(update={"safety": SafetyConfig.model_validate(safety)})


@pytest.fixture
def channels(make_settings: MakeSettings, redis_client: "redis.Redis") -> Mapping[str, Channel]:
    build = channel_builder(make_settings(), redis_client)
    return {
        name: build(ChannelAddress(bot="imaging", channel=name, bot_name=DEMO.name), channel)
        for name, channel in DEMO.channels.items()
    }


def test_a_mail_server_that_lets_us_in_is_well(make_settings: MakeSettings) -> None:
    with MailServer(user="bot", password="right") as server:
        (found,) = mail_server(make_settings(smtp_url=server.url), {"imaging": bot(email=(BOX,))})
        assert found.state is State.OK
        assert "imaging" in found.detail
        assert "right" not in found.detail
        assert server.logged_in == [True]
        assert server.mails == [], "nobody gets a mail"


def test_a_wrong_password_is_told(make_settings: MakeSettings) -> None:
    with MailServer(user="bot", password="right") as server:
        url = server.url.replace("right", "wrong")
        (found,) = mail_server(make_settings(smtp_url=url), {"imaging": bot(email=(BOX,))})
    assert (found.state, "smtp_535" in found.detail) == (State.BROKEN, True)
    assert "password" in found.cure
    assert "wrong" not in found.detail


def test_a_server_that_is_not_there_is_told(make_settings: MakeSettings) -> None:
    with MailServer() as server:
        url = server.url
    (found,) = mail_server(make_settings(smtp_url=url), {})
    assert (found.state, "ConnectionRefusedError" in found.detail) == (State.BROKEN, True)


@pytest.mark.parametrize(
    ("safety", "state"), [({"email": (BOX,)}, State.BROKEN), ({}, State.OK), ({"email": (BOX,), "off": True}, State.OK)]
)
def test_mailboxes_without_a_server_wait_for_ever(
    make_settings: MakeSettings, safety: dict[str, object], state: State
) -> None:
    (found,) = mail_server(make_settings(), {"imaging": bot(**safety)})
    assert found.state is state


def test_a_desk_that_an_app_can_write_to_is_well(channels: Mapping[str, Channel]) -> None:
    found = desk(bot(desk=("pv.chen",), email=(BOX,)), channels)
    assert (found.state, found.detail) == (State.OK, f"pv.chen, {BOX} hear of a report")
    assert "no safety.desk is named" in desk(bot(), channels).detail


def test_a_desk_that_no_channel_can_write_to_hears_nothing(channels: Mapping[str, Channel]) -> None:
    robot = {"ai": channels["ai"]}
    assert desk(bot(desk=("pv.chen",)), robot).state is State.BROKEN
    assert desk(bot(desk=("pv.chen",), email=(BOX,)), robot).state is State.WARNING
    assert desk(bot(off=True), robot).state is State.OK


def test_a_bot_whose_reports_nobody_hears_is_broken(channels: Mapping[str, Channel]) -> None:
    nobody = bot().model_copy(update={"servicers": (), "admins": ()})
    assert desk(nobody, channels).state is State.BROKEN
