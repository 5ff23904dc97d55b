"""Entry point of Celery: ``python -m workers.celery --app=workers.app``, with ``worker --pool=threads`` or ``beat``.

Importing this module reads the settings and nothing else: beat stays light, and the worker builds its services when
it starts. A thread pool owns the model and the embedded index, so it must be one process; with a Qdrant server any
number of workers may run, and the pools ``solo`` and ``prefork`` too, where every process builds services of its own.
"""

import gc
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker import state

from bot.settings import load_settings, prepare_process

settings = load_settings()
prepare_process(settings)  # prometheus_client decides while it is imported where it counts

from prometheus_client import values  # noqa: E402

# `python -m celery` had it imported before, by Flower's plug-in; nothing was counted yet.
values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # the library ships partial types

from bot import telemetry  # noqa: E402
from bot.errors import BotError  # noqa: E402
from bot.task_queue import (  # noqa: E402
    CASES_TASK,
    DRAIN_TASK,
    EXPIRE_MEDIA_TASK,
    FETCH_MEDIA_TASK,
    INGEST_TASK,
    PULL_TASK,
    RETAIN_TASK,
    SWEEP_TASK,
    TURNS_QUEUE,
    UPKEEP_TASK,
    create_celery,
)
from workers import task_metrics  # noqa: E402
from workers.housekeeping import Housekeeping  # noqa: E402
from workers.sharing import Sharing  # noqa: E402

if TYPE_CHECKING:
    from bot.worker_assembly import WorkerServices

log = structlog.get_logger()

FINISH_WITHIN_S = 7.0
"""Seconds after SIGTERM in which turns under way may end; the rest is handed back. ``up`` waits 10 s for all of it."""
SWITCH_INTERVAL_S = 0.02
"""For how long a thread may compute while others want to: longer than a turn does between two waits. With Python's own
5 ms, 64 busy threads take the interpreter from each other in the middle of what they do, and a third of the worker's
time goes into the changes."""

app = create_celery(settings.broker_url)
task_metrics.connect()


class _Worker:
    """What one worker process holds between Celery's signals."""

    pool: str
    services: "WorkerServices"
    housekeeping: Housekeeping | None = None
    sharing: Sharing | None = None
    """Where the pool has threads."""


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _configure_logging(**_: Any) -> None:
    telemetry.configure_logging(settings.log_level)


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _begin(sender: Any, **_: Any) -> None:
    """Check the pool and build the services; what forks afterwards builds none before, as threads do not follow."""
    _Worker.pool = sender.pool_cls.__module__.rpartition(".")[2]
    if cure := _fault_of_pool(_Worker.pool):
        log.critical("worker_not_started", error=cure)
        raise SystemExit(2)
    if _Worker.pool == "prefork":
        _or_end(_upgrade_database)  # once, before the children look at it all together
    else:
        _build()


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _begin_child(**_: Any) -> None:
    if _Worker.pool == "prefork":  # the solo pool says this too, of the worker itself
        _build()
        _Worker.services.reloader.start()  # the rest of what starts with a worker is the parent's


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _start(sender: Any, **_: Any) -> None:
    if _Worker.pool == "prefork":
        _build()
    _or_end(_Worker.services.start)
    if _Worker.pool == "thread":
        _Worker.sharing = Sharing(_Worker.services.conversations.drain, sender.pool.executor.submit)
    _Worker.housekeeping = Housekeeping(_Worker.services, sender.hostname, partial(_all_busy, sender.controller))
    _Worker.housekeeping.start()


def _all_busy(controller: Any) -> bool:
    """Whether every thread or process of the pool is at work."""
    helping = _Worker.sharing.helping if _Worker.sharing else 0
    return len(state.active_requests) + helping >= int(controller.concurrency)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _begin_to_stop(**_: Any) -> None:
    """Celery waits for what is under way, however long that takes; a rolling restart does not. A parent of forked
    children has no turns, and its manager ends the children."""
    if _Worker.sharing is not None:
        _Worker.sharing.stop()
    if _Worker.pool != "prefork":
        deadline = threading.Timer(FINISH_WITHIN_S, _hand_back)
        deadline.daemon = True
        deadline.start()


def _hand_back() -> None:
    """Give up what is still under way, for another worker to begin again, and end."""
    try:
        if _Worker.housekeeping is not None:  # else nothing was taken yet
            handed = _Worker.services.leases.hand_back()
            telemetry.count("degraded", what="ended_at_deadline")
            log.warning("worker_ended_at_its_deadline", conversations=handed, after_s=FINISH_WITHIN_S)
    except Exception:  # it ends in any case: the leases run out
        log.exception("leases_not_handed_back")
    finally:
        os._exit(0)


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _stop(**_: Any) -> None:
    if _Worker.housekeeping is not None:  # else it ends before it was ready
        _Worker.housekeeping.close()
        _Worker.services.close()


def _fault_of_pool(pool: str) -> str:
    """What is wrong with Celery's pool and what to do; empty when nothing is."""
    if settings.qdrant_url is None and pool != "thread":
        return "the embedded index needs one process: start it with --pool threads, or set QDRANT_URL"
    if pool not in ("thread", "solo", "prefork"):
        return f"the pool {pool} is not supported: start it with --pool threads, solo or prefork"
    return ""


def _upgrade_database() -> None:
    from bot.worker_assembly import upgrade_database

    upgrade_database(settings)


def _build() -> None:
    def build() -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        from bot.worker_assembly import build_worker  # everything that answers: beat must not carry it

        _Worker.services = build_worker()
        gc.collect()
        gc.freeze()  # vocabularies and rules: to look through them again at each full collection stops every turn

    _or_end(build)


def _or_end(work: Callable[[], None]) -> None:
    """Do ``work``, or end the process: Celery would log an exception here and go on without it."""
    try:
        work()
    except BotError as error:
        log.critical("worker_not_started", error=str(error))
        raise SystemExit(2) from error
    except Exception as error:
        log.exception("worker_not_started")
        raise SystemExit(1) from error


@app.task(name=DRAIN_TASK, send_events=False)  # type: ignore[untyped-decorator]  # Celery ships no types
def drain(*conversations: str) -> None:
    """Work conversations, each until nothing is left to do now.

    It tells Flower nothing: the three events of each message cost Flower 1 ms of a processor and the worker about half
    as much, and a drain says less than the turn behind it, which ``/metrics`` and the records have.
    """
    if _Worker.sharing is not None:
        _Worker.sharing.work(conversations)
        return
    for conversation in conversations[1:]:  # a process that does one thing at a time leaves the others to others
        app.send_task(DRAIN_TASK, args=(conversation,), queue=TURNS_QUEUE)
    _Worker.services.conversations.drain(conversations[0])


@app.task(name=SWEEP_TASK, send_events=False)  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep() -> None:
    """Wake conversations that are due: the guarantee behind lost wake-ups and dead workers. As silent as a drain: every
    two seconds it would hide from who looks at Flower whatever else ran."""
    _Worker.services.sweep()


@app.task(name=PULL_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def pull(bot: str, channel: str) -> None:
    """Bring what waits in an account into the inbox."""
    _Worker.services.pull(bot, channel)


@app.task(name=UPKEEP_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def upkeep() -> None:
    """Slow chores: tickets nobody took, counts that drifted."""
    _Worker.services.upkeep()


@app.task(name=CASES_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def tell_desk() -> None:
    """Screen refused messages, and tell the safety desk what it has not heard."""
    _Worker.services.tell_desk()


@app.task(name=FETCH_MEDIA_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def fetch_media(conversation: str, attachment: dict[str, str]) -> None:
    """Bring what a message shows into the store; its turn does so itself where this was lost."""
    _Worker.services.fetch_media(conversation, attachment)


@app.task(name=EXPIRE_MEDIA_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def expire_media() -> None:
    """Remove media whose time is over."""
    _Worker.services.expire_media()


@app.task(name=RETAIN_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def retain() -> None:
    """Mask and remove records whose time is over, for a while."""
    _Worker.services.retain()


@app.task(name=INGEST_TASK, acks_late=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def ingest(job: str) -> None:
    """Work a job of ingestion; one whose worker dies is found by the upkeep."""
    _Worker.services.ingest(job)
