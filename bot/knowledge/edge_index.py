"""The index in this process: Qdrant's engine (qdrant-edge) in a folder that one process owns.

An entry is one point with the vectors ``dense``, ``lexical`` (BM25 weights) and ``words`` (weight 1 each); every
question of a FAQ is a point of its own with ``question_dense`` and ``question_lexical``, since a sparse vector cannot
hold several. The engine keeps what BM25 needs: it multiplies with the idf at query time, counted over what the reader
may see, so that another tenant's documents change nothing here. Search is exact (no graph): 2 to 3 ms at 10,000.

The folder is rebuildable. When it is damaged, or was made by another model or version, it is emptied with a logged
error, and the next sync fills it again.
"""

import contextlib
import fcntl
import json
import os
import shutil
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qdrant_edge as qdrant
import structlog

from bot.errors import BotError, KnowledgeError
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, IndexInUse, Route
from bot.knowledge.points import (
    DENSE_ROUTES,
    ENTRY_ROLE,
    FORMAT,
    QUESTION_ROLE,
    SPARSE_ROUTES,
    PointData,
    PointMaker,
    coverage_weights,
    entry_from_payload,
    query_weights,
    question_ids,
    sparse,
)
from bot.knowledge.tokens import Tokenizer

log = structlog.get_logger()

_BATCH = 64
"""Entries embedded and written at a time."""
_PAGE = 1_000
"""Points read or deleted at a time."""
_KEYWORDS = ("tenant", "collection", "audience", "kind", "role")
_NUMBERS = ("valid_from", "valid_to")
_NEVER_KB = 1_000_000_000
"""The size from which the engine would build an approximate graph: never, exact search is quick enough."""


class EdgeIndex:
    """An :class:`~bot.knowledge.index.Index` in ``folder``, made when missing.

    ``embedder`` should cache. Raises :class:`~bot.errors.KnowledgeError` when another process has the folder open.
    A child forked afterwards cannot use the index (the engine's threads stay behind in the parent): there every call
    raises, where the engine would hang.
    """

    def __init__(self, folder: Path, embedder: Embedder, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._points = PointMaker(embedder, tokenizer)
        self._pid = os.getpid()
        self._writing = threading.Lock()
        self._lock = _lock(folder)
        try:
            self._shard = _open(folder, {"format": FORMAT, "embedder": embedder.name, "dimension": embedder.dimension})
        except BaseException:
            os.close(self._lock)
            raise

    def upsert(self, entries: Sequence[Entry]) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        for start in range(0, len(entries), _BATCH):
            points = [_to_engine(point) for point in self._points.make(entries[start : start + _BATCH])]
            with self._engine("written"), self._writing:
                self._shard.update(qdrant.UpdateOperation.upsert_points(points))
        with self._engine("written"), self._writing:
            self._shard.flush()

    def delete(self, ids: Collection[str]) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        gone: list[qdrant.PointId] = [
            point for entry in self.entries(list(ids)) for point in (entry.id, *question_ids(entry))
        ]
        with self._engine("written"), self._writing:
            for start in range(0, len(gone), _PAGE):
                self._shard.update(qdrant.UpdateOperation.delete_points(gone[start : start + _PAGE]))
            self._shard.optimize()  # gives back the space of deleted points once they are a fifth
            self._shard.flush()

    def ids(self, tenant: str, collection: str) -> set[str]:
        """See :class:`~bot.knowledge.index.Index`."""
        wanted = qdrant.Filter(
            must=[_is("role", ENTRY_ROLE), _is("tenant", tenant), _is("collection", collection)],
        )
        with self._engine("read"):
            return {str(record.id) for record in _scroll(self._shard, wanted, payload=False)}

    def candidates(self, question: str, vector: Floats, scope: Scope, kind: EntryKind | None, limit: int) -> Candidates:
        """See :class:`~bot.knowledge.index.Index`."""
        if not scope.collections:
            return Candidates({route: {} for route in Route}, mass=0.0, visible=0)
        asking = _Asking(scope, kind, limit)
        dense = vector.tolist()
        terms = qdrant.SparseVector(*query_weights(self._tokenizer.query_terms(question)))
        words = sorted(set(self._tokenizer.query_words(question)))
        vectors = {
            Route.DENSE: dense,
            Route.LEXICAL: terms,
            Route.QUESTION_DENSE: dense,
            Route.QUESTION_LEXICAL: terms,
        }
        requests = [asking.nearest(route, value) for route, value in vectors.items()]
        singles = [asking.nearest_word(word) for word in words]
        with self._engine("read"):
            answers = self._shard.query_batch(qdrant.QueryBatchRequest(requests + singles))
            idf = [points[0].score if points else None for points in answers[len(requests) :]]
            visible = self._shard.count(qdrant.CountRequest(filter=asking.corpus(ENTRY_ROLE), exact=True))
            weights = coverage_weights(idf, visible)
            # The engine multiplies with the idf: dividing by it here leaves the weight.
            held = {word: w / x for word, w, x in zip(words, weights, idf, strict=True) if x}
            covering = self._shard.query(asking.nearest(Route.WORDS, qdrant.SparseVector(*sparse(held))))
        routes = {route: _best_of_each(points) for route, points in zip(vectors, answers, strict=False)}
        mass = sum(weights)
        routes[Route.WORDS] = {id_: min(1.0, share / mass) for id_, share in _best_of_each(covering).items()}
        return Candidates(routes, mass=mass, visible=visible)

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """See :class:`~bot.knowledge.index.Index`."""
        with self._engine("read"):
            records = self._shard.retrieve(list(ids), True, False)
            found = {str(record.id): entry_from_payload(str(record.id), record.payload or {}) for record in records}
        return [found[id_] for id_ in ids if id_ in found]

    def count(self) -> int:
        """See :class:`~bot.knowledge.index.Index`."""
        with self._engine("read"):
            wanted = qdrant.Filter(must=[_is("role", ENTRY_ROLE)])
            return int(self._shard.count(qdrant.CountRequest(filter=wanted, exact=True)))

    def close(self) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        with self._engine("closed"), self._writing:
            self._shard.flush()
            self._shard.close()
        os.close(self._lock)

    @contextlib.contextmanager
    def _engine(self, action: str) -> Iterator[None]:
        if os.getpid() != self._pid:
            raise KnowledgeError("the embedded index was opened before this process was forked; open it afterwards")
        with _engine_errors(f"the index could not be {action}; run `reindex` if this stays"):
            yield


@dataclass(frozen=True, slots=True)
class _Asking:
    """What all requests of one question share."""

    scope: Scope
    kind: EntryKind | None
    limit: int

    def corpus(self, role: str) -> qdrant.Filter:
        """What the reader may see now: the search's filter, and the population its idf is counted over."""
        scope = self.scope
        conditions: list[qdrant.ConditionType] = [
            _is("role", role),
            _is("tenant", scope.tenant),
            qdrant.FieldCondition("collection", match=qdrant.MatchAny(list(scope.collections))),
            qdrant.FieldCondition("audience", match=qdrant.MatchAny([item.value for item in scope.reader.readable])),
            qdrant.FieldCondition("valid_from", range=qdrant.RangeFloat(lte=scope.now)),
            qdrant.FieldCondition("valid_to", range=qdrant.RangeFloat(gt=scope.now)),
        ]
        if self.kind is not None:
            conditions.append(_is("kind", self.kind.value))
        return qdrant.Filter(must=conditions)

    def nearest(self, route: Route, vector: Any) -> qdrant.QueryRequest:
        """The best of one route. Question points: more, as several may belong to one entry."""
        asks = route in (Route.QUESTION_DENSE, Route.QUESTION_LEXICAL)
        return self._request(route, vector, QUESTION_ROLE if asks else ENTRY_ROLE, self.limit * (3 if asks else 1))

    def nearest_word(self, word: str) -> qdrant.QueryRequest:
        """One word alone: the score of any hit is the word's idf."""
        return self._request(Route.WORDS, qdrant.SparseVector(*query_weights([word])), ENTRY_ROLE, 1)

    def _request(self, route: Route, vector: Any, role: str, limit: int) -> qdrant.QueryRequest:
        corpus = self.corpus(role)
        dense = route in DENSE_ROUTES
        return qdrant.QueryRequest(
            limit,
            query=qdrant.Query.Nearest(vector, using=route.value),
            filter=corpus,
            with_payload=[] if role == ENTRY_ROLE else ["entry"],
            params=qdrant.SearchParams(exact=True, idf=None if dense else qdrant.IdfParams(corpus=corpus)),
        )


def _best_of_each(points: Sequence[Any]) -> dict[str, float]:
    """Entry id to its best point's score, best first."""
    best: dict[str, float] = {}
    for point in points:
        best.setdefault(str((point.payload or {}).get("entry", point.id)), point.score)
    return best


def _to_engine(point: PointData) -> qdrant.Point:
    vectors: dict[str, Any] = {route.value: vector for route, vector in point.dense.items()}
    vectors |= {route.value: qdrant.SparseVector(*weights) for route, weights in point.sparse.items()}
    return qdrant.Point(point.id, vectors, point.payload)


def _is(field: str, value: str) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(field, match=qdrant.MatchValue(value))


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


def _open(folder: Path, marker: dict[str, object]) -> qdrant.EdgeShard:
    """The shard in ``folder``; an empty one where there is none, or none that can be used."""
    marker_file, shard_folder = folder / "format.json", folder / "shard"
    if shard_folder.exists():
        try:
            return _load(shard_folder, marker_file, marker)
        except KnowledgeError as error:
            log.error("index_rebuilt_empty", reason=str(error), cause=str(error.__cause__ or ""))
    with contextlib.suppress(FileNotFoundError):
        marker_file.unlink()  # first: a folder without it is never loaded
    shutil.rmtree(shard_folder, ignore_errors=True)
    shard_folder.mkdir()
    with _engine_errors("the index could not be made"):
        shard = qdrant.EdgeShard.create(str(shard_folder), _configuration(int(str(marker["dimension"]))))
        for field in _KEYWORDS:
            shard.update(qdrant.UpdateOperation.create_field_index(field, qdrant.PayloadSchemaType.Keyword))
        for field in _NUMBERS:
            shard.update(qdrant.UpdateOperation.create_field_index(field, qdrant.PayloadSchemaType.Float))
        shard.flush()
    marker_file.write_text(json.dumps(marker), encoding="utf-8")
    return shard


def _load(shard_folder: Path, marker_file: Path, marker: dict[str, object]) -> qdrant.EdgeShard:
    """The shard as it was left. Raises ``KnowledgeError`` when it is damaged or another version's.

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
    try:
        with _engine_errors("it is damaged"):
            for record in _scroll(shard, qdrant.Filter(must=[_is("role", ENTRY_ROLE)]), payload=True):
                entry_from_payload(str(record.id), record.payload or {})
    except KnowledgeError:
        shard.close()
        raise
    return shard


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
