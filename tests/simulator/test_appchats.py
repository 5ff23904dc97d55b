"""Rule 24: groups that the app made."""

import json
from typing import Any

import requests

from tests.simulator.parties import Clock, Simulator

ALL = ["wang.fang", "zhang.wei", "li.na"]


def called(simulator: Simulator, api: str, **body: Any) -> dict[str, Any]:
    query = {"access_token": simulator.token()}
    raw = json.dumps(body, ensure_ascii=False).encode()
    url = f"{simulator.url}/cgi-bin/appchat/{api}"
    answer: dict[str, Any] = requests.post(url, params=query, data=raw, timeout=5).json()
    return answer


def says(simulator: Simulator, text: str = "明天开课", chatid: str = "course1") -> int:
    errcode: int = called(simulator, "send", chatid=chatid, msgtype="text", text={"content": text})["errcode"]
    return errcode


def test_a_group_is_made_changed_and_spoken_in(simulator: Simulator) -> None:
    made = called(simulator, "create", chatid="course1", name="读片课", owner="zhang.wei", userlist=ALL[:2])
    assert made == {"errcode": 0, "errmsg": "ok", "chatid": "course1"}
    assert says(simulator) == 0
    assert simulator.entries("li.na") == []
    assert called(simulator, "update", chatid="course1", add_user_list=["li.na"])["errcode"] == 0
    (entry,) = simulator.entries("li.na")
    assert (entry["content"], entry["via"], entry["fields"]["author"]) == ("明天开课", "appchat", "影像学院小助手")
    token = simulator.token()
    found = simulator.get("/cgi-bin/appchat/get", access_token=token, chatid="course1")["chat_info"]
    assert (found["name"], found["owner"], found["userlist"]) == ("读片课", "zhang.wei", ALL)


def test_a_chatid_is_the_apps_own_and_there_once(simulator: Simulator) -> None:
    assert says(simulator) == 86003
    assert called(simulator, "create", chatid="course1", userlist=ALL)["errcode"] == 0
    assert called(simulator, "create", chatid="course1", userlist=ALL)["errcode"] == 86215
    assert called(simulator, "create", chatid="课程", userlist=ALL)["errcode"] == 86001
    assert called(simulator, "create", chatid="alone", userlist=ALL[:1])["errcode"] == 86006
    simulator.rules(appchat_allowed=False)
    assert says(simulator) == 48002


def test_over_the_rate_a_message_is_silently_lost(simulator: Simulator, clock: Clock) -> None:
    called(simulator, "create", chatid="course1", userlist=ALL)
    simulator.rules(appchat_per_minute=2)
    assert [says(simulator, text) for text in "一二三"] == [0, 0, 0]
    clock.now += 60
    says(simulator, "四")
    assert [one["content"] for one in simulator.entries()] == ["一", "二", "四"]
    assert simulator.log(24) == ["not_delivered"]
