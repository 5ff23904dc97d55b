"""Two tenants with the same people, words, documents and numbers: each store is tried across the border.

``OURS`` and ``FOREIGN`` are bots of two tenants; the same person steers both, so that nothing but the tenant separates
them. Evidence and audit have their own border tests besides (``tests/answering``, ``tests/audit``).
"""

import inspect
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from bot import keys
from bot.audit.key import AuditKey
from bot.bots_file import BotConfig
from bot.dead_letters import DeadLetters
from bot.errors import InputError
from bot.events import Verdict
from bot.feedback.records import Feedback, FeedbackRecords, Source
from bot.knowledge.entries import Audience, EntryKind, Scope
from bot.knowledge.index import Route
from bot.knowledge.vector_cache import VectorCache
from bot.links import tenant_tag
from bot.media.store import MediaStore, owner_of, reference
from bot.messages import Attachment, ConversationId, MessageKind
from bot.parts import Medium
from bot.records.turns import TurnRecord
from tests.answering.test_evidence_cache import BOT, Library, answers, faq
from tests.commands.conftest import ADMIN, ANYBODY, Chat
from tests.handoff.conftest import open_office
from tests.handoff.office import Office, make_bot, make_message
from tests.knowledge.small_index import HashEmbedder, ask, entry
from tests.knowledge.small_index import faq as small_faq
from tests.knowledge.test_index_contract import open_index
from tests.operations.conftest import dead_message
from tests.safety.cases.conftest import REPORT, Clinic, clinic
from tests.web.conftest import database, library
from tests.web.library import Library as Pages

__all__ = ["clinic", "database", "library", "open_office"]

OURS = make_bot(knowledge=["c"])
FOREIGN = make_bot("foreign", tenant="clinic", name="外人", knowledge=["c"])
SECRET = "只有本院的人可以看的话"
HERE = ConversationId(bot="imaging", channel="app", person=ANYBODY)
THERE = replace(HERE, bot="foreign")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def chat(open_office: Callable[..., Office]) -> Chat:
    return Chat(open_office(OURS, FOREIGN))


def turn(chat: Chat, bot: BotConfig, turn_id: str) -> None:
    """``ANYBODY`` asked ``bot`` something and was answered."""
    message = make_message(ANYBODY, SECRET, bot.id)
    now = chat.office.now
    record = TurnRecord(
        id=turn_id,
        bot=bot.id,
        tenant=bot.tenant,
        conversation=message.conversation.key,
        person=ANYBODY,
        asked_at=now - 10,
        answered_at=now - 8,
        message_ids=("the same id",),
        question=SECRET,
        step="answer_from_knowledge",
        kind="faq",
        answer=SECRET,
        parts=1,
        parts_sent=1,
    )
    chat.office.records.save(record)


# The knowledge


@pytest.mark.parametrize("engine", ["edge", "http"])
@pytest.mark.filterwarnings("ignore:Local mode performs exact", "ignore:Payload indexes have no effect")
def test_an_index_finds_nothing_of_another_tenant(engine: str, tmp_path: Path) -> None:
    ours = [entry("学分"), small_faq("学分", answer="我们的")]
    theirs = [entry("学分", tenant="clinic"), replace(small_faq("学分", answer="别人的"), tenant="clinic")]
    with ExitStack() as stack:
        index = open_index(engine, tmp_path, stack)
        index.upsert([*ours, *theirs])
        for tenant, own in (("academy", ours), ("clinic", theirs), ("", []), ("Academy", []), ("acad", [])):
            scope = Scope(tenant=tenant, collections=("imaging",), reader=Audience.STAFF, now=1000.0)
            for kind in (None, EntryKind.FAQ, EntryKind.PASSAGE):
                found = ask(index, "学分", scope, kind)
                assert {name for route in Route for name in found.routes[route]} <= {one.id for one in own}
            assert ask(index, "学分", scope).visible == len(own)
            assert index.ids(tenant, "imaging") == {one.id for one in own}


def test_evidence_that_one_tenant_found_is_not_used_for_another(tmp_path: Path) -> None:
    shelf = Library(tmp_path)
    shelf.approve("学分.csv", faq("别人的答案", tenant="clinic"))
    theirs = BOT.model_copy(update={"tenant": "clinic"})
    for _ in range(2):  # the second time from the cache
        assert answers(shelf.ask(bot=theirs)) == ["别人的答案"]
        assert "别人的答案" not in answers(shelf.ask())
    assert shelf.ask().cached
    assert answers(shelf.ask(bot=BOT.model_copy(update={"tenant": "nobody"}))) == []
    shelf.index.close()
    shelf.database.dispose()


def test_evidence_that_one_bot_found_is_not_used_for_another_of_its_tenant(tmp_path: Path) -> None:
    shelf = Library(tmp_path)
    second = BOT.model_copy(update={"id": "second"})
    limited = replace(faq("只给二号机器人的"), id=str(uuid.uuid4()), bots=("second",), source="二号.csv")
    shelf.approve("二号.csv", limited)
    for _ in range(2):  # the second time from the cache
        assert "只给二号机器人的" in answers(shelf.ask(bot=second))
        assert "只给二号机器人的" not in answers(shelf.ask())
    assert shelf.ask().cached
    shelf.index.close()
    shelf.database.dispose()


def test_the_cache_of_vectors_holds_no_words(tmp_path: Path) -> None:
    """It is shared by all tenants: a vector is a function of the text, and its key a hash."""
    VectorCache(tmp_path / "vectors.sqlite").vectors("hash", "query", [SECRET], HashEmbedder().queries)
    with closing(sqlite3.connect(tmp_path / "vectors.sqlite")) as kept:
        ((count,),) = kept.execute("SELECT count(*) FROM vector")
        kept.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert count == 1
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.glob("vectors.sqlite*"))


def test_a_source_opens_for_its_own_tenant_alone(library: Pages) -> None:
    (page,) = library.put(library.origin(".md"), f"# 手册\n\n{SECRET}\n")
    assert SECRET in library.open(page, tenant="academy").text
    for tenant in ("clinic", "", "Academy", tenant_tag("academy")):
        refused = library.open(page, tenant=tenant)
        assert (refused.status_code, SECRET in refused.text) == (404, False)


def test_documents_are_looked_after_within_a_tenant(chat: Chat) -> None:
    chat.says(ADMIN, f"/faq add 问 | {SECRET}")
    for command in ("/kb approve", "/kb approve 1", "/kb withdraw 1", "/status", "/confirm a1"):
        assert SECRET not in chat.hears(ADMIN, command, bot=FOREIGN)
    assert "没有找到资料 1" in chat.hears(ADMIN, "/kb approve 1", bot=FOREIGN)
    chat.confirms(ADMIN, "/kb approve 1")
    assert set(chat.office.synced) == {("academy", "c")}
    assert "没有找到资料 1" in chat.hears(ADMIN, "/kb withdraw 1", bot=FOREIGN)
    chat.says(ADMIN, f"/faq add 问 | {SECRET}", bot=FOREIGN)
    chat.confirms(ADMIN, "/kb approve 2", bot=FOREIGN)
    chat.confirms(ADMIN, "/kb withdraw 2", bot=FOREIGN)
    assert "没有找到资料 2" in chat.hears(ADMIN, "/kb withdraw 2")


# What people wrote


def test_turns_reports_and_exports_are_those_of_the_bot(chat: Chat) -> None:
    turn(chat, OURS, "a" * 20)
    for command in ("/trace last", f"/trace {'a' * 20}", "/recall last", f"/correct {'a' * 20} 改"):
        assert SECRET not in chat.hears(ADMIN, command, bot=FOREIGN)
    assert "没有找到这个回合" in chat.hears(ADMIN, f"/trace {'a' * 20}", bot=FOREIGN)
    assert "回合 0 个" in chat.hears(ADMIN, "/report", bot=FOREIGN)
    assert "回合 1 个" in chat.hears(ADMIN, "/report")
    turn(chat, FOREIGN, "b" * 20)
    chat.office.channels["foreign", "app"].media = frozenset({MessageKind.FILE})
    (exported,) = chat.says(ADMIN, "/export", bot=FOREIGN).parts
    assert isinstance(exported, Medium)
    kept = chat.office.tools.media.find(exported.media)
    assert kept is not None
    table = kept.path.read_text(encoding="utf-8-sig")
    assert ("b" * 20 in table, "a" * 20 in table) == (True, False)


def test_a_ticket_is_unknown_to_the_humans_of_another_tenant(chat: Chat) -> None:
    chat.says(ANYBODY, f"/human {SECRET}")
    for command in ("/reply 1 您好", "/takeover 1", "/release 1"):
        said = chat.says(ADMIN, command, bot=FOREIGN)
        assert "没有找到工单 1" in said.text
        assert said.notices == ()
    assert chat.office.desk.ticket_of(THERE) is None, "the same person is not silenced elsewhere"
    with pytest.raises(InputError, match="ticket_not_found"):
        chat.office.tickets.rate(THERE, 1, 3)
    ticket = chat.office.tickets.get("imaging", 1)
    assert ticket is not None
    assert ticket.satisfaction is None


def test_verdicts_dead_letters_and_media_are_counted_and_kept_apart(chat: Chat, redis_client: redis.Redis) -> None:
    for bot in (OURS, FOREIGN):
        turn(chat, bot, f"{bot.id[0] * 20}")
        given = Feedback(
            turn_id=bot.id[0] * 20,
            person=ANYBODY,
            bot=bot.id,
            tenant=bot.tenant,
            verdict=Verdict.USELESS,
            source=Source.WORDS,
            given_at=chat.office.now - 1,
        )
        FeedbackRecords(chat.office.database).save(given)
    letters = DeadLetters(redis_client)
    letters.keep(dead_message(1, HERE))
    (ours,) = letters.newest("imaging", 9)
    assert letters.newest("foreign", 9) == []
    assert letters.get(["foreign"], ours.key) is None
    assert "评价：有用 0，没用 1" in chat.hears(ADMIN, "/report")
    gone = chat.office.tools.personal.forget("foreign", ANYBODY, but=replace(THERE, person=ADMIN))
    assert (gone.turns, gone.feedback) == (1, 1)
    assert chat.office.records.get("i" * 20) is not None
    assert letters.newest("imaging", 9) == [ours]


def test_what_somebody_sent_to_one_bot_is_nothing_to_another(tmp_path: Path) -> None:
    store = MediaStore(tmp_path, 60.0)
    attachment = Attachment(kind=MessageKind.FILE, media_id="the same id")
    with store.incoming(reference(HERE, attachment)) as incoming:
        incoming.file.write(SECRET.encode())
        store.keep(incoming, MessageKind.FILE, "a.txt", owner=owner_of(HERE))
    assert store.find(reference(HERE, attachment)) is not None
    assert store.find(reference(THERE, attachment)) is None
    assert store.forget_all_of(owner_of(THERE)) == 0


# What steers


def test_who_steers_one_tenant_s_bots_switches_no_other(chat: Chat) -> None:
    chat.says(ADMIN, "/kill all")
    chat.says(ADMIN, f"/block {ANYBODY}")
    assert chat.office.switches.stopping(HERE) is not None
    assert chat.office.switches.stopping(THERE) is None
    assert chat.office.switches.blocking("imaging", ANYBODY) is not None
    assert chat.office.switches.blocking("foreign", ANYBODY) is None
    assert "小影" not in chat.hears(ADMIN, "/bots", bot=FOREIGN)


def test_what_waits_to_be_confirmed_at_one_bot_is_unknown_to_another(chat: Chat) -> None:
    code = chat.says(ADMIN, f"/forget {ANYBODY}").text.rpartition("/confirm ")[2]
    turn(chat, FOREIGN, "b" * 20)
    chat.says(ADMIN, f"/confirm {code}", bot=FOREIGN)
    assert chat.office.records.get("b" * 20) is not None


def test_no_key_of_a_conversation_is_shared_with_another_tenant_s(tmp_path: Path) -> None:
    """Every name in :mod:`bot.keys`, a new one too. What holds many conversations by design (who is due, what was
    refused) names the whole conversation within."""
    shared = {"due", "refused", "refused_in"}
    tried = set()
    for name, function in inspect.getmembers(keys, inspect.isfunction):
        if name in shared or function.__module__ != keys.__name__:
            continue
        more = ["the same id"] * (len(inspect.signature(function).parameters) - 1)
        mine, theirs = ("imaging", "foreign") if "bot" in inspect.signature(function).parameters else (HERE, THERE)
        assert function(mine, *more) != function(theirs, *more), name
        tried.add(name)
    assert {"queue", "seen", "lease", "outbox", "stream", "heard", "dead_index", "person_bucket"} <= tried
    assert HERE.key != THERE.key


# Cases and audit


def test_reports_of_two_tenants_are_never_compared(clinic: Clinic) -> None:
    first = clinic.tell(f"{REPORT}，批号：A12034")
    other = replace(
        clinic.report(f"{REPORT}，批号：A12034", person="liu.yang"),
        conversation=replace(HERE, bot="foreign", person="liu.yang"),
        tenant="clinic",
    )
    clinic.bots["foreign"] = clinic.bots["imaging"].model_copy(update={"id": "foreign", "tenant": "clinic"})
    taken = clinic.intake.take(other)
    assert taken is not None
    assert (taken.opened, taken.case.related_to, taken.case.group_event) == (True, None, False)
    assert not clinic.case(first.case.number).group_event
    assert [case.number for case in clinic.cases.newest(9, bot="foreign")] == [taken.case.number]


def test_a_person_has_another_name_in_the_audit_log_of_another_tenant() -> None:
    key = AuditKey(b"a secret of this test")
    assert key.pseudonym("academy", ANYBODY) != key.pseudonym("clinic", ANYBODY)
