"""``announce``: an operator speaks in a bot's groups, now or at a time; a table of reminders in one go."""

import csv
import hashlib
import io
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot.announcing import groups, moment_of
from bot.assembly import Configuration, channel_builder, read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.bots_file import BotConfig
from bot.broadcasts import Broadcasts
from bot.channel import ChannelAddress
from bot.cli.access import actor, choose_bot, open_audit, open_database
from bot.errors import UsageError
from bot.messages import ConversationId
from bot.redis_client import connect

_COLUMNS = {"时间": "at", "内容": "text", "通道": "to", "at": "at", "text": "text", "to": "to"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Announcement:
    """What is said, ``at`` an epoch second (0: now), and the id of the channel it goes ``to``, empty for all; ``id``
    makes it once."""

    id: str
    text: str
    at: float = 0.0
    to: str = ""


@click.command()
@click.argument("text", required=False)
@click.option("--bot", help="Which bot; may be left out when there is one.")
@click.option("--to", default="", help="Which of its channels; default: all that carry announcements.")
@click.option("--at", help='When, such as "2026-12-01 09:00" by the clock of TIMEZONE; default: now.')
@click.option(
    "--file",
    "table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A CSV of reminders with the columns at,text,to (or 时间,内容,通道); `to` may be left out.",
)
def command(text: str | None, bot: str | None, to: str, at: str | None, table: Path | None) -> None:
    """Say TEXT in a bot's groups. In the bot's quiet hours it waits; `/broadcast stop NUMBER` in a chat cancels it.

    A row of a --file is said once, however often the file is given.
    """
    if (text is None) == (table is None):
        raise UsageError("say what to announce: a text, or a table with --file")
    configuration = read_configuration()
    chosen, timezone = choose_bot(configuration.bots, bot), ZoneInfo(configuration.settings.timezone)
    if table is not None:
        wanted = _rows(table, chosen, timezone)
    else:
        moment = _at(at, timezone, "--at")
        if at and moment <= time.time():
            raise UsageError(f"--at: {at} is past")
        wanted = [_Announcement(id=f"cli-{uuid.uuid4().hex}", text=text or "", at=moment, to=to)]
    targets = [_targets(configuration, chosen, one) for one in wanted]
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        broadcasts = Broadcasts(database)
        for one, groups_of_it in zip(wanted, targets, strict=True):
            begun = broadcasts.start(chosen.id, one.text, groups_of_it, turn_id=one.id, by=actor(), at=one.at)
            audit.append(_event(chosen, begun.number, groups_of_it))
            ahead = begun.at > time.time()
            when = f"at {datetime.fromtimestamp(begun.at, timezone):%Y-%m-%d %H:%M}" if ahead else "now"
            click.echo(f"announcement {begun.number}: {when}, in {', '.join(group.channel for group in groups_of_it)}")


def _event(bot: BotConfig, number: int, to: Sequence[ConversationId]) -> AuditEvent:
    return AuditEvent(
        action=Action.OPERATION,
        subject=f"broadcast:{number}",
        actor=actor(),
        tenant=bot.tenant,
        bot=bot.id,
        details={"what": "announce", "recipients": len(to)},
    )


def _targets(configuration: Configuration, bot: BotConfig, one: _Announcement) -> list[ConversationId]:
    """The groups it goes to, in which it fits. Raises :class:`~bot.errors.UsageError`."""
    if not one.text.strip():
        raise UsageError("an announcement without words")
    carrying = groups(bot, "announcements")
    found = [group for group in carrying if one.to in ("", group.channel)]
    if not found:
        known = ", ".join(group.channel for group in carrying) or "none; add a channel wecom-robot or wecom-appchat"
        raise UsageError(f"{bot.id!r} announces nothing in {one.to or 'any group'}; channels that do: {known}")
    build = channel_builder(configuration.settings, connect(configuration.settings.redis_url))
    for group in found:
        address = ChannelAddress(bot=bot.id, channel=group.channel, bot_name=bot.name)
        limit = build(address, bot.channels[group.channel]).limits.text_bytes
        if (length := len(one.text.encode(errors="replace"))) > limit:
            begin = one.text[:20]
            raise UsageError(f"{length} bytes, a message of {group.channel} takes {limit}: {begin}…")
    return found


def _rows(table: Path, bot: BotConfig, timezone: ZoneInfo) -> list[_Announcement]:
    """The rows of a CSV in UTF-8 whose time is to come; of the others it is said that they are past, for a table may be
    that of a whole term. Raises :class:`~bot.errors.UsageError` naming the line."""
    try:
        content = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{table} is not UTF-8") from error
    reader = csv.DictReader(io.StringIO(content))
    names = {name: _COLUMNS.get((name or "").strip()) for name in reader.fieldnames or ()}
    if not {"at", "text"} <= set(names.values()):
        raise UsageError(f"{table} needs the columns at,text or 时间,内容")
    found, past = [], []
    for row in reader:
        values = {names[name]: (value or "").strip() for name, value in row.items() if names.get(name)}
        where = f"{table}:{reader.line_num}"
        at = _at(values["at"], timezone, where)
        if values["at"] and at <= time.time():
            past.append(f"{where}: {values['at']} is past; not announced")
            continue
        origin = "\0".join((bot.id, repr(at), values["text"], values.get("to", "")))
        name = f"row-{hashlib.sha256(origin.encode()).hexdigest()[:40]}"
        found.append(_Announcement(id=name, text=values["text"], at=at, to=values.get("to", "")))
    for line in past:  # only once the whole table was found right
        click.echo(line)
    return found


def _at(written: str | None, timezone: ZoneInfo, where: str) -> float:
    if not written:
        return 0.0
    try:
        return moment_of(written, timezone)
    except ValueError as error:
        raise UsageError(f'{where}: {written!r} is no time such as "2026-12-01 09:00"') from error
