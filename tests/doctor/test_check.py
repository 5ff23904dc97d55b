"""Checks run side by side, and none of them can hide the others."""

import threading
import time

from bot.doctor.check import Check, run_checks
from bot.finding import Finding, State


def ok(name: str) -> Finding:
    return Finding(name=name, state=State.OK, detail="fine")


def silence(_running: object) -> None:
    """Nobody watches."""


def test_findings_come_in_the_order_of_the_checks_however_long_each_takes() -> None:
    second_is_done = threading.Event()

    def first() -> list[Finding]:
        assert second_is_done.wait(5)
        return [ok("a"), ok("b")]

    def second() -> list[Finding]:
        second_is_done.set()
        return [ok("c")]

    found = run_checks([Check(name="1", run=first), Check(name="2", run=second)], silence)
    assert [finding.name for finding in found] == ["a", "b", "c"]


def test_a_check_that_hangs_is_a_finding_and_holds_nobody_up() -> None:
    released = threading.Event()

    def hang() -> list[Finding]:
        released.wait(30)
        return [ok("too late")]

    started = time.monotonic()
    found = run_checks([Check(name="slow", run=hang, within_s=0.1), Check(name="2", run=lambda: [ok("c")])], silence)
    released.set()
    assert time.monotonic() - started < 20
    assert [(finding.name, finding.state) for finding in found] == [("slow", State.BROKEN), ("c", State.OK)]
    assert "0.1 s" in found[0].detail
    assert found[0].ms == 100


def test_a_check_that_fails_is_a_finding_without_the_words_of_its_error() -> None:
    def fail() -> list[Finding]:
        raise RuntimeError("redis://:password@host")

    found = run_checks([Check(name="bad", run=fail), Check(name="2", run=lambda: [ok("c")])], silence)
    assert [(finding.name, finding.state) for finding in found] == [("bad", State.BROKEN), ("c", State.OK)]
    assert "RuntimeError at test_check.py" in found[0].detail
    assert "password" not in found[0].detail


def test_who_watches_sees_who_still_runs() -> None:
    seen: list[list[str]] = []
    run_checks([Check(name="only", run=list)], lambda running: seen.append(list(running)))
    assert seen == [["only"], []]
