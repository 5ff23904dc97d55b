"""Builds the product out of its parts for the web process, the worker and the command line.

The only module that imports channels, and the only one that decides which implementation runs. What is heavy (model,
index, SQL) is imported inside the functions that need it, so that web and beat stay small.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import redis
import requests
import structlog

import channels.wecom_aibot
import channels.wecom_app
from bot import bots_file, telemetry
from bot.bots_file import BotConfig, ChannelConfig
from bot.channel import Channel, ChannelAddress, ChannelKit
from bot.inbox import Inbox, InboxLimits
from bot.knowledge.remote import IndexClient
from bot.links import signing_secret, source_links
from bot.live import EMPTY, Build, Live, next_snapshot
from bot.media.fetch import MEGABYTE, decode_attachment
from bot.media.store import MediaStore
from bot.messages import ConversationId
from bot.redis_client import SOCKET_TIMEOUT_S, connect
from bot.reload import Reloader
from bot.running_versions import RunningVersions, version_of
from bot.settings import DOTENV, Settings, load_settings, prepare_process, read_environment
from bot.streams import Streams
from bot.task_queue import create_celery, make_prefetcher, make_waker
from bot.texts import Texts
from bot.web.services import READ_DEADLINE_S, SourcePages, WebServices

if TYPE_CHECKING:
    from bot.conversation import ConversationWorker
    from bot.handoff.desk import Desk
    from bot.knowledge.remote import IndexServer
    from bot.knowledge.service import KnowledgeService
    from bot.lease import Leases
    from bot.llm.model import LanguageModel
    from bot.media.parts import MediaParts
    from bot.outbox import Outbox
    from bot.records.database import Database
    from bot.records.turns import TurnRecords

log = structlog.get_logger()

CHANNELS: Mapping[str, Any] = {"wecom-app": channels.wecom_app, "wecom-aibot": channels.wecom_aibot}
"""Channel type to its package; a package offers ``Config`` and ``build`` (see :mod:`bot.channel`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What an installation is told from outside."""

    settings: Settings
    bots: Mapping[str, BotConfig]


def read_configuration() -> Configuration:
    """Settings and bots, checked. Raises :class:`~bot.errors.ConfigError` with every fault of one or the other."""
    settings = load_settings()
    prepare_process(settings)
    return Configuration(settings=settings, bots=load_bots(settings.bots_path))


def load_bots(path: Path) -> Mapping[str, BotConfig]:
    """The bots of the file at ``path``, checked against the channels we have."""
    models = {name: package.Config for name, package in CHANNELS.items()}
    return bots_file.load_bots(path, read_environment(), models)


def build_web() -> WebServices:
    """Everything the web process needs."""
    configuration = read_configuration()
    settings = configuration.settings
    telemetry.configure_logging(settings.log_level)
    client = connect(settings.redis_url)
    return WebServices(
        redis=client,
        inbox=_inbox(settings, client),
        streams=Streams(client),
        reloader=_reloader(configuration, client, "web"),
        media=media_store(settings),
        texts=Texts(),
        sources=_sources(settings),
        proofs_dir=settings.proofs_dir,
        llm_configured=settings.llm_configured,
    )


@dataclass(kw_only=True, slots=True)
class WorkerServices:
    """Everything a worker process holds."""

    reloader: Reloader
    redis: "redis.Redis"
    inbox: Inbox
    conversations: "ConversationWorker"
    outbox: "Outbox"
    desk: "Desk"
    database: "Database"
    knowledge: "KnowledgeService"
    index_server: "IndexServer"
    leases: "Leases"
    media: "MediaParts"
    model: "LanguageModel | None"

    def start(self) -> None:
        """Follow the configuration, bring the index to the truth of SQL and begin to serve other processes."""
        self.reloader.start()
        self.knowledge.start()
        self.index_server.start()

    def sweep(self) -> None:
        """Wake conversations that are due."""
        self.inbox.sweep()

    def upkeep(self) -> None:
        """Tell people for whom nobody came; correct the counts of waiting messages."""
        from bot.outbox import OutboxReply
        from bot.parts import Text

        with self.reloader.live.pinned():
            overdue = self.desk.overdue()
        for ticket, notices in overdue:
            for notice in notices:
                reply = OutboxReply(key=notice.key, parts=(Text(notice.text),), created_at=time.time())
                self.outbox.post(notice.conversation, reply)
            self.desk.tickets.unanswered(ticket)
        self.inbox.recount(self.reloader.live.bots)

    def fetch_media(self, conversation: str, attachment: Mapping[str, str]) -> None:
        """Bring what a message of the conversation with this key shows into the store."""
        with self.reloader.live.pinned():
            self.media.fetcher.prefetch(ConversationId.from_key(conversation), decode_attachment(attachment))

    def expire_media(self) -> None:
        """Remove media whose time is over."""
        self.media.store.expire()

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
    from bot.records.database import Database

    database = Database(settings.database_url)
    try:
        database.upgrade()
    finally:
        database.dispose()


def build_worker() -> WorkerServices:
    """Everything the worker needs, with the schema brought up to date.

    Raises :class:`~bot.errors.KnowledgeError` when another process owns the embedded index.
    """
    from bot.commands.registry import CommandDesk
    from bot.conversation import ConversationWorker
    from bot.feedback.records import FeedbackRecords
    from bot.handoff.desk import Desk
    from bot.handoff.reach import Reach
    from bot.handoff.tickets import Tickets
    from bot.knowledge.remote import IndexServer
    from bot.lease import Leases
    from bot.media.attachments import Attachments
    from bot.media.parts import MediaParts
    from bot.pipeline import Pipeline
    from bot.reactions import Reactions
    from bot.records.database import Database
    from bot.records.turns import TurnRecords

    configuration = read_configuration()
    settings = configuration.settings
    client, texts = connect(settings.redis_url), Texts()
    reloader = _reloader(configuration, client, "worker")
    bots, connected = reloader.live.bots, reloader.live.channels
    configuration = replace(configuration, bots=bots)
    database = Database(settings.database_url)
    database.upgrade()
    model = language_model(settings, client)
    knowledge = build_knowledge(configuration, database, model)
    wake = make_waker(create_celery(settings.broker_url), telemetry.count)
    records = TurnRecords(database)
    desk = Desk(Tickets(database, settings.handoff_wait_s, time.time), records, texts, bots, Reach(bots, connected))
    outbox = _outbox(configuration, client, wake, records, desk)
    media = MediaParts.from_settings(settings, media_store(settings), connected, knowledge, model)
    pipeline = Pipeline(
        bots=bots,
        channels=connected,
        answerer=knowledge.answerer,
        commands=CommandDesk(desk, texts),
        desk=desk,
        reactions=Reactions(FeedbackRecords(database), records, desk, texts),
        attachments=Attachments(media, knowledge.answerer, texts),
        texts=texts,
        links=source_links(settings),
        versions=knowledge.versions,
        has_knowledge=knowledge.has_any,
    )
    leases = Leases(client)
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
        inbox=_inbox(settings, client),
        conversations=conversations,
        outbox=outbox,
        desk=desk,
        database=database,
        knowledge=knowledge,
        index_server=server,
        leases=leases,
        media=media,
        model=model,
    )


def _outbox(
    configuration: Configuration,
    client: "redis.Redis",
    wake: Callable[[str], None],
    records: "TurnRecords",
    desk: "Desk",
) -> "Outbox":
    """The outbox, and what follows when it has delivered or given up a reply."""
    from bot.conclusion import Conclusion
    from bot.messages import ConversationId
    from bot.outbox import Delivery, Outbox

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
        count=telemetry.count,
    )
    return outbox


def build_knowledge(
    configuration: Configuration, database: "Database", model: "LanguageModel | None"
) -> "KnowledgeService":
    """Knowledge and answers, composed by ``model`` where there is one.

    Raises :class:`~bot.errors.KnowledgeError` when another process owns the embedded index.
    """
    from bot.answering.grounded import Composer
    from bot.knowledge.service import KnowledgeService

    composer = Composer(model) if model else None
    return KnowledgeService(configuration.settings, configuration.bots, database, composer)


def language_model(settings: Settings, client: "redis.Redis") -> "LanguageModel | None":
    """The language model the settings name, ``None`` where they name none; imports its library only where they do."""
    if not settings.llm_configured:
        return None
    from bot.llm.model import LanguageModel

    return LanguageModel.from_settings(settings, client)


def _inbox(settings: Settings, client: "redis.Redis") -> Inbox:
    limits = InboxLimits(
        person_per_minute=settings.limit_person_per_minute,
        conversation_waiting=settings.limit_conversation_waiting,
        bot_waiting=settings.limit_bot_waiting,
        wait_replicas=settings.inbox_wait_replicas,
    )
    celery = create_celery(settings.broker_url)
    return Inbox(client, limits, make_waker(celery, telemetry.count), make_prefetcher(celery, telemetry.count))


def _sources(settings: Settings) -> SourcePages:
    patient = connect(settings.redis_url, socket_timeout_s=READ_DEADLINE_S + SOCKET_TIMEOUT_S)
    return SourcePages(
        links=source_links(settings),
        knowledge=IndexClient(patient),
        timezone=ZoneInfo(settings.timezone),
        at_once=max(1, settings.web_threads // 2),
    )


def _reloader(configuration: Configuration, client: "redis.Redis", kind: str) -> Reloader:
    """The live configuration of a process, a ``web`` or a ``worker``, and what keeps it so once it is started."""
    settings = configuration.settings
    path = settings.bots_path  # decided once: the demo must not step in while a bots.yaml is away for a moment
    secret, build = signing_secret(settings), channel_builder(settings, client)
    version = version_of(configuration.bots, secret)
    return Reloader(
        Live(next_snapshot(EMPTY, configuration.bots, version, build)),
        kind=kind,
        files=(path, DOTENV),
        read=lambda: load_bots(path),
        version_of=lambda bots: version_of(bots, secret),
        build=build,
        running=RunningVersions(client),
        count=telemetry.count,
    )


def media_store(settings: Settings) -> MediaStore:
    """Where media are kept."""
    return MediaStore(settings.media_path, settings.media_keep_s, settings.media_max_total_mb * MEGABYTE)


def channel_builder(settings: Settings, client: "redis.Redis") -> Build:
    """What makes a channel; all of them share the kit, and so its HTTP session."""
    kit = ChannelKit(
        redis=client,
        http=requests.Session(),
        api_base={"wecom": settings.wecom_api_base},
        callback_max_skew_s=settings.callback_max_skew,
        pace_per_minute=settings.pace_per_minute,
        pace_per_hour=settings.pace_per_hour,
        bubbles=Streams(client),
        media=media_store(settings),
        count=telemetry.count,
        clock=time.time,
    )

    def build(address: ChannelAddress, channel: ChannelConfig) -> Channel:
        built: Channel = CHANNELS[channel.type].build(address, channel.config, kit)
        return built

    return build
