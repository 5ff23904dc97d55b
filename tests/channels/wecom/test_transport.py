"""One exchange over HTTP: its connection, its thread, and what is known when it fails."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bot.connections import Connections
from channels.wecom.transport import Deadline, HttpAnswer, HttpRequest, NoAnswer, exchange
from tests.channels.threads import await_idle_threads
from tests.fakes.scripted_http import Answer, ScriptedServer, reply

PATH = "/cgi-bin/message/send"


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.on(PATH, reply({"errcode": 0}))
        yield server


@pytest.fixture
def http() -> Connections:
    return Connections(environment=False)


def post(http: Connections, base_url: str, *, within_s: float = 5.0, path: str = PATH) -> HttpAnswer:
    request = HttpRequest(method="POST", url=f"{base_url}{path}", query={"access_token": "a&b"}, body=b"{}")
    return exchange(http, request, Deadline(time.time() + within_s, time.time))


def failure(http: Connections, base_url: str, *, within_s: float = 5.0) -> tuple[str, bool]:
    with pytest.raises(NoAnswer) as caught:
        post(http, base_url, within_s=within_s)
    return caught.value.code, caught.value.written


def test_a_request_says_what_it_must_and_nothing_about_itself(http: Connections, platform: ScriptedServer) -> None:
    assert post(http, platform.url).body == b'{"errcode": 0}'
    (request,) = platform.requests
    assert (request.method, request.query, request.body) == ("POST", {"access_token": "a&b"}, b"{}")
    assert request.headers["content-length"] == "2"
    assert "transfer-encoding" not in request.headers
    assert "cookie" not in request.headers


def test_exchanges_share_one_connection_and_one_thread(http: Connections, platform: ScriptedServer) -> None:
    post(http, platform.url)
    await_idle_threads()
    threads = threading.active_count()
    for _ in range(20):
        post(http, platform.url)
    assert platform.open_connections == 1
    assert threading.active_count() == threads


def test_a_connection_that_was_closed_while_idle_is_not_written_to(http: Connections, platform: ScriptedServer) -> None:
    for _ in range(3):
        assert post(http, platform.url).status == 200
        platform.hang_up()
    assert len(platform.requests) == 3


def test_an_answer_that_is_not_read_to_its_end_takes_its_connection_with_it(
    http: Connections, platform: ScriptedServer
) -> None:
    platform.on(PATH, Answer(body=b"x" * 100_000), reply({"errcode": 0}))
    assert failure(http, platform.url) == ("answer_too_large", True)
    assert post(http, platform.url).body == b'{"errcode": 0}'


def test_whoever_was_left_behind_holds_nobody_up(http: Connections, platform: ScriptedServer) -> None:
    platform.on("/slow", Answer(delay_s=60))
    for _ in range(3):
        with pytest.raises(NoAnswer, match="timeout"):
            post(http, platform.url, within_s=0.1, path="/slow")
    started = time.monotonic()
    assert post(http, platform.url).status == 200
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("url", ["http://[bad", "http://127.0.0.1:99999", "ftp://127.0.0.1"])
def test_an_address_that_leads_nowhere_is_a_lost_connection(http: Connections, url: str) -> None:
    assert failure(http, url) == ("connection_lost", False)


def test_a_refused_connection_is_lost_and_no_time_out(http: Connections) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert failure(http, f"http://127.0.0.1:{port}") == ("connection_lost", False)


def test_a_name_and_password_in_the_address_become_a_header(http: Connections, platform: ScriptedServer) -> None:
    post(http, platform.url.replace("://", "://gate:s%40crets@"))
    (request,) = platform.requests
    assert request.headers["authorization"] == "Basic Z2F0ZTpzQGNyZXRz"  # gate:s@crets
    assert "gate" not in request.headers["host"]


def test_a_redirect_is_an_answer_like_any_other(http: Connections, platform: ScriptedServer) -> None:
    platform.on(PATH, Answer(status=302, headers={"Location": f"{platform.url}/elsewhere"}))
    assert post(http, platform.url).status == 302
    assert len(platform.requests) == 1


def test_a_server_that_asks_for_a_retry_is_not_obeyed(http: Connections, platform: ScriptedServer) -> None:
    platform.on(PATH, Answer(status=503, headers={"Retry-After": "1"}))
    assert post(http, platform.url).status == 503
    assert len(platform.requests) == 1
