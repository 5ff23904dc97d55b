"""The command line: ``python -m simulator``. Every option can come from the environment as ``SIMULATOR_<NAME>``.

Secrets belong into the environment, because a command line shows in ``ps``.
"""

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import structlog

from simulator.platform import Platform
from simulator.rules import BadRule, Rules
from simulator.server import SimulatorServer
from simulator.settings import (
    BotSettings,
    Group,
    KfAccount,
    KfCustomer,
    KfSettings,
    Member,
    Robot,
    Settings,
    SettingsError,
)

log = structlog.get_logger()

DEFAULT_MEMBERS = ("wang.fang:王芳:医生", "zhang.wei:张伟:管理员", "li.na:李娜:人工客服")
DEFAULT_GROUP = "imaging-academy:影像学院交流群"
"""Chatid and name; all members are in it. Only where a bot hears it."""
DEFAULT_KF_ACCOUNT = "wkSimulator000000000000000000001:影像学院客服"
"""Its servicers are all members."""
DEFAULT_KF_CUSTOMERS = (
    "wmSimulator000000000000000000001:陈医生:oSimulatorUnion00000000000001",
    "wmSimulator000000000000000000002:微信用户小林",
)


def main() -> None:
    """Serve until Ctrl-C or SIGTERM. Exits 2 with the reason when the settings cannot work or the port is taken."""
    parser = build_parser()
    environment = os.environ  # noqa: TID251 -- the simulator is a program of its own and reads its environment here only
    options = parser.parse_args(arguments_from(environment) + sys.argv[1:])
    try:
        platform = Platform(read_settings(options), rules=read_rules(options))
        server = SimulatorServer(platform, options.host, options.port)
    except (SettingsError, BadRule) as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    level = logging.getLevelNamesMapping()[options.log_level]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    signal.signal(signal.SIGTERM, _interrupt)
    callbacks = {name: peer.first_callback_url for name, peer in platform.receivers.items()}
    log.info("simulator_ready", url=server.url, callbacks=callbacks)
    server.serve()


def build_parser() -> argparse.ArgumentParser:
    """The options of ``python -m simulator``."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="An offline WeCom with a chat page.")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8001, help="port to listen on, 0 for any (default: %(default)s)")
    add("--callback", default="", help="the app's callback URL, http(s)://host/path")
    add("--corp-id", default="", help="corpid, ww…")
    add("--agent-id", type=int, default=0, help="the app's agentid")
    add("--secret", default="", help="the app's secret for gettoken; better in SIMULATOR_SECRET")
    add("--token", default="", help="the callback's Token; better in SIMULATOR_TOKEN")
    add("--encoding-aes-key", default="", help="its EncodingAESKey; better in SIMULATOR_ENCODING_AES_KEY")
    add("--app-name", default="企业应用", help="the app's name on the page (default: %(default)s)")
    add("--bot-callback", default="", help="the AI bot's callback URL; without one there is no bot")
    add("--bot-id", default="", help="its aibotid")
    add("--bot-token", default="", help="its callback's Token; better in SIMULATOR_BOT_TOKEN")
    add("--bot-encoding-aes-key", default="", help="its EncodingAESKey; better in SIMULATOR_BOT_ENCODING_AES_KEY")
    add("--bot-name", default="智能机器人", help="the name that mentions it in groups (default: %(default)s)")
    add("--kf-callback", default="", help="customer service's callback URL; without one there is none")
    add("--kf-secret", default="", help="the secret of the app that uses it (default: --secret); SIMULATOR_KF_SECRET")
    add("--kf-token", default="", help="its callback's Token; better in SIMULATOR_KF_TOKEN")
    add("--kf-encoding-aes-key", default="", help="its EncodingAESKey; better in SIMULATOR_KF_ENCODING_AES_KEY")
    account = "OPEN_KFID:NAME[:USERID,USERID]"
    add("--kf-account", action="append", default=[], metavar=account, help="an account and its servicers; repeatable")
    customer = "EXTERNAL_USERID[:NICKNAME[:UNIONID]]"
    add("--kf-customer", action="append", default=[], metavar=customer, help="a WeChat customer; repeatable")
    add("--public-url", default="", help="where the bot reaches this simulator, if not where it listens")
    add("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), help="default: %(default)s")
    add("--member", action="append", default=[], metavar="USERID[:NAME[:ROLE]]", help="a member; repeatable")
    add("--group", action="append", default=[], metavar="CHATID:NAME:USERID,USERID", help="a group; repeatable")
    add("--robot", action="append", default=[], metavar="KEY:[CHATID]:NAME", help="a robot; better in SIMULATOR_ROBOTS")
    add("--example", action="append", default=[], metavar="QUESTION", help="a question offered on the page; repeatable")
    add("--allowed-host", action="append", default=[], metavar="NAME", help="answer to this Host too; repeatable")
    add("--rule", action="append", default=[], metavar="NAME=VALUE", help="a number of rules.py; repeatable")
    return parser


def arguments_from(environment: Mapping[str, str]) -> list[str]:
    """The options that ``environment`` gives, as arguments that the command line's own may override or add to.

    ``SIMULATOR_ENCODING_AES_KEY`` is ``--encoding-aes-key``, and so on; repeatable options stand in the plural
    (``SIMULATOR_MEMBERS``, ``_GROUPS``, ``_ROBOTS``, ``_EXAMPLES``, ``_ALLOWED_HOSTS``, ``_RULES``, ``_KF_ACCOUNTS``,
    ``_KF_CUSTOMERS``), one value a line.
    """
    arguments = []
    for action in build_parser()._actions:  # argparse offers no public list
        option = action.option_strings[-1]
        name = "SIMULATOR_" + option.removeprefix("--").replace("-", "_").upper()
        if option == "--help":
            continue
        if isinstance(action.default, list):
            lines = environment.get(name + "S", "").splitlines()
            arguments += [f"{option}={line.strip()}" for line in lines if line.strip()]
        elif environment.get(name):
            arguments.append(f"{option}={environment[name]}")
    return arguments


def read_settings(options: argparse.Namespace) -> Settings:
    """The settings in ``options``. Raises :class:`SettingsError`."""
    members = tuple(Member.parse(text) for text in options.member or DEFAULT_MEMBERS)
    bot = _read_bot(options)
    everybody = f"{DEFAULT_GROUP}:{','.join(member.userid for member in members)}"
    groups = [Group.parse(text) for text in options.group or ([everybody] if bot or options.robot else [])]
    robots = [Robot.parse(text) for text in options.robot]
    return Settings(
        corp_id=options.corp_id,
        agent_id=options.agent_id,
        secret=options.secret,
        token=options.token,
        encoding_aes_key=options.encoding_aes_key,
        callback_url=options.callback,
        members=members,
        app_name=options.app_name,
        bot=bot,
        kf=_read_kf(options, members),
        groups=tuple(groups),
        robots=tuple(replace(robot, chatid=robot.chatid or groups[0].chatid) for robot in robots),
        examples=tuple(options.example),
        allowed_hosts=tuple(options.allowed_host),
        public_url=options.public_url,
    )


def _read_bot(options: argparse.Namespace) -> BotSettings | None:
    if not options.bot_callback:
        return None
    return BotSettings(
        callback_url=options.bot_callback,
        token=options.bot_token,
        encoding_aes_key=options.bot_encoding_aes_key,
        bot_id=options.bot_id,
        name=options.bot_name,
    )


def _read_kf(options: argparse.Namespace, members: Sequence[Member]) -> KfSettings | None:
    if not options.kf_callback:
        return None
    everybody = f"{DEFAULT_KF_ACCOUNT}:{','.join(member.userid for member in members)}"
    return KfSettings(
        callback_url=options.kf_callback,
        token=options.kf_token,
        encoding_aes_key=options.kf_encoding_aes_key,
        secret=options.kf_secret or options.secret,
        accounts=tuple(KfAccount.parse(text) for text in options.kf_account or [everybody]),
        customers=tuple(KfCustomer.parse(text) for text in options.kf_customer or DEFAULT_KF_CUSTOMERS),
    )


def read_rules(options: argparse.Namespace) -> Rules:
    """The rules with those of ``options`` changed. Raises :class:`BadRule`."""
    changes: dict[str, Any] = {}
    for text in options.rule:
        name, _, value = text.partition("=")
        try:
            changes[name.strip()] = json.loads(value)
        except ValueError:
            changes[name.strip()] = value.strip()
    rules = Rules()
    rules.update(changes)
    return rules


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
