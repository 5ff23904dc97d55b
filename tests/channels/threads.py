"""The threads in which channels speak HTTP."""

import threading
import time


def await_idle_threads(within_s: float = 10.0) -> None:
    """Wait until none of them is at work, not even for a caller that gave up."""
    end = time.monotonic() + within_s
    while any(thread.name == "wecom-http" for thread in threading.enumerate()):
        assert time.monotonic() < end, "a thread never ends its work"
        time.sleep(0.005)
