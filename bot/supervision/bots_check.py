"""``bots.yaml`` checked before anything starts, in a process that ends at once.

The check imports every channel, some 40 MB that ``up`` would otherwise keep as long as the system runs.
"""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from bot.bots_file import BotConfig, load_bots
from bot.errors import ConfigError
from bot.settings import read_environment

_USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class SimulatedApp:
    """The self-built app that the simulator plays the platform for."""

    bot: str
    channel: str
    name: str
    corp_id: str
    agent_id: int
    secret: str
    token: str
    encoding_aes_key: str


@dataclass(frozen=True, kw_only=True)
class SimulatedRobot:
    """The intelligent robot that the simulator plays the platform for; ``name`` is what people mention."""

    bot: str
    channel: str
    name: str
    token: str
    encoding_aes_key: str


@dataclass(frozen=True, kw_only=True)
class SimulatedAccount:
    """The account of customer service that the simulator plays the platform for; ``servicers`` are its humans."""

    bot: str
    channel: str
    name: str
    corp_id: str
    secret: str
    token: str
    encoding_aes_key: str
    open_kfid: str
    servicers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SimulatedSpeaker:
    """A group robot that the simulator plays the platform for: the key of its webhook, and the name it speaks under."""

    key: str
    name: str


@dataclass(frozen=True, kw_only=True)
class SimulatedCorp:
    """What the simulator plays: the first app, the first robot and the first account of the file, at least one of them;
    the account only where it belongs to the app's corp.

    ``people`` maps the user ids of those who run their bots to their role; ``speakers`` are all group robots.
    """

    app: SimulatedApp | None
    robot: SimulatedRobot | None
    account: SimulatedAccount | None
    people: Mapping[str, str]
    speakers: tuple[SimulatedSpeaker, ...] = ()


_Part = TypeVar("_Part", SimulatedApp, SimulatedRobot, SimulatedAccount)


def check_bots(bots_file: Path) -> SimulatedCorp | None:
    """Check ``bots_file``; what of it can be simulated, ``None`` when nothing can.

    Raises :class:`~bot.errors.ConfigError` with every fault of the file.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as process:
        corp, problems = process.submit(_check, bots_file).result()
    if problems:
        raise ConfigError(problems)
    return corp


def _check(bots_file: Path) -> tuple[SimulatedCorp | None, list[str]]:
    """Runs in the short-lived process; problems are returned, because an exception loses its fields on the way."""
    from bot.assembly import CHANNELS  # imports every channel

    try:
        bots = load_bots(bots_file, read_environment(), {kind: package.Config for kind, package in CHANNELS.items()})
    except ConfigError as error:
        return None, error.problems
    return _simulated_corp(bots), []


def _simulated_corp(bots: Mapping[str, BotConfig]) -> SimulatedCorp | None:
    app, robot = _first(bots, "wecom-app", _app_of), _first(bots, "wecom-aibot", _robot_of)
    account = _first(bots, "wecom-kf", _account_of)
    if account is not None and app is not None and account.corp_id != app.corp_id:
        account = None
    parts = [part for part in (account, robot, app) if part is not None]
    if not parts:
        return None
    people = {person: role for part in parts for person, role in _people(bots[part.bot]).items()}
    speakers = tuple(
        SimulatedSpeaker(key=channel.config.key, name=f"{bot.name} · {name}")  # type: ignore[attr-defined]
        for bot in bots.values()
        for name, channel in bot.channels.items()
        if channel.type == "wecom-robot"
    )
    return SimulatedCorp(app=app, robot=robot, account=account, people=people, speakers=speakers)


def _first(bots: Mapping[str, BotConfig], kind: str, make: Callable[[BotConfig, str, Any], _Part]) -> _Part | None:
    for bot in bots.values():
        for channel_id, channel in bot.channels.items():
            if channel.type == kind:
                return make(bot, channel_id, channel.config)
    return None


def _app_of(bot: BotConfig, channel_id: str, config: Any) -> SimulatedApp:
    return SimulatedApp(
        bot=bot.id,
        channel=channel_id,
        name=bot.name,
        corp_id=config.corp_id,
        agent_id=config.agent_id,
        secret=config.secret.get_secret_value(),
        token=config.token.get_secret_value(),
        encoding_aes_key=config.encoding_aes_key.get_secret_value(),
    )


def _robot_of(bot: BotConfig, channel_id: str, config: Any) -> SimulatedRobot:
    return SimulatedRobot(
        bot=bot.id,
        channel=channel_id,
        name=config.display_name or bot.name,
        token=config.token.get_secret_value(),
        encoding_aes_key=config.encoding_aes_key.get_secret_value(),
    )


def _account_of(bot: BotConfig, channel_id: str, config: Any) -> SimulatedAccount:
    return SimulatedAccount(
        bot=bot.id,
        channel=channel_id,
        name=bot.name,
        corp_id=config.corp_id,
        secret=config.secret.get_secret_value(),
        token=config.token.get_secret_value(),
        encoding_aes_key=config.encoding_aes_key.get_secret_value(),
        open_kfid=config.open_kfid,
        servicers=tuple(filter(_USERID.fullmatch, bot.servicers)),
    )


def _people(bot: BotConfig) -> dict[str, str]:
    roles = dict.fromkeys(bot.servicers, "servicer") | dict.fromkeys(bot.admins, "admin")
    return {person: role for person, role in roles.items() if _USERID.fullmatch(person)}
