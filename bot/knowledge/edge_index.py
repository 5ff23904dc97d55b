"""The index in this process: Qdrant's engine (qdrant-edge) in a folder that one process owns.

An entry is one point with the vectors ``dense``, ``lexical`` (BM25 weights) and ``words`` (weight 1 each); every
question of a FAQ is a point of its own with ``question_dense`` and ``question_lexical``, since a sparse vector cannot
hold several. The engine keeps what BM25 needs: it multiplies with the idf at query time, counted over what the reader
may see, so that another tenant's documents change nothing here. Search is exact (no graph): 2 to 3 ms at 10,000.

What a question costs beside the engine's own work is objects: the engine answers with the number of each point, and
``_owners`` says whose it is without a payload being read; filters are built once a search. Until something changes,
entries are kept, as many questions have the same answers, and so is what every question asks anew: how many entries
its reader sees, and how rare a word is among them. The engine holds Python's interpreter lock while it searches, so a
second thread gains nothing.

The folder is rebuildable. When it is damaged, or was made by another model or version, it is emptied with a logged
error, and the next sync fills it again.
"""

import contextlib
import os
import threading
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as qdrant

from bot.errors import KnowledgeError
from bot.knowledge.edge_folder import (
    by_id,
    engine_errors,
    marked,
    open_shard,
    point_number,
    scroll,
    state_keys,
    take_lock,
    validities_of,
)
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, IndexState, Route
from bot.knowledge.points import (
    ALWAYS,
    DATED,
    DENSE_ROUTES,
    ENTRY_ROLE,
    FORMAT,
    MARKS_FIELD,
    NOBODYS_MARK,
    PointData,
    PointMaker,
    entry_from_payload,
    home_mark,
    point_ids,
    role_mark,
)
from bot.knowledge.question import Nearest, Population, Sight, best_of_each, candidates
from bot.knowledge.recent import Recent
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.tokens import Tokenizer

_BATCH = 64
"""Entries embedded and written at a time."""
_PAGE = 1_000
"""Points deleted at a time."""
_RECENT_ENTRIES = 2_000
"""Entries kept, some 2 MB."""
_RECENT_WORDS = 10_000
"""Words whose rarity in a population is kept, some 3 MB."""
_RECENT_POPULATIONS = 200
"""Populations whose size is kept."""
_MANY_VALIDITIES = 200
"""Different validities of entries that a search names one by one."""


class EdgeIndex:
    """An :class:`~bot.knowledge.index.Index` in ``folder``, made when missing.

    ``embedder`` should cache. Raises :class:`~bot.errors.KnowledgeError` when another process has the folder open.
    A child forked afterwards cannot use the index (the engine's threads stay behind in the parent): there every call
    raises, where the engine would hang.
    """

    def __init__(
        self, folder: Path, embedder: Embedder, tokenizer: Tokenizer, states: StateStore | None = None
    ) -> None:
        self._tokenizer = tokenizer
        self._pid = os.getpid()
        self._writing = threading.Lock()
        self._recent: Recent[str, Entry] = Recent(_RECENT_ENTRIES)
        self._recent_words: Recent[_WordAsked, dict[str, float]] = Recent(_RECENT_WORDS)
        self._recent_sizes: Recent[_Marks, int] = Recent(_RECENT_POPULATIONS)
        self._lock = take_lock(folder)
        marker = {"format": FORMAT, "embedder": embedder.name, "dimension": embedder.dimension}
        try:
            self._own_states = states is None and embedder.tokens is not None
            self.states = StateStore(folder / STATES_FILE, embedder.name) if self._own_states else states
            self._points = PointMaker(embedder, tokenizer, self.states)
            self._shard, found = open_shard(folder, marker)
            self._owners, self._validities = found.owners, found.validities
        except BaseException:
            os.close(self._lock)
            raise

    def upsert(self, entries: Sequence[Entry]) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        for start in range(0, len(entries), _BATCH):
            made = self._points.make(entries[start : start + _BATCH])
            self._validities |= validities_of(entries[start : start + _BATCH])
            self._owners |= {point_number(point.id): point.payload.get("entry", point.id) for point in made}
            points = [_to_engine(point) for point in made]
            with self._change():
                self._shard.update(qdrant.UpdateOperation.upsert_points(points))
        with self._engine("written"), self._writing:
            self._shard.flush()

    def delete(self, ids: Collection[str]) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        gone = point_ids(self.entries(list(ids)))
        with self._change():
            for start in range(0, len(gone), _PAGE):
                self._shard.update(qdrant.UpdateOperation.delete_points([*gone[start : start + _PAGE]]))
            self._shard.optimize()  # gives back the space of deleted points once they are a fifth
            self._shard.flush()
            for id_ in gone:
                self._owners.pop(point_number(id_), None)

    def drop_unused_states(self) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        if self.states:
            with self._engine("read"):
                self.states.keep_only(state_keys(self._shard, self.states))

    def ids(self, tenant: str, collection: str) -> set[str]:
        """See :class:`~bot.knowledge.index.Index`."""
        wanted = marked(home_mark(ENTRY_ROLE, tenant, collection))
        with self._engine("read"):
            return {str(record.id) for record in scroll(self._shard, wanted, payload=False)}

    def candidates(self, question: str, vector: Floats, scope: Scope, kind: EntryKind | None, limit: int) -> Candidates:
        """See :class:`~bot.knowledge.index.Index`."""
        return candidates(
            Population(scope, kind),
            question,
            vector,
            limit,
            tokenizer=self._tokenizer,
            search=self._search,
            size=self._size,
        )

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """See :class:`~bot.knowledge.index.Index`."""
        found, era = self._recent.find(ids)
        missing: list[str | int | uuid.UUID] = [id_ for id_ in ids if id_ not in found]
        if missing:
            with self._engine("read"):
                records = self._shard.retrieve(missing, True, False)
                read = {id_: entry_from_payload(id_, record.payload or {}) for id_, record in by_id(records)}
            self._recent.keep(read, era)
            found |= read
        return [found[id_] for id_ in ids if id_ in found]

    def count(self) -> int:
        """See :class:`~bot.knowledge.index.Index`."""
        with self._engine("read"):
            wanted = marked(role_mark(ENTRY_ROLE))
            return int(self._shard.count(qdrant.CountRequest(filter=wanted, exact=True)))

    def close(self) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        with self._engine("closed"), self._writing:
            self._shard.flush()
            self._shard.close()
        if self._own_states and self.states:
            self.states.close()
        os.close(self._lock)

    def state(self) -> IndexState:
        """See :class:`~bot.knowledge.index.Index`: what cannot be used was emptied when it was opened."""
        return IndexState.READY

    @contextlib.contextmanager
    def rebuilt(self) -> Iterator["EdgeIndex"]:
        """See :class:`~bot.knowledge.index.Index`: this one is rewritten in its place."""
        yield self

    def _search(self, requests: Sequence[Nearest], population: Population) -> list[dict[str, float]]:
        marks = {role: self._marks(population.sight(role)) for role in {request.role for request in requests}}
        words = {at: key for at, request in enumerate(requests) if (key := _word_asked(request, marks[request.role]))}
        known, era = self._recent_words.find(words.values())
        missing = [at for at in range(len(requests)) if words.get(at) not in known]
        seen = {role: self._filter(population.sight(role), marks[role]) for role in marks}
        with self._engine("read"):
            queries = [_query(requests[at], seen[requests[at].role]) for at in missing]
            found = self._shard.query_batch(qdrant.QueryBatchRequest(queries)) if queries else []
        limits = [requests[at].limit for at in missing]
        owned = map(self._owned, found)
        answers = dict(zip(missing, map(best_of_each, owned, limits), strict=True))
        self._recent_words.keep({words[at]: answers[at] for at in missing if at in words}, era)
        return [answers[at] if at in answers else known[words[at]] for at in range(len(requests))]

    def _owned(self, points: Iterable[Any]) -> Iterator[tuple[str, float]]:
        """The entry and the score of each point; without those that were deleted meanwhile."""
        for point in points:
            owner = self._owners.get(point.id.int)
            if owner is not None:
                yield owner, point.score

    def _size(self, population: Population) -> int:
        sight = population.sight(ENTRY_ROLE)
        marks = self._marks(sight)
        known, era = self._recent_sizes.find([marks])
        if marks in known:
            return known[marks]
        with self._engine("read"):
            wanted = self._filter(sight, marks)
            size = int(self._shard.count(qdrant.CountRequest(filter=wanted, exact=True)))
        if marks:
            self._recent_sizes.keep({marks: size}, era)
        return size

    def _marks(self, sight: Sight) -> "_Marks":
        """The marks of all that ``sight`` shows now; none where there are too many different validities."""
        now, validities = sight.scope.now, tuple(self._validities.items())
        if len(validities) > _MANY_VALIDITIES:
            return ()
        valid = [word for word, (begins, ends) in validities if begins <= now < ends]
        return tuple(mark for word in (ALWAYS, *valid) for mark in sight.marks(word))

    def _filter(self, sight: Sight, marks: "_Marks") -> qdrant.Filter:
        """Words alone, which is twice as quick, unless there are too many different validities."""
        if marks:
            return qdrant.Filter(must=[_one_of(marks)])
        now = sight.scope.now
        bounds = ("valid_from", qdrant.RangeFloat(lte=now)), ("valid_to", qdrant.RangeFloat(gt=now))
        dated: list[Any] = [
            _one_of(sight.marks(DATED)),
            *(qdrant.FieldCondition(field, range=bound) for field, bound in bounds),
        ]
        return qdrant.Filter(should=[_one_of(sight.marks(ALWAYS)), qdrant.Filter(must=dated)])

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """A block that changes entries; even when it fails half way, none that was read before is kept."""
        with self._engine("written"), self._writing:
            try:
                yield
            finally:
                for recent in (self._recent, self._recent_words, self._recent_sizes):
                    recent.forget()

    @contextlib.contextmanager
    def _engine(self, action: str) -> Iterator[None]:
        if os.getpid() != self._pid:
            raise KnowledgeError("the embedded index was opened before this process was forked; open it afterwards")
        with engine_errors(f"the index could not be {action}; run `reindex` if this stays"):
            yield


_Marks = tuple[str, ...]
"""The marks of all that a reader sees of one role, which name a population; none where numbers are compared too."""
_WordAsked = tuple[_Marks, int]
"""A population, and the dimension of a word asked alone."""


def _word_asked(request: Nearest, marks: _Marks) -> _WordAsked | None:
    """What the answer to ``request`` may be kept under, where that asks how rare one word is."""
    alone = request.route is Route.WORDS and request.by_rarity and request.limit == 1
    if not (marks and alone) or isinstance(request.vector, list):
        return None
    (dimension,), _weight = request.vector
    return marks, dimension


def _query(request: Nearest, corpus: qdrant.Filter) -> qdrant.QueryRequest:
    idf = None
    if request.route not in DENSE_ROUTES:
        idf = qdrant.IdfParams(corpus=corpus if request.by_rarity else marked(NOBODYS_MARK))
    vector = qdrant.SparseVector(*request.vector) if isinstance(request.vector, tuple) else request.vector
    return qdrant.QueryRequest(
        request.points,
        query=qdrant.Query.Nearest(vector, using=request.route.value),
        filter=corpus,
        with_payload=False,
        params=qdrant.SearchParams(exact=True, idf=idf),
    )


def _one_of(marks: Sequence[str]) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(MARKS_FIELD, match=qdrant.MatchAny(list(marks)))


def _to_engine(point: PointData) -> qdrant.Point:
    vectors: dict[str, Any] = {route.value: vector for route, vector in point.dense.items()}
    vectors |= {route.value: qdrant.SparseVector(*weights) for route, weights in point.sparse.items()}
    return qdrant.Point(point.id, vectors, point.payload)
