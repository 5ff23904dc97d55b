"""The protocol keeps its promises in every state it can reach, and each of its rules is needed for that."""

from dataclasses import replace
from functools import cache

import pytest

from tests.delivery.model.protocol import Protocol
from tests.delivery.model.search import Found, search
from tests.delivery.model.states import Rules, Scenario

ONE = Scenario(messages=1, drains=2)
REPLICA = replace(ONE, lag=1, failovers=1, waits_for_replicas=True, checks_duplicates=True)

SCENARIOS = {
    "crashes": replace(ONE, crashes=2),
    "a crash between two messages": Scenario(messages=2, drains=2, crashes=1, merges=False),
    "a crash between two parts": replace(ONE, parts=2, crashes=1),
    "two callbacks of one message at once": replace(ONE, web=2, redeliveries=1, workers=1, crashes=1),
    "a burst, and Redis away": Scenario(messages=2, drains=2, workers=1, outages=2),
    "Redis away between two owners": replace(ONE, outages=1),
    "a process frozen anywhere": Scenario(messages=1, drains=3, stalls_in_write=True),
    "a platform that fails": replace(ONE, lost_answers=1, busy=1, refusals=1),
    "a platform that drops duplicates": replace(ONE, lost_answers=1, crashes=1, checks_duplicates=True),
    "a message over the limit": Scenario(messages=3, over_limit=1, drains=1, merges=False, workers=1),
    "commands carried out twice": Scenario(messages=2, parts=2, repeats=2, workers=1, drains=1),
    "a fail-over while a message is redelivered": replace(REPLICA, redeliveries=1, workers=1),
    "a fail-over between two owners": REPLICA,
}

BROKEN = {
    "acknowledged first": (
        Rules(stored_before_acknowledged=False),
        Scenario(messages=1, workers=1, crashes=1),
        "acknowledged and lost: [1]",
    ),
    "a duplicate does not wait for replicas": (
        Rules(waits_with_the_store=False),
        replace(REPLICA, drains=1, workers=1, redeliveries=1),
        "acknowledged and lost: [1]",
    ),
    "no fencing": (Rules(fenced=False), ONE, "an owner of before wrote"),
    "tokens that a fail-over can give out again": (
        Rules(clock_in_tokens=False),
        REPLICA,
        "two owners have one token",
    ),
    "messages counted off the queue": (
        Rules(committed_by_name=False),
        Scenario(messages=2, drains=1, workers=1, over_limit=1),
        "acknowledged and lost: [2]",
    ),
    "a part counted twice": (
        Rules(told_once=False),
        Scenario(messages=1, parts=2, drains=1, workers=1, repeats=1),
        "recorded as sent, and never arrived: [(1, 1)]",
    ),
    "marked after it was sent": (
        Rules(marked_before_sent=False),
        replace(ONE, crashes=1),
        "shown 2 times, 0 counted as unknown: message and part (1, 0)",
    ),
    "sent although the mark was refused": (
        Rules(marked_for_sure=False),
        ONE,
        "shown 2 times, 0 counted as unknown: message and part (1, 0)",
    ),
    "the deadline begins after the mark": (
        Rules(deadline_before_mark=False),
        ONE,
        "a part is in flight twice",
    ),
    "a new owner that does not wait for the mark": (
        Rules(owner_waits_for_mark=False),
        replace(ONE, outages=1),
        "shown 2 times, 0 counted as unknown: message and part (1, 0)",
    ),
}

WINDOWS = {
    "a fail-over without waiting for replicas": (
        Scenario(messages=1, workers=1, drains=1, lag=1, failovers=1),
        "acknowledged and lost: [1]",
    ),
    "a fail-over under a platform that does not drop duplicates": (
        replace(REPLICA, checks_duplicates=False, workers=1),
        "shown 2 times, 0 counted as unknown: message and part (1, 0)",
    ),
}
"""What `docs/delivery.md` names as not promised."""


@cache
def found_in(rules: Rules, scenario: Scenario) -> Found:
    return search(Protocol(rules, scenario))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_promise_is_kept_in_every_state(name: str) -> None:
    found = found_in(Rules(), SCENARIOS[name])
    assert not found.promise, str(found)
    assert found.states > 1000


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_is_needed(name: str) -> None:
    rules, scenario, promise = BROKEN[name]
    assert not found_in(Rules(), scenario).promise
    found = found_in(rules, scenario)
    assert found.promise == promise, str(found)


@pytest.mark.parametrize("name", WINDOWS)
def test_what_is_not_promised_can_happen(name: str) -> None:
    scenario, promise = WINDOWS[name]
    assert found_in(Rules(), scenario).promise == promise
