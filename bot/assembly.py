"""Builds the product out of its parts for the web process, the worker and the command line.

The only module that imports channels, and the only one that decides which implementation runs. What is heavy (model,
index, SQL) is imported inside the functions that need it, so that web and beat stay small.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import redis
import requests
import structlog

import channels.wecom_aibot
import channels.wecom_app
from bot import bots_file, telemetry
from bot.bots_file import BotConfig
from bot.channel import Channel, ChannelAddress, ChannelKit
from bot.inbox import Inbox, InboxLimits
from bot.knowledge.remote import IndexClient
from bot.links import source_links
from bot.media.store import MediaStore
from bot.redis_client import SOCKET_TIMEOUT_S, connect
from bot.settings import Settings, load_settings, prepare_process, read_environment
from bot.streams import Streams
from bot.task_queue import create_celery, make_waker
from bot.texts import Texts
from bot.web.services import READ_DEADLINE_S, SourcePages, WebServices

if TYPE_CHECKING:
    from bot.conversation import ConversationWorker
    from bot.handoff.desk import Desk
    from bot.knowledge.remote import IndexServer
    from bot.knowledge.service import KnowledgeService
    from bot.lease import Leases
    from bot.llm.model import LanguageModel
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
        bots=configuration.bots,
        channels=_channels(configuration, client),
        texts=Texts(),
        sources=_sources(settings),
        llm_configured=settings.llm_configured,
    )


@dataclass(kw_only=True, slots=True)
class WorkerServices:
    """Everything a worker process holds."""

    bots: Mapping[str, BotConfig]
    redis: "redis.Redis"
    inbox: Inbox
    conversations: "ConversationWorker"
    outbox: "Outbox"
    desk: "Desk"
    database: "Database"
    knowledge: "KnowledgeService"
    index_server: "IndexServer"
    leases: "Leases"
    model: "LanguageModel | None"

    def start(self) -> None:
        """Bring the index to the truth of SQL and begin to serve other processes' requests."""
        self.knowledge.sync_everything()
        self.index_server.start()

    def sweep(self) -> None:
        """Wake conversations that are due."""
        self.inbox.sweep()

    def upkeep(self) -> None:
        """Tell people for whom nobody came; correct the counts of waiting messages."""
        from bot.outbox import OutboxReply
        from bot.parts import Text

        for ticket, notices in self.desk.overdue():
            for notice in notices:
                reply = OutboxReply(key=notice.key, parts=(Text(notice.text),), created_at=time.time())
                self.outbox.post(notice.conversation, reply)
            self.desk.tickets.unanswered(ticket)
        self.inbox.recount(self.bots)

    def health(self) -> dict[str, dict[str, Any]]:
        """What the heartbeat says of each part: ``{"sql": {"state": "ok"}, "index": {"state", "entries"}}``, and
        ``llm`` where there is a language model."""
        parts = {"sql": self.database.health(), "index": self.knowledge.health()}
        return parts | {"llm": self.model.health()} if self.model else parts

    def close(self) -> None:
        """Give back what other processes may be waiting for."""
        self.index_server.close()
        self.leases.close()
        self.knowledge.close()
        if self.model:
            self.model.close()
        self.database.dispose()


def build_worker() -> WorkerServices:
    """Everything the worker needs, with the schema brought up to date.

    Raises :class:`~bot.errors.KnowledgeError` when another process owns the embedded index.
    """
    from bot.commands.registry import CommandDesk
    from bot.conversation import ConversationWorker
    from bot.handoff.desk import Desk
    from bot.handoff.reach import Reach
    from bot.handoff.tickets import Tickets
    from bot.knowledge.remote import IndexServer
    from bot.lease import Leases
    from bot.pipeline import Pipeline
    from bot.records.database import Database
    from bot.records.turns import TurnRecords

    configuration = read_configuration()
    settings, bots = configuration.settings, configuration.bots
    client, texts = connect(settings.redis_url), Texts()
    database = Database(settings.database_url)
    database.upgrade()
    model = language_model(settings, client)
    knowledge = build_knowledge(configuration, database, model)
    wake = make_waker(create_celery(settings.broker_url), telemetry.count)
    records = TurnRecords(database)
    connected = _channels(configuration, client)
    desk = Desk(Tickets(database, settings.handoff_wait_s, time.time), records, texts, bots, Reach(bots, connected))
    outbox = _outbox(configuration, client, wake, records, desk)
    pipeline = Pipeline(
        bots=bots,
        channels=connected,
        answerer=knowledge.answerer,
        commands=CommandDesk(desk, texts),
        desk=desk,
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
        answering=pipeline,
        wake=wake,
        count=telemetry.count,
        useful_s=settings.useful_s,
    )
    server = IndexServer(connect(settings.redis_url, socket_timeout_s=None), knowledge.operations())
    return WorkerServices(
        bots=bots,
        redis=client,
        inbox=_inbox(settings, client),
        conversations=conversations,
        outbox=outbox,
        desk=desk,
        database=database,
        knowledge=knowledge,
        index_server=server,
        leases=leases,
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
    return Inbox(client, limits, make_waker(create_celery(settings.broker_url), telemetry.count))


def _sources(settings: Settings) -> SourcePages:
    patient = connect(settings.redis_url, socket_timeout_s=READ_DEADLINE_S + SOCKET_TIMEOUT_S)
    return SourcePages(
        links=source_links(settings),
        knowledge=IndexClient(patient),
        timezone=ZoneInfo(settings.timezone),
        at_once=max(1, settings.web_threads // 2),
    )


def _channels(configuration: Configuration, client: "redis.Redis") -> dict[tuple[str, str], Channel]:
    settings = configuration.settings
    kit = ChannelKit(
        redis=client,
        http=requests.Session(),
        api_base={"wecom": settings.wecom_api_base},
        callback_max_skew_s=settings.callback_max_skew,
        pace_per_minute=settings.pace_per_minute,
        pace_per_hour=settings.pace_per_hour,
        bubbles=Streams(client),
        media=MediaStore(settings.media_path, settings.media_keep_s),
        count=telemetry.count,
        clock=time.time,
    )
    return {
        (bot.id, name): CHANNELS[channel.type].build(
            ChannelAddress(bot=bot.id, channel=name, bot_name=bot.name), channel.config, kit
        )
        for bot in configuration.bots.values()
        for name, channel in bot.channels.items()
    }
