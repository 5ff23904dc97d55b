"""Commands about one person, and the file of all turns."""

import csv
import io
from dataclasses import replace

import pytest
import redis

from bot import keys
from bot.audit.entries import Action
from bot.dead_letters import DeadLetters
from bot.events import Verdict
from bot.feedback.records import Feedback, FeedbackRecords, Source
from bot.media.store import media_id, owner_of
from bot.messages import MessageKind
from bot.parts import Medium, Text
from bot.posting import post
from bot.refused import keep
from bot.replies import OutboxReply
from tests.commands.conftest import ADMIN, ANYBODY, Chat
from tests.commands.test_operations import TURN, turn
from tests.handoff.office import make_message
from tests.operations.conftest import dead_message

HERE = make_message(ANYBODY, "").conversation
OTHER = make_message("dr.li", "").conversation


def remember_everywhere(chat: Chat, person: str, client: redis.Redis) -> None:
    """Something of ``person`` in every store."""
    office, conversation = chat.office, replace(HERE, person=person)
    turn(
        chat,
        media_id("turn", person)[:20],
        person=person,
        conversation=conversation.key,
        question="秘密",
        answer="秘密",
    )
    chat.says(person, "/human 秘密")
    verdict = Feedback(
        turn_id=TURN,
        person=person,
        bot="imaging",
        tenant="academy",
        verdict=Verdict.USELESS,
        source=Source.WORDS,
        given_at=office.now,
        words="秘密",
    )
    FeedbackRecords(office.database).save(verdict)
    with office.tools.media.incoming(media_id("medium", person)) as incoming:
        incoming.file.write("秘密".encode())
        office.tools.media.keep(incoming, MessageKind.FILE, "a.txt", 60.0, owner_of(conversation))
    post(client, lambda _key: None, conversation, OutboxReply(key="k", parts=(Text("秘密"),), created_at=office.now))
    client.rpush(keys.heard(conversation), "秘密")
    DeadLetters(client).keep(dead_message(1, conversation))
    keep(client, make_message(person, "秘密"), "person")
    (newest,) = [
        entry
        for entry, fields in client.xrange(keys.refused(conversation))
        if conversation.key.encode() in fields.values()
    ]
    client.hset(keys.REFUSED_READ, conversation.tag, newest)


def held(chat: Chat, person: str, client: redis.Redis) -> list[object]:
    """What each store has of ``person``."""
    office, conversation = chat.office, replace(HERE, person=person)
    refused = [fields for _, fields in client.xrange(keys.refused(conversation))]
    return [
        len(office.records.recent(conversation.key, 9)),
        [
            ticket
            for number in range(1, 9)
            if (ticket := office.tickets.get("imaging", number)) and ticket.conversation == conversation
        ],
        [given for given in FeedbackRecords(office.database).of_turn(TURN) if given.person == person],
        office.tools.media.find(media_id("medium", person)),
        client.lrange(keys.outbox(conversation), 0, -1),
        client.lrange(keys.heard(conversation), 0, -1),
        [one for one in DeadLetters(client).newest("imaging", 9) if one.conversation == conversation],
        [fields for fields in refused if fields[b"conversation"].decode() == conversation.key],
    ]


def test_whoever_is_forgotten_is_in_no_store_and_others_stay(chat: Chat, redis_client: redis.Redis) -> None:
    remember_everywhere(chat, ANYBODY, redis_client)
    remember_everywhere(chat, "dr.li", redis_client)
    asked = chat.says(ADMIN, "/forget Dr.Wang")
    assert "Dr.Wang 的全部记录（1 个回合" in asked.text
    assert all(held(chat, ANYBODY, redis_client))
    text = chat.confirms(ADMIN, "/forget Dr.Wang")
    removed = "回合 1 个，评价 1 条，工单 1 个，文件 1 个，健康信息同意 0 条，医务人员绑定 0 条"
    assert text.splitlines()[0] == f"已删除：{removed}，未处理的消息和回复 3 条。"
    assert not any(held(chat, ANYBODY, redis_client))
    assert all(held(chat, "dr.li", redis_client))
    assert ANYBODY.casefold() not in text.casefold()
    done = chat.office.audited[-1]
    assert (done.action, done.details["of"]) == (Action.DELETION, chat.office.tools.pseudonym("academy", "Dr.Wang"))
    assert "wang" not in str(done.details).lower()


def test_the_commands_that_named_somebody_forgotten_keep_no_name(chat: Chat) -> None:
    turn(chat, "b" * 20, person=ADMIN, kind="command", question="/block dr.wang", answer="已屏蔽 dr.wang")
    turn(chat, "c" * 20, person=ADMIN, kind="command", question="/block dr.wang2", answer="已屏蔽 dr.wang2")
    turn(chat, "d" * 20, person="dr.li", kind="faq", question="dr.wang 在吗", answer="…")
    chat.confirms(ADMIN, "/forget dr.wang")
    questions = [chat.office.records.get(letter * 20).question for letter in "bcd"]  # type: ignore[union-attr]
    assert questions == ["/…", "/block dr.wang2", "dr.wang 在吗"]


def test_a_message_that_nobody_has_screened_is_not_thrown_away(chat: Chat, redis_client: redis.Redis) -> None:
    message = make_message(ANYBODY, "吃了药全身起疹子")
    redis_client.rpush(keys.queue(HERE), message.encode())
    redis_client.zadd(keys.due(HERE.tag), {HERE.key: 1})
    keep(redis_client, message, "person")
    text = chat.confirms(ADMIN, f"/forget {ANYBODY}")
    assert "还有 1 个会话正在处理，请一分钟后再发一次。" in text
    assert redis_client.llen(keys.queue(HERE)) == 1
    assert redis_client.xlen(keys.refused(HERE)) == 1


def test_a_conversation_that_a_worker_has_is_tried_again(chat: Chat, redis_client: redis.Redis) -> None:
    turn(chat)
    lease = chat.office.leases.acquire(HERE)
    assert lease is not None
    assert "还有 1 个会话正在处理" in chat.confirms(ADMIN, f"/forget {ANYBODY}")
    lease.release()
    chat.office.leases.forget(lease)
    turn(chat)
    assert "正在处理" not in chat.confirms(ADMIN, f"/forget {ANYBODY}")


def test_me_is_whoever_asks_whose_own_conversation_goes_on(chat: Chat, redis_client: redis.Redis) -> None:
    remember_everywhere(chat, ADMIN, redis_client)
    assert "回合 1 个" in chat.confirms(ADMIN, "/forget me")
    own = held(chat, ADMIN, redis_client)
    assert own[:4] == [0, [], [], None]
    assert own[4], "the reply to this very command goes through the same outbox"


def test_forgetting_again_says_that_nothing_is_left(chat: Chat) -> None:
    turn(chat)
    for turns in (1, 0):
        assert f"回合 {turns} 个" in chat.confirms(ADMIN, f"/forget {ANYBODY}")


def table(chat: Chat, text: str) -> list[list[str]]:
    """The rows of the file that ``text`` brings."""
    outcome = chat.says(ADMIN, text)
    (medium,) = outcome.parts
    assert isinstance(medium, Medium)
    stored = chat.office.tools.media.find(medium.media)
    assert stored is not None
    assert (medium.kind, stored.name) == (MessageKind.FILE, "imaging-2027-01-15.csv")
    return list(csv.reader(io.StringIO(stored.path.read_text("utf-8-sig"))))


def test_an_export_is_a_table_without_personal_data(chat: Chat) -> None:
    chat.office.channels["imaging", "app"].media = frozenset({MessageKind.FILE})
    turn(chat, question="我的手机号 13800138000", answer="好的")
    turn(chat, "b" * 20, question="=HYPERLINK(1)", asked_at=chat.office.now - 86400 * 3)
    turn(chat, "c" * 20, bot="second")
    header, *rows = table(chat, "/export")
    assert header[0] == "时间"
    assert [row[1] for row in rows] == [TURN, "b" * 20]
    assert rows[0][2] == chat.office.tools.pseudonym("academy", ANYBODY)
    assert rows[0][3:5] == ["问答库", "我的手机号 〔手机号1〕"]
    assert rows[1][4] == "'=HYPERLINK(1)", "a spreadsheet would compute it"
    assert ANYBODY not in str(rows)
    assert len(table(chat, "/export day")) == 2
    assert chat.office.audited[-1].action is Action.EXPORT
    assert chat.office.audited[-1].details["turns"] == 1


def test_an_export_and_a_trace_name_the_approval_of_what_was_cited(chat: Chat) -> None:
    chat.office.channels["imaging", "app"].media = frozenset({MessageKind.FILE})
    cited = {"n": 1, "title": "说明书", "source": "a.md", "location": "", "quote": "…", "approval_number": "MLR-1"}
    turn(chat, citations=(cited,))
    _, row = table(chat, "/export")
    assert row[6] == "说明书 审批号 MLR-1"
    assert "a.md · 审批号 MLR-1" in chat.hears(ADMIN, f"/trace {TURN}")


def test_where_no_files_can_be_sent_it_says_so(chat: Chat) -> None:
    turn(chat)
    assert "这里不能发送文件" in chat.hears(ADMIN, "/export")


@pytest.mark.parametrize("person", ["li na", ""])
def test_a_person_is_one_word(chat: Chat, person: str) -> None:
    assert "用法：/block" in chat.hears(ADMIN, f"/block {person}")


@pytest.mark.parametrize("begin", [*"=+-@＝＋－＠", "\t=", "\n="])
def test_a_spreadsheet_computes_nothing_of_what_people_wrote(chat: Chat, begin: str) -> None:
    chat.office.channels["imaging", "app"].media = frozenset({MessageKind.FILE})
    turn(chat, question=f"{begin}HYPERLINK(1)")
    assert table(chat, "/export")[1][4] == f"'{begin}HYPERLINK(1)"
