"""Every Celery task is counted and timed by its name, whatever becomes of it; in a process of its own, as a worker."""

import os
import subprocess
import sys
from pathlib import Path

TASKS = """
from celery import Celery
from celery.signals import task_revoked
from workers import task_metrics
from bot import telemetry
import pathlib, sys

app = Celery("tasks", broker="memory://", set_as_current=False)
task_metrics.connect()

@app.task(name="turns.drain")
def drain(fails):
    if fails:
        raise LookupError("nobody there")

for fails in (False, True, False):
    drain.apply((fails,))
task_revoked.send(sender=drain, request=None, terminated=False, signum=None, expired=True)
sys.stdout.buffer.write(telemetry.metrics_page(pathlib.Path(sys.argv[1])))
"""


def test_tasks_are_counted_by_name_and_outcome(tmp_path: Path, repository: Path) -> None:
    environment = {"PATH": os.defpath, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", TASKS, str(tmp_path)]
    shown = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=True)
    lines = shown.stdout.splitlines()
    assert 'bot_tasks_total{state="success",task="turns.drain"} 2.0' in lines
    assert 'bot_tasks_total{state="failure",task="turns.drain"} 1.0' in lines
    assert 'bot_tasks_total{state="expired",task="turns.drain"} 1.0' in lines
    assert 'bot_task_seconds_count{task="turns.drain"} 3.0' in lines


def test_a_worker_shares_its_metrics_although_celery_s_command_imported_the_library_first(
    tmp_path: Path, repository: Path
) -> None:
    program = (
        "import celery.bin.celery, sys; assert 'prometheus_client' in sys.modules; import workers.app; "
        "from bot import telemetry; telemetry.count('lease_busy'); "
        "sys.stdout.buffer.write(telemetry.metrics_page(workers.app.settings.metrics_dir))"
    )
    environment = {"PATH": os.defpath, "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    shown = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=True)
    assert "bot_lease_busy_total 1.0" in shown.stdout.splitlines()
