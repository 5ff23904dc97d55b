"""Command messages: who may say what, and what every mistake leads to."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.backlog import Queue, Waiting
from bot.commands.registry import COMMANDS, Command, Permission, is_command
from bot.dead_letters import LetterKind
from bot.messages import MessageKind, ReplyKind
from tests.handoff.office import Office, make_bot, make_message, told
from tests.operations.conftest import dead_message

ANYBODY, SERVICER, ADMIN = "dr.wang", "li.na", "zhang.wei"


@pytest.mark.parametrize(
    "text",
    [
        *("/help", "／help", " /HELP", "/", "/ 你好", "/不存在"),
        *("转人工", "人工", " 人工！", "转 人工。", "人工？？", "我要人工"),
        *("请转人工服务", "我要找人工客服吧", "麻烦转接人工，谢谢"),
    ],
)
def test_these_are_commands(text: str) -> None:
    assert is_command(make_message(ANYBODY, text))


@pytest.mark.parametrize(
    "text", ["人工智能", "人工关节能做核磁吗", "转人工要等多久", "1/2", "help", "", "什么是人工", "！"]
)
def test_these_are_not(text: str) -> None:
    assert not is_command(make_message(ANYBODY, text))


def test_only_text_commands() -> None:
    assert not is_command(replace(make_message(ANYBODY, "/help"), kind=MessageKind.EVENT))


def test_echo_sends_the_text_back_as_it_was(office: Office) -> None:
    outcome = office.hear(ADMIN, "/echo  a  b\n ／c {x} ")
    assert (outcome.text, outcome.kind, outcome.notices) == ("a  b\n ／c {x}", ReplyKind.COMMAND, ())


@pytest.mark.parametrize("text", ["/ECHO 你好", "／echo　你好", "/Echo\n你好", "／ｅｃｈｏ 你好", "  / echo 你好"])
def test_a_command_may_be_written_carelessly(office: Office, text: str) -> None:
    assert office.hear("ZHANG.Wei", text).text == "你好"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
@pytest.mark.parametrize(
    ("person", "permission"),
    [(ANYBODY, Permission.ANYONE), (SERVICER, Permission.SERVICER), (ADMIN, Permission.ADMIN)],
)
def test_permission_is_checked_for_every_command(
    office: Office, command: Command, person: str, permission: Permission
) -> None:
    office.hear("dr.li", "/human")
    outcome = office.hear(person, f"/{command.name} 1 text")
    refused = "只有管理员或客服" in outcome.text
    assert refused == (permission < command.permission)
    if refused:
        assert (outcome.notices, outcome.kind) == ((), ReplyKind.COMMAND)
        assert "\n" not in outcome.text


def test_the_contract_of_permissions() -> None:
    assert {command.name: command.permission.name for command in COMMANDS} == {
        "help": "ANYONE",
        "human": "ANYONE",
        "reply": "SERVICER",
        "takeover": "SERVICER",
        "release": "SERVICER",
        "echo": "ADMIN",
        "queue": "ADMIN",
    }


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (ANYBODY, {"/help", "/human"}),
        (SERVICER, {"/help", "/human", "/reply", "/takeover", "/release"}),
        (ADMIN, {"/help", "/human", "/reply", "/takeover", "/release", "/echo", "/queue"}),
    ],
)
def test_help_shows_what_one_may_do_and_how_to_reach_a_human(office: Office, person: str, expected: set[str]) -> None:
    text = office.hear(person, "/help").text
    assert {word for word in text.split() if word.startswith("/")} == expected
    assert "小影" in text
    assert "转人工" in text


def test_an_unknown_command_points_to_help_and_strangers_learn_nothing(office: Office) -> None:
    assert office.hear(ADMIN, "/rm -rf").text == "没有“/rm”这个命令。发 /help 查看可用命令。"
    assert office.hear(SERVICER, "/").text == "没有“/”这个命令。发 /help 查看可用命令。"
    assert office.hear(ANYBODY, "/rm").text == office.hear(ANYBODY, "/echo x").text
    assert len(office.hear(ADMIN, "/" + "x" * 4000).text) < 100


@pytest.mark.parametrize(
    "text",
    [
        "/reply",
        "/reply 1",
        "/reply 1   ",
        "/reply 你好",
        "/reply 1天后复查",
        "/reply 3.5 mg",
        "/reply 1234567890 x",
        "/reply -1 x",
    ],
)
def test_a_reply_without_ticket_or_words_is_answered_with_its_usage(office: Office, text: str) -> None:
    office.hear(ANYBODY, "/human")
    outcome = office.hear(SERVICER, text)
    assert (outcome.text, outcome.notices) == ("用法：/reply 工单号 文字　回复对方", ())


@pytest.mark.parametrize("command", ["echo", "release", "takeover"])
def test_other_commands_without_arguments_too(office: Office, command: str) -> None:
    assert office.hear(ADMIN, f"/{command}").text.startswith(f"用法：/{command}")


@pytest.mark.parametrize(
    "text", ["/reply 1 您好", "/reply #1 您好", "/reply １：您好", "/reply 1，您好", "/reply\n1\n您好"]
)
def test_a_ticket_s_number_may_be_written_as_people_do(office: Office, text: str) -> None:
    office.hear(ANYBODY, "/human")
    assert told(office.hear(SERVICER, text).notices) == {ANYBODY: "人工客服：您好"}


def test_another_bot_s_ticket_is_as_unknown_as_none(open_office: Callable[..., Office]) -> None:
    office = open_office(make_bot(), make_bot("other", servicers=["spy"], admins=[]))
    office.hear(ANYBODY, "/human")
    for command in ("/reply 1 您好", "/release 1", "/takeover 1"):
        foreign = office.hear("spy", command, office.bots[1])
        missing = office.hear(SERVICER, command.replace("1", "2"))
        assert (foreign.text, foreign.notices) == ("没有找到工单 1，请核对工单号。", ())
        assert missing.text == "没有找到工单 2，请核对工单号。"
    assert office.hear("spy", "/release 1").text == office.hear(ANYBODY, "/echo x").text


def test_the_words_of_a_wish_reach_the_servicers(office: Office) -> None:
    outcome = office.hear(ANYBODY, "/human 设备报错 E42")
    assert outcome.kind is ReplyKind.HANDOFF
    assert "设备报错 E42" in told(outcome.notices)["li.na"]


def test_the_queue_fits_into_a_chat_and_shows_no_word_of_anybody(office: Office) -> None:
    idle = office.hear(ADMIN, "/queue").text
    assert idle == "等待处理 0 条，最久 0 秒；0 个会话有回复未发出；放弃 0 条，无法解读 0 条。"
    waiting = Waiting(messages=3, oldest_s=61.4, oldest_in="imaging/app//wang", unsent=1)
    kinds = [*LetterKind, *LetterKind]
    letters = tuple(replace(dead_message(number), kind=kind) for number, kind in enumerate(kinds))
    office.queue = Queue(waiting=waiting, letters=letters)
    lines = office.hear(ADMIN, "/queue").text.splitlines()
    assert lines[0] == "等待处理 3 条，最久 61 秒；1 个会话有回复未发出；放弃 4 条，无法解读 6 条。"
    assert lines[1] == f"编号 {letters[0].key}：消息处理失败（KeyError）"
    assert len(lines) == 7, "five letters, and what to do about them"
    assert "问题" not in "".join(lines)
