"""What a bot says in its groups without being asked: announcements, reminders, digests, and when it is quiet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
from pydantic import BaseModel, ValidationError

from bot import keys
from bot.announcing import moment_of
from bot.audit.entries import AuditEvent
from bot.bots_file import BotConfig, ChannelConfig
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.origin import Origin
from bot.knowledge.versions import Submission
from bot.messages import ConversationId
from bot.parts import Text
from bot.quiet_hours import QuietHours
from bot.replies import OutboxReply
from bot.weekly_digest import CLAIMED_S, WeeklyDigest
from tests.commands.conftest import ADMIN, ANYBODY, Chat
from tests.commands.test_operations import DAY, turn
from tests.commands.test_sent import goes_on, known
from tests.handoff.office import APP, Office, make_bot

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEWS = ConversationId(bot="imaging", channel="news", person="")
COURSE = ConversationId(bot="imaging", channel="course", person="")
NOON = datetime(2027, 1, 15, 12, 0, tzinfo=SHANGHAI).timestamp()


class Speaking(BaseModel):
    """The block of a channel that speaks in a group, as far as the product reads it."""

    carries: tuple[str, ...] = ("announcements",)


def speaking(*carries: str) -> ChannelConfig:
    return ChannelConfig(type="speaking", config=Speaking(carries=carries))


@dataclass
class Weekly:
    """Digests that are said by themselves."""

    chat: Chat
    client: redis.Redis
    audited: list[AuditEvent] = field(default_factory=list)

    def begins(self, bot: BotConfig | None = None) -> int:
        """What a worker begins that has just started."""
        tools, bot = self.chat.office.tools, bot or self.chat.office.bot
        digest = WeeklyDigest(
            self.client,
            channels=tools.channels,
            digests=tools.digests,
            broadcasts=tools.broadcasts,
            quiet=QuietHours({bot.id: bot}, SHANGHAI),
            audit=self.audited.append,
            clock=lambda: self.chat.office.now,
        )
        return digest.begin()

    def says(self) -> int:
        return goes_on(self.chat, self.client)


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """The office of a bot with two groups for announcements and one for alerts, quiet at night."""
    channels = {
        "app": APP,
        "news": speaking("announcements"),
        "course": speaking("announcements", "alerts"),
        "ops": speaking("alerts"),
    }
    office = open_office(make_bot(channels=channels, quiet_hours="22:00-08:00", knowledge=["c"]))
    office.now = NOON
    return office


def waiting(client: redis.Redis, group: ConversationId) -> list[str]:
    """The words in the outbox of ``group``."""
    raws: Any = client.lrange(keys.outbox(group), 0, -1)
    parts = [part for raw in raws for part in OutboxReply.decode(raw).parts]
    return [part.content for part in parts if isinstance(part, Text)]


def clock(chat: Chat, hour: int, minute: int = 0, day: int = 15) -> None:
    """It is that time in Shanghai."""
    chat.office.now = datetime(2027, 1, day, hour, minute, tzinfo=SHANGHAI).timestamp()


def test_an_announcement_is_said_once_in_every_group_for_announcements(chat: Chat, redis_client: redis.Redis) -> None:
    assert chat.says(ADMIN, "/announce 周五停机").text.startswith("将发到 2 个群：\n【公告】周五停机")
    assert chat.confirms(ADMIN, "/announce 周五停机").startswith("公告 1 已安排")
    assert goes_on(chat, redis_client) == 2
    assert goes_on(chat, redis_client) == 0
    assert waiting(redis_client, NEWS) == waiting(redis_client, COURSE) == ["【公告】周五停机"]
    assert waiting(redis_client, ConversationId(bot="imaging", channel="ops", person="")) == []


def test_a_broadcast_is_heard_in_the_groups_too(chat: Chat, redis_client: redis.Redis) -> None:
    known(chat, "a")
    assert chat.says(ADMIN, "/broadcast 明天停机").text.startswith("将发给 1 人和 2 个群：")
    chat.confirms(ADMIN, "/broadcast 明天停机")
    assert goes_on(chat, redis_client) == 3
    assert waiting(redis_client, NEWS) == ["【通知】明天停机"]


def test_what_falls_into_quiet_hours_waits_until_they_end(chat: Chat, redis_client: redis.Redis) -> None:
    clock(chat, 21, 59)
    chat.confirms(ADMIN, "/announce 周五停机")
    clock(chat, 22)
    assert goes_on(chat, redis_client) == 0
    clock(chat, 7, 59, day=16)
    assert goes_on(chat, redis_client) == 0
    clock(chat, 8, day=16)
    assert goes_on(chat, redis_client) == 2


@pytest.mark.parametrize(
    ("hours", "quiet", "loud"),
    [("22:00-08:00", (22, 23, 0, 7), (8, 12, 21)), ("12:00-14:00", (12, 13), (11, 14, 0)), ("", (), (0, 12))],
)
def test_quiet_hours_are_those_of_the_clock_on_the_wall(hours: str, quiet: tuple[int], loud: tuple[int]) -> None:
    hold = QuietHours({"imaging": make_bot(quiet_hours=hours)}, SHANGHAI).hold
    for expected, times in ((True, quiet), (False, loud)):
        for hour in times:
            assert hold("imaging", datetime(2027, 1, 15, hour, tzinfo=SHANGHAI).timestamp()) is expected, hour


@pytest.mark.parametrize("hours", ["22-8", "24:00-08:00", "22:00", "22:60-08:00"])
def test_what_are_no_hours_is_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        make_bot(quiet_hours=hours)


def test_a_reminder_is_said_when_its_time_has_come(chat: Chat, redis_client: redis.Redis) -> None:
    text = chat.says(ADMIN, "/remind 2027-01-16 09:30 今晚读片课").text
    assert text.startswith("将于 01-16 09:30 发到 2 个群：\n【公告】今晚读片课")
    chat.confirms(ADMIN, "/remind 2027-01-16 09:30 今晚读片课")
    chat.confirms(ADMIN, "/remind 2027-01-16 09:00 今晚签到")
    assert chat.hears(ADMIN, "/reminders").splitlines() == [
        "等待发送的公告 2 个：",
        "公告 2　01-16 09:00　【公告】今晚签到",
        "公告 1　01-16 09:30　【公告】今晚读片课",
    ]
    assert chat.hears(ADMIN, "/broadcast stop 2").startswith("群发 2 已停止，已发 0/2")
    clock(chat, 9, 29, day=16)
    assert goes_on(chat, redis_client) == 0
    clock(chat, 9, 30, day=16)
    assert goes_on(chat, redis_client) == 2
    assert waiting(redis_client, NEWS) == ["【公告】今晚读片课"]
    assert chat.hears(ADMIN, "/reminders") == "没有等待发送的公告。"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2027-01-15 11:59", "已经过去"),
        ("2029-01-15 11:59", "超过 366 天"),
        ("2027-02-30 09:00", "不是日期和时间"),
        ("明天", "不是日期和时间"),
    ],
)
def test_a_time_that_cannot_be_is_refused(chat: Chat, moment: str, said: str) -> None:
    assert said in chat.hears(ADMIN, f"/remind {moment} 今晚读片课")


@pytest.mark.parametrize("written", ["2027-01-15 12:00", "2027-01-15T04:00Z", "2027-01-15 05:00+01:00"])
def test_a_moment_of_another_zone_is_taken_as_such(written: str) -> None:
    assert moment_of(written, SHANGHAI) == NOON


def test_only_admins_announce_and_only_where_there_is_a_group(chat: Chat, open_office: Callable[..., Office]) -> None:
    for command in ("/announce 一", "/remind 2027-01-16 09:00 一", "/reminders", "/digest"):
        assert "管理员" in chat.hears(ANYBODY, command), command
    alone = Chat(open_office(make_bot()))
    assert "没有公告群" in alone.hears(ADMIN, "/announce 一")
    assert "超过一条消息的上限 2048" in chat.hears(ADMIN, "/announce " + "长" * 700)


def put_faq(chat: Chat, number: int, question: str, answer: str, audience: Audience = Audience.PUBLIC) -> str:
    """An approved question with its answer; returns the entry's id."""
    origin = Origin(tenant="academy", collection="c", source=f"faq{number}.csv", audience=audience)
    entry = Entry(
        id=f"{number:08}-0000-0000-0000-000000000000",
        tenant="academy",
        collection="c",
        kind=EntryKind.FAQ,
        audience=audience,
        title=question,
        questions=(question,),
        text=answer,
        source=f"faq{number}.csv",
        location="第 2 行",
        valid_from=0.0,
        valid_to=NOON + 100 * DAY,
    )
    submission = Submission(origin=origin, title=question, content_hash=f"{number:064}", entries=(entry,))
    chat.office.tools.store.put(submission, approve=True, actor="cli:test", now=NOON)
    return entry.id


def ask(chat: Chat, entry: str, *people: str, days: float = 1, **fields: object) -> None:
    """``people`` were answered by the FAQ ``entry``, so many ``days`` ago."""
    for person in people:
        chat.number += 1
        passages = ((entry, 1.0, "faq"),)
        at = chat.office.now - days * DAY
        more = {"asked_at": at, "answered_at": at, "passages": passages, **fields}
        turn(chat, f"asked{chat.number:015}", person=person, **more)


def test_a_digest_names_what_enough_people_asked_with_its_source_and_nobody(
    chat: Chat, redis_client: redis.Redis
) -> None:
    often, seldom = put_faq(chat, 1, "几点开门？", "早上八点。"), put_faq(chat, 2, "可以停车吗？", "可以。")
    staff = put_faq(chat, 3, "内部电话？", "8001", Audience.STAFF)
    ask(chat, often, "dr.a", "dr.b", "dr.c", "dr.c")
    ask(chat, seldom, "dr.a", "DR.A", "dr.b")
    ask(chat, seldom, "dr.old", days=9)
    ask(chat, seldom, "dr.lost", failure="60011")
    ask(chat, seldom, "dr.refused", kind="refusal")
    ask(chat, staff, "dr.a", "dr.b", "dr.c")
    text = chat.says(ADMIN, "/digest").text
    assert "1. 几点开门？\n早上八点。\n来源：faq1.csv · 第 2 行" in text
    assert "经管理员确认" in text
    for hidden in ("停车", "8001", "dr.", "秘密"):
        assert hidden not in text
    chat.confirms(ADMIN, "/digest")
    assert goes_on(chat, redis_client) == 2
    (said,) = waiting(redis_client, NEWS)
    assert "早上八点。" in said


def test_a_digest_whose_answer_was_withdrawn_after_it_was_shown_is_not_said(
    chat: Chat, redis_client: redis.Redis
) -> None:
    first, second = put_faq(chat, 1, "几点开门？", "早上八点。"), put_faq(chat, 2, "可以停车吗？", "可以。")
    ask(chat, first, "dr.a", "dr.b", "dr.c")
    ask(chat, second, "dr.a", "dr.b", "dr.c")
    code = chat.says(ADMIN, "/digest").text.rpartition("/confirm ")[2]
    chat.office.tools.store.withdraw("academy", "c", "faq1.csv", actor="cli:test", now=NOON)
    assert "内容有变化" in chat.hears(ADMIN, f"/confirm {code}")
    assert goes_on(chat, redis_client) == 0


def test_a_digest_cuts_no_answer(chat: Chat) -> None:
    long, short = put_faq(chat, 1, "说明？", "长" * 700), put_faq(chat, 2, "可以停车吗？", "可以。")
    ask(chat, long, "dr.a", "dr.b", "dr.c", "dr.d")
    assert "没有被 3 人以上问过" in chat.hears(ADMIN, "/digest")
    ask(chat, short, "dr.a", "dr.b", "dr.c")
    text = chat.hears(ADMIN, "/digest")
    assert "可以停车吗？" in text
    assert "长长" not in text


@pytest.fixture
def weekly(open_office: Callable[..., Office], redis_client: redis.Redis) -> Weekly:
    """A bot whose digest is due on Fridays at nine; it is Friday, and enough people have asked something."""
    bot = make_bot(
        channels={"app": APP, "news": speaking("announcements")},
        knowledge=["c"],
        quiet_hours="22:00-08:00",
        digest_at="fri 09:00",
    )
    weekly = Weekly(Chat(open_office(bot)), redis_client)
    weekly.chat.office.now = NOON
    ask(weekly.chat, put_faq(weekly.chat, 1, "几点开门？", "早上八点。"), "dr.a", "dr.b", "dr.c")
    return weekly


def test_a_weekly_digest_is_said_once_by_itself_and_says_so(weekly: Weekly) -> None:
    clock(weekly.chat, 8, 59)
    assert weekly.begins() == 0
    clock(weekly.chat, 9)
    assert weekly.begins() == 1
    assert weekly.begins() == 0, "the other worker, and every look after this"
    weekly.client.flushdb()
    weekly.begins()
    assert weekly.says() == 1, "a Redis that has lost everything changes nothing"
    (said,) = waiting(weekly.client, NEWS)
    assert "1. 几点开门？\n早上八点。" in said
    assert "按管理员设定的时间每周自动发布" in said
    assert "经管理员确认" not in said
    assert [event.details["what"] for event in weekly.audited] == ["digest", "digest"]
    clock(weekly.chat, 9, day=16)
    assert weekly.begins() == 0
    clock(weekly.chat, 9, day=22)
    ask(weekly.chat, "00000001-0000-0000-0000-000000000000", "dr.a", "dr.b", "dr.c")
    assert weekly.begins() == 1


def test_a_weekly_digest_that_was_missed_is_caught_up_for_hours_and_no_longer(weekly: Weekly) -> None:
    clock(weekly.chat, 15)
    assert weekly.begins() == 0
    clock(weekly.chat, 14, 59)
    assert weekly.begins() == 1


def test_a_worker_that_died_over_a_weekly_digest_is_followed_by_another(weekly: Weekly) -> None:
    clock(weekly.chat, 9)
    assert weekly.client.set(keys.weekly_digest("imaging", "2027-01-15"), "claimed", ex=CLAIMED_S)
    assert weekly.begins() == 0
    weekly.client.delete(keys.weekly_digest("imaging", "2027-01-15"))  # its time is over
    assert weekly.begins() == 1


def test_a_weekly_digest_in_quiet_hours_is_written_when_they_end(weekly: Weekly) -> None:
    """What was withdrawn in the night is not in it."""
    late = make_bot(
        channels=weekly.chat.office.bot.channels, knowledge=["c"], quiet_hours="22:00-08:00", digest_at="thu 23:00"
    )
    clock(weekly.chat, 23, day=14)
    assert weekly.begins(late) == 0
    clock(weekly.chat, 7, 59)
    assert weekly.begins(late) == 0
    clock(weekly.chat, 8)
    assert weekly.begins(late) == 1
    clock(weekly.chat, 14)
    weekly.client.flushdb()
    assert weekly.begins(late) == 0


def test_a_week_in_which_nobody_asked_is_passed_over(weekly: Weekly) -> None:
    weekly.chat.office.tools.store.withdraw("academy", "c", "faq1.csv", actor="cli:test", now=NOON)
    clock(weekly.chat, 9)
    assert weekly.begins() == 0
    assert weekly.says() == 0


@pytest.mark.parametrize("at", ["monday 09:00", "mon 9:00", "mon", "09:00", "mon 24:00"])
def test_what_is_no_weekday_with_a_time_is_refused(at: str) -> None:
    with pytest.raises(ValidationError):
        make_bot(digest_at=at)


@pytest.mark.parametrize(
    ("at", "over"),
    [((15, 21, 59), (15, 21, 59)), ((15, 22, 0), (16, 8, 0)), ((16, 7, 59), (16, 8, 0)), ((16, 8, 0), (16, 8, 0))],
)
def test_quiet_hours_are_over_when_the_clock_says_so(at: tuple[int, int, int], over: tuple[int, int, int]) -> None:
    def moment(day: int, hour: int, minute: int) -> float:
        return datetime(2027, 1, day, hour, minute, tzinfo=SHANGHAI).timestamp()

    quiet = QuietHours({"imaging": make_bot(quiet_hours="22:00-08:00")}, SHANGHAI)
    assert quiet.over("imaging", moment(*at)) == moment(*over)


def test_quiet_hours_follow_the_clock_that_is_put_forward_and_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    quiet = QuietHours({"imaging": make_bot(quiet_hours="01:00-03:00")}, berlin)
    forward = datetime(2027, 3, 28, 1, 30, tzinfo=berlin).timestamp()  # at two it is three
    assert [quiet.hold("imaging", forward + minutes * 60) for minutes in (0, 29, 30)] == [True, True, False]
    back = datetime(2027, 10, 31, 1, 30, tzinfo=berlin).timestamp()  # at three it is two, once
    assert [quiet.hold("imaging", back + hours * 3600) for hours in (0, 1, 2)] == [True, True, True]
    assert not quiet.hold("imaging", back + 2.5 * 3600)
    assert quiet.over("imaging", back) == back + 2.5 * 3600
