"""The running system: its processes, what they say of themselves, and what waits."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import redis

import bot
from bot import keys
from bot.bots_file import BotConfig
from bot.doctor.check import one_line
from bot.finding import Finding, State
from bot.inbox import WAKES_AHEAD
from bot.knowledge import remote
from bot.redis_client import connect
from bot.settings import Settings, local_url
from bot.supervision.readiness import Report, ask_readyz
from bot.supervision.run_file import RunInfo, alive
from bot.task_queue import CASES_QUEUE, SWEEP_QUEUE, TURNS_QUEUE
from bot.web.health import HEARTBEAT_FRESH_S

SYSTEM, READINESS, WORKERS, MODEL, BOTS_VERSION = "system", "readiness", "workers", "model in use", "bots in use"
BEAT, QUEUES, CODE = "beat", "queues", "code in use"
BEAT_SILENT_S = 10
"""Beat sweeps every 2 s; the worker stands in after as long as this."""
LATE_S = 60
"""Somebody must have looked at a conversation this long after it was due."""
FULL_SHARE = 0.5
_SOURCES = ("bot", "channels", "workers")


def system(settings: Settings, info: RunInfo | None) -> list[Finding]:
    """The processes of ``run.json``, and whether the code they run is the code that is here."""
    if info is None:
        detail = f"nothing started by make run works on {settings.data_dir}"
        return [Finding(name=SYSTEM, state=State.SKIPPED, detail=detail, cure="make run")]
    missing = [name for name in _expected(settings, info) if name not in info.pids or not alive(info.pids[name])]
    uptime_s = time.time() - info.started_at
    detail = f"up for {_duration(uptime_s)}: {', '.join(sorted(info.pids))}"
    if missing:
        logs = ", ".join(str(settings.data_dir / "log" / f"{name}.log") for name in missing)
        detail = f"not running: {', '.join(missing)}"
        return [Finding(name=SYSTEM, state=State.BROKEN, detail=detail, cure=f"see {logs}"), _code(info)]
    if not info.ready:
        cure = "wait; `up` names what is missing after a minute"
        return [Finding(name=SYSTEM, state=State.WARNING, detail=f"{detail}; still starting", cure=cure), _code(info)]
    return [Finding(name=SYSTEM, state=State.OK, detail=detail), _code(info)]


def readiness(settings: Settings, info: RunInfo | None) -> list[Finding]:
    """What ``/readyz`` says: could a message be answered now, and do all processes run the same bots?"""
    url = info.urls.get("web") if info else None
    url = url or local_url(settings.host, settings.port)
    report = ask_readyz(url)
    if not report.answers and info is None:
        return [Finding(name=READINESS, state=State.SKIPPED, detail=f"no web process at {url}", cure="make run")]
    if not report.ready:
        detail, cure = "; ".join(report.faults()), f"see {settings.data_dir / 'log'}"
        first = Finding(name=READINESS, state=State.BROKEN, detail=detail, cure=cure)
    else:
        first = Finding(name=READINESS, state=State.OK, detail=f"{url}/readyz: a message could be answered")
    return [first, *_parts(report)] if report.answers else [first]


def queues(settings: Settings, bots: Iterable[BotConfig], *, running: bool) -> list[Finding]:
    """Beat's last sweep, and what waits in Redis; ``running`` tells whether anybody should work on it."""
    with connect(settings.redis_url) as client:
        try:
            now = float(client.time()[0])
            beat = _beat(client, now) if running else _idle_beat()
            return [beat, _waiting(client, settings, bots, now, running=running)]
        except redis.RedisError as error:
            detail = f"not looked at: Redis says {one_line(error)}"
            return [Finding(name=QUEUES, state=State.SKIPPED, detail=detail)]


def _expected(settings: Settings, info: RunInfo) -> list[str]:
    names = ["worker", "web", "beat"]
    if settings.redis_socket is not None:
        names.append("redis")
    if "flower" in info.urls:
        names.append("flower")
    return [*names, "simulator"] if "chat" in info.urls else names


def _code(info: RunInfo) -> Finding:
    """Processes go on with the code they started with."""
    root = Path(bot.__file__).parent.parent
    files = (path for folder in _SOURCES for path in (root / folder).rglob("*.py"))
    newest = max(files, key=lambda path: path.stat().st_mtime)
    if newest.stat().st_mtime <= info.started_at:
        return Finding(name=CODE, state=State.OK, detail="nothing was changed since the start")
    detail = f"{newest.relative_to(root)} was changed after the start"
    return Finding(name=CODE, state=State.WARNING, detail=detail, cure="stop it (Ctrl-C), and make run")


def _parts(report: Report) -> list[Finding]:
    workers = report.body.get("workers", [])
    findings = [_workers(workers)] if workers else []
    if (state := report.body.get("llm", {}).get("state")) == "degraded":
        detail = "the worker's calls to the language model fail: answers are quoted"
        findings.append(Finding(name=MODEL, state=State.WARNING, detail=detail, cure="see the language model above"))
    elif state == "ok":
        findings.append(Finding(name=MODEL, state=State.OK, detail="the worker's calls succeed"))
    if (configuration := report.body.get("configuration")) is not None:
        findings.append(_bots_version(configuration))
    return findings


def _workers(workers: list[Mapping[str, Any]]) -> Finding:
    beats = ", ".join(f"process {worker.get('pid')} heard {worker.get('age_s')} s ago" for worker in workers)
    faults = [f"{worker.get('pid')} is silent" for worker in workers if worker.get("age_s", 0) > HEARTBEAT_FRESH_S]
    faults += [
        f"{name} is {part.get('state')}"
        for worker in workers
        for name, part in worker.get("parts", {}).items()
        if part.get("state") == "down"
    ]
    if faults:
        cure = "see the worker's log"
        return Finding(name=WORKERS, state=State.BROKEN, detail=f"{beats}: {', '.join(faults)}", cure=cure)
    return Finding(name=WORKERS, state=State.OK, detail=beats)


def _bots_version(configuration: Mapping[str, Any]) -> Finding:
    processes = configuration.get("processes", {})
    odd = [f"{name} ({told['kind']}) is {told['state']}" for name, told in processes.items() if told["state"] != "ok"]
    if odd:
        detail = "; ".join([*odd, *configuration.get("problems", [])])
        cure = "correct bots.yaml; a process that stays behind: restart it"
        return Finding(name=BOTS_VERSION, state=State.WARNING, detail=detail, cure=cure)
    detail = f"version {configuration.get('version')} in all {len(processes)} processes"
    return Finding(name=BOTS_VERSION, state=State.OK, detail=detail)


def _idle_beat() -> Finding:
    return Finding(name=BEAT, state=State.SKIPPED, detail="the system does not run")


def _beat(client: "redis.Redis", now: float) -> Finding:
    last = client.get(keys.SWEEP_LAST)
    if last is None:
        cure = "start beat: celery -A workers.app beat"
        return Finding(name=BEAT, state=State.BROKEN, detail="nothing was ever swept", cure=cure)
    silent_s = now - float(last)
    detail = f"last sweep {silent_s:.0f} s ago"
    if silent_s > BEAT_SILENT_S:
        cure = "see beat's log; meanwhile the worker sweeps by itself, less often"
        return Finding(name=BEAT, state=State.WARNING, detail=detail, cure=cure)
    return Finding(name=BEAT, state=State.OK, detail=detail)


def _waiting(
    client: "redis.Redis", settings: Settings, bots: Iterable[BotConfig], now: float, *, running: bool
) -> Finding:
    """Messages, tasks, conversations that nobody looked at in time, and questions to the index's owner."""
    names = [one.id for one in bots]
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.get(keys.waiting(name))
    for list_name in (TURNS_QUEUE, SWEEP_QUEUE, CASES_QUEUE, remote.REQUESTS):
        pipe.llen(list_name)
    for due in keys.ALL_DUE:
        pipe.zcount(due, "-inf", now - LATE_S)
    answers = pipe.execute()
    messages = {name: int(waiting or 0) for name, waiting in zip(names, answers, strict=False)}
    tasks, sweeps, requests = answers[len(names) : len(names) + 3]
    late = sum(answers[len(names) + 3 :])
    detail = (
        f"{sum(messages.values())} messages waiting, {tasks + sweeps} tasks, {requests} index requests, {late} late"
    )
    full = [name for name, waiting in messages.items() if waiting > settings.limit_bot_waiting * FULL_SHARE]
    if full:
        cure = "raise WORKER_THREADS or start more workers: at LIMIT_BOT_WAITING people are told that the bot is busy"
        return Finding(name=QUEUES, state=State.WARNING, detail=f"{detail}; {', '.join(full)} is filling up", cure=cure)
    if late:
        detail += f": nobody has looked at {late} conversations for {LATE_S} s"
        if not running:
            return Finding(name=QUEUES, state=State.WARNING, detail=detail, cure="start the system: they wait for it")
        if tasks >= WAKES_AHEAD:
            cure = "workers do not keep up: raise WORKER_THREADS or start more workers"
            return Finding(name=QUEUES, state=State.WARNING, detail=detail, cure=cure)
        cure = "see the logs of worker and beat"
        return Finding(name=QUEUES, state=State.BROKEN, detail=detail, cure=cure)
    return Finding(name=QUEUES, state=State.OK, detail=detail)


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes >= 60 * 24:
        return f"{minutes // 1440} d {minutes % 1440 // 60} h"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
