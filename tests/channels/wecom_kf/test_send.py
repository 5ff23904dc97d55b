"""Sending: five messages after each of the customer's, for 48 hours, each once, and what the platform's codes mean."""

from typing import Any

import pytest

from bot.account import ALLOWANCE_USED, HUMAN_SERVES, SESSION_OVER
from bot.channel import Refused, Retry, Unknown
from bot.messages import ConversationId, MessageKind, turn_id_of
from bot.parts import Card, Markdown, Medium, Menu, Text
from channels.wecom_kf.bodies import TEXT_BYTES
from tests.channels.wecom_kf.conftest import ADDRESS, Practice, conversation
from tests.simulator.kf_desk import CHEN, LIN


@pytest.fixture
def asked(practice: Practice) -> Practice:
    """陈医生 has written, and it was pulled."""
    practice.begins()
    practice.desk.writes("你好")
    practice.pulls()
    return practice


def test_words_reach_the_customer_under_an_id_of_ours(asked: Practice) -> None:
    receipt = asked.says("开放时间是 9:00 至 17:00。")
    (entry,) = [one for one in asked.desk.kf_entries() if one["via"] == "send"]
    assert (entry["content"], entry["msg_id"]) == ("开放时间是 9:00 至 17:00。", receipt.message_id)
    assert len(receipt.message_id) == 32
    assert receipt.message_id.isalnum()


def test_markdown_goes_as_the_words_it_is(asked: Practice) -> None:
    asked.sends(Markdown("**重要**"))
    assert asked.desk.reached() == ["**重要**"]


def test_a_menu_is_chosen_from(asked: Practice) -> None:
    asked.sends(Menu("您想问的是？", ("增强 CT 前禁食多久", "能不能喝水")))
    (menu,) = [one for one in asked.desk.kf_entries() if one["type"] == "msgmenu"]
    assert menu["fields"]["head_content"] == "您想问的是？"
    asked.desk.call("POST", "/_sim/kf/messages", customer=CHEN, target=menu["id"], menu_id="2")
    asked.pulls()
    assert asked.texts() == ["你好", "能不能喝水"]


def refused_by_the_platform(practice: Practice) -> int:
    """How many sends the platform had to refuse because of the five and the 48 hours."""
    return practice.desk.log(40).count("errcode")


class TestAllowance:
    """Page 94677: 5 messages, 48 hours."""

    def test_the_sixth_is_not_even_tried(self, asked: Practice) -> None:
        for number in range(5):
            asked.says(f"第 {number} 条", key=f"turn:{number}")
        with pytest.raises(Refused, match=ALLOWANCE_USED):
            asked.says("第六条", key="turn:5")
        assert len(asked.desk.reached()) == 5
        assert refused_by_the_platform(asked) == 0

    def test_a_new_message_of_the_customer_opens_five_more(self, asked: Practice) -> None:
        for number in range(5):
            asked.says("答", key=f"turn:{number}")
        asked.clock.now += 1
        asked.desk.writes("还有呢")
        asked.pulls()
        for number in range(5):
            asked.says("再答", key=f"next:{number}")
        with pytest.raises(Refused, match=ALLOWANCE_USED):
            asked.says("再答", key="next:5")

    def test_two_messages_of_one_second_open_it_twice(self, asked: Practice) -> None:
        asked.says("答", key="turn:0")
        asked.desk.writes("同一秒")
        asked.pulls()
        for number in range(5):
            asked.says("答", key=f"next:{number}")
        assert len(asked.desk.reached()) == 6

    def test_a_page_that_comes_again_opens_nothing(self, asked: Practice) -> None:
        asked.clock.now += 1
        asked.desk.writes("还有呢")
        asked.pulls()
        for number in range(4):
            asked.says("答", key=f"turn:{number}")
        asked.channel.pull("", "", 200, asked.clock() + 5)
        asked.says("答", key="turn:4")
        with pytest.raises(Refused, match=ALLOWANCE_USED):
            asked.says("答", key="turn:5")
        assert refused_by_the_platform(asked) == 0

    def test_it_is_each_customers_own(self, asked: Practice) -> None:
        for number in range(5):
            asked.says("答", key=f"turn:{number}")
        asked.desk.writes("你好", LIN)
        asked.pulls()
        asked.says("答", key="other:0", person=LIN)
        assert asked.desk.reached(LIN) == ["答"]

    def test_after_48_hours_nothing_is_tried(self, asked: Practice) -> None:
        asked.clock.now += 48 * 3600 + 1
        with pytest.raises(Refused, match=SESSION_OVER):
            asked.says("答")
        assert asked.desk.reached() == []
        assert refused_by_the_platform(asked) == 0

    def test_what_others_sent_is_found_out(self, asked: Practice) -> None:
        """Another application used the allowance up: 95001 is believed."""
        for number in range(5):
            answer = asked.desk.kf(
                "send_msg", touser=CHEN, msgtype="text", text={"content": "x"}, msgid=f"theirs-{number}"
            )
            assert answer["errcode"] == 0, answer
        with pytest.raises(Refused, match=ALLOWANCE_USED):
            asked.says("答")
        assert refused_by_the_platform(asked) == 1
        asked.desk.fault(on="kf/send_msg", kind="http_500")  # would be met, were it tried again
        with pytest.raises(Refused, match=ALLOWANCE_USED):
            asked.says("答", key="turn:1")

    def test_what_surely_failed_is_not_counted(self, asked: Practice) -> None:
        for _ in range(7):
            asked.desk.fault(on="kf/send_msg", kind="errcode", errcode=-1)
            with pytest.raises(Retry):
                asked.says("答")
        for number in range(5):
            asked.says("答", key=f"turn:{number}")
        assert len(asked.desk.reached()) == 5


class TestOnce:
    """A resend carries the id of the first try."""

    def test_what_arrived_although_its_answer_was_lost_is_not_said_twice(self, asked: Practice) -> None:
        asked.desk.fault(on="kf/send_msg", kind="close_after")
        with pytest.raises(Unknown):
            asked.says("只说一次")
        receipt = asked.says("只说一次")
        assert asked.desk.reached() == ["只说一次"]
        assert receipt.message_id
        assert asked.degraded() == ["repeat_taken_as_sent"]

    def test_what_was_lost_on_its_way_is_said_by_the_resend(self, asked: Practice) -> None:
        asked.desk.fault(on="kf/send_msg", kind="close_before")
        with pytest.raises((Unknown, Retry)):
            asked.says("只说一次")
        asked.says("只说一次")
        assert asked.desk.reached() == ["只说一次"]

    def test_a_resend_is_counted_once(self, asked: Practice) -> None:
        asked.desk.fault(on="kf/send_msg", kind="close_after")
        with pytest.raises(Unknown):
            asked.says("一", key="turn:0")
        asked.says("一", key="turn:0")
        for number in range(1, 5):
            asked.says("答", key=f"turn:{number}")
        assert len(asked.desk.reached()) == 5

    @pytest.mark.parametrize("errcode", [40058, 40035, 95099])
    def test_whatever_code_a_repeat_has(self, asked: Practice, errcode: int) -> None:
        """Which one is not published."""
        asked.desk.rules(kf_msgid_errcode=errcode)
        asked.desk.fault(on="kf/send_msg", kind="close_after")
        with pytest.raises(Unknown):
            asked.says("只说一次")
        asked.says("只说一次")
        assert asked.desk.reached() == ["只说一次"]

    def test_a_first_send_that_is_refused_so_is_no_repeat(self, asked: Practice) -> None:
        asked.desk.fault(on="kf/send_msg", kind="errcode", errcode=40058)
        with pytest.raises(Refused, match="40058"):
            asked.says("答")


class TestStates:
    """95018: the state is looked at, and nothing is tried again."""

    @pytest.mark.parametrize(("state", "more"), [(2, {}), (3, {"servicer_userid": "li.na"})], ids=["pool", "human"])
    def test_while_a_human_has_the_chat_nothing_is_said(
        self, asked: Practice, state: int, more: dict[str, Any]
    ) -> None:
        assert asked.desk.moves(state, **more)["errcode"] == 0
        with pytest.raises(Refused, match=HUMAN_SERVES):
            asked.says("答")
        assert asked.desk.reached() == []

    def test_nor_after_the_end(self, asked: Practice) -> None:
        asked.desk.moves(1)
        asked.desk.moves(4)
        with pytest.raises(Refused, match=SESSION_OVER):
            asked.says("答")

    def test_a_corp_that_was_never_verified_is_told_apart(self, asked: Practice) -> None:
        asked.desk.rules(kf_verified=False)
        with pytest.raises(Refused, match="95018"):
            asked.says("答")

    @pytest.mark.parametrize(("errcode", "code"), [(95002, SESSION_OVER), (95013, SESSION_OVER)])
    def test_the_end_of_a_session(self, asked: Practice, errcode: int, code: str) -> None:
        asked.desk.fault(on="kf/send_msg", kind="errcode", errcode=errcode)
        with pytest.raises(Refused, match=code):
            asked.says("答")


class TestCodes:
    """Page 96428: a welcome within 20 s, by the code that came with the event."""

    def entered(self, practice: Practice) -> str:
        """The key of the part that welcomes 陈医生."""
        practice.begins()
        practice.desk.enters()
        practice.pulls()
        (message,) = practice.stored()
        return f"{turn_id_of(ADDRESS.bot, ADDRESS.channel, message.message_id)}:0"

    def test_a_welcome_goes_by_its_code(self, practice: Practice) -> None:
        practice.says("欢迎", key=self.entered(practice))
        (entry,) = [one for one in practice.desk.kf_entries() if one["via"] == "event"]
        assert entry["content"] == "欢迎"

    def test_a_welcome_uses_no_allowance_up(self, practice: Practice) -> None:
        practice.says("欢迎", key=self.entered(practice))
        practice.desk.writes("你好")
        practice.pulls()
        for number in range(5):
            practice.says("答", key=f"turn:{number}")
        assert len(practice.desk.reached()) == 6

    def test_a_welcome_too_late_is_none(self, practice: Practice) -> None:
        key = self.entered(practice)
        practice.clock.now += 20.5
        with pytest.raises(Refused, match=SESSION_OVER):
            practice.says("欢迎", key=key)
        assert practice.desk.reached() == []

    def test_a_code_whose_state_is_over_is_done_without(self, practice: Practice) -> None:
        """A servicer ended the chat, and the customer wrote at once: the words go as an answer to that."""
        practice.begins()
        practice.desk.writes("请转人工")
        practice.desk.moves(3, servicer_userid="li.na")
        practice.desk.acts("end")
        practice.pulls()
        (ended,) = [message for message in practice.stored() if message.event is not None]
        practice.clock.now += 1
        practice.desk.writes("还有一个问题")
        practice.pulls()
        practice.says("人工服务已结束", key=f"{turn_id_of(ADDRESS.bot, ADDRESS.channel, ended.message_id)}:0")
        (entry,) = [one for one in practice.desk.kf_entries() if one["content"] == "人工服务已结束"]
        assert entry["via"] == "send"
        for number in range(4):
            practice.says("答", key=f"turn:{number}")
        with pytest.raises(Refused, match=ALLOWANCE_USED):
            practice.says("答", key="turn:4")

    def test_a_code_that_somebody_else_used_is_no_failure_of_the_bot(self, practice: Practice) -> None:
        """A welcome that another application was quicker to send: there is nothing to apologise for."""
        key = self.entered(practice)
        practice.desk.fault(on="kf/send_msg_on_event", kind="errcode", errcode=40029)
        with pytest.raises(Refused, match=SESSION_OVER):
            practice.says("欢迎", key=key)

    def test_who_comes_in_twice_is_welcomed_once(self, practice: Practice) -> None:
        practice.begins()
        practice.desk.enters()
        practice.desk.enters()
        practice.pulls()
        first, second = (turn_id_of(ADDRESS.bot, ADDRESS.channel, one.message_id) for one in practice.stored())
        practice.says("欢迎", key=f"{first}:0")
        with pytest.raises(Refused, match=SESSION_OVER):
            practice.says("欢迎", key=f"{second}:0")
        assert practice.desk.reached() == ["欢迎"]

    def test_an_answer_lost_is_no_second_welcome(self, practice: Practice) -> None:
        key = self.entered(practice)
        practice.desk.fault(on="kf/send_msg_on_event", kind="close_after")
        with pytest.raises(Unknown):
            practice.says("欢迎", key=key)
        practice.says("欢迎", key=key)
        assert practice.desk.reached() == ["欢迎"]


class TestBounds:
    """What never leaves."""

    def test_two_thousand_bytes_are_the_end(self, asked: Practice) -> None:
        asked.says("好" * (TEXT_BYTES // 3))
        with pytest.raises(Refused, match="too_long"):
            asked.says("好" * (TEXT_BYTES // 3 + 1), key="turn:1")

    def test_a_menu_has_ten_choices(self, asked: Practice) -> None:
        with pytest.raises(Refused, match="menu_too_large"):
            asked.sends(Menu("选", tuple(map(str, range(11)))))
        asked.sends(Menu("选", tuple(map(str, range(10)))))

    @pytest.mark.parametrize("part", [Text(""), Card(task_id="t", title="卡"), Medium(MessageKind.IMAGE, "gone")])
    def test_what_cannot_be_shown(self, asked: Practice, part: Any) -> None:
        with pytest.raises(Refused):
            asked.sends(part)
        assert asked.desk.reached() == []

    def test_nobody_is_nobody(self, asked: Practice) -> None:
        with pytest.raises(Refused, match="bad_recipient"):
            asked.channel.send(
                ConversationId(bot="imaging", channel="kf", person=""), Text("x"), "k:0", asked.clock() + 5
            )

    def test_nothing_is_taken_back(self, asked: Practice) -> None:
        with pytest.raises(Refused, match="recall_unsupported"):
            asked.channel.recall("m", asked.clock() + 5)
        assert asked.channel.limits.recall_s == 0

    def test_one_reply_leaves_room_for_others(self, asked: Practice) -> None:
        assert asked.channel.limits.reply_messages == 3
        assert not asked.channel.limits.pushes
        assert conversation().channel == ADDRESS.channel
