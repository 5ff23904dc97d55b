"""``python -m simulator``: options, environment, start and stop."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.__main__ import arguments_from, build_parser, main, read_rules, read_settings
from simulator.rules import BadRule, Rules
from simulator.settings import SettingsError
from tests.simulator.parties import AES_KEY, AGENT_ID, CORP_ID, SECRET, TOKEN, Simulator

_ENVIRONMENT = {
    "SIMULATOR_PORT": "0",
    "SIMULATOR_CALLBACK": "http://127.0.0.1:9/callback/imaging/app",
    "SIMULATOR_CORP_ID": CORP_ID,
    "SIMULATOR_AGENT_ID": str(AGENT_ID),
    "SIMULATOR_SECRET": SECRET,
    "SIMULATOR_TOKEN": TOKEN,
    "SIMULATOR_ENCODING_AES_KEY": AES_KEY,
    "SIMULATOR_MEMBERS": "wang.fang:王芳:医生\nzhang.wei:张伟\n",
    "SIMULATOR_EXAMPLES": "-- 第一个问题？\n第二个问题？",
    "SIMULATOR_RULES": "callback_retries=1\nplain_xml=bare",
}


def test_every_value_can_come_from_the_environment() -> None:
    options = build_parser().parse_args([*arguments_from(_ENVIRONMENT), "--port", "8123", "--member", "li.na:李娜"])
    settings = read_settings(options)
    assert options.port == 8123
    assert [(member.userid, member.name, member.role) for member in settings.members] == [
        ("wang.fang", "王芳", "医生"),
        ("zhang.wei", "张伟", ""),
        ("li.na", "李娜", ""),
    ]
    assert settings.examples == ("-- 第一个问题？", "第二个问题？")
    assert (settings.secret, settings.token, settings.encoding_aes_key) == (SECRET, TOKEN, AES_KEY)
    rules = read_rules(options)
    assert (rules.callback_retries, rules.plain_xml) == (1, "bare")


def test_a_bot_comes_with_a_group_of_all_members() -> None:
    bot = {
        "SIMULATOR_BOT_CALLBACK": "http://127.0.0.1:9/callback/imaging/bot",
        "SIMULATOR_BOT_TOKEN": TOKEN,
        "SIMULATOR_BOT_ENCODING_AES_KEY": AES_KEY,
        "SIMULATOR_BOT_ID": "aib1",
        "SIMULATOR_BOT_NAME": "影像小助",
        "SIMULATOR_CORP_ID": CORP_ID,
    }
    alone = read_settings(build_parser().parse_args(arguments_from(bot)))
    assert alone.bot
    assert (alone.bot.bot_id, alone.bot.name, alone.has_app) == ("aib1", "影像小助", False)
    assert [(group.name, group.members) for group in alone.groups] == [
        ("影像学院交流群", ("wang.fang", "zhang.wei", "li.na"))
    ]
    named = {**_ENVIRONMENT, **bot, "SIMULATOR_GROUPS": "g1:群一:wang.fang\ng2:群:二:zhang.wei"}
    both = read_settings(build_parser().parse_args(arguments_from(named)))
    assert both.has_app
    assert [(group.chatid, group.name) for group in both.groups] == [("g1", "群一"), ("g2", "群:二")]
    assert read_settings(build_parser().parse_args(arguments_from(_ENVIRONMENT))).groups == ()


def test_the_problems_of_a_bot_and_of_groups_are_named() -> None:
    arguments = ["--corp-id", CORP_ID, "--bot-callback", "nowhere", "--bot-name", "a b", "--group", "g:群:nobody"]
    with pytest.raises(SettingsError) as caught:
        read_settings(build_parser().parse_args([*arguments, "--public-url", "here"]))
    text = str(caught.value)
    assert all(
        word in text for word in ("bot token", "bot encoding_aes_key", "bot_id", "bot name", "bot: not a", "nobody")
    )
    assert "public_url" in text
    assert "agent_id" not in text
    with pytest.raises(SettingsError, match="chatid"):
        read_settings(build_parser().parse_args(["--group", "群:群:wang.fang"]))


def test_all_problems_are_named_together() -> None:
    options = build_parser().parse_args(["--agent-id", "5", "--callback", "127.0.0.1:8000/callback"])
    with pytest.raises(SettingsError) as caught:
        read_settings(options)
    text = str(caught.value)
    assert all(word in text for word in ("corp_id", "secret", "token", "encoding_aes_key", "not a callback URL"))
    assert "agent_id" not in text


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(BadRule, match="unheard_of"):
        read_rules(build_parser().parse_args(["--rule", "unheard_of=1"]))


def test_it_starts_says_where_and_stops_on_sigterm(repository: Path) -> None:
    environment = {**os.environ, **_ENVIRONMENT, "NO_COLOR": "1"}  # noqa: TID251 -- what a child inherits
    command = [sys.executable, "-m", "simulator"]
    with subprocess.Popen(command, cwd=repository, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"simulator_ready.*url=(\S+)", process.stdout.readline())
        assert found
        simulator = Simulator(found[1])
        assert simulator.errcode("你好") == 0
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(timeout=10) == 0
    assert SECRET not in rest
    assert "你好" not in rest


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"SIMULATOR_ENCODING_AES_KEY": "short"}, "encoding_aes_key must be 43 letters and digits"),
        ({"SIMULATOR_PORT": "{taken}"}, "cannot listen on 127.0.0.1:"),
        ({"SIMULATOR_MEMBERS": "a b"}, "not a userid"),
        ({"SIMULATOR_RULES": "seats=many"}, "seats must be an integer"),
    ],
    ids=["key", "port", "member", "rule"],
)
def test_what_cannot_work_ends_it_with_2_and_a_reason(
    idle_simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    reason: str,
) -> None:
    taken = idle_simulator.url.rpartition(":")[2]
    for name, value in {**_ENVIRONMENT, **changed}.items():
        monkeypatch.setenv(name, value.format(taken=taken))
    monkeypatch.setattr(sys, "argv", ["simulator"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_the_readme_names_every_switch(repository: Path) -> None:
    readme = (repository / "simulator" / "README.md").read_text(encoding="utf-8")
    assert [name for name in Rules().to_json() if f"`{name}`" not in readme] == []
