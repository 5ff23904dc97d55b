"""The way of a document from a chat: offered, sent back, approved by somebody else, corrected, taken out of service."""

import time
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.bots_file import BotConfig
from bot.errors import InputError, Unavailable
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.review import Review
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Status, Submission, Version
from tests.commands.conftest import ADMIN, ANYBODY, Chat, code_of
from tests.handoff.office import make_bot

SECOND = "second.admin"
ORIGIN = Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="年假.csv")


def reconfigured(chat: Chat, **fields: object) -> BotConfig:
    """The office's bot as the file says from now on, with a second admin."""
    bot = make_bot(knowledge=["c"], admins=[ADMIN, SECOND], **fields)
    assert isinstance(chat.office.tools.bots, dict)
    chat.office.tools.bots[bot.id] = bot
    return bot


def bring(chat: Chat, *texts: str, approve: bool = False, origin: Origin = ORIGIN, ago: float = 86_400.0) -> Version:
    """A table of FAQs, a question each, as the command line stored it, a day ago if not said."""
    entries = tuple(
        make_entry(origin, kind=EntryKind.FAQ, title=f"问{n}？", questions=(f"问{n}？",), text=text, location="")
        for n, text in enumerate(texts, 1)
    )
    submission = Submission(origin=origin, title="年假", content_hash="c" * 64, entries=entries)
    store = KnowledgeStore(chat.office.database)
    store.put(submission, approve=approve, actor="cli:li", now=chat.office.now - ago)
    return store.versions("academy", "c", origin.source)[-1]


def states(chat: Chat) -> list[Status]:
    return [version.status for version in KnowledgeStore(chat.office.database).versions("academy", "c")]


def test_a_draft_is_offered_sent_back_with_a_reason_and_offered_again(chat: Chat) -> None:
    bring(chat, "五天")
    assert chat.hears(ADMIN, "/kb approve").splitlines()[1] == "1《年假》1 条，草稿"
    assert chat.hears(ADMIN, "/kb return 1 不准") == "资料 1 没有待审核的版本，不能退回。"
    for _ in range(2):  # a turn that runs again
        assert "已提交资料 1《年假》" in chat.hears(ADMIN, "/送审 1", turn_id="t1")
        assert states(chat) == [Status.IN_REVIEW]
    for _ in range(2):
        assert "已退回作者" in chat.hears(ADMIN, "/kb return 1 天数  不对", turn_id="t2")
        assert states(chat) == [Status.DRAFT]
    assert chat.hears(ADMIN, "/kb approve").splitlines()[1:] == ["1《年假》1 条，草稿", "退回原因：天数 不对"]
    chat.says(ADMIN, "/kb submit 1")
    chat.confirms(ADMIN, "/kb approve 1")
    assert states(chat) == [Status.APPROVED]
    assert chat.hears(ADMIN, "/kb submit 1") == "资料 1 没有待审核的版本。"


def test_what_was_sent_back_after_it_was_shown_is_not_approved(chat: Chat) -> None:
    bot = reconfigured(chat)
    chat.says(ADMIN, "/faq add 几点开门？ | 早上八点。", bot=bot)
    asked = chat.says(ADMIN, "/kb approve 1", bot=bot)
    chat.says(SECOND, "/kb return 1 时间不对", bot=bot)
    assert "尚未批准" in chat.hears(ADMIN, f"/confirm {code_of(asked)}", bot=bot)
    assert states(chat) == [Status.DRAFT]


def test_with_four_eyes_nobody_approves_what_they_brought(chat: Chat) -> None:
    bot = reconfigured(chat, four_eyes=True)
    chat.says(ADMIN, "/faq add 几点开门？ | 早上八点。", bot=bot)
    assert chat.confirms(ADMIN, "/kb approve 1", bot=bot) == "资料 1 是您提交的，须由另一个人批准。"
    assert chat.confirms(ADMIN.upper(), "/kb approve 1", bot=bot) == "资料 1 是您提交的，须由另一个人批准。"
    assert states(chat) == [Status.IN_REVIEW]
    assert "已批准" in chat.confirms(SECOND, "/kb approve 1", bot=bot)


def test_four_eyes_are_not_those_of_one_person_under_two_names(chat: Chat) -> None:
    bot = reconfigured(chat, four_eyes=True, same_person=[[ADMIN.upper(), "cli:li"]])
    chat.says(SECOND, "/faq add 几点开门？ | 早上八点。", bot=bot)
    bring(chat, "五天")
    chat.says(SECOND, "/kb submit 2", bot=bot)
    assert "已批准" in chat.confirms(ADMIN, "/kb approve 1", bot=bot), "that is another person's"
    assert "须由另一个人批准" in chat.confirms(ADMIN, "/kb approve 2", bot=bot), "brought on the server as cli:li"
    assert "已批准" in chat.confirms(SECOND, "/kb approve 2", bot=bot)


def test_who_approves_what_has_expired_hears_that_nothing_is_answered_from_it(chat: Chat) -> None:
    entry = make_entry(ORIGIN, kind=EntryKind.FAQ, title="问？", text="答", location="", valid_to=chat.office.now)
    submission = Submission(origin=ORIGIN, title="年假", content_hash="c" * 64, entries=(entry,))
    chat.office.tools.store.put(submission, approve=False, actor="cli:li", now=1.0)
    assert "都已过有效期" in chat.confirms(ADMIN, "/kb approve 1")


def test_an_approval_is_dated_when_the_gate_has_been_passed(chat: Chat) -> None:
    version, tools, began = bring(chat, "五天"), chat.office.tools, time.monotonic()
    review = Review(
        chat.office.database,
        tools.store,
        lambda _tenant, _collection: None,
        lambda _tenant, _collection: None,
        lambda _tenant, _collection: (),
        warm=lambda _entries, _tell: None,
        gate=lambda _versions, _actor, _override, _progress: time.sleep(0.05),
    )
    review.approve(version, actor="cli:wu", now=1_000.0)
    (approved,) = tools.store.versions("academy", "c")
    assert approved.approved_at is not None
    assert 0.05 <= approved.approved_at - 1_000.0 <= time.monotonic() - began


def test_what_is_replaced_answers_until_the_vectors_of_the_new_version_are_there(chat: Chat) -> None:
    bring(chat, "五天", approve=True)
    version, meanwhile = bring(chat, "七天", "三天"), []
    review = Review(
        chat.office.database,
        chat.office.tools.store,
        lambda _tenant, _collection: None,
        lambda _tenant, _collection: None,
        lambda _tenant, _collection: (),
        warm=lambda entries, _tell: meanwhile.extend((entry.text, states(chat)) for entry in entries),
        gate=lambda _versions, _actor, _override, _progress: meanwhile.append(("gate", states(chat))),
    )
    review.approve(version, actor="cli:wu", now=1_000.0)
    before = [Status.APPROVED, Status.DRAFT]
    assert meanwhile == [("七天", before), ("三天", before), ("gate", before)]
    assert states(chat) == [Status.WITHDRAWN, Status.APPROVED]
    bring(chat, "九天")
    chat.confirms(ADMIN, "/kb approve 1")
    assert chat.office.warmed == ["九天"]


def test_what_does_not_pass_the_gate_is_not_approved(chat: Chat) -> None:
    bot = reconfigured(chat, gate={"required": True})
    bring(chat, "五天")
    said = chat.confirms(ADMIN, "/kb approve 1", bot=bot)
    assert "还没有已认可的一次运行" in said
    assert bot.id in said
    assert states(chat) == [Status.DRAFT]


def test_with_four_eyes_a_draft_is_offered_first(chat: Chat) -> None:
    bot = reconfigured(chat, four_eyes=True)
    bring(chat, "五天")
    assert "请先送审" in chat.confirms(ADMIN, "/kb approve 1", bot=bot)
    chat.says(ADMIN, "/kb submit 1", bot=bot)
    assert "已批准" in chat.confirms(ADMIN, "/kb approve 1", bot=bot), "another brought it"


def test_the_rule_of_one_bot_holds_for_everybody_who_shares_its_collection(chat: Chat) -> None:
    reconfigured(chat, four_eyes=True)
    other = make_bot("second", knowledge=["c"])
    chat.says(ADMIN, "/faq add 几点开门？ | 早上八点。", bot=other)
    assert "须由另一个人批准" in chat.confirms(ADMIN, "/kb approve 1", bot=other)


def test_who_approves_sees_what_changes(chat: Chat) -> None:
    bring(chat, "入职满一年有五天。", "提前三天申请。", approve=True)
    bring(chat, "入职满一年有七天。", "提前三天申请。", "可以顺延。")
    shown = chat.says(ADMIN, "/kb approve 1").text
    changes = [
        "与第 1 版相比：新增 1 条，删去 0 条，修改 1 条（[-删去的字-]{+新写的字+}）",
        "~ 问1？：入职满一年有[-五-]{+七+}天。",
        "+ 问3？：可以顺延。",
    ]
    for line in changes:
        assert line in shown
    assert chat.hears(ADMIN, "/对比 1").splitlines() == ["资料 1《年假》第 2 版，草稿", *changes]


def test_who_approves_sees_that_others_may_read_it(chat: Chat) -> None:
    bring(chat, "五天", origin=replace(ORIGIN, audience=Audience.HCP), approve=True)
    bring(chat, "五天")
    lines = chat.hears(ADMIN, "/kb diff 1").splitlines()
    assert lines[2:4] == ["读者由“医疗专业人士”变为“所有人”", "~ 问1？（读者）：五天"]


def test_a_withdrawal_takes_what_was_shown_or_nothing(chat: Chat) -> None:
    bring(chat, "五天", approve=True)
    asked = chat.says(ADMIN, "/kb withdraw 1")
    bring(chat, "七天", approve=True, ago=0.0)
    assert "尚未撤下" in chat.hears(ADMIN, f"/confirm {code_of(asked)}")
    assert states(chat) == [Status.WITHDRAWN, Status.APPROVED]
    asked = chat.says(ADMIN, "/kb withdraw 1")
    bring(chat, "九天")
    assert "尚未撤下" in chat.hears(ADMIN, f"/confirm {code_of(asked)}"), "a draft that was not shown would go too"
    chat.confirms(ADMIN, "/kb withdraw 1")
    assert set(states(chat)) == {Status.WITHDRAWN}
    assert chat.office.dropped == [("academy", "c")]


def test_the_store_withdraws_the_versions_that_are_meant_or_none(chat: Chat) -> None:
    version = bring(chat, "五天", approve=True)
    with pytest.raises(InputError, match="kb_changed_withdraw"):
        chat.office.tools.review.withdraw(
            chat.office.bot, [replace(version, id=version.id + 1)], actor="cli:li", now=1.0
        )
    assert states(chat) == [Status.APPROVED]


def test_a_withdrawal_holds_though_the_index_cannot_be_reached(chat: Chat) -> None:
    version, tools = bring(chat, "五天", approve=True), chat.office.tools

    def away(_tenant: str, _collection: str) -> None:
        raise Unavailable("the Qdrant server does not answer")

    rules, warm = (lambda _tenant, _collection: ()), (lambda _entries, _tell: None)
    review = Review(chat.office.database, tools.store, away, away, rules, warm=warm)
    with capture_logs() as logs:
        review.withdraw(chat.office.bot, [version], actor="cli:wu", now=1.0)
    assert states(chat) == [Status.WITHDRAWN]
    assert [line["event"] for line in logs] == ["index_not_dropped"]


def test_documents_for_another_bot_alone_are_not_looked_after(chat: Chat) -> None:
    bring(chat, "五天", origin=replace(ORIGIN, bots=("second",)))
    assert chat.hears(ADMIN, "/kb approve") == "没有待审核的资料。"
    for text in ("approve 1", "withdraw 1", "submit 1", "return 1 不行", "diff 1", "notify 1"):
        assert chat.hears(ADMIN, f"/kb {text}") == "没有找到资料 1，请核对编号。"
    second = make_bot("second", knowledge=["c"])
    assert "仅供这些机器人使用：second" in chat.says(ADMIN, "/kb approve 1", bot=second).text


def test_a_version_for_another_bot_alone_keeps_nobody_from_theirs_and_is_not_compared(chat: Chat) -> None:
    bring(chat, "只给二号看", origin=replace(ORIGIN, bots=("second",)), approve=True)
    bring(chat, "五天", approve=True)
    assert "只给二号看" not in chat.hears(ADMIN, "/kb diff 1")
    bring(chat, "七天", origin=replace(ORIGIN, bots=("second",)))
    assert "已撤下" in chat.confirms(ADMIN, "/kb withdraw 1")
    assert states(chat) == [Status.WITHDRAWN, Status.WITHDRAWN, Status.DRAFT]


def test_nobody_is_told_that_they_approved_what_somebody_else_did(chat: Chat) -> None:
    bring(chat, "五天")
    code = code_of(chat.says(ADMIN, "/kb approve 1"))
    bring(chat, "七天", approve=True)
    assert "有了新的内容" in chat.hears(ADMIN, f"/confirm {code}")


def test_strangers_and_servicers_look_after_nothing(chat: Chat) -> None:
    bring(chat, "五天")
    for person in (ANYBODY, "li.na"):
        for text in ("approve 1", "withdraw 1", "submit 1", "return 1 不行", "diff 1", "notify 1"):
            chat.says(person, f"/kb {text}")
    assert states(chat) == [Status.DRAFT]
    assert all(event.details["result"] == "not_permitted" for event in chat.office.audited)
