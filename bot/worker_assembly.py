"""Builds the worker: everything that answers.

Apart from :mod:`bot.assembly` because importing this costs what the worker needs and nobody else: SQL, the index, the
model. ``workers.app`` imports it when a worker process begins.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import redis

from bot import telemetry
from bot.assembly import (
    Configuration,
    build_inbox,
    build_knowledge,
    build_reloader,
    language_model,
    media_store,
    read_configuration,
)
from bot.audit.log import AuditLog
from bot.audit.turns import audit_of_turns
from bot.bots_file import BotConfig
from bot.broadcasts import Broadcasts
from bot.commands.desk import CommandDesk
from bot.commands.tools import make_tools
from bot.conclusion import Conclusion
from bot.conversation import ConversationWorker
from bot.feedback.records import FeedbackRecords
from bot.gathered_wakes import GatheredWakes
from bot.handoff.desk import Desk, Notice
from bot.handoff.overload import overload_notices
from bot.handoff.reach import Reach
from bot.handoff.tickets import Tickets
from bot.holding import Holding
from bot.inbox import Inbox
from bot.knowledge.entries import Audience
from bot.knowledge.remote import IndexServer
from bot.knowledge.search import Hit
from bot.knowledge_service import KnowledgeService
from bot.lease import Leases
from bot.links import source_links
from bot.mail import Mailer
from bot.media.attachments import Attachments
from bot.media.fetch import decode_attachment
from bot.media.parts import MediaParts
from bot.messages import ConversationId
from bot.outbox import Outbox
from bot.overload import Overload
from bot.parts import Text
from bot.pipeline import Pipeline
from bot.reactions import Reactions
from bot.records.database import Database
from bot.records.turns import TurnRecords
from bot.redis_client import connect
from bot.reload import Reloader
from bot.replies import Delivery, OutboxReply
from bot.retention import KeepDays, Retention
from bot.safety.cases.parts import SafetyParts, build_ledger, build_safety
from bot.safety.precautions import Precautions
from bot.settings import Settings
from bot.switches import Switches
from bot.task_queue import create_celery, make_desk_waker, make_waker
from bot.texts import Texts

if TYPE_CHECKING:
    from bot.llm.model import LanguageModel


@dataclass(kw_only=True, slots=True)
class WorkerServices:
    """Everything a worker process holds."""

    reloader: Reloader
    redis: redis.Redis
    inbox: Inbox
    conversations: ConversationWorker
    outbox: Outbox
    desk: Desk
    database: Database
    audit: AuditLog
    knowledge: KnowledgeService
    index_server: IndexServer
    leases: Leases
    media: MediaParts
    model: "LanguageModel | None"
    switches: Switches
    broadcasts: Broadcasts
    safety: SafetyParts
    retention: Retention

    def start(self) -> None:
        """Follow the configuration, bring the index to the truth of SQL and begin to serve other processes."""
        self.reloader.start()
        self.knowledge.start()
        self.index_server.start()

    def sweep(self) -> None:
        """Wake conversations that are due."""
        self.inbox.sweep()

    def upkeep(self) -> None:
        """Tell people for whom nobody came; correct the counts of waiting messages; tell admins of an overload; anchor
        the audit log."""
        with self.reloader.live.pinned():
            overdue = self.desk.overdue()
        for ticket, notices in overdue:
            for notice in notices:
                self._post(notice)
            self.desk.tickets.unanswered(ticket)
        waiting = self.inbox.recount(self.reloader.live.bots)
        with self.reloader.live.pinned():
            overloaded = overload_notices(Overload(self.redis), self.reloader.live.bots, waiting, self.desk, Texts())
        for notice in overloaded:
            self._post(notice)
        self.switches.publish()
        self.broadcasts.go_on(self.outbox.post, lambda to: self.switches.stopping(to) is not None)
        self.audit.anchor_if_due()

    def tell_desk(self) -> None:
        """Screen refused messages, and tell the safety desk what it has not heard."""
        with self.reloader.live.pinned():
            self.safety.chores()

    def fetch_media(self, conversation: str, attachment: Mapping[str, str]) -> None:
        """Bring what a message of the conversation with this key shows into the store."""
        with self.reloader.live.pinned():
            self.media.fetcher.prefetch(ConversationId.from_key(conversation), decode_attachment(attachment))

    def expire_media(self) -> None:
        """Remove media whose time is over."""
        self.media.store.expire()

    def retain(self) -> None:
        """Mask and remove records whose time is over, for a while."""
        self.retention.work()

    def _post(self, notice: Notice) -> None:
        reply = OutboxReply(key=notice.key, parts=(Text(notice.text),), created_at=time.time())
        self.outbox.post(notice.conversation, reply)

    def health(self) -> dict[str, dict[str, Any]]:
        """What the heartbeat says of each part: ``{"sql": {"state": "ok"}, "index": {"state", "entries"},
        "embedder": {"state", "engine"}}``, and ``llm`` where there is a language model."""
        parts: dict[str, dict[str, Any]] = {"sql": self.database.health(), "index": self.knowledge.health()}
        parts["embedder"] = self.knowledge.embedder.health()
        return parts | {"llm": self.model.health()} if self.model else parts

    def close(self) -> None:
        """Give back what other processes may be waiting for."""
        self.reloader.close()
        self.index_server.close()
        self.leases.close()
        self.knowledge.close()
        if self.model:
            self.model.close()
        self.database.dispose()


def upgrade_database(settings: Settings) -> None:
    """Bring the database's schema up to date and leave it."""
    database = Database(settings.database_url)
    try:
        database.upgrade()
    finally:
        database.dispose()


def build_worker() -> WorkerServices:
    """Everything the worker needs, with the schema brought up to date.

    Raises :class:`~bot.errors.KnowledgeError` when another process owns the embedded index.
    """
    configuration = read_configuration()
    settings = configuration.settings
    client, texts = connect(settings.redis_url), Texts()
    database = Database(settings.database_url)
    database.upgrade()
    audit = AuditLog.from_settings(settings, database)
    reloader = build_reloader(configuration, client, "worker", audit.append)
    bots, connected = reloader.live.bots, reloader.live.channels
    configuration = replace(configuration, bots=bots)
    model = language_model(settings, client)
    knowledge = build_knowledge(configuration, database, model)
    celery = create_celery(settings.broker_url)
    wake = GatheredWakes(make_waker(celery, telemetry.count))
    records = TurnRecords(database, audit_of_turns(audit))
    desk = Desk(Tickets(database, settings.handoff_wait_s, time.time), records, texts, bots, Reach(bots, connected))

    def told_desk(key: str, failure: str) -> None:
        safety.courier.concluded(key, failure)  # made below: it posts into the outbox itself

    outbox = _outbox(configuration, client, wake, records, desk, told_desk=told_desk)
    safety = build_safety(
        build_ledger(settings, audit, bots),
        client=client,
        channels=connected,
        mailer=Mailer.from_settings(settings),
        post=outbox.post,
        handed_over=lambda conversation: desk.ticket_of(conversation) is not None,
        wake=make_desk_waker(celery, telemetry.count),
        texts=texts,
    )
    media = MediaParts.from_settings(settings, media_store(settings), connected, knowledge, model)
    attachments = Attachments(media, knowledge.answerer, texts)
    leases, switches = Leases(client), Switches(client, database)
    tools = make_tools(
        settings,
        client=client,
        audit=audit,
        bots=bots,
        channels=connected,
        desk=desk,
        media=media.store,
        leases=leases,
        switches=switches,
        find=_finder(knowledge),
        sync=lambda tenant, collection: knowledge.sync({"tenant": tenant, "collection": collection}),
    )
    pipeline = Pipeline(
        bots=bots,
        channels=connected,
        answerer=knowledge.answerer,
        commands=CommandDesk(tools, audit.append),
        holding=Holding(switches, desk, texts, ZoneInfo(settings.timezone), attachments.passed_on),
        desk=desk,
        reactions=Reactions(FeedbackRecords(database), records, desk, texts),
        attachments=attachments,
        watch=safety.watch,
        courier=safety.courier,
        precautions=Precautions(desk, texts),
        texts=texts,
        links=source_links(settings),
        versions=knowledge.versions,
        has_knowledge=knowledge.has_any,
    )
    conversations = ConversationWorker(
        client,
        leases=leases,
        outbox=outbox,
        channels=connected,
        pinned=reloader.live.pinned,
        answering=pipeline,
        wake=wake,
        count=telemetry.count,
        useful_s=settings.useful_s,
    )
    server = IndexServer(connect(settings.redis_url, socket_timeout_s=None), knowledge.operations())
    return WorkerServices(
        reloader=reloader,
        redis=client,
        inbox=build_inbox(settings, client),
        conversations=conversations,
        outbox=outbox,
        desk=desk,
        database=database,
        audit=audit,
        knowledge=knowledge,
        index_server=server,
        leases=leases,
        media=media,
        model=model,
        switches=switches,
        broadcasts=tools.broadcasts,
        safety=safety,
        retention=Retention(client, audit, KeepDays.from_settings(settings), ZoneInfo(settings.timezone)),
    )


def _finder(knowledge: KnowledgeService) -> Callable[[str, BotConfig], tuple[Hit, ...]]:
    """What looks into the knowledge of a bot with the eyes of its staff."""

    def find(question: str, bot: BotConfig) -> tuple[Hit, ...]:
        return knowledge.answerer.retriever.retrieve((question,), bot, Audience.STAFF, time.time()).both.hits

    return find


def _outbox(
    configuration: Configuration,
    client: redis.Redis,
    wake: Callable[[str], None],
    records: TurnRecords,
    desk: Desk,
    *,
    told_desk: Callable[[str, str], None],
) -> Outbox:
    """The outbox, and what follows when it has delivered or given up a reply."""

    def conclude(conversation: ConversationId, delivery: Delivery) -> None:
        conclusion.conclude(conversation, delivery)  # made below: it posts into the outbox itself

    outbox = Outbox(
        client,
        wake=wake,
        concluded=conclude,
        count=telemetry.count,
        useful_s=configuration.settings.useful_s,
    )
    conclusion = Conclusion(
        records=records,
        desk=desk,
        texts=Texts(),
        bots=configuration.bots,
        post=outbox.post,
        told_desk=told_desk,
        count=telemetry.count,
    )
    return outbox
