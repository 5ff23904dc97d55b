"""What faults strike: the processes of one installation, its stores, the platform beside it and the language model."""

import json
import os
import random
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import redis

from bot.settings import Settings
from tests.e2e.conftest import System
from tests.fakes.llm_server import LlmServer, Parrot
from tests.faults.ledger import Ledger, Platform, wait_until

COMES_BACK_WITHIN_S = 60.0
_ANSWERS_WITHIN_S = 30.0


@dataclass(kw_only=True, slots=True)
class Site:
    """An installation under load.

    ``people`` write all the time, and ``asking`` of them ask the knowledge; each of ``spares``, who come round again
    and again, writes only what a fault lets them. ``chance`` decides whatever a fault leaves open; ``kills`` counts
    SIGKILLs by what they struck, and ``stop_s`` gathers how long each process took to end that was asked to.
    """

    system: System
    platform: Platform
    ledger: Ledger
    llm: LlmServer
    people: tuple[str, ...]
    asking: tuple[str, ...]
    spares: Iterator[str]
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    stop_s: dict[str, float] = field(default_factory=dict)

    def pid(self, program: str) -> int:
        """The process that ``up`` runs as ``program``: redis, worker, beat or web (gunicorn's master)."""
        pids = json.loads((self.system.data_dir / "run.json").read_text(encoding="utf-8"))["pids"]
        return int(pids.get(program, 0))

    def living(self, program: str) -> int:
        """The process that runs as ``program``, once there is one: an earlier fault may still keep it away."""
        wait_until(lambda: _alive(self.pid(program)), COMES_BACK_WITHIN_S, f"{program} runs")
        return self.pid(program)

    def all_web_workers(self, without: int = 0) -> list[int]:
        """The processes that gunicorn's master keeps, once there are as many as it starts and ``without`` is gone."""
        count = self._settings.web_workers
        wait_until(
            lambda: len(now := self.web_workers()) == count and without not in now,
            COMES_BACK_WITHIN_S,
            "all web workers run",
        )
        return self.web_workers()

    def kill(self, pid: int, what: str) -> None:
        """Send SIGKILL to ``pid``, counted under ``what``."""
        send_signal(pid, signal.SIGKILL)
        self.kills[what] += 1

    def web_workers(self) -> list[int]:
        """The processes that gunicorn's master has at the moment."""
        master = self.pid("web")
        try:
            children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
        except FileNotFoundError:
            return []
        return [int(pid) for pid in children]

    def wait_for_another(self, program: str, before: int) -> None:
        """Return once ``up`` has started ``program`` again."""
        wait_until(
            lambda: self.pid(program) != before and _alive(self.pid(program)),
            COMES_BACK_WITHIN_S,
            f"{program} is started again",
        )

    def wait_for_end(self, pid: int, within_s: float) -> None:
        """Return once the process ``pid`` is gone."""
        wait_until(lambda: not _alive(pid), within_s, f"process {pid} ends")

    def redis(self) -> "redis.Redis":
        """A client of the installation's Redis."""
        return redis.Redis.from_url(self._settings.redis_url)

    @property
    def _settings(self) -> Settings:
        return Settings(data_dir=self.system.data_dir)

    @contextmanager
    def database_locked(self) -> Iterator[None]:
        """Nobody else can write to SQL."""
        with closing(sqlite3.connect(self.database, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")

    @property
    def database(self) -> Path:
        """What is true."""
        return self.system.data_dir / "bot.sqlite"

    def counted(self, name: str) -> dict[str, float]:
        """The metric ``name`` over all processes, by its labels as they are written on the page."""
        wait_until(self._web_answers, _ANSWERS_WITHIN_S, "web answers")
        page = self.system.get("/metrics")[1].decode()
        return {
            labels: float(value) for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", page, re.MULTILINE)
        }

    def _web_answers(self) -> bool:
        try:
            return self.system.get("/healthz")[0] == 200
        except OSError:  # it is on its way up
            return False

    def mend(self) -> None:
        """The surroundings work again."""
        self.platform.clear_faults()
        self.llm.on(Parrot())


class Fault(Protocol):
    """Something that goes wrong. ``strike`` returns when it is over; what follows is for the installation to mend."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def strike(self, site: Site) -> None:
        """Let it happen."""
        ...


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send ``number`` to a process of ours; pid 0 would be our own group."""
    assert pid > 1, pid
    os.kill(pid, number)


def _alive(pid: int) -> bool:
    """Whether ``pid`` runs; a zombie does not, and 0 is nobody."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
