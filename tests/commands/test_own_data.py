"""Anybody sees what is held of them, and has it removed, in plain words or by commands."""

import json

import pytest
import redis

from bot import keys
from bot.audit.entries import Action
from bot.commands.own_data_words import own_data_wish
from bot.commands.wording import is_command
from bot.messages import MessageKind
from bot.parts import Medium
from tests.commands.conftest import ANYBODY, GROUP, Chat
from tests.commands.test_operations import TURN, turn
from tests.commands.test_persons import HERE, OTHER, held, remember_everywhere
from tests.handoff.office import make_message

STAYS = "依规保留：审计日志（只有化名，用于追责）；药物安全报告（如有，法律要求保存）；屏蔽名单（如有）。"


def test_a_person_sees_all_that_is_held_of_them_and_nothing_of_others(chat: Chat, redis_client: redis.Redis) -> None:
    chat.office.channels["imaging", "app"].media = frozenset({MessageKind.FILE})
    remember_everywhere(chat, ANYBODY, redis_client)
    turn(chat, "b" * 20, person="dr.li", conversation=OTHER.key, question="别人的问题")
    outcome = chat.says(ANYBODY, "你知道我什么？")
    assert outcome.text.startswith(f"“小影”保存了您（{ANYBODY}）的：对话 1 个回合，评价 1 条，人工工单 1 个")
    assert "保存 184 天后自动删除" in outcome.text
    assert STAYS in outcome.text
    (medium,) = outcome.parts
    assert isinstance(medium, Medium)
    stored = chat.office.tools.media.find(medium.media)
    assert stored is not None
    text = stored.path.read_text("utf-8")
    content = json.loads(text)
    assert [row["question"] for row in content["turns"]] == ["秘密"]
    assert [row["words"] for row in content["feedback"]] == ["秘密"]
    assert len(content["tickets"]) == 1
    assert content["media"] == ["a.txt"]
    assert "别人的问题" not in text
    assert "dr.li" not in text
    assert chat.office.audited[-1].action is Action.EXPORT
    assert ANYBODY not in str(chat.office.audited[-1].details)


def test_without_files_there_is_a_summary_and_a_way_to_the_rest(chat: Chat) -> None:
    outcome = chat.says(ANYBODY, "/mydata")
    assert "对话 0 个回合" in outcome.text
    assert "这里不能发送文件" in outcome.text
    assert outcome.parts == ()


def test_what_is_held_goes_after_a_second_word(chat: Chat, redis_client: redis.Redis) -> None:
    for person in (ANYBODY, "dr.li"):
        remember_everywhere(chat, person, redis_client)
    redis_client.set(keys.masks(HERE), "{}")
    asked = chat.hears(ANYBODY, "请删除我的信息")
    assert "将删除“小影”保存的您的全部信息：对话 1 个回合" in asked
    assert "请回复“确认删除我的信息”" in asked
    assert held(chat, ANYBODY, redis_client)[0] == 1, "nothing went yet"
    done = chat.hears(ANYBODY, "确认删除我的信息")
    assert "已删除：回合 1 个，评价 1 条，工单 1 个，文件 1 个" in done
    assert STAYS in done
    assert held(chat, ANYBODY, redis_client)[:4] == [0, [], [], None]
    assert not redis_client.exists(keys.masks(HERE), keys.heard(HERE))
    assert all(held(chat, "dr.li", redis_client))
    audited = chat.office.audited[-1]
    assert (audited.action, audited.details["turns"]) == (Action.DELETION, 1)
    assert "对话 0 个回合" in chat.hears(ANYBODY, "/mydata")


def test_a_question_about_the_command_removes_nothing(chat: Chat) -> None:
    turn(chat)
    assert "用法：/forgetme confirm" in chat.hears(ANYBODY, "/forgetme confirm 是什么意思")
    assert chat.office.records.get(TURN) is not None


@pytest.mark.parametrize("text", ["你知道我什么", "删除我的信息", "确认删除我的信息", "/mydata", "/forgetme confirm"])
def test_in_a_group_nothing_is_shown_or_removed(chat: Chat, text: str) -> None:
    turn(chat)
    assert "只能在单聊里使用" in chat.hears(ANYBODY, text, chat=GROUP)
    assert chat.office.records.get(TURN) is not None


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("你都知道我的哪些信息", "mydata"),
        ("你们保存了我的哪些资料？", "mydata"),
        ("查看我的个人信息", "mydata"),
        ("What do you know about me?", "mydata"),
        ("Show me my data", "mydata"),
        ("请把我的信息全部删除。", "forgetme"),
        ("把我的聊天记录都删掉吧", "forgetme"),
        ("Please delete my data", "forgetme"),
        ("确认删除我的信息", "forgetme confirm"),
        ("Confirm: delete my data", "forgetme confirm"),
        ("我的检查信息在哪里查", None),
        ("怎么删除我的信息", None),
        ("删除我的文件", None),
        ("忘记密码怎么办", None),
        ("你知道我什么时候检查吗", None),
        ("我的数据线坏了", None),
        ("删除我的信息" + "，" * 300, None),
    ],
)
def test_only_a_whole_message_is_such_a_wish(text: str, wish: str | None) -> None:
    assert own_data_wish(text) == wish
    assert is_command(make_message(ANYBODY, text)) is (wish is not None)
