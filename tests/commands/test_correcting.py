"""People who were answered from what is not so any more hear of it: once each, where they can be written to."""

import pytest

from bot.knowledge.corrections import BATCH, Told
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.versions import Version
from bot.messages import ConversationId
from bot.parts import words_of
from bot.replies import OutboxReply
from tests.commands.conftest import ADMIN, ANYBODY, GROUP, Chat
from tests.commands.test_operations import TURN, turn
from tests.commands.test_reviewing import bring, reconfigured
from tests.handoff.office import ROBOT


def cited(version: Version, chat: Chat, n: int = 0) -> tuple[str, ...]:
    return (KnowledgeStore(chat.office.database).contents(version.id)[n].id,)


class Post:
    """The outboxes: who was told what, a key once a conversation."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self._keys: set[tuple[str, str]] = set()

    def __call__(self, conversation: ConversationId, reply: OutboxReply) -> bool:
        new = (conversation.key, reply.key) not in self._keys
        if new:
            self._keys.add((conversation.key, reply.key))
            self.said.append((conversation.key, "".join(words_of(part) for part in reply.parts)))
        return new


def asked_by(person: str, number: int, chat: Chat, version: Version, **more: object) -> None:
    conversation = ConversationId(bot="imaging", channel="app", person=person)
    name = f"{'a' * 19}{number}"
    turn(chat, name, conversation=conversation.key, person=person, cited=cited(version, chat), **more)


def test_people_who_were_told_otherwise_hear_once_that_it_was_corrected(chat: Chat) -> None:
    version, post = bring(chat, "五天", "三天", approve=True), Post()
    asked_by("dr.wang", 2, chat, version, question="年假有几天？", asked_at=chat.office.now - 3600)
    asked_by("dr.wang", 3, chat, version, question="年假到底几天？")
    asked_by("dr.li", 4, chat, version, failure="60011", parts_sent=0)
    turn(chat, "b" * 20, person="dr.chen", cited=cited(version, chat, 1))
    asked_by("dr.zhao", 5, chat, version, asked_at=chat.office.now - 40 * 86400)
    bring(chat, "七天", "三天")
    assert "有 1 人曾按旧内容得到回答，可发 /kb notify 1" in chat.confirms(ADMIN, "/kb approve 1")
    assert chat.says(ADMIN, "/kb notify 1").text.startswith("将告诉 1 人：")
    for _ in range(2):
        assert "陆续告诉 1 人" in chat.confirms(ADMIN, "/kb notify 1")
        chat.office.tools.correcting.go_on(post)
    assert post.said == [
        (
            "imaging/app//dr.wang",
            "您 1 月 15 日问到“年假到底几天？”，当时回答所依据的资料已更正，请不要再以那次回答为准。"
            "需要最新内容，请再问一次。",
        )
    ]
    version = KnowledgeStore(chat.office.database).versions("academy", "c")[-1]
    assert chat.office.tools.corrections.told(version) == Told(wanted=1, said=1, unreachable=0, superseded=0)
    asked_by("dr.wang", 6, chat, KnowledgeStore(chat.office.database).versions("academy", "c")[0])
    chat.confirms(ADMIN, "/kb notify 1")
    assert chat.office.tools.correcting.go_on(post) == 0, "nobody hears of a version twice"


def test_nobody_hears_of_a_correction_that_was_withdrawn_before_it_was_told(chat: Chat) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    asked_by("dr.wang", 2, chat, version)
    bring(chat, "七天", approve=True, ago=0.0)
    chat.confirms(ADMIN, "/kb notify 1")
    version = KnowledgeStore(chat.office.database).versions("academy", "c")[-1]
    chat.confirms(ADMIN, "/kb withdraw 1")
    assert chat.office.tools.correcting.go_on(post) == 0
    assert chat.office.tools.corrections.told(version).superseded == 1


def test_who_was_answered_from_what_is_withdrawn_hears_once_that_it_does_not_hold(chat: Chat) -> None:
    version, post = bring(chat, "五天", "三天", approve=True), Post()
    asked_by("dr.wang", 2, chat, version, question="年假有几天？")
    bring(chat, "七天", "三天", approve=True, ago=1800.0)
    chat.confirms(ADMIN, "/kb notify 1")
    assert chat.office.tools.correcting.go_on(post) == 1
    version = KnowledgeStore(chat.office.database).versions("academy", "c")[-1]
    asked_by("dr.wang", 3, chat, version, question="年假到底几天？", asked_at=chat.office.now - 900)
    turn(chat, "b" * 20, conversation="imaging/app//dr.li", person="dr.li", cited=cited(version, chat, 1))
    assert "有 2 人曾按旧内容得到回答，可发 /kb notify 1" in chat.confirms(ADMIN, "/kb withdraw 1")
    assert "已撤下" in chat.says(ADMIN, "/kb notify 1").text
    for _ in range(2):
        assert "已撤下一事会陆续告诉 2 人" in chat.confirms(ADMIN, "/kb notify 1")
        chat.office.tools.correcting.go_on(post)
    assert [to for to, _ in post.said] == ["imaging/app//dr.wang", "imaging/app//dr.wang", "imaging/app//dr.li"]
    assert post.said[1][1] == (
        "您 1 月 15 日问到“年假到底几天？”，当时回答所依据的资料已撤下，那次回答不再有效，请不要再以它为准。"
        "如需确认，请回复“转人工”。"
    )


def test_a_withdrawal_is_told_as_what_it_has_become_by_then(chat: Chat) -> None:
    version, post = bring(chat, "五天", "三天", approve=True), Post()
    asked_by("dr.wang", 2, chat, version)
    turn(chat, "b" * 20, conversation="imaging/app//dr.li", person="dr.li", cited=cited(version, chat, 1))
    chat.confirms(ADMIN, "/kb withdraw 1")
    chat.confirms(ADMIN, "/kb notify 1")
    bring(chat, "七天", "三天", approve=True, ago=0.0)
    assert chat.office.tools.correcting.go_on(post) == 1
    ((to, words),) = post.said
    assert to == "imaging/app//dr.wang", "what the other was told holds again"
    assert "已更正" in words


def test_who_waits_for_a_correction_hears_that_it_was_withdrawn_too(chat: Chat) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    asked_by("dr.wang", 2, chat, version)
    bring(chat, "七天", approve=True, ago=0.0)
    chat.confirms(ADMIN, "/kb notify 1")
    assert "有 1 人" in chat.confirms(ADMIN, "/kb withdraw 1")
    chat.confirms(ADMIN, "/kb notify 1")
    assert chat.office.tools.correcting.go_on(post) == 1
    ((_, words),) = post.said
    assert "已撤下" in words


def test_who_can_only_be_answered_is_counted_and_not_written_to(chat: Chat) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    bot = reconfigured(chat, channels={"app": ROBOT})
    chat.office.channels["imaging", "app"].pushes = False
    asked_by("dr.wang", 2, chat, version)
    bring(chat, "七天", approve=True, ago=0.0)
    chat.confirms(ADMIN, "/kb notify 1", bot=bot)
    assert chat.office.tools.correcting.go_on(post) == 0
    version = KnowledgeStore(chat.office.database).versions("academy", "c")[-1]
    assert chat.office.tools.corrections.told(version).unreachable == 1


def test_nobody_is_written_to_by_a_bot_that_is_another_company_s_by_now(chat: Chat) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    asked_by("dr.wang", 2, chat, version)
    bring(chat, "七天", approve=True, ago=0.0)
    chat.confirms(ADMIN, "/kb notify 1")
    reconfigured(chat, tenant="other")
    assert chat.office.tools.correcting.go_on(post) == 0
    assert post.said == []


@pytest.mark.parametrize(("window_s", "said"), [(60.0, 0), (61.0, 1)])
def test_whoever_wrote_within_the_platform_s_window_can_be_told(chat: Chat, window_s: float, said: int) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    channel = chat.office.channels["imaging", "app"]
    channel.pushes, channel.window_s = False, window_s
    asked_by("dr.wang", 2, chat, version, asked_at=chat.office.now - 3600)
    turn(chat, "b" * 20, conversation="imaging/app//dr.wang", person="dr.wang", asked_at=chat.office.now - 60)
    bring(chat, "七天", approve=True, ago=0.0)
    chat.confirms(ADMIN, "/kb notify 1")
    assert chat.office.tools.correcting.go_on(post) == said


def test_a_correction_waits_while_the_bot_is_quiet_or_stands_still(chat: Chat) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    asked_by("dr.wang", 2, chat, version)
    bring(chat, "七天", approve=True, ago=0.0)
    chat.confirms(ADMIN, "/kb notify 1")
    reconfigured(chat, quiet_hours="00:00-23:59")
    assert chat.office.tools.correcting.go_on(post) == 0
    reconfigured(chat)
    chat.says(ADMIN, "/pause 1h")
    assert chat.office.tools.correcting.go_on(post) == 0
    chat.says(ADMIN, "/resume")
    assert chat.office.tools.correcting.go_on(post) == 1


def test_whoever_has_to_wait_keeps_nobody_waiting(chat: Chat) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    for number in range(BATCH + 1):
        person = f"dr.{number:02}"
        cite = cited(version, chat)
        turn(chat, f"{'a' * 17}{number:03}", conversation=f"imaging/app//{person}", person=person, cited=cite)
        if number < BATCH:
            chat.says(ADMIN, f"/block {person}")
    bring(chat, "七天", approve=True, ago=0.0)
    chat.confirms(ADMIN, "/kb notify 1")
    assert chat.office.tools.correcting.go_on(post) == 1
    assert [to for to, _ in post.said] == [f"imaging/app//dr.{BATCH}"]
    chat.says(ADMIN, "/unblock dr.00")
    assert chat.office.tools.correcting.go_on(post) == 1


def test_whoever_asked_hears_that_their_answer_was_corrected(chat: Chat) -> None:
    version, post = bring(chat, "五天", approve=True), Post()
    turn(chat, TURN, group=GROUP, question="年假几天？", answer="五天", cited=cited(version, chat))
    chat.says(ADMIN, "/correct 七天", chat=GROUP)
    assert "有 1 人" in chat.confirms(ADMIN, "/kb approve 2")
    chat.confirms(ADMIN, "/kb notify 2")
    assert chat.office.tools.correcting.go_on(post) == 1
    assert post.said[0][0] == f"imaging/app//{ANYBODY}", "alone, though they asked in a group"


def test_nothing_to_tell(chat: Chat) -> None:
    bring(chat, "五天", approve=True)
    assert "不必告知" in chat.hears(ADMIN, "/kb notify 1")
    bring(chat, "七天")
    assert "没有找到资料 9" in chat.hears(ADMIN, "/kb notify 9")
