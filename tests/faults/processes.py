"""Processes that die, freeze, or are asked to end."""

import signal
import time
from dataclasses import dataclass

from tests.faults.site import Site, send_signal

ENDS_WITHIN_S = {"web": 5.0, "worker": 12.0, "beat": 5.0, "redis": 5.0}
"""Seconds after SIGTERM: what ``up`` allows each, and the moments that the system needs to notice."""


@dataclass(frozen=True, slots=True)
class Kill:
    """``program`` gets SIGKILL."""

    program: str

    @property
    def name(self) -> str:
        return f"kill -9 of {_TITLES[self.program]}"

    def strike(self, site: Site) -> None:
        before = site.living(self.program)
        site.kill(before, _TITLES[self.program])
        site.wait_for_another(self.program, before)


@dataclass(frozen=True, slots=True)
class KillWebWorker:
    """One of the processes behind gunicorn's master gets SIGKILL; the master starts another."""

    name: str = "kill -9 of a web worker"

    def strike(self, site: Site) -> None:
        struck = site.chance.choice(site.all_web_workers())
        site.kill(struck, _TITLES["web worker"])
        site.all_web_workers(without=struck)


@dataclass(frozen=True, slots=True)
class Freeze:
    """``program`` (or ``web worker``) stands still for ``seconds``, as on a machine that swaps or is migrated."""

    program: str
    seconds: float

    @property
    def name(self) -> str:
        return f"SIGSTOP of {_TITLES[self.program]}, {self.seconds:g} s"

    def strike(self, site: Site) -> None:
        a_web_worker = self.program == "web worker"
        pid = site.chance.choice(site.all_web_workers()) if a_web_worker else site.living(self.program)
        send_signal(pid, signal.SIGSTOP)
        try:
            time.sleep(self.seconds)
        finally:
            send_signal(pid, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Restart:
    """``program`` gets SIGTERM, must end by itself in time, and is started again."""

    program: str

    @property
    def name(self) -> str:
        return f"SIGTERM of {_TITLES[self.program]}"

    def strike(self, site: Site) -> None:
        restart(site, self.program, self.name)


@dataclass(frozen=True, slots=True)
class RollWeb:
    """Every web worker is replaced in turn, as in a rolling restart; one always answers."""

    name: str = "SIGTERM of each web worker in turn"

    def strike(self, site: Site) -> None:
        for pid in site.all_web_workers():
            asked_at = time.monotonic()
            send_signal(pid, signal.SIGTERM)
            site.wait_for_end(pid, ENDS_WITHIN_S["web"])
            site.stop_s[self.name] = max(time.monotonic() - asked_at, site.stop_s.get(self.name, 0.0))
            site.all_web_workers(without=pid)


def restart(site: Site, program: str, name: str) -> None:
    """SIGTERM; ``program`` must end in time, by itself. How long that took is kept under ``name``."""
    before = site.living(program)
    asked_at = time.monotonic()
    send_signal(before, signal.SIGTERM)
    site.wait_for_end(before, ENDS_WITHIN_S[program])
    site.stop_s[name] = max(time.monotonic() - asked_at, site.stop_s.get(name, 0.0))
    site.wait_for_another(program, before)


_TITLES = {
    "web": "gunicorn's master",
    "web worker": "a web worker",
    "worker": "the Celery worker",
    "beat": "beat",
    "redis": "Redis",
}
