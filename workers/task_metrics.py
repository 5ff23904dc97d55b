"""Counts and times every Celery task, by Celery's signals; one that came too late to be run counts as ``expired``."""

import time
from typing import Any

from celery.signals import task_postrun, task_prerun, task_revoked

from bot import telemetry


def connect() -> None:
    """Count from now on; for a process that runs tasks."""
    task_prerun.connect(_begin)
    task_postrun.connect(_end)
    task_revoked.connect(_leave)


def _begin(task: Any, **_: Any) -> None:
    """The request is the task's own in every thread, and gone after it."""
    task.request.began_at = time.perf_counter()


def _end(task: Any, state: str | None = None, **_: Any) -> None:
    """``state`` is Celery's word: ``SUCCESS``, ``FAILURE``, ``RETRY`` or ``IGNORED``."""
    telemetry.count("task", task=task.name, state=(state or "unknown").lower())
    telemetry.TASK.labels(task=task.name).observe(time.perf_counter() - task.request.began_at)


def _leave(sender: Any, *, expired: bool, **_: Any) -> None:
    """Nobody revokes ours by hand, but Celery allows it."""
    telemetry.count("task", task=sender.name, state="expired" if expired else "revoked")
