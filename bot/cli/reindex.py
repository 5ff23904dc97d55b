"""``reindex``: write every approved entry into the index again, out of SQL."""

import click

from bot.assembly import read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.cli.access import actor, knowledge, open_audit, open_database

DEADLINE_S = 3600.0


@click.command()
def command() -> None:
    """Rebuild the index from the database; questions are answered meanwhile."""
    configuration = read_configuration()
    with open_database(configuration) as database, knowledge(configuration, database) as ask:
        with open_audit(configuration, database) as audit:
            audit.append(
                AuditEvent(action=Action.OPERATION, subject="index:all", actor=actor(), details={"what": "reindex"})
            )
        report = ask("reindex", {}, DEADLINE_S)
    click.echo(f"{report['upserted']} entries written, {report['deleted']} stale ones deleted")
