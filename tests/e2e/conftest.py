"""The whole system, started as an operator starts it, and a person with a chat window."""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.llm_server import LlmServer
from tests.forked import run_forked

READY_WITHIN_S = 150
HEARD_WITHIN_S = 60


@dataclass
class System:
    """A running installation: its URLs, its data folder and what it printed."""

    process: "subprocess.Popen[str]"
    environment: dict[str, str]
    data_dir: Path
    web: str
    simulator: str
    lines: list[str] = field(default_factory=list)

    def get(self, path: str) -> tuple[int, bytes]:
        return http("GET", self.web + path)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run ``python -m bot`` beside the running system."""
        return run_forked(arguments, Path.cwd(), self.environment, within_s=300)

    def log(self, program: str) -> str:
        return (self.data_dir / "log" / f"{program}.log").read_text(encoding="utf-8")

    def pids(self, pattern: str) -> list[int]:
        """Processes of this installation whose command line matches ``pattern``."""
        return [int(folder.name) for folder in Path("/proc").iterdir() if self._matches(folder, pattern)]

    def _matches(self, folder: Path, pattern: str) -> bool:
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            ours = f"DATA_DIR={self.data_dir}".encode() in (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # no process, or one that ended meanwhile
            return False
        return ours and re.search(pattern, words) is not None


class Chat:
    """One member of the company with a chat window open: on the app, on the robot (``peer``), or on a group."""

    def __init__(self, simulator: str, member: str, *, peer: str = "app", chat: str = "") -> None:
        self._simulator = simulator
        self.member = member
        self.chat = chat
        self._place = {"chat": chat} if chat else {"peer": peer}
        self._rev = self._news()["rev"]
        self.seen: list[str] = []
        self._unread: list[dict[str, Any]] = []

    def says(self, text: str, **more: Any) -> "Chat":
        return self.sends({"type": "text", "content": text, **more})

    def sends(self, message: dict[str, Any]) -> "Chat":
        content = {"member": self.member, **self._place, **message}
        status, body = http("POST", f"{self._simulator}/_sim/messages", content)
        assert status == 202, body
        self.said: dict[str, Any] = json.loads(body)
        return self

    def reads(self, wait_s: float = HEARD_WITHIN_S) -> dict[str, Any]:
        """The next bubble that a robot has finished."""
        deadline = time.monotonic() + wait_s
        while not self._unread and (left := deadline - time.monotonic()) > 0:
            self._look(wait_s=min(left, 2))
        if self._unread:
            return self._unread.pop(0)
        raise AssertionError(f"{self.member} read no finished bubble within {wait_s} s, only {self.seen}")

    def sees(self, beginning: str) -> None:
        """Wait until a bubble that is still written begins with these words."""
        deadline = time.monotonic() + HEARD_WITHIN_S
        while not any(text.startswith(beginning) for text in self.seen):
            assert time.monotonic() < deadline, f"{self.member} saw only {self.seen} within {HEARD_WITHIN_S} s"
            self._look(wait_s=2)

    def _look(self, wait_s: float) -> None:
        news = self._news(after=self._rev, wait_s=wait_s)
        self._rev = news["rev"]
        bubbles = [entry for entry in news["messages"] if entry["via"] == "stream"]
        self.seen += [entry["content"] for entry in bubbles if not entry["stream"]["finished"]]
        self._unread += [entry for entry in bubbles if entry["stream"]["finished"]]

    def hears(self, messages: int = 1) -> str:
        """The next words of the bot; several messages joined by newlines."""
        heard: list[str] = []
        deadline = time.monotonic() + HEARD_WITHIN_S
        while len(heard) < messages:
            assert time.monotonic() < deadline, f"{self.member} heard only {heard} within {HEARD_WITHIN_S} s"
            heard += self._new_words(wait_s=2)
        return "\n".join(heard)

    def hears_nothing_more(self, seconds: float = 1.5) -> bool:
        """True when the bot stays quiet for so long."""
        return self._new_words(wait_s=seconds) == []

    def everything(self) -> list[dict[str, Any]]:
        """All that this window shows."""
        entries: list[dict[str, Any]] = self._news()["messages"]
        return entries

    def _new_words(self, wait_s: float) -> list[str]:
        deadline = time.monotonic() + wait_s
        while (left := deadline - time.monotonic()) > 0:
            news = self._news(after=self._rev, wait_s=left)
            self._rev = news["rev"]
            words = [m["content"] for m in news["messages"] if m["via"] not in {"member", "stream"}]
            if words:
                return words
        return []

    def _news(self, after: int = 0, wait_s: float = 0.0) -> dict[str, Any]:
        place = "&".join(f"{name}={value}" for name, value in self._place.items())
        query = f"member={self.member}&{place}&after={after}&wait={wait_s:.2f}"
        status, body = http("GET", f"{self._simulator}/_sim/messages?{query}")
        assert status == 200, body
        news: dict[str, Any] = json.loads(body)
        return news


class Crowd:
    """The company: members to play, and the platform's faults to order."""

    def __init__(self, system: System) -> None:
        self.simulator = system.simulator

    def member(self, userid: str) -> Chat:
        """One of the demo's members."""
        return Chat(self.simulator, userid)

    def stranger(self, peer: str = "app") -> Chat:
        """A member nobody has seen before, with a chat window open on the app or on the robot."""
        return Chat(self.simulator, self.newcomer(), peer=peer)

    def group(self, *others: str) -> Chat:
        """A new group of a new member and ``others``, in which that member writes."""
        member, chat = self.newcomer(), f"wr{uuid.uuid4().hex}"
        group = {"chatid": chat, "name": "交流群", "members": [member, *others]}
        status, body = http("POST", f"{self.simulator}/_sim/groups", group)
        assert status in {200, 201}, body
        return Chat(self.simulator, member, chat=chat)

    def in_group(self, userid: str, group: Chat) -> Chat:
        """Another member's window on the group of ``group``."""
        return Chat(self.simulator, userid, chat=group.chat)

    def upload(self, content: bytes, name: str) -> str:
        """The id of a picture or file that a member can send."""
        status, body = http("POST", f"{self.simulator}/_sim/uploads?name={name}", data=content)
        assert status == 201, body
        return str(json.loads(body)["id"])

    def newcomer(self) -> str:
        """The userid of a member who just joined."""
        userid = f"doctor-{uuid.uuid4().hex[:10]}"
        status, body = http("POST", f"{self.simulator}/_sim/members", {"userid": userid, "name": userid, "role": ""})
        assert status == 201, body
        return userid

    def fault(self, **spec: Any) -> None:
        status, body = http("POST", f"{self.simulator}/_sim/faults", spec)
        assert status == 201, body


def http(method: str, url: str, body: object = None, data: bytes | None = None) -> tuple[int, bytes]:
    """Status and body of one request; ``body`` is sent as JSON, ``data`` as it is."""
    payload = json.dumps(body).encode() if body is not None else data
    headers = {"Content-Type": "application/json"} if body is not None else {"Content-Type": "text/xml"}
    request = urllib.request.Request(url, payload, headers, method=method)  # noqa: S310 - loopback only
    try:
        with urllib.request.urlopen(request, timeout=40) as response:  # noqa: S310
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def free_ports() -> tuple[int, int]:
    """Two neighbouring ports that are free now."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port, port + 1


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory, repository: Path, request: pytest.FixtureRequest) -> Path:
    """The data folder of the demo after its first start, to be copied: what that computes is computed once a run, in
    the process that needs it first. How a first start goes is seen by ``make run`` in :mod:`tests.docs`."""
    root = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        root = root.parent  # what all processes of this run share
    folder, begun = root / "settled", root / "settled-begun"
    with (root / "settled.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            loaded = run_forked(("bootstrap",), repository, {"PATH": os.defpath, "DATA_DIR": str(begun)}, within_s=200)
            assert loaded.returncode == 0, loaded.stderr
            (begun / "first_run_done").touch()
            begun.rename(folder)
    return folder


MakeSystem = Callable[..., AbstractContextManager[System]]
"""``make(name, **settings)``: the demo with these settings, as it is when it is started again."""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, repository: Path, settled: Path) -> MakeSystem:
    """Starts the demo in a copy of what is ``settled``."""

    def make(name: str, **settings: str) -> AbstractContextManager[System]:
        data_dir = tmp_path_factory.mktemp(name)
        shutil.copytree(settled, data_dir, dirs_exist_ok=True)
        return running_system(data_dir, repository, **settings)

    return make


@pytest.fixture(scope="session")
def system(demo: MakeSystem) -> Iterator[System]:
    """``python -m bot up`` with the demo, ready, and no language model. Many tests are the same few people, one after
    the other, and no platform would hold that against them."""
    with demo("system", HANDOFF_WAIT_S="6", PACE_PER_MINUTE="1000") as running:
        assert http("PATCH", f"{running.simulator}/_sim/rules", {"member_per_minute": 1000})[0] == 200
        yield running


@pytest.fixture(scope="session")
def awaited_llm() -> Iterator[LlmServer]:
    """The language model of ``small``."""
    with LlmServer() as server:
        yield server


WORKERS, WAITING = 2, 6
"""Of ``small``: how many messages it answers at a time, and how many may wait, those included."""


@pytest.fixture(scope="session")
def small(demo: MakeSystem, awaited_llm: LlmServer) -> Iterator[System]:
    """The demo with little room, and a language model that it waits for."""
    model = {"OPENAI_BASE_URL": awaited_llm.url, "OPENAI_API_KEY": "a-key", "OPENAI_MODEL": "scripted"}
    patience = {"LLM_FIRST_TOKEN_S": "60", "LLM_TIMEOUT_S": "120"}
    with demo("small", LIMIT_BOT_WAITING=str(WAITING), WORKER_THREADS=str(WORKERS), **model, **patience) as running:
        yield running


UP = (sys.executable, "-m", "bot", "up")


@contextmanager
def running_system(
    data_dir: Path, repository: Path, command: tuple[str, ...] = UP, **settings: str
) -> Iterator[System]:
    """An installation of its own in ``data_dir``, started by ``command``; all its processes end with it."""
    port, simulator_port = free_ports()
    environment = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}  # noqa: TID251
    environment |= {"PORT": str(port), "DATA_DIR": str(data_dir), "LOG_LEVEL": "INFO", "FLOWER": "0"}
    environment |= {"LIMIT_PERSON_PER_MINUTE": "200"} | settings  # all tests of a system are the same few people
    process = subprocess.Popen(
        command,
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = System(
        process=process,
        environment=environment,
        data_dir=data_dir,
        web=f"http://127.0.0.1:{port}",
        simulator=f"http://127.0.0.1:{simulator_port}",
    )
    with process:
        try:
            _wait_until_ready(running)
            yield running
        finally:
            for pid in running.pids(r"-m bot up\b"):
                os.kill(pid, signal.SIGINT)
            process.wait(timeout=30)
    assert process.returncode == 0
    assert running.pids("redis-server|celery|gunicorn|simulator") == [], "Ctrl-C stops all of it"


def _wait_until_ready(running: System) -> None:
    assert running.process.stdout is not None
    deadline = time.monotonic() + READY_WITHIN_S
    for line in running.process.stdout:
        running.lines.append(line.rstrip())
        if line.startswith("ready"):
            break
        if time.monotonic() > deadline:
            break
    else:
        pytest.fail("`up` ended before it was ready:\n" + "\n".join(running.lines))
    status, body = running.get("/readyz")
    assert status == 200, body


@pytest.fixture
def crowd(system: System) -> Crowd:
    return Crowd(system)


@pytest.fixture
def doctor(crowd: Crowd) -> Chat:
    """Somebody new, with a question."""
    return crowd.stranger()
