"""Whether a message could be answered now: what ``/readyz`` shows.

The web process asks only Redis. A worker says in its heartbeat what it found of its own parts (SQL, index, model).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import redis

from bot.errors import Unavailable
from bot.overload import Overload
from bot.reload import Reloader
from bot.running_versions import Standing

HEARTBEAT_PREFIX = "heartbeat:worker:"
HEARTBEATS = "heartbeat:workers"
"""Sorted set: the names of the workers by the epoch second at which each was last heard; nobody has to search."""
HEARTBEAT_EVERY_S = 5
HEARTBEAT_FRESH_S = 15
HEARTBEAT_TTL_S = 30
CONFIGURATION_LAG_S = 10
"""Processes look at ``bots.yaml`` at their own time; they may run different versions of it for so long."""


def readiness(client: "redis.Redis", reloader: Reloader, llm_configured: bool, now: float) -> dict[str, object]:
    """A report ``{"ready": bool, "redis": {...}, "workers": [...], "llm": {...}, "configuration": {...}, "load":
    {...}}``; ``now`` is epoch seconds.

    Ready means: Redis takes messages and at least one worker with a working database and index was heard from in the
    last :data:`HEARTBEAT_FRESH_S` seconds. An empty knowledge base is ready; a missing language model is a supported
    mode, and one that does not answer is ``degraded``: what it would have composed is quoted or refused. The
    configuration, too, is at the most ``degraded`` (:func:`configuration_report`): the last good one runs. The load is
    ``degraded`` while a bot is overloaded: ``{"state", "overloaded": {bot: {"since", "last", "refused", "late"}}}``,
    and ``unknown`` without Redis.
    """
    own = {reloader.running.own_name: reloader.standing}
    llm: dict[str, Any] = {"state": "unknown" if llm_configured else "not_configured"}
    try:
        client.ping()
        beats = [json.loads(raw) for raw in _heartbeats(client, now)]
        standings = reloader.running.all() | own
        overloaded = Overload(client).now(reloader.live.bots)
    except (redis.RedisError, Unavailable) as error:
        failure = {"state": "down", "error": type(error).__name__}
        alone = configuration_report(reloader.standing, own, now)
        load = {"state": "unknown", "overloaded": {}}
        return {"ready": False, "redis": failure, "workers": [], "llm": llm, "configuration": alone, "load": load}
    workers = [{**beat, "age_s": round(now - beat["at"], 1)} for beat in beats]
    ready = any(_answers(worker) for worker in workers)
    llm = next((worker["parts"]["llm"] for worker in workers if "llm" in worker["parts"]), llm)
    configuration = configuration_report(reloader.standing, standings, now)
    load = {
        "state": "degraded" if overloaded else "ok",
        "overloaded": {bot: asdict(episode) for bot, episode in overloaded.items()},
    }
    return {
        "ready": ready,
        "redis": {"state": "ok"},
        "workers": workers,
        "llm": llm,
        "configuration": configuration,
        "load": load,
    }


def configuration_report(own: Standing, standings: Mapping[str, Standing], now: float) -> dict[str, Any]:
    """``{"state", "version", "processes": {name: {"kind", "version", "state"}}, "problems": [...]}``.

    ``version`` is what the asked process, ``own``, runs. A process is ``refusing`` while the file it sees has faults,
    ``lagging`` when it has run another version than ``own`` for longer than :data:`CONFIGURATION_LAG_S`, else ``ok``;
    the whole is ``degraded`` unless all are ``ok``.
    """
    states = {name: _state(standing, own, now) for name, standing in standings.items()}
    return {
        "state": "ok" if set(states.values()) <= {"ok"} else "degraded",
        "version": own.version,
        "processes": {
            name: {"kind": standing.kind, "version": standing.version, "state": states[name]}
            for name, standing in sorted(standings.items())
        },
        "problems": list(dict.fromkeys(problem for standing in standings.values() for problem in standing.problems)),
    }


def _state(standing: Standing, own: Standing, now: float) -> str:
    if standing.problems:
        return "refusing"
    differs_s = now - max(standing.since, own.since) if standing.version != own.version else 0.0
    return "lagging" if differs_s > CONFIGURATION_LAG_S else "ok"


def _heartbeats(client: "redis.Redis", now: float) -> list[bytes | str]:
    names: Any = client.zrangebyscore(HEARTBEATS, now - HEARTBEAT_TTL_S, "+inf")
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.get(HEARTBEAT_PREFIX + name.decode())
    return [raw for raw in pipe.execute() if raw is not None]


def _answers(worker: dict[str, Any]) -> bool:
    parts_ok = all(part["state"] in {"ok", "degraded"} for part in worker["parts"].values())
    return parts_ok and worker["age_s"] < HEARTBEAT_FRESH_S
