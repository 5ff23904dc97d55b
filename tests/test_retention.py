"""Every kind of record ends when its setting says, and what must stay stays."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis
from sqlalchemy import func, insert, select, update

import bot.worker_assembly  # noqa: F401 - all tables there are
from bot.audit.anchors import Anchors
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.audit.table import audit_entries
from bot.audit.turns import audit_of_turns
from bot.audit.verification import verify
from bot.broadcasts import broadcasts, recipients
from bot.events import Verdict
from bot.feedback.records import Feedback, FeedbackRecords, Source
from bot.handoff.tickets import Tickets, TicketState, tickets
from bot.identity.bindings import Bindings
from bot.identity.register import Register
from bot.identity.roster import Row
from bot.identity.tables import Account, Author, bindings, codes
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.figures import FigureStore
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.unused_figures import UnusedFigures
from bot.knowledge.versions import Submission
from bot.links import DAY_S
from bot.messages import ConversationId
from bot.records.database import Database, metadata
from bot.records.turns import TurnRecord, TurnRecords
from bot.retention import HELD, MASKED_AT_ONCE, KeepDays, Retention
from bot.safety.cases.tables import case_history
from bot.safety.consent.records import Consent, Consents, ConsentState
from bot.turn import Decision

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2027, 1, 15, 12, tzinfo=SHANGHAI).timestamp()
HERE = ConversationId(bot="imaging", channel="app", person="wang.fang")
KEEP = KeepDays(words=30, turns=184, tickets=200, broadcasts=100)
KNOWLEDGE = {"knowledge_documents", "knowledge_versions", "knowledge_entries", "knowledge_version_entries"}
KNOWLEDGE |= {"golden_questions", "golden_runs"}  # of nobody
KNOWLEDGE |= {"knowledge_changes"}  # counts
KNOWLEDGE |= {"mined_spans"}  # words of documents
KNOWLEDGE |= {"ingest_jobs", "ingest_files"}  # which files were brought, and by whom, as with a version


@dataclass
class Archive:
    """An installation's records, and what ends them."""

    database: Database
    audit: AuditLog
    retention: Retention
    turns: TurnRecords
    figures: Path
    now: float = NOON

    def turn(self, id_: str, days: float, question: str = "我的手机是13800138000", **more: object) -> None:
        record = TurnRecord(
            id=id_,
            bot="imaging",
            tenant="academy",
            conversation=HERE.key,
            person=HERE.person,
            asked_at=self.now - days * DAY_S,
            answered_at=self.now - days * DAY_S + 1,
            message_ids=("m",),
            question=question,
            step="compose",
            kind="grounded",
            answer="已登记13800138000。检查前4小时禁食。",
        )
        self.turns.save(replace(record, **more))  # type: ignore[arg-type]

    def rates(self, turn_id: str, days: float) -> None:
        verdict = Feedback(
            turn_id=turn_id,
            person=HERE.person,
            bot="imaging",
            tenant="academy",
            verdict=Verdict.USELESS,
            source=Source.WORDS,
            given_at=self.now - days * DAY_S,
        )
        FeedbackRecords(self.database).save(verdict)

    def ticket(self, person: str, days: float, state: TicketState) -> None:
        opened = Tickets(self.database, 1800.0, lambda: self.now)
        ticket, _ = opened.open(replace(HERE, person=person), "academy", person, "要人工", silent=True)
        values = {"state": state, "opened_at": self.now - days * DAY_S}
        with self.database.write() as connection:
            connection.execute(update(tickets).where(tickets.c.number == ticket.number).values(values))

    def broadcast(self, number: int, days: float) -> None:
        row: Mapping[str, object] = {
            "number": number,
            "turn_id": str(number),
            "bot": "imaging",
            "text": "通知",
            "by": "a",
        }
        with self.database.write() as connection:
            connection.execute(insert(broadcasts).values(**row, at=self.now - days * DAY_S))
            connection.execute(insert(recipients).values(broadcast=number, conversation=HERE.key))

    def picture(self, name: str, days: float = 40) -> str:
        """The id of a picture that a document brought so long ago."""
        id_ = hashlib.sha256(name.encode()).hexdigest() + ".png"
        path = self.figures / id_[:2] / id_
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, (self.now - days * DAY_S,) * 2)
        return id_

    def part(self, days: float) -> Path:
        """What a process left that died so long ago while it brought a picture."""
        path = self.figures / "ab" / f"{days}.part"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (self.now - days * DAY_S,) * 2)
        return path

    def document(self, source: str, *figures: str, approve: bool = True) -> Origin:
        origin = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source=source)
        entry = make_entry(
            origin, kind=EntryKind.PASSAGE, title="", text=" ".join(figures), location="", figures=figures
        )
        submission = Submission(origin=origin, title="", content_hash=source, entries=(entry,))
        KnowledgeStore(self.database).put(submission, approve=approve, actor="cli:li", now=self.now)
        return origin

    def withdraw(self, origin: Origin, days: float) -> None:
        place = origin.tenant, origin.collection, origin.source
        assert KnowledgeStore(self.database).withdraw(*place, actor="cli:li", now=self.now - days * DAY_S)

    def count(self, table: object) -> int:
        with self.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]


@pytest.fixture
def archive(database_url: str, redis_client: redis.Redis, tmp_path: Path) -> Iterator[Archive]:
    database = Database(database_url)
    database.upgrade()
    audit = AuditLog(database, AuditKey(b"a secret of this test"), Anchors(tmp_path / "anchors.jsonl"))
    kept = TurnRecords(database, audit_of_turns(audit))

    def clock() -> float:
        return made.now

    figures = UnusedFigures(database, FigureStore(tmp_path / "figures"), 30 * DAY_S)
    retention = Retention(redis_client, audit, KEEP, SHANGHAI, figures, clock=clock, pause=lambda _seconds: None)
    made = Archive(database, audit, retention, kept, tmp_path / "figures")
    yield made
    database.dispose()


def test_pictures_go_when_no_link_can_show_them_any_more(archive: Archive) -> None:
    names = ("answers", "waits", "withdrawn", "both", "linked", "orphan")
    seen = {name: archive.picture(name) for name in names} | {"young": archive.picture("young", days=0.5)}
    archive.document("answers.pdf", seen["answers"], seen["both"])
    archive.document("waits.pdf", seen["waits"], approve=False)
    archive.withdraw(archive.document("withdrawn.pdf", seen["withdrawn"], seen["both"]), days=31)
    archive.withdraw(archive.document("linked.pdf", seen["linked"]), days=29)
    parts = [archive.part(days=days) for days in (40, 0.5)]
    assert archive.retention.work() is False
    gone = {name for name, id_ in seen.items() if FigureStore(archive.figures).path(id_) is None}
    assert gone == {"withdrawn", "orphan"}
    assert [part.exists() for part in parts] == [False, True]
    subjects = select(audit_entries.c.subject).where(audit_entries.c.action == "deletion")
    with archive.database.read() as connection:
        assert list(connection.scalars(subjects)) == ["records:figures"]


def test_every_kind_ends_at_its_time_and_not_before(archive: Archive) -> None:
    for kind, days in (("old", 185), ("young", 183)):
        archive.turn(kind, days)
        archive.rates(kind, days)
    archive.ticket("a", 201, TicketState.RELEASED)
    archive.ticket("b", 201, TicketState.UNANSWERED)
    archive.ticket("c", 201, TicketState.SERVED)
    archive.ticket("d", 199, TicketState.RELEASED)
    archive.broadcast(1, 101)
    archive.broadcast(2, 99)
    assert archive.retention.work() is False
    assert archive.turns.get("old") is None
    assert archive.turns.get("young") is not None
    verdicts = FeedbackRecords(archive.database)
    assert (len(verdicts.of_turn("old")), len(verdicts.of_turn("young"))) == (0, 1)
    with archive.database.read() as connection:
        assert list(connection.scalars(select(tickets.c.opened_by).order_by(tickets.c.number))) == ["c", "d"]
        assert list(connection.scalars(select(broadcasts.c.number))) == [2]
        assert list(connection.scalars(select(recipients.c.broadcast))) == [2]


def test_a_record_of_a_professional_ends_with_its_validity_and_its_bindings_with_it(archive: Archive) -> None:
    register, kept, by = Register(archive.audit), Bindings(archive.audit), Author(actor="cli:test")
    rows = [
        Row(record=name, licence="", hospital="", department="", title="", valid_until=until, account=None)
        for name, until in (("over", NOON - 1), ("valid", NOON + 1))
    ]
    register.load("academy", rows, source="a.csv", by=by, now=NOON - DAY_S)
    for record in ("over", "valid"):
        account = Account(bot="imaging", channel="app", person=f"dr.{record}")
        kept.bind("academy", account, record, by, NOON - DAY_S)
        kept.redeem("academy", account, kept.issue("academy", record, by, NOON - DAY_S, life_s=DAY_S - 1), NOON - DAY_S)
    kept.issue("academy", "valid", by, NOON)
    archive.retention.work()
    assert [listed.professional.record for listed in register.newest("academy", 9)] == ["valid"]
    with archive.database.read() as connection:
        assert list(connection.scalars(select(bindings.c.person))) == ["dr.valid"]
        assert list(connection.scalars(select(codes.c.record))) == ["valid"], "the one that can still be used"


def test_words_are_masked_when_they_are_old_and_the_rest_of_the_record_stays(archive: Archive) -> None:
    archive.turn("old", 31, quoted="患者张丽华，身份证号11010519491231002X")
    archive.turn("plain", 31, "检查前要禁食多久？", answer="4小时。")
    archive.turn("young", 29)
    archive.retention.work()
    old, plain, young = (archive.turns.get(name) for name in ("old", "plain", "young"))
    assert old is not None
    assert old.question == "我的手机是〔手机号1〕"
    assert old.quoted == "患者〔姓名1〕，身份证号〔身份证号1〕"
    assert old.answer == "已登记〔手机号1〕。检查前4小时禁食。"
    assert (old.person, old.kind, old.step) == (HERE.person, "grounded", "compose")
    assert plain is not None
    assert (plain.question, plain.answer) == ("检查前要禁食多久？", "4小时。")
    assert young is not None
    assert young.question == "我的手机是13800138000"


def test_the_names_of_files_go_with_the_words(archive: Archive) -> None:
    name = "王小明-体检报告.pdf"
    note = {"id": "a1", "kind": "file", "type": "application/pdf", "name": name}
    step = Decision(step="read", ms=3.0, found={"media": [note], "unread": "x"}).to_json()
    archive.turn("old", 31, "", answer=f"已收到《{name}》，共 3 页。", steps=(step, {"step": "search", "ms": 1.0}))
    archive.turn("young", 29, "", answer=f"已收到《{name}》", steps=(step,))
    archive.retention.work()
    old, young = archive.turns.get("old"), archive.turns.get("young")
    assert old is not None
    assert old.answer == "已收到《…》，共 3 页。"
    assert old.steps == (
        {**step, "media": [{**note, "name": ""}]},
        {"step": "search", "ms": 1.0},
    )
    assert young is not None
    assert name in young.answer
    assert young.steps == (step,)


def test_more_than_one_batch_is_worked_through(archive: Archive) -> None:
    for number in range(MASKED_AT_ONCE + 3):
        archive.turn(f"t{number:03}", 31)
    archive.retention.work()
    with archive.database.read() as connection:
        left = [row.question for row in connection.execute(select(metadata.tables["turns"].c.question))]
    assert left == ["我的手机是〔手机号1〕"] * (MASKED_AT_ONCE + 3)
    archive.now += 200 * DAY_S
    archive.retention.work()
    assert archive.count(metadata.tables["turns"]) == 0


def test_a_day_is_worked_once_at_night_and_the_next_one_again(archive: Archive, redis_client: redis.Redis) -> None:
    archive.turn("a", 185)
    archive.now = datetime(2027, 1, 15, 2, 59, tzinfo=SHANGHAI).timestamp()
    archive.retention.work()
    assert archive.turns.get("a") is not None
    archive.now = datetime(2027, 1, 15, 3, 0, tzinfo=SHANGHAI).timestamp()
    archive.retention.work()
    assert archive.turns.get("a") is None
    archive.turn("b", 185)
    archive.retention.work()
    assert archive.turns.get("b") is not None, "today's work is done"
    archive.now += DAY_S
    redis_client.set("retention:running", "1")
    archive.retention.work()
    assert archive.turns.get("b") is not None, "somebody else is at it"
    redis_client.delete("retention:running")
    archive.retention.work()
    assert archive.turns.get("b") is None


def test_the_loss_of_redis_costs_nothing_but_work(archive: Archive, redis_client: redis.Redis) -> None:
    archive.turn("a", 31)
    archive.retention.work()
    redis_client.flushdb()
    archive.retention.work()
    kept = archive.turns.get("a")
    assert kept is not None
    assert kept.question == "我的手机是〔手机号1〕"


def test_what_the_law_holds_stays_and_the_log_says_what_went(archive: Archive) -> None:
    archive.turn("a", 5000)
    with archive.database.write() as connection:
        connection.execute(insert(case_history).values(case_number=1, at=0.0, what="opened", actor="a", details={}))
    before = archive.count(audit_entries)
    archive.retention.work()
    assert archive.count(case_history) == 1
    assert archive.count(audit_entries) == before + 1
    *_, last = archive.audit.entries()
    assert (last.action, last.subject, last.actor) == ("deletion", "records:turns", "system:worker")
    assert '"removed":1' in last.details
    assert verify(archive.audit.entries(), archive.audit.key, []).ok


def test_a_consent_ends_with_the_last_turn_of_its_person(archive: Archive) -> None:
    kept = Consents(archive.audit)
    for person, days in (("Gone", 185), ("fresh", 183), (HERE.person, 185)):
        said = Consent(
            bot=HERE.bot,
            person=person,
            state=ConsentState.GIVEN,
            version="1",
            at=archive.now - days * DAY_S,
            turn_id=person,
        )
        kept.save(said, "academy")
    archive.turn("young", 10)
    archive.retention.work()
    found = {person for person in ("gone", "fresh", HERE.person) if kept.of(HERE.bot, person) is not None}
    assert found == {"fresh", HERE.person}, "who still writes need not agree again"


def test_every_table_has_an_end_or_a_reason_to_stay() -> None:
    ended = {"turns", "feedback", "tickets", "broadcasts", "broadcast_recipients", "consents"}
    ended |= {"turn_entries", "knowledge_corrections"}  # with their turn
    ended |= {"professionals", "professional_bindings", "professional_codes"}
    assert set(metadata.tables) == ended | set(HELD) | KNOWLEDGE
