"""How long after a withdrawal its words are still said, while many ask and much is brought into the index.

    python -m benchmarks.withdrawal [--rounds 20] [--askers 8] [--entries 2000]

``askers`` threads put the same questions again and again to a worker's retriever, half of them with kept evidence
(``EVIDENCE_CACHE``) and half without, and look before they would send an answer whether its sources stand, as the
outbox does. Meanwhile another thread brings documents and holds the lock of whoever fills the index. Each round
approves a FAQ, waits until it answers, withdraws it and looks for another 2 s; times count from the moment at which the
transaction of the withdrawal ended:

``found``: until the last evidence with the withdrawn FAQ came back. ``sent``: until the last answer from it would have
gone out; asked before, and found before, it is stopped then. ``index``: until the index has dropped it, which is what
the answers waited for before they looked themselves: the baseline. ``asked after`` counts evidence that held it though
the question came afterwards, and ``stopped`` the answers that were found and not sent.
"""

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.search import BOT, RandomEmbedder, entries
from bot import telemetry
from bot.answering.evidence import Retriever
from bot.answering.evidence_cache import EvidenceCache
from bot.knowledge.approvals import Approvals
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.revisions import Revisions
from bot.knowledge.search import Searcher
from bot.knowledge.store import KnowledgeStore
from bot.knowledge.sync import drop_withdrawn, sync_collection
from bot.knowledge.versions import Submission
from bot.records.database import Database

PLACE = ("academy", "imaging")
QUESTION = "示例中心的夜间停车位在哪里？"
WATCHED_S = 2.0
BROUGHT = 200
"""Entries of each document that is brought meanwhile."""


@dataclass
class Seen:
    """What the askers have seen of the FAQ that is withdrawn; moments are monotonic seconds."""

    found: threading.Event = field(default_factory=threading.Event)
    last_found: float = 0.0
    last_sent: float = 0.0
    withdrawn_at: float = float("inf")
    asked_after: int = 0
    stopped: int = 0


class Scene:
    """One worker's knowledge, people who ask, and somebody who brings documents."""

    def __init__(self, folder: Path, size: int) -> None:
        database = Database(f"sqlite:///{folder}/bot.sqlite")
        database.upgrade()
        self.store, embedder = KnowledgeStore(database), RandomEmbedder()
        self.index = EdgeIndex(folder / "index", embedder, make_tokenizer())
        self.filling = threading.Lock()
        self.over = threading.Event()
        self.wanted, self.seen = "", Seen()
        self.put("table.csv", entries(size))
        self.sync()
        searcher = Searcher(self.index, embedder, Calibration.shipped())
        approvals = Approvals(self.store)
        kept = EvidenceCache(Revisions(self.store, approvals, self.index), 1000)
        standing = approvals.standing
        self.retrievers = [Retriever(searcher, ANSWER_THRESHOLD, cache, standing) for cache in (kept, None)]

    def put(self, source: str, made: list[Entry]) -> None:
        origin = Origin(tenant=PLACE[0], collection=PLACE[1], audience=Audience.PUBLIC, source=source)
        submission = Submission(origin=origin, title=source, content_hash=source, entries=tuple(made))
        self.store.put(submission, approve=True, actor="cli:benchmark", now=time.time())

    def sync(self) -> None:
        with self.filling:
            sync_collection(self.store, self.index, *PLACE)

    def ask_on(self, retriever: Retriever) -> None:
        """Ask until it is over."""
        while not self.over.is_set():
            wanted, seen, asked_at = self.wanted, self.seen, time.monotonic()
            evidence = retriever.retrieve([QUESTION], BOT, Audience.PUBLIC, time.time())
            if wanted not in {hit.entry.id for hit in evidence.both.hits}:
                continue
            seen.last_found = time.monotonic()
            seen.found.set()
            seen.asked_after += asked_at > seen.withdrawn_at
            if self.store.standing([wanted], time.time()):
                seen.last_sent = time.monotonic()
            else:
                seen.stopped += 1

    def bring_on(self) -> None:
        """Bring document after document until it is over."""
        number = 0
        while not self.over.is_set():
            number += 1
            made = [entry for entry in entries(BROUGHT + number) if entry.kind is EntryKind.PASSAGE]
            self.put("brought.csv", made)
            self.sync()

    def round(self, number: int) -> list[float]:
        """Approve, withdraw, look; milliseconds: found, sent, index, and the two counts."""
        origin = Origin(tenant=PLACE[0], collection=PLACE[1], audience=Audience.PUBLIC, source="停车.csv")
        text = f"在地下{number}层。"
        faq = make_entry(
            origin, kind=EntryKind.FAQ, title=QUESTION, questions=(QUESTION,), text=text, location="第 2 行"
        )
        self.seen, self.wanted = Seen(), faq.id
        self.put("停车.csv", [faq])
        self.sync()
        if not self.seen.found.wait(30):
            raise SystemExit("the FAQ was never found")
        time.sleep(0.2)
        self.store.withdraw(*PLACE, "停车.csv", actor="cli:benchmark", now=time.time())
        gone_at = self.seen.withdrawn_at = time.monotonic()
        drop_withdrawn(self.store, self.index, *PLACE)
        dropped = time.monotonic()
        time.sleep(WATCHED_S)
        seen = self.seen
        times = [max(0.0, moment - gone_at) * 1000 for moment in (seen.last_found, seen.last_sent, dropped)]
        return [*times, seen.asked_after, seen.stopped]


def measure(rounds: int, askers: int, size: int) -> list[list[float]]:
    """The rounds, as :meth:`Scene.round` gives them."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder), size)
        work = [(scene.ask_on, (scene.retrievers[n % 2],)) for n in range(askers)]
        threads = [threading.Thread(target=target, args=with_, daemon=True) for target, with_ in work]
        threads.append(threading.Thread(target=scene.bring_on, daemon=True))
        for thread in threads:
            thread.start()
        found = [scene.round(number) for number in range(rounds)]
        scene.over.set()
        for thread in threads:
            thread.join()
        scene.index.close()
    return found


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--askers", type=int, default=8)
    parser.add_argument("--entries", type=int, default=2000)
    arguments = parser.parse_args()
    telemetry.configure_logging("ERROR")
    found = measure(arguments.rounds, arguments.askers, arguments.entries)
    print(f"{arguments.rounds} withdrawals, {arguments.askers} askers, {arguments.entries} entries; milliseconds\n")
    print("|  | median | most |\n| --- | --- | --- |")
    for name, values in zip(("found", "sent", "index"), zip(*[row[:3] for row in found], strict=True), strict=True):
        ordered = sorted(values)
        print(f"| {name} | {ordered[len(ordered) // 2]:.1f} | {ordered[-1]:.1f} |")
    after, stopped = (sum(int(row[column]) for row in found) for column in (3, 4))
    print(f"\nasked after: {after}; stopped: {stopped}")


if __name__ == "__main__":
    main()
