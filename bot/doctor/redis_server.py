"""Redis as the inbox needs it: reachable, quick, durable before every answer, never evicting; and Celery's broker."""

import time
from collections.abc import Mapping
from typing import Any

import redis
from kombu.exceptions import OperationalError

from bot.doctor.check import one_line
from bot.doctor.redaction import place_of
from bot.finding import Finding, State
from bot.redis_client import connect
from bot.settings import Settings
from bot.supervision import embedded_redis
from bot.task_queue import create_celery

REDIS, DURABILITY, EVICTION, REPLICAS, BROKER = (
    "redis",
    "redis durability",
    "redis eviction",
    "redis replicas",
    "broker",
)
OLDEST_VERSION = (6, 2)
"""What the tests run on."""
SLOW_MS = 20.0
"""Every callback waits for one trip to Redis."""
FULL_SHARE = 0.9
_PINGS = 5
_BROKER_TIMEOUT_S = 3.0


def waits_for_start(settings: Settings) -> bool:
    """Whether Redis is the embedded one and does not run now."""
    return settings.redis_socket is not None and not embedded_redis.answers(settings.redis_socket)


def redis_server(settings: Settings, *, running: bool) -> list[Finding]:
    """The Redis of ``settings``; ``running`` tells whether the system is up, and the embedded Redis with it."""
    if not running and waits_for_start(settings):
        detail = "the embedded Redis runs with the system only"
        return [Finding(name=REDIS, state=State.SKIPPED, detail=detail, cure="make run")]
    with connect(settings.redis_url) as client:
        try:
            latency_ms = _latency_ms(client)
            info: Mapping[str, Any] = client.info()
        except redis.RedisError as error:
            return [_unreachable(settings, error)]
        return [
            _reached(info, latency_ms),
            *durability(client, info),
            _eviction(info),
            _replicas(info, settings.inbox_wait_replicas),
        ]


def durability(client: "redis.Redis", info: Mapping[str, Any]) -> list[Finding]:
    """Whether an accepted message survives a restart and a power cut."""
    if not info.get("aof_enabled"):
        detail = "appendonly is no: messages accepted and not yet answered are lost when Redis restarts"
        cure = "set appendonly yes in redis.conf (on a managed Redis: its AOF persistence)"
        return [Finding(name=DURABILITY, state=State.BROKEN, detail=detail, cure=cure)]
    try:
        fsync = client.config_get("appendfsync").get("appendfsync", "")
    except redis.ResponseError:  # managed services take CONFIG away
        detail = "appendonly yes; this server does not tell appendfsync (CONFIG is forbidden)"
        cure = "look in the provider's console: AOF persistence should be written at every command"
        return [Finding(name=DURABILITY, state=State.WARNING, detail=detail, cure=cure)]
    detail = f"appendonly yes, appendfsync {fsync}"
    if fsync == "always":
        return [Finding(name=DURABILITY, state=State.OK, detail=detail)]
    lost = "the last second of messages" if fsync == "everysec" else "the last half minute of messages or so"
    cure = "set appendfsync always in redis.conf"
    return [Finding(name=DURABILITY, state=State.WARNING, detail=f"{detail}: a power cut loses {lost}", cure=cure)]


def broker(settings: Settings) -> list[Finding]:
    """Celery's broker, where it is not that Redis."""
    if settings.broker_url == settings.redis_url:
        return [Finding(name=BROKER, state=State.OK, detail="the same Redis")]
    place = place_of(settings.broker_url)
    app = create_celery(settings.broker_url)
    try:
        with app.connection_for_write(connect_timeout=_BROKER_TIMEOUT_S) as connection:
            connection.ensure_connection(max_retries=1, timeout=_BROKER_TIMEOUT_S)
    except (OperationalError, OSError) as error:
        detail = f"{place} does not answer: {one_line(error)}"
        cure = "start it, or correct BROKER_URL; until then only the sweep finds new messages"
        return [Finding(name=BROKER, state=State.BROKEN, detail=detail, cure=cure)]
    finally:
        app.close()
    return [Finding(name=BROKER, state=State.OK, detail=f"{place} answers")]


def _latency_ms(client: "redis.Redis") -> float:
    """The quickest of some trips, the first of which also connects."""
    client.ping()
    trips = []
    for _ in range(_PINGS):
        started = time.perf_counter()
        client.ping()
        trips.append(time.perf_counter() - started)
    return min(trips) * 1000


def _unreachable(settings: Settings, error: redis.RedisError) -> Finding:
    place = place_of(settings.redis_url)
    if isinstance(error, redis.AuthenticationError):
        detail, cure = f"{place} refuses the user or password", "correct them in REDIS_URL"
    elif isinstance(error, redis.BusyLoadingError):
        detail, cure = f"{place} is still loading its data", "wait, and run doctor again"
    elif isinstance(error, redis.ResponseError):  # a right that was taken away, such as NOPERM
        detail = f"{place} refuses INFO: {one_line(error)}"
        return Finding(name=REDIS, state=State.WARNING, detail=detail, cure="let this user run INFO")
    else:
        detail = f"{place} does not answer: {one_line(error)}"
        cure = "see DATA_DIR/log/redis.log" if settings.redis_socket else "start it, or correct REDIS_URL"
    return Finding(name=REDIS, state=State.BROKEN, detail=detail, cure=cure)


def _reached(info: Mapping[str, Any], latency_ms: float) -> Finding:
    version = str(info.get("redis_version", "0"))
    detail = f"version {version}, {latency_ms:.2f} ms a trip"
    if info.get("role") == "slave":
        cure = "let REDIS_URL name the primary: a replica takes no messages"
        return Finding(name=REDIS, state=State.BROKEN, detail=f"{detail}; it is a read-only replica", cure=cure)
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_VERSION:
        return Finding(name=REDIS, state=State.WARNING, detail=f"{detail}; older than 6.2", cure="upgrade it")
    if latency_ms > SLOW_MS:
        cure = "bring Redis into the network of the bot: every callback waits for it"
        return Finding(name=REDIS, state=State.WARNING, detail=detail, cure=cure)
    return Finding(name=REDIS, state=State.OK, detail=detail)


def _eviction(info: Mapping[str, Any]) -> Finding:
    """INFO tells the policy even where CONFIG is forbidden."""
    policy, limit = str(info.get("maxmemory_policy", "unknown")), int(info.get("maxmemory", 0))
    used = int(info.get("used_memory", 0))
    detail = f"maxmemory-policy {policy}, {used / 1024**2:.0f} MiB used" + (
        f" of {limit / 1024**2:.0f}" if limit else ""
    )
    if policy != "noeviction":
        cure = "set maxmemory-policy noeviction in redis.conf: Redis holds messages, not a cache"
        return Finding(
            name=EVICTION, state=State.BROKEN, detail=f"{detail}: it would throw messages away when full", cure=cure
        )
    if limit and used > limit * FULL_SHARE:
        cure = "raise maxmemory: when it is reached every callback is refused with 503"
        return Finding(name=EVICTION, state=State.WARNING, detail=detail, cure=cure)
    return Finding(name=EVICTION, state=State.OK, detail=detail)


def _replicas(info: Mapping[str, Any], wanted: int) -> Finding:
    online = sum(
        isinstance(replica, dict) and replica.get("state") == "online"
        for name, replica in info.items()
        if name.startswith("slave")
    )
    detail = f"{online} online, INBOX_WAIT_REPLICAS {wanted}"
    if online < wanted:
        cure = "bring the replicas back, or lower INBOX_WAIT_REPLICAS"
        return Finding(
            name=REPLICAS, state=State.BROKEN, detail=f"{detail}: every message is refused with 503", cure=cure
        )
    return Finding(name=REPLICAS, state=State.OK, detail=detail)
