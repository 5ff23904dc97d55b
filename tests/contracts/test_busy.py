"""A full bot, as people on both channels see it: they hear at once that it did not take their message."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot import keys
from bot.overload import Overload
from bot.texts import Texts
from tests.contracts.installation import DOCTOR, GROUP, ROBOT_NAME, Both, installation

BUSY = Texts().say("busy", "zh")


@pytest.fixture
def full(redis_client: "redis.Redis", tmp_path: Path) -> Iterator[Both]:
    """An installation whose bot has as many messages waiting as it may."""
    with installation(redis_client, tmp_path) as running:
        redis_client.set(keys.waiting("imaging"), 1_000_000)
        yield running


def test_the_app_says_so_in_its_passive_reply(full: Both) -> None:
    full.does("app", content="造影后起皮疹怎么办")
    assert full.newest("passive")["content"] == BUSY
    assert full.stored("app") == []
    assert kept(full, "app") == ["造影后起皮疹怎么办"]


@pytest.mark.parametrize("chat", ["", GROUP], ids=["single", "group"])
def test_the_robot_says_so_in_a_bubble_that_ends(full: Both, chat: str) -> None:
    words = f"@{ROBOT_NAME} 造影后起皮疹怎么办"
    full.does("bot", content=words, chat=chat) if chat else full.does("bot", content="造影后起皮疹怎么办")
    bubble = full.newest("stream")
    assert (bubble["content"], bubble["stream"]["finished"]) == (BUSY, True)
    assert full.stored("robot", chat) == []
    assert kept(full, "robot", chat) == ["造影后起皮疹怎么办"]


def test_a_choice_in_the_menu_is_refused_in_words(full: Both) -> None:
    full.does("app", event="click", event_key="faq")
    assert full.newest("passive")["content"] == BUSY


@pytest.mark.parametrize("event", ["subscribe", "enter_agent"])
def test_other_events_are_refused_without_a_word(full: Both, event: str) -> None:
    full.does("app", event=event)
    assert [entry["via"] for entry in full.simulator.entries(DOCTOR) if entry["via"] != "member"] == []
    assert full.stored("app") == []
    assert Overload(full.redis).now(["imaging"])["imaging"].refused == 1
    assert kept(full, "app") == [], "there are no words to screen"


def kept(both: Both, name: str, chat: str = "") -> list[str]:
    """The words of what was refused in one conversation."""
    entries = both.redis.xrange(keys.refused(both.conversation(name, chat)))
    return [fields[b"text"].decode() for _, fields in entries]
