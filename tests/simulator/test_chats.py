"""Groups and conversations: who sees what, and in which list."""

from typing import Any

import pytest
import requests

from tests.simulator.bot_webhook import BOT_NAME, BotWebhook
from tests.simulator.parties import CORP_ID, Simulator


def test_config_names_peers_groups_and_rules(corp: Simulator, idle_simulator: Simulator) -> None:
    config = corp.get("/_sim/config")
    assert "app" not in config
    assert config["peers"] == [{"id": "bot", "kind": "bot", "name": BOT_NAME}]
    assert config["groups"] == [{"chatid": "imaging", "name": "影像学院交流群", "members": ["wang.fang", "li.na"]}]
    assert {26, 27, 28, 29, 30, 31, 32} <= {rule["number"] for rule in config["rules"]}
    assert idle_simulator.get("/_sim/config")["peers"] == [{"id": "app", "kind": "app", "name": "影像学院小助手"}]


def test_conversations_of_a_member(corp: Simulator, bot: BotWebhook) -> None:
    corp.says("大家好", chat="imaging")
    bot.stream("好", finish=True)
    corp.says("在吗", member="li.na")
    corp.stream("li.na")

    def listed(member: str) -> list[tuple[str, str, str, str]]:
        chats: Any = corp.get("/_sim/chats", member=member)
        return [(chat["kind"], chat["name"], chat["chat"], (chat["last"] or {}).get("content", "")) for chat in chats]

    group = ("group", "影像学院交流群", "imaging", "大家好")
    assert listed("wang.fang") == [group, ("single", BOT_NAME, "", "")]
    assert listed("li.na") == [group, ("single", BOT_NAME, "", "好")]
    assert listed("zhang.wei") == [("single", BOT_NAME, "", "")]
    assert requests.get(f"{corp.url}/_sim/chats", params={"member": "nobody"}, timeout=5).status_code == 404


def test_messages_can_be_restricted(corp: Simulator, bot: BotWebhook) -> None:
    corp.says("群里", chat="imaging")
    corp.says("单聊")

    def seen(**query: str) -> list[str]:
        return [entry["content"] for entry in corp.entries(**query) if entry["via"] == "member"]

    assert seen() == ["群里", "单聊"]
    assert seen(chat="imaging") == ["群里"]
    assert seen(chat="") == ["单聊"]
    assert seen(peer="app") == []


def test_a_group_can_be_made_and_changed(corp: Simulator, bot: BotWebhook) -> None:
    made = corp.call("POST", "/_sim/groups", name="新群", members=["zhang.wei", "wang.fang"])
    corp.says(f"@{BOT_NAME} 在吗", member="zhang.wei", chat=made["chatid"])
    assert bot.messages(1)[0]["chatid"] == made["chatid"]
    assert corp.entries("li.na") == []
    corp.call("POST", "/_sim/groups", chatid=made["chatid"], name="新群", members=["li.na"])
    assert len(corp.entries("li.na")) >= 1
    assert corp.entries("zhang.wei") == []


@pytest.mark.parametrize(
    "group",
    [
        {"name": "x", "members": []},
        {"name": "x", "members": ["nobody"]},
        {"name": "x", "members": ["li.na", "li.na"]},
        {"name": "x", "members": "li.na"},
        {"name": "", "members": ["li.na"]},
        {"name": "x", "members": ["li.na"], "chatid": "a b"},
    ],
    ids=str,
)
def test_a_group_that_cannot_be_is_refused(corp: Simulator, group: dict[str, Any]) -> None:
    assert requests.post(f"{corp.url}/_sim/groups", json=group, timeout=5).status_code == 400
    assert len(corp.get("/_sim/config")["groups"]) == 1


def test_an_app_hears_no_group(simulator: Simulator) -> None:
    """§2.1."""
    simulator.call("POST", "/_sim/groups", chatid="g", name="群", members=["wang.fang"])
    body = {"member": "wang.fang", "chat": "g", "content": "x"}
    for peer in ({}, {"peer": "app"}):
        assert requests.post(f"{simulator.url}/_sim/messages", json={**body, **peer}, timeout=5).status_code == 400


def test_a_corp_without_an_app_gives_no_tokens(corp: Simulator) -> None:
    assert corp.get("/cgi-bin/gettoken", corpid=CORP_ID, corpsecret="")["errcode"] == 40001


def test_half_a_character_is_refused(corp: Simulator) -> None:
    body = {"member": "wang.fang", "content": "half of a \ud83d"}
    assert requests.post(f"{corp.url}/_sim/messages", json=body, timeout=5).status_code == 400
    assert corp.entries() == []


def test_reset_forgets_streams_and_what_is_held(corp: Simulator, bot: BotWebhook) -> None:
    bot.stream("正在查")
    for n in range(5):
        corp.says(str(n))
    bot.refreshes(3)
    corp.call("POST", "/_sim/reset")
    assert corp.entries() == []
    assert len(corp.get("/_sim/config")["groups"]) == 1
    bot.stream("好", finish=True)
    corp.rules(stream_poll_s=0.01)
    assert corp.ended(corp.says("又来了"))["state"] == "delivered"


def test_a_fault_can_hit_one_recipient_of_a_send(simulator: Simulator) -> None:
    simulator.fault(on="message/send", kind="errcode", errcode=-1, member="li.na")
    assert simulator.errcode("给王芳") == 0
    assert simulator.errcode("给两位", touser="wang.fang|li.na") == -1
    assert simulator.errcode("给李娜", touser="li.na") == 0
