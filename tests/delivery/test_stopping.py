"""An emergency stop: what the bot has not said stays unsaid, humans are heard, and nothing is lost without a word."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest
import redis

from bot import keys
from bot.channel import Retry
from bot.conversation import ConversationWorker, TurnOutcome
from bot.holding import is_silenced
from bot.inbox import Inbox, InboxLimits
from bot.lease import Leases
from bot.messages import InboundMessage
from bot.outbox import STOPPED_S, Outbox
from bot.parts import Text
from bot.records.database import Database
from bot.records.turns import TurnRecord
from bot.replies import Delivery, OutboxReply
from bot.switches import State, Switch, Switches
from tests.delivery.conftest import DOCTOR, RecordingChannel, make_message

NOW = 1_800_000_000.0
KILLED = Switch(bot="imaging", state=State.KILLED, at=NOW, by="zhang.wei")
RECORD = TurnRecord(
    id="t",
    bot="imaging",
    tenant="default",
    conversation=DOCTOR.key,
    person=DOCTOR.person,
    asked_at=NOW,
    answered_at=NOW,
    message_ids=("m",),
    question="问",
    step="compose",
    kind="faq",
    answer="答",
)


class Human:
    """Answers what is asked as the pipeline does while the bot is killed."""

    def mergeable(self, message: InboundMessage) -> bool:
        return True

    def merged_notice(self, message: InboundMessage) -> str:
        return ""

    def run(
        self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes]
    ) -> TurnOutcome:
        reply = OutboxReply(key=f"turn-{messages[0].message_id}", parts=(Text("已转人工"),), created_at=NOW)
        return TurnOutcome(reply=reply)

    def apologise(self, messages: Sequence[InboundMessage], reason: str, heard: Sequence[bytes]) -> TurnOutcome:
        raise AssertionError("nobody waits for so long here")


class Office:
    """A worker over a real Redis and real switches, with a channel at the edge and a clock to turn."""

    def __init__(self, client: redis.Redis, leases: Leases, switches: Switches) -> None:
        self.client, self.switches, self.channel, self.now = client, switches, RecordingChannel(), NOW
        self.fates: list[tuple[str, str]] = []
        self.inbox = Inbox(client, InboxLimits(person_per_minute=99, conversation_waiting=99, bot_waiting=99), str)
        self.outbox = Outbox(
            client,
            wake=str,
            concluded=self._concluded,
            count=lambda _event, **_labels: None,
            useful_s=600,
            stopped=partial(is_silenced, switches),
            clock=lambda: self.now,
            sleep=lambda _: None,
        )
        self.worker = ConversationWorker(
            client,
            leases=leases,
            outbox=self.outbox,
            channels={("imaging", "app"): self.channel},
            answering=Human(),
            wake=str,
            count=lambda _event, **_labels: None,
            useful_s=600,
            clock=lambda: self.now,
        )

    def _concluded(self, _conversation: object, delivery: Delivery) -> None:
        self.fates.append((delivery.reply.key, delivery.failure))

    def turn(self, state: State) -> None:
        self.switches.turn([replace(KILLED, state=state)], f"turn-{self.client.incr('test:turns')}")

    def post(self, key: str, *texts: str, kind: str = "") -> None:
        record = replace(RECORD, id=key, kind=kind).encode() if kind else ""
        parts = tuple(Text(text) for text in texts)
        self.outbox.post(DOCTOR, OutboxReply(key=key, parts=parts, created_at=NOW, record=record))

    def drain(self) -> list[str]:
        self.worker.drain(DOCTOR.key)
        return [text for _, text in self.channel.sent]


@pytest.fixture
def office(redis_client: redis.Redis, leases: Leases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('records')}/bot.db")
    database.upgrade()
    yield Office(redis_client, leases, Switches(redis_client, database, lambda: NOW))
    database.dispose()


def test_an_answer_that_was_not_sent_stays_while_the_bot_is_killed_and_goes_out_after(office: Office) -> None:
    office.post("answer", "答案", kind="faq")
    office.turn(State.KILLED)
    assert office.drain() == []
    due = office.client.zscore(keys.due(DOCTOR.tag), DOCTOR.key)
    assert due is not None
    server_now = office.client.time()[0]
    assert server_now < due <= server_now + STOPPED_S + 1, "somebody looks again soon"
    office.turn(State.RUNNING)
    assert office.drain() == ["答案"]
    assert office.fates == [("answer", "")]


def test_an_answer_that_is_of_no_use_any_more_dies_honestly(office: Office) -> None:
    office.post("answer", "答案", kind="grounded")
    office.turn(State.KILLED)
    assert office.drain() == []
    office.now += 601
    assert office.drain() == []
    assert office.fates == [("answer", "no_longer_useful")]


def test_a_broadcast_is_the_bot_s_own_words_too(office: Office) -> None:
    office.post("broadcast:1", "通知")
    office.turn(State.KILLED)
    assert office.drain() == []


@pytest.mark.parametrize("kind", ["", "command", "handoff", "notice", "refusal"])
def test_humans_commands_and_what_people_must_be_told_pass_what_waits(office: Office, kind: str) -> None:
    office.post("answer", "答案", kind="extractive")
    office.post("other", "人工的话", kind=kind)
    office.turn(State.KILLED)
    assert office.drain() == ["人工的话"]
    office.turn(State.RUNNING)
    assert office.drain() == ["人工的话", "答案"]


def test_what_waits_hinders_no_question(office: Office) -> None:
    office.post("answer", "答案", kind="faq")
    office.turn(State.KILLED)
    assert office.drain() == []
    office.inbox.accept(make_message("m9", "转人工"))
    assert office.drain() == ["已转人工"]
    office.turn(State.RUNNING)
    assert office.drain() == ["已转人工", "答案"]


def test_half_an_answer_is_not_finished(office: Office) -> None:
    office.channel.script = [None, Retry(30.0, "busy")]
    office.post("answer", "上半", "下半", kind="faq")
    assert office.drain() == ["上半"]
    office.client.hset(keys.progress(DOCTOR), "not_before", 0)
    office.turn(State.KILLED)
    assert office.drain() == ["上半"]
    assert office.fates == [("answer", "stopped")]


def test_a_pause_lets_go_what_was_decided_before(office: Office) -> None:
    office.post("answer", "答案", kind="faq")
    office.switches.turn([replace(KILLED, state=State.PAUSED, until=NOW + 60)], "pause")
    assert office.drain() == ["答案"]
