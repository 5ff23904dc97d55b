"""How much work a function does, in figures that a busy machine does not change."""

import gc
import sys
import time
from collections.abc import Callable
from types import FrameType

MUCH = 16
"""How many times longer the long text is: linear work grows as much, quadratic work by the square of it."""
_NOISE = 3
_TOO_LITTLE_TO_MEASURE_S = 0.001
_TRIES = 3


def calls(work: Callable[[], object]) -> int:
    """How many calls, of Python and of C functions, ``work`` makes. The same work makes the same number of calls."""
    made = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made


def costs_about_the_same(one: Callable[[], object], other: Callable[[], object]) -> bool:
    """Whether ``one`` takes no more than three times the processor time of ``other``: the least of several tries."""
    most_s = _NOISE * max(min(_cpu_s(other) for _ in range(_TRIES)), _TOO_LITTLE_TO_MEASURE_S)
    return any(_cpu_s(one) < most_s for _ in range(_TRIES))


def grows_linearly(work: Callable[[int], object], length: int) -> bool:
    """Whether ``work`` on ``MUCH`` times ``length`` characters takes no more than about ``MUCH`` times as long.

    For what happens inside one call, as in a regular expression. Processor time alone counts, the least of several
    tries, and three times the linear growth is let pass: quadratic growth is five times that.
    """
    work(length)  # whatever is loaded once
    short_s = max(min(_cpu_s(lambda: work(length)) for _ in range(_TRIES)), _TOO_LITTLE_TO_MEASURE_S)
    return any(_cpu_s(lambda: work(MUCH * length)) < _NOISE * MUCH * short_s for _ in range(_TRIES))


def _cpu_s(work: Callable[[], object]) -> float:
    gc.disable()  # a collection takes as long as all that other tests have loaded is large
    try:
        begin = time.process_time()
        work()
        return time.process_time() - begin
    finally:
        gc.enable()
