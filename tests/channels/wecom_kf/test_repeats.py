"""A Redis command whose answer did not come is repeated by the client: done twice it does what it does once."""

import pytest
import redis

from bot import keys
from bot.account import ALLOWANCE_USED
from bot.channel import Refused
from bot.connections import Connections
from tests.channels.wecom_kf.conftest import ADDRESS, Practice
from tests.delivery.test_repeats import Repeating
from tests.simulator.kf_desk import Desk
from tests.simulator.parties import Clock


@pytest.fixture
def practice(desk: Desk, redis_client: "redis.Redis", clock: Clock) -> Practice:
    return Practice(
        desk, Repeating(connection_pool=redis_client.connection_pool), clock, Connections(environment=False)
    )


def test_a_pull_is_one_pull(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("一")
    practice.desk.writes("二")
    practice.pulls()
    assert practice.texts() == ["一", "二"]
    assert not practice.redis.exists(keys.account_lease(ADDRESS.bot, ADDRESS.channel))


def test_a_part_is_counted_once_and_is_no_resend(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("一")
    practice.pulls()
    practice.desk.fault(on="kf/send_msg", kind="errcode", errcode=40058)
    with pytest.raises(Refused, match="40058"):
        practice.says("答", key="turn:9")
    for number in range(5):
        practice.says("答", key=f"turn:{number}")
    with pytest.raises(Refused, match=ALLOWANCE_USED):
        practice.says("答", key="turn:5")
    assert len(practice.desk.reached()) == 5
