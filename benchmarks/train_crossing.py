"""Makes the part of bot/knowledge/calibration.json for questions in another language than what answers them.

    python -m benchmarks.train_crossing DATA_FOLDER --cache FOLDER [--write]

Learned as ``benchmarks/train_calibration.py`` learns the rest: from the English questions of xquad_zh put to its
Chinese passages, with their documents masked, and from English questions of another domain (clinc_oos_en). Judged on
insuranceqa_xling, Chinese questions put to English ones, which was never learned from (GPL-3.0). Neither has real
questions without an answer, so masked ones stand for them.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from benchmarks.calibration_fit import Examples, train
from benchmarks.train_calibration import (
    FOREIGN,
    SMALL,
    TARGET,
    Asking,
    collect,
    collect_small,
    foreign_questions,
    judge,
    read_variant,
    written,
)
from bot.evaluation.retrieval import RetrievalSet, read_set, scratch_index
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import CachedEmbedder, E5Embedder
from bot.knowledge.entries import Entry
from bot.knowledge.features import CROSSING_FEATURES, Ranking, crossing_features
from bot.knowledge.index import Candidates
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache

FIELDS = ("title", "text")
LEARNED, JUDGED = "xquad_zh, English questions", "insuranceqa_xling"


class Bench:
    """Examples of one language put to another, with vectors from a cache."""

    def __init__(self, cache: Path) -> None:
        self._tokenizer = Tokenizer(Segmenter(jieba_dictionary()))
        self._embedder = E5Embedder(cache)
        self._vectors = VectorCache(cache / "vectors.sqlite")

    def examples(self, rows: RetrievalSet, foreign: Sequence[str]) -> dict[str, Examples]:
        """Of the whole set, and of knowledge bases of a few entries."""
        with self._lend(rows.entries) as index:
            whole = collect(self._asking(index), rows, foreign)
        cached = CachedEmbedder(self._embedder, self._vectors)
        return {"": whole, SMALL: collect_small(rows, foreign, self._lend, cached, self._asking)}

    def _lend(self, entries: list[Entry]) -> AbstractContextManager[EdgeIndex]:
        return scratch_index(entries, self._embedder, self._vectors, self._tokenizer, lambda *_: None)

    def _asking(self, index: EdgeIndex) -> Asking:
        return Asking(index, self._embedder, _measure)


def main(arguments: Sequence[str]) -> None:
    """Train, judge, and with ``--write`` put the weights into the product."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    bench = Bench(options.cache)

    learned = bench.examples(_english(options.data / "xquad_zh"), _domains(options.data / "clinc_oos_en"))
    model = train({LEARNED + size: examples for size, examples in learned.items()}, dict.fromkeys(_names(LEARNED), ""))

    folder = options.data / JUDGED
    rows = read_set(folder / "corpus.jsonl", folder / "queries.jsonl", None, fields=FIELDS, faq=False)
    foreign = foreign_questions([read_variant(options.data, "medical_faq", FIELDS, False).questions])
    for number, (size, examples) in enumerate(bench.examples(rows, foreign).items()):
        judged = judge(examples, model)
        if not number:
            sys.stdout.write("| judged | " + " | ".join(judged) + " |\n" + "| --- " * (len(judged) + 1) + "|\n")
        figures = " | ".join("–" if value is None else f"{value:.3f}" for value in judged.values())
        sys.stdout.write(f"| {JUDGED}{size} | {figures} |\n")
    if options.write:
        fields = json.loads(TARGET.read_text(encoding="utf-8"))
        data = ["clinc_oos_en (CC BY 3.0)", "xquad_zh (CC BY-SA 4.0)"]
        attribution = ["clinc_oos_en: Larson et al., clinc/oos-eval", "xquad_zh: Artetxe et al., google-deepmind/xquad"]
        fields["crossing"] = {"data": data, "attribution": attribution, **written(CROSSING_FEATURES, model)}
        TARGET.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _names(name: str) -> tuple[str, str]:
    return name, name + SMALL


def _measure(candidates: Candidates, ranking: Ranking, _question: str, _entries: Sequence[Entry]) -> tuple[float, ...]:
    return crossing_features(candidates, ranking)


def _english(folder: Path) -> RetrievalSet:
    """The set with the English originals of its questions; its questions without an answer have none."""
    rows = read_set(folder / "corpus.jsonl", folder / "queries.jsonl", None, fields=FIELDS, faq=False)
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    originals = [json.loads(line)["query_en"] for line in lines if line]
    return replace(
        rows, questions=[replace(one, text=text) for one, text in zip(rows.questions, originals, strict=True)]
    )


def _domains(folder: Path) -> list[str]:
    """Questions that nothing there answers."""
    lines = (folder / "data.jsonl").read_text(encoding="utf-8").splitlines()
    return random.Random(1).sample([json.loads(line)["text"] for line in lines if line], FOREIGN)


if __name__ == "__main__":
    main(sys.argv[1:])
