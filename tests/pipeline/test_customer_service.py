"""A customer, the bot and the humans of the platform's own desk, over the simulated platform: who speaks, and when."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from bot.account import HUMAN_SERVES
from bot.channel import Limits
from bot.handoff.tickets import TicketState
from bot.links import SourceLinks
from bot.parts import words_of
from bot.records.turns import TurnRecord
from tests.channels.wecom_kf.conftest import ADDRESS
from tests.delivery.conftest import RecordingChannel
from tests.pipeline.clinic import QUESTION, Clinic, open_clinic
from tests.pipeline.conftest import FAQS, House, words
from tests.simulator.kf_desk import CHEN

ANSWER = FAQS[QUESTION]
UNKNOWN = "火星上今天的天气怎么样？"
UNKNOWN_TOO = "木星有多少颗卫星？"


@pytest.fixture
def clinic(house: House, redis_client: "redis.Redis") -> Iterator[Clinic]:
    with open_clinic(house, redis_client) as opened:
        yield opened


def test_a_customer_is_answered(clinic: Clinic) -> None:
    clinic.asks()
    (answer,) = clinic.heard()
    assert answer.startswith(ANSWER)
    assert "https://bot.example/source/" in answer


def test_who_comes_is_welcomed_at_once(clinic: Clinic) -> None:
    clinic.desk.enters()
    clinic.goes_on()
    (welcome,) = clinic.heard()
    assert "小影" in welcome


def test_near_questions_can_be_tapped(clinic: Clinic) -> None:
    bots = clinic.house.bots
    bots["imaging"] = bots["imaging"].model_copy(update={"answer_threshold": 0.9})
    clinic.asks("这里的年假政策对实习生如何折算并结转？")
    (menu,) = [one for one in clinic.desk.kf_entries() if one["type"] == "msgmenu"]
    first = menu["fields"]["list"][0]
    assert first["content"] in FAQS
    clinic.taps(first["content"])
    assert clinic.heard()[-1].startswith(FAQS[first["content"]])


class Narrow(RecordingChannel):
    """A channel that shows little, and lets one message a reply through."""

    @property
    def limits(self) -> Limits:
        return replace(super().limits, text_bytes=240, reply_messages=1)


def test_a_long_answer_goes_on_behind_a_signed_link(clinic: Clinic) -> None:
    clinic.house.channels["imaging", ADDRESS.channel] = Narrow()  # type: ignore[assignment]
    outcome = clinic.house.says(QUESTION, channel=ADDRESS.channel)
    (part,) = outcome.reply.parts
    words = words_of(part)
    assert words.startswith(ANSWER[:10])
    token = words.rpartition("https://bot.example/answer/")[2].strip()
    links = SourceLinks(b"a secret of this test, long enough", "https://bot.example", 3600)
    assert links.open_answer(token, clinic.house.clock()) == outcome.reply.key
    assert TurnRecord.decode(outcome.reply.record).answer.startswith(ANSWER), "what the page will read is whole"


class TestHandOver:
    """Into a human's hands."""

    def test_who_asks_for_a_human_gets_the_one_named(self, clinic: Clinic) -> None:
        clinic.asks()
        clinic.staff_heard()
        clinic.asks("转人工")
        assert clinic.desk.state() == (3, "li.na")
        assert "已为您转接人工" in clinic.heard()[-1]
        assert clinic.refused == []
        heard = clinic.staff_heard()
        assert QUESTION in heard, "the human knows what was asked"
        assert f"依据：{QUESTION}" in heard, "and from what it was answered"
        assert f"陈医生 ({CHEN})" in heard, "and who asks"
        assert clinic.ticket().state is TicketState.WAITING

    def test_whoever_serves_gets_who_is_asked_for_when_the_named_do_not(self, clinic: Clinic) -> None:
        clinic.desk.call("POST", "/_sim/kf/servicers", servicer="li.na", status="stopped")
        clinic.asks("转人工")
        assert clinic.desk.state()[0] == 2
        assert "已为您转接人工" in clinic.heard()[-1]
        clinic.desk.acts("take", "zhang.wei")
        clinic.goes_on()
        assert "人工同事已接手" in clinic.heard()[-1]
        assert (clinic.ticket().state, clinic.ticket().servicer) == (TicketState.SERVED, "zhang.wei")

    def test_out_of_hours_the_ticket_goes_the_other_way(self, clinic: Clinic) -> None:
        """Nobody serves at the platform's desk: the staff hear of it, and the bot can still speak."""
        for servicer in ("li.na", "zhang.wei"):
            clinic.desk.call("POST", "/_sim/kf/servicers", servicer=servicer, status="stopped")
        clinic.asks("转人工")
        assert clinic.desk.state()[0] == 0
        assert "【" in clinic.staff_heard()
        clinic.asks("有人吗")
        assert "有人吗" in clinic.staff_heard(), "what is said to nobody is passed on"

    def test_a_complaint_is_a_wish_for_a_human(self, clinic: Clinic) -> None:
        clinic.asks("你们的服务太差了，我要投诉！")
        assert clinic.desk.state() == (3, "li.na")
        assert clinic.heard()
        assert clinic.refused == []

    @pytest.mark.parametrize("api", ["kf/service_state/trans", "kf/service_state/get", "kf/servicer/list"])
    def test_a_platform_that_does_not_answer_leaves_nobody_waiting(self, clinic: Clinic, api: str) -> None:
        clinic.desk.fault(on=api, kind="errcode", errcode=-1)
        clinic.asks("转人工")
        assert "已为您转接人工" in clinic.heard()[-1]
        assert "转人工" in clinic.staff_heard()

    def test_a_move_whose_answer_was_lost_is_made_once(self, clinic: Clinic) -> None:
        clinic.desk.fault(on="kf/service_state/trans", kind="close_after")
        clinic.asks("转人工")
        assert clinic.desk.state() == (3, "li.na")


class TestUnasked:
    """Who did not ask for a human gets one."""

    def test_after_two_refusals_in_a_row(self, clinic: Clinic) -> None:
        clinic.asks(UNKNOWN)
        assert clinic.desk.state()[0] == 0
        clinic.asks(UNKNOWN_TOO)
        assert clinic.desk.state() == (3, "li.na")
        assert "没有找到可靠的依据" in clinic.heard()[-1]
        assert UNKNOWN in clinic.staff_heard()
        assert clinic.refused == []

    def test_an_answer_between_them_begins_anew(self, clinic: Clinic) -> None:
        for question in (UNKNOWN, QUESTION, UNKNOWN_TOO):
            clinic.asks(question)
        assert clinic.desk.state()[0] == 0

    def test_anger(self, clinic: Clinic) -> None:
        clinic.asks("气死我了，你们到底管不管")
        assert clinic.desk.state() == (3, "li.na")
        assert "很抱歉" in clinic.heard()[-1]

    def test_a_serious_adverse_event_and_nothing_that_was_asked_is_lost(self, clinic: Clinic) -> None:
        clinic.asks("患者用了示影灵后肾功能衰竭，住院治疗了")
        assert clinic.desk.state() == (3, "li.na")
        assert "1." in clinic.heard()[-1], "the questions are asked in the reply that hands over"
        assert clinic.refused == []
        clinic.asks("病人是男的，58岁，批号是A123")
        case = clinic.house.safety.cases.get(1)
        assert case is not None
        assert len(clinic.house.safety.cases.messages(1)) == 2, "the answer reaches the case while a human has the chat"

    def test_none_of_it_where_it_is_switched_off(self, clinic: Clinic) -> None:
        bot = clinic.house.bots["imaging"]
        off = {"human_after_refusals": 0, "human_for_anger": False, "human_for_serious": False}
        clinic.house.bots["imaging"] = bot.model_copy(update={"safety": bot.safety.model_copy(update=off)})
        for said in (UNKNOWN, UNKNOWN_TOO, "气死我了", "患者用了示影灵后肾功能衰竭，住院治疗了"):
            clinic.asks(said)
        assert clinic.desk.state()[0] == 0

    def test_elsewhere_the_staff_hear_of_it_and_the_bot_goes_on(self, clinic: Clinic) -> None:
        clinic.house.delivers(UNKNOWN)
        outcome = clinic.house.says(UNKNOWN_TOO)
        assert "工单 1" in words(outcome)
        assert [post.conversation.person for post in outcome.posts] == ["li.na"]
        assert clinic.ticket().state is TicketState.REGISTERED


class TestSilence:
    """While a human has the chat."""

    def test_the_bot_says_nothing_and_passes_nothing_on(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        clinic.staff_heard()
        before = clinic.heard()
        clinic.asks()
        assert clinic.heard() == before
        assert clinic.staff_heard() == ""
        assert clinic.refused == []

    def test_a_humans_words_start_nothing_and_are_an_answer(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        clinic.asks("在吗")
        assert clinic.ticket().deadline is not None
        clinic.desk.writes("您好，我是李娜", servicer="li.na")
        clinic.goes_on()
        assert clinic.heard()[-1] == "您好，我是李娜"
        assert (clinic.ticket().state, clinic.ticket().deadline) == (TicketState.SERVED, None)

    def test_whom_the_platform_gave_to_a_human_itself(self, clinic: Clinic) -> None:
        """Automatic distribution: 95018 at once, and the bot knows that a human is there before that one writes."""
        clinic.desk.rules(kf_distribution="servicers")
        clinic.asks()
        assert clinic.refused == [HUMAN_SERVES]
        assert ANSWER in clinic.staff_heard(), "the human reads what the bot would have said"
        assert clinic.ticket().state is TicketState.WAITING
        clinic.asks("在吗")
        assert clinic.refused == [HUMAN_SERVES], "not even tried"
        clinic.desk.writes("我来回答", servicer=clinic.desk.state()[1])
        clinic.goes_on()
        clinic.asks()
        assert clinic.refused == [HUMAN_SERVES], "not even tried"
        assert clinic.heard() == ["我来回答"]


class TestBack:
    """Into the bot's hands again."""

    def test_at_the_end(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        clinic.desk.acts("end")
        clinic.goes_on()
        assert "人工服务已结束" in clinic.heard()[-1]
        assert clinic.ticket().state is TicketState.RELEASED
        clinic.asks()
        assert clinic.heard()[-1].startswith(ANSWER)

    def test_a_human_who_takes_it_up_again(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        clinic.desk.acts("end")
        clinic.goes_on()
        clinic.desk.acts("reopen")
        clinic.goes_on()
        said = len(clinic.heard())
        clinic.asks()
        assert len(clinic.heard()) == said

    def test_when_nobody_comes(self, clinic: Clinic) -> None:
        clinic.desk.call("POST", "/_sim/kf/servicers", servicer="li.na", status="stopped")
        clinic.asks("转人工")
        clinic.practice.clock.now += 1801
        ((_, (told, *_)),) = clinic.house.tools.desk.overdue()
        clinic.says(told.key, told.text)
        assert clinic.desk.state()[0] == 4
        assert "没有人工回复" in clinic.heard()[-1]
        clinic.house.tickets.unanswered(clinic.ticket())
        clinic.asks()
        assert clinic.heard()[-1].startswith(ANSWER)

    def test_when_the_session_ended_by_itself(self, clinic: Clinic) -> None:
        """No event tells of it: the state is asked, and the bot answers at once."""
        clinic.asks("转人工")
        clinic.desk.writes("您好，我是李娜", servicer="li.na")
        clinic.goes_on()
        clinic.practice.clock.now += 49 * 3600
        clinic.asks()
        assert "人工服务已结束" in clinic.heard()[-1]
        assert ANSWER in clinic.heard()[-1]
        assert clinic.ticket().state is TicketState.RELEASED

    def test_when_a_colleague_releases_the_ticket(self, clinic: Clinic) -> None:
        clinic.asks("转人工")
        notice = clinic.house.tools.desk.release(clinic.ticket(), "turn-of-the-release")
        clinic.says(notice.key, notice.text)
        assert clinic.desk.state()[0] == 4
        assert "人工服务已结束" in clinic.heard()[-1]


def test_an_operator_may_keep_it_to_tickets(house: House, redis_client: "redis.Redis") -> None:
    with open_clinic(house, redis_client, humans="tickets") as clinic:
        clinic.asks("转人工")
        assert clinic.desk.state()[0] == 0
        clinic.asks("在吗")
        assert "在吗" in clinic.staff_heard()
