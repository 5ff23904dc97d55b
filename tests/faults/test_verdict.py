"""The judge sees what it is there to see: one broken promise at a time, in what people wrote and saw."""

from bot.texts import Texts
from tests.faults.ledger import Seen, Written
from tests.faults.verdict import Judge, Record, Row, Window

PERSON = "person-01"
NOT_DELIVERED = Texts().say("apology_not_delivered", "zh")
ANSWER = "虚拟皮疹：每 50 次练习约出现 1 次。"


def wrote(number: int, *, tokens: int = 1, heard: bool = True, at: float | None = None) -> Written:
    """Message ``number``, acknowledged half a second later; without tokens it is a question to the knowledge."""
    at = float(number * 10) if at is None else at
    return Written(
        person=PERSON,
        tokens=tuple(f"<{'e' * part}{number:06d}>" for part in range(tokens)),
        trial=1,
        entry=number * 100,
        msg_id=f"m{number}",
        at=at,
        written_at=at,
        acknowledged_at=at + 0.5 if heard else None,
    )


def saw(entry: int, content: str, at: float, msg_id: str = "") -> Seen:
    return Seen(entry=entry, person=PERSON, content=content, msg_id=msg_id or f"p{entry}", at=at)


def record(*message_ids: str, sent: tuple[str, ...] = (), failure: str = "") -> Record:
    return Record(message_ids=message_ids, platform_ids=sent, answer="", failure=failure)


def judged(written: list[Written], seen: list[Seen], records: list[Record]) -> tuple[Row, Judge]:
    row, judge = Row(fault="any"), Judge(written, seen, records)
    judge.judge(1, row, struck_at=0)
    return row, judge


def test_what_is_answered_once_and_in_order_is_no_offence() -> None:
    written = [wrote(1), wrote(2)]
    seen = [saw(101, "<000001>", 11), saw(201, "<000002>", 21)]
    row, judge = judged(written, seen, [record("m1", sent=("p101",)), record("m2", sent=("p201",))])
    assert (row.acknowledged, row.refused, row.apologised) == (2, 0, 0)
    assert (row.lost, row.doubled, row.disordered, judge.unrecorded()) == ([], [], [], [])


def test_a_message_without_its_whole_reply_is_lost_if_it_was_acknowledged() -> None:
    written = [wrote(1, tokens=2), wrote(2), wrote(3, heard=False)]
    row, judge = judged(written, [saw(101, "<000001>", 11)], [])
    assert row.lost == judge.uncovered() == written[:2]
    assert row.refused == 1
    assert judge.unrecorded() == written[:2]


def test_one_apology_does_not_stand_for_two_messages() -> None:
    written = [wrote(1), wrote(2)]
    failed = [record("m1", failure="-1"), record("m2", failure="-1")]
    row, _ = judged(written, [saw(301, NOT_DELIVERED, 30)], failed)
    assert row.lost == written[1:]
    row, _ = judged(written, [saw(301, NOT_DELIVERED, 30), saw(302, NOT_DELIVERED, 31)], failed)
    assert (row.lost, row.apologised) == ([], 2)


def test_one_apology_stands_for_the_messages_of_one_turn() -> None:
    row, _ = judged([wrote(1), wrote(2)], [saw(301, NOT_DELIVERED, 30)], [record("m1", "m2", failure="-1")])
    assert (row.lost, row.apologised) == ([], 2)


def test_a_message_that_overtook_an_acknowledged_one_is_disordered() -> None:
    written = [wrote(1), wrote(2)]
    row, _ = judged(written, [saw(101, "<000002>", 21), saw(201, "<000001>", 22)], [])
    assert row.disordered == written[1:]
    both_at_once = [wrote(1), wrote(2, at=10.2)]
    row, _ = judged(both_at_once, [saw(101, "<000002>", 21), saw(201, "<000001>", 22)], [])
    assert row.disordered == [], "the first was not acknowledged when the second was written"


def test_a_part_that_is_seen_twice_although_the_platform_drops_it_is_told_from_a_late_one() -> None:
    row, _ = judged([wrote(1)], [saw(101, "<000001>", 11), saw(102, "<000001>", 30)], [])
    assert [(one.msg_id, one.window) for one in row.doubled] == [("m1", Window.NONE)]
    row, _ = judged([wrote(1)], [saw(101, "<000001>", 11), saw(102, "<000001>", 612)], [])
    assert [one.window for one in row.doubled] == [Window.CHECK_OVER]


def test_an_answer_sent_twice_and_recorded_once_is_doubled_however_late_it_comes() -> None:
    written = [wrote(1, tokens=0), wrote(2, tokens=0)]
    answers = [saw(101, ANSWER, 11), saw(201, ANSWER, 21)]
    records = [record("m1", sent=("p101",)), record("m2", sent=("p201",))]
    assert judged(written, answers, records)[0].doubled == []
    row, _ = judged(written, [*answers, saw(202, ANSWER, 95)], records)
    assert [(one.msg_id, one.window) for one in row.doubled] == [("m2", Window.CHECK_OFF)]
    row, _ = judged(written, [*answers, saw(202, "您的问题没有等到同事", 95)], records)
    assert row.doubled == [], "a notice is no answer"
