"""What is audited where decisions are made, and that nothing personal comes with it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.audit.entries import Action, AuditEvent
from bot.audit.turns import audit_of_turns, turn_decided
from bot.errors import Unavailable
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Submission
from bot.records.turns import TurnRecord
from tests.audit.conftest import Books
from tests.handoff.conftest import office, open_office
from tests.handoff.office import Office
from tests.reload.conftest import FINANCE, IMAGING, Installation, bots_yaml, installation, platform, put, settle

__all__ = ["installation", "office", "open_office", "platform"]

ORIGIN = Origin(tenant="academy", collection="imaging", audience=Audience.HCP, source="指南.md")
RECORD = TurnRecord(
    id="abcdefghij0123456789",
    bot="imaging",
    tenant="academy",
    conversation="imaging/app//张三丰",
    person="张三丰",
    asked_at=1.0,
    answered_at=2.0,
    message_ids=("m1",),
    question="我叫张三丰，电话13800138000",
    quoted="13800138000",
    step="compose",
    kind="grounded",
    answer="答案",
    reader="hcp",
    citations=({"n": 1, "title": "册", "source": "a.md", "location": "A", "quote": "引"},),
    confidence=0.87512345,
    steps=({"step": "retrieve", "ms": 1.0}, {"step": "compose", "ms": 2.0, "kind": "grounded", "cited": ["e1", "e2"]}),
    generation={"model": "m", "prompt": "p7", "cost": 0.1},
    parts=2,
    parts_sent=1,
    failure="60011",
)


def submission(text: str) -> Submission:
    entry = make_entry(ORIGIN, kind=EntryKind.PASSAGE, title="指南", text=text, location="A")
    return Submission(origin=ORIGIN, title="指南", content_hash="c" * 64, entries=(entry,))


def written(books: Books) -> list[tuple[str, str, str]]:
    return [(entry.action, entry.subject, entry.actor) for entry in books.log.entries()]


def test_knowledge_that_is_stored_approved_and_withdrawn(books: Books) -> None:
    store = KnowledgeStore(books.database, books.log)
    name = {"actor": "cli:li", "now": 1.0}
    store.put(submission("一"), approve=False, **name)  # type: ignore[arg-type]
    store.put(submission("一"), approve=False, **name)  # type: ignore[arg-type]  # nothing changes
    store.put(submission("一"), approve=True, **name)  # type: ignore[arg-type]
    store.put(submission("二"), approve=False, **name)  # type: ignore[arg-type]
    store.put(submission("一"), approve=False, **name)  # type: ignore[arg-type]  # takes the draft back
    store.withdraw("academy", "imaging", "指南.md", **name)  # type: ignore[arg-type]
    store.withdraw("academy", "imaging", "指南.md", **name)  # type: ignore[arg-type]  # nothing is there
    document = "document:imaging/指南.md"
    actions = ["draft", "approval", "draft", "withdrawal", "withdrawal"]
    assert written(books) == [(action, document, "cli:li") for action in actions]
    details = [json.loads(entry.details) for entry in books.log.entries()]
    assert details[1] == {
        "change": "approved",
        "content": "c" * 64,
        "audience": "hcp",
        "entries": 1,
        "added": 0,
        "removed": 0,
    }
    assert [one["draft"] for one in details[3:]] == [True, False]
    assert {entry.tenant for entry in books.log.entries()} == {"academy"}


def test_what_cannot_be_audited_is_not_approved(books: Books) -> None:
    store = KnowledgeStore(books.database, books.log)
    books.now = float("inf")  # no time to write down
    with pytest.raises(OverflowError):
        store.put(submission("一"), approve=True, actor="cli:li", now=1.0)
    assert store.versions("academy", "imaging") == []


@pytest.mark.parametrize(
    ("person", "text", "details"),
    [
        ("zhang.wei", "/echo 私密的话", {"command": "echo", "role": "admin", "result": "done"}),
        ("zhang.wei", "/echo", {"command": "echo", "role": "admin", "result": "usage"}),
        ("zhang.wei", "/nonsense 私密的话", {"command": "unknown", "role": "admin", "result": "unknown_command"}),
        ("wang.fang", "/queue", {"command": "queue", "role": "anyone", "result": "not_permitted"}),
        ("wang.fang", "/nonsense", {"command": "unknown", "role": "anyone", "result": "not_permitted"}),
        ("wang.fang", "转人工", {"command": "human", "role": "anyone", "result": "done"}),
        (
            "li.na",
            "/takeover 7",
            {"command": "takeover", "role": "servicer", "result": "ticket_not_found", "ticket": 7},
        ),
        (
            "li.na",
            "/reply 7 私密的话",
            {"command": "reply", "role": "servicer", "result": "ticket_not_found", "ticket": 7},
        ),
    ],
)
def test_every_use_of_a_command(office: Office, person: str, text: str, details: dict[str, Any]) -> None:
    office.hear(person, text, turn_id="t9")
    (event,) = office.audited
    assert (event.action, event.subject, event.person) == (Action.COMMAND, "turn:t9", person)
    assert (event.tenant, event.bot) == ("academy", "imaging")
    assert event.details == details


def test_the_decision_of_a_turn_and_no_word_of_the_person(books: Books) -> None:
    entry = books.log.append(turn_decided(RECORD))
    assert (entry.action, entry.subject, entry.tenant, entry.bot) == (
        "turn_decided",
        f"turn:{RECORD.id}",
        "academy",
        "imaging",
    )
    assert entry.actor == books.key.pseudonym("academy", "张三丰")
    assert json.loads(entry.details) == {
        "step": "compose",
        "kind": "grounded",
        "reader": "hcp",
        "confidence": 0.8751,
        "cited": ["e1", "e2"],
        "offered": [],
        "tentative": False,
        "answer": "ce820ae814b908c7c0375effdae125d371585b0304439b8bfb8c4d748da3496e",
        "model": "m",
        "prompt": "p7",
        "parts": 2,
        "sent": 1,
        "failure": "60011",
    }
    assert not any(word in entry.to_line() for word in ("张三丰", "13800138000", "答案"))


def test_turns_are_audited_in_the_transaction_that_records_them(books: Books) -> None:
    audit = audit_of_turns(books.log)
    nameless = replace(RECORD, id="b", person="")  # some platforms do not say who
    with books.database.write() as connection:
        audit(connection, [RECORD, nameless])
        audit(connection, [])
    assert [subject for _, subject, _ in written(books)] == [f"turn:{RECORD.id}", "turn:b"]
    assert books.verify().ok


def test_a_question_at_the_command_line_is_the_operators(books: Books) -> None:
    asked = replace(RECORD, step="ask", person="cli:li", steps=(), confidence=None)
    assert books.log.append(turn_decided(asked)).actor == "cli:li"


def test_a_changed_configuration_by_the_process_that_runs_it(installation: Installation, on_sqlite: Books) -> None:
    worker = installation.process("worker", audit=on_sqlite.log.append)
    settle(worker)
    first = worker.standing.version
    put(installation.file, bots_yaml(IMAGING.block(name="小像"), FINANCE.block()))
    settle(worker)
    settle(worker)
    entries = list(on_sqlite.log.entries())
    assert [(entry.action, entry.actor) for entry in entries] == [("setting_change", "system:worker")] * 2
    assert entries[0].subject == f"configuration:{first}"
    assert entries[1].subject == f"configuration:{worker.standing.version}"
    details = json.loads(entries[1].details)
    assert (details["before"], details["changed"]) == (first, ["imaging", "imaging/app"])
    assert "secret-of" not in entries[1].details


def test_a_configuration_is_taken_over_while_the_database_is_away_and_audited_later(installation: Installation) -> None:
    audited: list[AuditEvent] = []
    away = True

    def audit(event: AuditEvent) -> None:
        if away:
            raise Unavailable("the database does not answer")
        audited.append(event)

    worker = installation.process("worker", audit=audit)
    settle(worker)
    put(installation.file, bots_yaml(IMAGING.block()))
    settle(worker)
    assert set(worker.live.bots) == {"imaging"}
    assert installation.counted.count(("degraded", {"what": "configuration_not_audited"})) == 1
    away = False
    settle(worker)
    settle(worker)
    assert [event.details["before"] == "" for event in audited] == [True, False]
