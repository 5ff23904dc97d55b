"""What ``up`` makes of ``/readyz``: is it ready, what is missing, does the worker hang?"""

import pytest

from bot.supervision.readiness import WORKER_SILENT_S, Report, WorkerWatch, ask_readyz

REDIS_OK = {"redis": {"state": "ok"}}


def report(**body: object) -> Report:
    return Report(answers=True, ready=False, body=REDIS_OK | body)


def test_nobody_there_is_not_ready() -> None:
    assert ask_readyz("http://127.0.0.1:9").faults() == ["web: does not answer yet"]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (
            {"redis": {"state": "down"}, "workers": []},
            ["redis: does not answer the web process", "worker: not heard of yet"],
        ),
        ({"workers": []}, ["worker: not heard of yet"]),
        ({"workers": [{"parts": {"sql": {"state": "down"}, "index": {"state": "ok"}}}]}, ["worker: sql is down"]),
        ({"workers": [{"parts": {}}]}, ["web: says it is not ready"]),
    ],
)
def test_what_is_missing_is_named_with_its_program(body: dict[str, object], faults: list[str]) -> None:
    assert report(**body).faults() == faults


def beat(pid: int, age_s: float) -> Report:
    return report(workers=[{"pid": pid, "age_s": age_s, "parts": {}}])


def test_a_worker_that_stops_beating_hangs_after_30_seconds() -> None:
    watch = WorkerWatch()
    watch.started(7)
    assert not watch.hangs(beat(7, age_s=1), now=100)
    assert not watch.hangs(beat(7, age_s=29), now=128)
    assert not watch.hangs(report(workers=[]), now=99 + WORKER_SILENT_S)
    assert watch.hangs(report(workers=[]), now=99 + WORKER_SILENT_S + 1)


def test_another_workers_beat_does_not_count() -> None:
    watch = WorkerWatch()
    watch.started(7)
    assert not watch.hangs(beat(7, age_s=0), now=0)
    assert watch.hangs(beat(8, age_s=1), now=WORKER_SILENT_S + 1)


def test_a_worker_may_take_its_time_until_it_is_first_heard() -> None:
    watch = WorkerWatch()
    assert not watch.hangs(report(workers=[]), now=1000), "none was started"
    watch.started(7)
    assert not watch.hangs(beat(7, age_s=0), now=1000)
    watch.started(8)
    assert not watch.hangs(report(workers=[]), now=9000)


def test_silence_of_the_web_process_or_redis_proves_nothing() -> None:
    watch = WorkerWatch()
    watch.started(7)
    assert not watch.hangs(beat(7, age_s=0), now=0)
    assert not watch.hangs(Report(answers=False, ready=False, body={}), now=1000)
    assert not watch.hangs(report(redis={"state": "down"}, workers=[]), now=1000)
