"""What admins hear of a bot that does not keep up."""

import redis

from bot import keys
from bot.handoff.overload import overload_notices
from bot.overload import EPISODE_S, Overload
from bot.texts import Texts
from tests.handoff.office import Office


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
