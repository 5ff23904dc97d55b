"""Rules 40 and 41: who has a session, what servicers do by hand, and the codes that events give."""

from typing import Any

import pytest
import requests

from tests.simulator.kf_desk import CHEN, KF, LIN, Desk
from tests.simulator.parties import Clock

_STATES = range(5)
_ALLOWED = {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 3), (3, 4)}


def _bring(desk: Desk, state: int) -> None:
    """A session of 陈医生 in that state."""
    desk.writes()
    if state == 4:
        desk.moves(1)
    if state:
        assert desk.moves(state, servicer_userid="li.na" if state == 3 else "")["errcode"] == 0
    assert desk.state()[0] == state


@pytest.mark.parametrize("before", _STATES)
def test_sessions_move_as_documented_and_in_no_other_way(desk: Desk, before: int) -> None:
    """Rule 40."""
    for to in _STATES:
        _bring(desk, before)
        answer = desk.moves(to, servicer_userid="zhang.wei" if to == 3 else "")
        assert (answer["errcode"] == 0) == ((before, to) in _ALLOWED), (before, to)
        assert answer["errcode"] in (0, 95016)
        now = to if answer["errcode"] == 0 else before
        assert desk.state() == (now, {3: "zhang.wei" if answer["errcode"] == 0 else "li.na"}.get(now, ""))
        if desk.state()[0] != 4:
            desk.moves(1)
            desk.moves(3, servicer_userid="li.na")
            assert desk.moves(4)["errcode"] == 0


def test_the_servicer_must_be_one_and_be_there(desk: Desk) -> None:
    """§6.7."""
    desk.writes()
    assert desk.moves(3)["errcode"] == 40063
    assert desk.moves(3, servicer_userid="wang.fang")["errcode"] == 95014
    desk.call("POST", "/_sim/kf/servicers", servicer="li.na", status="stopped")
    assert desk.moves(3, servicer_userid="li.na")["errcode"] == 95019
    assert desk.state() == (0, "")
    assert desk.moves(3, servicer_userid="zhang.wei")["errcode"] == 0
    assert desk.moves(3, servicer_userid="zhang.wei")["errcode"] == 95016


@pytest.mark.parametrize("state", [5, -1, "1", None, True])
def test_a_state_that_cannot_be(desk: Desk, state: object) -> None:
    desk.writes()
    assert desk.moves(state)["errcode"] == 40035


def test_what_is_not_certain_has_switches(desk: Desk) -> None:
    """Rule 40†."""
    desk.rules(kf_assistant_may_end=False, kf_ended_errcode=95013)
    _bring(desk, 1)
    assert desk.moves(4)["errcode"] == 95016
    desk.moves(3, servicer_userid="li.na")
    desk.moves(4)
    assert desk.moves(1)["errcode"] == 95013


def test_the_customers_next_message_begins_a_new_session(desk: Desk) -> None:
    """§6.7."""
    _bring(desk, 4)
    desk.enters()
    assert desk.state()[0] == 4
    desk.writes("我回来了")
    assert desk.state() == (0, "")
    assert "msg_code" in desk.moves(2)


def test_new_sessions_may_go_straight_to_a_servicer(desk: Desk) -> None:
    """§6.7: automatic distribution; the bot gets 95018."""
    desk.rules(kf_distribution="servicers")
    desk.writes()
    assert desk.state() == (3, "li.na")
    assert desk.sends()["errcode"] == 95018
    for servicer in ("li.na", "zhang.wei"):
        desk.call("POST", "/_sim/kf/servicers", servicer=servicer, status="away")
    desk.writes(customer=LIN)
    assert desk.state(LIN) == (0, "")


def test_a_servicer_answers_by_hand_and_ends(desk: Desk) -> None:
    """§6.3, §6.4: origin 5 and session_status_change."""
    desk.writes()
    desk.moves(2)
    desk.acts("take")
    assert desk.state() == (3, "li.na")
    mine = desk.writes("您好，我是李娜", servicer="li.na")
    said = desk.pulls()[-1]
    assert (said["origin"], said["servicer_userid"], said["msgid"]) == (5, "li.na", mine["msg_id"])
    assert said["text"]["content"] == desk.reached()[-1] == "您好，我是李娜"
    desk.acts("transfer", to="zhang.wei")
    desk.acts("end", servicer="zhang.wei")
    assert desk.state() == (4, "")
    desk.acts("reopen", servicer="li.na")
    assert desk.state() == (3, "li.na")
    changes = desk.events("session_status_change")
    assert [_names(change) for change in changes] == [
        (1, None, "li.na", True),
        (2, "li.na", "zhang.wei", False),
        (3, "zhang.wei", None, True),
        (4, "li.na", "li.na", False),
    ]
    assert {(change["open_kfid"], change["external_userid"]) for change in changes} == {(KF, CHEN)}


def _names(change: dict[str, Any]) -> tuple[Any, ...]:
    who = (change.get(f"{name}_servicer_userid") for name in ("old", "new"))
    return (change["change_type"], *who, "msg_code" in change)


def test_a_servicer_takes_a_message_back(desk: Desk) -> None:
    _bring(desk, 3)
    mine = desk.writes("写错了", servicer="li.na")
    url = f"{desk.url}/_sim/kf/recall"
    assert requests.post(url, json={"target": mine["id"], "servicer": "zhang.wei"}, timeout=5).status_code == 400
    desk.call("POST", "/_sim/kf/recall", target=mine["id"], servicer="li.na")
    (event,) = desk.events("servicer_recall_msg")
    assert (event["recall_msgid"], event["servicer_userid"]) == (mine["msg_id"], "li.na")


@pytest.mark.parametrize(
    ("state", "act", "servicer", "to"),
    [
        (0, "take", "li.na", ""),
        (1, "end", "li.na", ""),
        (2, "take", "wang.fang", ""),
        (3, "take", "zhang.wei", ""),
        (3, "end", "zhang.wei", ""),
        (3, "transfer", "li.na", "wang.fang"),
        (3, "reopen", "li.na", ""),
    ],
)
def test_what_a_servicer_cannot_do(desk: Desk, state: int, act: str, servicer: str, to: str) -> None:
    _bring(desk, state)
    body = {"customer": CHEN, "servicer": servicer, "act": act, "to": to}
    assert requests.post(f"{desk.url}/_sim/kf/session", json=body, timeout=5).status_code == 400
    assert desk.events("session_status_change") == []
    written = {"customer": CHEN, "servicer": "zhang.wei", "content": "x"}
    assert requests.post(f"{desk.url}/_sim/kf/messages", json=written, timeout=5).status_code == 400


def test_after_48_hours_a_session_is_not_opened_again(desk: Desk, clock: Clock) -> None:
    _bring(desk, 3)
    clock.now += 48 * 3600 + 1
    assert desk.state() == (4, "")
    body = {"customer": CHEN, "servicer": "li.na", "act": "reopen"}
    assert requests.post(f"{desk.url}/_sim/kf/session", json=body, timeout=5).status_code == 400
    assert desk.log(40)[-1] == "session_expired"


def test_servicers_come_and_go(desk: Desk) -> None:
    """§6.4, §6.8: 1 and 2 in the event, 0 and 1 in the list."""
    for status in ("stopped", "away", "serving"):
        desk.call("POST", "/_sim/kf/servicers", servicer="li.na", status=status)
    events = desk.events("servicer_status_change")
    assert [(one["status"], one.get("stop_type")) for one in events] == [(2, 0), (2, 1), (1, None)]
    assert {(one["servicer_userid"], one["open_kfid"]) for one in events} == {("li.na", KF)}
    assert "external_userid" not in events[0]


def test_a_servicer_takes_no_more_messages_of_a_customer(desk: Desk) -> None:
    """§6.4."""
    _bring(desk, 3)
    for is_on in (True, False):
        desk.call("POST", "/_sim/kf/reject", customer=CHEN, servicer="li.na", on=is_on)
    events = desk.events("reject_customer_msg_switch_change")
    assert [(one["servicer_userid"], one["reject_switch"]) for one in events] == [("li.na", 1), ("li.na", 0)]


def _welcome_code(desk: Desk) -> str | None:
    desk.enters()
    code: str | None = desk.events("enter_session")[-1].get("welcome_code")
    return code


def test_a_welcome_code_works_once_and_for_20_seconds(desk: Desk, clock: Clock) -> None:
    """Rule 41."""
    late = _welcome_code(desk)
    assert late
    clock.now += 20
    in_time = _welcome_code(desk)
    assert in_time
    clock.now += 1
    assert desk.answers_event(late)["errcode"] == 40029
    first = desk.answers_event(in_time, msgid="welcome-1")
    assert first == {"errcode": 0, "errmsg": "ok", "msgid": "welcome-1"}
    assert desk.answers_event(in_time)["errcode"] == 40029
    assert desk.reached() == ["欢迎"]
    assert desk.kf_entries()[-1]["via"] == "event"
    desk.rules(kf_code_errcode=41051)
    assert desk.answers_event("made-up")["errcode"] == 41051


def test_a_welcome_code_comes_only_after_48_quiet_hours(desk: Desk, clock: Clock) -> None:
    """Rule 41."""
    code = _welcome_code(desk)
    assert code
    desk.answers_event(code)
    assert _welcome_code(desk) is None
    clock.now += 48 * 3600 + 1
    assert _welcome_code(desk)
    desk.writes()
    clock.now += 48 * 3600
    assert _welcome_code(desk) is None
    clock.now += 1
    assert _welcome_code(desk)


def test_who_comes_in_twice_is_welcomed_once(desk: Desk, clock: Clock) -> None:
    first = desk.enters()["fields"]["welcome_code"]
    clock.now += 1
    second = desk.enters()["fields"]["welcome_code"]
    assert desk.answers_event(first)["errcode"] == 0
    assert desk.answers_event(second)["errcode"] == 40029


def test_a_welcome_is_a_text_or_a_menu(desk: Desk) -> None:
    """§6.6; what is refused uses no code up."""
    code = _welcome_code(desk)
    assert code
    assert desk.answers_event(code, msgtype="image", image={"media_id": "x"})["errcode"] == 40008
    assert desk.answers_event(code, text={"content": ""})["errcode"] == 44004
    menu = {"head_content": "想问什么？", "list": [{"type": "click", "click": {"id": "1", "content": "渗透压"}}]}
    assert desk.answers_event(code, msgtype="msgmenu", msgmenu=menu)["errcode"] == 0


def test_messages_on_events_do_not_use_up_the_five(desk: Desk) -> None:
    """§6.6†."""
    desk.rules(kf_window_messages=2)
    code = _welcome_code(desk)
    assert code
    desk.writes()
    assert desk.answers_event(code)["errcode"] == 0
    assert [desk.sends()["errcode"] for _ in range(3)] == [0, 0, 95001]


def test_they_do_where_the_switch_says_so(desk: Desk) -> None:
    desk.rules(kf_window_messages=2, kf_codes_count=True)
    code = _welcome_code(desk)
    assert code
    desk.writes()
    desk.answers_event(code)
    assert [desk.sends()["errcode"] for _ in range(2)] == [0, 95001]


def test_the_codes_of_the_pool_work_while_the_session_is_there(desk: Desk, clock: Clock) -> None:
    """§6.6."""
    desk.writes()
    queued = desk.moves(2)["msg_code"]
    menu = {"head_content": "x", "list": []}
    assert desk.answers_event(queued, msgtype="msgmenu", msgmenu=menu)["errcode"] == 40008
    desk.acts("take")
    assert desk.answers_event(queued)["errcode"] == 95018
    taken = desk.events("session_status_change")[-1]["msg_code"]
    assert desk.answers_event(taken)["errcode"] == 0
    assert "msg_code" not in desk.moves(3, servicer_userid="zhang.wei")
    ended = desk.moves(4)["msg_code"]
    clock.now += 21
    assert desk.answers_event(ended)["errcode"] == 40029


def test_the_end_has_20_seconds_for_a_last_word(desk: Desk, clock: Clock) -> None:
    """§6.6: text or menu, unless the customer has begun again."""
    _bring(desk, 3)
    ended = desk.moves(4)["msg_code"]
    clock.now += 20
    menu = {"head_content": "满意吗？", "list": [{"type": "click", "click": {"id": "5", "content": "满意"}}]}
    assert desk.answers_event(ended, msgtype="msgmenu", msgmenu=menu)["errcode"] == 0
    _bring(desk, 3)
    again = desk.moves(4)["msg_code"]
    desk.writes("还有一个问题")
    assert desk.answers_event(again)["errcode"] == 95018


def test_a_move_shows_in_the_chat(desk: Desk) -> None:
    desk.writes()
    desk.moves(2)
    last = desk.kf_entries()[-1]
    assert (last["via"], last["content"], last["fields"]["before"], last["fields"]["state"]) == (
        *("system", "session_moved", 0, 2),
    )
