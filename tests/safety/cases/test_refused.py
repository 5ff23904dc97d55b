"""What was refused is screened all the same, once, also by a reader that died half-way."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from bot import keys
from bot.handoff.reach import Reach
from bot.inbox import Acceptance, Inbox, InboxLimits
from bot.messages import ConversationId, InboundMessage
from bot.parts import words_of
from bot.replies import OutboxReply
from bot.safety.cases.heard import Heard
from bot.safety.cases.refused import RefusedReader
from bot.safety.cases.watch import Watch
from bot.texts import Texts
from tests.delivery.conftest import RecordingChannel, make_message
from tests.safety.cases.conftest import NOW, Clinic

REPORT = "患者用了碘海醇，全身起疹子"


class Ward:
    """A clinic whose inbox takes one message a person, and the reader of what it refused."""

    def __init__(self, clinic: Clinic, client: "redis.Redis") -> None:
        self.clinic, self.client = clinic, client
        self.posted: list[tuple[ConversationId, OutboxReply]] = []
        self.told: list[int] = []
        limits = InboxLimits(person_per_minute=1, conversation_waiting=10, bot_waiting=10)
        self.inbox = Inbox(client, limits, lambda _: None)
        clinic.now = NOW + 10
        self.watch = Watch(
            clinic.intake,
            Texts(),
            taken=lambda case: self.told.append(case.number),
            keep=lambda _message: None,
            handed_over=lambda _conversation: False,
        )
        self.reader = RefusedReader(
            client,
            self.watch,
            bots=clinic.bots,
            reach=Reach(clinic.bots, {("imaging", "app"): RecordingChannel()}),
            post=lambda where, reply: self.posted.append((where, reply)) is None,
            texts=Texts(),
            clock=lambda: clinic.now,
        )

    def refuses(self, *texts: str, person: str = "wang.fang") -> list[InboundMessage]:
        conversation = ConversationId(bot="imaging", channel="app", person=person)
        taken = make_message(f"first-{person}", "在吗", conversation)
        self.inbox.accept(taken)
        messages = [make_message(f"{person}-{n}", text, conversation) for n, text in enumerate(texts)]
        for message in messages:
            assert self.inbox.accept(message) is Acceptance.BUSY
        return messages


@pytest.fixture
def ward(clinic: Clinic, redis_client: "redis.Redis") -> Iterator[Ward]:
    return Ward(clinic, redis_client)


def test_a_refused_report_opens_a_case_with_the_time_of_its_message(ward: Ward) -> None:
    (message,) = ward.refuses(REPORT)
    assert ward.reader.read() == 1
    case = ward.clinic.case()
    assert case.received_at == message.sent_at
    assert ward.told == [1]
    ((where, reply),) = ward.posted
    assert where == message.conversation
    assert "药物警戒部门" in words_of(reply.parts[0])


def test_nothing_is_read_twice(ward: Ward) -> None:
    ward.refuses(REPORT, "会议室怎么预订")
    assert ward.reader.read() == 2
    assert ward.reader.read() == 0
    assert len(ward.clinic.cases.messages(1)) == 1


def test_a_reader_that_dies_before_it_moved_on_finds_its_case(ward: Ward) -> None:
    (message,) = ward.refuses(REPORT)
    ward.reader.read()
    ward.client.hdel(keys.REFUSED_READ, message.conversation.tag)
    ward.reader.read()
    assert len(ward.clinic.cases.messages(1)) == 1
    assert len({reply.key for _, reply in ward.posted}) == 1
    assert ward.client.llen(keys.heard(message.conversation)) == 1


def test_a_message_that_was_refused_and_comes_again_is_the_same_report(ward: Ward) -> None:
    (message,) = ward.refuses(REPORT)
    ward.reader.read()
    heard, case = ward.watch.look_at(message, ward.clinic.bots["imaging"], ())
    assert case is not None
    assert (heard.case, case.number) == (1, 1)
    assert len(ward.clinic.cases.messages(1)) == 1


def test_it_is_read_behind_what_was_said_before(ward: Ward) -> None:
    conversation = make_message("x", conversation=ConversationId(bot="imaging", channel="app", person="a")).conversation
    ward.client.rpush(keys.heard(conversation), Heard("昨天打了碘海醇").encode())
    ward.refuses("今天身上起疹子了", person="a")
    ward.reader.read()
    assert ward.clinic.cases.messages(1)[0].context == ("昨天打了碘海醇",)


def test_refused_words_are_read_together(ward: Ward) -> None:
    ward.refuses("昨天打了碘海醇", "今天身上起疹子了")
    assert ward.reader.read() == 2
    assert ward.clinic.cases.messages(1)[0].context == ("昨天打了碘海醇",)


def test_what_is_too_old_is_left(ward: Ward) -> None:
    ward.refuses(REPORT)
    ward.clinic.now += 2 * 86400
    assert ward.reader.read() == 0
    assert ward.clinic.cases.newest(1) == []


def test_what_no_release_wrote_holds_up_nobody(ward: Ward) -> None:
    (message,) = ward.refuses(REPORT)
    bucket = keys.refused(message.conversation)
    ward.client.xadd(bucket, {"conversation": "nonsense"})
    later = replace(message, message_id="later")
    ward.inbox.accept(later)
    assert ward.reader.read() == 2
    assert len(ward.clinic.cases.messages(1)) == 2
