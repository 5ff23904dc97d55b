"""What is counted while several things happen to one customer at once, and after a restart."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.account import ALLOWANCE_USED
from bot.channel import Refused, Unknown
from channels.wecom_kf.allowance import Allowance
from tests.channels.wecom_kf.conftest import ADDRESS, Practice
from tests.simulator.kf_desk import CHEN
from tests.simulator.parties import Clock


@pytest.fixture
def asked(practice: Practice) -> Practice:
    practice.begins()
    practice.desk.writes("你好")
    practice.pulls()
    return practice


@pytest.fixture
def allowance(practice: Practice) -> Allowance:
    return Allowance(practice.redis, "account", practice.clock)


def test_many_at_once_send_five(asked: Practice) -> None:
    def says(number: int) -> str:
        try:
            asked.says("答", key=f"turn:{number}")
        except Refused as refusal:
            return refusal.code
        return "sent"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(says, range(8)))
    assert sorted(results) == [ALLOWANCE_USED] * 3 + ["sent"] * 5
    assert asked.desk.log(40).count("errcode") == 0, "the platform had nothing to refuse"


def test_a_restart_forgets_nothing(asked: Practice) -> None:
    for number in range(3):
        asked.says("答", key=f"turn:{number}")
    asked.channel = asked.build()
    for number in range(3, 5):
        asked.says("答", key=f"turn:{number}")
    with pytest.raises(Refused, match=ALLOWANCE_USED):
        asked.says("答", key="turn:5")


def test_a_refusal_of_the_last_window_closes_no_new_one(allowance: Allowance, clock: Clock) -> None:
    """95001 is under way while the customer writes again: what they asked can be answered."""
    allowance.opened(CHEN, clock.now, "m1")
    before = allowance.take(CHEN, "turn:0", counted=True)
    allowance.opened(CHEN, clock.now + 1, "m2")
    allowance.used_up(CHEN, before)
    allowance.take(CHEN, "turn:1", counted=True)


def test_what_failed_in_the_last_window_is_not_given_back_in_the_next(allowance: Allowance, clock: Clock) -> None:
    allowance.opened(CHEN, clock.now, "m1")
    before = allowance.take(CHEN, "turn:0", counted=True)
    allowance.opened(CHEN, clock.now + 1, "m2")
    for number in range(1, 6):
        allowance.take(CHEN, f"turn:{number}", counted=True)
    allowance.give_back(CHEN, "turn:0", before)
    with pytest.raises(Refused, match=ALLOWANCE_USED):
        allowance.take(CHEN, "turn:6", counted=True)


def test_nothing_is_kept_for_ever(practice: Practice, allowance: Allowance) -> None:
    """A customer whom the platform knows better than we do: their window ends all the same."""
    allowance.used_up(CHEN, allowance.take(CHEN, "turn:0", counted=False))
    names: Any = practice.redis.keys("wecom:*")
    assert len(names) == 2
    assert all(practice.redis.ttl(name) > 0 for name in names)


def test_a_failure_before_the_answer_of_the_send_is_matched(asked: Practice) -> None:
    """The platform may tell of a failure before we have heard that it took the part."""
    asked.desk.fault(on="kf_delivery", kind="send_fail", fail_type=10)
    asked.desk.fault(on="kf/send_msg", kind="close_after")
    with pytest.raises(Unknown):
        asked.says("答", key="abcdefghijklmnopqrst:0")
    asked.pulls()
    assert asked.degraded() == []
    assert len(asked.stored()) == 2


def test_several_workers_bring_each_message_once_and_in_order(practice: Practice) -> None:
    practice.begins()
    practice.desk.rules(kf_page_messages=3)
    for number in range(15):
        practice.desk.writes(str(number))
    with ThreadPoolExecutor(4) as pool:
        for pulled in [pool.submit(practice.puller().pull, ADDRESS.bot, ADDRESS.channel) for _ in range(4)]:
            pulled.result()
    assert practice.texts() == [str(number) for number in range(15)]
    assert [labels["result"] for event, labels in practice.counted if event == "message"] == ["accepted"] * 15
