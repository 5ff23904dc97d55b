"""Writes what benchmarks/train_cross_encoder.py learns from: public questions and texts as pieces of the tokenizer.

    python -m benchmarks.cross_encoder_data DATA_FOLDER OUT.pkl.xz

The file also holds the wheel's weights, de-quantised, so that the training needs numpy and torch and nothing of ours
and can run on a machine with an accelerator and without this installation.

Only sets whose licence lets a product ship what was learned from them: not insuranceqa_xling (GPL-3.0) and not rgb_zh
(non-commercial). Where a set names the answer's words, a question also comes with the sentences around them, and with
the same sentences without those that hold the answer: right subject, answer missing.
"""

import argparse
import json
import lzma
import math
import pickle
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.knowledge.e5_weights import E5Weights
from bot.knowledge.embedder import wheel_folder
from bot.knowledge.segment import Segmenter, jieba_dictionary
from bot.knowledge.tokens import Tokenizer

SETS = {
    # variant: (set, fields of a text, field of a question)
    "medical": ("medical_faq", ("title", "text"), "query"),
    "medical answers": ("medical_faq", ("text",), "query"),
    "tidb": ("tidb_faq", ("title", "text"), "query"),
    "cmrc": ("cmrc2018", ("title", "text"), "query"),
    "xquad": ("xquad_zh", ("title", "text"), "query"),
    "xquad English": ("xquad_zh", ("title", "text"), "query_en"),
    "drcd": ("drcd", ("title", "text"), "query"),
    "dureader": ("dureader_demo", ("title", "text"), "query"),
}
WITH_SPANS = ("cmrc", "drcd", "xquad")
WINDOW_CHARS = (80, 200, 350, 500)
POOL = 60
"""Texts that the words bring."""
_SENTENCE = re.compile("[^。！？；!?;]*[。！？；!?;]?")


def main(arguments: Sequence[str]) -> None:
    """Read the sets and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    weights = E5Weights(wheel_folder() / "e5-small-q4.bin")
    encode = weights.tokenizer.encode
    words = Tokenizer(Segmenter(jieba_dictionary()))
    dice = random.Random(1)
    sets: dict[str, dict[str, Any]] = {}
    windows: list[tuple[str, int, list[int], list[int]]] = []
    for name, (folder, fields, asked) in SETS.items():
        corpus, queries = (_rows(options.data / folder / f"{part}.jsonl") for part in ("corpus", "queries"))
        place = {row["id"]: at for at, row in enumerate(corpus)}
        texts = ["\n".join(filter(None, (row[field] for field in fields))) for row in corpus]
        questions = [query[asked] for query in queries]
        sets[name] = {
            "texts": [encode(text) for text in texts],
            "questions": [encode(question) for question in questions],
            "positives": [[place[id_] for id_ in query["positives"] if id_ in place] for query in queries],
            "lexical": _lexical([words.terms(text) for text in texts], [words.query_terms(q) for q in questions]),
            "coverage": _coverage([set(words.words(t)) for t in texts], [set(words.query_words(q)) for q in questions]),
        }
        if name in WITH_SPANS:
            for number, query in enumerate(queries):
                answers = [answer for answer in query["answers"] if answer]
                for with_it, without in _windows(texts[sets[name]["positives"][number][0]], answers, dice):
                    windows.append((name, number, encode(with_it), encode(without)))
        sys.stdout.write(f"{name}: {len(texts)} texts, {len(questions)} questions\n")
    prefixes = [encode(f"{kind}: ") for kind in ("query", "passage")]
    most = max(len(one["questions"]) for one in sets.values())
    fields_of_file = _pruned(weights, sets, windows, prefixes) | {
        "state": _state(weights),
        "groups": {name: spec[0] for name, spec in SETS.items()},  # what is left out together
        "folds": [fold_of(question) for question in range(most)],
    }
    options.out.write_bytes(lzma.compress(pickle.dumps(fields_of_file), preset=3))


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def fold_of(question: int) -> int:
    """Which half the question of this number in its set belongs to, 0 or 1."""
    return (question * 2_654_435_761 >> 8) % 2  # Knuth's multiplicative hash: neighbours fall apart


def _lexical(texts: list[list[str]], questions: list[list[str]]) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """BM25's best texts for each question, with their scores."""
    mean = sum(map(len, texts)) / len(texts)
    postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, terms in enumerate(texts):
        normal = 1.2 * (0.25 + 0.75 * len(terms) / mean)
        for term, count in Counter(terms).items():
            postings[term].append((number, count * 2.2 / (count + normal)))
    found = []
    for terms in questions:
        scores = np.zeros(len(texts), dtype=np.float32)
        for term, count in Counter(terms).items():
            held = postings.get(term, [])
            idf = math.log(1 + (len(texts) - len(held) + 0.5) / (len(held) + 0.5))
            for number, weight in held:
                scores[number] += count * idf * weight
        best = np.argsort(-scores, kind="stable")[:POOL]
        found.append((best, scores[best]))
    return found


def _coverage(texts: list[set[str]], questions: list[set[str]]) -> list[float]:
    """The largest share of each question's idf mass that one text holds."""
    holding: dict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(texts):
        for word in words:
            holding[word].append(number)
    shares = []
    for words in questions:
        mass, scores = 0.0, np.zeros(len(texts))
        for word in words:
            idf = math.log(1 + (len(texts) - len(holding[word]) + 0.5) / (len(holding[word]) + 0.5))
            mass += idf
            scores[holding[word]] += idf
        shares.append(float(scores.max() / mass) if mass else 0.0)
    return shares


def _windows(text: str, answers: list[str], dice: random.Random) -> Iterable[tuple[str, str]]:
    """Twice the sentences around an answer in ``text``, each with its neighbourhood without the answer."""
    sentences = [sentence for sentence in _SENTENCE.findall(text) if sentence]
    holding = [at for at, sentence in enumerate(sentences) if any(answer in sentence for answer in answers)]
    if not holding:
        return
    for _ in range(2):
        first = last = dice.choice(holding)
        length = dice.choice(WINDOW_CHARS)
        while sum(map(len, sentences[first : last + 1])) < length and last - first + 1 < len(sentences):
            if first > 0 and (dice.random() < 0.5 or last == len(sentences) - 1):
                first -= 1
            else:
                last += 1
        near = "".join(
            sentences[at] for at in range(max(0, first - 1), min(len(sentences), last + 2)) if at not in holding
        )
        without = near or "".join(s for at, s in enumerate(sentences) if at not in holding)[:400]
        if len(without) >= 20:
            yield "".join(sentences[first : last + 1]), without


def _pruned(
    weights: E5Weights,
    sets: dict[str, dict[str, Any]],
    windows: list[tuple[str, int, list[int], list[int]]],
    prefixes: list[list[int]],
) -> dict[str, Any]:
    """The same with pieces renumbered, so that only the embeddings of those that occur have to travel."""
    marks = weights.tokenizer.specials
    named = {name: getattr(marks, name) for name in ("begin", "end", "padding", "unknown")}
    lists = [pieces for one in sets.values() for key in ("texts", "questions") for pieces in one[key]]
    lists += [pieces for window in windows for pieces in window[2:]] + prefixes
    used = sorted(set(named.values()).union(*lists))
    number = {piece: at for at, piece in enumerate(used)}

    def renumbered(pieces: list[int]) -> npt.NDArray[np.int32]:
        return np.array([number[piece] for piece in pieces], dtype=np.int32)

    for one in sets.values():
        for key in ("texts", "questions"):
            one[key] = [renumbered(pieces) for pieces in one[key]]
    return {
        "sets": sets,
        "windows": [(name, at, renumbered(with_it), renumbered(without)) for name, at, with_it, without in windows],
        "prefixes": [renumbered(prefix) for prefix in prefixes],
        "marks": {name: number[piece] for name, piece in named.items()},
        "embeddings": weights.word_rows(np.array(used)).astype(np.float16),
    }


def _state(weights: E5Weights) -> dict[str, npt.NDArray[Any]]:
    """Every other tensor of the encoder by its name in the wheel, as numbers."""
    shape = weights.shape
    state: dict[str, npt.NDArray[Any]] = {}
    for layer in range(shape.layers):
        for matrix in ("q", "k", "v", "ao", "fi", "fo"):
            inputs = shape.feed_forward if matrix == "fo" else shape.hidden
            state[f"l{layer}.{matrix}.w"] = weights.matrix(f"l{layer}.{matrix}.w", inputs).astype(np.float16)
            state[f"l{layer}.{matrix}.b"] = weights.floats(f"l{layer}.{matrix}.b")
        for norm in ("aln", "oln"):
            for part in ("w", "b"):
                state[f"l{layer}.{norm}.{part}"] = weights.floats(f"l{layer}.{norm}.{part}")
    for name in ("emb.ln.w", "emb.ln.b", "emb.pos", "emb.type"):
        state[name] = weights.floats(name)
    return state


if __name__ == "__main__":
    main(sys.argv[1:])
