"""``reindex``: write every approved entry into the index again, out of SQL."""

import click

from bot.assembly import Configuration, read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.cli.access import actor, knowledge, open_audit, open_database
from bot.cli.gating import stage_bars
from bot.knowledge.progress import counted
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.warming import warm_vectors

DEADLINE_S = 3600.0


@click.command()
def command() -> None:
    """Rebuild the index from the database; questions are answered meanwhile."""
    configuration = read_configuration()
    with open_database(configuration) as database:
        with open_audit(configuration, database) as audit:
            audit.append(
                AuditEvent(action=Action.OPERATION, subject="index:all", actor=actor(), details={"what": "reindex"})
            )
        _embed(configuration, KnowledgeStore(database))
        with knowledge(configuration, database) as ask:
            report = ask("reindex", {}, DEADLINE_S)
    click.echo(f"{report['upserted']} entries written, {report['deleted']} stale ones deleted")


def _embed(configuration: Configuration, store: KnowledgeStore) -> None:
    """Make the vectors that are not there: here, on every core, since whoever owns the index would make them one by
    one, behind everybody's questions."""
    warm, places = warm_vectors(configuration.settings), store.collections()
    total = sum(len(store.approved_ids(*place)) for place in places)
    with stage_bars() as tell:
        warm((entry for place in places for entry in store.approved_entries(*place)), counted(tell, "embed", total))
