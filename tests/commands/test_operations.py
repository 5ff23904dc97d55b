"""Looking at a bot from a chat: short, and without a word of what people wrote."""

from dataclasses import replace

import pytest
import redis

from bot.backlog import Queue, Waiting
from bot.commands.limits import UsageLimits
from bot.events import Verdict
from bot.feedback.records import Feedback, FeedbackRecords, Source
from bot.llm.budget import TokenBudget
from bot.records.turns import TurnRecord
from tests.commands.conftest import ADMIN, ANYBODY, GROUP, GROUP_ADMIN, SERVICER, Chat
from tests.handoff.office import make_message

DAY = 86400.0
TURN = "abcdefghij2345672345"


def turn(chat: Chat, turn_id: str = TURN, **fields: object) -> TurnRecord:
    """A turn that was recorded a minute ago, in ``group`` where that is given."""
    bot, now, group = chat.office.bot, chat.office.now, str(fields.pop("group", ""))
    conversation = replace(make_message(ANYBODY, "", bot.id).conversation, chat=group)
    record = TurnRecord(
        id=turn_id,
        bot=bot.id,
        tenant=bot.tenant,
        conversation=conversation.key,
        person=ANYBODY,
        asked_at=now - 60,
        answered_at=now - 58,
        message_ids=("m1",),
        question="我的秘密问题",
        step="compose",
        kind="faq",
        answer="我的秘密回答",
        confidence=0.91,
        citations=({"n": 1, "title": "示影灵说明书", "source": "a.md", "location": "", "quote": "引文"},),
        steps=({"step": "retrieve", "ms": 12.3}, {"step": "compose", "ms": 1.2}),
        parts=2,
        parts_sent=2,
    )
    record = replace(record, **fields)  # type: ignore[arg-type]
    chat.office.records.save(record)
    return record


def test_status_tells_what_stands_still_and_what_waits(chat: Chat) -> None:
    assert chat.hears(ADMIN, "/status").splitlines() == [
        "机器人“小影”：正常回答",
        "等待处理 0 条，最久 0 秒；0 个会话有回复未发出；放弃 0 条，无法解读 0 条。",
        "待审核资料 0 份，已屏蔽 0 人。",
    ]
    chat.says(ADMIN, "/faq add 问 | 答")
    chat.says(ADMIN, "/block dr.li")
    chat.says(GROUP_ADMIN, "/pause 1h", chat=GROUP)
    chat.says(ADMIN, "/kill")
    lines = chat.hears(ADMIN, "/状态").splitlines()
    assert lines[0].startswith("机器人“小影”：zhang.wei 于 ")
    assert lines[0].endswith("停用（/resume 恢复）")
    assert lines[1].startswith(f"群 {GROUP}：暂停到 ")
    assert lines[-1] == "待审核资料 1 份，已屏蔽 1 人。"
    assert chat.hears(GROUP_ADMIN, "/status", chat=GROUP).splitlines() == lines[:2]


def test_bots_are_those_of_the_tenant_that_one_steers(chat: Chat) -> None:
    chat.office.queue = Queue(waiting=Waiting(messages=7), letters=())
    assert chat.hears(ADMIN, "/bots").splitlines() == [
        "小影（imaging）：正常回答；等待 7 条",
        "二号（second）：正常回答；等待 7 条",
    ]


def test_a_report_counts_what_people_asked_and_nothing_else(chat: Chat) -> None:
    turn(chat)
    turn(chat, "b" * 20, kind="refusal", person="dr.li", failure="60011", answered_at=chat.office.now - 50)
    turn(chat, "c" * 20, kind="command")
    turn(chat, "d" * 20, step="ask", person="cli:root")
    turn(chat, "e" * 20, asked_at=chat.office.now - 3 * DAY, answered_at=chat.office.now - 3 * DAY)
    turn(chat, "f" * 20, asked_at=chat.office.now - 9 * DAY)
    turn(chat, "g" * 20, bot="second")
    verdict = Feedback(
        turn_id=TURN,
        person=ANYBODY,
        bot="imaging",
        tenant="academy",
        verdict=Verdict.USEFUL,
        source=Source.WORDS,
        given_at=chat.office.now - 1,
    )
    FeedbackRecords(chat.office.database).save(verdict)
    chat.says(ANYBODY, "/human")
    chat.office.now += 1
    lines = chat.hears(ADMIN, "/report").splitlines()
    assert lines[0].startswith("小影，今天（")
    assert lines[1:] == [
        "回合 2 个，2 人，未送达 1 个",
        "其中：问答库 1 / 拒答 1",
        "从收到到作答平均 6.0 秒，最长 10.0 秒",
        "评价：有用 1，没用 0",
        "人工工单 1 个，满意度 –（满分 3）",
    ]
    assert "回合 3 个，2 人" in chat.hears(ADMIN, "/report week")
    assert "回合 3 个" in chat.hears(ADMIN, "／报告 本周")
    assert chat.hears(ADMIN, "/report year").startswith("“year”不是“day”或“week”。")


def test_a_trace_tells_how_an_answer_came_about_and_not_what_was_said(chat: Chat) -> None:
    turn(chat)
    text = chat.hears(ADMIN, f"/trace {TURN}")
    assert text.splitlines()[2:] == [
        "2.0 秒后作答：问答库（compose），把握 0.91",
        "步骤：retrieve 12 ms，compose 1 ms",
        "来源：示影灵说明书（a.md）",
        "已送达 2/2",
    ]
    assert "秘密" not in text
    assert ANYBODY not in text
    turn(chat, failure="60011", parts_sent=1)
    assert chat.hears(ADMIN, f"/trace {TURN}").endswith("未送达：60011（已发 1/2）")


def test_the_last_turn_is_that_of_this_chat(chat: Chat) -> None:
    missing = "没有找到这个回合"
    assert missing in chat.hears(ADMIN, "/trace")
    turn(chat)
    assert missing in chat.hears(ADMIN, "/trace last"), "somebody else's single chat"
    turn(chat, "b" * 20, group=GROUP)
    turn(chat, "c" * 20, group=GROUP, kind="command", asked_at=chat.office.now)
    turn(chat, "e" * 20, group=GROUP + "2", asked_at=chat.office.now)
    assert "b" * 20 in chat.hears(ADMIN, "/trace last", chat=GROUP)
    assert "b" * 20 in chat.hears(GROUP_ADMIN, "/trace", chat=GROUP)
    assert missing in chat.hears(GROUP_ADMIN, f"/trace {TURN}", chat=GROUP), "not of this group"
    assert missing in chat.hears(ADMIN, f"/trace {TURN}", bot=chat.office.bots[1]), "another bot's"


def test_quota_tells_what_is_used_up(chat: Chat, redis_client: redis.Redis) -> None:
    assert chat.hears(ADMIN, "/quota").splitlines() == [
        "模型用量不限",
        "等待处理 0 / 10000 条",
        "每人每分钟最多 20 条",
    ]
    budget = TokenBudget(redis_client, 1000, "Asia/Shanghai")
    budget.charge("imaging", 345)
    limits = UsageLimits(person_per_minute=20, bot_waiting=5, daily_tokens=1000, tokens_used=budget.used)
    chat.office.commands._tools = replace(chat.office.tools, limits=limits)
    assert chat.hears(ADMIN, "/额度").splitlines()[0] == "模型今天用了 345 / 1000 个 token"


@pytest.mark.parametrize("command", ["/status", "/report", "/trace", "/quota", "/bots", "/queue"])
def test_servicers_look_at_nothing_of_this(chat: Chat, command: str) -> None:
    assert "只有管理员" in chat.hears(SERVICER, command)
