"""Whether a function's work grows with its input, or with the square of it."""

import time
from collections.abc import Callable

SMALL = 500
"""Characters. Four times the input is four times the work, or sixteen times where it is quadratic."""
TOO_MUCH = 9.0
NOTHING_S = 0.005
"""Below this much work for the large input there is nothing to compare."""
TRIES = 4


def grows_too_fast(function: Callable[[str], object], piece: str, small: int = SMALL) -> bool:
    """Whether ``function`` does much more than four times the work for four times as much of ``piece``.

    The work is this thread's own processor time, so that other processes do not count; the least of a few tries counts.
    """
    small_s = large_s = float("inf")
    for _ in range(TRIES):
        small_s = min(small_s, _seconds(function, piece * (small // len(piece))))
        large_s = min(large_s, _seconds(function, piece * (4 * small // len(piece))))
        if large_s < max(NOTHING_S, small_s * TOO_MUCH):
            return False
    return True


def _seconds(function: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    function(text)
    return time.thread_time() - started
