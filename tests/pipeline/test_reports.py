"""Adverse events in turns: noticed whatever becomes of the turn, thanked for, asked about, never played down."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from prometheus_client import REGISTRY

from bot.conversation import TurnOutcome
from bot.errors import Unavailable
from bot.events import CardClick, Rating, Verdict
from bot.handoff.tickets import TicketState
from bot.messages import MessageKind, ReplyKind
from bot.parts import words_of
from bot.records.database import Database
from bot.records.turns import TurnRecord
from bot.safety.cases.case import Case, CaseState, Question
from bot.safety.cases.config import SafetyConfig
from bot.safety.cases.follow_up import MOST_QUESTIONS
from bot.safety.cases.report import may_be_said
from bot.safety.words import ADVERSE_EVENT, find_claims
from bot.texts import Texts
from tests.pipeline.conftest import House, quoted, words

TEXTS = Texts()
THANKS = TEXTS.say("case_taken_event", "zh")
EMERGENCY = TEXTS.say("case_emergency", "zh")
LABELLED = Path(__file__).parent.parent / "safety/adverse_events/labelled.jsonl"
REPORT = "患者用了碘海醇，全身起疹子"


def cases(house: House) -> list[Case]:
    return house.safety.cases.newest(10)


def merged() -> float:
    return REGISTRY.get_sample_value("bot_messages_merged_total", {"bot": "imaging"}) or 0.0


def questions_in(text: str) -> list[Question]:
    return [question for question in Question if TEXTS.say(f"case_question_{question}", "zh") in text]


def kind(outcome: TurnOutcome) -> str:
    return TurnRecord.decode(outcome.reply.record).kind


def test_a_report_is_thanked_for_and_asked_about(house: House) -> None:
    """Rows 1 and 10, without any language model."""
    text = house.hears(REPORT)
    assert text.startswith(THANKS)
    assert 1 <= len(questions_in(text)) <= MOST_QUESTIONS
    assert Question.PRODUCT not in questions_in(text), "it was named"
    assert "没有找到" not in text, "who asked for nothing is not refused"
    (case,) = cases(house)
    assert case.bot == "imaging"


def test_the_desk_hears_at_once_in_a_single_chat(house: House) -> None:
    """Row 13: the words are in the outbox of a human before the turn is answered."""
    house.says("病人用了碘海醇之后死了")
    ((where, reply),) = house.posted
    assert (where.person, where.chat) == ("li.na", "")
    assert "【紧急】" in words_of(reply.parts[0])
    assert "死亡" in words_of(reply.parts[0])
    assert "wang.fang" not in words_of(reply.parts[0])


def test_a_question_is_answered_and_captured(house: House) -> None:
    outcome = house.says("患者用了碘海醇起疹子了，年假有几天？")
    assert kind(outcome) in (ReplyKind.FAQ, ReplyKind.EXTRACTIVE, ReplyKind.REFUSAL)
    assert words(outcome).startswith(THANKS)
    assert len(cases(house)) == 1


def test_a_question_that_finds_nothing_is_still_refused_openly(house: House) -> None:
    text = house.hears("患者用了碘海醇起疹子了，明天股市怎么样？")
    assert THANKS in text
    assert "没有找到" in text


def test_answers_are_added_and_the_next_questions_asked_once(house: House) -> None:
    first = questions_in(house.hears(REPORT))
    text = house.hears("昨天下午打的，100毫升")
    assert TEXTS.say("case_added", "zh") in text
    assert "没有找到" not in text
    assert not set(questions_in(text)) & set(first)
    third = house.hears("女，56岁")
    assert not set(questions_in(third)) & {*first, *questions_in(text)}
    assert len(house.safety.cases.messages(1)) == 3
    assert cases(house)[0].missing == ()


def test_who_does_not_want_to_answer_is_let_alone(house: House) -> None:
    """Row 10: thanks, no repeat, and the case goes its way."""
    house.says(REPORT)
    assert house.hears("不想说") == TEXTS.say("case_declined", "zh")
    assert questions_in(house.hears("昨天打的")) == []
    assert cases(house)[0].state is CaseState.OPEN
    assert house.posted[0][1].key.startswith("case:1:new")


@pytest.mark.parametrize("small_talk", ["谢谢", "好的", "收到"])
def test_small_talk_after_a_report_is_no_answer(house: House, small_talk: str) -> None:
    house.says(REPORT)
    house.says(small_talk)
    assert len(house.safety.cases.messages(1)) == 1


def test_another_question_after_a_report_is_a_question(house: House) -> None:
    house.says(REPORT)
    assert house.hears("年假有几天？").startswith("入职满一年")
    assert len(house.safety.cases.messages(1)) == 1


def test_somebody_in_danger_is_sent_for_help_first(house: House) -> None:
    outcome = house.says("打了碘海醇，现在喘不上气，血压测不到")
    assert words(outcome).startswith(EMERGENCY)
    assert TurnRecord.decode(outcome.reply.record).step == "take_report", "and nothing is looked for first"


def test_nobody_is_sent_for_help_for_one_who_has_died(house: House) -> None:
    assert EMERGENCY not in house.hears("我妈用了碘海醇，昨晚没抢救过来，死了")


def test_the_report_is_read_behind_the_messages_before_it(house: House) -> None:
    house.says("昨天打了碘海醇")
    assert cases(house) == []
    house.says("今天身上起疹子了")
    (case,) = cases(house)
    assert "碘海醇" in "".join(case.products)
    assert house.safety.cases.messages(1)[0].context == ("昨天打了碘海醇",)


def test_every_message_of_a_burst_is_read(house: House) -> None:
    before = merged()
    house.runs([house.message("昨天打了碘海醇"), house.message("会议室怎么预订？"), house.message("今天身上起疹子了")])
    assert len(cases(house)) == 1
    assert len(house.safety.cases.messages(1)) == 1
    assert merged() == before + 2


def test_a_burst_of_reports_is_asked_three_questions_at_the_most(house: House) -> None:
    text = words(house.runs([house.message(REPORT), house.message("还吐了两次"), house.message(REPORT)]))
    assert len(questions_in(text)) == MOST_QUESTIONS
    assert cases(house)[0].number == 1


@pytest.mark.parametrize("text", ["/human 患者用了碘海醇休克了", "/echo 用了碘海醇起疹子了"])
def test_a_command_is_read_too(house: House, text: str) -> None:
    house.says(text)
    assert len(cases(house)) == 1


def test_a_message_that_a_human_gets_is_read_and_the_bot_stays_silent(house: House) -> None:
    house.says("转人工")
    assert house.hears(REPORT) == ""
    assert len(cases(house)) == 1
    assert cases(house)[0].asked == (), "what was not said was not asked"
    assert TicketState.WAITING in [ticket.state for ticket in [house.tickets.get("imaging", 1)] if ticket]


def test_danger_is_answered_even_while_a_human_has_the_conversation(house: House) -> None:
    house.says("转人工")
    assert house.hears("打了碘海醇，喘不上气了") == EMERGENCY


def test_in_a_group_nobody_is_asked_about_a_patient(house: House) -> None:
    text = house.hears(REPORT, channel="ai", chat="doctors")
    assert THANKS in text
    assert TEXTS.say("case_in_group", "zh") in text
    assert questions_in(text) == []


def test_words_added_to_a_rating_are_read(house: House) -> None:
    record = house.delivers("年假有几天？")
    house.event(Rating(turn_id=record.id, verdict=Verdict.USELESS, words="用了碘海醇起疹子了"))
    assert len(cases(house)) == 1


def test_what_a_message_quotes_is_read_before_it(house: House) -> None:
    house.says("身上起疹子了，要紧吗", quoted=quoted("昨天给他打了碘海醇"))
    assert len(cases(house)) == 1


def test_an_apology_says_that_the_report_was_taken(house: House) -> None:
    outcome = house.pipeline.apologise([house.message(REPORT)], "too_old")
    assert THANKS in words(outcome)
    assert TEXTS.say("apology_too_old", "zh") in words(outcome)
    assert len(cases(house)) == 1


def test_a_turn_that_runs_again_says_the_same_and_opens_nothing(house: House) -> None:
    message = house.message(REPORT)
    first = house.pipeline.run([message], house.shown.append)
    again = house.pipeline.run([message], house.shown.append)
    assert words(first) == words(again)
    assert len(cases(house)) == 1
    assert len(house.safety.cases.messages(1)) == 1
    assert len({reply.key for _, reply in house.posted}) == 1


def test_without_a_database_the_turn_of_a_report_runs_again(house: House) -> None:
    with locked(house), pytest.raises(Unavailable):
        house.says(REPORT)
    assert cases(house) == []


def test_an_apology_without_a_database_keeps_the_report_for_later(house: House, redis_client: redis.Redis) -> None:
    message = house.message(REPORT)
    with locked(house):
        assert words(house.pipeline.apologise([message], "failed")) == TEXTS.say("apology_failed", "zh")
    assert house.safety.refused.read() == 1
    assert len(cases(house)) == 1
    assert THANKS in words_of(house.posted[-1][1].parts[0]), "and its sender hears so"


@contextmanager
def locked(house: House) -> Iterator[None]:
    """Nobody can open the database."""
    ledger, away = house.safety.cases.ledger, Database("sqlite:////nowhere/at/all.sqlite")
    tickets, ledger.database, house.tickets._database = ledger.database, away, away
    try:
        yield
    finally:
        ledger.database = house.tickets._database = tickets


def test_no_answer_beside_a_report_plays_it_down(house: House) -> None:
    """Row 11: dialogues of every kind; each reply hands over, and none says what must not be said."""
    rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    dialogues = [row["messages"] for row in rows if row["label"] == "adverse"][:60]
    handed = 0
    for number, dialogue in enumerate(dialogues):
        for text in dialogue:
            message = house.message(text)
            conversation = replace(message.conversation, person=f"person-{number}")
            outcome = house.runs([replace(message, conversation=conversation)])
            assert find_claims(words(outcome), ADVERSE_EVENT) == (), text
        handed += "药物警戒部门" in words(outcome)
    assert handed >= 0.98 * len(dialogues) >= 50


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("轻度恶心很常见，不用担心。", False),
        ("这不是我们的药引起的。", False),
        ("我们会赔偿您的损失。", False),
        ("不用上报。", False),
        ("说明书记载：皮疹见于百分之一的患者，出现时应停药并就医。", True),
    ],
)
def test_what_must_not_be_said_to_who_reports_is_withheld(answer: str, said: bool) -> None:
    assert may_be_said(ReplyKind.FAQ, answer) == said


def test_the_desk_confirms_by_the_card(house: House) -> None:
    house.says(REPORT)
    pressed = CardClick(task_id="case_1", key="case:1", response_code="code")
    assert house.event(pressed, channel="app").reply.parts == () or cases(house)[0].acknowledged_at is None
    of_desk = house.message("", kind=MessageKind.EVENT, event=pressed)
    of_desk = replace(of_desk, conversation=replace(of_desk.conversation, person="li.na"))
    house.runs([of_desk])
    assert cases(house)[0].state is CaseState.ACKNOWLEDGED
    assert cases(house)[0].acknowledged_by == "desk:li.na"


def test_listed_effects_are_no_report_but_asked_back_about_once(house: House) -> None:
    ask_back = TEXTS.say("case_ask_back", "zh")
    assert ask_back in house.hears("碘海醇常见的不良反应有哪些？")
    assert ask_back not in house.hears("碘海醇会引起肾损伤吗？")
    assert cases(house) == []


def test_a_bot_that_has_nothing_to_do_with_medicines_reads_nothing(house: House) -> None:
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"safety": SafetyConfig(off=True)})
    outcome = house.says(REPORT)
    assert cases(house) == []
    assert outcome.heard == ()


def test_the_hotline_is_named_where_it_is_serious(house: House) -> None:
    safety = SafetyConfig(hotline="400-000-0000", company="示例药业")
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"safety": safety})
    assert "示例药业的药物安全电话：400-000-0000" in house.hears("用了碘海醇之后住院了")
    assert "400-000-0000" not in house.hears("另一个病人用了碘海醇后有点痒")


def test_an_ordinary_message_costs_no_case_and_leaves_its_words(house: House) -> None:
    outcome = house.says("会议室怎么预订？")
    assert cases(house) == []
    assert len(outcome.heard) == 1
