"""The app's events as §2.4 documents them, and the passive replies that each allows (§2.5, rule 6)."""

from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from tests.simulator.media_files import AMR, MP4, PNG
from tests.simulator.parties import Simulator, Webhook

_COMMON = ("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "AgentID")


def _post(simulator: Simulator, event: str, **more: Any) -> dict[str, Any]:
    entry = simulator.call("POST", "/_sim/messages", member="wang.fang", event=event, **more)
    simulator.ended(entry)
    return entry


def _tree(webhook: Webhook) -> Any:
    return fromstring(webhook.received[-1].plain)


@pytest.mark.parametrize(
    ("event", "paths"),
    [
        ("subscribe", ["EventKey"]),
        ("enter_agent", ["EventKey"]),
        ("LOCATION", ["Latitude", "Longitude", "Precision", "AppType"]),
        ("view", ["EventKey"]),
        ("scancode_push", ["EventKey", "ScanCodeInfo/ScanType", "ScanCodeInfo/ScanResult"]),
        ("scancode_waitmsg", ["EventKey", "ScanCodeInfo/ScanType", "ScanCodeInfo/ScanResult"]),
        ("pic_sysphoto", ["EventKey", "SendPicsInfo/Count", "SendPicsInfo/PicList/item/PicMd5Sum"]),
        ("location_select", ["EventKey", "SendLocationInfo/Location_X", "SendLocationInfo/Poiname", "AppType"]),
        ("batch_job_result", ["BatchJob/JobId", "BatchJob/JobType", "BatchJob/ErrCode", "BatchJob/ErrMsg"]),
        ("change_contact", ["ChangeType"]),
        ("open_approval_change", ["ApprovalInfo/ThirdNo", "ApprovalInfo/OpenSpName", "ApprovalInfo/OpenSpStatus"]),
        ("inactive_alert", ["EffectTime"]),
    ],
)
def test_an_event_has_its_documented_fields(
    simulator: Simulator, webhook: Webhook, event: str, paths: list[str]
) -> None:
    _post(simulator, event)
    tree = _tree(webhook)
    assert all(tree.find(path) is not None for path in paths)
    assert {child.tag for child in tree if child.tag not in _COMMON} >= {path.partition("/")[0] for path in paths}
    assert (tree.find("EventKey") is not None) == ("EventKey" in paths)


@pytest.mark.parametrize(
    ("event", "sender"), [("change_contact", "sys"), ("low_active", "sys"), ("click", "wang.fang")]
)
def test_events_of_the_system_come_from_sys(simulator: Simulator, webhook: Webhook, event: str, sender: str) -> None:
    _post(simulator, event)
    assert _tree(webhook).findtext("FromUserName") == sender


def test_a_test_gives_its_own_nested_fields(simulator: Simulator, webhook: Webhook) -> None:
    pictures = {"SendPicsInfo": {"Count": 2, "PicList": {"item": [{"PicMd5Sum": "a"}, {"PicMd5Sum": "b"}]}}}
    _post(simulator, "pic_weixin", event_key="menu-3", fields=pictures)
    tree = _tree(webhook)
    assert tree.findtext("EventKey") == "menu-3"
    assert [item.text for item in tree.iterfind("SendPicsInfo/PicList/item/PicMd5Sum")] == ["a", "b"]


@pytest.mark.parametrize("event", ["unsubscribe", "scancode_push", "pic_weixin", "change_contact"])
def test_some_events_allow_no_passive_reply(simulator: Simulator, webhook: Webhook, event: str) -> None:
    """Rule 6, by its switch."""
    webhook.answer = lambda _received: (200, webhook.reply("收到"))
    _post(simulator, event)
    assert (simulator.log(6), simulator.seen()) == (["reply_not_allowed"], [])
    simulator.rules(refuse_unlisted_replies=False)
    _post(simulator, event)
    assert simulator.seen() == ["收到"]


@pytest.mark.parametrize("event", ["subscribe", "enter_agent", "LOCATION", "click", "scancode_waitmsg", "unheard_of"])
def test_others_do(simulator: Simulator, webhook: Webhook, event: str) -> None:
    webhook.answer = lambda _received: (200, webhook.reply("收到"))
    _post(simulator, event)
    assert (simulator.log(6), simulator.seen()) == ([], ["收到"])


@pytest.mark.parametrize(
    ("kind", "data", "more"),
    [
        ("image", PNG, ""),
        ("voice", AMR, ""),
        ("video", MP4, "<Title>片子</Title><Description>说明</Description>"),
    ],
)
def test_a_passive_reply_can_carry_a_file(
    simulator: Simulator, webhook: Webhook, kind: str, data: bytes, more: str
) -> None:
    """§2.5."""
    element = kind.capitalize()
    media_id = simulator.media_id(kind, data)
    xml = f"<{element}><MediaId><![CDATA[{media_id}]]></MediaId>{more}</{element}>"
    webhook.answer = lambda _received: (200, webhook.reply_xml(kind, xml))
    simulator.ended(simulator.says("在吗"))
    shown = simulator.entry(lambda entry: entry["via"] == "passive")
    assert (shown["type"], shown["upload"]["size"]) == (kind, len(data))
    assert shown["fields"] == ({"title": "片子", "description": "说明"} if more else {})


def test_a_passive_reply_can_be_news(simulator: Simulator, webhook: Webhook) -> None:
    item = "<item><Title>{0}</Title><Description>述</Description><PicUrl>https://a.cn/p.png</PicUrl><Url>https://a.cn</Url></item>"
    xml = f"<ArticleCount>2</ArticleCount><Articles>{item.format('一')}{item.format('二')}</Articles>"
    webhook.answer = lambda _received: (200, webhook.reply_xml("news", xml))
    simulator.ended(simulator.says("在吗"))
    shown = simulator.entry(lambda entry: entry["via"] == "passive")
    assert [article["title"] for article in shown["fields"]["articles"]] == ["一", "二"]
    assert shown["fields"]["articles"][0]["picurl"] == "https://a.cn/p.png"


@pytest.mark.parametrize(
    ("kind", "xml"),
    [
        ("image", "<Image><MediaId>made-up</MediaId></Image>"),
        ("image", ""),
        ("news", "<ArticleCount>0</ArticleCount><Articles/>"),
        ("hologram", "<Beam>blue</Beam>"),
    ],
)
def test_a_passive_reply_that_cannot_be_is_not_shown(
    simulator: Simulator, webhook: Webhook, kind: str, xml: str
) -> None:
    webhook.answer = lambda _received: (200, webhook.reply_xml(kind, xml))
    simulator.ended(simulator.says("在吗"))
    assert (simulator.log(6), simulator.seen()) == (["incomplete_reply"], [])
