"""How a message becomes a case: once, with its own time, with everything that was told and nothing that was not."""

import hashlib
import itertools
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from bot.errors import ConfigError, UsageError
from bot.safety.adverse_events import Element, Kind, Screening, Seriousness
from bot.safety.cases.case import CaseState, Question
from bot.safety.cases.notices import Medium
from bot.safety.cases.sealing import CaseKey
from bot.safety.cases.tables import case_messages, cases
from bot.settings import Settings
from tests.safety.cases.conftest import NOW, REPORT, SHANGHAI, Clinic, make_bot

DAY_S = 86400.0


def count(clinic: Clinic) -> tuple[int, int]:
    with clinic.database.read() as connection:
        numbers = [connection.scalar(select(func.count()).select_from(table)) for table in (cases, case_messages)]
    return numbers[0], numbers[1]


def test_a_report_opens_a_case(any_clinic: Clinic) -> None:
    taken = any_clinic.tell(REPORT)
    case = any_clinic.case()
    assert taken.opened
    assert taken.case == case
    assert (case.bot, case.tenant, case.state) == ("imaging", "academy", CaseState.OPEN)
    assert Kind.ADVERSE_EVENT in case.kinds
    assert case.missing == ()
    assert "示影灵" in case.products
    assert set(case.patients) == {"56岁", "女"}
    assert [event["what"] for event in any_clinic.cases.history(1)] == ["opened"]
    assert [entry.subject for entry in any_clinic.audit.newest(5, action="case")] == ["case:1"]


@pytest.mark.parametrize("present", list(itertools.product([True, False], repeat=4)))
def test_any_of_the_four_elements_may_be_missing(clinic: Clinic, present: tuple[bool, ...]) -> None:
    """Row 7: each of the 16 subsets is stored with what is missing."""
    found = clinic.report(REPORT)
    words = dict(found.screening.elements)
    elements = tuple((element, words.get(element)) for element, there in zip(Element, present, strict=True) if there)
    screening = Screening(grounds=found.screening.grounds, new_grounds=found.screening.new_grounds, elements=elements)
    taken = clinic.intake.take(replace(found, screening=screening))
    assert taken is not None
    expected = tuple(element for element, there in zip(Element, present, strict=True) if not there)
    assert clinic.case().missing == expected
    assert (clinic.case().day0_at is None) == bool(expected)


def test_the_time_of_a_report_is_that_of_its_message(clinic: Clinic) -> None:
    """Row 4: a message that comes three days late counts from its own time."""
    clinic.tell(REPORT, at=NOW - 3 * DAY_S)
    case = clinic.case()
    assert case.received_at == case.day0_at == NOW - 3 * DAY_S
    assert due_day(case.due_at) == due_day(NOW + 12 * DAY_S)


def test_day_0_is_when_the_last_element_was_told(clinic: Clinic) -> None:
    """Row 4: the fourth element on day 5 makes it due on day 5 + 15."""
    first = clinic.tell("皮肤科来了个起皮疹的，用的是示影灵", at=NOW)
    assert first.case.missing == (Element.PATIENT,)
    assert first.case.due_at is None
    later = clinic.tell("患者女，56岁", case_number=1, at=NOW + 5 * DAY_S)
    assert later.case.day0_at == NOW + 5 * DAY_S
    assert due_day(later.case.due_at) == due_day(NOW + 20 * DAY_S)
    assert later.case.received_at == NOW


def test_what_is_told_later_has_a_date_of_its_own(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    case = clinic.tell("今天查ALT升到三百，还住院了", case_number=1, at=NOW + 2 * DAY_S - DAY_S * 1.5).case
    assert due_day(case.due_at) == due_day(NOW + 15 * DAY_S), "what was due stays due"
    assert case.follow_up_due_at is not None
    assert Seriousness.HOSPITALISATION in case.serious


def test_a_death_told_later_is_due_at_once(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    case = clinic.tell("病人今天早上死了", case_number=1, at=NOW + 3600).case
    assert case.number == 1
    assert case.due_at == NOW + 3600


def due_day(at: float | None) -> str:
    assert at is not None
    return datetime.fromtimestamp(at, SHANGHAI).strftime("%Y-%m-%d")


def test_a_turn_that_runs_again_finds_its_case(any_clinic: Clinic) -> None:
    report = any_clinic.report(REPORT, message="once")
    first, again = any_clinic.intake.take(report), any_clinic.intake.take(report)
    assert first == again
    assert count(any_clinic) == (1, 1)
    assert len(any_clinic.cases.notices(1)) == 1


def test_two_workers_that_take_one_message_open_one_case(any_clinic: Clinic) -> None:
    report = any_clinic.report(REPORT, message="once")
    gate, taken = threading.Barrier(2), []

    def take() -> None:
        gate.wait()
        taken.append(any_clinic.intake.take(report))

    workers = [threading.Thread(target=take) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({one.case.number for one in taken}) == 1
    assert count(any_clinic) == (1, 1)


def test_the_same_report_twice_is_one_case_with_two_messages(clinic: Clinic) -> None:
    """Row 12."""
    clinic.tell(REPORT)
    again = clinic.tell(REPORT)
    assert not again.opened
    assert count(clinic) == (1, 2)
    assert {notice.reason for notice in clinic.cases.notices(1)} == {"new", "message:2"}


def test_the_same_patient_told_of_by_two_people_is_linked_and_not_merged(clinic: Clinic) -> None:
    clinic.tell(REPORT, person="wang.fang")
    other = clinic.tell(REPORT, person="liu.yang")
    assert (other.opened, other.case.related_to) == (True, 1)
    assert clinic.case(1).related_to is None
    assert count(clinic) == (2, 2)


@pytest.mark.parametrize(
    "words",
    [
        "患者男，20岁，服用示影灵三天后全身皮疹伴瘙痒",  # another patient
        "患者女，56岁，服用头孢三天后全身皮疹伴瘙痒",  # another product
        "患者女，56岁，服用示影灵后呕吐",  # another event
    ],
)
def test_other_reports_are_not_linked(clinic: Clinic, words: str) -> None:
    clinic.tell(REPORT, person="wang.fang")
    assert clinic.tell(words, person="liu.yang").case.related_to is None


def test_a_link_needs_both_reports_within_its_days(clinic: Clinic) -> None:
    clinic.tell(REPORT, person="wang.fang")
    assert clinic.tell(REPORT, person="liu.yang", at=NOW + 31 * DAY_S).case.related_to is None
    assert clinic.tell(REPORT, person="chen.jie", at=NOW + 29 * DAY_S).case.related_to == 1


@pytest.mark.parametrize(
    "words", ["还有一个病人打完示影灵也起疹子了", "另一个患者用了示影灵之后休克了", "患者用了头孢之后呕吐"]
)
def test_another_patient_or_product_of_the_same_person_is_another_case(clinic: Clinic, words: str) -> None:
    clinic.tell(REPORT)
    assert clinic.tell(words, at=NOW + 60).case.number == 2


def test_a_report_a_day_later_is_another_case(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    assert clinic.tell(REPORT, at=NOW + 25 * 3600).case.number == 2


def test_two_reports_of_one_batch_within_a_week_are_a_group_event(any_clinic: Clinic) -> None:
    any_clinic.tell("患者女，用了示影灵后皮疹，批号 A12034", person="wang.fang")
    other = any_clinic.tell("患者男，用了示影灵后呕吐，批号：a12034", person="liu.yang", at=NOW + 6 * DAY_S)
    assert other.case.group_event
    assert any_clinic.case(1).group_event
    assert any_clinic.case(1).urgent
    assert {notice.reason for notice in any_clinic.cases.notices(1)} == {"new", "group"}
    assert due_day(any_clinic.case(2).due_at) == due_day(NOW + 6 * DAY_S)


def test_a_batch_a_week_later_is_no_group_event(clinic: Clinic) -> None:
    clinic.tell("患者女，用了示影灵后皮疹，批号 A12034", person="wang.fang")
    clinic.tell("患者男，用了示影灵后呕吐，批号 A12034", person="liu.yang", at=NOW + 8 * DAY_S)
    assert not clinic.case(1).group_event


def test_the_words_before_a_report_are_part_of_it(clinic: Clinic) -> None:
    taken = clinic.tell("今天身上起疹子了", context=["昨天打了示影灵，批号 B7788"])
    (message,) = clinic.cases.messages(1)
    assert message.context == ("昨天打了示影灵，批号 B7788",)
    assert taken.case.batches == ("b7788",)


def test_people_are_named_by_digests_and_what_they_wrote_is_masked(clinic: Clinic) -> None:
    clinic.tell("患者张三，身份证11010519491231002X，用了示影灵后皮疹，电话13800138000", person="wang.fang")
    with clinic.database.read() as connection:
        stored = [str(tuple(row)) for table in (cases, case_messages) for row in connection.execute(select(table))]
    for secret in ("wang.fang", "王芳", "13800138000", "11010519491231002X", "张三"):
        assert not any(secret in row for row in stored), secret
    (message,) = clinic.cases.messages(1)
    assert "皮疹" in message.words
    sealed = clinic.cases.unsealed(message)
    assert "13800138000" in sealed.words
    assert sealed.sender_name == "王芳"
    assert sealed.conversation == "imaging/app//wang.fang"


def test_a_value_keeps_its_placeholder_in_the_whole_case(clinic: Clinic) -> None:
    clinic.tell("用了示影灵后皮疹，电话13800138000")
    clinic.tell("打13800138000就行，13900139000也可以", case_number=1)
    first, second = clinic.cases.messages(1)
    assert first.words.endswith("〔手机号1〕")
    assert second.words == "打〔手机号1〕就行，〔手机号2〕也可以"


def test_another_key_opens_nothing(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    (message,) = clinic.cases.messages(1)
    clinic.ledger.key = CaseKey(b"another secret of this test, long enough")
    with pytest.raises(Exception, match="CASE_KEY"):
        clinic.cases.unsealed(message)


def test_what_an_earlier_key_sealed_is_opened_and_goes_on(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    clinic.ledger.key = CaseKey(b"another secret of this test, long enough", [b"a secret of this test, long enough"])
    assert clinic.tell("还发烧了").case.number == 1, "the same person is recognised"
    first, second = clinic.cases.messages(1)
    assert [clinic.cases.unsealed(message).words for message in (first, second)] == [REPORT, "还发烧了"]
    clinic.ledger.key = CaseKey(b"a secret of this test, long enough")
    with pytest.raises(UsageError, match="case_keys_before"):
        clinic.cases.unsealed(second)


def test_earlier_keys_stand_in_a_file(tmp_path: Path) -> None:
    old = Settings.model_validate({"data_dir": str(tmp_path), "case_key": "o" * 32})
    sealed = CaseKey.from_settings(old).seal({"words": "皮疹"})
    (tmp_path / "case_keys_before").write_text(f"{'x' * 32}\n{'o' * 32}\n", "utf-8")
    new = Settings.model_validate({"data_dir": str(tmp_path), "case_key": "n" * 32})
    assert CaseKey.from_settings(new).open(sealed) == {"words": "皮疹"}
    (tmp_path / "case_keys_before").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="case_keys_before"):
        CaseKey.from_settings(new)


def test_no_column_tells_a_telephone_number_to_who_tries_them_all(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    clinic.tell("13800138000", case_number=1)
    _, message = clinic.cases.messages(1)
    assert message.words == "〔手机号1〕"
    assert message.digest != hashlib.sha256(b"13800138000").hexdigest()
    assert len(message.digest) == 64


@pytest.mark.parametrize("table", ["case_messages", "case_history"])
@pytest.mark.parametrize("change", ["UPDATE {} SET case_number = 2", "DELETE FROM {}"])
def test_the_database_keeps_what_was_written(any_clinic: Clinic, table: str, change: str) -> None:
    """Row 9: an edit is refused; what is said later is a message more, and the old one stays readable."""
    any_clinic.tell(REPORT)
    with pytest.raises(DatabaseError, match="append-only"), any_clinic.database.write() as connection:
        connection.execute(text(change.format(table)))
    any_clinic.tell("更正：是65岁", case_number=1)
    first, second = any_clinic.cases.messages(1)
    assert any_clinic.cases.unsealed(first).words == REPORT
    assert any_clinic.cases.unsealed(second).words == "更正：是65岁"


def test_only_what_is_missing_is_asked_and_nothing_twice(clinic: Clinic) -> None:
    first = clinic.tell("用了示影灵后皮疹")
    assert first.asked == (Question.DOSE, Question.EVENT, Question.COURSE) or Question.PRODUCT not in first.asked
    second = clinic.tell("昨天开始的", case_number=1)
    third = clinic.tell("没有住院", case_number=1)
    asked = [*first.asked, *second.asked, *third.asked]
    assert len(asked) == len(set(asked))
    assert len(first.asked) == len(second.asked) == 3
    assert Question.PRODUCT not in asked


def test_who_declines_is_asked_no_more(clinic: Clinic) -> None:
    clinic.tell("用了示影灵后皮疹")
    assert clinic.tell("不想说", case_number=1, declined=True).asked == ()
    assert clinic.tell("昨天开始的", case_number=1).asked == ()
    assert clinic.case().declined


def test_in_a_group_nobody_is_asked_about_a_patient(clinic: Clinic) -> None:
    assert clinic.tell(REPORT, chat="g1").asked == ()


def test_a_closed_case_takes_nothing_more(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    clinic.cases.acknowledge(1, "desk:pv.chen")
    clinic.cases.close(1, "cli:root")
    assert clinic.intake.take(clinic.report("昨天开始的"), case_number=1) is None
    assert clinic.tell(REPORT).case.number == 2


def test_nobody_adds_to_the_case_of_another_person(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    assert clinic.intake.take(clinic.report("昨天开始的", person="liu.yang"), case_number=1) is None


def test_a_human_decides_whether_it_is_serious(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    assert due_day(clinic.case().due_at) == due_day(NOW + 15 * DAY_S)
    judged = clinic.cases.judge(1, serious=False, actor="cli:root")
    assert due_day(judged.due_at) == due_day(NOW + 30 * DAY_S)
    assert not judged.is_serious


def test_the_desk_is_told_in_the_transaction_that_opens_the_case(clinic: Clinic) -> None:
    clinic.bots["imaging"] = make_bot(email=("pv@example.com",))
    clinic.tell(REPORT)
    told = {(notice.medium, notice.recipient) for notice in clinic.cases.notices(1)}
    assert told == {(Medium.CHAT, "pv.chen"), (Medium.MAIL, "pv@example.com")}


@pytest.mark.parametrize(("safety", "told"), [({"desk": ()}, "li.na"), ({"desk": ("a", "b")}, "a")])
def test_where_no_desk_is_named_the_servicers_hear(clinic: Clinic, safety: dict[str, object], told: str) -> None:
    clinic.bots["imaging"] = make_bot(**safety)
    clinic.tell(REPORT)
    assert told in [notice.recipient for notice in clinic.cases.notices(1)]


def test_words_that_no_database_takes_are_kept_all_the_same(any_clinic: Clinic) -> None:
    any_clinic.tell("用了示影灵后皮疹\ud83d\0")
    (message,) = any_clinic.cases.messages(1)
    assert any_clinic.cases.unsealed(message).words == "用了示影灵后皮疹\ud83d\0"
