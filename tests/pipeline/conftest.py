"""A pipeline over a real index, a real database and channels that only write down; no queues and no platform."""

import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
import redis
from pydantic import BaseModel

from bot.answering.answerer import Answerer
from bot.answering.evidence import Retriever
from bot.answering.grounded import Composer
from bot.audit.anchors import Anchors
from bot.audit.entries import AuditEvent
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.bots_file import BotConfig, ChannelConfig
from bot.channel import Channel
from bot.commands.desk import CommandDesk
from bot.commands.tools import Tools, make_tools
from bot.conversation import TurnOutcome
from bot.events import Event
from bot.feedback.records import FeedbackRecords
from bot.handoff.parts import build_desk
from bot.handoff.tickets import Tickets
from bot.holding import Holding
from bot.identity.links import VerificationLinks
from bot.knowledge.approval import no_gate
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.search import Searcher
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.tokens import Tokenizer
from bot.lease import HEARD_KEPT, Leases
from bot.links import SourceLinks
from bot.lookup.desk import LookUp
from bot.lookup.shelf import Shelf
from bot.media.attachments import Attachments
from bot.media.fetch import MEGABYTE, FetchLimits, MediaFetcher
from bot.media.own_evidence import OwnEvidence
from bot.media.own_files import OwnFiles
from bot.media.parsing.sandbox import Sandbox
from bot.media.parts import MediaParts
from bot.media.reading import MediaReader
from bot.media.speech import SpeechService
from bot.media.store import MediaStore
from bot.messages import ConversationId, InboundMessage, MessageKind, Quoted, Sender
from bot.parts import words_of
from bot.pipeline import Pipeline
from bot.reactions import Reactions
from bot.records.database import Database
from bot.records.turns import TurnRecord, TurnRecords
from bot.replies import OutboxReply
from bot.safety.cases.parts import SafetyParts, build_ledger, build_safety
from bot.safety.consent.desk import HealthConsent
from bot.safety.consent.records import Consents
from bot.safety.precautions import Precautions
from bot.settings import Settings
from bot.switches import Switches
from bot.texts import Texts
from tests.delivery.conftest import RecordingChannel
from tests.fakes.fetching_channel import FetchingChannel

NOW = 1_800_000_000.0
FAQS = {
    "如何修改登录密码？": "在“我的—设置—安全”里点“修改密码”，输入旧密码和两次新密码。",
    "会议室怎么预订？": "在日历里新建会议，点“添加会议室”，选好时间即可。",
    "年假有几天？": "入职满一年有五天，满十年有十天。",
}
PASSAGES = {
    "打印机在三楼东侧，刷工卡后取件，彩色打印每月限一百页。": Audience.PUBLIC,
    "差旅报销须在返回后三十天内提交，附发票原件和行程单。": Audience.PUBLIC,
    "示例中心的夜间急诊电话只告诉已认证的医生：分机八零二。": Audience.HCP,
}


class Group(BaseModel):
    """A group's block."""

    audience: Literal["public", "hcp", "staff"]


class Block(BaseModel):
    """A channel's block, as far as the product reads it."""

    audience: Literal["public", "hcp", "staff"] = "public"
    audience_for: Literal["everybody", "bound"] = "everybody"
    chats: dict[str, Group] = {}
    plain_userids: bool = False


ROBOT = Block(audience="hcp", chats={"doctors": Group(audience="hcp")}, plain_userids=True)
BOT = BotConfig(
    id="imaging",
    name="小影",
    tenant="academy",
    knowledge=("c",),
    admins=("zhang.wei",),
    servicers=("li.na",),
    external_media=True,
    channels={"app": ChannelConfig(type="app", config=Block()), "ai": ChannelConfig(type="ai", config=ROBOT)},
)


def entry(kind: EntryKind, title: str, text: str, audience: Audience = Audience.PUBLIC) -> Entry:
    return Entry(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, text)),
        tenant="academy",
        collection="c",
        kind=kind,
        audience=audience,
        title=title,
        questions=(title,) if kind is EntryKind.FAQ else (),
        text=text,
        source="手册.md",
        location="第一章",
        valid_from=-math.inf,
        valid_to=math.inf,
    )


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> E5Embedder:
    return E5Embedder(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return make_tokenizer()


@pytest.fixture(scope="session")
def searcher(
    tmp_path_factory: pytest.TempPathFactory, embedder: E5Embedder, tokenizer: Tokenizer
) -> Iterator[Searcher]:
    index = EdgeIndex(tmp_path_factory.mktemp("index"), embedder, tokenizer)
    entries = [entry(EntryKind.FAQ, question, answer) for question, answer in FAQS.items()]
    entries += [entry(EntryKind.PASSAGE, "员工手册", text, audience) for text, audience in PASSAGES.items()]
    index.upsert(entries)
    yield Searcher(index, embedder, Calibration.shipped())
    index.close()


@dataclass
class House:
    """A bot at work; ``says`` runs one turn, behind what was said before in its conversation, and gives what it led to.
    ``posted`` is what the safety desk was told."""

    pipeline: Pipeline
    records: TurnRecords
    tickets: Tickets
    answerer: Answerer
    feedback: FeedbackRecords
    channels: dict[tuple[str, str], RecordingChannel]
    clock: "Clock"
    bots: dict[str, BotConfig]
    media: MediaParts
    tools: Tools
    safety: SafetyParts
    posted: list[tuple[ConversationId, OutboxReply]]
    shown: list[str] = field(default_factory=list)
    heard: dict[str, list[bytes]] = field(default_factory=dict)
    said: int = 0

    def message(self, text: str, *, channel: str = "app", chat: str = "", **more: object) -> InboundMessage:
        self.said += 1
        message = InboundMessage(
            conversation=ConversationId(bot="imaging", channel=channel, person="wang.fang", chat=chat),
            message_id=f"m{self.said}",
            sender=Sender(id="wang.fang"),
            kind=MessageKind.TEXT,
            text=text,
            sent_at=NOW,
            received_at=NOW,
            stream_id=f"s{self.said}" if channel == "ai" else "",
        )
        return replace(message, **more)  # type: ignore[arg-type]

    def says(self, text: str, **more: object) -> TurnOutcome:
        return self.runs([self.message(text, **more)])  # type: ignore[arg-type]

    def runs(self, messages: list[InboundMessage]) -> TurnOutcome:
        """One turn, which is committed."""
        heard = self.heard.setdefault(messages[0].conversation.key, [])
        outcome = self.pipeline.run(messages, self.shown.append, heard)
        heard[:] = [*heard, *outcome.heard][-HEARD_KEPT:]
        return outcome

    def delivers(self, text: str, **more: object) -> TurnRecord:
        """One turn whose reply arrives: its record is kept, as the conclusion of its delivery would."""
        record = self.record(text, **more)
        self.records.save(record)
        return record

    def event(self, event: Event, **more: object) -> TurnOutcome:
        return self.says("", kind=MessageKind.EVENT, event=event, **more)

    def hears(self, text: str, **more: object) -> str:
        return words(self.says(text, **more))

    def record(self, text: str, **more: object) -> TurnRecord:
        return TurnRecord.decode(self.says(text, **more).reply.record)


def words(outcome: TurnOutcome) -> str:
    return "".join(words_of(part) for part in outcome.reply.parts)


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def quoted(text: str) -> Quoted:
    return Quoted(kind=MessageKind.TEXT, text=text)


def media_parts(
    folder: Path,
    *,
    channels: Mapping[tuple[str, str], Channel],
    embedder: E5Embedder,
    tokenizer: Tokenizer,
    clock: Callable[[], float],
    speech: SpeechService | None,
) -> MediaParts:
    """Media without a vision model; pictures are read by the real reader."""
    store = MediaStore(folder, 3600.0, clock=clock)
    files = OwnFiles(store, 7200.0, clock)
    return MediaParts(
        store=store,
        fetcher=MediaFetcher(store, channels, FetchLimits(max_bytes=MEGABYTE, fetch_s=2.0, keep_s=7200.0)),
        reader=MediaReader(Sandbox(), None, speech),
        files=files,
        evidence=OwnEvidence(files, embedder, tokenizer, Calibration.shipped(), ANSWER_THRESHOLD),
        keep_s=7200.0,
    )


@pytest.fixture
def speech() -> SpeechService | None:
    """What writes down voices: nothing, where a module of tests has no other."""
    return None


@pytest.fixture
def composer() -> Composer | None:
    """What composes answers: nothing, where a module of tests has no model."""
    return None


def _unaudited(_event: AuditEvent) -> None:
    """No test of the pipeline looks into the audit log."""


@pytest.fixture
def house(
    *,
    tmp_path: Path,
    sqlite_url: str,
    redis_client: redis.Redis,
    searcher: Searcher,
    embedder: E5Embedder,
    tokenizer: Tokenizer,
    speech: SpeechService | None,
    composer: Composer | None,
) -> Iterator[House]:
    database = Database(sqlite_url)
    bots = {"imaging": BOT}
    channels = {("imaging", "app"): FetchingChannel(), ("imaging", "ai"): FetchingChannel(pushes=False)}
    clock, feedback = Clock(), FeedbackRecords(database)
    audit = AuditLog(database, AuditKey(b"a secret of this test"), Anchors(tmp_path / "anchors.jsonl"))
    records, texts, settings = TurnRecords(database), Texts(), Settings(data_dir=tmp_path)
    desk = build_desk(settings, audit, records, texts, bots=bots, channels=channels, clock=clock)
    answerer = Answerer(Retriever(searcher, ANSWER_THRESHOLD), composer)
    media = media_parts(
        tmp_path / "media",
        channels=channels,
        embedder=embedder,
        tokenizer=tokenizer,
        clock=clock,
        speech=speech,
    )
    attachments, switches = Attachments(media, answerer, texts), Switches(redis_client, database, clock)
    tools = make_tools(
        Settings(),
        client=redis_client,
        audit=audit,
        bots=bots,
        channels=channels,
        desk=desk,
        media=media.store,
        leases=Leases(redis_client),
        switches=switches,
        verification=VerificationLinks(b"a secret of this test, long enough", "https://bot.example"),
        find=lambda question, bot: answerer.retriever.retrieve((question,), bot, Audience.STAFF, clock()).both.hits,
        sync=lambda _tenant, _collection: None,
        drop=lambda _tenant, _collection: None,
        warm=lambda _entries, _tell: None,
        gate=no_gate,
        clock=clock,
    )
    posted: list[tuple[ConversationId, OutboxReply]] = []
    safety = build_safety(
        build_ledger(settings, audit, bots, clock),
        client=redis_client,
        channels=channels,
        mailer=None,
        post=lambda conversation, reply: posted.append((conversation, reply)) is None,
        handed_over=lambda conversation: desk.ticket_of(conversation) is not None,
        wake=lambda: None,
        texts=texts,
    )
    consent = HealthConsent(
        Consents(audit),
        texts,
        handed_over=lambda conversation: desk.ticket_of(conversation) is not None,
        drop=attachments.drop,
    )
    pipeline = Pipeline(
        bots=bots,
        channels=channels,
        answerer=answerer,
        look_up=LookUp(Shelf(KnowledgeStore(database)), redis_client, texts),
        commands=CommandDesk(tools, _unaudited),
        holding=Holding(switches, desk, texts, tools.timezone, attachments.passed_on),
        desk=desk,
        reactions=Reactions(feedback, records, desk, tools.arrivals, texts),
        attachments=attachments,
        watch=safety.watch,
        courier=safety.courier,
        precautions=Precautions(desk, texts, consent),
        consent=consent,
        texts=texts,
        links=SourceLinks(b"a secret of this test, long enough", "https://bot.example", 3600),
        versions={"embedder": "e5"},
        has_knowledge=lambda bot: "c" in bot.knowledge,
        audience_of=tools.bindings.audience_of,
        clock=clock,
    )
    tickets = desk.tickets
    yield House(pipeline, records, tickets, answerer, feedback, channels, clock, bots, media, tools, safety, posted)
    database.dispose()
