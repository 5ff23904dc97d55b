"""Pulling from a platform that is slow, busy, broken or says no, and into a bot that cannot keep up."""

from dataclasses import replace
from typing import Any

import pytest

from bot import keys
from bot.account import Page
from bot.channel import ChannelError, Refused, Retry
from tests.channels.wecom_kf.conftest import ADDRESS, FIRST_PULL_S, Interrupted, Practice


class TestFailures:
    """A platform that is slow, busy, broken or says no."""

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "errcode", "errcode": -1},
            {"kind": "errcode", "errcode": 45009},
            {"kind": "errcode", "errcode": 42001},
            {"kind": "http_500"},
            {"kind": "close_before"},
            {"kind": "close_after"},
        ],
        ids=lambda fault: f"{fault['kind']} {fault.get('errcode', '')}".strip(),
    )
    def test_a_pull_that_fails_is_made_again(self, practice: Practice, fault: dict[str, Any]) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.desk.fault(on="kf/sync_msg", **fault)
        practice.pulls()
        practice.clock.now += 90
        practice.pulls()
        assert practice.texts() == ["一"]

    def test_a_busy_platform_is_left_alone_for_as_long_as_it_asks(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.fault(on="kf/sync_msg", kind="errcode", errcode=45009)
        practice.pulls()
        practice.desk.writes("一")
        practice.clock.now += 59
        practice.pulls()
        assert practice.puller().sweep() == 0
        assert practice.texts() == []

    def test_a_cursor_that_the_platform_refuses_is_dropped_once(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.redis.hset(keys.account(ADDRESS.bot, ADDRESS.channel), "cursor", "nonsense")
        practice.pulls()
        assert practice.degraded() == ["cursor_dropped"]
        practice.clock.now += 5
        practice.pulls()
        assert practice.texts() == ["一"]

    def test_a_dropped_cursor_is_made_up_for_by_the_platforms_own_clock(self, practice: Practice) -> None:
        """What came since the last message that is known, however far our clock and the platform's are apart."""
        practice.begins()
        practice.desk.writes("已答")
        practice.pulls()
        practice.clock.now += 1  # the last pull, as a clock of ours says that is five minutes ahead
        practice.redis.hset(
            keys.account(ADDRESS.bot, ADDRESS.channel),
            mapping={"cursor": "nonsense", "pulled_at": practice.clock.now + 300},
        )
        practice.desk.writes("未答")
        practice.pulls()
        assert practice.degraded() == ["cursor_dropped"]
        practice.clock.now += 5
        practice.pulls()
        assert practice.texts() == ["已答", "未答"]

    def test_with_a_dropped_cursor_history_stays_history(self, practice: Practice) -> None:
        practice.desk.writes("来之前的问题")
        practice.clock.now += FIRST_PULL_S + 1
        practice.pulls()
        practice.redis.hset(keys.account(ADDRESS.bot, ADDRESS.channel), "cursor", "nonsense")
        practice.pulls()
        practice.clock.now += 5
        practice.pulls()
        assert practice.degraded() == ["cursor_dropped"]
        assert practice.texts() == []

    def test_a_platform_that_starts_over_by_itself_repeats_nothing(self, practice: Practice) -> None:
        """Ids are known for a day; what is older than that before the last pull was answered long ago."""
        practice.begins()
        practice.desk.writes("前天的问题")
        practice.pulls()
        practice.clock.now += 30 * 3600
        practice.pulls()
        for name in practice.redis.scan_iter("*:seen:*"):
            practice.redis.delete(name)
        practice.redis.hset(keys.account(ADDRESS.bot, ADDRESS.channel), "cursor", "")
        practice.desk.writes("今天的问题")
        practice.pulls()
        assert practice.texts() == ["前天的问题", "今天的问题"]

    @pytest.mark.parametrize("errcode", [40001, 41001, 48002, 60020, 95000, 95004, 95011, 95017, 95023, 301007])
    def test_what_an_operator_must_mend_loses_no_place(self, practice: Practice, errcode: int) -> None:
        practice.begins()
        cursor = practice.state()["cursor"]
        practice.desk.writes("一")
        practice.desk.fault(on="kf/sync_msg", kind="errcode", errcode=errcode, times=2)
        practice.pulls()
        assert practice.state()["cursor"] == cursor
        assert practice.degraded() == []

    def test_a_token_that_is_missed_says_nothing_against_the_cursor(self, practice: Practice) -> None:
        """95007 to a call that had none: slowly, and from where it was."""
        practice.begins()
        cursor = practice.state()["cursor"]
        practice.desk.fault(on="kf/sync_msg", kind="errcode", errcode=95007)
        practice.pulls()
        assert practice.state()["cursor"] == cursor
        assert practice.degraded() == []
        practice.clock.now += 30
        assert practice.puller().sweep() == 0, "it is not asked again at once"

    def test_a_secret_that_is_refused_moves_nothing(self, practice: Practice) -> None:
        channel = practice.build(secret="wrong")
        practice.pulls(channel)
        assert "cursor" not in practice.state()
        assert practice.puller().sweep() == 0, "left alone for a while"

    def test_a_page_that_leads_nowhere_is_not_asked_for_in_a_circle(self, practice: Practice) -> None:
        class Stuck(Interrupted):
            def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
                self.cursors.append(cursor)
                return Page(messages=(), cursor=cursor, more=True)

        stuck = Stuck(practice)
        practice.pulls(stuck)  # type: ignore[arg-type]
        assert stuck.cursors == [""]


@pytest.mark.parametrize("error", [Retry(1.0, "x"), Refused("x")], ids=["retry", "refused"])
def test_a_failure_gives_the_account_back(practice: Practice, error: ChannelError) -> None:
    practice.pulls(Interrupted(practice, error))  # type: ignore[arg-type]
    assert not practice.redis.exists(keys.account_lease(ADDRESS.bot, ADDRESS.channel))


class TestLimits:
    """Who writes too much, and a bot that cannot keep up."""

    def test_who_writes_too_fast_is_told(self, practice: Practice) -> None:
        practice.begins()
        for number in range(22):
            practice.desk.writes(str(number))
        practice.pulls()
        assert practice.texts() == [str(number) for number in range(20)]
        assert [message.text for message in practice.refused] == ["20", "21"]

    def test_what_a_bot_has_no_room_for_waits_at_the_platform(self, practice: Practice) -> None:
        practice.begins()
        practice.limits = replace(practice.limits, bot_waiting=3)
        for number in range(5):
            practice.desk.writes(str(number))
        practice.pulls()
        assert practice.texts() == ["0", "1", "2"]
        assert practice.refused == []
        practice.redis.set(keys.waiting(ADDRESS.bot), 0)
        practice.clock.now += 5
        practice.pulls()
        assert practice.texts() == ["0", "1", "2", "3", "4"]
