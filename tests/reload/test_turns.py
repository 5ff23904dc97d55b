"""A turn under way ends with the configuration it began with; the next one has the new."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
import redis
import structlog

from bot import keys
from bot.bots_file import BotConfig
from bot.conversation import ConversationWorker, TurnOutcome
from bot.inbox import Inbox, InboxLimits
from bot.lease import Leases
from bot.live import EMPTY, Live, next_snapshot
from bot.messages import ConversationId, InboundMessage
from bot.outbox import Outbox
from bot.parts import Text
from bot.replies import OutboxReply
from tests.delivery.conftest import RecordingChannel, make_message
from tests.handoff.office import APP, ROBOT

NOW = 1_800_000_001.0
DOCTOR = ConversationId(bot="imaging", channel="app", person="wang.fang")


@dataclass
class Namesake:
    """Answers with the bot's name as it finds it before and after ``meanwhile`` happened."""

    live: Live
    meanwhile: Callable[[str], None] = lambda _text: None
    turns: list[str] = field(default_factory=list)

    def mergeable(self, message: InboundMessage) -> bool:
        return False

    def merged_notice(self, message: InboundMessage) -> str:
        raise AssertionError("nothing is merged in these tests")

    def run(
        self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes]
    ) -> TurnOutcome:
        before = self.live.bots["imaging"].name
        self.meanwhile(messages[0].text)
        words = f"{before} {self.live.bots['imaging'].name}"
        key = f"turn-{messages[0].message_id}"
        return TurnOutcome(reply=OutboxReply(key=key, parts=(Text(words),), created_at=NOW))

    def apologise(self, messages: Sequence[InboundMessage], reason: str, heard: Sequence[bytes]) -> TurnOutcome:
        raise AssertionError(reason)


class Worker:
    """A worker over a real Redis whose configuration changes when told; every channel built is kept by name."""

    def __init__(self, client: "redis.Redis", leases: Leases) -> None:
        self.client = client
        self.channels: dict[str, RecordingChannel] = {}
        self.live = Live(EMPTY)
        self.becomes("旧名")
        self.bot = Namesake(self.live)
        limits = InboxLimits(person_per_minute=1000, conversation_waiting=1000, bot_waiting=1000)
        self.inbox = Inbox(client, limits, lambda _: None)
        count, clock = (lambda *_, **__: None), (lambda: NOW)
        outbox = Outbox(client, wake=lambda _: None, concluded=lambda *_: None, count=count, useful_s=600, clock=clock)
        self.worker = ConversationWorker(
            client,
            leases=leases,
            outbox=outbox,
            channels=self.live.channels,
            pinned=self.live.pinned,
            answering=self.bot,
            wake=lambda _: None,
            count=count,
            useful_s=600,
            clock=clock,
        )

    def becomes(self, name: str, **more: object) -> None:
        """The file now has the bot under this name."""
        bot = BotConfig.model_validate({"id": "imaging", "name": name, "channels": {"app": APP}, **more})
        self.channels[name] = RecordingChannel()
        self.live.replace(next_snapshot(self.live.snapshot, {"imaging": bot}, name, lambda *_: self.channels[name]))

    def says(self, *texts: str) -> None:
        for text in texts:
            self.inbox.accept(make_message(text, text, DOCTOR))

    def sent(self, name: str) -> list[str]:
        return [content for _, content in self.channels[name].sent]

    def waiting(self) -> int:
        return int(self.client.llen(keys.queue(DOCTOR)))


@pytest.fixture
def worker(redis_client: "redis.Redis", leases: Leases) -> Worker:
    return Worker(redis_client, leases)


@pytest.fixture
def leases(redis_client: "redis.Redis") -> Iterator[Leases]:
    leases = Leases(redis_client)
    yield leases
    leases.close()


def test_the_turn_under_way_keeps_its_configuration_and_the_next_has_the_new(worker: Worker) -> None:
    worker.bot.meanwhile = lambda text: worker.becomes("新名") if text == "一" else None
    worker.says("一", "二")
    worker.worker.drain(DOCTOR.key)
    assert worker.sent("旧名") == ["旧名 旧名"], "decided and sent by what it began with"
    assert worker.sent("新名") == ["新名 新名"], "in the same drain"


def test_a_conversation_whose_channel_is_taken_away_waits_and_goes_on_when_it_is_back(worker: Worker) -> None:
    worker.bot.meanwhile = lambda text: worker.becomes("别处", channels={"ai": ROBOT}) if text == "一" else None
    worker.says("一", "二")
    worker.worker.drain(DOCTOR.key)
    assert worker.sent("旧名") == ["旧名 旧名"]
    assert worker.waiting() == 1
    with structlog.testing.capture_logs() as logs:
        worker.worker.drain(DOCTOR.key)
    assert [line["event"] for line in logs] == ["conversation_without_channel"]
    assert worker.waiting() == 1
    assert worker.client.zscore(keys.due(DOCTOR.tag), DOCTOR.key) is not None, "the sweep goes on looking at it"
    worker.becomes("回来")
    worker.worker.drain(DOCTOR.key)
    assert worker.sent("回来") == ["回来 回来"]
    assert worker.waiting() == 0


def test_a_reply_that_could_not_be_sent_goes_out_over_the_channel_of_later(worker: Worker) -> None:
    worker.says("一")
    reply = OutboxReply(key="k", parts=(Text("还没发出的话"),), created_at=NOW)
    worker.client.rpush(keys.outbox(DOCTOR), replace(reply).encode())
    worker.becomes("新名")
    worker.worker.drain(DOCTOR.key)
    assert worker.sent("新名") == ["还没发出的话", "新名 新名"]
