"""``group``: make and change the group of a channel whose application owns it."""

import time
from typing import Any

import click

from bot.assembly import Configuration, channel_builder, read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.bots_file import BotConfig
from bot.channel import ChannelAddress
from bot.cli.access import actor, choose_bot, open_audit, open_database
from bot.errors import UsageError
from bot.finding import Finding, State
from bot.group_making import GroupMaker
from bot.redis_client import connect

_CALL_S = 10.0

_BOT = click.option("--bot", help="Which bot; may be left out when there is one.")
_CHANNEL = click.option("--channel", help="Which of its channels; may be left out when one alone has such a group.")


@click.group()
def command() -> None:
    """Make and change the group of a channel of type wecom-appchat; people are named by their user ids."""


@command.command()
@_BOT
@_CHANNEL
@click.option("--name", required=True, help="What the group is called, at most 50 characters.")
@click.option("--owner", required=True, help="Who owns it; a member in any case.")
@click.option("--member", "members", multiple=True, required=True, help="Who is in it; give it for each.")
def create(bot: str | None, channel: str | None, name: str, owner: str, members: tuple[str, ...]) -> None:
    """Make the group, under the chatid of bots.yaml. WeCom shows it once something was said in it."""
    configuration = read_configuration()
    chosen, channel_id, maker = _maker(configuration, bot, channel)
    _audit(configuration, chosen, channel_id, {"what": "group_create", "members": len({owner, *members})})
    _tell(maker.make_group(name, owner, members, time.time() + _CALL_S))
    click.echo(f"say something in it: python -m bot announce --bot {chosen.id} --to {channel_id} TEXT")


@command.command()
@_BOT
@_CHANNEL
@click.option("--name", default="", help="Its new name.")
@click.option("--owner", default="", help="Its new owner.")
@click.option("--add", multiple=True, help="Who comes in; give it for each.")
@click.option("--remove", multiple=True, help="Who goes; give it for each.")
def update(bot: str | None, channel: str | None, **changes: Any) -> None:
    """Change the group's name, owner or members."""
    if not any(changes.values()):
        raise UsageError("say what to change: --name, --owner, --add or --remove")
    configuration = read_configuration()
    chosen, channel_id, maker = _maker(configuration, bot, channel)
    numbers = {"added": len(set(changes["add"])), "removed": len(set(changes["remove"]))}
    _audit(configuration, chosen, channel_id, {"what": "group_update", **numbers})
    _tell(maker.change_group(**changes, deadline=time.time() + _CALL_S))


def _maker(configuration: Configuration, bot: str | None, wanted: str | None) -> tuple[BotConfig, str, GroupMaker]:
    """The channel that is meant. Raises :class:`~bot.errors.UsageError`."""
    chosen = choose_bot(configuration.bots, bot)
    build = channel_builder(configuration.settings, connect(configuration.settings.redis_url))
    makers: dict[str, GroupMaker] = {}
    for name, config in chosen.channels.items():
        built = build(ChannelAddress(bot=chosen.id, channel=name, bot_name=chosen.name), config)
        if isinstance(built, GroupMaker):
            makers[name] = built
    known = ", ".join(makers) or "none; add one of type wecom-appchat"
    if wanted is not None and wanted not in makers:
        raise UsageError(f"{chosen.id!r} has no channel {wanted!r} whose group can be made; it has: {known}")
    if wanted is None and len(makers) != 1:
        raise UsageError(f"say with --channel which group; {chosen.id!r} has: {known}")
    name = wanted if wanted is not None else next(iter(makers))
    return chosen, name, makers[name]


def _audit(configuration: Configuration, bot: BotConfig, channel: str, details: dict[str, str | int]) -> None:
    """Write down what is about to be done, without a name of anybody."""
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        subject = f"channel:{bot.id}/{channel}"
        audit.append(
            AuditEvent(
                action=Action.OPERATION, subject=subject, actor=actor(), tenant=bot.tenant, bot=bot.id, details=details
            )
        )


def _tell(found: Finding) -> None:
    """Print what came of it. Raises :class:`~bot.errors.UsageError` where nothing did."""
    if found.state is not State.OK:
        raise UsageError("; ".join(filter(None, (found.detail, found.cure))))
    click.echo(found.detail)
