"""One supervisord: its configuration, its process, and what it reports.

supervisord starts, stops and restarts the programs and rotates their logs. It is told what to do over its XML-RPC
socket, and what happens is read from its log on standard output, the only place where it names the exit status.
A program that keeps failing waits one second longer after each failure, up to :data:`LONGEST_WAIT_S`, for ever.
"""

import http.client
import os
import queue
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client  # speaks to a supervisord of our own over a private socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import BotError, UsageError
from bot.supervision import parent_death

STEADY_AFTER_S = 10
"""A program that ran so long is up; when it ends later it is started again at once."""
LONGEST_WAIT_S = 30
LOG_BYTES = 5_000_000
LOG_BACKUPS = 3
_STARTS_WITHIN_S = 20.0
_ORDER_TIMEOUT_S = 5.0


class SupervisordFailed(BotError):
    """supervisord did not start; the text is what it said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A process to keep running.

    ``stop_order``: programs with a lower number are stopped first, those with the same number together.
    ``stop_wait_s``: how long one may take to end after SIGTERM. ``environment`` is added to the inherited one and
    lies in a file: nothing secret in it.
    """

    name: str
    command: Sequence[str]
    stop_order: int
    stop_wait_s: int
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """``program`` was started with this process id."""

    program: str
    pid: int


@dataclass(frozen=True, slots=True)
class Steady:
    """``program`` has been up for :data:`STEADY_AFTER_S`."""

    program: str


@dataclass(frozen=True, slots=True)
class Ended:
    """``program`` ended unasked; ``why`` is ``exit status 1`` or ``terminated by SIGKILL``."""

    program: str
    why: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """supervisord will not start ``program`` again by itself."""

    program: str


@dataclass(frozen=True, slots=True)
class Killed:
    """``program`` did not end in time after SIGTERM and was sent SIGKILL."""

    program: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """``program`` ended because it was asked to."""

    program: str


Event = Started | Steady | Ended | GivenUp | Killed | Stopped

_REPORTS: tuple[tuple[re.Pattern[str], Callable[..., Event]], ...] = (
    (re.compile(r"spawned: '(\S+)' with pid (\d+)"), lambda program, pid: Started(program, int(pid))),
    (re.compile(r"success: (\S+) entered RUNNING state"), Steady),
    (re.compile(r"exited: (\S+) \((.+); (?:not )?expected\)"), Ended),
    (re.compile(r"stopped: (\S+) \("), Stopped),
    (re.compile(r"gave up: (\S+) entered FATAL state"), GivenUp),
    (re.compile(r"killing '(\S+)' \(\d+\) with SIGKILL"), Killed),
)


def read_report(line: str) -> Event | None:
    """The event one line of supervisord's log tells, or ``None``."""
    for pattern, event in _REPORTS:
        if found := pattern.search(line):
            return event(*found.groups())
    return None


def configuration(programs: Sequence[Program], *, run_dir: Path, log_dir: Path, work_dir: Path) -> str:
    """The text of a supervisord configuration.

    ``run_dir`` holds its socket, ``log_dir`` every log, ``work_dir`` is where the programs run.
    Raises :class:`~bot.errors.UsageError` for a path that such a file cannot express.
    """
    sections: dict[str, dict[str, str]] = {
        "unix_http_server": {"file": str(socket_path(run_dir)), "chmod": "0600"},
        "supervisord": {
            "nodaemon": "true",
            "logfile": str(log_dir / "supervisord.log"),
            "logfile_maxbytes": str(LOG_BYTES),
            "logfile_backups": str(LOG_BACKUPS),
            "pidfile": str(run_dir / "supervisord.pid"),
            "nocleanup": "true",
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    for program in programs:
        sections[f"program:{program.name}"] = _program_section(program, log_dir, work_dir)
    for order in sorted({program.stop_order for program in programs}):
        together = [program.name for program in programs if program.stop_order == order]
        # supervisord stops groups one after the other, the highest priority first
        sections[f"group:{_group(order)}"] = {"programs": ",".join(together), "priority": str(900 - order)}
    return "\n".join(_section(name, options) for name, options in sections.items())


def _program_section(program: Program, log_dir: Path, work_dir: Path) -> dict[str, str]:
    command = [sys.executable, "-I", "-S", parent_death.__file__, *program.command]
    return {
        "command": shlex.join(command),
        "directory": str(work_dir),
        "environment": ",".join(f'{name}="{_plain(value, _QUOTES)}"' for name, value in program.environment.items()),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(STEADY_AFTER_S),
        "startretries": str(LONGEST_WAIT_S),
        "stopwaitsecs": str(program.stop_wait_s),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(log_path(log_dir, program.name)),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }


def _section(name: str, options: Mapping[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {_plain(value)}" for key, value in options.items()), ""])


_BREAKING = r"%|\n|\s[;#]"
_QUOTES = r"[\"']"


def _plain(value: str, forbidden: str = _BREAKING) -> str:
    """``value``, unless supervisord's parser would cut or expand it (some options it expands twice)."""
    if re.search(forbidden, value):
        raise UsageError(
            f"the supervisor cannot take a path with a quote, %, ;, # or a line break: {value!r}; rename it"
        )
    return value


def _group(stop_order: int) -> str:
    return f"stop{stop_order}"


def socket_path(run_dir: Path) -> Path:
    """supervisord's socket."""
    return run_dir / "supervisord.sock"


def log_path(log_dir: Path, program: str) -> Path:
    """What ``program`` prints."""
    return log_dir / f"{program}.log"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ORDER_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, _host: object) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class Supervisord:
    """A supervisord that is a child of this process and dies with it.

    Programs do not start by themselves: the caller starts each when what it needs is there.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        run_dir: Path,
        log_dir: Path,
        work_dir: Path,
        environment: Mapping[str, str],
        keep_open: int,
    ) -> None:
        """``environment`` is what the programs inherit; secrets reach them only so.

        ``keep_open`` is a file descriptor that supervisord holds as long as it lives (the run lock).
        """
        self.programs = {program.name: program for program in programs}
        self._run_dir = run_dir
        self._work_dir = work_dir
        self._environment = environment
        self._keep_open = keep_open
        self._config = run_dir / "supervisord.conf"
        text = configuration(programs, run_dir=run_dir, log_dir=log_dir, work_dir=work_dir)
        descriptor = os.open(self._config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None

    def start(self, pause: Callable[[float], None]) -> None:
        """Start it and return when it takes orders. Raises :class:`SupervisordFailed`.

        Call it from the main thread: Linux ends the child with the thread that started it.
        """
        socket_path(self._run_dir).unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._config)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", parent_death.__file__, *command],
            cwd=self._work_dir,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(self._keep_open,),
            start_new_session=True,  # Ctrl-C on the terminal is for us alone
        )
        threading.Thread(target=self._read, args=(self._process,), name="supervisord-log", daemon=True).start()
        give_up_at = time.monotonic() + _STARTS_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                self.kill()
                raise SupervisordFailed(f"supervisord did not start: {' / '.join(self._drain()) or 'it said nothing'}")
            pause(0.02)

    @property
    def pid(self) -> int | None:
        """Its process id, ``None`` when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def events(self) -> list[Event]:
        """What happened since the last call, oldest first."""
        return [event for line in self._drain() if (event := read_report(line)) is not None]

    def start_program(self, name: str) -> None:
        """Start a program that does not run; one that does is left alone."""
        self._order("startProcess", name, False)

    def kill_program(self, name: str) -> None:
        """Send SIGKILL to a program that hangs; it is then started again like any that ended."""
        self._order("signalProcess", name, "KILL")

    def begin_stop(self) -> None:
        """Let it stop every program in order and then itself; :attr:`pid` turns ``None`` when it is done."""
        if self._process is not None and self.pid is not None:
            self._process.send_signal(signal.SIGTERM)

    def wake(self) -> None:
        """Make it look at its work now instead of within a second."""
        self._answers()

    def kill(self) -> None:
        """End it at once. Its programs get SIGTERM from the kernel."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _order(self, method: str, program: str, *arguments: object) -> None:
        """Call ``method`` for ``program``; it may have ended or started by itself meanwhile, which is no error."""
        full_name = f"{_group(self.programs[program].stop_order)}:{program}"
        try:
            getattr(self._rpc().supervisor, method)(full_name, *arguments)
        except xmlrpc.client.Fault:
            return  # the next report tells what became of it
        except (OSError, xmlrpc.client.Error):
            return  # supervisord is gone, which the caller's next look at `pid` shows

    def _answers(self) -> bool:
        try:
            self._rpc().supervisor.getState()
        except xmlrpc.client.Fault:
            return True
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def _rpc(self) -> Any:
        """A fresh connection for one call: a kept one would break when supervisord is started again."""
        return xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(socket_path(self._run_dir)))

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None  # noqa: S101  # Popen was given a pipe
        for line in process.stdout:
            self._lines.put(line.rstrip("\n"))

    def _drain(self) -> list[str]:
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines
