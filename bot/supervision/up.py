"""``up``: start everything in order, say when it is ready, keep it running, stop it in order.

The processes are supervisord's; this module decides when each may start, tells a person what happens, kills a worker
that hangs, and starts supervisord again should it die. It polls, ten times a second, and has no other thread than the
one that reads supervisord's log.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from bot.supervision import checks, embedded_redis
from bot.supervision.error_lines import ErrorWatch, last_lines
from bot.supervision.plan import Plan
from bot.supervision.readiness import WorkerWatch, ask_readyz, get
from bot.supervision.run_file import RunInfo, alive, hold_run_lock, write_run_file
from bot.supervision.supervisord import (
    LONGEST_WAIT_S,
    Ended,
    Event,
    GivenUp,
    Killed,
    Started,
    Steady,
    Stopped,
    Supervisord,
    log_path,
)

READY_WITHIN_S = 60.0
"""When something is not ready after so long it is named, with the end of its log; and again after as long."""
STOP_WITHIN_S = 20.0
"""Above the sum of all stop times; supervisord is killed when it takes longer."""
_POLL_S = 0.1
_ONE_SIGNAL_S = 1.0
_LOOK_AT_WORKER_EVERY_S = 5.0
_LOOK_AT_LOGS_EVERY_S = 2.0
_LOG_LINES_SHOWN = 8

Say = Callable[[str], None]


class StopRequested(Exception):  # no error: a person pressed Ctrl-C
    """SIGINT, SIGTERM or SIGHUP arrived."""


class StopSignals:
    """Counts the signals that ask us to stop; nothing else happens inside a signal handler.

    Signals within a second count once: make and a process group both hand on the same one.
    """

    def __init__(self) -> None:
        self.count = 0
        self._last = float("-inf")

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        self.count += now - self._last > _ONE_SIGNAL_S
        self._last = now

    def pause(self, seconds: float) -> None:
        """Sleep. Raises :class:`StopRequested` when a signal has arrived."""
        end = time.monotonic() + seconds
        while not self.count and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_S))
        if self.count:
            raise StopRequested


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Let SIGINT, SIGTERM and SIGHUP (but for nohup) be counted instead of ending this process."""
    signals = StopSignals()
    names = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        names.append(signal.SIGHUP)
    before = {name: signal.signal(name, signals) for name in names}
    try:
        yield signals
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def up(plan: Plan, say: Say) -> None:
    """Run ``plan`` until a signal asks to stop; ``say`` prints one line.

    Raises :class:`~bot.errors.UsageError` or :class:`~bot.errors.ConfigError` when it cannot start.
    """
    os.umask(0o077)  # what the programs write is for their owner alone
    checks.prepare_folders(plan)
    with stop_signals() as signals:
        try:
            with hold_run_lock(plan.data_dir, say, signals.pause) as lock:
                plan = checks.without_crowded_out(plan, say)
                checks.check_free(plan)
                _Run(plan, say, signals, lock).run()
        except StopRequested:
            say("stopped")


class _Run:
    """One life of the system, from the first process to the last."""

    def __init__(self, plan: Plan, say: Say, signals: StopSignals, lock: int) -> None:
        self._plan = plan
        self._say = say
        self._signals = signals
        self._supervisord = Supervisord(
            plan.programs,
            run_dir=plan.run_dir,
            log_dir=plan.log_dir,
            work_dir=plan.work_dir,
            environment=plan.environment,
            keep_open=lock,
        )
        self._errors = [ErrorWatch(p.name, log_path(plan.log_dir, p.name)) for p in plan.programs]
        self._worker = WorkerWatch()
        self._pids: dict[str, int] = {}
        self._steady: set[str] = set()
        self._failures: dict[str, int] = {}
        self._start_again: dict[str, float] = {}
        self._started_at = time.time()
        self._ready = False
        self._look_at_worker_at = 0.0
        self._look_at_logs_at = 0.0

    def run(self) -> None:
        """Start, keep running, and stop whatever was started."""
        for notice in self._plan.notices:
            self._say(notice)
        try:
            self._start()
            self._wait_until_ready()
            self._first_run()
            self._announce()
            while True:
                self._signals.pause(_POLL_S)
                self._look()
        finally:
            self._stop()

    def _start(self) -> None:
        shutil.rmtree(self._plan.metrics_dir)
        self._plan.metrics_dir.mkdir(mode=0o700)
        names = [program.name for program in self._plan.programs]
        self._say(f"starting {', '.join(names)}; logs in {self._plan.log_dir}")
        self._supervisord.start(self._signals.pause)
        for name in names:
            self._supervisord.start_program(name)
            if name == "redis":
                self._wait_for_redis()

    def _wait_for_redis(self) -> None:
        complain_at = time.monotonic() + READY_WITHIN_S
        while self._plan.redis_socket is not None and not embedded_redis.answers(self._plan.redis_socket):
            if self._supervisord.pid is None:
                return  # the next look starts it again
            self._signals.pause(0.02)
            self._report()
            if time.monotonic() > complain_at:
                complain_at += READY_WITHIN_S
                self._complain(["redis: does not answer"])

    def _wait_until_ready(self) -> None:
        complain_at = time.monotonic() + READY_WITHIN_S
        while faults := self._faults():
            self._signals.pause(_POLL_S)
            self._look()
            if time.monotonic() > complain_at:
                complain_at += READY_WITHIN_S
                self._complain(faults)

    def _faults(self) -> list[str]:
        """What is not ready yet, each line beginning with a program's name."""
        report = ask_readyz(self._plan.web_url)
        faults = [] if report.ready else report.faults()
        if self._plan.simulator_url is not None and get(self._plan.simulator_url)[0] != 200:
            faults.append("simulator: does not answer yet")
        return faults

    def _complain(self, faults: list[str]) -> None:
        self._say(f"not ready after {time.time() - self._started_at:.0f} s, still trying: {'; '.join(faults)}")
        program = faults[0].partition(":")[0]
        path = log_path(self._plan.log_dir, program)
        for line in last_lines(path, _LOG_LINES_SHOWN):
            self._say(f"  {path.name}: {line}")

    def _first_run(self) -> None:
        """Run the command of a first start, with its progress on this terminal; a failure is told, not fatal."""
        if not self._plan.first_run or self._plan.first_run_stamp.exists():
            return
        self._say(self._plan.first_run_says)
        process = subprocess.Popen(list(self._plan.first_run), cwd=self._plan.work_dir, env=self._plan.environment)
        try:
            while process.poll() is None:
                self._signals.pause(_POLL_S)
                self._look()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode == 0:
            self._plan.first_run_stamp.touch()
        else:
            self._say("that failed (see above); the next start tries it again")

    def _announce(self) -> None:
        self._ready = True
        self._write_run_file()
        self._say(f"ready after {time.time() - self._started_at:.1f} s; Ctrl-C stops everything")
        width = max(len(name) for name in self._plan.urls)
        for name, url in self._plan.urls.items():
            login = f"  ({self._plan.logins[name]})" if name in self._plan.logins else ""
            self._say(f"  {name:<{width}}  {url}{login}")

    def _look(self) -> None:
        """One round of attention: supervisord, its reports, programs given up, the worker, the logs."""
        now = time.monotonic()
        if self._supervisord.pid is None:
            self._recover()
        self._report()
        for name in [name for name, at in self._start_again.items() if now >= at]:
            del self._start_again[name]
            self._supervisord.start_program(name)
        if now >= self._look_at_logs_at:
            self._look_at_logs_at = now + _LOOK_AT_LOGS_EVERY_S
            for watch in self._errors:
                if line := watch.look(now):
                    self._say(line)
        if now >= self._look_at_worker_at:
            self._look_at_worker_at = now + _LOOK_AT_WORKER_EVERY_S
            if self._worker.hangs(ask_readyz(self._plan.web_url), now):
                self._say("worker does not answer any more, killing it")
                self._supervisord.kill_program("worker")

    def _report(self) -> None:
        """Take in what supervisord reports, and tell what a person should know."""
        before = dict(self._pids)
        for event in self._supervisord.events():
            if line := self._take(event):
                self._say(line)
        if self._pids != before:
            self._write_run_file()

    def _take(self, event: Event) -> str | None:
        now = time.monotonic()
        match event:
            case Started(program, pid):
                self._pids[program] = pid
                self._steady.discard(program)
                if program == "worker":
                    self._worker.started(pid)
            case Steady(program):
                self._steady.add(program)
                self._failures.pop(program, None)
            case Stopped(program):
                self._pids.pop(program, None)
            case Ended(program, why):
                return self._ended(program, why)
            case GivenUp(program):
                self._failures.pop(program, None)
                self._start_again[program] = now + LONGEST_WAIT_S
            case Killed(program):
                return f"{program} did not stop in time and was killed"
        return None

    def _ended(self, program: str, why: str) -> str:
        self._pids.pop(program, None)
        if program in self._steady:
            return f"{program} ended ({why}), starting it again now"
        self._failures[program] = self._failures.get(program, 0) + 1
        wait_s = min(self._failures[program], LONGEST_WAIT_S)
        said = last_lines(log_path(self._plan.log_dir, program), 1)
        hint = f"; its last words: {said[0][:160]}" if said and "SIGKILL" not in why else ""
        return f"{program} ended ({why}), starting it again in {wait_s} s{hint}"

    def _write_run_file(self) -> None:
        pids = dict(self._pids)
        if (supervisord := self._supervisord.pid) is not None:
            pids["supervisord"] = supervisord
        info = RunInfo(pid=os.getpid(), pids=pids, urls=self._plan.urls, started_at=self._started_at, ready=self._ready)
        write_run_file(self._plan.data_dir, info)

    def _recover(self) -> None:
        """supervisord died, and the kernel has sent its programs SIGTERM: see them end, then start all again."""
        self._say("the supervisor ended; starting it and everything else again")
        self._report()
        self._see_programs_end(time.monotonic() + STOP_WITHIN_S)
        self._failures.clear()
        self._start_again.clear()
        self._start()

    def _stop(self) -> None:
        """Stop everything in order; a second signal, or :data:`STOP_WITHIN_S`, ends it at once."""
        if self._supervisord.pid is not None:
            self._say("stopping (Ctrl-C again to force it)")
        self._supervisord.begin_stop()
        asked = self._signals.count
        give_up_at = time.monotonic() + STOP_WITHIN_S
        while self._supervisord.pid is not None:
            if self._signals.count > asked or time.monotonic() > give_up_at:
                self._say("stopping by force")
                self._supervisord.kill()
                give_up_at = 0.0
            self._supervisord.wake()
            self._report()
            time.sleep(_POLL_S)
        self._report()
        self._see_programs_end(give_up_at)

    def _see_programs_end(self, give_up_at: float) -> None:
        """Wait until no program of a dead supervisord runs; kill those that still do at ``give_up_at``."""
        while (left := [pid for pid in self._pids.values() if alive(pid)]) and time.monotonic() < give_up_at:
            time.sleep(_POLL_S)
        for pid in left:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # each program leads a group of its own
        self._pids.clear()
