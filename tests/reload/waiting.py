"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

PATIENCE_S = 20.0


def until(look: Callable[[], object]) -> None:
    """Return once ``look`` finds something."""
    ends = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < ends, "waited too long"
        time.sleep(0.02)
