"""Builds the product out of its parts for the web process, the worker and the command line.

The only module that imports channels, and the only one that decides which implementation runs. What is heavy (model,
index, SQL) is imported inside the functions that need it, so that web and beat stay small.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import redis
import structlog

import channels.wecom_aibot
import channels.wecom_app
import channels.wecom_appchat
import channels.wecom_kf
import channels.wecom_robot
from bot import bots_file, telemetry
from bot.audit.entries import AuditEvent
from bot.bots_file import BotConfig, ChannelConfig
from bot.channel import Channel, ChannelAddress, ChannelKit
from bot.connections import Connections
from bot.gathered_wakes import GatheredWakes
from bot.identity.links import VerificationLinks
from bot.inbox import Inbox, InboxLimits
from bot.knowledge.figures import FigureStore
from bot.knowledge.remote import IndexClient
from bot.links import signing_secret, source_links
from bot.live import EMPTY, Build, Live, next_snapshot
from bot.media.fetch import MEGABYTE
from bot.media.store import MediaStore
from bot.pulling import Bells
from bot.redis_client import SOCKET_TIMEOUT_S, connect
from bot.reload import Reloader
from bot.running_versions import RunningVersions, version_of
from bot.settings import DOTENV, Settings, load_settings, prepare_process, read_environment
from bot.streams import Streams
from bot.task_queue import create_celery, make_prefetcher, make_pull_waker, make_wake_counter, make_waker
from bot.texts import Texts
from bot.web.services import READ_DEADLINE_S, SourcePages, WebServices

if TYPE_CHECKING:
    from bot.answering.grounded import Composer
    from bot.knowledge_service import KnowledgeService
    from bot.llm.model import LanguageModel
    from bot.records.database import Database

log = structlog.get_logger()

CHANNELS: Mapping[str, Any] = {
    "wecom-app": channels.wecom_app,
    "wecom-aibot": channels.wecom_aibot,
    "wecom-kf": channels.wecom_kf,
    "wecom-robot": channels.wecom_robot,
    "wecom-appchat": channels.wecom_appchat,
}
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
        inbox=build_inbox(settings, client),
        bells=Bells(client, make_pull_waker(create_celery(settings.broker_url), telemetry.count)),
        streams=Streams(client),
        reloader=build_reloader(configuration, client, "web"),
        media=media_store(settings),
        texts=Texts(),
        sources=_sources(settings),
        verification=VerificationLinks.from_settings(settings),
        proofs_dir=settings.proofs_dir,
        metrics_dir=settings.metrics_dir,
        llm_configured=settings.llm_configured,
    )


def build_knowledge(
    configuration: Configuration, database: "Database", model: "LanguageModel | None"
) -> "KnowledgeService":
    """Knowledge and answers, composed by ``model`` where there is one.

    Raises :class:`~bot.errors.KnowledgeError` when another process owns the embedded index.
    """
    from bot.knowledge_service import KnowledgeService

    settings = configuration.settings
    return KnowledgeService(settings, configuration.bots, database, build_composer(settings, model))


def build_composer(settings: Settings, model: "LanguageModel | None") -> "Composer | None":
    """What composes answers by ``model``, where there is one."""
    from bot.answering.grounded import Composer
    from bot.answering.masks import Masks

    if model is None:
        return None
    masks = Masks.from_settings(settings, connect(settings.redis_url))
    return Composer(model, masks, urlsplit(settings.public_url).hostname or "")


def language_model(settings: Settings, client: "redis.Redis") -> "LanguageModel | None":
    """The language model the settings name, ``None`` where they name none; imports its library only where they do."""
    if not settings.llm_configured:
        return None
    from bot.llm.model import LanguageModel

    return LanguageModel.from_settings(settings, client)


def build_inbox(settings: Settings, client: "redis.Redis") -> Inbox:
    limits = InboxLimits(
        person_per_minute=settings.limit_person_per_minute,
        conversation_waiting=settings.limit_conversation_waiting,
        bot_waiting=settings.limit_bot_waiting,
        wait_replicas=settings.inbox_wait_replicas,
    )
    celery = create_celery(settings.broker_url)
    wakes = GatheredWakes(make_waker(celery, telemetry.count))
    return Inbox(
        client,
        limits,
        wakes,
        make_prefetcher(celery, telemetry.count),
        wake_later=wakes.later,
        wakes_waiting=make_wake_counter(celery, telemetry.count),
        count=telemetry.count,
    )


def _sources(settings: Settings) -> SourcePages:
    patient = connect(settings.redis_url, socket_timeout_s=READ_DEADLINE_S + SOCKET_TIMEOUT_S)
    return SourcePages(
        links=source_links(settings),
        knowledge=IndexClient(patient),
        figures=FigureStore(settings.data_dir / "figures"),
        timezone=ZoneInfo(settings.timezone),
        at_once=max(1, settings.web_threads // 2),
    )


def build_reloader(
    configuration: Configuration, client: "redis.Redis", kind: str, audit: Callable[[AuditEvent], object] | None = None
) -> Reloader:
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
        audit=audit,
    )


def media_store(settings: Settings) -> MediaStore:
    """Where media are kept."""
    return MediaStore(settings.media_path, settings.media_keep_s, settings.media_max_total_mb * MEGABYTE)


def channel_builder(settings: Settings, client: "redis.Redis") -> Build:
    """What makes a channel; all of them share the kit, and so its connections."""
    kit = ChannelKit(
        redis=client,
        http=Connections(),
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
