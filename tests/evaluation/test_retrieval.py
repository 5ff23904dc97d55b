"""``eval retrieval``: the contract's keys, the right figures, and what a bad file is told."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.errors import UsageError
from bot.evaluation.retrieval import evaluate_retrieval, read_set
from bot.knowledge.calibration import ANSWER_THRESHOLD
from bot.knowledge.embedder import Floats, Progress
from bot.knowledge.segment import Segmenter
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache

CORPUS = [
    {"id": "d1", "title": "apple", "text": "red fruit"},
    {"id": "d2", "title": "banana", "text": "yellow fruit"},
    {"id": "d3", "title": "carrot", "text": "orange root", "dept": "ignored"},
]
QUERIES = [
    {"id": "q1", "query": "apple", "positives": ["d1"]},
    {"id": "q2", "query": "carrot", "positives": ["d1", "d3"]},
    {"id": "q3", "query": "banana", "positives": ["d3"]},
]
UNANSWERABLE = [{"id": "u1", "query": "zebra", "kind": "ood"}]


class Letters:
    """Vectors of letter counts."""

    name = "letters"
    dimension = 27
    tokens = None

    def __init__(self) -> None:
        self.passages_embedded = 0

    def queries(self, texts: Sequence[str]) -> Floats:
        counts = [[1.0] + [text.count(chr(97 + at)) for at in range(26)] for text in texts]
        vectors = np.array(counts, dtype=np.float32).reshape(-1, 27)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        self.passages_embedded += len(texts)
        return self.queries(texts)


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows), encoding="utf-8")
    return path


def _evaluate(folder: Path, embedder: Letters, *, unanswerable: bool = True, faq: bool = False) -> dict[str, Any]:
    words = folder / "words.txt"
    words.write_text("词 1 n\n")
    told: list[tuple[str, int, int]] = []
    result = evaluate_retrieval(
        _write(folder / "corpus.jsonl", CORPUS),
        _write(folder / "queries.jsonl", QUERIES),
        _write(folder / "unanswerable.jsonl", UNANSWERABLE) if unanswerable else None,
        fields=("title", "text"),
        faq=faq,
        embedder=embedder,
        cache=VectorCache(folder / "vectors.sqlite"),
        tokenizer=Tokenizer(Segmenter(words)),
        progress=lambda *step: told.append(step),
    )
    assert told[0] == ("index", 3, 3)
    assert told[1] == ("questions", 3, 3)
    return result


@pytest.mark.parametrize("faq", [False, True])
def test_a_small_set_is_measured(tmp_path: Path, faq: bool) -> None:
    result = _evaluate(tmp_path, Letters(), faq=faq)
    assert list(result) == [
        *("n", "recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10"),
        *("refusal_auc", "refused_at_95_kept", "refusal_auc_by_kind", "ms_per_query"),
        *("threshold", "right_firsts_kept", "precision_shown", "unanswerable_refused"),
        *("right_firsts_kept_or_named", "label_free"),
    ]
    assert result["n"] == 3
    assert result["recall@1"] == pytest.approx(2 / 3)
    assert result["recall@5"] == 1.0
    assert result["refusal_auc"] == 1.0
    assert result["refused_at_95_kept"] == 1.0
    assert result["refusal_auc_by_kind"] == {"removed": None, "ood": 1.0}
    assert result["ms_per_query"] > 0
    assert result["threshold"] == ANSWER_THRESHOLD
    at = ("threshold", "right_firsts_kept", "precision_shown", "unanswerable_refused")
    assert set(result["label_free"]) == set(at)
    assert 0 < result["label_free"]["threshold"] < 1
    assert result["label_free"]["right_firsts_kept"] == 1.0, "a first hit that is right leaves a gap"


def test_without_unanswerable_queries_there_are_no_refusal_figures(tmp_path: Path) -> None:
    result = _evaluate(tmp_path, Letters(), unanswerable=False)
    assert [result[key] for key in ("refusal_auc", "refused_at_95_kept", "refusal_auc_by_kind")] == [None] * 3


def test_a_second_run_embeds_no_passage_again(tmp_path: Path) -> None:
    embedder = Letters()
    first = _evaluate(tmp_path, embedder)
    second = _evaluate(tmp_path, embedder)
    assert embedder.passages_embedded == 3
    assert {**first, "ms_per_query": 0} == {**second, "ms_per_query": 0}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("corpus", "", "corpus.jsonl has no rows"),
        ("corpus", '{"id": "d1", "text": "a"}\n{"id": "d1", "text": "b"}', "corpus.jsonl:2: the id 'd1' occurs twice"),
        ("corpus", '{"id": "d1"}', "corpus.jsonl:1: text is missing"),
        ("corpus", '{"id": 1, "text": "a"}', "corpus.jsonl:1: id is missing or no text"),
        ("corpus", "\n[1]", "corpus.jsonl:2: a JSON object"),
        ("corpus", "{", "corpus.jsonl:1: this is no JSON"),
        ("corpus", b"\xff\xfe", "corpus.jsonl:1: this is no JSON in UTF-8"),
        ("queries", '{"query": "a", "positives": []}', "queries.jsonl:1: positives"),
        ("queries", '{"query": "a", "positives": ["d9"]}', "queries.jsonl:1: the corpus has no document 'd9'"),
        ("queries", '{"positives": ["d1"]}', "queries.jsonl:1: query is missing"),
        ("unanswerable", '{"query": "a", "kind": "odd"}', "unanswerable.jsonl:1: kind must be one of removed, ood"),
        ("unanswerable", None, "unanswerable.jsonl cannot be read"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, name: str, content: str | bytes | None, told: str) -> None:
    paths = {
        "corpus": _write(tmp_path / "corpus.jsonl", CORPUS),
        "queries": _write(tmp_path / "queries.jsonl", QUERIES),
        "unanswerable": _write(tmp_path / "unanswerable.jsonl", UNANSWERABLE),
    }
    if content is None:
        paths[name].unlink()
    else:
        paths[name].write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=told):
        read_set(paths["corpus"], paths["queries"], paths["unanswerable"], fields=("title", "text"), faq=False)


@pytest.mark.parametrize(
    ("fields", "faq", "told"),
    [(("body",), False, "--field takes"), ((), False, "--field takes"), (("text",), True, "--faq needs both")],
)
def test_wrong_fields_are_told(tmp_path: Path, fields: tuple[str, ...], faq: bool, told: str) -> None:
    corpus = _write(tmp_path / "corpus.jsonl", CORPUS)
    with pytest.raises(UsageError, match=told):
        read_set(corpus, corpus, None, fields=fields, faq=faq)
