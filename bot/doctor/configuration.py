"""The settings and ``bots.yaml``: every fault with its line, and what is right alone but does not fit together."""

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.errors import ConfigError
from bot.finding import Finding, State
from bot.knowledge.entries import Audience
from bot.settings import WECOM_API, Settings, load_settings, read_environment

SETTINGS, BOTS = "settings", "bots file"
OPEN_TO_ANYBODY = frozenset({"wecom-kf"})
"""Types of channels in which strangers write: a link or a picture of a code is all that they need."""
LoadBots = Callable[[Path], Mapping[str, BotConfig]]
"""The bots of a file; raises :class:`~bot.errors.ConfigError`."""


def settings_and_bots(load_bots: LoadBots) -> tuple[Settings | None, Mapping[str, BotConfig], list[Finding]]:
    """The settings, ``None`` where they are wrong; the bots, none where they are wrong; and what was found."""
    try:
        settings = load_settings()
    except ConfigError as error:
        return None, {}, [*_problems(SETTINGS, error), *_bots_without_settings(load_bots)]
    given = len(settings.model_fields_set)
    findings = [Finding(name=SETTINGS, state=State.OK, detail=f"{given} set, the others at their defaults")]
    try:
        bots = load_bots(settings.bots_path)
    except ConfigError as error:
        return settings, {}, [*findings, *_problems(BOTS, error)]
    channels = sum(len(bot.channels) for bot in bots.values())
    detail = f"{settings.bots_path}: {_count(len(bots), 'bot')}, {_count(channels, 'channel')}"
    return settings, bots, [*findings, Finding(name=BOTS, state=State.OK, detail=detail)]


def public_url(settings: Settings) -> list[Finding]:
    """Whether WeCom could reach ``PUBLIC_URL`` at all; the simulator reaches everything here."""
    host = urlsplit(settings.public_url).hostname or ""
    if settings.wecom_api_base != WECOM_API or not _is_local(host):
        return [Finding(name="PUBLIC_URL", state=State.OK, detail=f"people and platform come by {settings.public_url}")]
    detail = f"{settings.public_url} is an address that WeCom and people outside cannot reach"
    cure = "set PUBLIC_URL to the address of your domain, with https"
    return [Finding(name="PUBLIC_URL", state=State.WARNING, detail=detail, cure=cure)]


def bot(config: BotConfig, channels: Mapping[str, Channel]) -> list[Finding]:
    """What one bot lacks although its block is well-formed; ``channels`` are its own, by id."""
    name, findings = f"bot {config.id}", []
    if not config.knowledge:
        detail, cure = "no collections, so it refuses every question", "name collections under knowledge: in bots.yaml"
        findings.append(Finding(name=name, state=State.WARNING, detail=detail, cure=cure))
    if config.servicers and not any(channel.limits.pushes for channel in channels.values()):
        detail = "has servicers, and no channel that can write to them first, so tickets reach nobody"
        cure = "give it a channel of type wecom-app too"
        findings.append(Finding(name=name, state=State.WARNING, detail=detail, cure=cure))
    if not config.admins:
        detail, cure = "no admins: nobody is told of faults or may use command messages", "name admins: in bots.yaml"
        findings.append(Finding(name=name, state=State.WARNING, detail=detail, cure=cure))
    findings += [
        Finding(
            name=name,
            state=State.WARNING,
            detail=f"anybody may write to channel {channel}, and everybody reads there what is for {block.audience}",
            cure=f"set audience_for: bound (docs/identity.md) or audience: public for {channel}",
        )
        for channel, block in config.channels.items()
        if block.type in OPEN_TO_ANYBODY and block.audience is not Audience.PUBLIC and not block.bound_only
    ]
    if findings:
        return findings
    people = f"{_count(len(config.admins), 'admin')}, {_count(len(config.servicers), 'servicer')}"
    return [Finding(name=name, state=State.OK, detail=f"answers from {', '.join(config.knowledge)}; {people}")]


def media_services(settings: Settings, bots: Mapping[str, BotConfig]) -> list[Finding]:
    """Services that read pictures and voices, and no bot that may send them any."""
    given = {"SPEECH_BASE_URL": settings.speech_base_url, "VISION_MODEL": settings.vision_model}
    names = [name for name, value in given.items() if value]
    if not names or any(config.external_media for config in bots.values()):
        return []
    detail = f"{' and '.join(names)}: set, and no bot may send there what people sent"
    cure = (
        "where a contract with the operator of the service allows it, set external_media: true for a bot in bots.yaml"
    )
    return [Finding(name="media services", state=State.WARNING, detail=detail, cure=cure)]


def _bots_without_settings(load_bots: LoadBots) -> list[Finding]:
    """The faults of the bots file that a wrong setting would otherwise hide."""
    try:
        path = Path(read_environment().get("BOTS_FILE", "bots.yaml")).expanduser()
    except ConfigError:  # the .env file's faults were among those of the settings
        return []
    try:
        if path.exists():
            load_bots(path)
    except ConfigError as error:
        return _problems(BOTS, error)
    return []


def _problems(name: str, error: ConfigError) -> list[Finding]:
    cure = "correct it there, and start the system again"
    return [Finding(name=name, state=State.BROKEN, detail=problem, cure=cure) for problem in error.problems]


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith(".local") or "." not in host


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
