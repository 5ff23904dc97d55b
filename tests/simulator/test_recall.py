"""Rule 22: the app takes back what it sent."""

from typing import Any

import pytest
import requests

from tests.simulator.parties import AGENT_ID, Clock, Simulator
from tests.simulator.template_cards import BUTTONS


def _call(simulator: Simulator, api: str, **body: Any) -> dict[str, Any]:
    query = {"access_token": simulator.token()}
    answer: dict[str, Any] = requests.post(
        f"{simulator.url}/cgi-bin/message/{api}", params=query, json=body, timeout=5
    ).json()
    return answer


def _recall(simulator: Simulator, msgid: str) -> dict[str, Any]:
    return _call(simulator, "recall", msgid=msgid)


def test_a_message_can_be_recalled_for_a_day(simulator: Simulator, clock: Clock) -> None:
    """Rule 22."""
    first = simulator.send("说错了", touser="wang.fang|li.na")["msgid"]
    later = simulator.send("说对了")["msgid"]
    clock.now += 86_400
    assert _recall(simulator, first) == {"errcode": 0, "errmsg": "ok"}
    for member in ("wang.fang", "li.na"):
        recalled = simulator.entries(member)[0]
        assert (recalled["recalled"], recalled["content"]) == (True, "")
    assert simulator.log(22) == ["message_recalled"]
    clock.now += 1
    assert _recall(simulator, later)["errcode"] == 42052
    assert simulator.entries()[1]["content"] == "说对了"
    assert _recall(simulator, "of-another-app")["errcode"] == 40058


def test_a_recalled_card_is_gone(simulator: Simulator) -> None:
    sent = simulator.send(msgtype="template_card", template_card=BUTTONS)
    target = simulator.entries()[0]["id"]
    _recall(simulator, sent["msgid"])
    body = {"member": "wang.fang", "event": "template_card_event", "target": target, "event_key": "yes"}
    assert requests.post(f"{simulator.url}/_sim/messages", json=body, timeout=5).status_code == 400
    button = {"button": {"replace_name": "x"}}
    update = {"atall": 1, "agentid": AGENT_ID, "response_code": sent["response_code"], **button}
    assert _call(simulator, "update_template_card", **update)["errcode"] == 0
    assert simulator.entries()[0]["fields"] == {}


@pytest.mark.parametrize("on", ["message/recall", "message/update_template_card"])
def test_these_calls_can_fail_on_demand(simulator: Simulator, on: str) -> None:
    simulator.fault(on=on, kind="errcode", errcode=-1)
    query = {"access_token": simulator.token()}
    assert requests.post(f"{simulator.url}/cgi-bin/{on}", params=query, json={}, timeout=5).json()["errcode"] == -1
