"""Looking after the knowledge from a chat: nothing answers that nobody has approved."""

from dataclasses import replace

import pytest

from bot.errors import InputError
from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.review import MOST_ENTRIES
from bot.knowledge.search import Hit
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Status, Submission
from bot.safety.conduct import ApprovalNumber
from tests.commands.conftest import ADMIN, GROUP, Chat, code_of
from tests.commands.test_operations import TURN, turn
from tests.handoff.office import make_bot


def approved(chat: Chat) -> dict[str, str]:
    """What may answer: question or title, and words."""
    store = KnowledgeStore(chat.office.database)
    return {entry.title: entry.text for entry in store.approved_entries("academy", "c")}


def test_a_question_and_its_answer_wait_until_somebody_approves_them(chat: Chat) -> None:
    assert chat.hears(ADMIN, "/faq add 几点开门？ | 早上八点。") == (
        "已提交资料 1《几点开门？》，审核通过前不会用于回答。批准请发 /kb approve 1"
    )
    assert approved(chat) == {}
    assert chat.hears(ADMIN, "/kb approve").splitlines() == ["尚未批准 1 份：", "1《几点开门？》1 条，待审核"]
    asked = chat.says(ADMIN, "/kb approve 1")
    assert asked.text.startswith("将批准资料 1《几点开门？》（1 条，读者：所有人）：\n早上八点。\n")
    assert approved(chat) == {}
    assert chat.confirms(ADMIN, "/批准 1") == "资料 1《几点开门？》已批准，现在可用于回答。"
    assert approved(chat) == {"几点开门？": "早上八点。"}
    assert chat.office.synced == [("academy", "c")]
    assert chat.hears(ADMIN, "/kb approve") == "没有待审核的资料。"


def test_approving_and_withdrawing_again_change_nothing_and_mend_the_index(chat: Chat) -> None:
    chat.says(ADMIN, "/faq add 几点开门？\n早上八点。")
    chat.confirms(ADMIN, "/kb approve 1")
    assert chat.hears(ADMIN, "/kb approve 1") == "资料 1《几点开门？》已批准，现在可用于回答。"
    assert chat.office.synced == [("academy", "c")] * 2
    asked = chat.says(ADMIN, "/kb withdraw 1")
    assert asked.text.startswith("将撤下资料 1《几点开门？》（1 条），之后不再用于回答。")
    code = asked.text.rpartition(" ")[2]
    for _ in range(2):
        assert chat.hears(ADMIN, f"/confirm {code}", turn_id="again") == "资料 1 已撤下，不再用于回答。"
    assert approved(chat) == {}
    assert chat.office.dropped == [("academy", "c")] * 2


def test_what_was_not_shown_is_not_approved(chat: Chat) -> None:
    turn(chat, group=GROUP, question="几点开门？", kind="refusal")
    chat.says(ADMIN, "/correct 早上八点。", chat=GROUP)
    asked = chat.says(ADMIN, "/kb approve 1")
    assert "早上八点。" in asked.text
    two = make_bot(knowledge=["c"], admins=[ADMIN, "second.admin"])
    chat.says("second.admin", "/correct 全天开放。", chat=GROUP, bot=two)
    said = chat.hears(ADMIN, f"/confirm {code_of(asked)}")
    assert said.startswith("资料 1 在您确认之前有了新的内容，尚未批准。")
    assert approved(chat) == {}
    assert "已批准" in chat.confirms(ADMIN, "/kb approve 1")
    assert approved(chat) == {"几点开门？": "全天开放。"}


def test_the_store_approves_the_version_that_is_meant_or_none(chat: Chat) -> None:
    chat.says(ADMIN, "/faq add 几点开门？ | 早上八点。")
    (version,) = chat.office.tools.review.find(chat.office.bot, 1)
    for other in (replace(version, id=version.id + 1), replace(version, status=Status.DRAFT)):
        with pytest.raises(InputError, match="kb_not_waiting"):
            chat.office.tools.review.approve(other, actor="cli:li", now=chat.office.now)
    assert approved(chat) == {}


def test_a_text_becomes_a_document(chat: Chat) -> None:
    chat.says(ADMIN, "/kb add 停车须知｜车位在地下二层。\n周末免费。")
    chat.confirms(ADMIN, "/kb approve 1")
    assert list(approved(chat)) == ["停车须知"]
    assert "车位在地下二层" in approved(chat)["停车须知"]


@pytest.mark.parametrize("text", ["只有题目", "| 只有内容", "题目 |  "])
def test_what_has_no_two_parts_is_answered_with_the_usage(chat: Chat, text: str) -> None:
    assert chat.hears(ADMIN, f"/faq add {text}").startswith("用法：/faq add 问题 | 答案")


def test_a_turn_that_runs_again_submits_one_document(chat: Chat) -> None:
    for _ in range(2):
        chat.says(ADMIN, "/faq add 问 | 答", turn_id="t1")
    chat.says(ADMIN, "/faq add 问 | 另一个答", turn_id="t2")
    assert chat.hears(ADMIN, "/kb approve").splitlines()[0] == "尚未批准 2 份："


def test_another_tenant_s_documents_are_unknown(chat: Chat) -> None:
    chat.says(ADMIN, "/faq add 问 | 答")
    foreign = make_bot("foreign", tenant="other", knowledge=["c"])
    assert chat.hears(ADMIN, "/kb approve 1", bot=foreign) == "没有找到资料 1，请核对编号。"
    assert chat.hears(ADMIN, "/kb withdraw 1", bot=foreign) == "没有找到资料 1，请核对编号。"
    other_collection = make_bot(knowledge=["d"])
    assert chat.hears(ADMIN, "/kb withdraw 1", bot=other_collection) == "没有找到资料 1，请核对编号。"
    assert "没有配置资料集合" in chat.hears(ADMIN, "/faq add 问 | 答", bot=make_bot("second"))


def test_a_large_document_is_approved_on_the_server(chat: Chat) -> None:
    origin = Origin(tenant="academy", collection="c", audience=Audience.HCP, source="大.md")
    entries = tuple(
        make_entry(origin, kind=EntryKind.PASSAGE, title="大", text=str(number), location="")
        for number in range(MOST_ENTRIES + 1)
    )
    submission = Submission(origin=origin, title="大", content_hash="c" * 64, entries=entries)
    KnowledgeStore(chat.office.database).put(submission, approve=False, actor="cli:li", now=1.0)
    assert "读者：医疗专业人士" in chat.says(ADMIN, "/kb approve 1").text
    assert "超过聊天里一次批准的上限" in chat.confirms(ADMIN, "/kb approve 1")
    assert approved(chat) == {}


def test_search_shows_the_numbers_of_documents(chat: Chat) -> None:
    assert chat.hears(ADMIN, "/kb search 开门") == "资料里没有找到相关内容。"
    chat.says(ADMIN, "/faq add 几点开门？ | 早上八点。")
    chat.confirms(ADMIN, "/kb approve 1")
    entries = KnowledgeStore(chat.office.database).approved_entries("academy", "c")
    chat.office.hits = [Hit(entry, 1.0) for entry in entries]
    assert chat.hears(ADMIN, "/查资料 开门") == "资料 1《几点开门？》：早上八点。"


def test_a_correction_is_sent_as_a_quote_of_the_wrong_answer(chat: Chat) -> None:
    turn(chat, group=GROUP, question="几点开门？", answer="早上九点。\n\n来源\n[1] 手册", reader="hcp")
    turn(chat, "b" * 20, group=GROUP, question="几点关门？", answer="晚上十点。", asked_at=chat.office.now)
    assert "已提交资料 1《几点开门？》" in chat.hears(ADMIN, "/correct 早上八点。", chat=GROUP, quoted="早上九点。")
    assert approved(chat) == {}
    assert "读者：医疗专业人士" in chat.says(ADMIN, "/kb approve 1").text, "who could read the wrong one"
    chat.confirms(ADMIN, "/kb approve 1")
    assert approved(chat) == {"几点开门？": "早上八点。"}
    assert TURN in KnowledgeStore(chat.office.database).versions("academy", "c")[0].source


def test_without_a_quote_the_last_answer_of_this_chat_is_meant(chat: Chat) -> None:
    assert "没有找到要更正的回答" in chat.hears(ADMIN, "/correct 八点", chat=GROUP)
    turn(chat, group=GROUP, question="几点开门？", answer="早上九点。")
    turn(chat, "b" * 20, group=GROUP, kind="command", question="/status", answer="好", asked_at=chat.office.now)
    assert "《几点开门？》" in chat.hears(ADMIN, "/更正 早上八点。", chat=GROUP)


@pytest.mark.parametrize("quoted", ["别的话", "。"])
def test_a_quote_of_something_else_corrects_nothing(chat: Chat, quoted: str) -> None:
    turn(chat, group=GROUP, question="几点开门？", answer="早上九点。")
    assert "没有找到要更正的回答" in chat.hears(ADMIN, "/correct 八点", chat=GROUP, quoted=quoted)


def asking_office(chat: Chat, *, required: bool) -> None:
    """From now on the bot asks for approval numbers."""
    rule = ApprovalNumber(pattern=r"MLR-\d+", required=required)
    bots = chat.office.tools.bots
    assert isinstance(bots, dict)
    bot = bots["imaging"]
    bots["imaging"] = bot.model_copy(update={"safety": bot.safety.model_copy(update={"approval_number": rule})})


def submit(chat: Chat, number: str) -> None:
    """A draft for professionals that carries ``number``."""
    origin = Origin(tenant="academy", collection="c", audience=Audience.HCP, source="指南.md", approval_number=number)
    entry = make_entry(origin, kind=EntryKind.PASSAGE, title="指南", text="每次两支。", location="用量")
    submission = Submission(origin=origin, title="指南", content_hash="c" * 64, entries=(entry,))
    KnowledgeStore(chat.office.database).put(submission, approve=False, actor="cli:li", now=1.0)


@pytest.mark.parametrize(("number", "found"), [("", "–"), ("旧-7", "旧-7")], ids=["none", "unfit"])
def test_what_professionals_may_read_is_not_approved_without_a_fitting_number(
    chat: Chat, number: str, found: str
) -> None:
    asking_office(chat, required=True)
    submit(chat, number)
    assert f"没有符合要求的审批号（现有：{found}）" in chat.confirms(ADMIN, "/kb approve 1")
    assert approved(chat) == {}


def test_a_number_is_shown_to_who_approves_and_can_be_searched_for(chat: Chat) -> None:
    asking_office(chat, required=True)
    submit(chat, "MLR-26")
    assert "审批号 MLR-26" in chat.says(ADMIN, "/kb approve 1").text
    chat.confirms(ADMIN, "/kb approve 1")
    assert approved(chat) == {"指南": "每次两支。"}
    assert chat.hears(ADMIN, "/kb search mlr-26") == "资料 1《指南》：审批号 mlr-26"
    assert chat.hears(ADMIN, "/kb search MLR-27") == "资料里没有找到相关内容。"


def test_where_a_number_is_not_required_only_a_wrong_one_is_refused(chat: Chat) -> None:
    asking_office(chat, required=False)
    submit(chat, "旧-7")
    assert "没有符合要求的审批号" in chat.confirms(ADMIN, "/kb approve 1")
    submit(chat, "")
    chat.confirms(ADMIN, "/kb approve 1")
    assert approved(chat) == {"指南": "每次两支。"}
