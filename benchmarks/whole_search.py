"""One question from its text to its evidence, and what the process holds that answers it: model, index, second ranking.

    python -m benchmarks.whole_search [--sizes 10000] [--questions 100]

The knowledge is that of benchmarks/search.py. A process makes the index beforehand with random vectors and token states
(as many as each text has pieces), since the cost does not depend on what they say; another one opens it as the worker
does, embeds each question with the product's model and searches it. No question comes twice. The baseline is an index
of nothing: the model alone. Milliseconds are those of the clock, of the median question where no other share is named,
``cpu`` is the processor time of ``retrieve``, which searches a second time among the passages alone unless a FAQ
certainly answers. ``MiB`` is what the process holds at the end (VmRSS), with the pages of files that it has mapped;
``own`` is the part that no file backs (RssAnon). The reading check is off, as it is unless asked for.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.embedding import memory_mib
from benchmarks.search import BOT, RandomEmbedder, approve, entries
from bot import telemetry
from bot.answering.evidence import Evidence, Retriever
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.e5_weights import E5Weights
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import CachedEmbedder, wheel_folder
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.index import Floats
from bot.knowledge.opening import make_embedder, make_tokenizer, open_index, vector_cache
from bot.knowledge.search import Searcher
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.token_states import Encoded
from bot.records.database import Database
from bot.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent
WARM_UP = 10
"""Questions asked beforehand: the first ones read the files."""
KINDS_OF_STATES = 4096
COLUMNS = ("entries", "embed", "index", "rank", "search", "p95", "retrieve", "p95", "cpu", "MiB", "own")


class RandomStates:
    """Token states like the model's in number, and random, for each piece of a text."""

    def __init__(self, vectors: RandomEmbedder) -> None:
        self._vectors = vectors
        self._pieces = E5Weights(wheel_folder() / "e5-small-q4.bin").tokenizer.encode
        self._random = np.random.default_rng(0)
        self._states: Floats = self._random.standard_normal((KINDS_OF_STATES, vectors.dimension), dtype=np.float32)

    def encode(self, texts: Sequence[str], _kind: str) -> list[Encoded]:
        encoded = []
        for text, vector in zip(texts, self._vectors.passages(texts), strict=True):
            pieces = np.array(self._pieces(text), dtype=np.int32)
            states = self._states[self._random.integers(KINDS_OF_STATES, size=len(pieces))]
            encoded.append(Encoded(vector, pieces, ("",) * len(pieces), states))
        return encoded


class RandomModel(RandomEmbedder):
    """Vectors and token states in no time."""

    def __init__(self) -> None:
        self.tokens = RandomStates(self)


def main() -> None:
    """Print one table, a line a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ask", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    telemetry.configure_logging("WARNING")
    if arguments.make is not None:
        make(load_settings(), entries(arguments.make))
    elif arguments.ask is not None:
        print(json.dumps(ask(load_settings(), entries(arguments.ask), arguments.questions)))
    else:
        print(f"| {' | '.join(COLUMNS)} |\n| {' | '.join(['---'] * len(COLUMNS))} |")
        for size in (0, *arguments.sizes):
            with tempfile.TemporaryDirectory() as folder:
                _in_a_process(folder, "--make", str(size))
                found = json.loads(_in_a_process(folder, "--ask", str(size), "--questions", str(arguments.questions)))
            print(f"| {size} | {' | '.join(f'{value:.1f}' for value in found)} |", flush=True)


def make(settings: Settings, known: Sequence[Entry]) -> None:
    """Put ``known`` into the database, approved, and into the index, and their vectors where an import looks."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    database.upgrade()
    vectors = vector_cache(settings)
    index = EdgeIndex(settings.index_dir, CachedEmbedder(RandomModel(), vectors), make_tokenizer())
    approve(KnowledgeStore(database), index, "table.csv", known)
    index.close()
    vectors.close()
    database.dispose()


def ask(settings: Settings, known: Sequence[Entry], count: int) -> list[float]:
    """The figures, in the order of :data:`COLUMNS`."""
    embedder = make_embedder(settings)
    index = open_index(settings, embedder, make_tokenizer())
    retriever = Retriever(Searcher(index, embedder, Calibration.shipped()), ANSWER_THRESHOLD)
    questions = [question for entry in known or entries(2 * (WARM_UP + count)) for question in entry.questions]
    questions = questions[:: max(1, len(questions) // (WARM_UP + count))]

    def retrieve(question: str) -> tuple[Evidence, float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        evidence = retriever.retrieve([question], BOT, Audience.PUBLIC, time.time())
        return evidence, 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)

    del known
    for question in questions[:WARM_UP]:
        retrieve(question)
    found = [retrieve(question) for question in questions[WARM_UP : WARM_UP + count]]
    timings = [evidence.timings_ms for evidence, _, _ in found]
    ranking = [each["both_fuse"] + each["both_rerank"] for each in timings]
    whole, walls, cpus = (
        [each["both"] for each in timings],
        [wall for _, wall, _ in found],
        [cpu for *_, cpu in found],
    )
    steps = [[each["both_embed"] for each in timings], [each["both_index"] for each in timings], ranking]
    figures = [*map(statistics.median, steps), statistics.median(whole), _p95(whole), statistics.median(walls)]
    figures += [_p95(walls), statistics.median(cpus), memory_mib("VmRSS"), memory_mib("RssAnon")]
    index.close()
    return figures


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _in_a_process(folder: str, *options: str) -> str:
    """What this script prints with ``options`` in a process of its own."""
    environment = {"PATH": "/usr/bin:/bin", "DATA_DIR": folder, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.whole_search", *options]
    run = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout.strip()


if __name__ == "__main__":
    main()
