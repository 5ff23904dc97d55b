"""Evidence for questions that many people ask, kept while it holds.

What was found is used again for the same question, in the same words, for a reader who may see the same, while nothing
was approved or withdrawn and nothing has become valid or ceased to be (:mod:`bot.knowledge.revisions`, asked for every
question, so that a withdrawn answer is not said again). Those who ask the same at once wait for one search, but not for
one that hangs: each of them holds a thread.

The cache belongs to one :class:`~bot.answering.evidence.Retriever`, and so to one index, embedder and calibration.
"""

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from bot import telemetry
from bot.errors import Unavailable
from bot.knowledge.entries import Scope
from bot.knowledge.revisions import Revision, Revisions
from bot.knowledge.search import SearchResult

if TYPE_CHECKING:
    from bot.answering.evidence import Evidence

log = structlog.get_logger()

MAX_BYTES = 32 * 1024 * 1024
"""Of all kept evidence, each counted as if it had its entries for itself."""
KEPT_S = 600.0
"""Seconds after which a search is made again: a bound on what nobody told us, such as an index on a server that
somebody else built anew."""

PATIENCE_S = 30.0
"""For another's search, which has deadlines of its own: longer than an embedding server and a Qdrant server take that
answer at all. Who has waited in vain is served as if those were away: later, while an answer is of use."""


@dataclass(frozen=True, slots=True)
class _Kept:
    evidence: "Evidence"
    size: int
    until: float


class EvidenceCache:
    """At most ``entries`` pieces of evidence, of ``max_bytes`` together. Thread-safe.

    ``clock`` gives monotonic seconds. Nobody waits longer than ``patience_s`` seconds for another's search.
    """

    def __init__(
        self,
        revisions: Revisions,
        entries: int,
        clock: Callable[[], float] = time.monotonic,
        max_bytes: int = MAX_BYTES,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._revisions = revisions
        self._entries = entries
        self._clock = clock
        self._max_bytes = max_bytes
        self._patience_s = patience_s
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0
        self._under_way: dict[Hashable, Future[Evidence]] = {}
        self._era = 0
        self._lock = threading.Lock()

    def find(self, question: str, scope: Scope, threshold: float, search: Callable[[], "Evidence"]) -> "Evidence":
        """The evidence for ``question``: kept, being found by somebody else, or by ``search``, whose errors are raised.

        Raises what :class:`~bot.knowledge.revisions.Revisions` raises, too, and :class:`~bot.errors.Unavailable` when
        somebody else's search takes too long.
        """
        started = time.perf_counter()
        revision = self._revisions.current(scope)
        if revision is None:
            telemetry.count("evidence_cache", result="unsettled")
            return search()
        place = scope.tenant, scope.collections, scope.reader, scope.bot
        with self._lock:
            key = question, place, threshold, revision.changes, revision.epoch, self._era
            kept = self._fresh(key)
            others = self._under_way.get(key)
            if kept is None and others is None:
                mine = self._under_way[key] = Future()
        if kept is not None:
            telemetry.count("evidence_cache", result="hit")
            return _again(kept, started)
        if others is not None:
            telemetry.count("evidence_cache", result="shared")
            return _again(self._shared(others), started)
        telemetry.count("evidence_cache", result="miss")
        return self._search(key, mine, revision, search)

    def forget(self) -> None:
        """Keep nothing that was found so far, nor what is being found now: the index is written anew."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
            self._era += 1

    def _shared(self, others: "Future[Evidence]") -> "Evidence":
        if not wait([others], self._patience_s).done:
            telemetry.count("degraded", what="shared_search_hangs")
            log.error("shared_search_hangs", waited_s=self._patience_s)
            raise Unavailable(f"the search for the same question has not ended in {self._patience_s:g} s")
        return others.result()

    def _search(
        self, key: Hashable, mine: "Future[Evidence]", revision: Revision, search: Callable[[], "Evidence"]
    ) -> "Evidence":
        try:
            evidence = search()
            both, documents = _timeless(evidence.both), _timeless(evidence.documents)
            shared = replace(evidence, both=both, documents=documents, timings_ms={})  # see _again
        except BaseException as error:
            with self._lock:
                del self._under_way[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._under_way[key]
            if all(revision.approves(hit.entry.id) for hit in (*shared.both.hits, *shared.documents.hits)):
                self._keep(key, shared)
        mine.set_result(shared)
        return evidence

    def _fresh(self, key: Hashable) -> "Evidence | None":
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.evidence

    def _keep(self, key: Hashable, evidence: "Evidence") -> None:
        kept = _Kept(evidence, _size(evidence), self._clock() + KEPT_S)
        self._kept[key] = kept
        self._bytes += kept.size
        while len(self._kept) > self._entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        self._bytes -= self._kept.pop(key).size


def _again(evidence: "Evidence", started: float) -> "Evidence":
    """``evidence`` with what finding it again took."""
    taken = round((time.perf_counter() - started) * 1000, 2)
    return replace(evidence, cached=True, timings_ms={"cached": taken})


def _timeless(result: SearchResult) -> SearchResult:
    """``result`` as several threads may share it: nothing in it can be changed."""
    return replace(result, timings_ms=MappingProxyType({}))


def _size(evidence: "Evidence") -> int:
    """Bytes, nearly: almost all are texts."""
    total = sys.getsizeof(evidence.question)
    for hit in (*evidence.both.hits, *evidence.documents.hits):
        entry = hit.entry
        texts = (entry.id, entry.title, entry.text, entry.source, entry.location, *entry.questions)
        total += sys.getsizeof(hit) + sys.getsizeof(entry) + sum(map(sys.getsizeof, texts))
    return total
