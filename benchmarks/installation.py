"""An installation of the product for a benchmark: started as an operator starts it, and looked at from outside."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks import questions
from benchmarks.callbacks import DEMO_BOTS

ROOT = Path(__file__).parent.parent
READY_WITHIN_S = 120
PEOPLE = 500
"""How many admins the benchmark's bot has: ``admin0`` …; an echo is obeyed from an admin only."""
UNLIMITED = "1000000"


@dataclass(frozen=True, slots=True)
class Running:
    """An installation that runs: its ``port``, the pid of ``up``, and the seconds until it was ready."""

    port: int
    pid: int
    ready_s: float

    def metrics(self) -> str:
        """The page of ``/metrics``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as page:
            return str(page.read().decode())


def environment_for(folder: Path, api_url: str) -> dict[str, str]:
    """The settings of an installation of its own in ``folder``: the defaults, without limits on what people send."""
    bots = yaml.safe_load(DEMO_BOTS.read_text(encoding="utf-8"))
    bots["bots"]["imaging"]["admins"] += [f"admin{number}" for number in range(PEOPLE)]
    bots_file = folder / "bots.yaml"
    bots_file.write_text(yaml.safe_dump(bots, allow_unicode=True), encoding="utf-8")
    return {
        "PATH": os.defpath,
        "DATA_DIR": str(folder / "var"),
        "PORT": str(20000 + secrets.randbelow(20000)),
        "SIMULATOR": "0",
        "WECOM_API_BASE": api_url,
        "BOTS_FILE": str(bots_file),
        "LIMIT_PERSON_PER_MINUTE": UNLIMITED,
        "LIMIT_CONVERSATION_WAITING": UNLIMITED,
        "LIMIT_BOT_WAITING": UNLIMITED,
        "PACE_PER_MINUTE": UNLIMITED,
        "PACE_PER_HOUR": UNLIMITED,
    }


def await_port(port: int) -> None:
    """Wait until somebody listens on ``port``."""
    deadline = time.perf_counter() + READY_WITHIN_S
    while time.perf_counter() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}")


@contextmanager
def running(environment: Mapping[str, str]) -> Iterator[Running]:
    """``up`` with these settings, from when it is ready."""
    started = time.perf_counter()
    said = Path(environment["BOTS_FILE"]).with_name("up.log")
    command = [sys.executable, "-m", "bot", "up", "--die-with-parent"]
    with said.open("w") as log, subprocess.Popen(command, env=dict(environment), cwd=ROOT, stdout=log) as process:
        try:
            while "\nready" not in f"\n{said.read_text()}":
                if process.poll() is not None or time.perf_counter() > started + READY_WITHIN_S:
                    sys.exit(f"the product did not start:\n{said.read_text()}")
                time.sleep(0.01)
            yield Running(int(environment["PORT"]), process.pid, time.perf_counter() - started)
        finally:
            process.send_signal(signal.SIGTERM)


def ingest(environment: Mapping[str, str], *paths: Path) -> None:
    """Approved knowledge from ``paths``; without any, the table of :mod:`benchmarks.questions`."""
    if not paths:
        paths = (Path(environment["BOTS_FILE"]).with_name("faq.csv"),)
        questions.write_table(paths[0])
    command = [sys.executable, "-m", "bot", "ingest", *map(str, paths), "--bot", "imaging"]
    command += ["--collection", "imaging", "--approve"]
    done = subprocess.run(command, env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"ingest failed:\n{done.stderr}")
