"""Whoever may name an address, and whoever answers at one, leads us nowhere else (the list: ``docs/security.md``)."""

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import requests

from bot.channel import ChannelError, Refused, Retry
from bot.connections import Connections
from bot.doctor.models import language_models
from bot.errors import BotError
from bot.knowledge.embedding_server import EmbeddingServer
from bot.knowledge.qdrant_calls import connect
from bot.media.fetch import READABLE
from bot.media.speech import SpeechService
from bot.messages import Attachment, MessageKind
from bot.parts import Text
from bot.settings import Settings
from tests.channels.wecom_aibot.conftest import RESPONSE_PATH, Installation
from tests.fakes.scripted_http import Answer, ScriptedServer
from tests.knowledge.small_index import open_small_server_index
from tests.llm.conftest import MakeModel, make_model, server
from tests.llm.test_model import ask
from tests.test_connections import NAMES, _self_signed

__all__ = ["make_model", "server"]

MEDIUM = "/media/abc"
LIMIT = 1_000_000


@pytest.fixture
def inside() -> Iterator[ScriptedServer]:
    """A machine of the internal network, which nobody outside may make us ask."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def outside() -> Iterator[ScriptedServer]:
    """A machine that we ask."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def robot(redis_client: "redis.Redis", outside: ScriptedServer) -> Installation:
    return Installation(outside, redis_client, Connections(environment=False))


def fetch(robot: Installation, url: str) -> None:
    attachment = Attachment(kind=MessageKind.FILE, url=url)
    robot.channel().fetch(attachment, io.BytesIO(), LIMIT, robot.clock() + 5)


# Answers that point elsewhere


def the_model(make_model: MakeModel, url: str, _folder: Path) -> None:
    ask(make_model(base_url=f"{url}/v1"))


def the_embedder(_make_model: MakeModel, url: str, _folder: Path) -> None:
    EmbeddingServer(requests.Session(), f"{url}/v1", "bge", "key").queries(["问"])


def the_ear(_make_model: MakeModel, url: str, _folder: Path) -> None:
    SpeechService(f"{url}/v1", "whisper", "key", 5.0).transcribe(b"ID3" + b"\0" * 64, "voice.mp3")


def the_index(_make_model: MakeModel, url: str, folder: Path) -> None:
    index = open_small_server_index(connect(url, "key", 5), folder)
    try:
        index.count()
    finally:
        index.close()


@pytest.mark.parametrize("service", [the_model, the_embedder, the_ear, the_index])
def test_no_service_sends_us_to_another_machine(
    service: Callable[[MakeModel, str, Path], None],
    make_model: MakeModel,
    outside: ScriptedServer,
    inside: ScriptedServer,
    tmp_path: Path,
) -> None:
    for number, status in enumerate((301, 302, 303, 307, 308)):
        for path in ("/", "/v1/chat/completions", "/v1/embeddings", "/v1/audio/transcriptions"):
            outside.on(path, Answer(status=status, headers={"Location": f"{inside.url}{path}"}))
        folder = tmp_path / str(status)
        folder.mkdir()
        with pytest.raises(BotError):
            service(make_model, outside.url, folder)
        assert len(outside.requests) > number
        assert inside.requests == []


def test_the_doctor_is_not_sent_elsewhere_either(
    outside: ScriptedServer, inside: ScriptedServer, tmp_path: Path
) -> None:
    for path in ("/v1/chat/completions", "/v1/models"):
        outside.on(path, Answer(status=307, headers={"Location": f"{inside.url}{path}"}))
    settings = Settings(
        data_dir=tmp_path, openai_base_url=f"{outside.url}/v1", openai_api_key="key", openai_model="large"
    )
    assert language_models(settings)
    assert inside.requests == []


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_platform_s_link_leads_to_one_machine(robot: Installation, inside: ScriptedServer, status: int) -> None:
    robot.platform.on(MEDIUM, Answer(status=status, headers={"Location": f"{inside.url}{MEDIUM}"}))
    with pytest.raises(Refused, match=f"http_{status}"):
        fetch(robot, f"{robot.platform.url}{MEDIUM}")
    robot.platform.on(RESPONSE_PATH, Answer(status=status, headers={"Location": f"{inside.url}{RESPONSE_PATH}"}))
    robot.hears()
    with pytest.raises(ChannelError):
        robot.say(Text("words"))
    assert inside.requests == []


# Addresses that somebody else names


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost"],
)
def test_addresses_inside_are_never_asked(robot: Installation, inside: ScriptedServer, host: str) -> None:
    port = inside.url.rpartition(":")[2]
    urls = (f"http://{host}:{port}{MEDIUM}", f"https://{host}:{port}{MEDIUM}", f"https://{host}{MEDIUM}")
    for number, url in enumerate(urls):
        with pytest.raises(Refused, match="not_fetchable"):
            fetch(robot, url)
        robot.hears(f"s{number}", url)
        with pytest.raises(Refused, match="bad_response_url"):
            robot.say(Text("words"))
    assert inside.requests == []


def test_a_name_of_the_platform_that_leads_inside_is_not_spoken_to(
    robot: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """DNS rebinding: the name is allowed, and what it leads to proves another one, even by a certificate we trust."""
    certificate, key = _self_signed(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with socket.create_server(("127.0.0.1", 0)) as resolver, _rebinding(resolver, serving) as said:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{resolver.getsockname()[1]}")
        there = replace(robot, http=Connections())
        with pytest.raises(Retry, match="tls_error"):
            fetch(there, "https://bucket.myqcloud.com/secret")
        there.hears(response_url="https://qyapi.weixin.qq.com/secret")
        with pytest.raises(Retry, match="tls_error"):
            there.say(Text("words"))
    assert said == [b"CONNECT bucket.myqcloud.com:443", b"CONNECT qyapi.weixin.qq.com:443"]


class _rebinding:  # noqa: N801 - used as a function
    """Whatever name is asked for leads to one machine of ours; gives what was said, in clear, to it and on the way."""

    def __init__(self, listening: socket.socket, serving: ssl.SSLContext) -> None:
        self._listening = listening
        self._serving = serving
        self._said: list[bytes] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> list[bytes]:
        self._thread.start()
        return self._said

    def __exit__(self, *_: object) -> None:
        self._thread.join(timeout=10)

    def _run(self) -> None:
        for _ in range(2):
            connection, _ = self._listening.accept()
            with connection:
                self._said.append(connection.recv(4096).partition(b" HTTP")[0])
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with suppress(ssl.SSLError, OSError), self._serving.wrap_socket(connection, server_side=True) as inner:
                    if heard := inner.recv(4096):
                        self._said.append(heard)


def test_a_link_that_a_person_sends_is_never_followed(robot: Installation, inside: ScriptedServer) -> None:
    assert MessageKind.LINK not in READABLE
    with pytest.raises(Refused, match="not_fetchable"):
        robot.channel().fetch(Attachment(kind=MessageKind.LINK, url=inside.url), io.BytesIO(), LIMIT, robot.clock() + 5)
    assert inside.requests == []
