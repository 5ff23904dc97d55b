"""What admins hear of a bot that does not keep up."""

from collections.abc import Callable

import redis
from pydantic import BaseModel

from bot import keys
from bot.bots_file import ChannelConfig
from bot.handoff.overload import overload_notices
from bot.overload import EPISODE_S, Overload
from bot.texts import Texts
from tests.handoff.office import APP, Office, make_bot


class Carrying(BaseModel):
    """The block of a channel that speaks in a group, as far as alerts read it."""

    carries: tuple[str, ...]


def test_admins_hear_of_an_overload_once_and_again_while_it_lasts(redis_client: redis.Redis, office: Office) -> None:
    overload, bots = Overload(redis_client), {"imaging": office.bot}

    def notices() -> list[tuple[str, str, str]]:
        found = overload_notices(overload, bots, {"imaging": 40}, office.desk, Texts())
        return [(notice.conversation.person, notice.key, notice.text) for notice in found]

    assert notices() == []
    overload.note("imaging", "refused", 7)
    ((person, key, text),) = notices()
    assert person == "zhang.wei"
    assert "7 条" in text
    assert "40 条" in text
    overload.note("imaging", "refused", 1)
    assert [told[1] for told in notices()] == [key], "the same notice, which is posted once"
    redis_client.hincrby(keys.overload("imaging"), "since", -EPISODE_S)
    assert [told[1] for told in notices()] != [key]


def test_a_group_that_carries_alerts_hears_of_it_in_quiet_hours_too(
    redis_client: redis.Redis, open_office: Callable[..., Office]
) -> None:
    carrying = Carrying(carries=("alerts",))
    bot = make_bot(
        quiet_hours="00:00-23:59",
        channels={"app": APP, "ops": ChannelConfig(type="speaking", config=carrying)},
    )
    office, overload = open_office(bot), Overload(redis_client)
    overload.note("imaging", "late", 3)
    notices = overload_notices(overload, {"imaging": bot}, {}, office.desk, Texts())
    assert [(one.conversation.channel, one.conversation.person) for one in notices] == [
        ("app", "zhang.wei"),
        ("ops", ""),
    ]
    assert len({one.key for one in notices}) == 2
