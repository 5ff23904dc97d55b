"""The list of steps: what each decides, what it leaves to the next, and what is kept of it."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.knowledge.entries import Audience
from bot.links import SourceLinks, tenant_tag
from bot.messages import LONGEST_QUESTION, Attachment, MessageKind, ReplyKind, Sender
from bot.parts import Stream, Text
from bot.pipeline import STEPS
from bot.records.turns import TurnRecord
from tests.pipeline.conftest import FAQS, NOW, House, quoted, words

QUESTION, ANSWER = next(iter(FAQS.items()))


def test_a_faq_comes_word_for_word_with_a_link_to_its_place(house: House) -> None:
    heard = house.hears(QUESTION)
    assert heard.startswith(ANSWER)
    assert f"{QUESTION} <https://bot.example/source/" in heard


def test_a_link_opens_for_the_reader_in_the_tenant_of_the_bot(house: House) -> None:
    found = re.search(r"https://bot\.example/source/([\w-]{60})#cited", house.hears(QUESTION))
    assert found is not None
    token = SourceLinks(b"a secret of this test, long enough", "https://bot.example", 3600).open(found[1], NOW)
    assert (token.tenant, token.reader, token.expires_at) == (tenant_tag("academy"), Audience.PUBLIC, NOW + 3600)


def test_a_bots_own_threshold_counts(house: House) -> None:
    assert house.record(QUESTION).kind == ReplyKind.FAQ
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"answer_threshold": 1.0})
    assert house.record(QUESTION).kind == ReplyKind.REFUSAL


def test_a_question_that_is_too_long_is_not_searched_for(house: House) -> None:
    assert house.record("问" * (LONGEST_QUESTION + 1)).step == "decline_unreadable"


def test_every_step_up_to_the_deciding_one_is_recorded_with_what_it_found(house: House) -> None:
    record = house.record("年假有几天？")
    assert [step["step"] for step in record.steps] == [name for name, _ in STEPS]
    assert record.step == "compose"
    by_name = {step["step"]: step for step in record.steps}
    assert by_name["understand"]["readings"] == 1
    assert (by_name["retrieve"]["answers"], by_name["retrieve"]["sure"]) == ("faq", True)
    assert by_name["retrieve"]["both"] == pytest.approx(record.confidence, abs=1e-4)
    assert by_name["compose"]["kind"] == record.kind == ReplyKind.FAQ
    assert record.passages[0][0] in by_name["compose"]["cited"]
    assert all(step["ms"] >= 0 for step in record.steps)
    assert [step["step"] for step in house.record("/help").steps] == ["screen", "turn_away", "obey_command"]


def test_a_record_comes_back_from_sql_as_it_went(house: House) -> None:
    record = replace(house.record(QUESTION, quoted=quoted("昨天的公告")), parts=1)
    house.records.save(record)
    again = house.records.get(record.id)
    assert again == TurnRecord.decode(record.encode())
    assert again is not None
    assert (again.reader, again.quoted) == ("public", "昨天的公告")


def test_what_is_quoted_is_the_context_of_a_question_that_does_not_stand_alone(house: House) -> None:
    assert "没有找到" in house.hears("这个要带什么材料？")
    record = house.record("这个要带什么材料？", quoted=quoted("差旅报销怎么提交"))
    assert record.kind == ReplyKind.EXTRACTIVE
    assert "发票原件" in record.answer
    assert next(step for step in record.steps if step["step"] == "retrieve")["reading"] == 1


def test_a_question_that_stands_alone_is_not_changed_by_what_it_quotes(house: House) -> None:
    record = house.record(QUESTION, quoted=quoted("差旅报销怎么提交"))
    assert record.answer.startswith(ANSWER)


def test_a_mention_with_nothing_but_a_quotation_asks_what_is_quoted(house: House) -> None:
    assert house.hears("", quoted=quoted(QUESTION)).startswith(ANSWER)
    assert "没有收到文字" in house.hears("", quoted=quoted(" "))


NIGHT = "示例中心夜间急诊的分机是多少"


@pytest.mark.parametrize(
    ("channel", "chat", "told"),
    [("app", "", False), ("ai", "", True), ("ai", "anybody", False), ("ai", "doctors", True)],
    ids=["public app", "hcp single chat", "group nobody listed", "group listed as hcp"],
)
def test_a_group_reads_what_its_lowest_member_may_read(house: House, channel: str, chat: str, told: bool) -> None:
    heard = house.hears(NIGHT, channel=channel, chat=chat)
    assert ("分机八零二" in heard) is told
    record = house.record(NIGHT, channel=channel, chat=chat)
    assert record.reader == ("hcp" if told else "public")


def test_the_reply_fills_the_bubble_of_the_message(house: House) -> None:
    outcome = house.says(QUESTION, channel="ai")
    assert [type(part) for part in outcome.reply.parts] == [Stream]
    assert outcome.reply.parts[0] == Stream(outcome.reply.parts[0].content, "s1")
    assert [type(part) for part in house.says(QUESTION).reply.parts] == [Text]


def test_while_a_human_has_the_conversation_the_bot_is_silent_but_a_bubble_is_not(house: House) -> None:
    house.says("转人工")
    outcome = house.says("还在吗")
    assert outcome.reply.parts == ()
    assert [post.conversation.person for post in outcome.posts] == ["li.na"]
    house.says("转人工", channel="ai", chat="anybody")
    assert "已转给人工同事" in house.hears("还在吗", channel="ai", chat="anybody")


def test_a_verdict_is_a_word_to_the_human_who_has_the_conversation(house: House) -> None:
    turn = house.delivers(QUESTION)
    house.says("转人工")
    outcome = house.says("有用")
    assert [post.conversation.person for post in outcome.posts] == ["li.na"]
    assert house.feedback.of_turn(turn.id) == []


def test_a_card_is_left_out_where_the_channel_shows_none(house: House) -> None:
    house.says("转人工")
    release = house.message("/release 1", sender=Sender(id="li.na"))
    release = replace(release, conversation=replace(release.conversation, person="li.na"))
    (post,) = house.pipeline.run([release], house.shown.append).posts
    assert [type(part) for part in post.reply.parts] == [Text]


def test_without_a_database_the_apology_goes_out_without_a_ticket(house: House, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.sqlite")) as other:
        other.execute("ALTER TABLE tickets RENAME TO lost")
    outcome = house.pipeline.apologise([house.message(QUESTION)], "failed")
    assert words(outcome)
    assert outcome.posts == ()


def test_before_any_knowledge_the_admins_are_told_once_a_day(house: House) -> None:
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"knowledge": ("empty",)})

    def told() -> tuple[str, str]:
        outcome = house.says("年假有几天")
        assert TurnRecord.decode(outcome.reply.record).kind == ReplyKind.REFUSAL
        (post,) = outcome.posts
        return post.conversation.person, post.reply.key

    first = told()
    assert first[0] == "zhang.wei"
    assert told() == first
    house.clock.now = NOW + 24 * 3600
    assert told() != first


def test_a_spoken_wish_for_a_human_is_one(house: House) -> None:
    assert "已为您转接人工" in house.hears("转人工", kind=MessageKind.VOICE)


def test_what_was_said_aloud_is_answered_and_what_was_not_written_down_is_declined(house: House) -> None:
    assert house.hears(QUESTION, kind=MessageKind.VOICE).startswith(ANSWER)
    assert "语音" in house.hears("", kind=MessageKind.VOICE)


def test_a_picture_beside_a_question_is_said_not_to_be_read(house: House) -> None:
    picture = (Attachment(kind=MessageKind.IMAGE, url="http://127.0.0.1:9/refused"),)
    heard = house.hears(QUESTION, attachments=picture)
    assert heard.startswith("提示：图片没能读出来")
    assert ANSWER in heard


def test_only_plain_texts_are_answered_together(house: House) -> None:
    mergeable = house.pipeline.mergeable
    assert mergeable(house.message("年假有几天"))
    assert not mergeable(house.message("这个呢", quoted=quoted("年假")))
    assert not mergeable(house.message("这个呢", attachments=(Attachment(kind=MessageKind.IMAGE),)))
    assert not mergeable(house.message("/help"))
    assert not mergeable(house.message("转人工"))


def test_staff_reach_a_person_of_the_group_in_private(house: House) -> None:
    house.says("转人工", channel="ai", chat="anybody")
    ticket = house.tickets.get("imaging", 1)
    assert ticket is not None
    command = replace(house.message("/reply 1 您好"), sender=replace(house.message("").sender, id="li.na"))
    command = replace(command, conversation=replace(command.conversation, person="li.na"))
    (post,) = house.pipeline.run([command], house.shown.append).posts
    assert (post.conversation.channel, post.conversation.chat, post.conversation.person) == ("app", "", "wang.fang")
    assert post.reply.author == command.conversation.key
