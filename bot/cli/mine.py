"""``mine``: drafts of FAQs out of documents and of what humans answered, and lists of what people should look at."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import click
import structlog
from tqdm import tqdm

from bot import telemetry
from bot.assembly import Configuration, language_model, read_configuration
from bot.audit.entries import Action, AuditEvent
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.cli.access import actor, choose_bot, open_audit, open_database
from bot.cli.mine_words import (
    contradiction_facts,
    contradiction_lines,
    draft_facts,
    draft_lines,
    duplicate_facts,
    duplicate_lines,
    gap_facts,
    gap_lines,
    pair_facts,
    pair_lines,
)
from bot.errors import ModelError, UsageError
from bot.handoff.tickets import Tickets
from bot.knowledge.approval import four_eyes_in, one_person
from bot.knowledge.embedder import CachedEmbedder
from bot.knowledge.entries import EntryKind
from bot.knowledge.opening import make_embedder, vector_cache
from bot.knowledge.store import KnowledgeStore
from bot.mining.contradictions import Library
from bot.mining.drafts import Drafts
from bot.mining.duplicates import duplicates, merged
from bot.mining.gaps import gaps, unanswered
from bot.mining.human_answers import CONTENT, HumanAnswers
from bot.mining.library import BotLibrary
from bot.mining.pairs import Pair, Passage
from bot.mining.proposals import Proposer
from bot.mining.rules import rule_pairs
from bot.records.database import Database
from bot.records.reports import Reports
from bot.records.turns import TurnRecord
from bot.redis_client import connect
from bot.texts import Texts

log = structlog.get_logger()

MOST_TURNS = 100_000
_DAY_S = 86_400.0
_BOT = click.option("--bot", help="Whose knowledge; may be left out when there is one bot.")
_DAYS = click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far back.")
_DRAFT = click.option("--draft", is_flag=True, help="Keep them as drafts; without this they are only shown.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


@dataclass(frozen=True, slots=True)
class _Open:
    """The knowledge of one bot, and its records."""

    configuration: Configuration
    database: Database
    audit: AuditLog
    bot: BotConfig
    store: KnowledgeStore
    library: BotLibrary
    now: float

    @property
    def embedder(self) -> CachedEmbedder:
        settings = self.configuration.settings
        return CachedEmbedder(make_embedder(settings), vector_cache(settings))

    def turns(self, days: int) -> Iterator[TurnRecord]:
        """The turns of the last ``days``, the newest first."""
        begin, end = self.now - days * _DAY_S, self.now + _DAY_S
        found = Reports(self.database).newest(self.bot.id, begin, end, MOST_TURNS)
        return iter(tqdm(found, desc="turns", unit="turn"))

    def note_reading(self, what: str, turns: int) -> None:
        """Write down that an operator is shown what people asked."""
        event = AuditEvent(
            action=Action.READ,
            subject=f"mining:{what}",
            actor=actor(),
            tenant=self.bot.tenant,
            bot=self.bot.id,
            details={"turns": turns},
        )
        self.audit.append(event)


@click.group()
def command() -> None:
    """Propose FAQs as drafts, which are never searched, and list what people should look at."""
    telemetry.configure_logging("WARNING")


@command.command()
@_BOT
@click.option("--source", "sources", multiple=True, help="Only this document; repeatable. Default: all that answer.")
@click.option("--no-model", is_flag=True, help="Rules alone, though a language model is set.")
@_DRAFT
@_JSON
def pairs(bot: str | None, sources: tuple[str, ...], *, no_model: bool, draft: bool, as_json: bool) -> None:
    """Find questions with their answers in approved documents."""
    with _open(bot) as opened:
        passages = _passages(opened, sources)
        texts = Texts()
        found = [
            pair for passage in tqdm(passages, desc="rules", unit="passage") for pair in rule_pairs(passage, texts)
        ]
        if not no_model:
            found += _by_model(opened, passages)
        kept, known = merged(found, opened.library.known_questions(), opened.embedder)
        _propose(opened, kept, known, draft=draft, as_json=as_json)


@command.command("duplicates")
@_BOT
@_JSON
def show_duplicates(bot: str | None, *, as_json: bool) -> None:
    """List FAQs that ask the same in other words."""
    with _open(bot) as opened:
        found = duplicates(opened.library.entries(), opened.embedder)
    for each in found:
        _show(duplicate_facts(each), duplicate_lines(each), as_json=as_json)
    _sum_up(f"{len(found)} pairs of FAQs ask the same", as_json=as_json)


@command.command("contradictions")
@_BOT
@_JSON
def show_contradictions(bot: str | None, *, as_json: bool) -> None:
    """List FAQs and documents that a document contradicts."""
    with _open(bot) as opened:
        entries = opened.library.entries()
    library = Library([entry for entry in entries if entry.kind is EntryKind.PASSAGE])
    entries = [entry for entry in entries if entry.kind is not EntryKind.ROW]
    found = [each for entry in tqdm(entries, desc="compare", unit="entry") for each in library.contradictions(entry)]
    for each in found:
        _show(contradiction_facts(each), contradiction_lines(each), as_json=as_json)
    _sum_up(f"{len(found)} contradictions between {len(entries)} FAQs and passages", as_json=as_json)


@command.command("gaps")
@_BOT
@_DAYS
@_JSON
def show_gaps(bot: str | None, days: int, *, as_json: bool) -> None:
    """List what people asked and nobody's knowledge answered, by subject; personal data is masked."""
    with _open(bot) as opened:
        asked = unanswered(opened.turns(days))
        opened.note_reading("gaps", len(asked))
        found = gaps(asked, opened.library.entries(), opened.embedder)
        timezone = ZoneInfo(opened.configuration.settings.timezone)
    for each in found:
        _show(gap_facts(each, timezone), gap_lines(each, timezone), as_json=as_json)
    _sum_up(f"{len(asked)} questions of {days} days were not answered; {len(found)} subjects", as_json=as_json)


@command.command()
@_BOT
@_DAYS
@click.option("--collection", help="Where drafts are kept; default: the bot's first.")
@_DRAFT
@_JSON
def answers(bot: str | None, days: int, collection: str | None, *, draft: bool, as_json: bool) -> None:
    """Find answers of humans to people who were content with them; none with personal data in it."""
    with _open(bot) as opened:
        if not opened.bot.knowledge or (collection and collection not in opened.bot.knowledge):
            raise UsageError(f"{opened.bot.id} answers from: {', '.join(opened.bot.knowledge) or 'no collection'}")
        turns = list(opened.turns(days))
        opened.note_reading("answers", len(turns))
        human = HumanAnswers(turns)
        tickets = Tickets(opened.database, 0.0, time.time)
        content = tickets.rated(opened.bot.id, CONTENT, opened.now - days * _DAY_S)
        document = Texts().say("mined_answers_document", opened.bot.language)
        found = human.pairs(content, collection or opened.bot.knowledge[0], document)
        kept, known = merged(found, opened.library.known_questions(), opened.embedder)
        _propose(opened, kept, known, draft=draft, as_json=as_json)
    left = ", ".join(f"{number} {reason}" for reason, number in sorted(human.left_out.items()))
    _sum_up(f"{len(content)} tickets of content people" + (f"; left out: {left}" if left else ""), as_json=as_json)


@command.command()
@_BOT
@_JSON
def drafts(bot: str | None, *, as_json: bool) -> None:
    """List the mined drafts that wait, each with the words that it rests on."""
    with _open(bot) as opened:
        found = Drafts(opened.database, opened.store).waiting(opened.bot.tenant, opened.bot.knowledge)
    for each in found:
        _show(draft_facts(each), draft_lines(each), as_json=as_json)
    _sum_up(f"{len(found)} mined drafts wait; approve one with `kb approve SOURCE`", as_json=as_json)


def _passages(opened: _Open, sources: Sequence[str]) -> list[Passage]:
    documents = opened.library.documents()
    held = {document.source for document in documents}
    if unknown := [source for source in sources if source not in held]:
        raise UsageError(f"{opened.bot.id} has no approved document {', '.join(unknown)}; see `kb list`")
    wanted = [document for document in documents if not sources or document.source in sources]
    return [passage for document in wanted for passage in opened.library.passages(document)]


def _by_model(opened: _Open, passages: Sequence[Passage]) -> list[Pair]:
    """What the language model proposes. Where it fails there are the pairs of the rules, which is said and counted."""
    settings = opened.configuration.settings
    model = language_model(settings, connect(settings.redis_url))
    if model is None:
        return []
    proposer = Proposer(model, opened.bot.id)
    found: list[Pair] = []
    failed = 0
    for passage in tqdm(passages, desc="model", unit="passage"):
        try:
            found += proposer.pairs(passage)
        except ModelError as error:
            failed += 1
            telemetry.count("degraded", what="mining_model")
            log.warning("mining_model", code=error.code, document=passage.entry.source)
    model.close()
    dropped = ", ".join(f"{number} {reason}" for reason, number in proposer.dropped.most_common())
    said = f"the model proposed {len(found)} that its passage carries" + (f"; dropped: {dropped}" if dropped else "")
    click.echo(said + (f"; it failed on {failed} of {len(passages)} passages" if failed else ""), err=True)
    return found


def _propose(opened: _Open, found: Sequence[Pair], known: int, *, draft: bool, as_json: bool) -> None:
    """Show what was found, and keep it where that is wished."""
    store = Drafts(opened.database, opened.store)
    kept = 0
    for pair in found:
        _show(pair_facts(pair), pair_lines(pair), as_json=as_json)
        kept += draft and store.put(pair, actor=actor(), now=opened.now)
    rules = ", ".join(f"{number} {rule.value}" for rule, number in Counter(pair.rule for pair in found).most_common())
    state = (
        f"{kept} kept as new drafts, never searched before somebody approves them" if draft else "--draft keeps them"
    )
    counts = f"{len(found)} pairs" + (f" ({rules})" if rules else "") + f", {known} known already"
    _sum_up(f"{counts}; {state}", as_json=as_json)


def _show(facts: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else "\n".join(lines))


def _sum_up(line: str, *, as_json: bool) -> None:
    click.echo(line, err=as_json)


@contextmanager
def _open(wanted: str | None) -> Iterator[_Open]:
    configuration = read_configuration()
    bot = choose_bot(configuration.bots, wanted)
    now = time.time()
    with open_database(configuration) as database, open_audit(configuration, database) as audit:
        store = KnowledgeStore(
            database,
            audit,
            partial(four_eyes_in, configuration.bots),
            partial(one_person, configuration.bots, audit.key.pseudonym),
        )
        yield _Open(configuration, database, audit, bot, store, BotLibrary(store, bot, now), now)
