"""The record of a turn: it travels with the reply, and is kept once."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select

from bot.messages import ConversationId
from bot.records.database import Database
from bot.records.turns import TurnRecord, TurnRecords, turn_entries, turns

DOCTOR = ConversationId(bot="imaging", channel="app", person="王/医生", chat="")
RECORD = TurnRecord(
    id="abcdefghij0123456789",
    bot="imaging",
    tenant="academy",
    conversation=DOCTOR.key,
    person=DOCTOR.person,
    asked_at=1_800_000_000.123456,
    answered_at=1_800_000_001.5,
    message_ids=("m1", "m2"),
    question="第一行\n“第二行”",
    step="answer_from_knowledge",
    kind="faq",
    answer="答",
    citations=({"n": 1, "title": "册", "source": "a.md", "location": "A › B", "quote": "引"},),
    cited=("entry-1",),
    passages=(("entry-1", 0.5, "faq"), ("entry-2", 0.25, "passage")),
    confidence=0.875,
    timings_ms={"total": 12.5},
    versions={"embedder": "e5"},
)


@pytest.fixture
def records(database_url: str) -> Iterator[TurnRecords]:
    database = Database(database_url)
    database.upgrade()
    yield TurnRecords(database)
    database.dispose()


def test_a_record_survives_its_travel_with_the_reply() -> None:
    assert TurnRecord.decode(RECORD.encode()) == RECORD


def test_a_record_comes_back_as_it_was_saved(records: TurnRecords) -> None:
    records.save(RECORD)
    assert records.get(RECORD.id) == RECORD
    assert records.get("another") is None


def test_saving_twice_keeps_one_turn_with_the_newest_fate(records: TurnRecords, database_url: str) -> None:
    records.save(RECORD)
    sent = replace(RECORD, parts=2, parts_sent=2, platform_ids=("p1", "p2"), unknown_sends=1)
    records.save(sent)
    records.save(sent)
    assert records.get(RECORD.id) == sent
    database = Database(database_url)
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(turns)) == 1
    database.dispose()


def test_the_recent_turns_of_one_conversation_come_oldest_first(records: TurnRecords) -> None:
    for number in (3, 1, 2, 4):
        records.save(replace(RECORD, id=f"t{number}", asked_at=float(number)))
    records.save(replace(RECORD, id="other", conversation=replace(DOCTOR, chat="g").key, asked_at=9.0))
    assert [record.id for record in records.recent(DOCTOR.key, 3)] == ["t2", "t3", "t4"]


def test_a_question_with_a_character_that_no_database_keeps_is_kept_without_it(records: TurnRecords) -> None:
    records.save(replace(RECORD, question="碘\0海醇"))
    kept = records.get(RECORD.id)
    assert kept is not None
    assert kept.question == "碘海醇"


def test_what_a_turn_rests_on_is_found_by_the_entry_and_goes_with_the_turn(database_url: str) -> None:
    database = Database(database_url)
    database.upgrade()
    records = TurnRecords(database)

    def resting() -> set[tuple[str, str]]:
        with database.read() as connection:
            return {(row.turn_id, row.entry_id) for row in connection.execute(select(turn_entries))}

    records.save(RECORD)
    records.save(replace(RECORD, id="other", cited=("entry-1", "entry-2", "entry-1")))
    assert resting() == {(RECORD.id, "entry-1"), ("other", "entry-1"), ("other", "entry-2")}
    records.save(replace(RECORD, cited=("entry-3",)))
    assert (RECORD.id, "entry-3") in resting()
    assert (RECORD.id, "entry-1") not in resting()
    with database.write() as connection:
        connection.execute(delete(turns).where(turns.c.id == "other"))
    assert resting() == {(RECORD.id, "entry-3")}
    database.dispose()


def test_a_record_of_the_release_before_cites_nothing_that_is_known() -> None:
    fields = json.loads(RECORD.encode())
    del fields["cited"]
    assert TurnRecord.decode(json.dumps(fields)).cited == ()
