"""Makes bot/knowledge/calibration.json again, and prints what its thresholds keep and refuse.

    python -m benchmarks.train_calibration DATA_FOLDER --cache FOLDER [--write]

Learned from simulated gaps: every answerable query once as it is, once with its documents masked, and some put to a
foreign set; and the same in knowledge bases of 1 to 30 entries cut out of the sets, since most begin small. Each set in
turn is left out and judged on its real unanswerable queries, which are never trained on. The curves are learned from
right first hits against gaps, then slope and bias once more with the wrong first hits among the examples. Their
weights state an assumption: of three questions two have an answer in the knowledge.

Only sets whose licence lets a product ship what was learned from them are used: not insuranceqa_xling (GPL-3.0) and
not rgb_zh (non-commercial).
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration_fit import Examples, Floats, Model, predict, train
from benchmarks.reliability import diagram
from bot.evaluation.metrics import auc
from bot.evaluation.retrieval import Question, RetrievalSet, read_set, scope, scratch_index
from bot.knowledge.calibration import ANSWER_THRESHOLD, SURE
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import CachedEmbedder, E5Embedder
from bot.knowledge.entries import Entry
from bot.knowledge.features import FEATURES, Ranking, features
from bot.knowledge.fusion import DEPTH, fuse
from bot.knowledge.index import Candidates
from bot.knowledge.points import body
from bot.knowledge.reranking import RERANKED, closeness, rerank
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.token_states import Encoded
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache

Lend = Callable[[list[Entry]], AbstractContextManager[EdgeIndex]]
Measure = Callable[[Candidates, Ranking, str, Sequence[Entry]], tuple[float, ...]]
"""Features as :func:`~bot.knowledge.features.features` makes them."""

SETS = {
    # variant: (set, fields, faq, licence of what is trained on)
    "medical_faq": ("medical_faq", ("title", "text"), False, "MIT"),
    "medical_faq --faq": ("medical_faq", ("title", "text"), True, "MIT"),
    "medical_faq --field text": ("medical_faq", ("text",), False, "MIT"),
    "tidb_faq": ("tidb_faq", ("title", "text"), False, "CC BY-SA 3.0"),
    "cmrc2018": ("cmrc2018", ("title", "text"), False, "CC BY-SA 4.0"),
    "xquad_zh": ("xquad_zh", ("title", "text"), False, "CC BY-SA 4.0"),
    "drcd": ("drcd", ("title", "text"), False, "CC BY-SA 3.0"),
}
FOREIGN = 200
SMALL = ", 1 to 30 entries"
"""What the name of a variant ends in when its knowledge bases are small."""
SMALL_SIZES = (1, 3, 10, 30)
SMALL_BASES = 12
"""Knowledge bases of each size that are cut out of one variant."""
TARGET = Path(__file__).parent.parent / "bot" / "knowledge" / "calibration.json"
RESAMPLES = 1_000
"""Of the questions, for an interval of 95 %."""


def collect(asking: "Asking", rows: RetrievalSet, foreign: Iterable[str]) -> Examples:
    """All examples of one variant."""
    examples = Examples()
    entry_ids = {row_id: entry_id for entry_id, row_id in rows.row_ids.items()}
    for question in rows.questions:
        positives = frozenset(entry_ids[id_] for id_ in question.positives)
        asking.add(examples, "asked", question.text, positives)
        asking.add(examples, "masked", question.text, frozenset(), hidden=positives)
    for text in foreign:
        asking.add(examples, "foreign", text, frozenset())
    for question in rows.unanswerable:
        asking.add(examples, question.kind, question.text, frozenset())
    return examples


class Asking:
    """Searches ``index`` for examples, whose rows ``measure`` makes."""

    def __init__(self, index: EdgeIndex, embedder: E5Embedder, measure: Measure = features) -> None:
        self._index = index
        self._embedder = embedder
        self._measure = measure

    def add(
        self, examples: Examples, sort: str, text: str, right: frozenset[str], hidden: frozenset[str] = frozenset()
    ) -> None:
        """An example of ``sort``: the search for ``text`` that cannot see ``hidden``, where ``right`` answers."""
        encoded = _encoded(self._embedder, text)
        found = self._index.candidates(text, encoded.vector, scope(), None, DEPTH + len(hidden))
        found = mask(found, hidden)
        plain = fuse(found)
        entries = self._index.entries([id_ for id_, _ in plain[:RERANKED]])
        bodies = {entry.id: body(entry) for entry in entries}
        first = plain[0][0]
        close = closeness(encoded, found, entries, self._index.states) if self._index.states else None
        if close is None:
            raise SystemExit("late interaction does not work here")
        ranking = rerank(found, plain, close, len(encoded.texts))
        first = ranking[0][0]
        row = self._measure(found, ranking, text, entries)
        examples.add(sort, row, right=first in right, pair=(text, bodies[first]))


AskingOf = Callable[[EdgeIndex], Asking]


@lru_cache(maxsize=2000)
def _encoded(embedder: E5Embedder, text: str) -> Encoded:
    if embedder.tokens is None:
        raise SystemExit("late interaction does not work here")
    return embedder.tokens.encode([text], "query")[0]


def collect_small(
    variant: RetrievalSet, foreign: Sequence[str], lend: Lend, vectors: CachedEmbedder, asking_of: "AskingOf"
) -> Examples:
    """Examples of knowledge bases of a few entries: their own questions, near ones of others, and distant ones."""
    examples = Examples()
    dice = random.Random(2)
    of_entry = {id_: question for question in variant.questions for id_ in question.positives}
    answered = [entry for entry in variant.entries if variant.row_ids[entry.id] in of_entry]
    for size in SMALL_SIZES:
        for _ in range(SMALL_BASES):
            entries = dice.sample(answered, size)
            here = {variant.row_ids[entry.id] for entry in entries}
            others = [question for question in variant.questions if not question.positives & here]
            with lend(entries) as index:
                asking = asking_of(index)
                for id_ in sorted(here)[:5]:
                    question = of_entry[id_]
                    answers = (entry.id for entry in entries if variant.row_ids[entry.id] in question.positives)
                    asking.add(examples, "asked", question.text, frozenset(answers))
                near = _nearest(others, entries, vectors)[: min(len(here), 5)]
                for question in near + dice.sample(others, min(len(here), 5)):
                    asking.add(examples, "masked", question.text, frozenset())
                for text in dice.sample(foreign, 2):
                    asking.add(examples, "foreign", text, frozenset())
    return examples


def _nearest(questions: list[Question], entries: list[Entry], vectors: CachedEmbedder) -> list[Question]:
    """``questions`` in the order of their cosine with any of ``entries``: the gaps that look most like answers."""
    cosines = (
        vectors.queries([question.text for question in questions])
        @ vectors.passages([body(entry) for entry in entries]).T
    )
    return [questions[at] for at in np.argsort(-cosines.max(axis=1))]


def mask(found: Candidates, hidden: frozenset[str]) -> Candidates:
    """``found`` as if the entries ``hidden`` were not there."""
    routes = {
        route: dict([(id_, score) for id_, score in scores.items() if id_ not in hidden][:DEPTH])
        for route, scores in found.routes.items()
    }
    return replace(found, routes=routes, visible=found.visible - len(hidden))


def judge(examples: Examples, model: Model) -> dict[str, float | None]:
    """What ``model`` does with one variant's real queries: what it shows, and what of that it is sure of."""
    asked = predict(examples.rows["asked"], model)
    right = [score for score, good in zip(asked, examples.right["asked"], strict=True) if good]
    wrong = [score for score, good in zip(asked, examples.right["asked"], strict=True) if not good]
    # A small base has no removed queries of its own: those of its set that it cannot answer stand for them.
    sorts = {"removed": "removed" if "removed" in examples.rows else "masked", "ood": "ood"}
    sorts["ood"] = "ood" if "ood" in examples.rows else "foreign"
    gone = {column: predict(examples.rows[sort], model) for column, sort in sorts.items()}
    unanswerable = [score for scores in gone.values() for score in scores]
    shares: dict[str, float | None] = {
        "auc removed": auc(asked, gone["removed"]),
        "from": interval(asked, gone["removed"])[0],
        "to": interval(asked, gone["removed"])[1],
        "auc ood": auc(asked, gone["ood"]),
        "auc first right": auc(right, wrong + unanswerable),
        "right shown": _share(right, ANSWER_THRESHOLD),
        "wrong shown": _share(wrong, ANSWER_THRESHOLD),
        "removed shown": _share(gone["removed"], ANSWER_THRESHOLD),
        "ood shown": _share(gone["ood"], ANSWER_THRESHOLD),
        "right among all": len(right) / len(right + wrong + unanswerable),
        "right among shown": _right(right, wrong + unanswerable, ANSWER_THRESHOLD),
        "right sure": _share(right, SURE),
        "removed sure": _share(gone["removed"], SURE),
        "right among sure": _right(right, wrong + unanswerable, SURE),
    }
    return shares


def interval(kept: list[float], gone: list[float]) -> tuple[float, float]:
    """The bounds of 95 % of the AUC when both sides are drawn again with replacement."""
    dice = np.random.default_rng(1)
    above = (np.array(kept)[:, None] > np.array(gone)) + 0.5 * (np.array(kept)[:, None] == np.array(gone))
    drawn = [
        np.bincount(dice.integers(len(kept), size=len(kept)), minlength=len(kept))
        @ above
        @ np.bincount(dice.integers(len(gone), size=len(gone)), minlength=len(gone))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(np.array(drawn) / above.size, (0.025, 0.975))
    return float(low), float(high)


def _share(scores: list[float], threshold: float) -> float | None:
    """The share of ``scores`` from ``threshold`` on."""
    return sum(score >= threshold for score in scores) / len(scores) if scores else None


def _right(right: list[float], wrong: list[float], threshold: float) -> float | None:
    """The share that is ``right`` of all scores from ``threshold`` on."""
    met, missed = (sum(score >= threshold for score in scores) for scores in (right, wrong))
    return met / (met + missed) if met + missed else None


def main(arguments: Sequence[str]) -> None:
    """Train, judge with each set left out, and with ``--write`` put the weights into the product."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--picture", type=Path, help="where to draw how reliable the confidence is")
    options = parser.parse_intermixed_args(arguments)
    say: Callable[[str], object] = sys.stdout.write

    tokenizer = Tokenizer(Segmenter(jieba_dictionary()))
    embedder = E5Embedder(options.cache)
    cache = VectorCache(options.cache / "vectors.sqlite")
    vectors = CachedEmbedder(embedder, cache)
    read = {name: read_variant(options.data, *spec[:3]) for name, spec in SETS.items()}
    groups = {name: spec[0] for name, spec in SETS.items()}
    variants = {}
    for name, rows in read.items():
        foreign = foreign_questions([read[other].questions for other in read if groups[other] != groups[name]])
        with scratch_index(rows.entries, embedder, cache, tokenizer, lambda *_: None) as index:
            variants[name] = collect(Asking(index, embedder), rows, foreign)

        def lend(entries: list[Entry]) -> AbstractContextManager[EdgeIndex]:
            return scratch_index(entries, embedder, cache, tokenizer, lambda *_: None)

        variants[f"{name}{SMALL}"] = collect_small(rows, foreign, lend, vectors, lambda index: Asking(index, embedder))
        groups[f"{name}{SMALL}"] = groups[name]
        say(f"collected {name}\n")

    columns: list[str] = []
    told: dict[str, list[tuple[float, bool]]] = {}
    for name, examples in variants.items():
        others = {other: variants[other] for other in variants if groups[other] != groups[name]}
        model = train(others, groups)
        judged = judge(examples, model)
        if name in SETS:
            told[name] = [
                pair
                for sort in ("asked", "removed", "ood")
                for pair in zip(predict(examples.rows[sort], model), examples.right[sort], strict=True)
            ]
        if not columns:
            columns = list(judged)
            say("\n| left out | " + " | ".join(columns) + " |\n" + "| --- " * (len(columns) + 1) + "|\n")
        say(f"| {name} | " + " | ".join("–" if v is None else f"{v:.3f}" for v in judged.values()) + " |\n")

    if options.picture:
        options.picture.write_text(diagram(told, ANSWER_THRESHOLD), encoding="utf-8")
    model = train(variants, groups)
    if options.write:
        _write(model)
        say("written\n")


def written(names: Sequence[str], model: Model) -> dict[str, Any]:
    """``model`` of the features ``names`` as the product reads it."""
    curves = {name: _points(*curve) for name, curve in zip(names, model.curves, strict=True)}
    return {"curves": curves, "bias": round(model.bias, 6)}


def read_variant(data: Path, folder: str, fields: tuple[str, ...], faq: bool) -> RetrievalSet:
    paths = [data / folder / f"{name}.jsonl" for name in ("corpus", "queries", "unanswerable")]
    return read_set(paths[0], paths[1], paths[2], fields=fields, faq=faq)


def foreign_questions(sets: list[list[Question]]) -> list[str]:
    texts = sorted({question.text for questions in sets for question in questions})
    return random.Random(1).sample(texts, FOREIGN)


def _points(values: Floats, heights: Floats) -> list[list[float]]:
    """A curve's points, without those that stand where another does."""
    points = {round(float(value), 6): round(float(height), 6) for value, height in zip(values, heights, strict=True)}
    return [[value, height] for value, height in points.items()]


def _write(model: Model) -> None:
    """All but what ``benchmarks/train_crossing.py`` writes."""
    data = [f"{spec[0]} ({spec[3]})" for spec in SETS.values()]
    fields = {
        "about": "Curves of bot/knowledge/calibration.py, made by train_calibration.py and train_crossing.py.",
        "data": sorted(set(data)),
        "attribution": [
            "medical_faq: Toyhom, Chinese-medical-dialogue-data",
            "tidb_faq: PingCAP, docs-cn",
            "cmrc2018: Cui et al., ymcui/cmrc2018",
            "xquad_zh: Artetxe et al., google-deepmind/xquad",
            "drcd: DRCKnowledgeTeam, DRCD",
        ],
        "embedder": E5Embedder.name,
        **written(FEATURES, model),
        "crossing": json.loads(TARGET.read_text(encoding="utf-8"))["crossing"],
    }
    TARGET.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
