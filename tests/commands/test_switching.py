"""Commands that let a bot stand still and go on."""

import pytest

from bot.messages import ConversationId
from bot.switches import State
from tests.commands.conftest import ADMIN, GROUP, GROUP_ADMIN, Chat
from tests.handoff.office import make_bot


def states(chat: Chat, group: str = "") -> dict[str, State]:
    """How each bot that stands still in ``group`` does so."""
    found = {}
    for bot in chat.office.bots:
        here = ConversationId(bot=bot.id, channel="app", person="dr.wang", chat=group)
        if switch := chat.office.switches.stopping(here):
            found[bot.id] = switch.state
    return found


def test_kill_stops_this_bot_or_all_that_one_steers_and_resume_lifts_it(chat: Chat) -> None:
    assert chat.hears(ADMIN, "/kill").startswith("已停用：小影。")
    assert states(chat) == {"imaging": State.KILLED}
    assert chat.hears(ADMIN, "／急停 全部").startswith("已停用：小影 / 二号。"), "not another tenant's"
    assert states(chat) == {"imaging": State.KILLED, "second": State.KILLED}
    assert chat.hears(ADMIN, "/resume") == "已恢复回答：小影。"
    assert states(chat) == {"second": State.KILLED}
    chat.says(ADMIN, "/resume all")
    assert states(chat) == {}


def test_kill_all_leaves_alone_what_somebody_else_steers(chat: Chat) -> None:
    bot = make_bot(admins=["other.admin"])
    chat.says("other.admin", "/kill all", bot=bot)
    assert states(chat) == {}, "the office's own configuration does not know this admin"


def test_a_pause_has_a_time(chat: Chat) -> None:
    assert chat.hears(ADMIN, "/pause 90").startswith("小影 已暂停到 ")
    assert states(chat) == {"imaging": State.PAUSED}
    chat.office.now += 90 * 60 - 1
    assert states(chat) == {"imaging": State.PAUSED}
    chat.office.now += 1
    assert states(chat) == {}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 3600), ("30m", 1800), ("2小时", 7200), ("45 分钟", 2700), ("９0", 5400), ("9999d", 30 * 86400)],
)
def test_times_may_be_written_as_people_do(chat: Chat, text: str, seconds: int) -> None:
    chat.says(ADMIN, f"/pause {text}")
    (switch,) = chat.office.switches.of("imaging")
    assert switch.until == chat.office.now + seconds


@pytest.mark.parametrize("text", ["一会儿", "0", "０s", "0小时", "5ſ", "5mın", "-1", "1.5h", "5\u200bm"])
def test_what_is_no_time_is_said(chat: Chat, text: str) -> None:
    said = chat.hears(ADMIN, f"/pause {text}")
    assert said.splitlines()[0] == f"“{text}”不是时长（例如 30m、2小时、1天）。"
    assert states(chat) == {}


def test_nothing_is_done_where_more_is_said_than_the_command_takes(chat: Chat) -> None:
    for text in ("/drain 是什么意思", "/kill 机器人", "/kill all 机器人", "/resume 一下", "/pause 1h 然后呢"):
        assert "用法：/" in chat.hears(ADMIN, text)
    assert states(chat) == {}


def test_the_admin_of_a_group_pauses_it_alone_and_lifts_no_more_than_that(chat: Chat) -> None:
    chat.says(GROUP_ADMIN, "/pause 1h", chat=GROUP)
    assert (states(chat, GROUP), states(chat)) == ({"imaging": State.PAUSED}, {})
    assert chat.hears(GROUP_ADMIN, "/resume", chat=GROUP) == "已恢复在本群回答。"
    assert states(chat, GROUP) == {}
    chat.says(ADMIN, "/kill")
    chat.says(GROUP_ADMIN, "/resume all", chat=GROUP)
    assert states(chat, GROUP) == {"imaging": State.KILLED}


def test_an_admin_s_resume_in_a_group_lifts_that_group_s_pause_too(chat: Chat) -> None:
    chat.says(GROUP_ADMIN, "/pause 1h", chat=GROUP)
    chat.says(ADMIN, "/resume", chat=GROUP)
    assert states(chat, GROUP) == {}


@pytest.mark.parametrize("command", ["/pause 1m", "/drain"])
def test_a_kill_ends_by_nothing_but_a_person(chat: Chat, command: str) -> None:
    chat.says(ADMIN, "/kill")
    assert chat.hears(ADMIN, command) == "机器人已停用，请先发 /resume。"
    assert states(chat) == {"imaging": State.KILLED}


def test_a_kill_that_runs_again_does_not_undo_a_resume(chat: Chat) -> None:
    chat.says(ADMIN, "/kill", turn_id="t1")
    chat.says(ADMIN, "/resume", turn_id="t2")
    chat.says(ADMIN, "/kill", turn_id="t1")
    assert states(chat) == {}


def test_drain_says_how_much_is_finished(chat: Chat) -> None:
    assert chat.hears(ADMIN, "/排空").startswith("小影 不再接新消息，已有的 0 条会处理完。")
    assert states(chat) == {"imaging": State.DRAINING}


def test_staff_cannot_be_blocked(chat: Chat) -> None:
    for person in (ADMIN, "LI.NA"):
        assert "不能屏蔽管理员或客服" in chat.hears(ADMIN, f"/block {person}")
    chat.says(ADMIN, "/block Dr.Wang")
    assert chat.office.switches.blocking("imaging", "dr.wang") is not None
    chat.says(ADMIN, "／解除屏蔽 dr.wang")
    assert chat.office.switches.blocking("imaging", "dr.wang") is None
