"""The trace: raw callbacks, what they say decrypted, and each API call, for the side panel."""

import json
import threading
from typing import Any

import pytest
import requests

from simulator import trace
from tests.simulator.bot_webhook import STREAM_ID, BotWebhook
from tests.simulator.parties import SECRET, Answer, Received, Simulator, Webhook, until


def _events(simulator: Simulator, kind: str, count: int = 1, **query: Any) -> list[dict[str, Any]]:
    """The events of one kind, once there are ``count``."""

    def look() -> list[dict[str, Any]] | None:
        found = [event for event in simulator.get("/_sim/trace", **query)["events"] if event["kind"] == kind]
        return found if len(found) >= count else None

    return until(look)


def test_a_callback_shows_raw_decrypted_and_answered(corp: Simulator, bot: BotWebhook) -> None:
    bot.stream("好", finish=True)
    sent = corp.says("在吗")
    (event,) = _events(corp, "callback")
    assert (event["title"], event["peer"], event["member"], event["entry"]) == ("text", "bot", "wang.fang", sent["id"])
    assert event["request_id"] == sent["request_id"]
    (received,) = bot.received
    assert event["request"]["body"] == received.body.decode()
    assert f"msg_signature={received.query['msg_signature']}" in event["request"]["url"]
    assert json.loads(event["decrypted"])["text"] == {"content": "在吗"}
    assert event["response"]["status"] == 200
    assert json.loads(event["response"]["body"]).keys() == {"encrypt", "msgsignature", "nonce", "timestamp"}
    assert json.loads(event["response"]["decrypted"])["stream"]["content"] == "好"
    assert event["ms"] >= 0


def test_the_apps_callback_shows_xml(simulator: Simulator, webhook: Webhook) -> None:
    webhook.answer = lambda _received: (200, webhook.reply("请稍候"))
    simulator.says("在吗", xml="cdata")
    (event,) = _events(simulator, "callback")
    assert "<Content><![CDATA[在吗]]></Content>" in event["decrypted"]
    assert "请稍候" in event["response"]["decrypted"]


def test_failed_tries_show_why(corp: Simulator, bot: BotWebhook) -> None:
    corp.rules(callback_timeout_s=0.1, callback_retries=1)

    given_up = threading.Event()

    def late(_received: Received) -> Answer:
        given_up.wait(5)
        return 200, b""

    bot.answer = late
    corp.ended(corp.says("在吗"))
    given_up.set()
    first, second = _events(corp, "callback", 2)
    assert [(event["count"], event["response"]["error"]) for event in (first, second)] == [
        (1, "timeout"),
        (2, "timeout"),
    ]


def test_refreshes_of_a_stream_are_one_event(corp: Simulator, bot: BotWebhook) -> None:
    bot.stream("正在查")
    corp.says("在吗")
    bot.refreshes(3)
    (early,) = _events(corp, "poll")
    bot.stream("好", finish=True)
    polls = corp.stream()["stream"]["polls"]
    until(lambda: _events(corp, "poll")[0]["count"] == polls)
    (event,) = _events(corp, "poll", after=early["rev"])
    assert (event["n"], event["title"]) == (early["n"], STREAM_ID)
    assert json.loads(event["response"]["decrypted"])["stream"]["finish"] is True


def test_calls_of_the_api_show_without_secrets(simulator: Simulator) -> None:
    token = simulator.token()
    simulator.send("你好", token=token)
    simulator.get("/cgi-bin/media/get", access_token=token, media_id="x")
    events = _events(simulator, "api", 3)
    assert [event["title"] for event in events] == ["gettoken", "message/send", "media/get"]
    assert "你好" in events[1]["request"]["body"]
    assert json.loads(events[1]["response"]["body"])["errcode"] == 0
    assert json.loads(events[2]["response"]["body"])["errcode"] == 40007
    text = json.dumps(simulator.get("/_sim/trace"))
    assert token not in text
    assert SECRET not in text
    assert "corpsecret=***" in text


def test_active_replies_and_rules_show(corp: Simulator, bot: BotWebhook) -> None:
    corp.says("大家好", chat="imaging")
    sent = corp.says("在吗")
    url = bot.messages(1)[0]["response_url"]
    requests.post(url, json={"msgtype": "markdown", "markdown": {"content": "晚"}}, timeout=5)
    (reply,) = _events(corp, "reply")
    assert (reply["peer"], reply["entry"], reply["title"]) == ("bot", sent["id"], "response_url")
    (rule,) = _events(corp, "rule")
    assert (rule["rule"], rule["title"], rule["chat"], rule["member"]) == (26, "not_mentioned", "imaging", "wang.fang")


def test_a_lost_connection_has_no_answer(simulator: Simulator) -> None:
    token = simulator.token()
    simulator.fault(on="message/send", kind="close_before")
    with pytest.raises(requests.ConnectionError):
        simulator.send("你好", token=token)
    assert _events(simulator, "api", 2)[1]["response"]["status"] is None


def test_long_bodies_are_cut_and_old_events_forgotten(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "KEPT_EVENTS", 2)
    token = simulator.token()
    for _ in range(3):
        simulator.send("啊" * 20_000, token=token)
    events = simulator.get("/_sim/trace")["events"]
    assert len(events) == 2
    body = next(event["request"]["body"] for event in events if event["kind"] == "api")
    assert len(body) < 17_000
    assert body.endswith("characters in all]")


def test_who_waits_is_woken_by_news(corp: Simulator, bot: BotWebhook) -> None:
    rev = corp.get("/_sim/trace")["rev"]
    found: list[Any] = []
    wait = threading.Thread(target=lambda: found.append(Simulator(corp.url).get("/_sim/trace", after=rev, wait=20)))
    wait.start()
    corp.says("在吗")
    wait.join(timeout=10)
    assert found[0]["events"][0]["kind"] == "callback"
    run = found[0]["run"]
    corp.call("POST", "/_sim/reset")
    assert corp.get("/_sim/trace") == {"run": corp.get("/_sim/trace")["run"], "rev": 0, "events": []}
    assert corp.get("/_sim/trace")["run"] != run
