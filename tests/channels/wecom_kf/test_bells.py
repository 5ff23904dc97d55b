"""A bell that comes late, twice, or never."""

from bot import keys
from bot.account import Page
from bot.channel import Retry
from bot.pulling import Bells
from tests.channels.wecom_kf.conftest import ADDRESS, Interrupted, Practice
from tests.simulator.kf_desk import bell_fields
from tests.simulator.parties import Webhook


class TestBell:
    """Late, twice, or never."""

    def test_two_bells_for_one_message_bring_it_once(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.pulls()
        practice.pulls()
        assert practice.texts() == ["一"]

    def test_a_token_older_than_ten_minutes_is_left_out(self, practice: Practice) -> None:
        """95007: the page is had without a token, and the dead one is forgotten."""
        practice.begins()
        practice.desk.writes("一")
        practice.redis.hset(
            keys.account(ADDRESS.bot, ADDRESS.channel),
            mapping={"token": "ENCAdead", "token_at": practice.clock.now, "rings": 1},
        )
        practice.pulls()
        assert practice.texts() == ["一"]
        assert "token" not in practice.state()
        assert practice.desk.log(39)

    def test_a_bell_that_never_rang_is_made_up_for(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.writes("一")
        practice.clock.now = float(practice.state()["pulled_at"]) + practice.channel.pull_every_s - 1
        assert practice.puller().sweep() == 0
        practice.clock.now += 1
        assert practice.puller().sweep() == 1
        assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]

    def test_a_bell_during_a_pull_brings_another(self, practice: Practice) -> None:
        practice.begins()

        class RungMeanwhile(Interrupted):
            def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
                page = super().pull(cursor, token, most, deadline)
                practice.redis.hincrby(keys.account(ADDRESS.bot, ADDRESS.channel), "rings", 1)
                return page

        practice.pulls(RungMeanwhile(practice))  # type: ignore[arg-type]
        assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]

    def test_a_stale_token_does_not_keep_a_new_bell_waiting(self, practice: Practice, webhook: Webhook) -> None:
        """Refused with the token, too often without one: the next bell brings what is needed at once."""
        practice.begins()
        practice.desk.rules(kf_tokenless_per_minute=0)
        bells = Bells(practice.redis, lambda *_: None, practice.clock)
        bells.ring(ADDRESS.bot, ADDRESS.channel, "ENCAdead")
        practice.pulls()
        practice.desk.writes("一")
        (bell,) = webhook.wait_for(1)
        bells.ring(ADDRESS.bot, ADDRESS.channel, bell_fields(bell)["Token"])
        practice.pulls()
        assert practice.texts() == ["一"]

    def test_nor_one_that_rings_during_the_pull_itself(self, practice: Practice) -> None:
        practice.begins()

        class RungMeanwhile(Interrupted):
            def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
                Bells(practice.redis, lambda *_: None, practice.clock).ring(ADDRESS.bot, ADDRESS.channel, "ENCAnew")
                return super().pull(cursor, token, most, deadline)

        practice.pulls(RungMeanwhile(practice, Retry(60.0, "45009")))  # type: ignore[arg-type]
        assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]
        practice.desk.writes("一")
        practice.redis.hdel(keys.account(ADDRESS.bot, ADDRESS.channel), "token")
        practice.pulls()
        assert practice.texts() == ["一"]
