"""Gaps and drafts out of what the records of a bot hold."""

from dataclasses import replace

import numpy as np

from bot.handoff.tickets import Ticket, TicketState
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Audience
from bot.messages import ConversationId
from bot.mining.gaps import gaps, unanswered
from bot.mining.human_answers import HumanAnswers
from bot.mining.pairs import Pair
from bot.records.turns import TurnRecord
from tests.mining.conftest import faq

WANG = ConversationId(bot="imaging", channel="app", person="dr.wang")
LI = ConversationId(bot="imaging", channel="app", person="li.na")
NOW = 1_800_000_000.0


def turn(
    question: str, kind: str = "refusal", step: str = "compose", at: float = 0.0, who: ConversationId = WANG
) -> TurnRecord:
    return TurnRecord(
        id=f"{who.person}{at}{question}",
        bot="imaging",
        tenant="academy",
        conversation=who.key,
        person=who.person,
        asked_at=NOW + at,
        answered_at=NOW + at,
        message_ids=(),
        question=question,
        step=step,
        kind=kind,
        answer="",
    )


def newest_first(*turns: TurnRecord) -> list[TurnRecord]:
    return sorted(turns, key=lambda each: -each.asked_at)


def test_refusals_and_answers_that_ended_with_a_human_are_gaps_by_subject(embedder: Embedder) -> None:
    turns = newest_first(
        turn("停车场在哪里", at=1),
        turn("请问停车场在哪里？", at=2, who=LI),
        turn("食堂几点开门", kind="faq", at=3),
        turn("转人工", kind="handoff", step="obey_command", at=60),
        turn("年假有几天", kind="faq", at=5, who=LI),
        turn("/human 班车怎么坐", kind="handoff", step="obey_command", at=7, who=LI),
        turn("…", at=8),
        turn("/pause", kind="command", step="obey_command", at=9),
    )
    known = [faq("停车证怎么办？", "到行政处办理停车证。"), faq("年假有几天？", "五天。")]
    found = gaps(unanswered(turns), known, embedder)
    first = found[0]
    assert (first.question, first.others) == ("请问停车场在哪里？", ("停车场在哪里",))
    assert (first.asked, first.people, first.humans, first.last_seen) == (2, 2, 0, NOW + 2)
    assert first.nearest is not None
    assert first.nearest.title == "停车证怎么办？"
    assert {(gap.question, gap.humans) for gap in found[1:]} == {("食堂几点开门", 1), ("班车怎么坐", 1)}


def test_gaps_are_masked_and_what_drug_safety_has_to_do_with_is_left_out(embedder: Embedder) -> None:
    report = replace(turn("打了针起疹子了怎么办", at=1), steps=({"step": "screen", "ms": 1.0, "case": 3},))
    asked = unanswered([turn("我的手机13800138000收不到短信", at=2), report])
    assert [one.question for one in asked] == ["我的手机〔手机号1〕收不到短信"]
    assert gaps([], [], embedder) == []
    assert np.isclose(gaps(asked, [], embedder)[0].cosine, 0.0)


def ticket(number: int = 1, state: TicketState = TicketState.RELEASED) -> Ticket:
    return Ticket(
        number=number,
        bot="imaging",
        tenant="academy",
        conversation=WANG,
        state=state,
        servicer="li.na",
        summary="",
        opened_at=NOW,
        opened_by="t",
        deadline=None,
        released_by="t2",
        satisfaction=3,
    )


def reply(words: str, at: float = 100.0, number: int = 1) -> TurnRecord:
    return turn(f"/reply {number} {words}", kind="command", step="obey_command", at=at, who=LI)


def drafts(*turns: TurnRecord, held: Ticket | None = None) -> tuple[list[Pair], dict[str, int]]:
    human = HumanAnswers(turns)
    return human.pairs([held or ticket()], "imaging", "人工答复"), dict(human.left_out)


def test_one_question_and_one_answer_are_a_draft() -> None:
    asked = replace(turn("停车场在哪里？", at=-30), reader="hcp")
    found, left = drafts(
        asked, turn("转人工", "handoff", "obey_command"), reply("您好"), reply("停车场在影像楼地下二层。", 120)
    )
    (pair,) = found
    assert (pair.question, pair.answer, pair.origin.audience) == (
        "停车场在哪里？",
        "停车场在影像楼地下二层。",
        Audience.HCP,
    )
    assert (pair.span.document, left) == ("人工答复", {})


def test_what_is_unclear_personal_or_for_one_person_is_left_out() -> None:
    asked = turn("停车场在哪里？", at=-30)
    assert drafts(asked, turn("食堂呢，几点开？", at=-20), reply("停车场在地下二层。"))[1] == {"unclear": 1}
    assert drafts(asked, reply("停车场在地下二层。"), reply("食堂在一层，十二点开门。", 130))[1] == {"unclear": 1}
    assert drafts(asked, reply("请打电话13800138000给张伟问停车场。"))[1] == {"personal": 1}
    assert drafts(turn("我叫王建国，停车场在哪里？", at=-30), reply("停车场在地下二层。"))[1] == {"personal": 1}
    assert drafts(turn("〔姓名1〕问停车场在哪里？", at=-30), reply("停车场在地下二层。"))[1] == {"personal": 1}
    assert drafts(asked, reply("已经帮您登记了停车证。"))[1] == {"one_person": 1}
    reported = replace(asked, steps=({"step": "screen", "ms": 1.0, "case": 3},))
    assert drafts(reported, reply("停车场在地下二层。"))[1] == {"case": 1}
    assert drafts(asked, reply("停车场在地下二层。"), held=ticket(state=TicketState.SERVED)) == ([], {})
