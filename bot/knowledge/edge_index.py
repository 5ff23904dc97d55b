"""The index in this process: Qdrant's engine (qdrant-edge) in a folder that one process owns.

An entry is one point with the vectors ``dense``, ``lexical`` (BM25 weights) and ``words`` (weight 1 each); every
question of a FAQ is a point of its own with ``question_dense`` and ``question_lexical``, since a sparse vector cannot
hold several. The engine keeps what BM25 needs: it multiplies with the idf at query time, counted over what the reader
may see, so that another tenant's documents change nothing here. Search is exact (no graph): 2 to 3 ms at 10,000.

What a question costs beside the engine's own work is objects: the engine answers with the number of each point, and
``_owners`` says whose it is without a payload being read; filters are built once a search; entries are kept for a
while, as many questions have the same answers. The engine holds Python's interpreter lock while it searches, so a
second thread gains nothing.

The folder is rebuildable. When it is damaged, or was made by another model or version, it is emptied with a logged
error, and the next sync fills it again.
"""

import contextlib
import fcntl
import json
import os
import shutil
import threading
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import qdrant_edge as qdrant
import structlog

from bot.errors import BotError, KnowledgeError
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, IndexInUse, IndexState
from bot.knowledge.points import (
    ALWAYS,
    DATED,
    DENSE_ROUTES,
    ENTRY_ROLE,
    FORMAT,
    MARKS_FIELD,
    NUMBER_FIELDS,
    SPARSE_ROUTES,
    PointData,
    PointMaker,
    entry_from_payload,
    home_mark,
    point_ids,
    role_mark,
    texts_with_states,
    validity_of,
)
from bot.knowledge.question import Nearest, Population, Sight, best_of_each, candidates
from bot.knowledge.recent_entries import RecentEntries
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.tokens import Tokenizer

log = structlog.get_logger()

_BATCH = 64
"""Entries embedded and written at a time."""
_PAGE = 1_000
"""Points read or deleted at a time."""
_MANY_VALIDITIES = 200
"""Different validities of entries that a search names one by one."""
_NEVER_KB = 1_000_000_000
"""The size from which the engine would build an approximate graph: never, exact search is quick enough."""


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
        self._recent = RecentEntries()
        self._lock = _lock(folder)
        marker = {"format": FORMAT, "embedder": embedder.name, "dimension": embedder.dimension}
        try:
            self._own_states = states is None and embedder.tokens is not None
            self.states = StateStore(folder / STATES_FILE, embedder.name) if self._own_states else states
            self._points = PointMaker(embedder, tokenizer, self.states)
            self._shard, found = _open(folder, marker, self.states)
            self._owners, self._validities = found.owners, found.validities
            if (
                self._own_states and self.states and found.keys
            ):  # none: all was lost, and the next sync wants them again
                self.states.keep_only(found.keys)
        except BaseException:
            os.close(self._lock)
            raise

    def upsert(self, entries: Sequence[Entry]) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        for start in range(0, len(entries), _BATCH):
            made = self._points.make(entries[start : start + _BATCH])
            self._validities |= _validities(entries[start : start + _BATCH])
            self._owners |= {_number(point.id): point.payload.get("entry", point.id) for point in made}
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
                self._owners.pop(_number(id_), None)

    def ids(self, tenant: str, collection: str) -> set[str]:
        """See :class:`~bot.knowledge.index.Index`."""
        wanted = _marked(home_mark(ENTRY_ROLE, tenant, collection))
        with self._engine("read"):
            return {str(record.id) for record in _scroll(self._shard, wanted, payload=False)}

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
                read = {id_: entry_from_payload(id_, record.payload or {}) for id_, record in _by_id(records)}
            self._recent.keep(read, era)
            found |= read
        return [found[id_] for id_ in ids if id_ in found]

    def count(self) -> int:
        """See :class:`~bot.knowledge.index.Index`."""
        with self._engine("read"):
            wanted = _marked(role_mark(ENTRY_ROLE))
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
        roles = {request.role for request in requests}
        seen = {role: self._filter(population.sight(role)) for role in roles}
        with self._engine("read"):
            queries = [_query(request, seen[request.role]) for request in requests]
            found = self._shard.query_batch(qdrant.QueryBatchRequest(queries))
        return [best_of_each(self._owned(points)) for points in found]

    def _owned(self, points: Iterable[Any]) -> list[tuple[str, float]]:
        """The entry and the score of each point; without those that were deleted meanwhile."""
        owners = self._owners
        return [(owners[number], point.score) for point in points if (number := point.id.int) in owners]

    def _size(self, population: Population) -> int:
        wanted = self._filter(population.sight(ENTRY_ROLE))
        with self._engine("read"):
            return int(self._shard.count(qdrant.CountRequest(filter=wanted, exact=True)))

    def _filter(self, sight: Sight) -> qdrant.Filter:
        """Words alone, which is twice as quick, unless there are too many different validities."""
        now, validities = sight.scope.now, tuple(self._validities.items())
        if len(validities) <= _MANY_VALIDITIES:
            valid = [word for word, (begins, ends) in validities if begins <= now < ends]
            return qdrant.Filter(must=[_one_of([mark for word in (ALWAYS, *valid) for mark in sight.marks(word)])])
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
                self._recent.forget()

    @contextlib.contextmanager
    def _engine(self, action: str) -> Iterator[None]:
        if os.getpid() != self._pid:
            raise KnowledgeError("the embedded index was opened before this process was forked; open it afterwards")
        with _engine_errors(f"the index could not be {action}; run `reindex` if this stays"):
            yield


@dataclass(slots=True)
class _Held:
    """Of the entries of an index: ``owners`` says whose each point is, by number; ``validities`` which there are, by
    their words; ``keys`` where their token states are."""

    owners: dict[int, str] = field(default_factory=dict)
    validities: dict[str, tuple[float, float]] = field(default_factory=dict)
    keys: set[bytes] = field(default_factory=set)


def _query(request: Nearest, corpus: qdrant.Filter) -> qdrant.QueryRequest:
    dense = request.route in DENSE_ROUTES
    vector = qdrant.SparseVector(*request.vector) if isinstance(request.vector, tuple) else request.vector
    return qdrant.QueryRequest(
        request.limit,
        query=qdrant.Query.Nearest(vector, using=request.route.value),
        filter=corpus,
        with_payload=False,
        params=qdrant.SearchParams(exact=True, idf=None if dense else qdrant.IdfParams(corpus=corpus)),
    )


def _one_of(marks: Sequence[str]) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(MARKS_FIELD, match=qdrant.MatchAny(list(marks)))


def _marked(mark: str) -> qdrant.Filter:
    return qdrant.Filter(must=[qdrant.FieldCondition(MARKS_FIELD, match=qdrant.MatchValue(mark))])


def _validities(entries: Iterable[Entry]) -> dict[str, tuple[float, float]]:
    bounded = ((validity_of(entry), entry) for entry in entries)
    return {word: (entry.valid_from, entry.valid_to) for word, entry in bounded if word != ALWAYS}


def _number(id_: str) -> int:
    """A point's id as the number that the engine's answers carry without the cost of its text."""
    return uuid.UUID(id_).int


def _by_id(records: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(record.id), record) for record in records)


def _to_engine(point: PointData) -> qdrant.Point:
    vectors: dict[str, Any] = {route.value: vector for route, vector in point.dense.items()}
    vectors |= {route.value: qdrant.SparseVector(*weights) for route, weights in point.sparse.items()}
    return qdrant.Point(point.id, vectors, point.payload)


def _scroll(shard: qdrant.EdgeShard, wanted: qdrant.Filter | None, *, payload: bool) -> Iterator[Any]:
    offset = None
    while True:
        records, offset = shard.scroll(
            qdrant.ScrollRequest(offset=offset, limit=_PAGE, filter=wanted, with_payload=payload, with_vector=False)
        )
        yield from records
        if offset is None:
            return


def _lock(folder: Path) -> int:
    """A lock on ``folder`` that ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KnowledgeError(f"the index folder {folder} cannot be used: {error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise IndexInUse(f"index is open in another process ({folder}); ask that process, or stop it") from error
    return handle


def _open(folder: Path, marker: dict[str, object], states: StateStore | None) -> tuple[qdrant.EdgeShard, "_Held"]:
    """The shard in ``folder`` and what it holds; an empty one where there is none, or none that can be used."""
    marker_file, shard_folder = folder / "format.json", folder / "shard"
    if shard_folder.exists():
        try:
            return _load(shard_folder, marker_file, marker, states)
        except KnowledgeError as error:
            log.error("index_rebuilt_empty", reason=str(error), cause=str(error.__cause__ or ""))
    with contextlib.suppress(FileNotFoundError):
        marker_file.unlink()  # first: a folder without it is never loaded
    shutil.rmtree(shard_folder, ignore_errors=True)
    shard_folder.mkdir()
    with _engine_errors("the index could not be made"):
        shard = qdrant.EdgeShard.create(str(shard_folder), _configuration(int(str(marker["dimension"]))))
        shard.update(qdrant.UpdateOperation.create_field_index(MARKS_FIELD, qdrant.PayloadSchemaType.Keyword))
        for field in NUMBER_FIELDS:
            shard.update(qdrant.UpdateOperation.create_field_index(field, qdrant.PayloadSchemaType.Float))
        shard.flush()
    marker_file.write_text(json.dumps(marker), encoding="utf-8")
    return shard, _Held()


def _load(
    shard_folder: Path, marker_file: Path, marker: dict[str, object], states: StateStore | None
) -> tuple[qdrant.EdgeShard, "_Held"]:
    """The shard as it was left, and what it holds.

    Raises ``KnowledgeError`` when it is damaged or another version's.
    Every payload is read once, which finds what the engine itself would find only when a question meets it.
    """
    try:
        found = json.loads(marker_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KnowledgeError("its format.json is missing or unreadable") from error
    if found != marker:
        raise KnowledgeError(f"it was made as {found}, and {marker} is wanted")
    with _engine_errors("it is damaged"):
        shard = qdrant.EdgeShard.load(str(shard_folder))
    held = _Held()
    try:
        with _engine_errors("it is damaged"):
            for id_, record in _by_id(_scroll(shard, _marked(role_mark(ENTRY_ROLE)), payload=True)):
                entry = entry_from_payload(id_, record.payload or {})
                held.owners |= {_number(point): id_ for point in point_ids([entry])}
                held.validities |= _validities([entry])
                held.keys.update(map(states.key, texts_with_states(entry)) if states else ())
    except KnowledgeError:
        shard.close()
        raise
    return shard, held


def _configuration(dimension: int) -> qdrant.EdgeConfig:
    dense = qdrant.EdgeVectorParams(size=dimension, distance=qdrant.Distance.Dot, memory=qdrant.Memory.Cold)
    sparse = qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)
    return qdrant.EdgeConfig(
        vectors={route.value: dense for route in DENSE_ROUTES},
        sparse_vectors={route.value: sparse for route in SPARSE_ROUTES},
        optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=_NEVER_KB),
        max_search_threads=1,
    )


@contextlib.contextmanager
def _engine_errors(message: str) -> Iterator[None]:
    """Turns whatever the engine raises into :class:`~bot.errors.KnowledgeError`."""
    try:
        yield
    except BaseException as error:
        # The binding raises bare Exception, and a panic as a BaseException whose class cannot be imported.
        if isinstance(error, BotError) or not (
            isinstance(error, Exception) or type(error).__name__ == "PanicException"
        ):
            raise
        raise KnowledgeError(f"{message} ({error})") from error
