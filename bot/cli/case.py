"""``case``: the reports of adverse events, for the safety desk (docs/adverse-events.md)."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from bot import telemetry
from bot.assembly import Configuration, read_configuration
from bot.audit.entries import Action
from bot.cli.access import actor, open_audit, open_database
from bot.errors import UsageError
from bot.safety.adverse_events import Kind
from bot.safety.cases.case import Case
from bot.safety.cases.desk_words import DeskWords
from bot.safety.cases.dossier import Dossier, Form, open_dossier
from bot.safety.cases.e2b import e2b_elements
from bot.safety.cases.parts import build_ledger
from bot.safety.cases.register import Cases
from bot.safety.cases.sample import Drawn, SecondLook
from bot.texts import Language, Texts

_UNMASK = click.option("--unmask", is_flag=True, help="With the people's own words and names; this is audited.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@dataclass(frozen=True, slots=True)
class _Open:
    """The cases of this installation."""

    configuration: Configuration
    cases: Cases
    texts: Texts

    def language(self, case: Case) -> Language:
        bot = self.cases.ledger.bot_of(case)
        return bot.language if bot else "zh"

    def dossier(self, case: Case, *, unmasked: bool) -> Dossier:
        return open_dossier(self.cases, case, self.cases.ledger.bot_of(case), unmasked=unmasked)


@click.group()
def command() -> None:
    """The reports of adverse events, for the safety desk."""


@command.command("list")
@click.option("--bot", help="Only of this bot.")
@click.option("--open", "still_open", is_flag=True, help="Only those that are not closed.")
@click.option("--last", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@_JSON
def list_cases(bot: str | None, last: int, *, still_open: bool, as_json: bool) -> None:
    """List cases, the newest first; without what anybody wrote."""
    with _open() as opened:
        found = opened.cases.newest(last, bot=bot or "", still_open=still_open)
        words = DeskWords(opened.cases, opened.texts)
        for case in found:
            click.echo(json.dumps(_facts(case), ensure_ascii=False) if as_json else _line(case, words, opened))
    if not found and not as_json:
        click.echo("there are no cases")


@command.command()
@click.argument("number", type=click.IntRange(1))
@_UNMASK
@_JSON
def show(number: int, *, unmask: bool, as_json: bool) -> None:
    """Show the case NUMBER with its messages and history."""
    with _open() as opened:
        case = _looked_at(opened, number, Action.READ, "show", unmasked=unmask)
        dossier = opened.dossier(case, unmasked=unmask)
        form = Form(opened.cases, opened.texts, opened.language(case))
        if as_json:
            click.echo(json.dumps(_facts(case) | {"words": list(dossier.words)}, ensure_ascii=False))
            return
        click.echo(form.title(dossier))
        for section in form.sections(dossier):
            click.echo(f"\n{section.title}")
            for label, value in section.rows:
                click.echo(f"  {label}: {value}")


@command.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--format", "kind", type=click.Choice(["xlsx", "pdf", "json"]), default="xlsx", show_default=True)
@click.option("--out", "path", type=click.Path(path_type=Path, dir_okay=False), help="default: case-NUMBER.FORMAT")
@_UNMASK
def export(number: int, kind: str, path: Path | None, *, unmask: bool) -> None:
    """Write the case NUMBER as the report form, or as JSON by the elements of E2B(R3)."""
    path = path or Path(f"case-{number}.{kind}")
    with _open() as opened:
        case = _looked_at(opened, number, Action.EXPORT, kind, unmasked=unmask)
        dossier = opened.dossier(case, unmasked=unmask)
        _write(path, _file(opened, dossier, kind))
    click.echo(f"wrote {path}")


@command.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--serious/--not-serious", default=None, help="What you have decided on its seriousness.")
def ack(number: int, *, serious: bool | None) -> None:
    """Confirm that the desk has the case NUMBER."""
    with _open() as opened:
        if serious is not None:
            opened.cases.judge(number, serious=serious, actor=actor())
        _existing(opened, number)
        opened.cases.acknowledge(number, actor())
    click.echo(f"case {number} is acknowledged")


@command.command()
@click.argument("number", type=click.IntRange(1))
def close(number: int) -> None:
    """Close the case NUMBER: it was reported, or needs no report."""
    with _open() as opened:
        opened.cases.close(number, actor())
    click.echo(f"case {number} is closed")


@command.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Of this day; yesterday where none is named.")
@click.option("--missed", metavar="TURN", help="This one was a report: open its case.")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), default=Kind.ADVERSE_EVENT.value)
@click.option("--harmless", metavar="TURN", help="This one was none.")
@_JSON
def sample(day: datetime | None, missed: str | None, kind: str, harmless: str | None, *, as_json: bool) -> None:
    """List the turns drawn for a second look, masked, or say what one of them was."""
    with _open() as opened:
        ledger = opened.cases.ledger
        look = SecondLook(ledger)
        if missed or harmless:
            case = look.judge(str(missed or harmless), missed=bool(missed), actor=actor(), kind=Kind(kind))
            click.echo(f"case {case.number} is opened" if case else "kept")
            return
        of = day.date() if day else datetime.fromtimestamp(ledger.clock(), ledger.zone).date() - timedelta(days=1)
        for drawn in look.of_day(of):
            click.echo(json.dumps(asdict(drawn), ensure_ascii=False) if as_json else _drawn_line(drawn))
        estimate = look.estimate()
        least, most = estimate.interval
        if as_json:
            click.echo(json.dumps({**asdict(estimate), "share_at_least": least, "share_at_most": most}))
        else:
            click.echo(
                f"judged {estimate.judged}, missed {estimate.missed}: {least:.1%} to {most:.1%} of the unsuspected"
            )


def _drawn_line(drawn: Drawn) -> str:
    verdict = {None: "-", True: "missed", False: "harmless"}[drawn.missed]
    return f"{drawn.turn}  {verdict}  {drawn.bot}  {drawn.words!r}"


@contextmanager
def _open() -> Iterator[_Open]:
    configuration = read_configuration()
    telemetry.configure_logging("WARNING")
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        ledger = build_ledger(configuration.settings, audit, configuration.bots)
        yield _Open(configuration, Cases(ledger), Texts())


def _looked_at(opened: _Open, number: int, action: Action, what: str, *, unmasked: bool) -> Case:
    """The case, after it was written down that somebody sees it; who sees people's own words does so by name."""
    if unmasked:
        opened.cases.looked_at(number, Action.UNMASKING, actor(), {"what": what})
    return opened.cases.looked_at(number, action, actor(), {"what": what})


def _existing(opened: _Open, number: int) -> Case:
    with opened.cases.ledger.database.read() as connection:
        return opened.cases.ledger.existing(connection, number)


def _write(path: Path, content: bytes) -> None:
    """Write the file ``path``, for its owner's eyes only. Raises :class:`~bot.errors.UsageError` when it cannot be."""
    try:
        with open(path, "wb", opener=_open_private) as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _open_private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)  # one that was there already keeps its mode
    return descriptor


def _file(opened: _Open, dossier: Dossier, kind: str) -> bytes:
    settings = opened.configuration.settings
    if kind == "json":
        elements = e2b_elements(dossier, dossier.case.bot, time.time(), ZoneInfo(settings.timezone))
        return json.dumps(elements, ensure_ascii=False, indent=2).encode() + b"\n"
    from bot.safety.cases import files  # the libraries of both formats, which nobody else needs

    form = Form(opened.cases, opened.texts, opened.language(dossier.case))
    write = files.pdf if kind == "pdf" else files.workbook
    return write(form.title(dossier), form.sections(dossier))


def _facts(case: Case) -> dict[str, Any]:
    """What is known of a case, without a word that anybody wrote."""
    return {
        "number": case.number,
        "bot": case.bot,
        "tenant": case.tenant,
        "state": case.state.value,
        "kinds": [kind.value for kind in case.kinds],
        "serious": [criterion.value for criterion in case.serious],
        "judged_serious": case.judged_serious,
        "at_once": case.at_once,
        "group_event": case.group_event,
        "missing": [element.value for element in case.missing],
        "received_at": case.received_at,
        "day0_at": case.day0_at,
        "due_at": case.due_at,
        "acknowledged_at": case.acknowledged_at,
        "related_to": case.related_to,
    }


def _line(case: Case, words: DeskWords, opened: _Open) -> str:
    language = opened.language(case)
    return (
        f"{case.number}  {case.state.value}  {words.moment(case.received_at)}  {case.bot}  "
        f"{words.kinds(case, language)}  {words.serious(case, language)}  due {words.moment(case.due_at)}"
    )
