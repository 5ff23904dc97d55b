"""What the running parts say of themselves over HTTP: can a message be answered, is the worker alive?"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 2.0
_MAX_BODY_BYTES = 1_000_000

WORKER_SILENT_S = 30.0
"""A worker unheard of for so long hangs. It beats every 5 s, and its heartbeat is kept for this long."""


def get(url: str) -> tuple[int, bytes]:
    """Status and body of a GET; status 0 when nothing answers within 2 s."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/")
        response = connection.getresponse()
        return response.status, response.read(_MAX_BODY_BYTES)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What ``/readyz`` says; ``answers`` is false when the web process does not speak."""

    answers: bool
    ready: bool
    body: Mapping[str, Any]

    def faults(self) -> list[str]:
        """Why it is not ready, one line for each program concerned: ``(program, what it lacks)`` joined by a colon."""
        if not self.answers:
            return ["web: does not answer yet"]
        found = []
        if self.body.get("redis", {}).get("state") != "ok":
            found.append("redis: does not answer the web process")
        workers = self.body.get("workers", [])
        if not workers:
            found.append("worker: not heard of yet")
        for worker in workers:
            found += [
                f"worker: {name} is {part.get('state')}"
                for name, part in worker.get("parts", {}).items()
                if part.get("state") != "ok"
            ]
        return found or ["web: says it is not ready"]


def ask_readyz(web_url: str) -> Report:
    """Ask the web process at ``web_url`` once."""
    status, raw = get(f"{web_url}/readyz")
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if status not in (200, 503) or not isinstance(body, dict):
        return Report(answers=False, ready=False, body={})
    return Report(answers=True, ready=status == 200, body=body)


class WorkerWatch:
    """Tells when the worker process hangs, from the heartbeats that ``/readyz`` shows with the process's id.

    A worker is judged from its first heartbeat on: before, it may be building its index for a long time.
    """

    def __init__(self) -> None:
        self._pid: int | None = None
        self._heard_at: float | None = None

    def started(self, pid: int) -> None:
        """A worker with this process id was started."""
        self._pid = pid
        self._heard_at = None

    def hangs(self, report: Report, now: float) -> bool:
        """Whether the worker must be killed; ``now`` is monotonic seconds.

        A web process that does not answer, or has no Redis, proves nothing.
        """
        if not report.answers or report.body.get("redis", {}).get("state") != "ok":
            return False
        for worker in report.body.get("workers", []):
            if worker.get("pid") == self._pid:
                self._heard_at = now - float(worker.get("age_s", 0.0))
        return self._heard_at is not None and now - self._heard_at > WORKER_SILENT_S
