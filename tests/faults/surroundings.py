"""What goes wrong around the processes: Redis and SQL that do not answer, the platform, the language model."""

import resource
import time
from contextlib import suppress
from dataclasses import dataclass

from tests.fakes.llm_server import Cut, Fail, Hang, Scripted
from tests.faults.ledger import wait_until
from tests.faults.site import Site

ALWAYS = 1_000_000
_ROOM_LEFT_BYTES = 2000
_HAPPENS_WITHIN_S = 120.0
"""An earlier fault may still hold up everything: a platform that limits the rate, for a minute."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No fault: the load alone, to compare with."""

    seconds: float
    name: str = "none"

    def strike(self, site: Site) -> None:
        time.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class PauseRedis:
    """Redis takes connections and answers no command for ``seconds``."""

    seconds: float

    @property
    def name(self) -> str:
        return f"Redis paused (CLIENT PAUSE), {self.seconds:g} s"

    def strike(self, site: Site) -> None:
        with site.redis() as client:
            client.client_pause(int(self.seconds * 1000))
        time.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class FullDisk:
    """For ``seconds`` Redis' append-only file cannot grow.

    A limit on the size of the process's files cuts the write short, as a full disk does; Redis, which must not go on
    without its file, ends, and so does each one that ``up`` starts until there is room again.
    """

    seconds: float

    @property
    def name(self) -> str:
        return f"no room for Redis' append-only file, {self.seconds:g} s"

    def strike(self, site: Site) -> None:
        room = (site.system.data_dir / "redis/appendonly.aof").stat().st_size + _ROOM_LEFT_BYTES
        ends_at = time.monotonic() + self.seconds
        while time.monotonic() < ends_at:
            _limit(site.pid("redis"), room)
            time.sleep(0.05)
        _limit(site.pid("redis"), resource.RLIM_INFINITY)


@dataclass(frozen=True, slots=True)
class LockDatabase:
    """Another process holds SQL's write lock for ``seconds``."""

    seconds: float

    @property
    def name(self) -> str:
        return f"SQL locked (BEGIN EXCLUSIVE), {self.seconds:g} s"

    def strike(self, site: Site) -> None:
        with site.database_locked():
            time.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Model:
    """For ``seconds`` the language model does ``step`` instead of answering."""

    what: str
    step: Scripted
    seconds: float

    @property
    def name(self) -> str:
        return f"model {self.what}, {self.seconds:g} s"

    def strike(self, site: Site) -> None:
        site.llm.on(self.step)
        for person in site.asking:
            site.ledger.write(person)
        time.sleep(self.seconds)
        site.mend()


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of ``message/send`` end otherwise, at most ``times``, until ``seconds`` after the first of them."""

    what: str
    kind: str
    seconds: float
    errcode: int = 0
    hold_s: float = 0.0
    times: int = ALWAYS

    @property
    def name(self) -> str:
        return f"platform {self.what}"

    def strike(self, site: Site) -> None:
        spec: dict[str, object] = {"on": "message/send", "kind": self.kind, "times": self.times}
        if self.errcode:
            spec["errcode"] = self.errcode
        if self.hold_s:
            spec["seconds"] = self.hold_s
        site.platform.fault(**spec)
        _struck(site, "message/send", self.times)
        time.sleep(self.seconds)
        site.mend()


@dataclass(frozen=True, slots=True)
class ExpireTokens:
    """Every access token dies before its time, several times over."""

    times: int
    name: str = "platform: tokens expired"

    def strike(self, site: Site) -> None:
        for _ in range(self.times):
            site.platform.ask("POST", "tokens/kill", {"how": "expired"})
            time.sleep(1)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Every callback is made ``kind`` (see :mod:`simulator.faults`) until ``seconds`` after the first."""

    what: str
    kind: str
    seconds: float

    @property
    def name(self) -> str:
        return f"callbacks {self.what}"

    def strike(self, site: Site) -> None:
        site.platform.fault(on="callback", kind=self.kind, times=ALWAYS)
        _struck(site, "callback", ALWAYS)
        time.sleep(self.seconds)
        site.mend()


def _limit(pid: int, file_bytes: int) -> None:
    """The largest file that the process may write, unless it has just ended; 0 is none, and would be ourselves."""
    if not pid:
        return
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))


def _struck(site: Site, on: str, times: int) -> None:
    """Return once it happened for the first time."""
    wait_until(lambda: site.platform.waiting(on=on) < times, _HAPPENS_WITHIN_S, f"{on} goes wrong")


HANGS = Hang()
FAILS = Fail(500)
CUT = Cut("虚拟皮疹：每 50 次")
