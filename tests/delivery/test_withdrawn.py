"""An answer in flight when what it cites is taken out of service is not sent: not begun, and not gone on with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import redis

from bot import keys
from bot.channel import Retry
from bot.conversation import ConversationWorker, TurnOutcome
from bot.errors import Unavailable
from bot.inbox import Inbox, InboxLimits
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission
from bot.lease import Leases
from bot.messages import InboundMessage
from bot.outbox import Outbox
from bot.parts import Text
from bot.records.database import Database
from bot.records.turns import TurnRecords
from bot.replies import WITHDRAWN, Delivery, OutboxReply
from bot.texts import Texts
from bot.withdrawn import RecordedAnswers, rests_on_withdrawn
from tests.delivery.conftest import DOCTOR, RecordingChannel, make_message
from tests.delivery.test_stopping import NOW, RECORD

ORIGIN = Origin(tenant="default", collection="c", audience=Audience.PUBLIC, source="年假.csv")
ENDS = NOW + 100.0
NAME = ("default", "c", "年假.csv")


@dataclass
class Composed:
    """Answers what is asked with one answer; ``then`` happens after it was composed."""

    reply: OutboxReply
    then: Callable[[], object]

    def mergeable(self, message: InboundMessage) -> bool:
        return True

    def merged_notice(self, message: InboundMessage) -> str:
        return ""

    def run(
        self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes]
    ) -> TurnOutcome:
        self.then()
        return TurnOutcome(reply=self.reply)

    def apologise(self, messages: Sequence[InboundMessage], reason: str, heard: Sequence[bytes]) -> TurnOutcome:
        raise AssertionError("nobody waits for so long here")


class Office:
    """A worker whose answers cite real knowledge in a real database; the clock is turned by hand."""

    def __init__(self, client: redis.Redis, leases: Leases, database: Database) -> None:
        self.client, self.leases, self.store, self.now = client, leases, KnowledgeStore(database), NOW
        self.channel, self.records = RecordingChannel(), TurnRecords(database)
        self.fates: list[tuple[str, str]] = []
        self.outbox = Outbox(
            client,
            wake=str,
            concluded=self._concluded,
            count=lambda _event, **_labels: None,
            useful_s=600,
            withdrawn=partial(rests_on_withdrawn, self.store.standing, clock=lambda: self.now),
            clock=lambda: self.now,
            sleep=lambda _: None,
        )

    def _concluded(self, _conversation: object, delivery: Delivery) -> None:
        self.fates.append((delivery.reply.key, delivery.failure))

    def approve(self, *texts: str, valid_to: float = ENDS) -> tuple[str, ...]:
        """The ids of what answers from now on."""
        entries = tuple(
            make_entry(ORIGIN, kind=EntryKind.FAQ, title=text, text=text, location="", valid_to=valid_to)
            for text in texts
        )
        submission = Submission(origin=ORIGIN, title="年假", content_hash="c" * 64, entries=entries)
        self.store.put(submission, approve=True, actor="cli:li", now=self.now)
        return tuple(entry.id for entry in entries)

    def withdraw(self) -> None:
        assert self.store.withdraw(*NAME, actor="cli:li", now=self.now)

    def answer(self, *cited: str, kind: str = "grounded") -> OutboxReply:
        """An answer in two messages."""
        record = replace(RECORD, kind=kind, cited=cited).encode()
        return OutboxReply(key="answer", parts=(Text("五天"), Text("满十年十天")), created_at=NOW, record=record)

    def shown(self, turn: str) -> str | None:
        """What the page of a recorded answer says."""
        return RecordedAnswers(self.records, self.store.standing, Texts(), lambda: self.now).read({"turn": turn})

    def post(self, reply: OutboxReply) -> None:
        self.outbox.post(DOCTOR, reply)

    def ask(self, reply: OutboxReply, then: Callable[[], object]) -> None:
        """A question whose answer is ``reply``; ``then`` happens before it is sent."""
        limits = InboxLimits(person_per_minute=99, conversation_waiting=99, bot_waiting=99)
        Inbox(self.client, limits, str).accept(make_message("m1"))
        self.drain(Composed(reply, then))

    def drain(self, answering: Composed | None = None) -> None:
        ConversationWorker(
            self.client,
            leases=self.leases,
            outbox=self.outbox,
            channels={("imaging", "app"): self.channel},
            answering=answering or Composed(self.answer(), str),
            wake=str,
            count=lambda _event, **_labels: None,
            useful_s=600,
            clock=lambda: self.now,
        ).drain(DOCTOR.key)

    @property
    def sent(self) -> list[str]:
        return [text for _, text in self.channel.sent]


@pytest.fixture
def office(redis_client: redis.Redis, leases: Leases, tmp_path: Path) -> Iterator[Office]:
    database = Database(f"sqlite:///{tmp_path}/bot.db")
    database.upgrade()
    yield Office(redis_client, leases, database)
    database.dispose()


def test_an_answer_whose_sources_stand_is_sent(office: Office) -> None:
    office.ask(office.answer(*office.approve("五天")), str)
    assert office.sent == ["五天", "满十年十天"]
    assert office.fates == [("answer", "")]


def test_what_is_withdrawn_while_the_answer_is_composed_is_not_said(office: Office) -> None:
    office.ask(office.answer(*office.approve("五天")), office.withdraw)
    assert office.sent == []
    assert office.fates == [("answer", WITHDRAWN)]


def test_what_is_withdrawn_while_the_answer_waits_is_not_said(office: Office) -> None:
    office.post(office.answer(*office.approve("五天")))
    office.withdraw()
    office.drain()
    assert office.sent == []
    assert office.fates == [("answer", WITHDRAWN)]


def test_half_an_answer_is_not_gone_on_with(office: Office) -> None:
    office.post(office.answer(*office.approve("五天")))
    office.channel.during = office.withdraw
    office.drain()
    assert office.sent == ["五天"]
    assert office.fates == [("answer", WITHDRAWN)]


def test_what_is_withdrawn_between_two_tries_is_not_tried_again(office: Office) -> None:
    office.post(office.answer(*office.approve("五天")))
    office.channel.script = [Retry(0.1, "-1")]
    office.channel.during = office.withdraw
    office.drain()
    office.client.hdel(keys.progress(DOCTOR), "not_before")  # its second is over
    office.drain()
    assert office.sent == []
    assert len(office.channel.calls) == 1
    assert office.fates == [("answer", WITHDRAWN)]


@pytest.mark.parametrize(("texts", "failure"), [(("五天", "三天"), ""), (("七天", "三天"), WITHDRAWN)])
def test_a_new_version_stops_what_rests_on_the_words_it_changes(
    office: Office, texts: tuple[str, ...], failure: str
) -> None:
    five, _ = office.approve("五天", "两天")
    office.post(office.answer(five))
    office.approve(*texts)
    office.drain()
    assert office.fates == [("answer", failure)]


def test_one_of_several_sources_is_enough(office: Office) -> None:
    both = office.approve("五天", "三天")
    office.post(office.answer(*both))
    office.approve("五天")
    office.drain()
    assert office.sent == []


def test_what_expires_before_it_is_sent_is_not_said(office: Office) -> None:
    office.post(office.answer(*office.approve("五天")))
    office.now = ENDS
    office.drain()
    assert office.sent == []


def test_what_is_no_answer_from_knowledge_goes_out(office: Office) -> None:
    ids = office.approve("五天")
    office.withdraw()
    office.post(office.answer())
    office.post(replace(office.answer(*ids, kind="command"), key="command"))
    office.post(OutboxReply(key="notice", parts=(Text("通知"),), created_at=NOW))
    office.drain()
    assert [failure for _, failure in office.fates] == ["", "", ""]


def test_while_the_database_does_not_say_nothing_is_sent(office: Office) -> None:
    ids = office.approve("五天")

    def away(_ids: object, _now: object) -> set[str]:
        raise Unavailable("the database does not answer")

    reply = office.answer(*ids)
    with pytest.raises(Unavailable):
        rests_on_withdrawn(away, reply)


def test_the_page_of_an_answer_says_that_its_source_was_withdrawn(office: Office) -> None:
    office.records.save(replace(RECORD, id="fixed", answer="已转人工", kind="handoff"))
    office.records.save(replace(RECORD, id="answer", answer="五天", cited=office.approve("五天")))
    assert (office.shown("answer"), office.shown("fixed"), office.shown("unknown")) == ("五天", "已转人工", None)
    office.withdraw()
    said = office.shown("answer")
    assert said is not None
    assert "已撤下" in said
    assert "五天" not in said
