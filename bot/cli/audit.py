"""``audit``: check the audit log, look into it, take it along."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from sqlalchemy import select

from bot import telemetry
from bot.assembly import Configuration, read_configuration
from bot.audit.anchors import Anchor, read_anchors
from bot.audit.entries import Action, AuditEntry, AuditEvent, utc_text
from bot.audit.export import export as export_entries
from bot.audit.key import is_pseudonym
from bot.audit.log import AuditLog
from bot.audit.retention import take_out
from bot.audit.verification import Verification, verify
from bot.cli.access import actor, open_audit, open_database
from bot.errors import UsageError
from bot.records.turns import turns

DAY_S = 86_400
_File = click.Path(path_type=Path, dir_okay=False)


@click.group()
def command() -> None:
    """Check the audit log, look into it, take it along (docs/audit.md)."""


@command.command("verify")
@click.option("--anchors", "files", type=_File, multiple=True, help="More anchors: a copy of the file, or a log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify_log(files: tuple[Path, ...], *, as_json: bool) -> None:
    """Check every entry and the chain of them, and compare it with the anchors. Exits with 2 when it is not whole."""
    with _open_log() as (_, log):
        anchors = _anchors(log.anchors.path, files)
        found = verify(log.entries(), log.key, anchors)
        details = {"entries": found.entries, "last": found.last, "first_bad": found.first_bad}
        log.append(AuditEvent(action=Action.READ, subject="audit:verify", actor=actor(), details=details))
    if as_json:
        click.echo(json.dumps({"ok": found.ok, "first_bad": found.first_bad, **asdict(found)}, ensure_ascii=False))
    if not found.ok:
        raise UsageError(f"the audit log is not whole from entry {found.first_bad} on: {found.problems[0].text}")
    if not as_json:
        click.echo(_summary(found))


@command.command()
@click.option("--last", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--action", type=click.Choice([action.value for action in Action]), help="Only these.")
@click.option("--person", help="Only those of the person with this platform id; needs --tenant.")
@click.option("--tenant", default="default", show_default=True, help="Whose person.")
@click.option("--json", "as_json", is_flag=True, help="Print each entry as a JSON object, as it is exported.")
def show(last: int, action: str | None, person: str | None, tenant: str, *, as_json: bool) -> None:
    """Show the newest entries, the newest at the end."""
    with _open_log() as (configuration, log):
        who = log.key.pseudonym(tenant, person) if person else ""
        entries = log.newest(last, action=action or "", actor=who)
        details = {"entries": len(entries), "action": action, "person": who}
        log.append(AuditEvent(action=Action.READ, subject="audit:show", actor=actor(), details=details))
    zone = ZoneInfo(configuration.settings.timezone)
    for entry in entries:
        click.echo(entry.to_line() if as_json else _line(entry, zone))


@command.command()
@click.option("--from", "begin", required=True, help="From this day or time on, such as 2026-01-31.")
@click.option("--to", "end", help="To the end of this day, or before this time; default: now.")
@click.option("--out", "path", type=_File, required=True, help="The file to write; its manifest goes beside it.")
def export(begin: str, end: str | None, path: Path) -> None:
    """Write entries to a file of JSON lines, and a manifest with its hashes beside it."""
    with _open_log() as (configuration, log):
        zone = ZoneInfo(configuration.settings.timezone)
        until = _time(end, zone, days=1) if end else utc_text(time.time())
        manifest = export_entries(log, path, _time(begin, zone), until, actor=actor())
    click.echo(
        f"{manifest.entries} entries, {manifest.first} to {manifest.last}, in {path} (SHA-256 {manifest.sha256})"
    )


@command.command("take-out")
@click.option("--before", required=True, help="Take out what is older than this day or time.")
@click.option("--out", "path", type=_File, required=True, help="The file that keeps them; its manifest goes beside it.")
def take_out_old(before: str, path: Path) -> None:
    """Move old entries to a file; a checkpoint in the log vouches for them. See AUDIT_KEEP_DAYS."""
    with _open_log() as (configuration, log):
        settings = configuration.settings
        end = _time(before, ZoneInfo(settings.timezone))
        if end > utc_text(time.time() - settings.audit_keep_days * DAY_S):
            raise UsageError(
                f"entries are kept for {settings.audit_keep_days} days (AUDIT_KEEP_DAYS); name an earlier day"
            )
        manifest = take_out(log, path, end, actor=actor())
    click.echo(f"{manifest.entries} entries, {manifest.first} to {manifest.last}, are now in {path}: keep it")


@command.command()
@click.argument("pseudonym")
@click.option("--reason", required=True, help="Why you must know; it is kept in the log.")
def who(pseudonym: str, reason: str) -> None:
    """Show which person stands behind PSEUDONYM, of those who wrote to a bot or serve one."""
    if not is_pseudonym(pseudonym):  # a name would stand in the log for ever
        raise UsageError("that is no pseudonym; expected person: and 32 digits, as `audit show` prints them")
    with _open_log() as (configuration, log):
        log.append(AuditEvent(action=Action.UNMASKING, subject=pseudonym, actor=actor(), details={"reason": reason}))
        found = [named for named in _people(configuration, log) if log.key.pseudonym(*named) == pseudonym]
    if not found:
        raise UsageError(f"nobody that is still known is {pseudonym!r}: `audit show` prints pseudonyms")
    tenant, person = found[0]
    click.echo(f"{person} (tenant {tenant})")


@contextmanager
def _open_log() -> Iterator[tuple[Configuration, AuditLog]]:
    configuration = read_configuration()
    telemetry.configure_logging("WARNING")
    with open_database(configuration) as database, open_audit(configuration, database) as log:
        yield configuration, log


def _anchors(own: Path, more: tuple[Path, ...]) -> list[Anchor]:
    try:
        return [anchor for file in ([own] if own.exists() else []) + list(more) for anchor in read_anchors(file)]
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error


def _people(configuration: Configuration, log: AuditLog) -> Iterator[tuple[str, str]]:
    """Everybody who is known, with the tenant."""
    for bot in configuration.bots.values():
        for person in (*bot.admins, *bot.servicers):
            yield bot.tenant, person
    with log.database.read() as connection:
        for row in connection.execute(select(turns.c.tenant, turns.c.person).distinct()):
            yield row.tenant, row.person


def _time(text: str, zone: ZoneInfo, days: int = 0) -> str:
    """``text``, a time or the beginning of a day in ``zone``, as the log writes times; a day is moved by ``days``."""
    try:
        if len(text) > len("2026-01-31"):
            at = datetime.fromisoformat(text)
        else:
            at = datetime.combine(date.fromisoformat(text) + timedelta(days), datetime.min.time())
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no day or time: write 2026-01-31 or 2026-01-31T08:30") from error
    return utc_text((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp())


def _summary(found: Verification) -> str:
    if not found.entries:
        return "the audit log is empty"
    return f"whole: {found.entries} entries, {found.first} to {found.last}; {found.anchors} anchors agree"


def _line(entry: AuditEntry, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(entry.at).astimezone(zone).isoformat(sep=" ", timespec="milliseconds")
    where = "/".join(filter(None, (entry.tenant, entry.bot)))
    return f"{entry.seq}  {at}  {entry.actor}  {entry.action}  {entry.subject}  {where or '-'}  {entry.details}"
