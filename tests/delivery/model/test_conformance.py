"""The product does what the model does, step by step, over a real Redis, however the steps are mixed."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import redis

from bot.outbox import TRIES_A_DRAIN
from tests.delivery.model.product import Product, view_of
from tests.delivery.model.protocol import Protocol
from tests.delivery.model.search import kind_of
from tests.delivery.model.states import Rules, Scenario, start

WALKS = 5
LONGEST = 60
MIXED = Scenario(
    messages=2,
    parts=2,
    web=2,
    merges=False,
    drains=9,
    redeliveries=1,
    over_limit=1,
    crashes=2,
    lost_answers=1,
    busy=1,
    refusals=1,
    outages=1,
    stalls_in_write=True,
)
SCENARIOS = (
    MIXED,
    replace(MIXED, repeats=2, crashes=0, over_limit=0),
    replace(MIXED, failovers=1, lag=2, outages=0, crashes=0, refusals=0),
    replace(MIXED, checks_duplicates=True, messages=1, over_limit=0),
)
WEIGHTS = {"tick": 0.3, "renew": 0.3, "crash": 0.1}
"""Else a walk is mostly waiting."""

COMMANDS = ("head", "commit", "mark", "renew", "send", "sent", "later", "sleep", "record", "finish")
OUTCOMES = ("taken", "arrived", "vanished", "busy", "refused")


def walk(client: redis.Redis, scenario: Scenario, seed: int) -> set[str]:
    """Take up to :data:`LONGEST` steps by chance, in both; the kinds of steps that were taken."""
    chance = random.Random(seed)
    protocol, product, state = Protocol(Rules(), scenario), Product(client, scenario), start(scenario)
    trace, kinds, postponed = [], set(), Counter[int]()
    try:
        for _ in range(LONGEST):
            possible = list(protocol.successors(state))
            if not possible:
                break
            [(action, new)] = chance.choices(possible, [WEIGHTS.get(action.kind, 1.0) for action, _ in possible])
            trace.append(str(action))
            kinds.add(kind := kind_of(action, state))
            if action.kind == "drain":
                postponed[action.who] = 0
            elif kind.startswith("step later"):
                postponed[action.who] += 1
            if postponed[action.who] == TRIES_A_DRAIN:
                break  # the product now gives the conversation back; the model would try for ever
            product.do(action, writes=action.kind not in ("tick", "failover") and new.behind is not state.behind)
            state = new
            seen, expected = product.view(), view_of(state, scenario)
            assert seen == expected, "\n".join([*trace, *_differences(seen, expected)])
    finally:
        product.close()
    return kinds


def follow(client: redis.Redis, scenario: Scenario, steps: Sequence[str]) -> str:
    """Take these ``steps`` in both; what the first worker does next."""
    protocol, product, state = Protocol(Rules(), scenario), Product(client, scenario), start(scenario)
    try:
        for step in steps:
            [(action, new)] = [one for one in protocol.successors(state) if str(one[0]) == step]
            product.do(action, writes=new.behind is not state.behind)
            state = new
            seen, expected = product.view(), view_of(state, scenario)
            assert seen == expected, "\n".join([step, *_differences(seen, expected)])
    finally:
        product.close()
    return state.workers[0].step


def _differences(seen: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    return [f"{name}: {seen[name]}, in the model {expected[name]}" for name in seen if seen[name] != expected[name]]


def test_the_product_and_the_model_go_the_same_way(redis_client: redis.Redis) -> None:
    kinds: set[str] = set()
    for scenario in SCENARIOS:
        for seed in range(WALKS):
            redis_client.flushdb()
            kinds |= walk(redis_client, scenario, seed)
    expected = {f"step {command}" for command in COMMANDS} | {f"write write {outcome}" for outcome in OUTCOMES}
    expected |= {
        "step release",
        "web store",
        "web revoke",
        "web respond",
        "deliver again",
        "deliver over",
        "failover",
        "tick",
        "renew",
    }
    assert expected <= kinds, f"never walked: {sorted(expected - kinds)}"
    assert any(kind.startswith("crash") for kind in kinds)
    assert any(kind.endswith("twice") for kind in kinds)
    assert any(kind.endswith("away") for kind in kinds)


def test_a_message_that_is_taken_back_twice_is_taken_back(redis_client: redis.Redis) -> None:
    """Rare by chance too: the client repeats the command, because its answer was lost."""
    refused = Scenario(messages=1, parts=1, web=1, merges=False, drains=1, over_limit=1, repeats=1)
    assert follow(redis_client, refused, ["deliver 1 over", "web 0", "web 0 twice"]) == "idle"


def test_a_message_is_taken_back_while_it_is_answered(redis_client: redis.Redis) -> None:
    """Rare by chance: with no reply to send, the worker asks for the next turn."""
    refused = Scenario(messages=1, parts=1, web=1, merges=False, drains=1, over_limit=1)
    steps = ["deliver 1 over", "web 0", "drain 0", "web 0", "step 0"]
    assert follow(redis_client, refused, steps) == "begin"
    redis_client.flushdb()
    assert follow(redis_client, refused, [*steps, "step 0"]) == "release"
    redis_client.flushdb()
    assert follow(redis_client, refused, [*steps, "step 0", "step 0"]) == "idle"
