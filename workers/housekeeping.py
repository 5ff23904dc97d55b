"""Two threads a worker: the heartbeat, and the sweep when none was made for too long.

They are two because chores among hundreds of busy threads take long, and a worker that does not beat meanwhile is
killed as one that hangs.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import redis
import structlog

from bot import keys, telemetry
from bot.errors import BotError
from bot.web.health import HEARTBEAT_EVERY_S, HEARTBEAT_PREFIX, HEARTBEAT_TTL_S, HEARTBEATS

if TYPE_CHECKING:
    from bot.worker_assembly import WorkerServices

log = structlog.get_logger()

SWEEP_SILENCE_S = 10
"""When no sweep ran for so long, the worker sweeps by itself: beat is down, or no thread was free for its orders."""


class Housekeeping:
    """Starts with the worker and ends with it. ``all_busy()`` tells whether every thread or process of the pool is at a
    task, so that this worker takes no other; both threads look ``every_s`` seconds."""

    def __init__(
        self,
        services: "WorkerServices",
        hostname: str,
        all_busy: Callable[[], bool],
        every_s: float = HEARTBEAT_EVERY_S,
    ) -> None:
        self._services = services
        self._hostname = hostname
        self._all_busy = all_busy
        self._every_s = every_s
        self._busy_at = 0
        self._closed = threading.Event()
        self._started_at = 0
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,), name=name, daemon=True)
            for name, work in (("heartbeat", self._beat), ("stand-in", self._sweep_if_silent))
        ]

    def start(self) -> None:
        """Begin, with a heartbeat at once."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take the heartbeat back, so that nobody counts on this worker any more."""
        self._closed.set()
        for thread in self._threads:
            thread.join(timeout=HEARTBEAT_EVERY_S)
        try:
            self._services.redis.delete(HEARTBEAT_PREFIX + self._hostname)
            self._services.redis.zrem(HEARTBEATS, self._hostname)
        except redis.RedisError as error:
            log.warning("heartbeat_not_removed", error=type(error).__name__)

    def _repeat(self, work: Callable[[], None]) -> None:
        while True:
            self._try(work)
            if self._closed.wait(self._every_s):
                return

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (redis.RedisError, BotError, OSError) as error:
            log.warning("housekeeping_failed", error=str(error))
        except Exception:  # a worker whose heart stands still is killed, and nobody stands in for a silent beat
            log.exception("housekeeping_failed")
            telemetry.count("degraded", what="housekeeping_failed")

    def _beat(self) -> None:
        now = time.time()
        beat: dict[str, Any] = {"at": now, "pid": os.getpid(), "parts": self._services.health()}
        pipe = self._services.redis.pipeline(transaction=False)
        pipe.set(HEARTBEAT_PREFIX + self._hostname, json.dumps(beat), ex=HEARTBEAT_TTL_S)
        pipe.zadd(HEARTBEATS, {self._hostname: now})
        pipe.zremrangebyscore(HEARTBEATS, "-inf", now - HEARTBEAT_TTL_S)
        pipe.execute()

    def _sweep_if_silent(self) -> None:
        now = self._services.redis.time()[0]
        self._started_at = min(self._started_at or now, now)
        if self._all_busy():
            self._busy_at = now
        last = int(self._services.redis.get(keys.SWEEP_LAST) or 0)
        if 0 <= now - max(last, self._started_at) <= SWEEP_SILENCE_S:  # below 0 Redis' clock was set back since
            return
        what = "no_thread_free" if now - self._busy_at <= SWEEP_SILENCE_S else "beat_silent"
        telemetry.count("degraded", what=what)
        log.warning(what, since_s=SWEEP_SILENCE_S)
        services = self._services
        for chore in (services.sweep, services.upkeep, services.tell_desk, services.expire_media):
            self._try(chore)  # the desk hears of a case whatever becomes of the chores before
