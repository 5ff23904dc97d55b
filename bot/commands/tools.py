"""What commands work with, and how it is put together."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

import redis

from bot.audit.log import AuditLog
from bot.backlog import Queue, queue_of
from bot.bots_file import BotConfig
from bot.broadcasts import Broadcasts
from bot.channel import Channel
from bot.commands.confirmations import Confirmations
from bot.commands.limits import UsageLimits
from bot.commands.rates import Rates
from bot.correcting import Correcting
from bot.digest import Digests
from bot.handoff.desk import Desk
from bot.handoff.reach import Reach
from bot.identity.arrivals import Arrivals
from bot.identity.bindings import Bindings
from bot.identity.links import VerificationLinks
from bot.knowledge.approval import Gate, Warm, four_eyes_in, one_person, rules_of
from bot.knowledge.corrections import Corrections
from bot.knowledge.review import Review
from bot.knowledge.search import Hit
from bot.knowledge.store import KnowledgeStore
from bot.lease import Leases
from bot.llm.budget import TokenBudget
from bot.media.store import MediaStore
from bot.messages import ConversationId
from bot.personal_records import PersonalRecords
from bot.quiet_hours import QuietHours
from bot.records.reports import Reports
from bot.records.turns import TurnRecords
from bot.settings import Settings
from bot.switches import Switches
from bot.texts import Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """The parts of the installation that commands use.

    ``channels`` is keyed by (bot id, channel id). ``queue_of(bot id)`` tells what waits and what was given up;
    ``find(question, bot)`` what the knowledge holds, whoever may read it. ``pseudonym(tenant, person)`` is how the
    audit log names somebody. Turns are kept for ``keep_turns_days``. ``clock`` gives epoch seconds; days are those of
    ``timezone``.
    """

    bots: Mapping[str, BotConfig]
    channels: Mapping[tuple[str, str], Channel]
    texts: Texts
    desk: Desk
    confirmations: Confirmations
    rates: Rates
    switches: Switches
    queue_of: Callable[[str], Queue]
    records: TurnRecords
    reports: Reports
    limits: UsageLimits
    review: Review
    store: KnowledgeStore
    find: Callable[[str, BotConfig], Sequence[Hit]]
    broadcasts: Broadcasts
    corrections: Corrections
    correcting: Correcting
    digests: Digests
    personal: PersonalRecords
    bindings: Bindings
    verification: VerificationLinks
    arrivals: Arrivals
    media: MediaStore
    pseudonym: Callable[[str, str], str]
    keep_turns_days: int
    timezone: ZoneInfo
    clock: Callable[[], float]


def make_tools(
    settings: Settings,
    *,
    client: "redis.Redis",
    audit: AuditLog,
    bots: Mapping[str, BotConfig],
    channels: Mapping[tuple[str, str], Channel],
    desk: Desk,
    media: MediaStore,
    leases: Leases,
    switches: Switches,
    verification: VerificationLinks,
    find: Callable[[str, BotConfig], Sequence[Hit]],
    sync: Callable[[str, str], object],
    drop: Callable[[str, str], object],
    warm: Warm,
    gate: Gate,
    clock: Callable[[], float] = time.time,
) -> Tools:
    """The tools of an installation whose database is that of ``audit``; ``sync(tenant, collection)`` brings the index
    to what is approved, ``drop(tenant, collection)`` takes out of it what is not; before something is approved ``warm``
    makes its vectors, and it passes ``gate``."""
    database, timezone = audit.database, ZoneInfo(settings.timezone)
    store = KnowledgeStore(database, audit, partial(four_eyes_in, bots), partial(one_person, bots, audit.key.pseudonym))
    budget = TokenBudget(client, settings.llm_daily_tokens, settings.timezone)
    reports, texts, bindings = Reports(database), Texts(), Bindings(audit)
    quiet, corrections = QuietHours(bots, timezone).hold, Corrections(database)
    limits = UsageLimits(
        person_per_minute=settings.limit_person_per_minute,
        bot_waiting=settings.limit_bot_waiting,
        daily_tokens=settings.llm_daily_tokens,
        tokens_used=budget.used,
    )
    return Tools(
        bots=bots,
        channels=channels,
        texts=texts,
        desk=desk,
        confirmations=Confirmations(client),
        rates=Rates(client),
        switches=switches,
        queue_of=lambda bot: queue_of(client, bot, clock()),
        records=TurnRecords(database),
        reports=reports,
        limits=limits,
        review=Review(database, store, sync, drop, partial(rules_of, bots), warm=warm, gate=gate),
        store=store,
        find=find,
        broadcasts=Broadcasts(database, clock, quiet),
        corrections=corrections,
        correcting=Correcting(
            corrections,
            bots=bots,
            reach=Reach(bots, channels),
            texts=texts,
            timezone=timezone,
            quiet=quiet,
            held=partial(_held, switches),
            clock=clock,
        ),
        digests=Digests(reports=reports, store=store, texts=texts, timezone=timezone),
        personal=PersonalRecords(client, database, media, leases),
        bindings=bindings,
        verification=verification,
        arrivals=Arrivals(bindings, verification, texts, timezone),
        media=media,
        pseudonym=audit.key.pseudonym,
        keep_turns_days=settings.keep_turns_days,
        timezone=timezone,
        clock=clock,
    )


def _held(switches: Switches, to: ConversationId) -> bool:
    """Whether nothing may be said there now."""
    return switches.stopping(to) is not None or switches.blocking(to.bot, to.person) is not None
