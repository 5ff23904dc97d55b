"""``bots.yaml`` checked before anything starts, in a process that ends at once.

The check imports every channel, some 40 MB that ``up`` would otherwise keep as long as the system runs.
"""

import re
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bot.bots_file import BotConfig, load_bots
from bot.errors import ConfigError
from bot.settings import read_environment

_SIMULATED_TYPE = "wecom-app"
_USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class SimulatedApp:
    """The app that the simulator plays the platform for: a bot's first channel of type wecom-app.

    ``people`` maps the user ids of those who run the bot to their role.
    """

    bot: str
    channel: str
    name: str
    corp_id: str
    agent_id: int
    secret: str
    token: str
    encoding_aes_key: str
    people: Mapping[str, str]


def check_bots(bots_file: Path) -> SimulatedApp | None:
    """Check ``bots_file``; the app to simulate, ``None`` when it names none.

    Raises :class:`~bot.errors.ConfigError` with every fault of the file.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as process:
        app, problems = process.submit(_check, bots_file).result()
    if problems:
        raise ConfigError(problems)
    return app


def _check(bots_file: Path) -> tuple[SimulatedApp | None, list[str]]:
    """Runs in the short-lived process; problems are returned, because an exception loses its fields on the way."""
    from bot.assembly import CHANNELS  # imports every channel

    try:
        bots = load_bots(bots_file, read_environment(), {kind: package.Config for kind, package in CHANNELS.items()})
    except ConfigError as error:
        return None, error.problems
    return _simulated_app(bots), []


def _simulated_app(bots: Mapping[str, BotConfig]) -> SimulatedApp | None:
    for bot in bots.values():
        for channel_id, channel in bot.channels.items():
            if channel.type == _SIMULATED_TYPE:
                return _app_of(bot, channel_id, channel.config)
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
        people=_people(bot),
    )


def _people(bot: BotConfig) -> dict[str, str]:
    roles = dict.fromkeys(bot.servicers, "servicer") | dict.fromkeys(bot.admins, "admin")
    return {person: role for person, role in roles.items() if _USERID.fullmatch(person)}
