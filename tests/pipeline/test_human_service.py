"""Around a human's service: what the human reads of the person, when there is none, and what it was like."""

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import insert

from bot.handoff.tickets import TicketState
from bot.identity.tables import Account, Author, professionals
from tests.channels.wecom_kf.conftest import conversation
from tests.pipeline.clinic import QUESTION, Clinic, open_clinic
from tests.pipeline.conftest import FAQS, NOW, House, words
from tests.pipeline.test_background import RECORD
from tests.simulator.kf_desk import LIN

OPEN, CLOSED = "fri 09:00-18:00", "mon-thu 09:00-18:00"
"""The clock of these tests shows a Friday, 16:00."""


@pytest.fixture
def clinic(house: House, redis_client: "redis.Redis") -> Iterator[Clinic]:
    with open_clinic(house, redis_client, satisfaction=True) as opened:
        yield opened


class TestSatisfaction:
    """At an account of customer service one message gets through at the end: words and question are one menu."""

    def test_who_was_served_is_asked_and_the_answer_is_the_tickets(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        clinic.desk.acts("end")
        clinic.goes_on()
        assert clinic.heard()[-1].startswith("人工服务已结束（工单 1）")
        clinic.taps("满意")
        assert "谢谢您的评价" in clinic.heard()[-1]
        assert clinic.ticket().satisfaction == 3
        clinic.taps("不满意")
        assert clinic.ticket().satisfaction == 1, "the last word counts"
        assert clinic.refused == []

    def test_so_is_who_was_released_by_a_colleague(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        clinic.notifies(clinic.house.tools.desk.release(clinic.ticket(), "turn-of-the-release"))
        clinic.taps("一般")
        assert clinic.ticket().satisfaction == 2
        assert clinic.refused == []

    def test_nobody_is_asked_unless_the_operator_wants_it(self, house: House, redis_client: "redis.Redis") -> None:
        with open_clinic(house, redis_client) as clinic:
            clinic.asks("转人工")
            clinic.desk.acts("end")
            clinic.goes_on()
            assert clinic.heard()[-1].startswith("人工服务已结束")
            assert [one["type"] for one in clinic.desk.kf_entries() if one["type"] == "msgmenu"] == []


class TestHours:
    """Outside the hours of humans the person hears so at once, wherever they write."""

    def test_who_asks_when_nobody_is_there_hears_the_hours_and_goes_on_with_the_bot(self, house: House) -> None:
        serves(house, CLOSED, "sat 09:00-12:00")
        outcome = house.says("转人工")
        assert "周一至周四 09:00-18:00，以及周六 09:00-12:00" in words(outcome)
        assert "已为您转接" not in words(outcome)
        assert [post.conversation.person for post in outcome.posts] == ["li.na"], "the staff hear of it all the same"
        assert house.hears(QUESTION).startswith(FAQS[QUESTION])
        ticket = house.tickets.get("imaging", 1)
        assert ticket is not None
        assert ticket.state is TicketState.REGISTERED
        assert list(house.tools.desk.overdue()) == []

    def test_who_does_not_speak_chinese_reads_them_too(self, house: House) -> None:
        serves(house, CLOSED)
        assert "Mon to Thu 09:00-18:00" in house.hears("/human I need a real person, please")

    def test_within_them_a_human_is_promised(self, house: House) -> None:
        serves(house, CLOSED, OPEN)
        assert "已为您转接人工" in house.hears("转人工")

    def test_who_still_waits_when_they_end_hears_them_with_it_that_nobody_came(self, house: House) -> None:
        serves(house, "fri 09:00-16:10")
        house.says("转人工")
        house.clock.now += 1801
        ((_, (told, *_)),) = house.tools.desk.overdue()
        assert "没有人工回复" in told.text
        assert "周五 09:00-16:10" in told.text

    def test_whom_a_human_has_is_theirs_even_then(self, house: House) -> None:
        serves(house, "fri 09:00-16:10")
        house.says("转人工")
        house.clock.now += 700
        outcome = house.says("转人工")
        assert "正在处理中" in words(outcome)
        assert outcome.posts

    def test_who_serves_at_the_platforms_desk_is_there_whatever_the_hours_say(self, clinic: Clinic) -> None:
        serves(clinic.house, CLOSED)
        clinic.asks("转人工")
        assert clinic.desk.state() == (3, "li.na")
        assert "已为您转接人工" in clinic.heard()[-1]

    def test_where_nobody_serves_there_either_the_customer_hears_the_hours(self, clinic: Clinic) -> None:
        serves(clinic.house, CLOSED)
        nobody_serves(clinic)
        clinic.asks("转人工")
        assert "周一至周四 09:00-18:00" in clinic.heard()[-1]
        clinic.asks()
        assert clinic.heard()[-1].startswith(FAQS[QUESTION])


def test_the_human_reads_who_the_person_is_and_of_their_case(clinic: Clinic) -> None:
    """And of nobody else's, though theirs lie in the same register."""
    with clinic.house.safety.cases.ledger.database.write() as connection:
        connection.execute(insert(professionals).values(RECORD))
    account, by = Account.of(conversation()), Author(person="zhang.wei")
    clinic.house.tools.bindings.bind("academy", account, "HCP-7", by, NOW)
    clinic.asks("患者用了碘海醇，全身起疹子")
    clinic.staff_heard()
    clinic.asks("转人工")
    heard = clinic.staff_heard()
    assert "已核实的医务人员：记录 HCP-7 示例医院 放射科 主任医师" in heard
    assert "不良反应病例 1" in heard
    assert "全身起疹子" in heard
    clinic.desk.writes("转人工", customer=LIN)
    clinic.goes_on(LIN)
    heard = clinic.staff_heard()
    assert f"小林 ({LIN})" in heard
    assert "HCP-7" not in heard
    assert "病例" not in heard


class TestFoundBySecondReading:
    """Faults that a reader who had not written the code found."""

    def test_who_asks_again_where_a_human_has_the_chat_is_not_spoken_to(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        before = clinic.heard()
        clinic.asks("转人工")
        assert clinic.heard() == before
        assert clinic.refused == [], "not even tried"

    def test_who_asks_for_a_human_after_one_has_gone_unseen_is_not_lost(self, clinic: Clinic) -> None:
        """The session ended by itself, and nobody serves now: the old ticket is over, and the staff hear of a new one."""
        clinic.asks("转人工")
        clinic.desk.writes("您好，我是李娜", servicer="li.na")
        clinic.goes_on()
        clinic.staff_heard()
        clinic.practice.clock.now += 49 * 3600
        nobody_serves(clinic)
        clinic.asks("转人工")
        assert "工单 2" in clinic.heard()[-1]
        assert "【人工工单 2】" in clinic.staff_heard()
        assert clinic.ticket().state is TicketState.RELEASED

    def test_a_turn_that_runs_again_after_it_ended_a_ticket_says_so(self, clinic: Clinic) -> None:
        """The worker dies between the ticket and the reply."""
        clinic.asks("转人工")
        clinic.desk.acts("end")
        clinic.practice.pulls()
        clinic.works_twice()
        assert "人工服务已结束" in clinic.heard()[-1]

    def test_a_turn_that_runs_again_still_sees_that_a_service_ended_unseen(self, clinic: Clinic) -> None:
        """Asking who serves has no effect: the database may fail after it."""
        clinic.asks("转人工")
        clinic.practice.clock.now += 49 * 3600
        clinic.desk.writes(QUESTION)
        clinic.practice.pulls()
        desk = clinic.practice.channel
        until = clinic.practice.clock.now + 5
        assert desk.serving(conversation(), until) == desk.serving(conversation(), until) == "lapsed"
        clinic.goes_on()
        assert FAQS[QUESTION] in clinic.heard()[-1]


def serves(house: House, *hours: str) -> None:
    """Humans serve at these hours."""
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"service_hours": hours})


def nobody_serves(clinic: Clinic) -> None:
    for servicer in ("li.na", "zhang.wei"):
        clinic.desk.call("POST", "/_sim/kf/servicers", servicer=servicer, status="stopped")
