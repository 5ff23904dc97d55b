"""The pace a member can be written to, and the difference between a repeat and a resend."""

from pathlib import Path
from typing import Any

import pytest
import redis

from bot.channel import Refused, Retry, Unknown
from bot.media.store import MediaStore
from bot.messages import MessageKind
from bot.parts import Medium
from tests.channels.wecom_app.conftest import SEND_PATH, Installation
from tests.fakes.scripted_http import Answer, Cut, reply
from tests.media_sources import PNG, put


def send_many(here: Installation, count: int, *, begin: int = 0, person: str = "zhang.wei", every_s: float = 0) -> None:
    for number in range(begin, begin + count):
        here.say(f"{number}", key=f"turn-{number}:0", person=person)
        here.clock.now += every_s


def wait_of(here: Installation, *, person: str = "zhang.wei") -> float:
    before = len(here.platform.requests)
    with pytest.raises(Retry) as caught:
        here.say("one more", key="more:0", person=person)
    assert caught.value.paced
    assert len(here.platform.requests) == before
    return caught.value.after_s


def test_the_31st_message_of_a_minute_waits_exactly_as_long_as_it_must(here: Installation) -> None:
    send_many(here, 10)
    here.clock.now += 20
    send_many(here, 20, begin=10)
    here.clock.now += 10.25
    assert wait_of(here) == pytest.approx(29.75, abs=0.001)
    assert here.outcomes()[-1] == ("paced", "paced")
    assert wait_of(here, person="ZHANG.WEI") == pytest.approx(29.75, abs=0.001)  # userids do not tell case apart
    send_many(here, 1, begin=100, person="li.na")  # another member has a pace of their own
    here.clock.now += 29.75
    send_many(here, 10, begin=200)
    assert wait_of(here) == pytest.approx(20, abs=0.001)


def test_a_full_hour_waits_for_its_oldest_message(here: Installation) -> None:
    here.pace_per_hour = 5
    send_many(here, 5, every_s=120)
    assert wait_of(here) == pytest.approx(3600 - 600, abs=0.001)
    here.clock.now += 3000
    send_many(here, 1, begin=5)
    assert wait_of(here) == pytest.approx(120, abs=0.001)


def test_an_hours_limit_above_that_of_a_minute_is_kept_too(here: Installation) -> None:
    here.pace_per_minute, here.pace_per_hour = 2, 5
    send_many(here, 5, every_s=60)
    assert wait_of(here) == pytest.approx(3600 - 300, abs=0.001)
    (name,) = here.redis.keys("wecom:*:pace")
    assert 3590 < here.redis.ttl(name) <= 3600, "remembered for the whole hour"


def test_each_app_has_its_own_pace_and_its_own_repeats(here: Installation) -> None:
    here.pace_per_minute = 1
    other = here.channel(agent_id=1000003)
    here.say("好的", key="turn-1:0")
    here.say("好的", key="turn-2:0", channel=other)
    assert [request.json["enable_duplicate_check"] for request in here.sent] == [1, 1]


def test_an_upload_that_fails_uses_up_nothing_of_the_pace(here: Installation, tmp_path: Path) -> None:
    here.pace_per_minute = 1
    store = MediaStore(tmp_path, keep_s=3600)
    here.media = store
    put(store, "m1", PNG, "a.png")
    here.platform.on("/cgi-bin/media/upload", Answer(status=503, body=b"busy"))
    with pytest.raises(Retry) as caught:
        here.send(Medium(MessageKind.IMAGE, "m1"))
    assert not caught.value.paced
    send_many(here, 1)


def test_a_wait_is_not_counted_as_a_message(here: Installation) -> None:
    here.pace_per_minute = 3
    send_many(here, 3)
    for _ in range(5):
        wait_of(here)
    here.clock.now += 60
    send_many(here, 3, begin=100)


def test_pacing_forgets_what_a_later_clock_wrote(here: Installation) -> None:
    here.pace_per_minute = 2
    here.clock.now += 3 * 3600
    send_many(here, 2)
    here.clock.now -= 3 * 3600
    send_many(here, 2, begin=10)
    assert wait_of(here) <= 60, "and counts from there"


def test_pacing_counts_a_little_disagreement_between_machines(here: Installation) -> None:
    here.pace_per_minute = 2
    here.clock.now += 5
    send_many(here, 1)
    here.clock.now -= 5
    send_many(here, 1, begin=10)
    here.clock.now += 1
    assert 0 < wait_of(here) <= 65


def test_an_app_that_is_left_alone_uses_up_nothing_of_the_pace(here: Installation) -> None:
    here.pace_per_minute = 2
    here.platform.on(SEND_PATH, reply({"errcode": 60020}), reply({"errcode": 0}))
    with pytest.raises(Refused):
        send_many(here, 1)
    for _ in range(3):
        with pytest.raises(Retry, match="circuit_open") as caught:
            here.say("waits", key="turn-1:0")
        assert not caught.value.paced
    for name in here.redis.keys("wecom:*:circuit"):
        here.redis.delete(name)
    send_many(here, 1, begin=1)
    assert wait_of(here) == pytest.approx(60, abs=0.001)


def test_a_full_window_does_not_hide_that_the_app_is_left_alone(here: Installation) -> None:
    here.pace_per_minute = 1
    here.platform.on(SEND_PATH, reply({"errcode": 60020}))
    with pytest.raises(Refused):
        send_many(here, 1)
    with pytest.raises(Retry, match="circuit_open"):
        here.say("waits", key="turn-1:0")


def test_a_message_that_must_wait_is_not_taken_for_sent(here: Installation) -> None:
    here.pace_per_minute = 1
    send_many(here, 1)
    with pytest.raises(Retry, match="paced"):
        here.say("好的", key="turn-1:0")
    here.clock.now += 60
    here.say("好的", key="turn-2:0")
    assert here.sent[-1].json["enable_duplicate_check"] == 1


class _Trips(redis.UnixDomainSocketConnection):
    """Counts how often anything is sent to Redis."""

    made = 0

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        type(self).made += 1
        super().send_packed_command(command, check_health)


def test_one_trip_to_redis_tells_all_that_a_send_must_know(here: Installation, redis_url: str) -> None:
    pool = redis.ConnectionPool(connection_class=_Trips, path=redis_url.removeprefix("unix://"))
    with redis.Redis(connection_pool=pool) as here.redis:
        here.say("好的", key="turn-1:0")  # fetches a token
        before = _Trips.made
        here.say("好的", key="turn-2:0")
        assert _Trips.made == before + 1
    pool.disconnect()


def test_a_resend_is_the_same_request_byte_for_byte(here: Installation) -> None:
    here.platform.on(SEND_PATH, Cut(), reply({"errcode": 0}))
    with pytest.raises(Unknown):
        here.say("知识库里没有找到依据", key="turn-1:0")
    here.say("知识库里没有找到依据", key="turn-1:0")
    first, second = here.sent
    assert first.body == second.body
    assert first.json["enable_duplicate_check"] == 1


def test_an_honest_repeat_goes_unchecked_and_is_counted(here: Installation) -> None:
    for key in ("turn-1:0", "turn-2:0", "turn-3:0"):
        here.say("知识库里没有找到依据", key=key)
    assert [request.json["enable_duplicate_check"] for request in here.sent] == [1, 0, 0]
    assert here.counted.count(("degraded", {"what": "duplicate_check_off"})) == 2


def test_the_resend_of_a_repeat_stays_unchecked(here: Installation) -> None:
    here.say("知识库里没有找到依据", key="turn-1:0")
    for _ in range(2):
        here.say("知识库里没有找到依据", key="turn-2:0")
    assert here.sent[1].body == here.sent[2].body
    assert here.sent[1].json["enable_duplicate_check"] == 0


def test_a_crash_between_the_mark_and_the_call_loses_nothing(here: Installation) -> None:
    here.platform.on(SEND_PATH, Cut(), reply({"errcode": 0}))
    with pytest.raises(Unknown):
        here.say("同样的话", key="turn-1:0")  # marked; the platform may or may not have it
    here.say("同样的话", key="turn-2:0")
    assert here.sent[1].json["enable_duplicate_check"] == 0


def test_other_words_and_other_people_are_no_repeats(here: Installation) -> None:
    here.say("好的", key="turn-1:0")
    here.say("好的。", key="turn-2:0")
    here.say("好的", key="turn-3:0", person="li.na")
    assert [request.json["enable_duplicate_check"] for request in here.sent] == [1, 1, 1]


def test_a_body_is_remembered_a_little_longer_than_the_platform_does(here: Installation) -> None:
    here.say("好的", key="turn-1:0")
    (name,) = here.redis.keys("wecom:*:body:*")
    assert 600 < here.redis.ttl(name) <= 630
    here.redis.delete(name)
    here.say("好的", key="turn-2:0")
    assert here.sent[1].json["enable_duplicate_check"] == 1
