"""The circuit breaker, at the pace of a clock of its own."""

import pytest

from bot.errors import ModelUnavailable
from bot.llm.breaker import FAILURES_TO_OPEN, OPEN_S, WINDOW_S, CircuitBreaker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.enter()
        breaker.failed("http_500")


def refuses(breaker: CircuitBreaker) -> bool:
    try:
        breaker.enter()
    except ModelUnavailable:
        return True
    return False


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, FAILURES_TO_OPEN - 1)
    breaker.enter()
    breaker.succeeded()
    fail(breaker, FAILURES_TO_OPEN - 1)
    assert breaker.state() == {"circuit": "closed", "failures": 4, "last_error": "http_500"}
    fail(breaker, 1)
    assert breaker.state()["circuit"] == "open"
    assert refuses(breaker)


def test_failures_far_apart_do_not_add_up(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(FAILURES_TO_OPEN * 2):
        fail(breaker, 1)
        clock.now += WINDOW_S + 1
    assert breaker.state()["circuit"] == "closed"


def test_one_probe_decides(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURES_TO_OPEN)
    clock.now += OPEN_S - 1
    assert refuses(breaker)
    clock.now += 1
    assert breaker.state()["circuit"] == "half_open"
    breaker.enter()
    assert refuses(breaker)
    breaker.failed("http_500")
    assert refuses(breaker)
    clock.now += OPEN_S
    breaker.enter()
    breaker.succeeded()
    assert breaker.state() == {"circuit": "closed", "failures": 0, "last_error": ""}
    assert not refuses(breaker)


def test_a_probe_that_says_nothing_lets_the_next_one_in(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURES_TO_OPEN)
    clock.now += OPEN_S
    breaker.enter()
    breaker.gave_up()
    assert not refuses(breaker)


def test_calls_that_were_under_way_when_it_opened_change_nothing_for_the_probe(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    for _ in range(FAILURES_TO_OPEN + 3):
        breaker.enter()
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed("http_500")
    clock.now += OPEN_S
    breaker.enter()
    breaker.gave_up()
    breaker.failed("http_500")
    assert refuses(breaker)
