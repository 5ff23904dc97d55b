"""The whole system with two corps, whose ``bots.yaml`` changes while it runs: nobody is restarted."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from simulator.platform import Platform
from simulator.server import SimulatorServer
from simulator.settings import Member, Settings
from tests.e2e.conftest import Chat, System, http, running_system
from tests.fakes.http_server import FakeServer
from tests.reload.conftest import FINANCE, IMAGING, bots_yaml, put
from tests.reload.waiting import until

TOKEN_PATH = "/cgi-bin/gettoken"


class Gateway:
    """WeCom's one address for all corps: hands each call to the simulator of the corp that it is for."""

    def __init__(self) -> None:
        self.corps: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self._corp_of_token: dict[str, str] = {}
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gateway._hand_on(self)

            do_POST = do_GET  # noqa: N815 -- the name http.server looks for

            def log_message(self, *_: Any) -> None:
                pass

        self._server = FakeServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="gateway")

    def __enter__(self) -> "Gateway":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.cut_open_connections()
        self._server.server_close()

    def token_fetches(self, corp_id: str) -> int:
        return self.calls.count((corp_id, TOKEN_PATH))

    def _hand_on(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        corp = query["corpid"] if parts.path == TOKEN_PATH else self._corp_of_token[query["access_token"]]
        self.calls.append((corp, parts.path))
        status, answer = http(handler.command, self.corps[corp] + handler.path, data=body or None)
        if parts.path == TOKEN_PATH:
            self._corp_of_token[json.loads(answer)["access_token"]] = corp
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)


@dataclass
class TwoCorps:
    """A running installation with a bot in each of two corps, and a member of each with a chat window."""

    system: System
    gateway: Gateway
    file: Path
    doctor: Chat
    accountant: Chat
    pids: list[int] = field(default_factory=list)

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.system.get("/readyz")[1])["configuration"]
        return found

    def versions(self) -> set[tuple[str, str]]:
        """Kind and version of every process."""
        return {(told["kind"], told["version"]) for told in self.configuration()["processes"].values()}

    def operator_saves(self, *blocks: str) -> None:
        """The file changes, and every process has taken it over."""
        before = self.configuration()["version"]
        put(self.file, bots_yaml(*blocks))
        until(lambda: self._all_run_one_other_than(before))

    def _all_run_one_other_than(self, version: str) -> bool:
        now = self.versions()
        return {kind for kind, _ in now} == {"web", "worker"} and len({told for _, told in now} - {version}) == len(
            {told for _, told in now}
        ) == 1

    def running(self) -> list[int]:
        return sorted(self.system.pids("gunicorn|celery .* worker"))


@pytest.fixture(scope="module")
def two_corps(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[TwoCorps]:
    folder = tmp_path_factory.mktemp("two_corps")
    file = folder / "bots.yaml"
    put(file, bots_yaml(IMAGING.block(), FINANCE.block()))
    with (
        Gateway() as gateway,
        running_system(folder / "data", repository, BOTS_FILE=str(file), WECOM_API_BASE=gateway.url) as system,
        SimulatorServer(Platform(_second_corp(system.web))) as second,
    ):
        gateway.corps = {IMAGING.corp_id: system.simulator, FINANCE.corp_id: second.url}
        yield TwoCorps(system, gateway, file, Chat(system.simulator, "visitor"), Chat(second.url, "visitor"))


def _second_corp(web: str) -> Settings:
    return Settings(
        corp_id=FINANCE.corp_id,
        agent_id=1000002,
        secret=FINANCE.secret,
        token=FINANCE.token,
        encoding_aes_key=FINANCE.encoding_aes_key,
        callback_url=f"{web}/callback/finance/app",
        members=(Member.parse("visitor:访客"),),
    )


def test_a_change_is_in_the_next_turn_without_a_restart(two_corps: TwoCorps) -> None:
    doctor, accountant, gateway = two_corps.doctor, two_corps.accountant, two_corps.gateway
    running = two_corps.running()
    assert "小影" in doctor.says("/help").hears()
    assert "小财" in accountant.says("/help").hears(), "each corp hears its own bot"
    assert "管理员" in doctor.says("/echo 你好").hears()
    assert gateway.token_fetches(FINANCE.corp_id) == 1

    two_corps.operator_saves(IMAGING.block(name="新影", admin="visitor"), FINANCE.block())
    assert doctor.says("/echo 你好").hears() == "你好"
    assert "新影" in doctor.says("/help").hears()
    assert "管理员" in accountant.says("/echo 你好").hears(), "an admin there is nobody here"
    assert "小财" in accountant.says("/help").hears()
    assert gateway.token_fetches(FINANCE.corp_id) == 1, "the other corp's bot is undisturbed"
    assert two_corps.running() == running
    assert two_corps.configuration()["state"] == "ok"


def test_a_bad_file_is_refused_by_all_and_said(two_corps: TwoCorps) -> None:
    good = two_corps.file.read_text(encoding="utf-8")
    put(two_corps.file, good.replace("name: 小财", "nmae: 小财"))
    until(lambda: {told["state"] for told in two_corps.configuration()["processes"].values()} == {"refusing"})
    found = two_corps.configuration()
    assert found["state"] == "degraded"
    assert any(problem.startswith("bots.yaml:") and "nmae" in problem for problem in found["problems"])
    assert two_corps.system.get("/readyz")[0] == 200
    assert "小财" in two_corps.accountant.says("/help").hears(), "the last good one runs"
    assert "configuration_refused" in two_corps.system.log("worker")
    assert b'bot_configurations_total{result="refused"} 3.0' in two_corps.system.get("/metrics")[1]
    put(two_corps.file, good)
    until(lambda: two_corps.configuration()["state"] == "ok")
