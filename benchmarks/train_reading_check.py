"""Makes bot/knowledge/reading_check.json again, and prints what the second look is worth.

    python -m benchmarks.train_reading_check DATA_FOLDER --adapters FOLDER --cache FOLDER [--write]

``--adapters`` is what benchmarks/train_cross_encoder.py wrote: with ``--fold 0`` and ``--fold 1``, so that no question
is scored by what was trained on it, and with ``--leave-out`` of each set, to judge as if the set had never been seen.
The chance of the search comes from ``calibration.json`` as it is, so make that first.

Every scored pair is kept in the cache: a second run takes a minute.
"""

import argparse
import hashlib
import json
import math
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.calibration_fit import SHARES, Examples, fit
from benchmarks.cross_encoder_data import fold_of
from benchmarks.train_calibration import SETS, Asking, collect, foreign_questions, read_variant
from bot.evaluation.metrics import auc
from bot.evaluation.retrieval import RetrievalSet, scratch_index
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.cross_encoder import CrossEncoder
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.reading_check import combined
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.tokens import Tokenizer
from bot.knowledge.vector_cache import VectorCache

Floats = npt.NDArray[np.float64]

QUESTIONS = 400
"""Answerable questions of each variant, drawn at random; their other half stays unasked."""
FOREIGN = 60
UNSURE = (0.02, 0.97)
"""Chances of the search between which the text is read."""
OUTSIDE = 1e-6
"""How near to 0 and 1 a chance may come, so that its logit stays a number."""


@dataclass(frozen=True)
class Looked:
    """Examples of one variant and sort: what is known of each, (logit of the search's chance, score); and the truth.

    ``apart`` has the scores of an encoder that never saw the set.
    """

    known: Floats
    apart: Floats
    right: npt.NDArray[np.bool_]


class Scores:
    """Scores of pairs by the adapters in ``folder``, each kept in the file ``cache``."""

    def __init__(self, folder: Path, embedder: E5Embedder, graphs: Path, cache: Path) -> None:
        self._folder = folder
        self._embedder = embedder
        self._graphs = graphs
        self._cache = cache
        self._kept: dict[str, float] = json.loads(cache.read_text()) if cache.exists() else {}
        self._encoders: dict[str, CrossEncoder] = {}

    def of(self, adapter: str, question: str, text: str) -> float:
        """The score by ``adapter`` (``fold0``, or the set that was left out)."""
        key = hashlib.sha256(f"{adapter}\0{question}\0{text}".encode()).hexdigest()[:24]
        if key not in self._kept:
            self._kept[key] = self._encoder(adapter).score(question, text)
        return self._kept[key]

    def save(self) -> None:
        """Write the file."""
        self._cache.write_text(json.dumps(self._kept))

    def _encoder(self, adapter: str) -> CrossEncoder:
        if adapter not in self._encoders:
            if self._embedder.weights is None:
                raise SystemExit("onnxruntime does not run here")
            file = self._folder / f"cross_encoder-{adapter}.npz"
            self._encoders[adapter] = CrossEncoder(self._embedder.weights, self._graphs, file)
        return self._encoders[adapter]


def look(variant: str, rows: RetrievalSet, examples: Examples, scores: Scores) -> dict[str, Looked]:
    """What the second look adds to each example of ``variant``."""
    calibration = Calibration.shipped()
    number = {question.text: at for at, question in enumerate(rows.questions)}
    looked = {}
    for sort, pairs in examples.pairs.items():
        chances = [calibration.within.probability(row) for row in examples.rows[sort]]
        logits = [math.log(max(p, OUTSIDE) / max(1 - p, OUTSIDE)) for p in chances]
        folds = [f"fold{fold_of(number.get(question, 0))}" for question, _ in pairs]
        known = [scores.of(fold, *pair) for fold, pair in zip(folds, pairs, strict=True)]
        apart = [scores.of(SETS[variant][0], *pair) for pair in pairs]
        looked[sort] = Looked(
            np.array([logits, known]).T, np.array([logits, apart]).T, np.array(examples.right[sort], dtype=bool)
        )
    return looked


def train(variants: dict[str, dict[str, Looked]]) -> tuple[Floats, float]:
    """Weights of the logit and the score, and the bias. Every set weighs the same."""
    rows, labels, weights = [], [], []
    for name, looked in variants.items():
        siblings = sum(SETS[other][0] == SETS[name][0] for other in variants)
        for sort, share in SHARES.items():
            known = looked[sort].known
            rows.append(known)
            labels.append(looked[sort].right.astype(np.float64))
            weights.append(np.full(len(known), share / siblings / len(known)))
    scaled = np.concatenate(weights)
    return fit(np.vstack(rows), np.concatenate(labels), scaled * 1000 / scaled.sum())


def judge(looked: dict[str, Looked], model: tuple[Floats, float] | None, *, apart: bool) -> list[float]:
    """AUC removed and first right, right kept, removed refused, right among shown; no ``model``: the search alone."""

    def chances(sort: str) -> Floats:
        known = looked[sort].apart if apart else looked[sort].known
        plain = 1 / (1 + np.exp(-known[:, 0]))
        if model is None:
            return plain
        (of_chance, of_score), bias = model
        inside = (plain > UNSURE[0]) & (plain < UNSURE[1])
        checked = [combined(p, s, of_chance, of_score, bias) for p, s in zip(plain, known[:, 1], strict=True)]
        return np.where(inside, checked, plain)

    asked, right = chances("asked"), looked["asked"].right
    gone = np.concatenate([chances(sort) for sort in ("removed", "ood") if sort in looked])
    shown = [asked[right], asked[~right], gone]
    kept = [int((part >= ANSWER_THRESHOLD).sum()) for part in shown]
    return [
        auc(asked.tolist(), chances("removed").tolist()) or 0.0,
        auc(asked[right].tolist(), [*asked[~right], *gone]) or 0.0,
        kept[0] / len(shown[0]),
        float((chances("removed") < ANSWER_THRESHOLD).mean()),
        kept[0] / max(1, sum(kept)),
    ]


def main(arguments: Sequence[str]) -> None:
    """Train, judge, and with ``--write`` put the weights into the product."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--adapters", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    embedder = E5Embedder(options.cache)
    vectors = VectorCache(options.cache / "vectors.sqlite")
    scores = Scores(options.adapters, embedder, options.cache, options.cache / "cross_encoder_scores.json")
    tokenizer = Tokenizer(Segmenter(jieba_dictionary()))
    read = {name: read_variant(options.data, *spec[:3]) for name, spec in SETS.items()}
    variants = {}
    for name, rows in read.items():
        others = foreign_questions([read[other].questions for other in read if SETS[other][0] != SETS[name][0]])
        with scratch_index(rows.entries, embedder, vectors, tokenizer, lambda *_: None) as index:
            drawn = random.Random(3).sample(rows.questions, min(QUESTIONS, len(rows.questions)))
            examples = collect(Asking(index, embedder), replace(rows, questions=drawn), others[:FOREIGN])
        variants[name] = look(name, rows, examples, scores)
        scores.save()
        sys.stdout.write(f"looked at {name}\n")
    model = train(variants)
    heads = ("AUC removed", "AUC first right", "right kept", "removed refused", "right among shown")
    sys.stdout.write("| set, how | " + " | ".join(heads) + " |\n" + "| --- " * (len(heads) + 1) + "|\n")
    for name, looked in variants.items():
        left_out = train({other: one for other, one in variants.items() if SETS[other][0] != SETS[name][0]})
        for how, figures in (
            ("the search alone", judge(looked, None, apart=False)),
            ("and a second look", judge(looked, model, apart=False)),
            ("by one that never saw the set", judge(looked, left_out, apart=True)),
        ):
            sys.stdout.write(f"| {name}, {how} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |\n")
    sys.stdout.write(f"weights {model[0].round(4).tolist()}, bias {model[1]:.4f}\n")
    if options.write:
        _write(model)


def _write(model: tuple[Floats, float]) -> None:
    target = Path(__file__).parent.parent / "bot" / "knowledge" / "reading_check.json"
    (of_chance, of_score), bias = model
    fields = {
        "about": "Weights of bot/knowledge/reading_check.py, made by benchmarks/train_reading_check.py.",
        "data": sorted({f"{spec[0]} ({spec[3]})" for spec in SETS.values()} | {"dureader_demo (Apache-2.0)"}),
        "attribution": json.loads((target.parent / "calibration.json").read_text(encoding="utf-8"))["attribution"]
        + ["dureader_demo: Baidu, DuReader (the cross-encoder only)"],
        "weights": {"chance": round(float(of_chance), 4), "score": round(float(of_score), 4)},
        "bias": round(float(bias), 4),
        "unsure": list(UNSURE),
    }
    target.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
