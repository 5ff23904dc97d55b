"""``replay``: answer a recorded turn again and show what differs."""

import json
from typing import Any

import click

from bot.assembly import read_configuration
from bot.cli.access import audit_reading, knowledge, open_database

DEADLINE_S = 120.0


@click.command()
@click.argument("turn_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(turn_id: str, *, as_json: bool) -> None:
    """Answer TURN_ID again as of its own time, and show what differs from what was said then.

    Nothing is sent to anybody and nothing is recorded.
    """
    configuration = read_configuration()
    with open_database(configuration) as database, knowledge(configuration, database) as ask:
        report = ask("replay", {"turn_id": turn_id.strip()}, DEADLINE_S)
        audit_reading(configuration, database, report["turn_id"])
    click.echo(json.dumps(report, ensure_ascii=False) if as_json else _readable(report))


def _readable(report: dict[str, Any]) -> str:
    lines = [f"turn {report['turn_id']}, decided by {report['step']}: {report['question']}"]
    if not report["replayed"]:
        lines.append("this step follows from the message alone; there is nothing to replay")
    elif report["same"]:
        lines.append("the same decision as then")
    for difference in report["differences"]:
        lines += [f"{difference['what']} differs", f"  then {difference['then']}", f"  now  {difference['now']}"]
    return "\n".join(lines)
