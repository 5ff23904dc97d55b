"""What is measured at the moment somebody asks for the metrics, and not counted as it happens."""

import time
from collections.abc import Iterator
from typing import Any

import redis
from prometheus_client.core import GaugeMetricFamily, Metric

from bot import keys
from bot.backlog import waiting
from bot.dead_letters import DeadLetters
from bot.errors import Unavailable
from bot.web.health import readiness
from bot.web.services import WebServices


class Gauges:
    """A collector over ``services``: what waits, what is dead, and whether somebody is there to answer.

    It asks only Redis, with a bounded amount of work; while Redis does not answer, ``bot_redis_up`` is 0 and what only
    Redis knows is absent, never old.
    """

    def __init__(self, services: WebServices) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """The gauges of this moment."""
        services, now = self._services, time.time()
        report: Any = readiness(services.redis, services.reloader, services.llm_configured, now)
        yield _gauge("bot_ready", "1 when a message could be answered now.", float(report["ready"]))
        beats = [worker["age_s"] for worker in report["workers"]]
        yield _gauge("bot_workers", "Workers heard of lately.", float(len(beats)))
        if beats:
            yield _gauge("bot_worker_heartbeat_age_seconds", "Since the most silent of them was heard.", max(beats))
        degraded = float(report["configuration"]["state"] != "ok")
        yield _gauge("bot_configuration_degraded", "1 while a process refuses bots.yaml or runs another.", degraded)
        try:
            known = [*self._backlog(now), *self._sweep_age()]
        except (Unavailable, redis.RedisError):
            known = []
        yield _gauge("bot_redis_up", "1 when Redis answered this request.", float(bool(known)))
        yield from known

    def _backlog(self, now: float) -> Iterator[Metric]:
        services = self._services
        bots = list(services.reloader.live.bots)
        messages = GaugeMetricFamily("bot_waiting_messages", "Messages accepted and not yet taken.", labels=["bot"])
        oldest = GaugeMetricFamily(
            "bot_oldest_waiting_seconds", "Age of the oldest message that is not answered.", labels=["bot"]
        )
        unsent = GaugeMetricFamily(
            "bot_unsent_conversations", "Conversations with a reply not yet sent, at most 1000.", labels=["bot"]
        )
        dead = GaugeMetricFamily("bot_dead_letters", "Messages and replies given up and kept.", labels=["bot", "kind"])
        for bot, found in waiting(services.redis, bots, now).items():
            messages.add_metric([bot], found.messages)
            oldest.add_metric([bot], found.oldest_s)
            unsent.add_metric([bot], found.unsent)
        letters = DeadLetters(services.redis)
        for bot in bots:
            for kind, count in letters.counts(bot).items():
                dead.add_metric([bot, kind.value], count)
        yield from (messages, oldest, unsent, dead)

    def _sweep_age(self) -> Iterator[Metric]:
        """By the clock that the sweep went by; nothing before the first one."""
        pipe: Any = self._services.redis.pipeline(transaction=False)
        (now, _), last = pipe.time().get(keys.SWEEP_LAST).execute()
        if last is not None:
            age_s = max(0.0, now - int(last))
            yield _gauge("bot_sweep_age_seconds", "Since the last sweep, which beat orders every 2 s.", age_s)


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)
