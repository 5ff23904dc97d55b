"""The control API: who may use it, what it refuses, and that it starts over cleanly."""

import http.client
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from simulator import chats
from tests.simulator.parties import Simulator, Webhook, until


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/_sim/config"])
@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8001", 200), ("127.0.0.1", 200), ("[::1]:1", 200), ("evil.example", 403), ("127.0.0.1.evil", 403)],
)
def test_a_foreign_host_name_is_refused(idle_simulator: Simulator, path: str, host: str, status: int) -> None:
    """A page of somebody else whose name now points here (DNS rebinding)."""
    assert requests.get(idle_simulator.url + path, headers={"Host": host}, timeout=5).status_code == status


def test_a_request_without_a_host_name_is_refused(idle_simulator: Simulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(idle_simulator.url).netloc, timeout=5)
    connection.putrequest("GET", "/_sim/config", skip_host=True)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_changes_must_come_as_json(idle_simulator: Simulator, kind: str) -> None:
    """What a foreign page can send without asking is none of these."""
    body = b'{"member": "wang.fang", "content": "x"}'
    response = requests.post(
        f"{idle_simulator.url}/_sim/messages", data=body, headers={"Content-Type": kind} if kind else {}, timeout=5
    )
    assert response.status_code == 415
    assert requests.delete(f"{idle_simulator.url}/_sim/faults", timeout=5).status_code == 415
    assert idle_simulator.get("/_sim/callbacks")["callbacks"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "messages", {"member": "nobody", "content": "x"}, 404),
        ("POST", "messages", {"member": ["wang.fang"], "content": "x"}, 400),
        ("POST", "messages", {"member": "wang.fang"}, 400),
        ("POST", "messages", {"member": "wang.fang", "content": 5}, 400),
        ("POST", "messages", {"member": "wang.fang", "content": "bell \a"}, 400),
        ("POST", "messages", {"member": "wang.fang", "content": "half of a \ud83d"}, 400),
        ("POST", "messages", {"member": "wang.fang", "content": "x" * 20_001}, 400),
        ("POST", "messages", {"member": "wang.fang", "contents": "x"}, 400),
        ("POST", "messages", {"member": "wang.fang", "type": "image", "fields": {"a b": "x"}}, 400),
        ("POST", "messages", {"member": "wang.fang", "type": "image", "fields": {"MsgId": "1"}}, 400),
        ("POST", "messages", {"member": "wang.fang", "type": "image", "fields": {"A": [1.5]}}, 400),
        ("POST", "messages", {"member": "wang.fang", "type": "event"}, 400),
        ("POST", "messages", {"member": "wang.fang", "content": "x", "xml": "yaml"}, 400),
        ("POST", "messages", {"member": "wang.fang", "content": "x", "create_time": "now"}, 400),
        ("POST", "messages", ["x"], 400),
        ("POST", "faults", {"on": "message/send", "kind": "drop"}, 400),
        ("POST", "faults", {"on": "media/upload", "kind": "wrong_length"}, 400),
        ("POST", "faults", {"on": "message/send", "kind": "errcode"}, 400),
        ("POST", "faults", {"on": "message/send", "kind": "hang"}, 400),
        ("POST", "faults", {"on": "message/send", "kind": "http_500", "times": 0}, 400),
        ("POST", "faults", {"kind": "drop"}, 400),
        ("PATCH", "rules", {"member_per_minute": "many"}, 400),
        ("PATCH", "rules", {"callback_retry_on_status": 1}, 400),
        ("PATCH", "rules", {"plain_xml": "yaml"}, 400),
        ("PATCH", "rules", {"seats": -1}, 400),
        ("PATCH", "rules", {"unheard_of": 1}, 400),
        ("POST", "members", {"userid": "王芳"}, 400),
        ("POST", "tokens/kill", {"how": "gently"}, 400),
        ("POST", "callback-url", {"url": "file:///etc/passwd"}, 400),
        ("GET", "messages?after=x", None, 400),
        ("GET", "unheard-of", None, 404),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    idle_simulator: Simulator, method: str, path: str, body: Any, status: int
) -> None:
    response = requests.request(method, f"{idle_simulator.url}/_sim/{path}", json=body, timeout=5)
    assert response.status_code == status
    # An unknown path belongs to no route and is answered by the server itself.
    assert path == "unheard-of" or response.json()["error"]
    assert idle_simulator.get("/_sim/callbacks")["callbacks"] == []


def test_rules_change_all_or_none(simulator: Simulator) -> None:
    before = simulator.get("/_sim/rules")
    answer = requests.patch(f"{simulator.url}/_sim/rules", json={"seats": 5, "text_bytes": "x"}, timeout=5)
    assert answer.status_code == 400
    assert simulator.get("/_sim/rules") == before
    simulator.rules(seats=5)
    assert simulator.get("/_sim/rules") == {**before, "seats": 5}


def test_config_names_app_members_and_examples(idle_simulator: Simulator) -> None:
    config = idle_simulator.get("/_sim/config")
    assert config["app"]["name"] == "影像学院小助手"
    assert config["members"][1] == {"userid": "zhang.wei", "name": "张伟", "role": "管理员"}
    assert config["examples"] == ["示例问题一？", "/help"]
    assert "secret" not in str(config)


def test_a_member_can_join(simulator: Simulator, webhook: Webhook) -> None:
    simulator.call("POST", "/_sim/members", userid="chen.jie", name="陈洁")
    simulator.says("我是新来的", member="chen.jie")
    webhook.wait_for(1)
    assert simulator.errcode("欢迎", touser="chen.jie") == 0
    assert simulator.seen("chen.jie") == ["欢迎"]


def test_who_waits_is_woken_by_news_and_gets_only_those(simulator: Simulator) -> None:
    simulator.send("old")
    rev = simulator.get("/_sim/messages", member="wang.fang")["rev"]
    assert simulator.get("/_sim/messages", member="wang.fang", after=rev)["messages"] == []
    found: list[Any] = []
    wait = threading.Thread(
        target=lambda: found.append(
            Simulator(simulator.url).get("/_sim/messages", member="wang.fang", after=rev, wait=20)
        )
    )
    wait.start()
    simulator.send("for another", touser="li.na")
    simulator.send("new")
    wait.join(timeout=10)
    assert [message["content"] for message in found[0]["messages"]] == ["new"]


def test_a_delivery_shows_up_as_news(simulator: Simulator, webhook: Webhook) -> None:
    sent = simulator.says("在吗")
    rev = simulator.get("/_sim/messages", member="wang.fang")["rev"]
    simulator.ended(sent)
    later = simulator.get("/_sim/messages", member="wang.fang", after=sent["rev"])
    assert later["rev"] >= rev
    assert [message["id"] for message in later["messages"]] == [sent["id"]]


def test_reset_forgets_all_but_members_and_tokens(simulator: Simulator, webhook: Webhook) -> None:
    token = simulator.token()
    simulator.rules(member_per_minute=1)
    simulator.fault(on="message/send", kind="http_500", times=3)
    simulator.fault(on="callback", kind="swap")
    simulator.says("held")
    run = simulator.get("/_sim/config")["run"]
    assert simulator.call("POST", "/_sim/reset")["run"] != run
    webhook.wait_for(1)
    until(lambda: not simulator.get("/_sim/state")["waiting"])
    assert simulator.get("/_sim/messages")["messages"] == []
    assert simulator.get("/_sim/faults")["faults"] == []
    assert simulator.get("/_sim/rules")["member_per_minute"] == 30
    assert [simulator.errcode(str(n), token=token) for n in range(2)] == [0, 0]
    assert simulator.seen() == ["0", "1"]


def test_old_messages_are_forgotten(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, shown with fewer than the 5,000."""
    monkeypatch.setattr(chats, "KEPT_ENTRIES", 3)
    for n in range(5):
        simulator.send(str(n))
    assert simulator.seen() == ["2", "3", "4"]


def test_state_counts_what_happened(simulator: Simulator, webhook: Webhook) -> None:
    simulator.ended(simulator.says("在吗"))
    simulator.send("a" * 3000)
    counts = simulator.get("/_sim/state")["counts"]
    assert (counts["callbacks"], counts["text_cut"], counts["token_issued"]) == (1, 1, 1)
    assert simulator.get("/_sim/healthz") == {"ok": True}
