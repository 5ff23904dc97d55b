"""Rules 38 and 39: the bell, and what sync_msg says after it."""

import json
from typing import Any

import pytest
import requests
from defusedxml.ElementTree import fromstring

from tests.simulator.kf_desk import CHEN, KF, LIN, OTHER_KF, Desk, bell_fields, kf_settings, serve_kf
from tests.simulator.media_files import AMR, PNG
from tests.simulator.parties import CORP_ID, Clock, Webhook, until


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"]["content"] for message in messages if message["msgtype"] == "text"]


def test_the_bell_names_a_token_and_the_account_and_nothing_else(desk: Desk, webhook: Webhook) -> None:
    """Rule 38: no content, no user, no MsgId; the envelope names no agent."""
    desk.writes("血管造影前要停二甲双胍吗")
    (received,) = webhook.wait_for(1)
    fields = bell_fields(received)
    token = fields.pop("Token")
    assert fields == {
        "ToUserName": CORP_ID,
        "CreateTime": "1800000000",
        "MsgType": "event",
        "Event": "kf_msg_or_event",
        "OpenKfId": KF,
    }
    assert 0 < len(token.encode()) <= 128
    assert [child.tag for child in fromstring(received.body)] == ["ToUserName", "Encrypt"]
    assert _texts(desk.pulls(token=token)) == ["血管造影前要停二甲双胍吗"]


def test_bells_come_with_and_without_cdata(desk: Desk, webhook: Webhook) -> None:
    """Rule 11."""
    desk.writes("一")
    desk.writes("二")
    assert len({"CDATA" in received.plain for received in webhook.wait_for(2)}) == 2


def test_a_message_in_the_documented_shape(desk: Desk) -> None:
    """§6.3."""
    entry = desk.writes("你好")
    assert desk.pulls() == [
        {
            "msgid": entry["msg_id"],
            "open_kfid": KF,
            "external_userid": CHEN,
            "send_time": 1_800_000_000,
            "origin": 3,
            "msgtype": "text",
            "text": {"content": "你好"},
        }
    ]


def test_an_event_has_its_ids_inside(desk: Desk) -> None:
    """§6.3: open_kfid and external_userid are not at the top."""
    desk.enters(scene="poster", scene_param="a=1")
    (message,) = desk.pulls()
    assert sorted(message) == ["event", "msgid", "msgtype", "origin", "send_time"]
    event = message["event"]
    assert (message["origin"], event["event_type"]) == (4, "enter_session")
    assert (event["open_kfid"], event["external_userid"]) == (KF, CHEN)
    assert (event["scene"], event["scene_param"]) == ("poster", "a=1")
    channels = {"nickname": "影像学院", "scene": 1}
    desk.enters(wechat_channels=channels)
    assert desk.events("enter_session")[-1]["wechat_channels"] == channels


def test_a_message_counts_as_delivered_once_it_was_pulled(desk: Desk, webhook: Webhook) -> None:
    desk.writes()
    webhook.wait_for(1)
    assert desk.kf_entries()[0]["delivery"]["state"] == "queued"
    desk.pulls()
    assert desk.kf_entries()[0]["delivery"]["state"] == "delivered"


def test_pages_go_on_from_the_cursor(desk: Desk) -> None:
    """Rule 39."""
    for n in range(5):
        desk.writes(str(n))
    first = desk.kf("sync_msg", limit=2)
    second = desk.kf("sync_msg", limit=2, cursor=first["next_cursor"])
    third = desk.kf("sync_msg", limit=2, cursor=second["next_cursor"])
    assert [_texts(page["msg_list"]) for page in (first, second, third)] == [["0", "1"], ["2", "3"], ["4"]]
    assert [page["has_more"] for page in (first, second, third)] == [1, 1, 0]
    assert all(len(page["next_cursor"].encode()) <= 64 for page in (first, second, third))
    assert _texts(desk.kf("sync_msg", cursor=first["next_cursor"])["msg_list"]) == ["2", "3", "4"]
    desk.rules(kf_page_messages=3)
    assert _texts(desk.kf("sync_msg", limit=1000)["msg_list"]) == ["0", "1", "2"]


def test_each_account_has_a_stream_and_cursors_of_its_own(desk: Desk, webhook: Webhook) -> None:
    desk.writes("给影像")
    desk.writes("给设备", open_kfid=OTHER_KF)
    assert _texts(desk.pulls()) == ["给影像"]
    assert _texts(desk.pulls(open_kfid=OTHER_KF)) == ["给设备"]
    cursor = desk.kf("sync_msg")["next_cursor"]
    assert desk.kf("sync_msg", open_kfid=OTHER_KF, cursor=cursor)["errcode"] == 40035
    tokens = {bell_fields(one)["OpenKfId"]: bell_fields(one)["Token"] for one in webhook.wait_for(2)}
    assert desk.kf("sync_msg", token=tokens[OTHER_KF])["errcode"] == 95007


def test_what_the_api_sent_never_comes_back_and_may_leave_a_page_empty(desk: Desk) -> None:
    """Rule 39: has_more 1 with an empty list."""
    desk.writes("问")
    for n in range(3):
        assert desk.sends(f"答 {n}")["errcode"] == 0
    desk.writes("再问")
    after_first = desk.kf("sync_msg", limit=1)["next_cursor"]
    page = desk.kf("sync_msg", limit=2, cursor=after_first)
    assert (page["msg_list"], page["has_more"]) == ([], 1)
    assert _texts(desk.pulls(after_first, limit=2)) == ["再问"]
    desk.rules(kf_sent_fill_pages=False)
    desk.sends("不占位置")
    desk.writes("三问")
    last = desk.kf("sync_msg", cursor=after_first, limit=1000)
    assert (_texts(last["msg_list"]), last["has_more"]) == (["再问", "三问"], 0)


def test_an_empty_page_on_demand_loses_nothing(desk: Desk) -> None:
    desk.fault(on="kf_page", kind="empty", times=2)
    desk.writes("还在")
    pages = [desk.kf("sync_msg")]
    for _ in range(2):
        pages.append(desk.kf("sync_msg", cursor=pages[-1]["next_cursor"]))
    assert [page["has_more"] for page in pages] == [1, 1, 0]
    assert [_texts(page["msg_list"]) for page in pages] == [[], [], ["还在"]]


def test_three_days_are_kept(desk: Desk, clock: Clock) -> None:
    """Rule 39: an empty cursor starts at the oldest; a cursor that points before it does too."""
    cursor = desk.kf("sync_msg")["next_cursor"]
    desk.writes("很旧")
    clock.now += 86_400
    desk.writes("较旧")
    clock.now += 2 * 86_400
    desk.writes("新")
    assert _texts(desk.pulls()) == ["较旧", "新"]
    assert _texts(desk.pulls(cursor)) == ["较旧", "新"]


def test_a_cursor_outlives_the_simulator(clock: Clock) -> None:
    """A reader that kept its cursor over a restart misses nothing and is not refused."""
    settings = kf_settings("http://127.0.0.1:9/kf")
    with serve_kf(settings, clock) as first:
        desk = Desk(first.url)
        desk.writes("从前")
        cursor = desk.kf("sync_msg")["next_cursor"]
    clock.now += 60
    with serve_kf(settings, clock) as second:
        desk = Desk(second.url)
        desk.writes("如今")
        assert _texts(desk.pulls(cursor)) == ["如今"]


def test_a_token_lives_ten_minutes(desk: Desk, webhook: Webhook, clock: Clock) -> None:
    """Rule 39."""
    desk.writes()
    token = bell_fields(webhook.wait_for(1)[0])["Token"]
    clock.now += 600
    assert desk.kf("sync_msg", token=token)["errcode"] == 0
    clock.now += 1
    assert desk.kf("sync_msg", token=token)["errcode"] == 95007
    assert desk.kf("sync_msg", token="ENCmadeup")["errcode"] == 95007
    assert [record["errcode"] for record in desk.get("/_sim/log", rule=39)["log"]] == [95007, 95007]


def test_without_a_token_one_may_call_only_now_and_then(desk: Desk, webhook: Webhook, clock: Clock) -> None:
    """Rule 39†."""
    desk.rules(kf_tokenless_per_minute=2)
    desk.writes()
    token = bell_fields(webhook.wait_for(1)[0])["Token"]
    assert [desk.kf("sync_msg")["errcode"] for _ in range(3)] == [0, 0, 45009]
    assert desk.kf("sync_msg", token=token)["errcode"] == 0
    clock.now += 60
    assert desk.kf("sync_msg")["errcode"] == 0


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"open_kfid": ""}, 40058),
        ({"open_kfid": "no account's"}, 95000),
        ({"open_kfid": "wkUnknown"}, 95004),
        ({"open_kfid": 7}, 95000),
        ({"limit": 1001}, 40058),
        ({"limit": "many"}, 40035),
        ({"cursor": "made-up"}, 40035),
        ({"cursor": "é"}, 40035),
        ({"cursor": 5}, 40035),
        ({"voice_format": 2}, 40035),
        ({"token": None}, 40035),
    ],
)
def test_a_sync_that_cannot_be(desk: Desk, body: dict[str, Any], errcode: int) -> None:
    assert desk.kf("sync_msg", **body)["errcode"] == errcode


def test_the_account_may_be_left_out_where_the_rule_is_off(desk: Desk, webhook: Webhook) -> None:
    """Rule 39†: the older text of the page."""
    desk.rules(kf_require_open_kfid=False)
    desk.writes("给设备", open_kfid=OTHER_KF)
    token = bell_fields(webhook.wait_for(1)[0])["Token"]
    assert _texts(desk.kf("sync_msg", open_kfid="", token=token)["msg_list"]) == ["给设备"]
    assert desk.kf("sync_msg", open_kfid="")["errcode"] == 95000


def test_several_messages_share_a_bell(desk: Desk, webhook: Webhook) -> None:
    """Rule 38."""
    desk.rules(kf_bell_gather_s=0.3)
    for n in range(4):
        desk.writes(str(n))
    token = bell_fields(webhook.wait_for(1)[0])["Token"]
    assert _texts(desk.pulls(token=token)) == ["0", "1", "2", "3"]
    desk.writes("后来")
    assert len(webhook.wait_for(2)) == 2


def test_bells_are_doubled_lost_and_late(desk: Desk, webhook: Webhook) -> None:
    """Rule 38."""
    for kind, more in (("duplicate", {}), ("drop", {}), ("late", {"seconds": 0.2})):
        desk.fault(on="kf_callback", kind=kind, member=CHEN, **more)
    desk.writes("两遍")
    first, second = webhook.wait_for(2)
    assert bell_fields(first)["Token"] == bell_fields(second)["Token"]
    desk.writes("没有铃声")
    desk.writes("迟到")
    desk.writes("别人", customer=LIN)
    times = [bell_fields(received) for received in webhook.wait_for(4)]
    assert len({fields["Token"] for fields in times}) == 3
    assert _texts(desk.pulls()) == ["两遍", "没有铃声", "迟到", "别人"]
    assert desk.log(9) == ["callback_duplicate", "callback_drop"]
    assert desk.log(38) == ["bell_late"]


def test_a_bell_with_a_dead_token(desk: Desk, webhook: Webhook) -> None:
    """Rule 38: as one that comes more than ten minutes late."""
    desk.fault(on="kf_callback", kind="stale_token")
    desk.writes("仍能拉到")
    token = bell_fields(webhook.wait_for(1)[0])["Token"]
    assert desk.kf("sync_msg", token=token)["errcode"] == 95007
    assert _texts(desk.pulls()) == ["仍能拉到"]


def test_a_swapped_bell_waits_for_the_next_of_that_customer(desk: Desk, webhook: Webhook, clock: Clock) -> None:
    desk.fault(on="kf_callback", kind="swap")
    desk.writes("一")
    until(lambda: desk.get("/_sim/state")["waiting"] == 1)
    clock.now += 5
    desk.writes("二")
    assert [bell_fields(received)["CreateTime"] for received in webhook.wait_for(2)] == ["1800000005", "1800000000"]


def test_a_bell_that_is_not_answered_is_rung_again(desk: Desk, webhook: Webhook) -> None:
    """Rule 5, and nothing but an empty answer means anything."""
    answers = [(500, b""), (200, b"<xml/>")]
    webhook.answer = lambda _received: answers.pop(0)
    desk.writes()
    first, second = webhook.wait_for(2)
    assert first.plain == second.plain
    until(lambda: desk.log(6) == ["reply_not_allowed"])


def test_the_stream_out_of_order_and_doubled(desk: Desk) -> None:
    desk.fault(on="kf_stream", kind="swap")
    desk.fault(on="kf_stream", kind="duplicate", member=LIN)
    desk.writes("一")
    desk.writes("二", customer=LIN)
    assert _texts(desk.pulls()) == ["二", "二", "一"]
    assert len({message["msgid"] for message in desk.pulls()}) == 2
    desk.fault(on="kf_stream", kind="swap")
    desk.writes("三")
    assert _texts(desk.pulls()) == ["二", "二", "一"]
    desk.call("DELETE", "/_sim/faults")
    assert _texts(desk.pulls()) == ["二", "二", "一", "三"]


def test_files_come_as_media_ids(desk: Desk) -> None:
    """§6.3: voices as AMR or, where asked for, as Silk."""
    silk = b"\x02#!SILK_V3" + bytes(20)
    desk.writes(type="image", upload=desk.uploads(PNG))
    desk.writes(type="voice", upload=desk.uploads(AMR, "a.amr"), silk=desk.uploads(silk, "a.silk"))
    desk.writes(type="file", upload=desk.uploads(b"%PDF-1.4", "说明书.pdf"))
    image, voice, file = desk.pulls()
    (as_silk,) = [one for one in desk.pulls(voice_format=1) if one["msgtype"] == "voice"]
    served = [_media(desk, one, kind) for one, kind in ((image, "image"), (voice, "voice"), (file, "file"))]
    assert served == [PNG, AMR, b"%PDF-1.4"]
    assert _media(desk, as_silk, "voice") == silk


def _media(desk: Desk, message: dict[str, Any], kind: str) -> bytes:
    query = {"access_token": desk.token(), "media_id": message[kind]["media_id"]}
    return requests.get(f"{desk.url}/cgi-bin/media/get", params=query, timeout=5).content


def test_a_file_that_is_too_large_comes_as_a_text(desk: Desk) -> None:
    """§6.3."""
    desk.rules(kf_image_bytes=100)
    desk.writes(type="image", upload=desk.uploads(PNG + bytes(100)))
    (message,) = desk.pulls()
    assert message["msgtype"] == "text"
    assert "图片" in message["text"]["content"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("location", {"latitude": 23.1, "longitude": 113.3, "name": "广州塔", "address": "海珠区"}),
        ("link", {"title": "指南", "desc": "2024 版", "url": "https://example.com", "pic_url": ""}),
        ("business_card", {"userid": "li.na"}),
        ("miniprogram", {"title": "预约", "appid": "wx1", "pagepath": "a", "thumb_media_id": "m"}),
        ("channels", {"sub_type": 1, "nickname": "号", "title": "视频"}),
    ],
)
def test_other_kinds_carry_their_fields(desk: Desk, kind: str, fields: dict[str, Any]) -> None:
    desk.writes("", type=kind, fields=fields)
    (message,) = desk.pulls()
    assert (message["msgtype"], message[kind]) == (kind, fields)


def test_messages_taken_back(desk: Desk) -> None:
    """§6.4."""
    mine = desk.writes("写错了")
    desk.call("POST", "/_sim/kf/recall", target=mine["id"])
    (event,) = desk.events("user_recall_msg")
    assert event["recall_msgid"] == mine["msg_id"]
    assert desk.kf_entries()[0]["recalled"]
    again = requests.post(f"{desk.url}/_sim/kf/recall", json={"target": mine["id"]}, timeout=5)
    assert again.status_code == 400


def test_a_bell_may_ring_for_nothing(desk: Desk, webhook: Webhook) -> None:
    desk.call("POST", "/_sim/kf/bell")
    token = bell_fields(webhook.wait_for(1)[0])["Token"]
    page = desk.kf("sync_msg", token=token)
    assert (page["errcode"], page["msg_list"], page["has_more"]) == (0, [], 0)


def test_nothing_the_customer_wrote_is_in_the_log(desk: Desk, webhook: Webhook) -> None:
    desk.writes("隐私的话")
    webhook.wait_for(1)
    desk.pulls()
    assert "隐私" not in json.dumps(desk.get("/_sim/log"), ensure_ascii=False)
    assert "隐私" not in json.dumps(desk.get("/_sim/callbacks"), ensure_ascii=False)


def test_reset_forgets_streams_and_sessions_and_keeps_people(desk: Desk, webhook: Webhook) -> None:
    desk.enters()
    desk.writes()
    desk.sends(msgid="once")
    run = desk.get("/_sim/kf/config")["run"]
    desk.call("POST", "/_sim/reset")
    config = desk.get("/_sim/kf/config")
    assert config["run"] != run
    assert [one["nickname"] for one in config["customers"]] == ["陈医生", "小林"]
    desk.rules(kf_tokenless_per_minute=1000)
    assert (desk.pulls(), desk.kf_entries(), desk.get("/_sim/kf/sessions")["sessions"]) == ([], [], [])
    assert desk.sends()["errcode"] == 95018
    desk.writes()
    assert desk.sends(msgid="once")["errcode"] == 0
