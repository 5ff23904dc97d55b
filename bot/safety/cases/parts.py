"""Everything that cases need in a worker, put together."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import redis

from bot import refused
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.handoff.reach import Reach
from bot.mail import Mailer
from bot.messages import ConversationId, InboundMessage
from bot.redis_client import redis_answers
from bot.safety.cases.case import Case
from bot.safety.cases.courier import Courier, Post
from bot.safety.cases.intake import Intake
from bot.safety.cases.ledger import Ledger
from bot.safety.cases.refused import RefusedReader
from bot.safety.cases.register import Cases
from bot.safety.cases.reminders import Reminders
from bot.safety.cases.sealing import CaseKey
from bot.safety.cases.watch import Watch
from bot.settings import Settings
from bot.texts import Texts


@dataclass(frozen=True, kw_only=True, slots=True)
class SafetyParts:
    """The screen, the cases, and what carries them to the desk."""

    watch: Watch
    cases: Cases
    courier: Courier
    refused: RefusedReader
    reminders: Reminders

    def chores(self) -> None:
        """Screen what was refused, remind of what nobody confirmed, and tell the desk what it has not heard."""
        self.refused.read()
        self.reminders.remind()
        self.courier.post_messages()
        self.courier.send_mails()


def build_ledger(
    settings: Settings, audit: AuditLog, bots: Mapping[str, BotConfig], clock: Callable[[], float] = time.time
) -> Ledger:
    """The cases of this installation. Raises :class:`~bot.errors.ConfigError` when it has no usable key."""
    return Ledger(
        database=audit.database,
        key=CaseKey.from_settings(settings),
        bots=bots,
        zone=ZoneInfo(settings.timezone),
        audit=audit.append_within,
        clock=clock,
    )


def build_safety(
    ledger: Ledger,
    *,
    client: "redis.Redis",
    channels: Mapping[tuple[str, str], Channel],
    mailer: Mailer | None,
    post: Post,
    handed_over: Callable[[ConversationId], bool],
    wake: Callable[[], None],
    texts: Texts,
) -> SafetyParts:
    """The parts around ``ledger``. ``wake()`` asks for the chores at once, where there are mails to send."""
    cases = Cases(ledger)
    courier = Courier(cases, channels=channels, post=post, mailer=mailer, texts=texts)

    def taken(case: Case) -> None:
        courier.post_messages(case.number)
        bot = ledger.bot_of(case)
        if bot is not None and bot.safety.email:
            wake()

    def keep(message: InboundMessage) -> None:
        pipe = client.pipeline(transaction=False)
        refused.keep(pipe, message, "unscreened")
        with redis_answers():
            pipe.execute()

    watch = Watch(Intake(ledger), texts, taken=taken, keep=keep, handed_over=handed_over)
    reader = RefusedReader(
        client,
        watch,
        bots=ledger.bots,
        reach=Reach(ledger.bots, channels),
        post=post,
        texts=texts,
        clock=ledger.clock,
    )
    return SafetyParts(watch=watch, cases=cases, courier=courier, refused=reader, reminders=Reminders(cases))
