"""Rules 40 to 42 for what the app sends: the window of five, msgids, kinds of messages, and what fails later."""

from typing import Any

import pytest
import requests

from tests.simulator.kf_desk import CHEN, KF, LIN, OTHER_KF, Desk
from tests.simulator.media_files import AMR, MP4, PNG
from tests.simulator.parties import Clock, until


def _media_id(desk: Desk, kind: str, data: bytes) -> str:
    query = {"access_token": desk.token(), "type": kind}
    files = {"media": ("a.bin", data)}
    answer = requests.post(f"{desk.url}/cgi-bin/media/upload", params=query, files=files, timeout=5).json()
    media_id: str = answer["media_id"]
    return media_id


def test_five_messages_for_each_of_the_customers(desk: Desk, clock: Clock) -> None:
    """Rule 40."""
    desk.writes()
    assert [desk.sends(str(n))["errcode"] for n in range(6)] == [0] * 5 + [95001]
    assert desk.reached() == ["0", "1", "2", "3", "4"]
    desk.writes("还有")
    assert desk.sends("第二轮")["errcode"] == 0
    desk.writes("别人", customer=LIN)
    assert desk.sends("给小林", customer=LIN)["errcode"] == 0
    lefts = {one["customer"]: one["left"] for one in desk.get("/_sim/kf/sessions")["sessions"]}
    assert lefts == {CHEN: 4, LIN: 4}


def test_after_48_hours_nothing_can_be_sent(desk: Desk, clock: Clock) -> None:
    """Rule 40."""
    desk.writes()
    clock.now += 48 * 3600
    assert desk.sends("最后一刻")["errcode"] == 0
    clock.now += 1
    assert desk.sends("太晚")["errcode"] == 95002
    assert desk.state() == (4, "")
    desk.rules(kf_late_errcode=95018)
    assert desk.sends("太晚")["errcode"] == 95018
    desk.writes("我又来了")
    assert (desk.state(), desk.sends("欢迎回来")["errcode"]) == ((0, ""), 0)


def test_who_only_entered_cannot_be_written_to(desk: Desk) -> None:
    """Rule 40: state 4 until the customer writes."""
    desk.enters()
    assert desk.state() == (4, "")
    assert desk.sends()["errcode"] == 95018


@pytest.mark.parametrize("state", [2, 3, 4])
def test_in_these_states_nothing_can_be_sent(desk: Desk, state: int) -> None:
    """Rule 40."""
    desk.writes()
    assert desk.moves(1)["errcode"] == 0
    assert desk.moves(state, servicer_userid="li.na" if state == 3 else "")["errcode"] == 0
    assert desk.sends()["errcode"] == 95018
    assert desk.reached() == []


def test_a_msgid_is_used_once_an_account(desk: Desk) -> None:
    """Rule 42†: a message that was refused uses none up."""
    assert desk.sends(msgid="turn_1-a")["errcode"] == 95018
    desk.writes()
    assert desk.sends(msgid="turn_1-a") == {"errcode": 0, "errmsg": "ok", "msgid": "turn_1-a"}
    assert desk.sends(msgid="turn_1-a")["errcode"] == 40058
    desk.rules(kf_msgid_errcode=95999)
    assert desk.sends(msgid="turn_1-a")["errcode"] == 95999
    desk.writes(open_kfid=OTHER_KF)
    assert desk.sends(msgid="turn_1-a", open_kfid=OTHER_KF)["errcode"] == 0
    made = [desk.sends()["msgid"] for _ in range(2)]
    assert len(set(made)) == 2
    assert all(0 < len(msgid) <= 32 for msgid in made)
    assert desk.reached() == ["答", "答", "答", "答"]


@pytest.mark.parametrize("msgid", ["x" * 33, "with space", "中", 7])
def test_a_msgid_that_cannot_be(desk: Desk, msgid: object) -> None:
    desk.writes()
    assert desk.sends(msgid=msgid)["errcode"] == 40058


def test_a_text_of_2048_bytes_and_no_more(desk: Desk) -> None:
    """§6.5."""
    desk.writes()
    longest = "啊" * 682 + "ab"
    assert desk.sends(longest)["errcode"] == 0
    assert desk.sends(longest + "c")["errcode"] == 45002
    desk.rules(kf_refuse_long_text=False)
    assert desk.sends("啊" * 683)["errcode"] == 0
    assert desk.reached() == [longest, "啊" * 682]
    assert desk.kf_entries()[-1]["cut"]


def test_files_links_places_and_programs(desk: Desk) -> None:
    """§6.5."""
    desk.writes()
    for kind, data in (("image", PNG), ("voice", AMR), ("video", MP4), ("file", b"%PDF-1.4")):
        media = {"media_id": _media_id(desk, kind, data)}
        assert desk.sends(msgtype=kind, **{kind: media})["errcode"] == 0
    desk.writes("再来")
    thumb = _media_id(desk, "image", PNG)
    link = {"title": "指南", "desc": "2024", "url": "https://example.com", "thumb_media_id": thumb}
    program = {"appid": "wx1", "title": "预约", "thumb_media_id": thumb, "pagepath": "pages/index"}
    place = {"name": "广州塔", "address": "海珠区", "latitude": 23.1, "longitude": 113.3}
    for kind, content in (("link", link), ("miniprogram", program), ("location", place)):
        assert desk.sends(msgtype=kind, **{kind: content})["errcode"] == 0
    kinds = [entry["type"] for entry in desk.kf_entries() if entry["via"] == "send"]
    assert kinds == ["image", "voice", "video", "file", "link", "miniprogram", "location"]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"text": {"content": ""}}, 44004),
        ({"text": {}}, 40063),
        ({"text": {"content": 5}}, 40035),
        ({"msgtype": "markdown", "markdown": {"content": "x"}}, 40008),
        ({"msgtype": None}, 40008),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "file", "file": {"media_id": ""}}, 44001),
        ({"msgtype": "link", "link": {"title": "x", "url": "https://e.com"}}, 44001),
        ({"msgtype": "location", "location": {"latitude": "23", "longitude": 113}}, 40035),
        ({"open_kfid": "xx"}, 95000),
        ({"open_kfid": "wkNobody"}, 95004),
        ({"touser": "wmNobody"}, 40096),
        ({"touser": [CHEN]}, 40096),
    ],
)
def test_a_message_that_cannot_be(desk: Desk, body: dict[str, Any], errcode: int) -> None:
    desk.writes()
    assert desk.sends(**body)["errcode"] == errcode
    assert desk.reached() == []


_MENU: dict[str, Any] = {
    "head_content": "您想问的是？",
    "list": [
        {"type": "click", "click": {"id": "101", "content": "渗透压"}},
        {"type": "view", "view": {"url": "https://example.com", "content": "看全文"}},
        {"type": "miniprogram", "miniprogram": {"appid": "wx1", "pagepath": "p", "content": "小程序"}},
        {"type": "text", "text": {"content": "或者直接打字"}},
    ],
    "tail_content": "谢谢",
}


def test_a_menu_and_what_is_chosen_from_it(desk: Desk) -> None:
    """§6.5: a click comes back as a text with its menu_id."""
    desk.writes()
    assert desk.sends(msgtype="msgmenu", msgmenu=_MENU)["errcode"] == 0
    menu = desk.kf_entries()[-1]
    assert menu["content"].split("\n") == ["您想问的是？", "渗透压", "看全文", "小程序", "或者直接打字", "谢谢"]
    desk.call("POST", "/_sim/kf/messages", customer=CHEN, target=menu["id"], menu_id="101")
    assert desk.pulls()[-1]["text"] == {"content": "渗透压", "menu_id": "101"}
    wrong = {"customer": CHEN, "target": menu["id"], "menu_id": "102"}
    assert requests.post(f"{desk.url}/_sim/kf/messages", json=wrong, timeout=5).status_code == 400
    other = {"customer": LIN, "target": menu["id"], "menu_id": "101"}
    assert requests.post(f"{desk.url}/_sim/kf/messages", json=other, timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("menu", "errcode"),
    [
        ({"list": _MENU["list"][:1] * 11}, 95008),
        ({"list": [{"type": "button", "button": {}}]}, 95009),
        ({"list": ["x"]}, 95009),
        ({"list": [{"type": "click", "click": {"id": "1"}}]}, 40063),
        ({"list": "x"}, 40035),
        ({"head_content": "", "list": []}, 40063),
        ({"list": [{"type": "click", "click": {"id": "1" * 129, "content": "x"}}]}, 40058),
        ({"list": [{"type": "click", "click": {"id": "1", "content": "好" * 43}}]}, 40058),
        ({"head_content": "好" * 342, "list": _MENU["list"]}, 40058),
        ({"list": _MENU["list"], "tail_content": "x" * 1025}, 40058),
    ],
)
def test_a_menu_that_cannot_be(desk: Desk, menu: dict[str, Any], errcode: int) -> None:
    desk.writes()
    assert desk.sends(msgtype="msgmenu", msgmenu=menu)["errcode"] == errcode


def test_a_message_that_was_accepted_may_fail_later(desk: Desk) -> None:
    """Rule 42."""
    desk.writes()
    desk.fault(on="kf_delivery", kind="send_fail", fail_type=13, member=CHEN)
    assert desk.sends("没到", msgid="m1")["errcode"] == 0
    assert desk.sends("到了", msgid="m2")["errcode"] == 0
    (event,) = desk.events("msg_send_fail")
    assert (event["fail_msgid"], event["fail_type"], event["external_userid"]) == ("m1", 13, CHEN)
    assert event["open_kfid"] == KF
    assert desk.reached() == ["到了"]
    assert desk.log(42) == ["send_failed_later"]


def test_a_failure_takes_its_time(desk: Desk) -> None:
    desk.writes()
    desk.fault(on="kf_delivery", kind="send_fail", fail_type=0, seconds=0.3)
    desk.sends()
    assert desk.events("msg_send_fail") == []
    until(lambda: desk.events("msg_send_fail"))


def test_who_refuses_messages_gets_none(desk: Desk) -> None:
    """Rule 42: fail_type 10."""
    desk.writes()
    desk.call("POST", "/_sim/kf/refuse", customer=CHEN, on=True)
    assert desk.sends()["errcode"] == 0
    assert [event["fail_type"] for event in desk.events("msg_send_fail")] == [10]
    desk.call("POST", "/_sim/kf/refuse", customer=CHEN, on=False)
    desk.sends("又收了")
    assert desk.reached() == ["又收了"]


def test_what_may_not_be_sent_can_fail_later_instead(desk: Desk, clock: Clock) -> None:
    """Rules 40 and 42†."""
    desk.rules(kf_refusals="later", kf_window_messages=1)
    desk.writes()
    assert [desk.sends(str(n))["errcode"] for n in range(2)] == [0, 0]
    desk.moves(2)
    assert desk.sends("排队时")["errcode"] == 0
    clock.now += 48 * 3600 + 1
    assert desk.sends("太晚")["errcode"] == 0
    assert [event["fail_type"] for event in desk.events("msg_send_fail")] == [6, 5, 4]
    assert desk.reached() == ["0"]


def test_an_unverified_corp_cannot_send(desk: Desk) -> None:
    """§6.1."""
    desk.rules(kf_verified=False)
    desk.writes()
    assert desk.sends()["errcode"] == 95018


def test_an_account_that_the_api_does_not_have(desk: Desk) -> None:
    desk.writes()
    desk.call("POST", "/_sim/kf/manage", on=False)
    assert (desk.sends()["errcode"], desk.kf("sync_msg")["errcode"]) == (95017, 95017)
    desk.call("POST", "/_sim/kf/manage", on=True)
    assert desk.sends()["errcode"] == 0


@pytest.mark.parametrize("api", ["kf/send_msg", "kf/sync_msg"])
def test_the_network_fails_as_elsewhere(desk: Desk, api: str) -> None:
    """Faults that every API has: with ``close_after`` the work is done and nobody hears of it."""
    desk.writes()
    call = desk.sends if api == "kf/send_msg" else lambda **body: desk.kf("sync_msg", **body)
    desk.fault(on=api, kind="errcode", errcode=-1)
    assert call()["errcode"] == -1
    desk.fault(on=api, kind="http_500")
    query = {"access_token": desk.token()}
    assert requests.post(f"{desk.url}/cgi-bin/{api}", params=query, json={}, timeout=5).status_code == 500
    desk.fault(on=api, kind="close_before")
    with pytest.raises(requests.ConnectionError):
        call()
    desk.fault(on=api, kind="close_after")
    with pytest.raises(requests.ConnectionError):
        call(msgid="lost")
    assert call(msgid="lost")["errcode"] == (40058 if api == "kf/send_msg" else 0)


def test_a_fault_of_one_customer_leaves_the_others_alone(desk: Desk) -> None:
    for customer in (CHEN, LIN):
        desk.writes(customer=customer)
    desk.fault(on="kf/send_msg", kind="errcode", errcode=45009, member=LIN)
    assert (desk.sends()["errcode"], desk.sends(customer=LIN)["errcode"]) == (0, 45009)


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "kf_delivery", "kind": "send_fail", "fail_type": 3},
        {"on": "kf_callback", "kind": "late"},
        {"on": "kf_callback", "kind": "drop", "fail_type": 10},
        {"on": "kf_page", "kind": "empty", "member": CHEN},
        {"on": "kf_stream", "kind": "drop"},
    ],
)
def test_faults_that_cannot_be(desk: Desk, fault: dict[str, Any]) -> None:
    assert requests.post(f"{desk.url}/_sim/faults", json=fault, timeout=5).status_code == 400
