"""A bot with its people, tickets and records on a SQLite file, without queues: what is said comes back at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import redis
from pydantic import BaseModel

from bot.audit.anchors import Anchors
from bot.audit.entries import AuditEvent
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.backlog import Queue, Waiting
from bot.bots_file import BotConfig, ChannelConfig
from bot.commands.desk import CommandDesk, CommandOutcome
from bot.commands.tools import make_tools
from bot.commands.wording import is_command
from bot.golden.candidate import AnswerParts
from bot.golden.gate import ApprovalGate
from bot.golden.store import GoldenStore
from bot.handoff.desk import Desk, Notice
from bot.handoff.hours import service_hours
from bot.handoff.reach import Reach
from bot.handoff.sessions import Sessions
from bot.handoff.tickets import Tickets, TicketState
from bot.identity.links import VerificationLinks
from bot.knowledge.search import Hit
from bot.knowledge.store import KnowledgeStore
from bot.lease import Leases
from bot.media.store import MediaStore
from bot.messages import ConversationId, InboundMessage, MessageKind, Sender
from bot.records.database import Database
from bot.records.turns import TurnRecord, TurnRecords
from bot.settings import Settings
from bot.switches import Switches
from bot.texts import Texts
from tests.delivery.conftest import RecordingChannel

WAIT_S = 1800.0


def _answer_nothing() -> AnswerParts:
    raise AssertionError("no golden question is answered here")


class Block(BaseModel):
    """A channel's block in the bots file, as far as the desk reads it."""

    plain_userids: bool = False


APP = ChannelConfig(type="pushing", config=Block())
"""A channel that can write to anybody."""
ROBOT = ChannelConfig(type="answering", config=Block())
"""A channel that can only answer."""


def make_bot(bot_id: str = "imaging", **fields: object) -> BotConfig:
    """A bot with two servicers and an admin; ``fields`` replace its own."""
    values = {"name": "小影", "tenant": "academy", "admins": ["zhang.wei"], "servicers": ["li.na", "wu.min"]}
    return BotConfig.model_validate({"id": bot_id, "channels": {"app": APP}, **values, **fields})


def make_message(person: str, text: str, bot: str = "imaging", kind: MessageKind = MessageKind.TEXT) -> InboundMessage:
    return InboundMessage(
        conversation=ConversationId(bot=bot, channel="app", person=person),
        message_id=f"{person}:{text}",
        sender=Sender(id=person),
        kind=kind,
        text=text,
        sent_at=0.0,
        received_at=0.0,
    )


@dataclass
class Office:
    """The hand-off desk and the command desk over one database, with a clock that stands still until told."""

    database_url: str
    bots: tuple[BotConfig, ...]
    client: redis.Redis
    folder: Path
    now: float = 1_800_000_000.0
    turn: int = 0
    queue: Queue = field(default_factory=lambda: Queue(waiting=Waiting(messages=0), letters=()))

    def __post_init__(self) -> None:
        self.database = Database(self.database_url)
        self.database.upgrade()
        self.records = TurnRecords(self.database)
        self.tickets = Tickets(self.database, WAIT_S, lambda: self.now)
        self.bot = self.bots[0]
        bots = {bot.id: bot for bot in self.bots}
        self.channels = {
            (bot.id, name): RecordingChannel(pushes=channel.type == "pushing")
            for bot in self.bots
            for name, channel in bot.channels.items()
        }
        self.desk = Desk(
            self.tickets,
            self.records,
            Texts(),
            bots=bots,
            reach=Reach(bots, self.channels),
            sessions=Sessions(self.channels, lambda: self.now),
            hours=service_hours(Texts(), ZoneInfo("Asia/Shanghai"), lambda: self.now),
        )
        self.audited: list[AuditEvent] = []
        self.synced: list[tuple[str, str]] = []
        self.dropped: list[tuple[str, str]] = []
        self.warmed: list[str] = []
        """The texts of which vectors were made."""
        self.hits: Sequence[Hit] = ()
        self.leases = Leases(self.client)
        self.switches = Switches(self.client, self.database, lambda: self.now)
        audit = AuditLog(self.database, AuditKey(b"a secret of this test"), Anchors(self.folder / "anchors.jsonl"))
        tools = make_tools(
            Settings(),
            client=self.client,
            audit=audit,
            bots=bots,
            channels=self.channels,
            desk=self.desk,
            media=MediaStore(self.folder / "media", 3600.0),
            leases=self.leases,
            switches=self.switches,
            verification=VerificationLinks(b"a secret of this test, long enough", "https://bot.example"),
            find=lambda _question, _bot: self.hits,
            sync=lambda tenant, collection: self.synced.append((tenant, collection)),
            drop=lambda tenant, collection: self.dropped.append((tenant, collection)),
            warm=lambda entries, _tell: self.warmed.extend(entry.text for entry in entries),
            gate=ApprovalGate(bots, KnowledgeStore(self.database), GoldenStore(audit), _answer_nothing),
            clock=lambda: self.now,
        )
        self.tools = replace(tools, queue_of=lambda _bot: self.queue)
        self.commands = CommandDesk(self.tools, self.audited.append)

    def hear(self, person: str, text: str, bot: BotConfig | None = None, turn_id: str = "") -> CommandOutcome:
        """``person`` sends the command message ``text``; with ``turn_id`` it is a turn that runs again."""
        self.turn += 1
        bot = bot or self.bot
        message = make_message(person, text, bot.id)
        assert is_command(message), text
        return self.commands.handle(message, bot, turn_id or f"t{self.turn}", bot.language)

    def relay(self, person: str, text: str, kind: MessageKind = MessageKind.TEXT) -> tuple[Notice, ...]:
        """``person`` writes while a human has the conversation."""
        self.turn += 1
        message = make_message(person, text, self.bot.id, kind)
        ticket = self.desk.ticket_of(message.conversation)
        assert ticket is not None
        return self.desk.relay(self.bot, ticket, [message], f"t{self.turn}")

    def remember(self, person: str, question: str, answer: str) -> None:
        """A turn of the past, as the record keeps it."""
        self.turn += 1
        self.records.save(
            TurnRecord(
                id=f"t{self.turn}",
                bot=self.bot.id,
                tenant=self.bot.tenant,
                conversation=make_message(person, question, self.bot.id).conversation.key,
                person=person,
                asked_at=float(self.turn),
                answered_at=float(self.turn),
                message_ids=(f"m{self.turn}",),
                question=question,
                step="answer_from_knowledge",
                kind="faq",
                answer=answer,
            )
        )

    def silent(self, person: str) -> bool:
        """Whether the bot leaves ``person`` to a human."""
        return self.desk.ticket_of(ConversationId(bot=self.bot.id, channel="app", person=person)) is not None

    def state(self, number: int) -> TicketState:
        ticket = self.tickets.get(self.bot.id, number)
        assert ticket is not None
        return ticket.state


def told(notices: tuple[Notice, ...]) -> dict[str, str]:
    """What each person hears; every notice must have a key of its own."""
    assert len({notice.key for notice in notices}) == len(notices)
    return {notice.conversation.person: notice.text for notice in notices}
