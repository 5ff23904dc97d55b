"""Ingestion in the background of a worker: its jobs, and what tells workers of those that are due."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from bot.audit.log import AuditLog
from bot.bots_file import BotConfig
from bot.golden.gate import gated_in
from bot.knowledge.approval import four_eyes_in, one_person, rules_of
from bot.knowledge.ingest import Ingestor
from bot.knowledge.jobs import IngestJobs, JobRunner
from bot.knowledge.loaders.reader import FileReader
from bot.knowledge.opening import figure_store
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import SyncReport
from bot.knowledge.warming import warm_vectors
from bot.knowledge_service import KnowledgeService
from bot.records.database import Database
from bot.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingestion:
    """``wake(job)`` tells a worker of a job."""

    runner: JobRunner
    wake: Callable[[str], None]

    def wake_due(self) -> None:
        """Tell workers of the jobs that wait, and of those whose worker is gone."""
        for job in self.runner.due():
            self.wake(job)


def ingest_jobs(settings: Settings, database: Database) -> IngestJobs:
    """The jobs of an installation; their files wait under ``DATA_DIR/uploads``."""
    return IngestJobs(database, settings.data_dir / "uploads")


def build_ingestion(
    settings: Settings,
    *,
    database: Database,
    audit: AuditLog,
    bots: Mapping[str, BotConfig],
    knowledge: KnowledgeService,
    wake: Callable[[str], None],
) -> Ingestion:
    """For the process that owns the index."""

    def sync(tenant: str, collection: str) -> SyncReport:
        return SyncReport(**knowledge.sync({"tenant": tenant, "collection": collection}))

    ingestor = Ingestor(
        store=KnowledgeStore(
            database, audit, partial(four_eyes_in, bots), partial(one_person, bots, audit.key.pseudonym)
        ),
        reader=FileReader(figure_store(settings)),
        warm=warm_vectors(settings),
        sync=sync,
        timezone=ZoneInfo(settings.timezone),
        rules=partial(rules_of, bots),
        gate=knowledge.gate(audit),
        gated=partial(gated_in, bots),
    )
    return Ingestion(runner=JobRunner(ingest_jobs(settings, database), ingestor), wake=wake)
