"""``ingest``: files into the knowledge, with a result for each."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot import telemetry
from bot.assembly import Configuration, read_configuration
from bot.audit.log import AuditLog
from bot.cli.access import Ask, actor, choose_bot, knowledge, open_audit, open_database
from bot.cli.bringing import brought, queried
from bot.cli.gating import approval_gate, stage_bars
from bot.errors import InputError, UsageError
from bot.golden.bundle import is_bundle, read_bundle, submissions, take_figures
from bot.golden.gate import gated_in
from bot.ingestion import ingest_jobs
from bot.knowledge.approval import four_eyes_in, one_person, rules_of
from bot.knowledge.entries import Audience
from bot.knowledge.ingest import FileResult, FileStatus, Ingestor, IngestReport, NotSearchable, Wishes
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.opening import figure_store
from bot.knowledge.progress import Progress
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport
from bot.knowledge.versions import Status, Version
from bot.knowledge.warming import warm_vectors
from bot.records.database import Database
from bot.task_queue import create_celery, make_ingest_waker
from bot.texts import Texts

SYNC_DEADLINE_S = 900.0
_BEHIND_ANSWERS = 10
"""How nice the import is: it takes every core that nobody else wants."""
DEMO_KNOWLEDGE = Path("deploy/demo/knowledge")


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--bot", help="Whose tenant and collection; may be left out when there is one bot.")
@click.option("--collection", help="Which of the bot's collections; default: its first.")
@click.option("--approve", is_flag=True, help="Make it searchable now; without this the files wait as drafts.")
@click.option(
    "--audience",
    type=click.Choice([audience.value for audience in Audience]),
    default=Audience.PUBLIC.value,
    show_default=True,
    help="Who may read it.",
)
@click.option(
    "--approval-number", "number", default="", help="The number of its review (审批号), shown with every citation."
)
@click.option(
    "--only-for", "only", multiple=True, metavar="BOT", help="A bot that alone may answer from it; repeatable."
)
@click.option("--override", default="", metavar="REASON", help="Approve it although golden questions fall.")
@click.option("--restore", is_flag=True, help="Also what was withdrawn and has not changed since.")
@click.option("--intranet", is_flag=True, help="A sitemap may lie inside the company's own network.")
@click.option("--sql", metavar="URL", help="PATHS names a table, which is asked of this database; or ${NAME} in .env.")
@click.option("--query", metavar="SELECT", default="", help="What to ask it; its columns as in a CSV file.")
@click.option("--columns", default="", help="The names of these columns, as a line of CSV: databases cut long ones.")
@click.option("--later", is_flag=True, help="Leave it to the worker, in the background; see `jobs`.")
def command(
    paths: tuple[str, ...],
    *,
    bot: str | None,
    collection: str | None,
    audience: str,
    number: str,
    only: tuple[str, ...],
    override: str,
    restore: bool,
    approve: bool,
    later: bool,
    intranet: bool,
    sql: str | None,
    query: str,
    columns: str,
) -> None:
    """Take the files at and below PATHS into the knowledge: documents, tables, pages, pictures, archives of them.

    A path may also be the address of a Git repository (it ends in .git) or of a sitemap (https://…/sitemap.xml).
    """
    configuration = read_configuration()
    chosen = choose_bot(configuration.bots, bot)
    if not chosen.knowledge:
        raise UsageError(f"{chosen.id} answers from no collection; name some as its `knowledge` in bots.yaml")
    wanted = collection or chosen.knowledge[0]
    if wanted not in chosen.knowledge:
        raise UsageError(f"{chosen.id} does not answer from {wanted!r}; it answers from: {', '.join(chosen.knowledge)}")
    _check_bots(configuration, chosen.tenant, wanted, only)
    wishes = Wishes(
        tenant=chosen.tenant,
        collection=wanted,
        audience=Audience(audience),
        approve=approve,
        actor=actor(),
        number=number,
        bots=tuple(sorted(set(only))),
        override=" ".join(override.split()),
        restore=restore,
    )
    os.nice(_BEHIND_ANSWERS)
    _check_paths(paths, later=later, sql=sql, query=query, columns=columns)
    zone = ZoneInfo(configuration.settings.timezone)
    asked = queried(paths[0], sql, query, columns=columns, timezone=zone) if sql else None
    with asked or brought(paths, intranet=intranet) as folders:
        if later:
            click.echo(_leave(configuration, folders, wishes))
            return
        report = _take(configuration, folders, wishes)
    if report.results and all(result.status is FileStatus.SKIPPED for result in report.results):
        raise UsageError("no file could be taken; mend what the lines above say and run the same command again")
    if approve and report.drafts:
        raise UsageError(
            f"{report.drafts} wait in review: {wanted} asks for four eyes (`four_eyes` in bots.yaml), and you brought "
            "them; have somebody else approve them: the same command under their own account, `kb approve SOURCE`, or "
            "/kb approve in a chat"
        )


def _check_paths(paths: Sequence[str], *, later: bool, sql: str | None, query: str, columns: str) -> None:
    """Raises :class:`UsageError` for what cannot be taken in together."""
    bundles = [path for path in map(Path, paths) if is_bundle(path)]
    if bundles and (later or len(paths) > 1):
        raise UsageError(f"{bundles[0]} was sealed when it was exported: ingest it by itself, and without --later")
    if (sql is None) == bool(query) or (columns and not query) or (sql and len(paths) > 1):
        raise UsageError("say what to ask for: NAME.csv with --sql URL and --query SELECT")


def _leave(configuration: Configuration, paths: Sequence[Path], wishes: Wishes) -> str:
    """Write a job down for the worker and tell it; its id."""
    with open_database(configuration) as database:
        job = ingest_jobs(configuration.settings, database).add(paths, wishes)
    make_ingest_waker(create_celery(configuration.settings.broker_url), telemetry.count)(job)
    return job


def _check_bots(configuration: Configuration, tenant: str, collection: str, only: Sequence[str]) -> None:
    """Raise :class:`~bot.errors.UsageError` where nobody would ever answer from it."""
    able = [bot.id for bot in configuration.bots.values() if bot.tenant == tenant and collection in bot.knowledge]
    if wrong := [name for name in only if name not in able]:
        raise UsageError(f"{', '.join(wrong)} does not answer from {collection!r}; these do: {', '.join(able)}")


def ingest_demo(configuration: Configuration) -> IngestReport:
    """Load the demo's knowledge, approved, for the demo's bot."""
    bot = choose_bot(configuration.bots, None)
    wishes = Wishes(
        tenant=bot.tenant, collection=bot.knowledge[0], audience=Audience.PUBLIC, approve=True, actor=actor()
    )
    return _ingest(configuration, [DEMO_KNOWLEDGE], wishes)


def _take(configuration: Configuration, paths: Sequence[Path], wishes: Wishes) -> IngestReport:
    """Ingest and tell what came of it."""
    try:
        report = _ingest(configuration, paths, wishes)
    except NotSearchable as error:
        _show(error.report, approve=wishes.approve)
        raise
    except InputError as error:
        raise UsageError(Texts().say(error.text_key, "en", **error.values)) from error
    _show(report, approve=wishes.approve)
    return report


def _ingest(configuration: Configuration, paths: Sequence[Path], wishes: Wishes) -> IngestReport:
    with (
        open_database(configuration) as database,
        open_audit(configuration, database) as audit,
        stage_bars() as progress,
    ):
        ingestor = _ingestor(configuration, database, audit)
        if is_bundle(paths[0]):
            return _promote(configuration, KnowledgeStore(database), ingestor, paths[0], wishes, progress=progress)
        return ingestor.ingest(
            paths,
            tenant=wishes.tenant,
            collection=wishes.collection,
            audience=wishes.audience,
            approve=wishes.approve,
            actor=wishes.actor,
            number=wishes.number,
            bots=wishes.bots,
            override=wishes.override,
            restore=wishes.restore,
            progress=progress,
        )


def _promote(
    configuration: Configuration,
    store: KnowledgeStore,
    ingestor: Ingestor,
    folder: Path,
    wishes: Wishes,
    *,
    progress: Progress,
) -> IngestReport:
    """Take in what another installation exported, just as its accepted run of golden questions ran on it."""
    bundle = read_bundle(folder)
    seal = bundle.seal
    click.echo(f"{folder} is what the accepted run {seal.run} ran on: {seal.right} of {seal.questions} right")
    take_figures(folder, figure_store(configuration.settings))
    documents = list(submissions(bundle, wishes.tenant, wishes.collection))
    report = ingestor.ingest_documents(documents, wishes, progress)
    others = {version.source for version in store.versions(wishes.tenant, wishes.collection) if _answers(version)}
    if wishes.approve and (others := others - {document.origin.source for document in documents}):
        click.echo(f"that run did not know what {wishes.collection} holds beside it: {', '.join(sorted(others))}")
    return report


def _answers(version: Version) -> bool:
    return version.status is Status.APPROVED


def _ingestor(configuration: Configuration, database: Database, audit: AuditLog) -> Ingestor:
    settings = configuration.settings

    def sync(tenant: str, collection: str) -> SyncReport:
        with knowledge(configuration, database) as ask:
            return _sync(ask, tenant, collection)

    store = KnowledgeStore(
        database,
        audit,
        partial(four_eyes_in, configuration.bots),
        partial(one_person, configuration.bots, audit.key.pseudonym),
    )
    return Ingestor(
        store=store,
        reader=FileReader(figure_store(settings)),
        warm=warm_vectors(settings),
        sync=sync,
        timezone=ZoneInfo(settings.timezone),
        rules=partial(rules_of, configuration.bots),
        gate=approval_gate(configuration, store, audit),
        gated=partial(gated_in, configuration.bots),
    )


def _sync(ask: Ask, tenant: str, collection: str) -> SyncReport:
    return SyncReport(**ask("sync", {"tenant": tenant, "collection": collection}, SYNC_DEADLINE_S))


def _show(report: IngestReport, *, approve: bool) -> None:
    for result in report.results:
        click.echo(result_line(result))
    click.echo(_summary(report, approve=approve))


def result_line(result: FileResult) -> str:
    """What became of a file, for people."""
    counts = f" ({result.entries} entries, {result.added} new, {result.removed} gone)" if result.entries else ""
    state = " [not approved, not searched]" if result.draft else ""
    lines = [f"{result.status.value:<10}{result.path}{counts}{state}"]
    lines += [f"          ! {problem}" for problem in result.problems]
    lines += [f"          · {note}" for note in result.notes]
    return "\n".join(lines)


def _summary(report: IngestReport, *, approve: bool) -> str:
    counts = ", ".join(f"{report.count(status)} {status.value}" for status in FileStatus if report.count(status))
    problems = f"; {len(report.problems)} problems, marked ! above, were passed over" if report.problems else ""
    if approve and report.drafts:
        return f"{counts or 'no files'}; {report.drafts} not searchable, the others searchable now{problems}"
    if approve:
        but = " but for what stays withdrawn" if report.count(FileStatus.WITHDRAWN) else ""
        return f"{counts or 'no files'}; searchable now{but}{problems}"
    drafts = f"{report.drafts} waiting as drafts, which are never searched: run it again with --approve"
    return f"{counts or 'no files'}; {drafts}{problems}"
