"""Pulling: every message of every page, once, in each customer's order, whatever happens on the way."""

from dataclasses import replace

import pytest
import redis

from bot import keys
from bot.account import Page
from bot.pulling import PAGES_A_PULL
from tests.channels.wecom_kf.conftest import ADDRESS, FIRST_PULL_S, Interrupted, Practice
from tests.simulator.kf_desk import CHEN, LIN, OTHER_KF


def test_every_message_of_every_page_arrives_in_order(practice: Practice) -> None:
    practice.begins()
    for number in range(250):  # more than a page of ours, of two customers in turn
        practice.desk.writes(str(number), CHEN if number % 2 else LIN)
    practice.clock.now += 120  # they waited: how fast they come now says nothing of who wrote them
    practice.pulls()
    assert practice.texts(CHEN) == [str(number) for number in range(1, 250, 2)]
    assert practice.texts(LIN) == [str(number) for number in range(0, 250, 2)]


@pytest.mark.parametrize("page", [1, 7])
def test_small_pages_are_walked_to_the_end(practice: Practice, page: int) -> None:
    practice.begins()
    practice.desk.rules(kf_page_messages=page)
    for number in range(15):
        practice.desk.writes(str(number))
    practice.pulls()
    assert practice.texts() == [str(number) for number in range(15)]


def test_an_empty_page_is_not_the_end(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("在吗")
    practice.desk.fault(on="kf_page", kind="empty", times=2)
    practice.pulls()
    assert practice.texts() == ["在吗"]


def test_what_was_pulled_is_not_pulled_again(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("一")
    practice.pulls()
    practice.desk.writes("二")
    practice.pulls()
    practice.pulls()
    assert practice.texts() == ["一", "二"]


def test_a_page_is_stored_before_the_cursor_moves(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between the two: the page comes again, and its messages are known."""
    practice.begins()
    before = practice.state()["cursor"]
    practice.desk.writes("一")
    puller = practice.puller()

    class Died(BaseException):
        """The process is gone."""

    def die(*_: object) -> bool:
        raise Died

    monkeypatch.setattr(puller, "_turn_page", die)
    with pytest.raises(Died):
        puller.pull(ADDRESS.bot, ADDRESS.channel)
    assert practice.texts() == ["一"]
    assert practice.state()["cursor"] == before
    practice.redis.delete(keys.account_lease(ADDRESS.bot, ADDRESS.channel))  # it ran out
    practice.pulls()
    assert practice.texts() == ["一"]
    assert practice.state()["cursor"] != before


def test_an_inbox_that_does_not_take_a_page_leaves_the_cursor(practice: Practice, redis_client: "redis.Redis") -> None:
    practice.begins()
    before = practice.state()["cursor"]
    practice.desk.writes("一")
    practice.limits = replace(practice.limits, wait_replicas=1)  # there is none
    practice.pulls()
    assert practice.state()["cursor"] == before
    practice.limits = replace(practice.limits, wait_replicas=0)
    practice.clock.now += 10
    practice.pulls()
    assert practice.texts() == ["一"]


def test_one_process_pulls_an_account_at_a_time(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("一")
    practice.redis.set(keys.account_lease(ADDRESS.bot, ADDRESS.channel), "another", px=30_000)
    practice.pulls()
    assert practice.texts() == []
    practice.redis.delete(keys.account_lease(ADDRESS.bot, ADDRESS.channel))
    practice.pulls()
    assert practice.texts() == ["一"]


def test_who_lost_the_lease_moves_no_cursor(practice: Practice) -> None:
    practice.begins()
    before = practice.state()["cursor"]
    practice.desk.writes("一")

    class Overtaken(Interrupted):
        def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
            page = super().pull(cursor, token, most, deadline)
            practice.redis.set(keys.account_lease(ADDRESS.bot, ADDRESS.channel), "another", px=30_000)
            return page

    practice.pulls(Overtaken(practice))  # type: ignore[arg-type]  # as much of a channel as pulling needs
    assert practice.texts() == [], "whoever has it now stores the page"
    assert practice.state()["cursor"] == before
    assert ("lease_lost", {}) in practice.counted


def test_a_first_start_leaves_old_history_alone(practice: Practice) -> None:
    practice.desk.writes("三天前的问题")
    practice.clock.now += FIRST_PULL_S + 1
    practice.desk.writes("刚才的问题")
    practice.clock.now += 30
    practice.pulls()
    assert practice.texts() == ["刚才的问题"]
    assert practice.counted.count(("message", {"bot": "imaging", "result": "history"})) == 1


def test_what_waited_while_we_were_away_is_answered(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("停机时的问题")
    practice.clock.now += 10 * 3600
    practice.pulls()
    (message,) = practice.stored()
    assert message.text == "停机时的问题"
    assert (message.received_at, message.sent_at) == (practice.clock.now, practice.clock.now - 10 * 3600)


def test_another_accounts_messages_stay_there(practice: Practice) -> None:
    practice.begins()
    practice.desk.writes("设备坏了", open_kfid=OTHER_KF)
    practice.pulls()
    assert practice.texts() == []


def test_a_busy_account_is_given_back_by_whoever_has_it_and_by_nobody_else(practice: Practice) -> None:
    """After so many pages another worker may have taken over unseen."""
    lease = keys.account_lease(ADDRESS.bot, ADDRESS.channel)

    class Endless(Interrupted):
        def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
            self.cursors.append(cursor)
            return Page(messages=(), cursor=f"c{len(self.cursors)}", more=True)

    endless = Endless(practice)
    practice.pulls(endless)  # type: ignore[arg-type]
    assert len(endless.cursors) == PAGES_A_PULL
    assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]
    assert not practice.redis.exists(lease)
