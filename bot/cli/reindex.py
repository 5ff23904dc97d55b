"""``reindex``: write every approved entry into the index again, out of SQL."""

import click

from bot.assembly import read_configuration
from bot.cli.access import knowledge, open_database

DEADLINE_S = 3600.0


@click.command()
def command() -> None:
    """Rebuild the index from the database; questions are answered meanwhile."""
    configuration = read_configuration()
    with open_database(configuration) as database, knowledge(configuration, database) as ask:
        report = ask("reindex", {}, DEADLINE_S)
    click.echo(f"{report['upserted']} entries written, {report['deleted']} stale ones deleted")
