"""Two threads a worker: the heartbeat, and the sweep when none was made for too long.

They are two because chores among hundreds of busy threads take long, and a worker that does not beat meanwhile is killed
as one that hangs.
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
    task, so that this worker takes no other."""

    def __init__(self, services: "WorkerServices", hostname: str, all_busy: Callable[[], bool]) -> None:
        self._services = services
        self._hostname = hostname
        self._all_busy = all_busy
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
            try:
                work()
            except (redis.RedisError, BotError, OSError) as error:
                log.warning("housekeeping_failed", error=str(error))
            if self._closed.wait(HEARTBEAT_EVERY_S):
                return

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
        self._started_at = self._started_at or now
        if self._all_busy():
            self._busy_at = now
        last = int(self._services.redis.get(keys.SWEEP_LAST) or 0)
        if now - max(last, self._started_at) > SWEEP_SILENCE_S:
            what = "no_thread_free" if now - self._busy_at <= SWEEP_SILENCE_S else "beat_silent"
            telemetry.count("degraded", what=what)
            log.warning(what, since_s=SWEEP_SILENCE_S)
            self._services.sweep()
            self._services.upkeep()
            self._services.tell_desk()
            self._services.expire_media()
