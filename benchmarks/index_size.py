"""The embedded index by its size: how long it takes to build, what it holds in memory, and what a question costs.

    python -m benchmarks.index_size [--sizes 10000 100000] [--questions 40]

Entries are put together from pieces of the demo's documents, FAQs and passages half and half; vectors are random
numbers and made in no time, so that what is left is the index' own work (terms, writing, search). Times are seconds and
milliseconds of processor time, as the machine is shared; memory is that of this process beyond what it held before.
``recall`` compares the ten nearest of the dense route with a search of every vector by numpy. Token states need the
model and are not part of it: they lie in a file, 194 bytes a piece.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.search import BOT, RandomEmbedder, cpu_ms, entries
from bot import telemetry
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Audience, Entry, Scope
from bot.knowledge.fusion import DEPTH
from bot.knowledge.index import Floats, Route
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.points import body

BATCH = 512
NEAREST = 10
COLUMNS = ("build s", "open s", "memory MiB", "disk MiB", "ms a question", "recall")


def resident_mib() -> float:
    """Memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def measure(folder: Path, known: Sequence[Entry], count: int) -> list[float]:
    """In the order of :data:`COLUMNS`."""
    embedder, tokenizer = RandomEmbedder(), make_tokenizer()
    before, started = resident_mib(), time.process_time()
    index = EdgeIndex(folder, embedder, tokenizer)
    for start in range(0, len(known), BATCH):
        index.upsert(known[start : start + BATCH])
    built = time.process_time() - started
    index.close()
    started = time.process_time()
    index = EdgeIndex(folder, embedder, tokenizer)
    opened = time.process_time() - started
    scope = Scope(tenant=BOT.tenant, collections=tuple(BOT.knowledge), reader=Audience.PUBLIC, now=time.time())
    questions = [question for entry in known for question in entry.questions][:: max(1, len(known) // count)][:count]
    vectors = dict(zip(questions, embedder.queries(questions), strict=True))

    def ask(question: str) -> dict[str, float]:
        return dict(index.candidates(question, vectors[question], scope, None, DEPTH).routes[Route.DENSE])

    ask(questions[0])
    cost = min(cpu_ms(ask, questions[part::2]) for part in range(2))
    held = resident_mib() - before
    found = [list(ask(question))[:NEAREST] for question in questions]
    recall = _recall(known, embedder, [vectors[question] for question in questions], found)
    disk = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 2**20
    index.close()
    return [built, opened, held, disk, cost, recall]


def _recall(known: Sequence[Entry], embedder: RandomEmbedder, asked: Sequence[Floats], found: list[list[str]]) -> float:
    """The share of the truly nearest among ``found``."""
    scores = np.concatenate(
        [
            embedder.passages([body(entry) for entry in known[at : at + BATCH]]) @ np.array(asked).T
            for at in range(0, len(known), BATCH)
        ]
    )
    best = np.argsort(-scores, axis=0)[:NEAREST].T
    ids = [{known[at].id for at in row} for row in best]
    return sum(len(want & set(got)) for want, got in zip(ids, found, strict=True)) / (NEAREST * len(found))


def main() -> None:
    """Print one table, a line a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--questions", type=int, default=40)
    arguments = parser.parse_args()
    telemetry.configure_logging("WARNING")
    print(f"| entries | {' | '.join(COLUMNS)} |\n| {' | '.join(['---'] * (len(COLUMNS) + 1))} |")
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), entries(size), arguments.questions)
        print(f"| {size} | {' | '.join(f'{value:.2f}' for value in found)} |", flush=True)


if __name__ == "__main__":
    main()
