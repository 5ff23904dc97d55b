"""A conversation is worked by one worker, in order, and every message ends in a reply or an honest apology."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
import redis

from bot import keys
from bot.channel import Retry
from bot.conversation import SHARE_S, STAFF_TOLD, ConversationWorker, Post, TurnOutcome
from bot.errors import Unavailable
from bot.inbox import Inbox, InboxLimits
from bot.lease import Leases
from bot.messages import ConversationId, InboundMessage
from bot.outbox import Outbox
from bot.overload import Overload
from bot.parts import Text
from bot.replies import OutboxReply
from bot.streams import Streams
from tests.delivery.conftest import DOCTOR, RecordingChannel, make_message

NOW = 1_800_000_001.0
NURSE = ConversationId(bot="imaging", channel="app", person="li.na")


@dataclass
class Parrot:
    """Answers every turn with its texts; can be told to do something first, or to fail."""

    clock: Callable[[], float]
    before: Callable[[Sequence[InboundMessage]], None] = lambda _: None
    posts: tuple[Post, ...] = ()
    turns: list[list[str]] = field(default_factory=list)

    def mergeable(self, message: InboundMessage) -> bool:
        return not message.text.startswith("/")

    def merged_notice(self, message: InboundMessage) -> str:
        return f"{message.message_id} 和上一条一起回答"

    def run(
        self, messages: Sequence[InboundMessage], show: Callable[[str], None], heard: Sequence[bytes]
    ) -> TurnOutcome:
        self.turns.append([message.message_id for message in messages])
        self.before(messages)
        show("正在写")
        return self._say(messages, "答：" + "".join(message.text for message in messages))

    def apologise(self, messages: Sequence[InboundMessage], reason: str, heard: Sequence[bytes]) -> TurnOutcome:
        return self._say(messages, f"抱歉（{reason}）")

    def _say(self, messages: Sequence[InboundMessage], text: str) -> TurnOutcome:
        reply = OutboxReply(key="turn-" + messages[0].message_id, parts=(Text(text),), created_at=self.clock())
        return TurnOutcome(reply=reply, posts=self.posts)


class Office:
    """A worker over a real Redis, with a channel at the edge and a clock to turn."""

    def __init__(self, client: redis.Redis, leases: Leases) -> None:
        self.client, self.channel, self.now = client, RecordingChannel(), NOW
        self.parrot = Parrot(clock=lambda: self.now)
        self.woken: list[str] = []
        self.counted: list[str] = []
        limits = InboxLimits(person_per_minute=1000, conversation_waiting=1000, bot_waiting=1000)
        self.inbox = Inbox(client, limits, lambda _: None)
        self.worker = ConversationWorker(
            client,
            leases=leases,
            outbox=Outbox(
                client,
                wake=self.woken.append,
                concluded=lambda *_: None,
                count=self._count,
                useful_s=600,
                clock=lambda: self.now,
                sleep=lambda _: None,
            ),
            channels={("imaging", "app"): self.channel},
            answering=self.parrot,
            wake=self.woken.append,
            count=self._count,
            useful_s=600,
            clock=lambda: self.now,
        )

    def _count(self, event: str, **labels: str) -> None:
        self.counted.append(event)

    def says(self, *texts: str) -> None:
        for n, text in enumerate(texts, 1 + self.client.incrby("test:n", len(texts)) - len(texts)):
            self.inbox.accept(make_message(str(n), text))

    def drain(self) -> list[str]:
        self.worker.drain(DOCTOR.key)
        return [text for _, text in self.channel.sent]

    def due(self) -> float | None:
        return self.client.zscore(keys.due(DOCTOR.tag), DOCTOR.key)


@pytest.fixture
def office(redis_client: redis.Redis, leases: Leases) -> Office:
    return Office(redis_client, leases)


def test_a_question_is_answered_and_nothing_stays_behind(office: Office) -> None:
    office.says("机房几点开门")
    assert office.drain() == ["答：机房几点开门"]
    assert office.client.exists(keys.queue(DOCTOR), keys.outbox(DOCTOR), keys.lease(DOCTOR)) == 0
    assert office.due() is None
    assert office.client.get(keys.waiting("imaging")) == b"0"


def test_a_burst_is_one_turn_of_at_most_five_and_commands_stand_alone(office: Office) -> None:
    office.says("一", "二", "/echo 三", "/echo 四", "五", "六", "七", "八", "九", "十")
    office.drain()
    assert office.parrot.turns == [["1", "2"], ["3"], ["4"], ["5", "6", "7", "8", "9"], ["10"]]
    assert office.client.get(keys.waiting("imaging")) == b"0"


def test_what_arrives_while_answering_is_answered_next_in_order(office: Office) -> None:
    office.says("一")

    def more(messages: Sequence[InboundMessage]) -> None:
        if messages[0].text == "一":
            office.says("二", "三")

    office.parrot.before = more
    assert office.drain() == ["答：一", "答：二三"]


def test_two_workers_on_one_conversation_answer_it_once(office: Office) -> None:
    office.says("一")
    inside, go_on = threading.Event(), threading.Event()

    def hold(_: Sequence[InboundMessage]) -> None:
        inside.set()
        go_on.wait(10)

    office.parrot.before = hold
    first = threading.Thread(target=office.drain)
    first.start()
    assert inside.wait(10)
    assert office.drain() == [], "the second worker finds the lease taken"
    go_on.set()
    first.join()
    assert office.drain() == ["答：一"]
    assert "lease_busy" in office.counted


def test_a_worker_that_lost_its_lease_while_thinking_says_nothing(office: Office) -> None:
    office.says("一")

    def lose(_: Sequence[InboundMessage]) -> None:
        office.client.delete(keys.lease(DOCTOR))
        office.parrot.before = lambda _: None
        office.worker.drain(DOCTOR.key)

    office.parrot.before = lose
    assert office.drain() == ["答：一"]
    assert office.counted.count("lease_lost") == 1


def test_a_lease_lost_while_showing_is_not_taken_for_a_fault_of_the_turn(office: Office) -> None:
    office.inbox.accept(replace(make_message("1", "一"), stream_id="s1"), "稍候…")

    def lose(_: Sequence[InboundMessage]) -> None:
        office.client.delete(keys.lease(DOCTOR))
        office.parrot.before = lambda _: None
        office.worker.drain(DOCTOR.key)

    office.parrot.before = lose
    assert office.drain() == ["答：一"]
    assert office.counted == ["lease_taken_over", "lease_lost"]


def test_a_turn_that_keeps_failing_ends_in_an_apology_and_the_next_is_answered(office: Office) -> None:
    office.says("/毒", "好")

    def fail(messages: Sequence[InboundMessage]) -> None:
        if messages[0].text == "/毒":
            raise ZeroDivisionError

    office.parrot.before = fail
    for _ in range(3):
        assert office.drain() == []
        assert office.due() is not None
    assert office.drain() == ["抱歉（failed）", "答：好"]


def test_a_part_that_does_not_answer_is_waited_for_without_using_up_tries(office: Office) -> None:
    office.says("一")

    def away(_: Sequence[InboundMessage]) -> None:
        raise Unavailable("the database does not answer")

    office.parrot.before = away
    for _ in range(6):
        assert office.drain() == []
    office.parrot.before = lambda _: None
    assert office.drain() == ["答：一"]


def test_a_question_past_its_useful_time_gets_an_honest_word(office: Office) -> None:
    office.says("一")
    office.now += 601
    office.parrot.before = lambda _: pytest.fail("too late to think about it")
    assert office.drain() == ["抱歉（too_old）"]


def test_many_stale_messages_get_one_word_and_a_fresh_one_its_answer(office: Office) -> None:
    office.says("一", "/echo 二", "三", "四", "五", "六", "七", "/echo 八")
    office.now += 601
    office.inbox.accept(replace(make_message("new", "九"), received_at=office.now))
    assert office.drain() == ["抱歉（too_old）", "答：九"]
    assert office.client.get(keys.waiting("imaging")) == b"0"


def test_a_stale_burst_ends_every_bubble_it_opened(office: Office) -> None:
    for n in ("1", "2"):
        office.inbox.accept(replace(make_message(n), stream_id=f"s{n}"), "稍候…")
    office.now += 601
    office.drain()
    second = Streams(office.client).ask(DOCTOR, "s2", waiting="稍候…", late="")
    assert second is not None
    assert second.finished


def test_the_staff_hear_of_stale_messages_one_by_one_only_while_they_are_few(office: Office) -> None:
    people = [replace(DOCTOR, person=f"person{n}") for n in range(STAFF_TOLD + 3)]
    for person in people:
        office.inbox.accept(make_message("1-" + person.person, conversation=person))
    office.now += 601
    for n, person in enumerate(people):
        notice = OutboxReply(key=f"turn-{n}:failed", parts=(Text("有人等太久了"),), created_at=NOW)
        office.parrot.posts = (Post(conversation=NURSE, reply=notice),)
        office.worker.drain(person.key)
    assert len(office.channel.sent) == len(people), "everybody gets a word"
    assert office.client.llen(keys.outbox(NURSE)) == STAFF_TOLD
    assert Overload(office.client).now(["imaging"])["imaging"].late == len(people)


def test_what_the_inbox_takes_back_while_it_is_answered_takes_nothing_else_with_it(office: Office) -> None:
    """A message over a limit stands in the queue for a moment before the inbox takes it out again."""
    office.says("一", "二")

    def take_back(messages: Sequence[InboundMessage]) -> None:
        office.parrot.before = lambda _: None
        office.client.lrem(keys.queue(DOCTOR), -1, messages[-1].encode())
        office.client.decr(keys.waiting("imaging"))
        office.says("三")

    office.parrot.before = take_back
    assert office.drain() == ["答：一二", "答：三"]
    assert office.client.get(keys.waiting("imaging")) == b"0"


def test_a_slow_conversation_goes_behind_the_others_after_each_turn(office: Office) -> None:
    office.says("/一", "/二")

    def think(_: Sequence[InboundMessage]) -> None:
        office.now += SHARE_S + 1

    office.parrot.before = think
    assert office.drain() == ["答：/一"]
    assert office.woken == [DOCTOR.key]
    assert office.drain() == ["答：/一", "答：/二"]


def test_the_reply_before_goes_out_before_the_next_turn_is_taken(office: Office) -> None:
    office.says("一")
    office.channel.script = [Retry(30, "45009")]
    office.drain()
    office.says("二")
    office.drain()
    assert office.parrot.turns == [["1"]]
    office.client.hset(keys.progress(DOCTOR), "not_before", 0)
    assert office.drain() == ["答：一", "答：二"]


def test_a_word_for_somebody_else_is_posted_once_even_if_the_turn_runs_twice(office: Office) -> None:
    notice = OutboxReply(key="turn-1:notice", parts=(Text("有人找您"),), created_at=NOW)
    office.parrot.posts = (Post(conversation=NURSE, reply=notice),)
    office.says("一")

    def crash_once(_: Sequence[InboundMessage]) -> None:
        office.client.delete(keys.lease(DOCTOR))
        office.parrot.before = lambda _: None

    office.parrot.before = crash_once
    office.drain()
    office.drain()
    assert office.client.llen(keys.outbox(NURSE)) == 1
    assert office.woken.count(NURSE.key) == 1


def test_an_undecodable_message_is_put_aside_and_the_next_is_answered(office: Office) -> None:
    office.client.rpush(keys.queue(DOCTOR), b"\x00 from the future")
    office.says("一")
    assert office.drain() == ["答：一"]
    assert office.client.lrange(keys.parked(DOCTOR), 0, -1) == [b"\x00 from the future"]
    assert "message_parked" in office.counted


def test_a_conversation_whose_channel_left_the_configuration_keeps_its_messages(office: Office) -> None:
    elsewhere = replace(DOCTOR, channel="gone")
    office.inbox.accept(make_message("1", conversation=elsewhere))
    office.worker.drain(elsewhere.key)
    assert office.client.llen(keys.queue(elsewhere)) == 1
