"""Builds the worker: everything that answers.

Apart from :mod:`bot.assembly` because importing this costs what the worker needs and nobody else: SQL, the index, the
model. ``workers.app`` imports it when a worker process begins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import redis

from bot import telemetry
from bot.assembly import (
    build_inbox,
    build_knowledge,
    build_reloader,
    language_model,
    media_store,
    read_configuration,
)
from bot.audit.log import AuditLog
from bot.audit.turns import audit_of_turns
from bot.busy import BusyNotices
from bot.commands.desk import CommandDesk
from bot.commands.tools import Tools, make_tools
from bot.conclusion import Conclusion
from bot.conversation import ConversationWorker
from bot.feedback.records import FeedbackRecords
from bot.gathered_wakes import GatheredWakes
from bot.handoff.desk import Desk
from bot.handoff.parts import build_desk
from bot.holding import Holding, is_silenced, is_taken_over
from bot.identity.links import VerificationLinks
from bot.inbox import Inbox
from bot.ingestion import Ingestion, build_ingestion
from bot.knowledge.remote import IndexServer
from bot.knowledge_service import KnowledgeService
from bot.lease import Leases
from bot.links import source_links
from bot.lookup.desk import LookUp
from bot.mail import Mailer
from bot.media.attachments import Attachments
from bot.media.fetch import decode_attachment
from bot.media.parts import MediaParts
from bot.messages import ConversationId
from bot.outbox import Outbox
from bot.pipeline import Pipeline
from bot.pulling import Puller
from bot.reactions import Reactions
from bot.records.database import Database
from bot.records.turns import TurnRecords
from bot.redis_client import connect
from bot.reload import Reloader
from bot.replies import Delivery
from bot.retention import Retention
from bot.safety.cases.parts import SafetyParts, build_ledger, build_safety
from bot.safety.consent.desk import HealthConsent
from bot.safety.consent.records import Consents
from bot.safety.first_reading import read_everything
from bot.safety.precautions import Precautions
from bot.settings import Settings
from bot.stopped_channels import StoppedChannels
from bot.switches import Switches
from bot.task_queue import create_celery, make_desk_waker, make_ingest_waker, make_pull_waker, make_waker
from bot.texts import Texts
from bot.upkeep import Upkeep, build_upkeep
from bot.withdrawn import RecordedAnswers, rests_on_withdrawn

if TYPE_CHECKING:
    from celery import Celery

    from bot.llm.model import LanguageModel


@dataclass(kw_only=True, slots=True)
class WorkerServices:
    """Everything a worker process holds."""

    reloader: Reloader
    redis: redis.Redis
    inbox: Inbox
    puller: Puller
    conversations: ConversationWorker
    database: Database
    knowledge: KnowledgeService
    index_server: IndexServer
    leases: Leases
    media: MediaParts
    model: "LanguageModel | None"
    chores: Upkeep
    ingestion: Ingestion
    safety: SafetyParts
    retention: Retention

    def start(self) -> None:
        """Follow the configuration, bring the index to the truth of SQL and begin to serve other processes."""
        read_everything()
        self.reloader.start()
        self.knowledge.start()
        self.index_server.start()

    def sweep(self) -> None:
        """Wake conversations and accounts that are due."""
        self.inbox.sweep()
        with self.reloader.live.pinned():
            self.puller.sweep()

    def pull(self, bot: str, channel: str) -> None:
        """Bring what waits in an account into the inbox."""
        with self.reloader.live.pinned():
            self.puller.pull(bot, channel)

    def upkeep(self) -> None:
        """Do the slow chores (:mod:`bot.upkeep`)."""
        self.ingestion.wake_due()
        self.chores.work()

    def ingest(self, job: str) -> None:
        """Work a job of ingestion."""
        self.ingestion.runner.run(job)

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
    base = _build_base()
    settings, client, live, knowledge = base.settings, base.client, base.reloader.live, base.knowledge
    wake = GatheredWakes(make_waker(base.celery, telemetry.count))
    outbox, safety = _build_delivery(base, wake)
    media = MediaParts.from_settings(settings, media_store(settings), live.channels, knowledge, base.model)
    tools = _build_tools(base, media)
    conversations = ConversationWorker(
        client,
        leases=base.leases,
        outbox=outbox,
        channels=live.channels,
        pinned=live.pinned,
        answering=_build_pipeline(base, safety, media, tools),
        wake=wake,
        count=telemetry.count,
        useful_s=settings.useful_s,
    )
    inbox = build_inbox(settings, client)
    operations: dict[str, Callable[[dict[str, Any]], Any]] = {
        **knowledge.operations(),
        "answer": RecordedAnswers(base.records, knowledge.standing, base.texts).read,
    }
    return WorkerServices(
        reloader=base.reloader,
        redis=client,
        inbox=inbox,
        puller=_build_puller(base, inbox, outbox),
        conversations=conversations,
        database=base.database,
        knowledge=knowledge,
        index_server=IndexServer(connect(settings.redis_url, socket_timeout_s=None), operations),
        leases=base.leases,
        media=media,
        model=base.model,
        ingestion=_build_ingestion(base),
        chores=build_upkeep(
            client,
            live=live,
            inbox=inbox,
            desk=base.desk,
            cases=safety.cases,
            switches=base.switches,
            tools=tools,
            audit=base.audit,
            index_state=lambda: str(knowledge.health()["state"]),
            post=outbox.post,
        ),
        safety=safety,
        retention=Retention.from_settings(settings, client, base.audit),
    )


def _build_puller(base: "_Base", inbox: Inbox, outbox: Outbox) -> Puller:
    return Puller(
        base.client,
        channels=base.reloader.live.channels,
        inbox=inbox,
        refused=BusyNotices(outbox.post, base.texts, base.reloader.live.bots).tell,
        wake=make_pull_waker(base.celery, telemetry.count),
        count=telemetry.count,
        alert=StoppedChannels(base.client).note,
    )


def _build_ingestion(base: "_Base") -> Ingestion:
    return build_ingestion(
        base.settings,
        database=base.database,
        audit=base.audit,
        bots=base.reloader.live.bots,
        knowledge=base.knowledge,
        wake=make_ingest_waker(base.celery, telemetry.count),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """What the parts of a worker stand on."""

    settings: Settings
    client: redis.Redis
    celery: "Celery"
    texts: Texts
    database: Database
    audit: AuditLog
    reloader: Reloader
    model: "LanguageModel | None"
    knowledge: KnowledgeService
    records: TurnRecords
    desk: Desk
    leases: Leases
    switches: Switches


def _build_base() -> _Base:
    configuration = read_configuration()
    settings = configuration.settings
    client, texts = connect(settings.redis_url), Texts()
    database = Database(settings.database_url)
    database.upgrade()
    audit = AuditLog.from_settings(settings, database)
    reloader = build_reloader(configuration, client, "worker", audit.append)
    bots = reloader.live.bots
    model = language_model(settings, client)
    records = TurnRecords(database, audit_of_turns(audit))
    return _Base(
        settings=settings,
        client=client,
        celery=create_celery(settings.broker_url),
        texts=texts,
        database=database,
        audit=audit,
        reloader=reloader,
        model=model,
        knowledge=build_knowledge(replace(configuration, bots=bots), database, model),
        records=records,
        desk=build_desk(settings, audit, records, texts, bots=bots, channels=reloader.live.channels),
        leases=Leases(client),
        switches=Switches(client, database),
    )


def _build_delivery(base: _Base, wake: Callable[[str], None]) -> tuple[Outbox, SafetyParts]:
    """The outbox, what follows when it has delivered or given up a reply, and the safety desk, which hears of that."""
    settings, live = base.settings, base.reloader.live

    def conclude(conversation: ConversationId, delivery: Delivery) -> None:
        conclusion.conclude(conversation, delivery)  # made below: it posts into the outbox itself

    outbox = Outbox(
        base.client,
        wake=wake,
        concluded=conclude,
        count=telemetry.count,
        useful_s=settings.useful_s,
        stopped=partial(is_silenced, base.switches),
        withdrawn=partial(rests_on_withdrawn, base.knowledge.standing),
        taken_over=partial(is_taken_over, base.desk),
        alert=lambda to, code: StoppedChannels(base.client).note(to.bot, to.channel, code),
    )
    safety = build_safety(
        build_ledger(settings, base.audit, live.bots),
        client=base.client,
        channels=live.channels,
        mailer=Mailer.from_settings(settings),
        post=outbox.post,
        handed_over=lambda conversation: base.desk.ticket_of(conversation) is not None,
        wake=make_desk_waker(base.celery, telemetry.count),
        texts=base.texts,
    )
    conclusion = Conclusion(
        records=base.records,
        desk=base.desk,
        texts=base.texts,
        bots=live.bots,
        post=outbox.post,
        told_desk=safety.courier.concluded,
        count=telemetry.count,
    )
    return outbox, safety


def _build_tools(base: _Base, media: MediaParts) -> Tools:
    """What commands work with."""
    knowledge = base.knowledge
    return make_tools(
        base.settings,
        client=base.client,
        audit=base.audit,
        bots=base.reloader.live.bots,
        channels=base.reloader.live.channels,
        desk=base.desk,
        media=media.store,
        leases=base.leases,
        switches=base.switches,
        verification=VerificationLinks.from_settings(base.settings),
        find=knowledge.find,
        sync=lambda tenant, collection: knowledge.sync({"tenant": tenant, "collection": collection}),
        drop=lambda tenant, collection: knowledge.drop({"tenant": tenant, "collection": collection}),
        warm=knowledge.warm,
        gate=knowledge.gate(base.audit),
    )


def _build_pipeline(base: _Base, safety: SafetyParts, media: MediaParts, tools: Tools) -> Pipeline:
    """What decides what is said."""
    settings, texts, desk, knowledge = base.settings, base.texts, base.desk, base.knowledge
    attachments = Attachments(media, knowledge.answerer, texts)
    consent = HealthConsent(
        Consents(base.audit),
        texts,
        handed_over=lambda conversation: desk.ticket_of(conversation) is not None,
        drop=attachments.drop,
    )
    return Pipeline(
        bots=base.reloader.live.bots,
        channels=base.reloader.live.channels,
        answerer=knowledge.answerer,
        look_up=LookUp(knowledge.shelf, base.client, texts),
        commands=CommandDesk(tools, base.audit.append),
        holding=Holding(base.switches, desk, texts, ZoneInfo(settings.timezone), attachments.passed_on),
        desk=desk,
        reactions=Reactions(FeedbackRecords(base.database), base.records, desk, tools.arrivals, texts),
        attachments=attachments,
        watch=safety.watch,
        courier=safety.courier,
        precautions=Precautions(desk, texts, consent),
        consent=consent,
        texts=texts,
        links=source_links(settings),
        versions=knowledge.versions,
        has_knowledge=knowledge.has_any,
        audience_of=tools.bindings.audience_of,
    )
