"""Entry point of Celery: ``celery -A workers.app worker --pool threads`` and ``celery -A workers.app beat``.

Importing this module reads the settings and nothing else: beat stays light, and the worker builds its services when
it starts (a thread pool owns the model and the embedded index, so it must be one process).
"""

from typing import Any

import structlog
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutdown

from bot.settings import load_settings, prepare_process

settings = load_settings()
prepare_process(settings)  # prometheus_client decides while it is imported where it counts

from bot import telemetry  # noqa: E402
from bot.assembly import WorkerServices, build_worker  # noqa: E402
from bot.errors import BotError  # noqa: E402
from bot.task_queue import DRAIN_TASK, SWEEP_TASK, UPKEEP_TASK, create_celery  # noqa: E402
from workers.housekeeping import Housekeeping  # noqa: E402

log = structlog.get_logger()
app = create_celery(settings.broker_url)


class _Worker:
    """What one worker process holds between Celery's signals."""

    services: WorkerServices
    housekeeping: Housekeeping


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _configure_logging(**_: Any) -> None:
    telemetry.configure_logging(settings.log_level)


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _build(sender: Any, **_: Any) -> None:
    """Build the services, or end: Celery would log an exception here and go on without them."""
    if "thread" not in sender.pool_cls.__module__:
        log.critical("worker_not_started", error="the embedded index needs one process: start it with --pool threads")
        raise SystemExit(2)
    try:
        _Worker.services = build_worker()
    except BotError as error:
        log.critical("worker_not_started", error=str(error))
        raise SystemExit(2) from error
    except Exception as error:
        log.exception("worker_not_started")
        raise SystemExit(1) from error


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _start(sender: Any, **_: Any) -> None:
    _Worker.services.start()
    _Worker.housekeeping = Housekeeping(_Worker.services, sender.hostname)
    _Worker.housekeeping.start()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _stop(**_: Any) -> None:
    _Worker.housekeeping.close()
    _Worker.services.close()


@app.task(name=DRAIN_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def drain(conversation: str) -> None:
    """Work one conversation until nothing is left to do now."""
    _Worker.services.conversations.drain(conversation)


@app.task(name=SWEEP_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep() -> None:
    """Wake conversations that are due: the guarantee behind lost wake-ups and dead workers."""
    _Worker.services.sweep()


@app.task(name=UPKEEP_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def upkeep() -> None:
    """Slow chores: tickets nobody took, counts that drifted."""
    _Worker.services.upkeep()
