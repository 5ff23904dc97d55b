"""Our retrieval beside the plain baseline, both from the same run, as a table.

    python -m benchmarks.retrieval DATA_FOLDER --cache FOLDER [SET …]

A set is a folder with corpus.jsonl, queries.jsonl and perhaps unanswerable.jsonl; the default is every such folder.
Variants are written ``set:faq`` (rows are FAQs), ``set:text`` (only that field) and ``set:query_en`` (that key of the
queries is asked). The baseline is half the min-max scaled score of each of BM25 (k1 1.2, b 0.75, mean length of the
set) over the same terms and of e5, without gate, stop words or question field.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.evaluation.retrieval import RetrievalSet, evaluate_retrieval, read_set
from bot.knowledge.embedder import CachedEmbedder, E5Embedder
from bot.knowledge.fusion import DEPTH
from bot.knowledge.points import K1, B, body
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache

Floats = npt.NDArray[np.float64]

COLUMNS = ("recall@1", "mrr@10", "refusal_auc", "refused_at_95_kept", "ms_per_query")
SPECIAL = ("medical_faq:faq", "medical_faq:text", "xquad_zh:query_en")


def baseline_recall(rows: RetrievalSet, embedder: CachedEmbedder, tokenizer: Tokenizer) -> float:
    """R@1 of the plain half-and-half mix."""
    bodies = [body(entry) for entry in rows.entries]
    vectors = embedder.passages(bodies)
    bm25 = _bm25([tokenizer.terms(text) for text in bodies])
    right = 0
    for question in rows.questions:
        (vector,) = embedder.queries([question.text])
        scores = _scaled(bm25(tokenizer.terms(question.text))) + _scaled((vectors @ vector).astype(np.float64))
        right += rows.row_ids[rows.entries[int(np.argmax(scores))].id] in question.positives
    return right / len(rows.questions)


def _bm25(documents: list[list[str]]) -> Callable[[list[str]], Floats]:
    mean = sum(map(len, documents)) / len(documents)
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for at, terms in enumerate(documents):
        for term, count in Counter(terms).items():
            weight = count * (K1 + 1) / (count + K1 * (1 - B + B * len(terms) / mean))
            postings[term].append((at, weight))

    def score(terms: list[str]) -> Floats:
        scores = np.zeros(len(documents))
        for term in terms:
            held = postings.get(term, [])
            idf = np.log((len(documents) - len(held) + 0.5) / (len(held) + 0.5) + 1)
            for at, weight in held:
                scores[at] += idf * weight
        return scores

    return score


def _scaled(scores: Floats) -> Floats:
    """1 for the best, 0 for the :data:`DEPTH`-th and below."""
    floor = np.sort(scores)[-min(DEPTH, len(scores))]
    span = scores.max() - floor
    scaled: Floats = np.clip((scores - floor) / span, 0, 1) if span > 0 else np.zeros_like(scores)
    return scaled


def measure(
    data: Path, name: str, embedder: E5Embedder, cache: VectorCache, tokenizer: Tokenizer
) -> tuple[float, dict[str, Any]]:
    """(the baseline's R@1, our figures) of one set or variant."""
    folder, _, variant = name.partition(":")
    corpus, queries, unanswerable = (data / folder / f"{part}.jsonl" for part in ("corpus", "queries", "unanswerable"))
    faq, fields = variant == "faq", ("text",) if variant == "text" else ("title", "text")
    with tempfile.TemporaryDirectory() as scratch:
        if variant.startswith("query"):
            rows = [json.loads(line) for line in queries.read_text(encoding="utf-8").splitlines()]
            queries = Path(scratch) / "queries.jsonl"
            queries.write_text("".join(json.dumps({**row, "query": row[variant]}) + "\n" for row in rows))
            unanswerable = Path(scratch) / "absent"
        refusals = unanswerable if unanswerable.exists() else None
        figures = evaluate_retrieval(
            corpus,
            queries,
            refusals,
            fields=fields,
            faq=faq,
            embedder=embedder,
            cache=cache,
            tokenizer=tokenizer,
            progress=_silent,
        )
        read = read_set(corpus, queries, None, fields=fields, faq=False)
    return baseline_recall(read, CachedEmbedder(embedder, cache), tokenizer), figures


def main(arguments: Sequence[str]) -> None:
    """Print the table, one line a set as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="*", help="default: all, and the variants " + ", ".join(SPECIAL))
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors and the model's graph")
    options = parser.parse_intermixed_args(arguments)
    present = sorted(path.parent.name for path in options.data.glob("*/corpus.jsonl"))
    sets = options.sets or [*present, *(name for name in SPECIAL if name.partition(":")[0] in present)]
    embedder = E5Embedder(options.cache)
    cache = VectorCache(options.cache / "vectors.sqlite")
    tokenizer = Tokenizer(Segmenter(jieba_dictionary()))
    sys.stdout.write(f"| set | n | baseline R@1 | {' | '.join(COLUMNS)} | removed, ood |\n")
    sys.stdout.write("| --- " * (len(COLUMNS) + 4) + "|\n")
    for name in sets:
        baseline, figures = measure(options.data, name, embedder, cache, tokenizer)
        cells = [f"{baseline:.3f}", *(_cell(figures[column]) for column in COLUMNS)]
        by_kind = figures["refusal_auc_by_kind"] or {}
        cells.append(", ".join(_cell(value) for value in by_kind.values()) or "–")
        sys.stdout.write(f"| {name} | {figures['n']} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


def _silent(_stage: str, _done: int, _total: int) -> None:
    """No progress: the table's lines are progress enough."""


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main(sys.argv[1:])
