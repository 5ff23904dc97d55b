"""A WeChat customer and the whole system: bell, pull, worker, answer, and a human who takes over."""

import json
import time
from typing import Any

import pytest

from tests.e2e.conftest import HEARD_WITHIN_S, System, http
from tests.e2e.test_conversations import faq_rows


class Customer:
    """Somebody new in WeChat, with the account's chat open."""

    def __init__(self, system: System) -> None:
        self._simulator = system.simulator
        self.id = self._call("customers", nickname="陈医生")["external_userid"]

    def enters(self) -> None:
        self._call("enter", customer=self.id)

    def says(self, text: str) -> None:
        self._call("messages", customer=self.id, content=text)

    def hears(self, words: str) -> str:
        """What is said to the customer and holds ``words``, once it is."""
        deadline = time.monotonic() + HEARD_WITHIN_S
        while time.monotonic() < deadline:
            heard = [one["content"] for one in self._entries() if one["via"] in {"send", "event"}]
            if found := next((text for text in heard if words in text), ""):
                return str(found)
            time.sleep(0.05)
        raise AssertionError(f"heard no {words!r} within {HEARD_WITHIN_S} s, only {heard}")

    def times_heard(self, words: str) -> int:
        return sum(words in one["content"] for one in self._entries() if one["via"] in {"send", "event"})

    def session(self) -> dict[str, Any]:
        sessions = json.loads(http("GET", f"{self._simulator}/_sim/kf/sessions")[1])["sessions"]
        found: dict[str, Any] = next(one for one in sessions if one["customer"] == self.id)
        return found

    def servicer(self, act: str) -> None:
        self._call("session", customer=self.id, servicer="li.na", act=act)

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(
            http("GET", f"{self._simulator}/_sim/kf/messages?customer={self.id}")[1]
        )["messages"]
        return entries

    def _call(self, what: str, **body: Any) -> dict[str, Any]:
        status, answer = http("POST", f"{self._simulator}/_sim/kf/{what}", body)
        assert status < 300, answer
        content: dict[str, Any] = json.loads(answer)
        return content


@pytest.fixture
def customer(system: System) -> Customer:
    return Customer(system)


def test_a_customer_is_welcomed_and_answered(customer: Customer) -> None:
    row = next(row for row in faq_rows() if not row["失效"])
    customer.enters()
    assert "影像学院小助手" in customer.hears("影像学院小助手")
    customer.says(row["问题"])
    answer = customer.hears(row["答案"].strip()[:20])
    assert answer.startswith(row["答案"].strip())
    assert "/source/" in answer
    assert customer.session()["left"] == 4


def test_a_lost_bell_loses_nothing(system: System, customer: Customer) -> None:
    row = next(row for row in faq_rows() if not row["失效"])
    http("POST", f"{system.simulator}/_sim/faults", {"on": "kf_callback", "kind": "drop", "member": customer.id})
    customer.says(row["问题"])
    customer.hears(row["答案"].strip()[:20])
    assert customer.times_heard(row["答案"].strip()[:20]) == 1


def test_a_human_takes_over_and_gives_back(customer: Customer) -> None:
    customer.says("转人工")
    customer.hears("已为您转接人工")
    assert (customer.session()["state"], customer.session()["servicer"]) == (3, "li.na")
    customer.servicer("end")
    customer.hears("人工服务已结束")
    row = next(row for row in faq_rows() if not row["失效"])
    customer.says(row["问题"])
    customer.hears(row["答案"].strip()[:20])


def test_the_doctor_finds_the_account_well(system: System) -> None:
    report = json.loads(system.command("doctor", "--json").stdout)
    states = {finding["name"]: finding["state"] for finding in report["findings"]}
    assert states["channel imaging/kf account"] == "ok"
    assert states["callback imaging/kf"] == "ok"
