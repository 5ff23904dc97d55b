"""Around a human's service: what the human reads of the person, when there is none, and what it was like."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from sqlalchemy import insert

from bot.account import Serving
from bot.channel import Limits
from bot.handoff.tickets import TicketState
from bot.identity.tables import Account, Author, professionals
from bot.messages import ConversationId
from bot.parts import Text, words_of
from tests.channels.wecom_kf.conftest import conversation
from tests.delivery.conftest import RecordingChannel
from tests.pipeline.clinic import QUESTION, Clinic, open_clinic
from tests.pipeline.conftest import FAQS, NOW, House, words
from tests.pipeline.test_background import RECORD
from tests.simulator.kf_desk import CHEN, LIN

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

    def test_nobody_speaks_for_another(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        clinic.desk.acts("end")
        clinic.goes_on()
        clinic.desk.writes("满意", customer=LIN, menu_id="ticket:1:3")
        clinic.goes_on(LIN)
        assert "没有找到工单 1" in clinic.desk.reached(LIN)[-1]
        assert clinic.ticket().satisfaction is None

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
        """The session ended by itself, and nobody serves now: the old ticket is over, and there is a new one."""
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

    def test_of_many_for_whom_nobody_came_each_is_told_at_once(self, clinic: Clinic) -> None:
        """A code of the platform lets the word through for 20 seconds: it cannot wait for all the others'."""
        clinic.asks("转人工")
        clinic.desk.writes("转人工", customer=LIN)
        clinic.goes_on(LIN)
        clinic.practice.clock.now += 1801
        for (_, (told, *_)), (over, waiting) in zip(
            clinic.house.tools.desk.overdue(), [(CHEN, LIN), (LIN, None)], strict=True
        ):
            clinic.practice.channel.send(conversation(over), Text(told.text), f"{told.key}:0", clinic.house.clock() + 5)
            assert clinic.desk.state(over)[0] == 4
            assert waiting is None or clinic.desk.state(waiting)[0] == 3, "the next is not looked at before"
            clinic.practice.clock.now += 21
        assert "没有人工回复" in clinic.desk.reached(LIN)[-1]

    def test_who_is_handed_over_below_a_long_answer_reads_that_they_are(self, house: House) -> None:
        """Of that reply one message gets through: a second would come while the human has the chat."""
        house.channels["imaging", "app"] = ShortDesk()  # type: ignore[assignment]
        (part,) = house.says(f"你们的服务太差了，我要投诉！{QUESTION}").reply.parts
        assert len(words_of(part).encode()) <= ShortDesk().limits.text_bytes
        assert "已为您转接人工" in words_of(part)
        assert "https://bot.example/answer/" in words_of(part), "the answer is read whole there"

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


@pytest.mark.parametrize("channel", ["app", "ai"])
def test_words_that_come_late_reach_the_human_whole(house: House, channel: str) -> None:
    """The worker was away: they are for the human who has the chat, and nothing the bot has to apologise for."""
    house.says("转人工", channel=channel)
    long = "我补充一下情况，" * 30
    outcome = house.pipeline.apologise([house.message(long, channel=channel)], "too_old")
    assert "抱歉" not in words(outcome)
    (post,) = outcome.posts
    assert long in "".join(words_of(part) for part in post.reply.parts)
    assert outcome.relayed, "whoever spares the staff long lists spares them none of these"


class ShortDesk(RecordingChannel):
    """A channel that shows little, and whose platform has a desk of its own."""

    has_human_desk = True

    @property
    def limits(self) -> Limits:
        return replace(super().limits, text_bytes=600, reply_messages=3)

    def serving(self, _conversation: ConversationId, _deadline: float) -> Serving:
        return Serving.HUMAN

    def nickname(self, _conversation: ConversationId, _deadline: float) -> str:
        return ""

    def hand_over(self, _conversation: ConversationId, _servicers: object, _key: str, _deadline: float) -> bool:
        return True

    def take_back(self, _conversation: ConversationId, _key: str, _deadline: float) -> None:
        raise AssertionError("nothing is taken back in these tests")


def serves(house: House, *hours: str) -> None:
    """Humans serve at these hours."""
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"service_hours": hours})


def nobody_serves(clinic: Clinic) -> None:
    for servicer in ("li.na", "zhang.wei"):
        clinic.desk.call("POST", "/_sim/kf/servicers", servicer=servicer, status="stopped")
