"""Whether a message could be answered now: what ``/readyz`` shows.

The web process asks only Redis. A worker says in its heartbeat what it found of its own parts (SQL, index, model).
"""

import json
from typing import Any

import redis

HEARTBEAT_PREFIX = "heartbeat:worker:"
HEARTBEAT_EVERY_S = 5
HEARTBEAT_FRESH_S = 15
HEARTBEAT_TTL_S = 30


def readiness(client: "redis.Redis", llm_configured: bool, now: float) -> dict[str, object]:
    """A report ``{"ready": bool, "redis": {...}, "workers": [...], "llm": {...}}``; ``now`` is epoch seconds.

    Ready means: Redis takes messages and at least one worker with a working database and index was heard from in the
    last :data:`HEARTBEAT_FRESH_S` seconds. An empty knowledge base is ready; a missing language model is a supported
    mode, and one that does not answer is ``degraded``: what it would have composed is quoted or refused.
    """
    llm: dict[str, Any] = {"state": "unknown" if llm_configured else "not_configured"}
    try:
        client.ping()
        beats = [json.loads(raw) for raw in _heartbeats(client)]
    except redis.RedisError as error:
        failure = {"state": "down", "error": type(error).__name__}
        return {"ready": False, "redis": failure, "workers": [], "llm": llm}
    workers = [{**beat, "age_s": round(now - beat["at"], 1)} for beat in beats]
    ready = any(_answers(worker) for worker in workers)
    llm = next((worker["parts"]["llm"] for worker in workers if "llm" in worker["parts"]), llm)
    return {"ready": ready, "redis": {"state": "ok"}, "workers": workers, "llm": llm}


def _heartbeats(client: "redis.Redis") -> list[bytes | str]:
    names = list(client.scan_iter(match=HEARTBEAT_PREFIX + "*", count=1000))
    return [raw for name in names if (raw := client.get(name)) is not None]


def _answers(worker: dict[str, Any]) -> bool:
    parts_ok = all(part["state"] in {"ok", "degraded"} for part in worker["parts"].values())
    return parts_ok and worker["age_s"] < HEARTBEAT_FRESH_S
