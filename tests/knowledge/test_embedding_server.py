"""Vectors from a server: asked politely, and not trusted."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from bot.errors import ConfigError, Unavailable
from bot.knowledge.embedding_server import _MAX_RESPONSE_BYTES, ATTEMPTS, BATCH, EmbeddingServer
from bot.knowledge.masked_embedder import MaskedEmbedder
from tests.fakes.scripted_http import Answer, Drip, Scripted, ScriptedServer


class _Server(ThreadingHTTPServer):
    """A ``/embeddings`` that answers from a list of (status, body), then with vectors of ``dimension``."""

    def __init__(self) -> None:
        self.scripted: list[tuple[int, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.dimension = 3
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(asked)
        rows = [
            {"index": at, "embedding": [float(len(text))] + [0.0] * (self.server.dimension - 1)}
            for at, text in enumerate(asked["input"])
        ]
        status, body = self.server.scripted.pop(0) if self.server.scripted else (200, {"data": rows[::-1]})
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _connect(server: _Server, model: str = "bge-m3") -> EmbeddingServer:
    return EmbeddingServer(requests.Session(), f"http://127.0.0.1:{server.server_port}/v1/", model, "key")


def test_a_server_gives_unit_vectors_in_order_and_in_batches(server: _Server) -> None:
    embedder = _connect(server)
    assert embedder.dimension == 3
    assert embedder.passages(["a" * (n + 1) for n in range(BATCH + 1)]).tolist() == [[1, 0, 0]] * (BATCH + 1)
    assert [len(asked["input"]) for asked in server.requests] == [1, BATCH, 1]
    assert embedder.queries([]).shape == (0, 3)
    assert embedder.tokens is None


def test_e5_on_a_server_gets_its_prefixes(server: _Server) -> None:
    embedder = _connect(server, "intfloat/multilingual-e5-small")
    embedder.queries(["问"])
    embedder.passages(["答"])
    assert [asked["input"] for asked in server.requests[1:]] == [["query: 问"], ["passage: 答"]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((503, {}), Unavailable),
        ((429, {}), Unavailable),
        ((200, {"data": []}), Unavailable),
        ((200, {"wrong": 1}), Unavailable),
        ((200, [1]), Unavailable),
        ((200, {"data": [{"index": 0, "embedding": [1.0, 2.0]}]}), Unavailable),
        ((200, {"data": [{"index": 0, "embedding": [0.0, 0.0, 0.0]}]}), Unavailable),
        ((401, {}), ConfigError),
        ((302, {}), ConfigError),
    ],
)
def test_a_server_that_stays_wrong_is_an_error(
    server: _Server, answer: tuple[int, Any], error: type[Exception]
) -> None:
    embedder = _connect(server)
    server.scripted = [answer] * ATTEMPTS
    with pytest.raises(error):
        embedder.queries(["问"])
    assert server.scripted == ([] if error is Unavailable else [answer] * (ATTEMPTS - 1))


def test_one_failure_is_tried_again(server: _Server) -> None:
    embedder = _connect(server)
    server.scripted = [(500, {})]
    assert embedder.queries(["问"]).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Drip(part="body"), "did not end its answer"),
        (Drip(part="body", headers={"Content-Length": "1000"}), "did not end its answer"),
        (Answer(body=b"[" * 100_000), "no embeddings"),
        (Answer(body=b" " * (_MAX_RESPONSE_BYTES + 1)), "more than"),
        (Answer(body=b"{}", headers={"Content-Length": "3"}), "does not answer"),
    ],
    ids=["endless", "slow", "deep", "large", "cut"],
)
def test_a_body_is_read_within_bounds(answer: Scripted, fault: str) -> None:
    with ScriptedServer() as server:
        server.on("/embeddings", answer)
        with pytest.raises(Unavailable, match=fault):
            EmbeddingServer(requests.Session(), server.url, "m", timeout_s=0.5)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        EmbeddingServer(requests.Session(), "http://127.0.0.1:9", "m")


def test_a_server_reads_nothing_that_tells_who_asks(server: _Server) -> None:
    embedder = MaskedEmbedder(_connect(server))
    embedder.queries(["我叫王小明，电话13800138000，头孢怎么吃", "头孢怎么吃"])
    embedder.passages(["身份证号11010519491231002X的患者"])
    questions, passages = server.requests[1:]
    assert questions["input"] == ["我叫〔姓名1〕，电话〔手机号1〕，头孢怎么吃", "头孢怎么吃"]
    assert "11010519491231002X" not in passages["input"][0]
    assert embedder.tokens is None
    assert embedder.dimension == 3
