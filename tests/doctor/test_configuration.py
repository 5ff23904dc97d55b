"""What is well-formed and still does not fit together."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import redis

from bot.assembly import channel_builder, load_bots
from bot.channel import Channel, ChannelAddress
from bot.doctor.configuration import bot, media_services, public_url
from bot.finding import State
from bot.settings import DEMO_BOTS_FILE
from tests.doctor.conftest import MakeSettings

DEMO = load_bots(DEMO_BOTS_FILE)["imaging"]


@pytest.fixture
def channels(make_settings: MakeSettings, redis_client: "redis.Redis") -> Mapping[str, Channel]:
    build = channel_builder(make_settings(), redis_client)
    return {
        name: build(ChannelAddress(bot="imaging", channel=name, bot_name=DEMO.name), channel)
        for name, channel in DEMO.channels.items()
    }


def test_the_demo_bot_lacks_nothing(channels: Mapping[str, Channel]) -> None:
    assert [finding.state for finding in bot(DEMO, channels)] == [State.OK]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"knowledge": ()}, "refuses every question"), ({"admins": ()}, "no admins")],
    ids=["no knowledge", "no admins"],
)
def test_what_a_bot_lacks_is_told(channels: Mapping[str, Channel], changes: dict[str, object], said: str) -> None:
    (found,) = bot(DEMO.model_copy(update=changes), channels)
    assert (found.state, said in found.detail) == (State.WARNING, True)


def test_what_is_not_for_everybody_where_anybody_may_write_is_told(channels: Mapping[str, Channel]) -> None:
    def found(name: str, **block: str) -> list[str]:
        channel = DEMO.channels[name]
        other = replace(channel, config=channel.config.model_copy(update=block))
        findings = bot(DEMO.model_copy(update={"channels": {**DEMO.channels, name: other}}), channels)
        return [finding.detail for finding in findings if finding.state is State.WARNING]

    said = ["anybody may write to channel kf, and everybody reads there what is for hcp"]
    assert found("kf", audience="hcp") == said
    assert found("kf", audience="hcp", audience_for="bound") == []
    assert found("app", audience="staff") == []


def test_servicers_that_no_channel_can_write_to_are_told(channels: Mapping[str, Channel]) -> None:
    (found,) = bot(DEMO, {"ai": channels["ai"]})
    assert (found.state, "tickets reach nobody" in found.detail) == (State.WARNING, True)


@pytest.mark.parametrize(
    ("url", "simulator", "state"),
    [
        ("http://127.0.0.1:8000", False, State.WARNING),
        ("http://10.1.2.3", False, State.WARNING),
        ("http://intranet", False, State.WARNING),
        ("https://bot.example.com", False, State.OK),
        ("http://127.0.0.1:8000", True, State.OK),
    ],
)
def test_an_address_that_the_platform_cannot_reach_is_told(
    make_settings: MakeSettings, url: str, state: State, *, simulator: bool
) -> None:
    (found,) = public_url(make_settings(public_url=url, simulator=simulator))
    assert found.state is state


def test_services_that_no_bot_may_send_media_to_are_told(make_settings: MakeSettings) -> None:
    settings = make_settings(speech_base_url="http://127.0.0.1:9/v1", speech_model="whisper")
    (found,) = media_services(settings, {"imaging": DEMO})
    assert (found.state, "SPEECH_BASE_URL" in found.detail) == (State.WARNING, True)
    assert media_services(settings, {"imaging": DEMO.model_copy(update={"external_media": True})}) == []
    assert media_services(make_settings(), {"imaging": DEMO}) == []
