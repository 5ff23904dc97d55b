"""``kb``: looking after documents from the command line: what there is, its way to approval and back, and its uses."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import click

from bot import telemetry
from bot.assembly import Configuration, read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.cli.access import actor, choose_bot, knowledge, open_audit, open_database
from bot.cli.gating import approval_gate, stage_bars
from bot.cli.kb_words import Lines, difference_json, difference_lines
from bot.correcting import last_answering, misled_by
from bot.errors import BotError, InputError, KnowledgeError, UsageError
from bot.knowledge.approval import four_eyes_in, one_person, rules_of
from bot.knowledge.corrections import Corrections
from bot.knowledge.difference import difference
from bot.knowledge.progress import Progress, counted
from bot.knowledge.review import Review
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import WAITING, Status, Version
from bot.knowledge.warming import warm_vectors
from bot.records.database import Database
from bot.safety.personal_data import Masker
from bot.texts import Texts

DEADLINE_S = 900.0
DROP_DEADLINE_S = 30.0
"""A withdrawal holds before the index has followed: nobody need wait long for that."""
_BOT = click.option("--bot", help="Whose tenant and collections; may be left out when there is one bot.")
_SOURCE = click.argument("source", metavar="SOURCE")
_VERSION = click.option("--version", "number", type=click.IntRange(1), help="The version that is meant, by its number.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@dataclass(frozen=True, slots=True)
class _Open:
    """The knowledge of one bot."""

    configuration: Configuration
    database: Database
    audit: AuditLog
    bot: BotConfig
    review: Review
    store: KnowledgeStore
    corrections: Corrections
    now: float

    @property
    def lines(self) -> Lines:
        return Lines(ZoneInfo(self.configuration.settings.timezone), self.now)

    def history(self, source: str) -> list[Version]:
        """The versions of the document called ``source``, or with that number; the oldest first."""
        found = self.review.find_source(self.bot, source)
        if not found and re.fullmatch(r"\d{1,9}", source):
            found = self.review.history(self.bot, int(source))
        if not found:
            raise UsageError(f"{self.bot.id} has no document {source!r}; `kb list` shows what there is")
        places = {version.collection for version in found}
        if len(places) > 1:
            numbers = ", ".join(str(number) for number in sorted({version.document for version in found}))
            raise UsageError(
                f"several collections have a document {source!r}; name it by its number, one of: {numbers}"
            )
        return found

    def version(self, source: str, number: int | None, *statuses: Status) -> Version:
        """The version ``number`` of a document, or the only one in ``statuses``, in which it must be."""
        wanted = [one for one in self.history(source) if one.status in statuses and number in (None, one.number)]
        if not wanted:
            which = f"version {number}" if number else "no version"
            states = " or ".join(status.value.replace("_", " ") for status in statuses)
            raise UsageError(f"{which} of {source!r} is {'not ' if number else ''}{states}: see `kb show {source}`")
        return wanted[-1]


@click.group()
def command() -> None:
    """Look after documents: what there is, its way to approval and back, and which answers rested on it."""
    telemetry.configure_logging("WARNING")


@command.command("list")
@_BOT
@click.option("--waiting", is_flag=True, help="Only what nobody has approved yet.")
@_JSON
def list_documents(bot: str | None, *, waiting: bool, as_json: bool) -> None:
    """List what answers and what waits."""
    with _open(bot) as opened:
        found = opened.review.waiting(opened.bot) if waiting else opened.review.every(opened.bot)
        for version in found:
            click.echo(_dump(opened.lines.facts(version)) if as_json else opened.lines.short(version))
    if not found and not as_json:
        click.echo("nothing waits" if waiting else "there are no documents")


@command.command()
@_SOURCE
@_BOT
@_VERSION
@_JSON
def show(source: str, bot: str | None, number: int | None, *, as_json: bool) -> None:
    """Show the history of SOURCE; with --version what stands in that version."""
    with _open(bot) as opened:
        history = opened.history(source)
        if number is None:
            for version in history:
                click.echo(_dump(opened.lines.facts(version)) if as_json else "\n".join(opened.lines.long(version)))
            return
        version = opened.version(source, number, *Status)
        for entry in opened.store.contents(version.id):
            click.echo(_dump(opened.lines.entry_facts(entry)) if as_json else opened.lines.entry(entry))


@command.command()
@_SOURCE
@_BOT
@_VERSION
def submit(source: str, bot: str | None, number: int | None) -> None:
    """Offer the draft of SOURCE for approval."""
    with _open(bot) as opened:
        version = opened.version(source, number, Status.DRAFT)
        opened.review.submit(version, actor=actor(), now=opened.now)
    click.echo(f"version {version.number} of {version.source} is in review")


@command.command()
@_SOURCE
@_BOT
@_VERSION
@click.option("--notify", is_flag=True, help="Tell people who were told otherwise before that it has been corrected.")
@click.option("--override", default="", metavar="REASON", help="Approve it although golden questions fall.")
def approve(source: str, bot: str | None, number: int | None, override: str, *, notify: bool) -> None:
    """Let what waits of SOURCE answer; it is searched when this returns."""
    with _open(bot) as opened:
        version = opened.version(source, number, *WAITING)
        reason = " ".join(override.split())
        opened.review.approve(version, actor=actor(), now=opened.now, most_entries=None, override=reason)
        expired = version.valid_to <= time.time()
        stands = "approved, but all of it has expired" if expired else "approved and searched"
        click.echo(f"version {version.number} of {version.source} is {stands}")
        if notify:
            _want(opened, version)
        else:
            _hint(opened, version)


@command.command("return")
@_SOURCE
@click.argument("reason")
@_BOT
@_VERSION
def send_back(source: str, reason: str, bot: str | None, number: int | None) -> None:
    """Give what is in review of SOURCE back to its author, for REASON."""
    with _open(bot) as opened:
        version = opened.version(source, number, Status.IN_REVIEW)
        opened.review.send_back(version, " ".join(reason.split()), actor=actor(), now=opened.now)
    click.echo(f"version {version.number} of {version.source} is a draft again")


@command.command()
@_SOURCE
@_BOT
@_VERSION
@click.option("--tell", is_flag=True, help="Tell people who were answered from it that this does not hold any more.")
def withdraw(source: str, bot: str | None, number: int | None, *, tell: bool) -> None:
    """Take SOURCE out of service at once, what waits of it too; with --version only if that answers."""
    with _open(bot) as opened:
        if number is not None:
            opened.version(source, number, Status.APPROVED)
        held = [one for one in opened.history(source) if one.status in (Status.APPROVED, *WAITING)]
        if not held:
            raise UsageError(f"{source!r} is out of service already: see `kb show {source}`")
        opened.review.withdraw(opened.bot, held, actor=actor(), now=opened.now)
        click.echo(f"{held[0].source} is out of service")
        gone = last_answering(opened.history(source))
        if gone is None:  # only a draft went
            return
        if tell:
            _want(opened, gone)
        else:
            _hint(opened, gone)


@command.command("diff")
@_SOURCE
@_BOT
@click.option("--from", "first", type=click.IntRange(1), help="The earlier version; default: the one approved before.")
@click.option("--to", "last", type=click.IntRange(1), help="The later version; default: what waits, else what answers.")
@_JSON
def show_difference(source: str, bot: str | None, first: int | None, last: int | None, *, as_json: bool) -> None:
    """Show what differs between two versions of SOURCE: [-what went-]{+what came+}."""
    with _open(bot) as opened:
        history = opened.history(source)
        in_use = [version for version in history if version.status is not Status.WITHDRAWN]
        to = opened.version(source, last, *Status) if last else (in_use or history)[-1]
        before = opened.version(source, first, *Status) if first else opened.review.before(opened.bot, to)
        if before is None:
            raise UsageError(
                f"version {to.number} of {source!r} is its first; `kb show --version {to.number}` shows it"
            )
        found = difference(opened.store.contents(before.id), opened.store.contents(to.id))
    if as_json:
        click.echo(_dump({"from": before.number, "to": to.number, **difference_json(found)}))
        return
    click.echo("\n".join(difference_lines(before, to, found)))


@command.command()
@_SOURCE
@_BOT
@_VERSION
@click.option("--last", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@_JSON
def used(source: str, bot: str | None, number: int | None, last: int, *, as_json: bool) -> None:
    """List the answers that rested on what answers of SOURCE, or on one version; people under pseudonyms."""
    with _open(bot) as opened:
        history = [
            one for one in opened.history(source) if one.approved_at is not None and number in (None, one.number)
        ]
        if not history:
            raise UsageError(f"nothing of {source!r} has answered yet" + (f" as version {number}" if number else ""))
        uses = opened.corrections.uses(history[-1], last)
        masker = Masker(secrets.token_bytes(32))
        subject = f"document:{history[-1].collection}/{history[-1].source}"
        details = {"version": history[-1].number, "turns": len(uses)}
        event = AuditEvent(
            action=Action.READ, subject=subject, actor=actor(), tenant=opened.bot.tenant, details=details
        )
        opened.audit.append(event)
        for use in uses:
            person = use.person if use.person.startswith("cli:") else opened.audit.key.pseudonym(use.tenant, use.person)
            question = masker.mask(use.question)
            click.echo(
                _dump(opened.lines.use_facts(use, person, question))
                if as_json
                else opened.lines.use(use, person, question)
            )
    if not uses and not as_json:
        click.echo(f"no answer that is recorded rested on version {history[-1].number}")


@command.command()
@_SOURCE
@_BOT
def notify(source: str, bot: str | None) -> None:
    """Tell people who were told otherwise before that SOURCE was corrected or withdrawn; nobody twice."""
    with _open(bot) as opened:
        version = last_answering(opened.history(source))
        if version is None:
            raise UsageError(f"nothing of {source!r} has answered yet: there is nobody to tell")
        _want(opened, version)


def _hint(opened: _Open, version: Version) -> None:
    if misled := misled_by(opened.store, opened.corrections, version, opened.now):
        click.echo(f"{len(misled)} people were answered from what it said before: `kb notify {version.source}`")


def _want(opened: _Open, version: Version) -> None:
    fresh = opened.corrections.want(
        version, misled_by(opened.store, opened.corrections, version, opened.now), opened.now
    )
    told = opened.corrections.told(version)
    details = {"version": version.number, "people": fresh}
    subject = f"document:{version.collection}/{version.source}"
    opened.audit.append(
        AuditEvent(action=Action.OPERATION, subject=subject, actor=actor(), tenant=version.tenant, details=details)
    )
    click.echo(
        f"{fresh} people will be told by the running system; of {told.wanted} in all {told.said} were, "
        f"{told.unreachable} could not be reached"
    )


@contextmanager
def _open(wanted: str | None) -> Iterator[_Open]:
    """What a person of the chat is told in their words, somebody at the command line hears in English."""
    configuration = read_configuration()
    bot = choose_bot(configuration.bots, wanted)
    with (
        open_database(configuration) as database,
        open_audit(configuration, database) as audit,
        stage_bars() as tell,
    ):
        store = KnowledgeStore(
            database,
            audit,
            partial(four_eyes_in, configuration.bots),
            partial(one_person, configuration.bots, audit.key.pseudonym),
        )
        review = Review(
            database,
            store,
            partial(_sync, configuration, store, database, tell=tell),
            partial(_drop, configuration, database),
            partial(rules_of, configuration.bots),
            warm=warm_vectors(configuration.settings),
            gate=approval_gate(configuration, store, audit),
            progress=tell,
        )
        try:
            yield _Open(configuration, database, audit, bot, review, store, Corrections(database), time.time())
        except InputError as error:
            raise UsageError(Texts().say(error.text_key, "en", **error.values)) from error


def _drop(configuration: Configuration, database: Database, tenant: str, collection: str) -> None:
    with knowledge(configuration, database) as ask:
        ask("drop", {"tenant": tenant, "collection": collection}, DROP_DEADLINE_S)


def _sync(
    configuration: Configuration,
    store: KnowledgeStore,
    database: Database,
    tenant: str,
    collection: str,
    *,
    tell: Progress,
) -> None:
    """Make the vectors here first, so that nobody who asks the running system waits for them."""
    embedded = counted(tell, "embed", len(store.approved_ids(tenant, collection)))
    warm_vectors(configuration.settings)(store.approved_entries(tenant, collection), embedded)
    try:
        with knowledge(configuration, database) as ask:
            ask("sync", {"tenant": tenant, "collection": collection}, DEADLINE_S)
    except BotError as error:
        raise KnowledgeError(
            f"approved, but not searchable yet ({error}): the running system follows by itself; `reindex` does it now"
        ) from error


def _dump(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False)
