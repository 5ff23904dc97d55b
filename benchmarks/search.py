"""What one search costs, without the model: milliseconds of processor time a question, by the size of the knowledge.

    python -m benchmarks.search [--sizes 100 1000 4000] [--questions 100]

The knowledge is FAQs and passages, half and half, put together from pieces of the demo's documents; vectors are random
numbers, since the cost does not depend on what they say. ``searched`` is the baseline: every question is put to the
index, once where a FAQ surely answers, twice where it does not; none comes twice. ``kept`` is the same question again
(``EVIDENCE_CACHE``), and ``after a change`` the first one after an approval, which looks whether the index has
followed. The engine holds Python's interpreter lock while it searches, so that more threads do not make more of it. The
best of three rounds counts. Token states and the model are not part of it: benchmarks/whole_search.py has both.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.embedding import texts
from bot import telemetry
from bot.answering.evidence import Retriever
from bot.answering.evidence_cache import EvidenceCache
from bot.bots_file import BotConfig
from bot.knowledge.approvals import Approvals
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import Progress
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.index import Floats
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.revisions import Revisions
from bot.knowledge.search import Searcher
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import sync_collection
from bot.knowledge.token_states import TokenStates
from bot.knowledge.versions import Submission
from bot.records.database import Database

ROUNDS = 3
COLUMNS = ("searched", "kept", "after a change")
BOT = BotConfig(id="imaging", name="影像学院小助手", tenant="academy", knowledge=("imaging",), channels={})
ORIGIN = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source="table.csv")


class RandomEmbedder:
    """Vectors as long as the model's, made from the text's hash in no time."""

    name = Calibration.shipped().embedder
    dimension = 384
    tokens: TokenStates | None = None

    def queries(self, texts: Sequence[str]) -> Floats:
        return self.passages(texts)

    def passages(self, texts: Sequence[str], _progress: Progress | None = None) -> Floats:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
        rows = [np.random.default_rng(seed).standard_normal(self.dimension) for seed in seeds]
        vectors = np.array(rows, dtype=np.float32).reshape(-1, self.dimension)
        unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def health(self) -> dict[str, str]:
        return {"state": "ok", "engine": "random numbers"}


def entries(count: int) -> list[Entry]:
    """FAQs and passages in turn, the same for the same ``count``."""
    pieces, random = texts(40, 200), Random(count)
    made = []
    for number in range(count):
        title, similar, *rest = random.choices(pieces, k=6)
        kind = EntryKind.PASSAGE if number % 2 else EntryKind.FAQ
        questions = () if number % 2 else (f"{title[:20]}{number}？", f"请问{similar[:20]}{number}")
        text = "，".join(rest)
        made.append(make_entry(ORIGIN, kind=kind, title=title, questions=questions, text=text, location=""))
    return made


def approve(store: KnowledgeStore, index: EdgeIndex, source: str, approved: Sequence[Entry]) -> None:
    """Store a document and bring the index to it."""
    origin = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source=source)
    submission = Submission(origin=origin, title=source, content_hash=source, entries=tuple(approved))
    store.put(submission, approve=True, actor="cli:benchmark", now=1.0)
    sync_collection(store, index, "academy", "imaging")


def cpu_ms(work: Callable[[str], object], questions: Sequence[str]) -> float:
    """Of this process, a question."""
    started = time.process_time()
    for question in questions:
        work(question)
    return (time.process_time() - started) / len(questions) * 1000


def measure(folder: Path, known: Sequence[Entry], count: int) -> list[float]:
    """Milliseconds of processor time a question, in the order of :data:`COLUMNS`."""
    questions = [question for entry in known for question in entry.questions][:count]
    database = Database(f"sqlite:///{folder}/bot.sqlite")
    database.upgrade()
    store, embedder = KnowledgeStore(database), RandomEmbedder()
    index = EdgeIndex(folder / "index", embedder, make_tokenizer())
    approve(store, index, "table.csv", known)
    searcher = Searcher(index, embedder, Calibration.shipped())
    always = Retriever(searcher, ANSWER_THRESHOLD)
    keeping = Retriever(searcher, ANSWER_THRESHOLD, EvidenceCache(Revisions(store, Approvals(store), index), count))

    def ask(retriever: Retriever) -> Callable[[str], object]:
        return lambda question: retriever.retrieve([question], BOT, Audience.PUBLIC, time.time())

    searched = min(cpu_ms(ask(always), questions[part::ROUNDS]) for part in range(ROUNDS))
    cpu_ms(ask(keeping), questions)
    kept = min(cpu_ms(ask(keeping), questions) for _ in range(ROUNDS))
    looks = []
    for number in range(ROUNDS):
        approve(store, index, f"{number}.csv", entries(number + 1)[-1:])
        looks.append(cpu_ms(ask(keeping), questions[:1]))
    index.close()
    database.dispose()
    return [searched, kept, min(looks)]


def main() -> None:
    """Print one table, a line a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 4000])
    parser.add_argument("--questions", type=int, default=100)
    arguments = parser.parse_args()
    telemetry.configure_logging("WARNING")
    print(f"| entries | {' | '.join(COLUMNS)} |\n| {' | '.join(['---'] * (len(COLUMNS) + 1))} |")
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), entries(size), arguments.questions)
        print(f"| {size} | {' | '.join(f'{value:.2f}' for value in found)} |", flush=True)


if __name__ == "__main__":
    main()
