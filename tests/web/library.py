"""A small library behind the pages: documents go in as an ingest would store them, pages come out over HTTP."""

import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis
from werkzeug.test import Client, TestResponse

from bot.identity.links import VerificationLinks
from bot.inbox import Inbox, InboxLimits
from bot.knowledge.chunk import passages
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.figures import FigureStore
from bot.knowledge.loaders import load_markdown, load_plain_text
from bot.knowledge.origin import ALWAYS_TO, Origin, make_entry
from bot.knowledge.remote import IndexClient
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission
from bot.links import DAY_S, SourceLinks
from bot.live import EMPTY, Live
from bot.pulling import Bells
from bot.records.database import Database
from bot.reload import Reloader
from bot.running_versions import RunningVersions
from bot.streams import Streams
from bot.texts import Texts
from bot.web.services import SourcePages, WebServices
from tests.media_sources import NO_MEDIA

SECRET = b"a secret of the tests, long enough"
BASE_URL = "https://bot.example.com"
LINKS = SourceLinks(SECRET, BASE_URL, 30 * DAY_S)
VERIFICATION = VerificationLinks(SECRET, BASE_URL)
NOON = 1_767_240_000.0
"""2026-01-01 12:00 in Shanghai: when documents are approved unless a test says otherwise."""


NOWHERE = Path("/nonexistent")


def section(title: str, *paragraphs: str) -> str:
    return f"## {title}\n\n" + "\n\n".join(paragraphs) + "\n\n"


def faq(origin: Origin, question: str, answer: str, *, row: int = 2, valid_to: float = ALWAYS_TO) -> Entry:
    return make_entry(
        origin,
        kind=EntryKind.FAQ,
        title=question,
        questions=(question,),
        text=answer,
        location=f"第 {row} 行",
        valid_to=valid_to,
    )


@dataclass
class Library:
    """Documents of the tenant ``academy``; ``client`` asks the web process."""

    database: Database
    client: Client
    figures: Path
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def store(self) -> KnowledgeStore:
        return KnowledgeStore(self.database)

    def origin(self, suffix: str, *, audience: Audience = Audience.PUBLIC, tenant: str = "academy") -> Origin:
        """A new document, which no other test knows."""
        source = f"document-{next(self.numbers)}{suffix}"
        return Origin(tenant=tenant, collection="imaging", audience=audience, source=source)

    def put(self, origin: Origin, text: str, *, approve: bool = True, now: float = NOON) -> list[Entry]:
        """Store a document; its entries in order."""
        load = load_plain_text if origin.source.endswith(".txt") else load_markdown
        document = load(text, name=Path(origin.source).stem)
        return self.put_entries(origin, *passages(document, origin), title=document.title, approve=approve, now=now)

    def put_entries(
        self, origin: Origin, *entries: Entry, title: str = "表", approve: bool = True, now: float = NOON
    ) -> list[Entry]:
        submission = Submission(origin=origin, title=title, content_hash=f"{now}", entries=entries)
        self.store.put(submission, approve=approve, actor="cli:li", now=now)
        return list(entries)

    def withdraw(self, origin: Origin, *, now: float) -> None:
        assert self.store.withdraw(origin.tenant, origin.collection, origin.source, actor="cli:li", now=now)

    def open(
        self,
        entry: Entry,
        *,
        reader: Audience = Audience.PUBLIC,
        tenant: str = "academy",
        accept_language: str = "",
        links: SourceLinks = LINKS,
        now: float | None = None,
    ) -> TestResponse:
        """Follow the link that an answer to ``reader`` would carry; ``now`` is when it was made."""
        url = links.url_for(entry.id, reader, tenant, time.time() if now is None else now)
        return self.client.get(url.removeprefix(BASE_URL), headers={"Accept-Language": accept_language})


def web_services(
    client: "redis.Redis",
    *,
    at_once: int = 4,
    reloader: Reloader | None = None,
    proofs_dir: Path = NOWHERE,
    metrics_dir: Path = NOWHERE,
    figures_dir: Path = NOWHERE,
) -> WebServices:
    """The web process of an installation that runs what ``reloader`` holds, or has no bots."""
    limits = InboxLimits(person_per_minute=20, conversation_waiting=50, bot_waiting=100)
    return WebServices(
        redis=client,
        inbox=Inbox(client, limits, lambda _conversation: None),
        bells=Bells(client, lambda _bot, _channel: None),
        streams=Streams(client),
        reloader=reloader or _no_configuration(client),
        media=NO_MEDIA,
        texts=Texts(),
        sources=SourcePages(
            links=LINKS,
            knowledge=IndexClient(client),
            figures=FigureStore(figures_dir),
            timezone=ZoneInfo("Asia/Shanghai"),
            at_once=at_once,
        ),
        verification=VERIFICATION,
        proofs_dir=proofs_dir,
        metrics_dir=metrics_dir,
        llm_configured=False,
    )


def _no_configuration(client: "redis.Redis") -> Reloader:
    """No bots, and no file that could bring some."""
    return Reloader(
        Live(EMPTY),
        kind="web",
        files=(),
        read=dict,
        version_of=lambda _bots: "",
        build=lambda address, _config: pytest.fail(f"{address} is built"),
        running=RunningVersions(client),
        count=lambda *_: None,
    )
