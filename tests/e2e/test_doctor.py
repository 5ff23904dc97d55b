"""The doctor beside a running system: a healthy one is found healthy, a fault is found and named."""

import json
from typing import Any

from tests.e2e.conftest import Crowd, System


def examined(system: System) -> tuple[int, dict[str, Any]]:
    result = system.command("doctor", "--json")
    assert result.stdout, result.stderr
    content = json.loads(result.stdout)
    return result.returncode, {finding["name"]: finding for finding in content["findings"]}


def test_the_demo_as_it_runs_has_nothing_broken(system: System) -> None:
    status, found = examined(system)
    broken = {name: finding for name, finding in found.items() if finding["state"] == "broken"}
    assert (status, broken) == (0, {})
    for name in (
        "redis durability",
        "database writing",
        "index",
        "knowledge imaging/imaging",
        "channel imaging/app token",
        "channel imaging/app agent id",
        "callback imaging/app",
        "callback imaging/ai",
        "system",
        "readiness",
        "workers",
        "bots in use",
        "queues",
    ):
        assert found[name]["state"] == "ok", found[name]


def test_a_fault_of_the_platform_is_found_and_named(system: System, crowd: Crowd) -> None:
    crowd.fault(on="getcallbackip", kind="errcode", errcode=60020)
    status, found = examined(system)
    assert status == 2
    assert found["channel imaging/app trusted IP"]["state"] == "broken"
    assert "127.0.0.1" in found["channel imaging/app trusted IP"]["detail"]
    assert found["callback imaging/app"]["state"] == "ok"


def test_looking_leaves_nothing_behind(system: System, crowd: Crowd) -> None:
    before = crowd.member("wang.fang").everything()
    examined(system)
    assert crowd.member("wang.fang").everything() == before
