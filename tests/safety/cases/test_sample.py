"""A second look at what was not suspected: drawn by lot, judged by a human, counted."""

import dataclasses
from datetime import datetime

import pytest

from bot.errors import UsageError
from bot.messages import ConversationId
from bot.records.turns import TurnRecord, TurnRecords
from bot.safety.adverse_events import Kind
from bot.safety.cases.sample import Drawn, Estimate, SecondLook
from tests.safety.cases.conftest import NOW, SHANGHAI, Clinic, make_bot

DAY = datetime.fromtimestamp(NOW, SHANGHAI).date()


def record(number: int, question: str = "碘海醇怎么保存", **more: object) -> TurnRecord:
    written = TurnRecord(
        id=f"turn-{number}",
        bot="imaging",
        tenant="academy",
        conversation=ConversationId(bot="imaging", channel="app", person="wang.fang").key,
        person="wang.fang",
        asked_at=NOW,
        answered_at=NOW,
        message_ids=(f"m{number}",),
        question=question,
        step="answer",
        kind="answer",
        answer="…",
    )
    return dataclasses.replace(written, **more)  # type: ignore[arg-type]


def drawn_of(clinic: Clinic, *records: TurnRecord, percent: float = 100) -> list[Drawn]:
    clinic.bots["imaging"] = make_bot(second_look_percent=percent)
    for each in records:
        TurnRecords(clinic.database).save(each)
    return SecondLook(clinic.ledger).of_day(DAY)


def test_about_the_share_that_is_set_is_drawn_and_always_the_same(clinic: Clinic) -> None:
    records = [record(number) for number in range(400)]
    first = drawn_of(clinic, *records, percent=5)
    assert 8 <= len(first) <= 36  # 20, and four standard deviations
    assert SecondLook(clinic.ledger).of_day(DAY) == first
    fewer = {drawn.turn for drawn in drawn_of(clinic, percent=2)}
    assert fewer < {drawn.turn for drawn in first}
    assert drawn_of(clinic, percent=0) == []


def test_what_was_suspected_commanded_or_hidden_is_not_drawn(clinic: Clinic) -> None:
    suspected = record(1, steps=({"step": "screen", "ms": 0.2, "case": 7},))
    others = [record(2, "/help"), record(3, "…"), record(4, asked_at=NOW - 86400 * 2), record(5, tenant="another")]
    assert [drawn.turn for drawn in drawn_of(clinic, suspected, *others, record(6))] == ["turn-6"]


def test_the_list_is_masked(clinic: Clinic) -> None:
    (drawn,) = drawn_of(clinic, record(1, "请寄到13812345678"))
    assert "13812345678" not in drawn.words


def test_a_miss_opens_a_case_whose_clock_runs_from_its_message(clinic: Clinic) -> None:
    drawn_of(clinic, record(1, "半边脸不听使唤，就那支示影灵，老人家67岁"))
    clinic.now = NOW + 2 * 86400
    case = SecondLook(clinic.ledger).judge("turn-1", missed=True, actor="cli:chen")
    assert case is not None
    assert (case.received_at, case.day0_at) == (NOW, NOW)
    assert case.kinds == (Kind.ADVERSE_EVENT,)
    (message,) = clinic.cases.messages(case.number)
    assert clinic.cases.unsealed(message).words == "半边脸不听使唤，就那支示影灵，老人家67岁"
    assert [notice.recipient for notice in clinic.cases.notices(case.number)] == ["pv.chen"]
    assert "second_look" in {entry["what"] for entry in clinic.cases.history(case.number)}


def test_a_turn_is_judged_once_and_only_when_it_was_drawn(clinic: Clinic) -> None:
    drawn_of(clinic, record(1), record(2, "/help"))
    look = SecondLook(clinic.ledger)
    assert look.judge("turn-1", missed=False, actor="cli:chen") is None
    assert [drawn.missed for drawn in look.of_day(DAY)] == [False]
    for turn in ("turn-1", "turn-2", "turn-3"):
        with pytest.raises(UsageError):
            look.judge(turn, missed=True, actor="cli:chen")


def test_the_share_of_missed_reports_comes_with_its_interval(clinic: Clinic) -> None:
    drawn_of(clinic, *(record(number) for number in range(20)))
    look = SecondLook(clinic.ledger)
    for number in range(20):
        look.judge(f"turn-{number}", missed=number == 0, actor="cli:chen")
    estimate = look.estimate()
    assert (estimate.judged, estimate.missed) == (20, 1)
    least, most = estimate.interval
    assert (round(least, 3), round(most, 3)) == (0.009, 0.236)  # Wilson's, as published tables have it
    assert Estimate(judged=0, missed=0).interval == (0.0, 1.0)
