"""What a running system says of itself, and what waits in its Redis."""

import os
import subprocess
import sys
import time
from typing import Any

import pytest
import redis

from bot import keys
from bot.assembly import load_bots
from bot.doctor.running import queues, readiness, system
from bot.finding import Finding, State
from bot.inbox import WAKES_AHEAD
from bot.settings import DEMO_BOTS_FILE, Settings
from bot.supervision.run_file import RunInfo
from tests.doctor.conftest import MakeSettings, named
from tests.fakes.scripted_http import ScriptedServer, reply

BOTS = list(load_bots(DEMO_BOTS_FILE).values())
WORKER = {"pid": 7, "age_s": 1.0, "parts": {"sql": {"state": "ok"}, "index": {"state": "ok"}}}


def run(web: str = "http://127.0.0.1:9", **pids: int) -> RunInfo:
    """A system whose processes all are this one, but for ``pids``."""
    alive = dict.fromkeys(("worker", "web", "beat"), os.getpid())
    return RunInfo(pid=os.getpid(), pids=alive | pids, urls={"web": web}, started_at=time.time(), ready=True)


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


def test_nothing_that_runs_is_no_fault(settings: Settings) -> None:
    (found,) = system(settings, None)
    assert (found.state, found.cure) == (State.SKIPPED, "make run")


def test_a_process_that_ended_is_named_with_its_log(settings: Settings) -> None:
    assert named(system(settings, run()), "system").state is State.OK
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    found = named(system(settings, run(worker=ended.pid)), "system")
    assert (found.state, found.detail) == (State.BROKEN, "not running: worker")
    assert str(settings.data_dir / "log" / "worker.log") in found.cure


def test_code_that_is_newer_than_the_processes_is_told(settings: Settings) -> None:
    assert named(system(settings, run()), "code in use").state is State.OK
    long_ago = RunInfo(pid=1, pids=run().pids, urls={}, started_at=0.0, ready=True)
    assert named(system(settings, long_ago), "code in use").state is State.WARNING


def ask(settings: Settings, platform: ScriptedServer, body: dict[str, Any], status: int = 200) -> list[Finding]:
    platform.on("/readyz", reply({"redis": {"state": "ok"}, "workers": [WORKER]} | body, status=status))
    return readiness(settings, run(platform.url))


def test_a_system_that_is_ready_is_ok(settings: Settings, platform: ScriptedServer) -> None:
    processes = {"h:1": {"kind": "web", "version": "abc", "state": "ok"}}
    configuration = {"state": "ok", "version": "abc", "processes": processes, "problems": []}
    found = ask(settings, platform, {"configuration": configuration, "llm": {"state": "ok"}})
    assert {finding.name: finding.state for finding in found} == dict.fromkeys(
        ("readiness", "workers", "model in use", "bots in use"), State.OK
    )


def test_a_worker_without_its_index_is_told(settings: Settings, platform: ScriptedServer) -> None:
    worker = WORKER | {"parts": {"index": {"state": "down", "error": "gone"}}}
    found = ask(settings, platform, {"workers": [worker]}, status=503)
    assert named(found, "readiness").detail == "worker: index is down"
    assert named(found, "workers").state is State.BROKEN


def test_a_worker_that_is_silent_is_told(settings: Settings, platform: ScriptedServer) -> None:
    found = named(ask(settings, platform, {"workers": [WORKER | {"age_s": 20.0}]}, status=503), "workers")
    assert (found.state, "7 is silent" in found.detail) == (State.BROKEN, True)


def test_a_model_and_bots_that_do_worse_than_they_should_are_warnings(
    settings: Settings, platform: ScriptedServer
) -> None:
    processes = {"h:1": {"kind": "web", "version": "old", "state": "refusing"}}
    configuration = {"version": "old", "processes": processes, "problems": ["bots.yaml:3: x: unknown key"]}
    found = ask(settings, platform, {"configuration": configuration, "llm": {"state": "degraded"}})
    assert named(found, "model in use").state is State.WARNING
    bots = named(found, "bots in use")
    assert (bots.state, bots.detail) == (State.WARNING, "h:1 (web) is refusing; bots.yaml:3: x: unknown key")


def test_a_web_process_that_is_away_is_broken_only_where_one_should_be(settings: Settings) -> None:
    (found,) = readiness(settings, run())
    assert found.state is State.BROKEN
    (idle,) = readiness(settings.model_copy(update={"port": 9}), None)
    assert idle.state is State.SKIPPED


@pytest.mark.parametrize(("ago_s", "state"), [(2, State.OK), (30, State.WARNING), (None, State.BROKEN)])
def test_beat_is_known_by_its_last_sweep(
    settings: Settings, redis_client: "redis.Redis", ago_s: int | None, state: State
) -> None:
    if ago_s is not None:
        redis_client.set(keys.SWEEP_LAST, redis_client.time()[0] - ago_s)
    assert named(queues(settings, BOTS, running=True), "beat").state is state


def test_what_waits_is_counted(settings: Settings, redis_client: "redis.Redis") -> None:
    redis_client.set(keys.waiting("imaging"), 3)
    redis_client.rpush("turns", "t")
    found = named(queues(settings, BOTS, running=True), "queues")
    assert (found.state, found.detail) == (State.OK, "3 messages waiting, 1 tasks, 0 index requests, 0 late")


def test_a_bot_that_fills_up_is_named(settings: Settings, redis_client: "redis.Redis") -> None:
    redis_client.set(keys.waiting("imaging"), settings.limit_bot_waiting - 1)
    found = named(queues(settings, BOTS, running=True), "queues")
    assert (found.state, "imaging is filling up" in found.detail) == (State.WARNING, True)


@pytest.mark.parametrize(("running", "state"), [(True, State.BROKEN), (False, State.WARNING)])
def test_conversations_that_nobody_looks_at_are_told(
    settings: Settings, redis_client: "redis.Redis", state: State, *, running: bool
) -> None:
    redis_client.zadd(keys.ALL_DUE[7], {"a conversation": redis_client.time()[0] - 90})
    found = named(queues(settings, BOTS, running=running), "queues")
    assert (found.state, "1 conversations" in found.detail) == (state, True)


def test_conversations_that_wait_behind_many_others_ask_for_workers(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    redis_client.zadd(keys.ALL_DUE[7], {"a conversation": redis_client.time()[0] - 90})
    redis_client.rpush("turns", *["t"] * WAKES_AHEAD)
    found = named(queues(settings, BOTS, running=True), "queues")
    assert (found.state, "WORKER_THREADS" in found.cure) == (State.WARNING, True)


def test_queues_in_a_redis_that_is_away_are_not_looked_at(make_settings: MakeSettings) -> None:
    (found,) = queues(make_settings(redis_url="redis://:secret-pw@127.0.0.1:9/0"), BOTS, running=True)
    assert found.state is State.SKIPPED
    assert "secret-pw" not in found.detail
