"""Command messages: who may say what, and what every mistake leads to."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.audit.entries import Action
from bot.backlog import Queue, Waiting
from bot.commands.declaration import Permission
from bot.commands.registry import COMMANDS
from bot.commands.wording import is_command
from bot.dead_letters import LetterKind
from bot.events import CardClick
from bot.messages import MessageKind, ReplyKind
from bot.texts import LANGUAGES, Texts
from tests.commands.conftest import ADMIN, ANYBODY, GROUP, GROUP_ADMIN, SERVICER, Chat
from tests.handoff.office import Office, make_bot, make_message, told
from tests.operations.conftest import dead_message

REFUSED = "抱歉，这个命令只有管理员或客服可以使用。需要帮助请发 /help。"


@pytest.mark.parametrize(
    "text",
    [
        *("/help", "／help", " /HELP", "/", "/ 你好", "/不存在", "／状态"),
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


def test_only_text_commands_and_the_button_that_confirms() -> None:
    event = replace(make_message(ANYBODY, "/help"), kind=MessageKind.EVENT)
    assert not is_command(event)
    for key, is_one in [("confirm:K7", True), ("confirm:", False), ("confirm:K7 x", False), ("rate:useful:x", False)]:
        assert is_command(replace(event, event=CardClick(task_id="t", key=key))) == is_one, key


def test_echo_sends_the_text_back_as_it_was(office: Office) -> None:
    outcome = office.hear(ADMIN, "/echo  a  b\n ／c {x} ")
    assert (outcome.text, outcome.kind, outcome.notices) == ("a  b\n ／c {x}", ReplyKind.COMMAND, ())


@pytest.mark.parametrize(
    "text", ["/ECHO 你好", "／echo　你好", "/Echo\n你好", "／ｅｃｈｏ 你好", "  / echo 你好", "／回声 你好"]
)
def test_a_command_may_be_written_carelessly(office: Office, text: str) -> None:
    assert office.hear("ZHANG.Wei", text).text == "你好"


@pytest.mark.parametrize(
    ("person", "permission"),
    [(ANYBODY, Permission.ANYONE), (SERVICER, Permission.SERVICER), (ADMIN, Permission.ADMIN)],
)
def test_permission_is_checked_for_every_command(office: Office, person: str, permission: Permission) -> None:
    office.hear("dr.li", "/human")
    for command in COMMANDS:
        for name in (command.name, *command.aliases):
            outcome = office.hear(person, f"/{name} 1 text")
            refused = outcome.text == REFUSED
            assert refused == (permission < command.permission), name
            if refused:
                assert (outcome.notices, outcome.parts, outcome.kind) == ((), (), ReplyKind.COMMAND)


def test_the_contract_of_permissions() -> None:
    below_admin = {command.name: command.permission.name for command in COMMANDS if command.permission < 2}
    assert below_admin == {
        "help": "ANYONE",
        "human": "ANYONE",
        "mydata": "ANYONE",
        "forgetme": "ANYONE",
        "forgetme confirm": "ANYONE",
        "reply": "SERVICER",
        "takeover": "SERVICER",
        "release": "SERVICER",
        "verify": "ANYONE",
    }


def test_names_are_nobody_elses_and_every_command_is_described() -> None:
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names))
    texts = Texts()
    for command in COMMANDS:
        for language in LANGUAGES:
            assert texts.say(f"usage_{command.key}", language).startswith(f"/{command.name}")
            for argument in command.arguments:
                assert texts.say(f"argument_{argument.name}", language)


@pytest.mark.parametrize(("person", "least"), [(ANYBODY, 0), (SERVICER, 1), (ADMIN, 2)])
def test_help_shows_what_one_may_do_and_how_to_reach_a_human(office: Office, person: str, least: int) -> None:
    text = office.hear(person, "/help").text
    shown = {line.split()[0] for line in text.splitlines() if line.startswith("/")}
    assert shown == {f"/{command.name.split()[0]}" for command in COMMANDS if command.permission <= least}
    assert "小影" in text
    assert "转人工" in text


def test_help_tells_more_of_one_command(office: Office) -> None:
    assert office.hear(ADMIN, "/help kill").text == "/kill [all]　立即停止回答，直到 /resume\n别名：/停用 /急停"
    assert office.hear(ADMIN, "/help 状态").text.startswith("/status　")
    assert office.hear(ADMIN, "/help kb").text.count("/kb ") == 8
    assert office.hear(SERVICER, "/help kill").text == "没有可用的“kill”命令。发 /help 查看可用命令。"


def test_an_unknown_command_points_to_the_nearest_and_strangers_learn_nothing(office: Office) -> None:
    assert office.hear(ADMIN, "/rm -rf").text == "没有“/rm”这个命令。发 /help 查看可用命令。"
    assert office.hear(SERVICER, "/").text == "没有“/”这个命令。发 /help 查看可用命令。"
    assert "是不是想用 /status？" in office.hear(ADMIN, "/statsu").text
    assert "是不是想用 /release？" in office.hear(SERVICER, "/relaese 1").text
    assert "/status" not in office.hear(SERVICER, "/statsu").text
    assert office.hear(ANYBODY, "/rm").text == office.hear(ANYBODY, "/echo x").text == REFUSED
    assert office.hear(ANYBODY, "/statsu").text == office.hear(ANYBODY, "/kb").text == REFUSED
    assert len(office.hear(ADMIN, "/" + "x" * 4000).text) < 100


def test_half_a_name_shows_what_belongs_to_it(office: Office) -> None:
    lines = office.hear(ADMIN, "/kb 你好").text.splitlines()
    assert [line.split("　")[0] for line in lines[1:]] == [
        "/kb search 文字",
        "/kb add 标题 | 内容",
        "/kb approve [编号]",
        "/kb submit 编号",
        "/kb return 编号 原因",
        "/kb diff 编号",
        "/kb notify 编号",
        "/kb withdraw 编号",
    ]


@pytest.mark.parametrize("text", ["/reply", "/reply 1", "/reply 1   ", "/release 1 谢谢"])
def test_what_is_missing_or_too_much_is_answered_with_the_usage(office: Office, text: str) -> None:
    office.hear(ANYBODY, "/human")
    outcome = office.hear(SERVICER, text)
    assert outcome.text.startswith("用法：/re")
    assert outcome.notices == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/reply 你好", "你好"),
        ("/reply 1天后复查", "1天后复查"),
        ("/reply 3.5 mg", "3.5"),
        ("/reply 1234567890 x", "1234567890"),
        ("/reply -1 x", "-1"),
    ],
)
def test_what_is_no_ticket_s_number_is_named(office: Office, text: str, found: str) -> None:
    office.hear(ANYBODY, "/human")
    outcome = office.hear(SERVICER, text)
    assert outcome.text == f"“{found}”不是工单号。\n用法：/reply 工单号 文字　回复对方"
    assert outcome.notices == ()


@pytest.mark.parametrize("command", ["echo", "release", "takeover", "block", "kb search", "faq add", "confirm"])
def test_other_commands_without_arguments_too(office: Office, command: str) -> None:
    assert office.hear(ADMIN, f"/{command}").text.startswith(f"用法：/{command}")


@pytest.mark.parametrize(
    "text", ["/reply 1 您好", "/reply #1 您好", "/reply １：您好", "/reply 1，您好", "/reply\n1\n您好", "／回复 1 您好"]
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


def test_the_admin_of_a_group_steers_it_and_nothing_else(chat: Chat) -> None:
    there = {"chat": GROUP}
    shown = {line.split()[0] for line in chat.hears(GROUP_ADMIN, "/help", **there).splitlines() if line[0] == "/"}
    anybodys = {"/help", "/human", "/mydata", "/forgetme", "/verify"}
    assert shown == anybodys | {"/confirm", "/status", "/trace", "/pause", "/resume", "/recall"}
    assert "本群" in chat.hears(GROUP_ADMIN, "/pause 30m", **there)
    for elsewhere in ("", "another"):
        assert chat.hears(GROUP_ADMIN, "/pause 30m", chat=elsewhere) == REFUSED
    for command in ("/kill", "/queue", "/export", "/block dr.wang", "/echo x"):
        assert chat.hears(GROUP_ADMIN, command, **there) == REFUSED
    assert chat.hears(ANYBODY, "/pause 30m", **there) == REFUSED


def test_what_concerns_others_is_not_said_in_a_group(chat: Chat) -> None:
    private = [command for command in COMMANDS if command.private]
    assert {"export", "forget", "block", "broadcast", "kb search"} <= {command.name for command in private}
    for command in private:
        said = chat.says(ADMIN, f"/{command.name} 1", chat=GROUP)
        assert "只能在单聊里使用" in said.text
        assert said.parts == ()


def test_a_command_may_be_used_so_often_and_a_turn_counts_once(chat: Chat) -> None:
    chat.office.channels["imaging", "app"].media = frozenset({MessageKind.FILE})
    for _ in range(4):
        chat.says(ADMIN, "/export", turn_id="a turn that runs again")
    assert "没有记录" in chat.hears(ADMIN, "/export")
    for _ in range(3):
        chat.says(ADMIN, "/export")
    assert chat.hears(ADMIN, "/export") == "这个命令 60 分钟内最多用 5 次，请稍后再试。"
    assert chat.hears("ZHANG.WEI", "/export") == "这个命令 60 分钟内最多用 5 次，请稍后再试。"
    assert "没有记录" in chat.hears(ADMIN, "/export", turn_id="a turn that runs again")


def test_the_audit_log_has_what_was_done_and_no_word_of_it(chat: Chat) -> None:
    chat.says(ADMIN, "/kill all", turn_id="t1")
    chat.says(ADMIN, "/block dr.wang", turn_id="t2")
    chat.says(ADMIN, "/kb search 私密的话", turn_id="t3")
    kill, block, search = chat.office.audited
    assert (kill.action, kill.subject) == (Action.OPERATION, "turn:t1")
    assert kill.details == {"command": "kill", "role": "admin", "result": "done", "all": "all", "bots": 2}
    assert block.details["of"] == chat.office.tools.pseudonym("academy", "dr.wang")
    assert "dr.wang" not in str(block.details)
    assert search.details == {"command": "kb_search", "role": "admin", "result": "done"}


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
