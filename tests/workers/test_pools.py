"""Which of Celery's pools a worker may have; where a Qdrant server holds the index, forked children work too."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from bot.knowledge.remote import IndexClient
from bot.messages import ConversationId
from bot.task_queue import DRAIN_TASK, TURNS_QUEUE, create_celery
from bot.web.health import HEARTBEAT_PREFIX
from tests.fakes.qdrant_server import QdrantServer

WORKER = (sys.executable, "-m", "workers.celery", "--app=workers.app", "worker", "--queues=turns", "--without-mingle")
READY_WITHIN_S = 120


def environment(data_dir: Path, redis_url: str, qdrant_url: str = "") -> dict[str, str]:
    return {"PATH": os.defpath, "DATA_DIR": str(data_dir), "REDIS_URL": redis_url, "QDRANT_URL": qdrant_url}


def run_to_its_end(pool: str, folder: Path, variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [*WORKER, f"--pool={pool}"]
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=READY_WITHIN_S, check=False
    )


def test_a_worker_whose_parts_cannot_be_loaded_ends(tmp_path: Path, repository: Path, redis_url: str) -> None:
    """Celery would log an exception at its start and go on, without anything that answers."""
    broken = tmp_path / "first" / "sqlalchemy"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('a broken installation')")
    variables = environment(tmp_path / "data", redis_url) | {"PYTHONPATH": str(broken.parent)}
    ended = run_to_its_end("threads", repository, variables)
    assert ended.returncode == 1
    assert "worker_not_started" in ended.stdout
    assert "a broken installation" in ended.stdout


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_the_embedded_index_wants_threads(tmp_path: Path, repository: Path, redis_url: str, pool: str) -> None:
    ended = run_to_its_end(pool, repository, environment(tmp_path, redis_url))
    assert ended.returncode == 2
    assert "the embedded index needs one process: start it with --pool threads, or set QDRANT_URL" in ended.stdout


@contextmanager
def running(command: list[str], folder: Path, variables: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=output)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(log: Path, words: str) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_S
    while words not in (text := log.read_text(encoding="utf-8")):
        assert time.monotonic() < give_up_at, text[-3000:]
        time.sleep(0.1)


def test_forked_workers_share_a_server(
    tmp_path: Path, repository: Path, redis_url: str, redis_client: "redis.Redis"
) -> None:
    """Both the parent, which serves other processes, and the children, which work conversations, have the index."""
    log = tmp_path / "worker.log"
    command = [*WORKER, "--pool=prefork", "--concurrency=1", "--hostname=forks@here"]
    with QdrantServer() as server:
        variables = environment(tmp_path, redis_url, server.url)
        with running(command, repository, variables, log):
            give_up_at = time.monotonic() + READY_WITHIN_S
            while not (beat := redis_client.get(f"{HEARTBEAT_PREFIX}forks@here")):
                assert time.monotonic() < give_up_at, log.read_text(encoding="utf-8")[-3000:]
                time.sleep(0.1)
            assert b'"index": {"state": "ok", "entries": 0}' in beat  # type: ignore[operator]
            answer = IndexClient(redis_client).call("sync", {"tenant": "academy", "collection": "imaging"}, 30)
            assert answer == {"upserted": 0, "deleted": 0}
            nowhere = ConversationId(bot="imaging", channel="gone", person="wang.fang")
            create_celery(redis_url).send_task(DRAIN_TASK, args=(nowhere.key,), queue=TURNS_QUEUE)
            wait_for(log, "conversation_without_channel")
        assert set(server.aliases) == {"knowledge"}
    assert "worker_not_started" not in log.read_text(encoding="utf-8")
