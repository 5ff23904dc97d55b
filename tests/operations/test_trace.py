"""The life of one message, wherever it is: in a queue, in an outbox, or recorded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from bot import keys
from bot.channel import Retry
from bot.dead_letters import DeadLetters
from bot.events import Verdict
from bot.feedback.records import Feedback, FeedbackRecords, Source
from bot.lease import Leases
from bot.messages import turn_id_of
from bot.parts import Text
from bot.records.database import Database
from bot.records.turns import TurnRecord, TurnRecords
from bot.replies import OutboxReply
from bot.trace import Trace, Tracer
from tests.delivery.conftest import DOCTOR, make_message
from tests.delivery.test_conversation import NOW, Office
from tests.operations.conftest import dead_message

TURN = turn_id_of("imaging", "app", "m1")
RECORD = TurnRecord(
    id=TURN,
    bot="imaging",
    tenant="academy",
    conversation=DOCTOR.key,
    person=DOCTOR.person,
    asked_at=NOW,
    answered_at=NOW + 0.25,
    message_ids=("m1", "m2"),
    question="一\n二",
    step="compose",
    kind="faq",
    answer="答",
    steps=({"step": "understand", "ms": 1.5}, {"step": "compose", "ms": 20.0}),
    parts=2,
    parts_sent=2,
    platform_ids=("p1", "p2"),
    sent_at=(NOW + 0.5, NOW + 0.75),
    unknown_sends=1,
    worker="host:42",
    concluded_at=NOW + 0.8,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.upgrade()
    yield database
    database.dispose()


@pytest.fixture
def tracer(database: Database, redis_client: "redis.Redis") -> Tracer:
    return Tracer(redis_client, TurnRecords(database), FeedbackRecords(database), [("imaging", "app")])


@pytest.fixture
def office(redis_client: "redis.Redis", leases: Leases) -> Office:
    return Office(redis_client, leases)


def told(trace: Trace | None) -> list[tuple[str, str]]:
    assert trace is not None
    return [(moment.what, moment.detail) for moment in trace.moments]


@pytest.mark.parametrize("wanted", [TURN, "m1", "m2"], ids=["turn", "first message", "merged message"])
def test_an_answered_message(tracer: Tracer, database: Database, wanted: str) -> None:
    TurnRecords(database).save(RECORD)
    trace = tracer.trace(wanted)
    assert trace is not None
    assert (trace.turn_id, trace.conversation, trace.message_ids) == (TURN, DOCTOR.key, ("m1", "m2"))
    assert told(trace) == [
        ("received", ""),
        ("taken", "after 0.25 s by host:42"),
        ("step", "understand 1.5 ms"),
        ("step", "compose 20.0 ms"),
        ("decided", "faq, by compose"),
        ("sent", "part 1 of 2, p1"),
        ("sent", "part 2 of 2, p2"),
        ("outcome unknown", "1 sends, repeated unchanged"),
        ("recorded", "2 of 2 parts"),
    ]
    times = [moment.at for moment in trace.moments if moment.at is not None]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (NOW, NOW + 0.8)


def test_what_followed(tracer: Tracer, database: Database, office: Office, letters: DeadLetters) -> None:
    message = make_message("m1", "一")
    for _ in range(3):
        office.inbox.accept(message)
    TurnRecords(database).save(replace(RECORD, parts_sent=1, platform_ids=("p1",), failure="60011"))
    letters.keep(replace(dead_message(), turn=TURN))
    given = Feedback(
        turn_id=TURN,
        person="p",
        bot="imaging",
        tenant="academy",
        verdict=Verdict.USEFUL,
        source=Source.WORDS,
        given_at=NOW,
    )
    FeedbackRecords(database).save(given)
    found = told(tracer.trace("m1"))
    assert ("duplicates dropped", "m1: brought 3 times, taken once") in found
    assert ("recorded", "failed with 60011 after 1 of 2 parts") in found
    key = replace(dead_message(), turn=TURN).key
    assert found[-2:] == [
        ("given up", f"message: KeyError; python -m bot queue resend {key}"),
        ("rated", f"{Verdict.USEFUL.value} by words"),
    ]


def test_a_message_that_waits(tracer: Tracer, office: Office, leases: Leases) -> None:
    for name in ("m1", "m2"):
        office.inbox.accept(make_message(name, "/" + name))
    (received, waiting) = told(tracer.trace("m2"))
    assert received == ("received", "")
    assert waiting[0] == "waiting"
    assert waiting[1].startswith("1 before it in the conversation; no worker has the conversation; due in ")
    lease = leases.acquire(DOCTOR)
    assert lease is not None
    lease.begin()
    lease.note_fault("KeyError")
    assert told(tracer.trace(make_message("m1").turn_id))[-1] == (
        "waiting",
        "0 before it in the conversation; a worker has the conversation now; tried 1 times, last failed with KeyError",
    )


def test_a_reply_on_its_way(tracer: Tracer, office: Office) -> None:
    record = replace(RECORD, parts_sent=0, platform_ids=(), sent_at=(), concluded_at=None, unknown_sends=0)
    reply = OutboxReply(key=TURN, parts=(Text("一"), Text("二")), created_at=NOW, record=record.encode())
    office.channel.script = [None, Retry(30, "45009")]
    office.worker._outbox.post(DOCTOR, reply)
    office.drain()
    what, detail = told(tracer.trace("m2"))[-1]
    assert what == "being sent"
    assert detail.startswith("1 of 2 parts sent; the next was tried 1 times, again in ")


def test_a_sent_reply_knows_when_each_part_was_taken(office: Office) -> None:
    deliveries = []
    office.worker._outbox._concluded = lambda _conversation, delivery: deliveries.append(delivery)
    before = float(office.client.time()[0])
    office.worker._outbox.post(DOCTOR, OutboxReply(key="t1", parts=(Text("一"), Text("二")), created_at=NOW))
    office.drain()
    (delivery,) = deliveries
    assert len(delivery.sent_at) == 2
    assert before <= delivery.sent_at[0] <= delivery.sent_at[1] <= before + 60


def test_a_message_nobody_knows(tracer: Tracer) -> None:
    assert tracer.trace("never") is None


def test_what_is_recorded_is_told_without_redis(database: Database, tmp_path: Path) -> None:
    away = redis.Redis(unix_socket_path=str(tmp_path / "nobody.sock"))
    tracer = Tracer(away, TurnRecords(database), FeedbackRecords(database), [("imaging", "app")])
    TurnRecords(database).save(RECORD)
    assert told(tracer.trace("m1"))[-1] == (
        "not known",
        "duplicates and dead letters: Redis did not answer: ConnectionError",
    )


def test_keys_of_a_message_count_how_often_it_was_brought(office: Office) -> None:
    message = make_message("m9")
    for _ in range(4):
        office.inbox.accept(message)
    assert office.client.get(keys.seen(DOCTOR, "m9")) == b"4"
    assert 0 < office.client.ttl(keys.seen(DOCTOR, "m9")) <= 24 * 3600
