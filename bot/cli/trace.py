"""``trace``: the life of one message."""

import json
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from bot.assembly import read_configuration
from bot.cli.access import audit_reading, open_database, open_redis
from bot.errors import UsageError
from bot.feedback.records import FeedbackRecords
from bot.records.turns import TurnRecords
from bot.trace import Moment, Trace, Tracer

_WIDTH = 20


@click.command()
@click.argument("message_or_turn_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(message_or_turn_id: str, *, as_json: bool) -> None:
    """Show what happened to one message, by its id on the platform or the id of its turn."""
    wanted = message_or_turn_id.strip()
    configuration = read_configuration()
    addresses = [(bot.id, channel) for bot in configuration.bots.values() for channel in bot.channels]
    with open_database(configuration) as database, open_redis(configuration) as client:
        found = Tracer(client, TurnRecords(database), FeedbackRecords(database), addresses).trace(wanted)
        if found:
            audit_reading(configuration, database, found.turn_id)
    if found is None:
        raise UsageError(
            f"nothing is known of {wanted!r}: it never came, was refused at the door (see bot_callbacks_total and the "
            "log of web), or more conversations wait than are looked at (see: python -m bot queue)"
        )
    zone = ZoneInfo(configuration.settings.timezone)
    click.echo(json.dumps(asdict(found), ensure_ascii=False) if as_json else _readable(found, zone))


def _readable(found: Trace, zone: ZoneInfo) -> str:
    answers = f", answers {', '.join(found.message_ids)}" if found.message_ids else ""
    head = f"turn {found.turn_id}, {found.conversation}{answers}"
    return "\n".join([head, *(_line(moment, zone) for moment in found.moments)])


def _line(moment: Moment, zone: ZoneInfo) -> str:
    at = "" if moment.at is None else datetime.fromtimestamp(moment.at, zone).strftime("%m-%d %H:%M:%S.%f")[:-3]
    return f"  {at:<18}  {moment.what:<{_WIDTH}}{moment.detail}".rstrip()
