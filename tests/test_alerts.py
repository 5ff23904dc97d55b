"""What the groups that carry alerts hear: what an operator must see, joined, and never twice."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
from pydantic import BaseModel

from bot import keys
from bot.alerts import AGAIN_S, GAP_S, SETTLE_S, Alerts
from bot.bots_file import BotConfig, ChannelConfig
from bot.dead_letters import DeadLetters, Letter, LetterKind
from bot.errors import Unavailable
from bot.messages import ConversationId
from bot.parts import Text
from bot.posting import post
from bot.replies import OutboxReply
from bot.safety.cases.case import Case, CaseState
from bot.stopped_channels import StoppedChannels
from bot.texts import Texts

MIDNIGHT = datetime(2027, 1, 15, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
OPS = ConversationId(bot="imaging", channel="ops", person="")


class Carrying(BaseModel):
    """A channel's block, as far as alerts read it."""

    carries: tuple[str, ...] = ()


def bot(*carries: str, **fields: Any) -> BotConfig:
    channels = {
        "app": ChannelConfig(type="app", config=Carrying()),
        "ops": ChannelConfig(type="speaking", config=Carrying(carries=carries)),
    }
    return BotConfig(id="imaging", name="小影", channels=channels, quiet_hours="22:00-08:00", **fields)


@dataclass
class Ward:
    """What goes wrong, and the group that hears of it; it is midnight, in quiet hours."""

    client: "redis.Redis"
    bots: dict[str, BotConfig] = field(default_factory=lambda: {"imaging": bot("alerts")})
    now: float = MIDNIGHT
    index: str = "ok"
    cases: list[Case] = field(default_factory=list)
    no_database: bool = False
    letters: int = 0

    def worker(self) -> Alerts:
        """One of several that look after the same bots."""
        return Alerts(
            self.client,
            bots=self.bots,
            index_state=lambda: self.index,
            unseen=self._unseen,
            texts=Texts(),
            post=self.posts,
            clock=lambda: self.now,
        )

    def posts(self, conversation: ConversationId, reply: OutboxReply) -> bool:
        return post(self.client, lambda _key: None, conversation, reply)

    def _unseen(self, before: float) -> list[Case]:
        if self.no_database:
            raise Unavailable("the database")
        return [case for case in self.cases if case.opened_at < before]

    def dies(self, reason: str = "60111", times: int = 1, turn: str = "") -> None:
        """So many replies were given up."""
        for _ in range(times):
            self.letters += 1
            letter = Letter(
                kind=LetterKind.REPLY,
                conversation=ConversationId(bot="imaging", channel="app", person="dr.a"),
                reason=reason,
                at=self.now,
                turn=turn or f"turn{self.letters}",
            )
            DeadLetters(self.client).keep(letter)

    def stops(self, channel: str, code: str) -> None:
        StoppedChannels(self.client, lambda: self.now).note("imaging", channel, code)

    def opens(self, number: int, seconds_ago: float) -> None:
        """A serious report came in that nobody has confirmed."""
        at = self.now - seconds_ago
        values: dict[str, Any] = {"bot": "imaging", "tenant": "default", "reporter": "r", "state": CaseState.OPEN}
        self.cases.append(Case(number=number, received_at=at, latest_at=at, opened_at=at, at_once=True, **values))

    def hears(self, after_s: float = 0.0, group: ConversationId = OPS) -> list[str]:
        """What the group is told, ``after_s`` later."""
        self.now += after_s
        self.worker().tell()
        raws: Any = self.client.lrange(keys.outbox(group), 0, -1)
        self.client.delete(keys.outbox(group))
        parts = [part for raw in raws for part in OutboxReply.decode(raw).parts]
        return [part.content for part in parts if isinstance(part, Text)]


@pytest.fixture
def ward(redis_client: "redis.Redis") -> Ward:
    return Ward(redis_client)


def test_a_storm_of_dead_letters_is_one_line_with_its_count_in_quiet_hours_too(ward: Ward) -> None:
    ward.dies("45009", 7)
    assert ward.hears() == [], "more may be coming"
    ward.now += 20
    ward.dies("token_refused", 3)
    (text,) = ward.hears(SETTLE_S - 20)
    assert text.splitlines() == [
        "【告警】小影",
        "死信 10 条（45009 × 7, token_refused × 3）。查看：python -m bot queue",
    ]
    ward.dies("45009", 400)
    assert ward.hears(AGAIN_S - 1) == []
    (text,) = ward.hears(1)
    assert "死信 400 条（45009 × 400）" in text
    assert ward.hears(AGAIN_S) == [], "nothing came since"


def test_everything_there_is_to_say_is_one_message(ward: Ward) -> None:
    ward.index = "down"
    ward.stops("app", "token_refused")
    ward.opens(12, seconds_ago=301)
    (text,) = ward.hears()
    assert text.splitlines() == [
        "【告警】小影",
        "知识索引不可用，问题会被拒答。查看：python -m bot doctor",
        "被平台拒绝的通道：app (token_refused)。查看：python -m bot doctor",
        "严重病例 1 例还没有人确认（编号 12，最早的已 5 分钟）。"
        "请药物警戒人员立即处理，查看：python -m bot case list --open",
    ]
    assert ward.hears(GAP_S) == []
    ward.stops("ops", "93000")
    assert ["被平台拒绝的通道：ops (93000)" in text for text in ward.hears(1)] == [True]


def test_what_lasts_is_said_again_and_what_has_ended_is_not(ward: Ward) -> None:
    ward.index = "down"
    ward.stops("app", "token_refused")
    assert len(ward.hears()) == 1
    (text,) = ward.hears(AGAIN_S)
    assert "索引" in text
    assert "app" not in text, "nobody was refused since"
    ward.index = "ok"
    assert ward.hears(AGAIN_S) == []


def test_a_serious_case_waits_for_no_other_and_is_repeated_until_somebody_confirms_it(ward: Ward) -> None:
    ward.opens(12, seconds_ago=0)
    assert ward.hears(299) == [], "the desk has just been told"
    assert len(ward.hears(2)) == 1
    ward.opens(13, seconds_ago=300)
    (text,) = ward.hears(GAP_S)
    assert "严重病例 2 例还没有人确认（编号 12, 13，" in text
    assert ward.hears(GAP_S) == []
    assert len(ward.hears(AGAIN_S)) == 1
    ward.cases.clear()
    assert ward.hears(AGAIN_S) == []


def test_two_workers_and_one_that_died_before_it_wrote_it_down_say_it_once(ward: Ward) -> None:
    ward.index = "down"
    first, second = ward.worker(), ward.worker()
    first.tell()
    ward.client.delete(keys.alerts("imaging"))
    second.tell()
    assert len(ward.hears()) == 1


def test_what_came_after_a_worker_died_half_way_is_not_lost(ward: Ward) -> None:
    ward.index = "down"
    assert len(ward.hears()) == 1
    ward.client.delete(keys.alerts("imaging"))  # it died before it wrote that down
    ward.opens(12, seconds_ago=301)
    assert ward.hears() == [], "under the key of a message that was said"
    (text,) = ward.hears(GAP_S)
    assert "严重病例 1 例" in text


def test_an_alert_that_was_given_up_is_no_reason_for_another(ward: Ward) -> None:
    ward.dies("93000", turn="alert:0.0")
    assert ward.hears(SETTLE_S) == []
    assert ward.hears(AGAIN_S) == []


def test_without_a_database_the_rest_is_told(ward: Ward) -> None:
    ward.no_database, ward.index = True, "down"
    assert len(ward.hears()) == 1


def test_a_group_that_carries_no_alerts_hears_none(ward: Ward) -> None:
    ward.bots["imaging"] = bot("announcements")
    ward.index = "down"
    assert ward.hears() == []
