"""``hcp``: the register of health-care professionals, and who is bound to it (docs/identity.md)."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot import telemetry
from bot.assembly import Configuration, read_configuration
from bot.cli.access import actor, choose_bot, open_audit, open_database
from bot.errors import InputError, KnowledgeError, UsageError
from bot.identity.bindings import Bindings
from bot.identity.links import VerificationLinks
from bot.identity.register import Register
from bot.identity.roster import check_roster, read_roster
from bot.identity.tables import Account, Author, Professional
from bot.sql_table import address_of, query_table
from bot.texts import Texts

MOST_BYTES = 32 * 1024 * 1024
_TENANT = click.option("--tenant", help="Whose records; may be left out when all bots are of one tenant.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@dataclass(frozen=True, slots=True)
class _Open:
    """The register of one tenant."""

    configuration: Configuration
    register: Register
    bindings: Bindings
    tenant: str
    by: Author
    now: float

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.configuration.settings.timezone)

    def last_day(self, professional: Professional) -> str:
        end = datetime.fromtimestamp(professional.valid_until, self.timezone)
        return (end - timedelta(seconds=1)).date().isoformat()


@click.group()
def command() -> None:
    """The register of health-care professionals, and who is bound to it."""


@command.command("import")
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--sql", metavar="URL", help="Instead of FILE: a database, or ${NAME} for what .env holds under NAME.")
@click.option("--query", metavar="SELECT", help="What to ask it: the columns of a roster, under their names.")
@_TENANT
@click.option("--replace", "replace_all", is_flag=True, help="Remove the records that it does not name.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@_JSON
def import_roster(
    path: Path | None,
    sql: str | None,
    query: str | None,
    tenant: str | None,
    *,
    replace_all: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring the CSV file FILE (- for standard input), or what a database holds, into the register: all of it or
    nothing."""
    if (path is None) == (sql is None) or (sql is None) != (query is None):
        raise UsageError("say what to import: FILE, or --sql URL with --query SELECT")
    text = _text(path) if path else ""
    with _open(tenant) as opened:
        bots = opened.configuration.bots.values()
        places = {f"{bot.id}/{channel}" for bot in bots if bot.tenant == opened.tenant for channel in bot.channels}
        if sql and query:
            table = query_table(address_of(sql), query, timezone=opened.timezone)
            roster = check_roster(table, timezone=opened.timezone, places=places)
        else:
            roster = read_roster(text, timezone=opened.timezone, places=places)
        for problem in roster.problems:
            click.echo(problem, err=True)
        if roster.problems:
            raise UsageError(f"nothing was imported: {len(roster.problems)} problems, listed above")
        if replace_all and not roster.rows:
            raise UsageError("nothing was imported: the roster names nobody, and --replace would remove everybody")
        loaded = opened.register.load(
            opened.tenant,
            roster.rows,
            source=path.name if path else "sql",
            by=opened.by,
            now=opened.now,
            replace_all=replace_all,
            dry_run=dry_run,
        )
    if roster.not_kept:
        click.echo(f"columns not kept: {', '.join(roster.not_kept)}", err=True)
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, **loaded.counts()}))
        return
    did = "would be" if dry_run else "were"
    said = ", ".join(f"{number} {name}" for name, number in loaded.counts().items())
    click.echo(f"of {len(roster.rows)} records {did}: {said}")


@command.command("list")
@_TENANT
@click.option("--last", type=click.IntRange(1, 50_000), default=1000, show_default=True, help="How many.")
@_JSON
def list_records(tenant: str | None, last: int, *, as_json: bool) -> None:
    """List records by number."""
    with _open(tenant) as opened:
        found = opened.register.newest(opened.tenant, last)
    for listed in found:
        one = listed.professional
        if as_json:
            click.echo(json.dumps(_facts(one, opened) | {"bound": listed.bound}, ensure_ascii=False))
        else:
            said = "  ".join(filter(None, [one.record, one.hospital, one.department, one.title]))
            ended = "" if one.valid_until > opened.now else " (over)"
            click.echo(f"{said}  until {opened.last_day(one)}{ended}  bound: {listed.bound}")
    if not found and not as_json:
        click.echo("there are no records")


@command.command()
@click.argument("record")
@_TENANT
@_JSON
def show(record: str, tenant: str | None, *, as_json: bool) -> None:
    """Show RECORD and who is bound to it; this is audited."""
    with _open(tenant) as opened:
        one, accounts = opened.register.get(opened.tenant, record, opened.by)
    facts = _facts(one, opened) | {"accounts": [asdict(account) for account in accounts]}
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for name, value in facts.items():
        if name != "accounts":
            click.echo(f"{name}: {value}")
    for account in accounts:
        click.echo(f"bound: {account.bot}/{account.channel} {account.person}")


@command.command()
@click.argument("record")
@_TENANT
def remove(record: str, tenant: str | None) -> None:
    """Remove RECORD with its bindings."""
    with _open(tenant) as opened:
        bound = opened.register.remove(opened.tenant, record, opened.by)
    click.echo(f"record {record} is removed, with {bound} bindings")


@command.command()
@click.argument("record")
@_TENANT
@click.option("--hours", type=click.IntRange(1, 720), default=72, show_default=True, help="How long it can be used.")
def link(record: str, tenant: str | None, hours: int) -> None:
    """Make a one-time code for RECORD, and the link that shows it."""
    with _open(tenant) as opened:
        code = opened.bindings.issue(opened.tenant, record, opened.by, opened.now, hours * 3600.0)
        links = VerificationLinks.from_settings(opened.configuration.settings)
    click.echo(f"code: {code}\nlink: {links.url_for(code, opened.now + hours * 3600)}")


@command.command()
@click.argument("person")
@click.argument("record")
@click.option("--bot", help="Where the person writes; may be left out when there is one bot.")
@click.option("--channel", required=True, help="On which of its channels.")
def bind(person: str, record: str, bot: str | None, channel: str) -> None:
    """Bind PERSON, by the platform's id, to RECORD."""
    with _open_at(bot, channel) as (opened, chosen):
        account = Account(bot=chosen, channel=channel, person=person)
        opened.bindings.bind(opened.tenant, account, record, opened.by, opened.now)
    click.echo(f"{person} is bound to {record}")


@command.command()
@click.argument("person")
@click.option("--bot", help="Where the person writes; may be left out when there is one bot.")
@click.option("--channel", required=True, help="On which of its channels.")
def unbind(person: str, bot: str | None, channel: str) -> None:
    """End the binding of PERSON."""
    with _open_at(bot, channel) as (opened, chosen):
        opened.bindings.unbind(opened.tenant, Account(bot=chosen, channel=channel, person=person), opened.by)
    click.echo(f"{person} is bound no more")


@contextmanager
def _open(tenant: str | None) -> Iterator[_Open]:
    configuration = read_configuration()
    telemetry.configure_logging("WARNING")
    tenants = sorted({bot.tenant for bot in configuration.bots.values()})
    if tenant is None and len(tenants) > 1:
        raise UsageError(f"say whose with --tenant; there are: {', '.join(tenants)}")
    if tenant is not None and tenant not in tenants:
        raise UsageError(f"there is no tenant {tenant!r}; there are: {', '.join(tenants)}")
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        try:
            yield _Open(
                configuration=configuration,
                register=Register(audit),
                bindings=Bindings(audit),
                tenant=tenant or tenants[0],
                by=Author(actor=actor()),
                now=time.time(),
            )
        except InputError as error:
            raise UsageError(Texts().say(error.text_key, "en", **error.values)) from error


@contextmanager
def _open_at(bot: str | None, channel: str) -> Iterator[tuple[_Open, str]]:
    chosen = choose_bot(read_configuration().bots, bot)
    if channel not in chosen.channels:
        raise UsageError(f"{chosen.id} has no channel {channel!r}; there are: {', '.join(chosen.channels)}")
    with _open(chosen.tenant) as opened:
        yield opened, chosen.id


def _text(path: Path) -> str:
    """The words of a file or of standard input. Raises :class:`~bot.errors.UsageError` when they cannot be read."""
    from bot.knowledge.loaders.encoding import decode_text  # with it come the loaders, which only an import needs

    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"{path} has more than {MOST_BYTES // 1024**2} MiB: split it")
        return decode_text(data)[0]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except KnowledgeError as error:
        raise UsageError(f"{path}: {error}") from error


def _facts(one: Professional, opened: _Open) -> dict[str, object]:
    """What is kept, but for the digest of the licence."""
    return {
        "record": one.record,
        "hospital": one.hospital,
        "department": one.department,
        "title": one.title,
        "valid_until": opened.last_day(one),
        "valid": one.valid_until > opened.now,
        "licence_given": bool(one.licence),
        "source": one.source,
    }
