"""``export``: what is approved, as open files."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot.assembly import read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.cli.access import actor, choose_bot, open_audit, open_database
from bot.errors import UsageError
from bot.golden.bundle import seal
from bot.golden.store import GoldenStore
from bot.knowledge.entries import Entry
from bot.knowledge.export import export
from bot.knowledge.opening import figure_store
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Status


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--bot", help="Whose tenant and collection; may be left out when there is one bot.")
@click.option("--collection", help="Which of the bot's collections; default: its first.")
def command(folder: Path, bot: str | None, collection: str | None) -> None:
    """Write what a collection has approved into FOLDER: FAQ tables (CSV), Markdown, pictures, all of it as JSON lines.

    What lies in its folders public, hcp and staff can be ingested again with that --audience; what is for some bots
    alone lies beside them in folders that name these, for --only-for.
    """
    configuration = read_configuration()
    chosen = choose_bot(configuration.bots, bot)
    wanted = collection or next(iter(chosen.knowledge), "")
    if wanted not in chosen.knowledge:
        raise UsageError(f"{chosen.id} does not answer from {wanted!r}; it answers from: {', '.join(chosen.knowledge)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder: name another")
    settings = configuration.settings
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        documents = list(_approved(KnowledgeStore(database), chosen.tenant, wanted))
        details = {"what": "export", "entries": sum(map(len, documents))}
        subject = f"collection:{wanted}"
        audit.append(
            AuditEvent(action=Action.READ, subject=subject, actor=actor(), tenant=chosen.tenant, details=details)
        )
        written = export(documents, folder, ZoneInfo(settings.timezone), figure_store(settings))
        sealed = seal(folder, wanted, [*chain(*documents)], GoldenStore(audit).accepted(chosen.id))
    click.echo(f"{written.entries} entries in {written.files} files below {folder}")
    if sealed:
        right = f"{sealed.right} of {sealed.questions} right"
        click.echo(
            f"sealed: the accepted run {sealed.run} ({right}) ran on just this; `ingest {folder}` elsewhere checks it"
        )


def _approved(store: KnowledgeStore, tenant: str, collection: str) -> Iterator[Sequence[Entry]]:
    for version in store.versions(tenant, collection):
        if version.status is Status.APPROVED:
            yield store.contents(version.id)
