"""The index on a Qdrant server or cluster (``QDRANT_URL``), which any number of processes may share.

The same points, requests and arithmetic as those of the embedded index (:mod:`bot.knowledge.points`,
:mod:`bot.knowledge.question`), and so the same scores. Search is exact unless ``QDRANT_QUANTIZATION`` asks for less
memory: then the quantised vectors name more candidates than wanted, and their exact vectors decide.

This module and the two ``qdrant_*`` it builds on are the only ones that import the client library, and only a process
with ``QDRANT_URL`` imports this one. The client is not made for a fork: open the index in the child.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import structlog
from qdrant_client import models

from bot.errors import ConfigError, KnowledgeError, Unavailable
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry, EntryKind, Scope
from bot.knowledge.index import Candidates, Floats, IndexState
from bot.knowledge.points import (
    ALWAYS,
    DATED,
    DENSE_ROUTES,
    ENTRY_ROLE,
    FORMAT,
    MARKS_FIELD,
    NOBODYS_MARK,
    TENANT_FIELD,
    PointData,
    PointMaker,
    entry_from_payload,
    home_mark,
    point_ids,
    role_mark,
)
from bot.knowledge.qdrant_calls import Gone, connect
from bot.knowledge.qdrant_collections import Build, Collections, Quantization
from bot.knowledge.question import Nearest, Population, Sight, best_of_each, candidates
from bot.knowledge.state_store import STATES_FILE, StateStore
from bot.knowledge.tokens import Tokenizer
from bot.settings import Settings

log = structlog.get_logger()

T = TypeVar("T")

_BATCH = 64
"""Entries embedded at a time."""
_POINTS = 100
"""Points a request: 8 MB with 4,096 numbers each; the server takes 32 MB."""
_PAGE = 1_000
"""Ids read or deleted at a time."""
_HEALTH_S = 3.0
"""Seconds for the question how many entries there are: it is asked for every heartbeat, which must not be late."""
MOST_STATES = 100_000
"""Texts whose token states are kept, 3 GB: nobody knows which ones no entry needs any more."""
OVERSAMPLING: dict[Quantization, float] = {"scalar": 2.0, "binary": 3.0}
"""Candidates by quantised vectors for each one wanted."""


class ServerIndex:
    """An :class:`~bot.knowledge.index.Index` on a server. Opening it asks the server nothing.

    ``embedder`` should cache. ``collection`` names the one collection to use, whatever the alias of ``collections``
    means; without it the alias decides. ``states`` are this machine's: those of entries that another one wrote are
    made when a question meets them (:mod:`bot.knowledge.state_filling`). They are closed with the index.
    """

    def __init__(
        self,
        collections: Collections,
        embedder: Embedder,
        tokenizer: Tokenizer,
        collection: str | None = None,
        states: StateStore | None = None,
    ) -> None:
        self.states = states
        self._collections = collections
        self._calls = collections.calls
        self._client = collections.calls.client
        self._embedder = embedder
        self._tokenizer = tokenizer
        self._points = PointMaker(embedder, tokenizer, states)
        self._collection = collection

    def upsert(self, entries: Sequence[Entry]) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        for start in range(0, len(entries), _BATCH):
            points = [_to_client(point) for point in self._points.make(entries[start : start + _BATCH])]
            points.sort(key=lambda point: (point.payload or {})["role"] == ENTRY_ROLE)
            # An entry after its questions: one that is there is complete, or a sync would never bring what is missing.
            for at in range(0, len(points), _POINTS):
                self._write(partial(self._client.upsert, points=points[at : at + _POINTS]))

    def delete(self, ids: Collection[str]) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        gone = point_ids(self.entries(list(ids)))
        for at in range(0, len(gone), _PAGE):
            selector = models.PointIdsList(points=list(gone[at : at + _PAGE]))
            self._write(partial(self._client.delete, points_selector=selector))

    def ids(self, tenant: str, collection: str) -> set[str]:
        """See :class:`~bot.knowledge.index.Index`."""
        wanted = _marked(home_mark(ENTRY_ROLE, tenant, collection))
        return self._with_collection(lambda name: self._scroll(name, wanted), look=True)

    def candidates(self, question: str, vector: Floats, scope: Scope, kind: EntryKind | None, limit: int) -> Candidates:
        """See :class:`~bot.knowledge.index.Index`."""

        def ask(name: str) -> Candidates:
            search, size = partial(self._search, name), partial(self._size, name)
            population = Population(scope, kind)
            return candidates(population, question, vector, limit, tokenizer=self._tokenizer, search=search, size=size)

        with self._calls.within():
            return self._with_collection(ask)

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """See :class:`~bot.knowledge.index.Index`."""
        records = self._with_collection(
            lambda name: self._calls.run(lambda: self._client.retrieve(name, list(ids), with_payload=True))
        )
        try:
            found = {str(record.id): entry_from_payload(str(record.id), record.payload or {}) for record in records}
        except (KeyError, ValueError) as error:
            raise KnowledgeError(f"an entry of the index cannot be read ({error!r}); run `reindex`") from error
        return [found[id_] for id_ in ids if id_ in found]

    def drop_unused_states(self) -> None:
        """See :class:`~bot.knowledge.index.Index`: a machine keeps its newest, since others bring entries too."""

    def count(self) -> int:
        """See :class:`~bot.knowledge.index.Index`."""
        wanted = _marked(role_mark(ENTRY_ROLE))
        with self._calls.within(_HEALTH_S):
            return self._with_collection(lambda name: self._count(name, wanted))

    def state(self) -> IndexState:
        """See :class:`~bot.knowledge.index.Index`."""
        return self._collections.state()

    @contextmanager
    def rebuilt(self) -> Iterator["ServerIndex"]:
        """See :class:`~bot.knowledge.index.Index`: a new collection takes the place of the old one."""
        name = self._collections.begin()
        yield ServerIndex(self._collections, self._embedder, self._tokenizer, name, self.states)
        self._collections.switch(name)

    def close(self) -> None:
        """See :class:`~bot.knowledge.index.Index`."""
        self._client.close()
        if self.states is not None:
            self.states.close()

    def _with_collection(self, work: Callable[[str], T], *, look: bool = False) -> T:
        """``work`` with the collection's name, and once more with its successor's when a rebuild has just ended."""
        if self._collection is not None:
            return work(self._collection)
        try:
            return work(self._collections.live(look=look))
        except Gone:
            return work(self._collections.live(look=True))

    def _write(self, request: Callable[..., models.UpdateResult]) -> None:
        """Run a writing request until it is applied; not into a collection that has been replaced."""
        wait_s = self._calls.server_timeout_s
        result = self._with_collection(
            lambda name: self._calls.run(partial(request, name, wait=True, timeout=wait_s)), look=True
        )
        if result.status != models.UpdateStatus.COMPLETED:
            raise Unavailable(f"the Qdrant server has not applied a change within {wait_s} s ({result.status.value})")

    def _search(self, name: str, requests: Sequence[Nearest], population: Population) -> list[dict[str, float]]:
        queries = [self._query(request, population) for request in requests]
        wait_s = self._calls.server_timeout_s
        answers = self._calls.run(lambda: self._client.query_batch_points(name, queries, timeout=wait_s))
        return [
            best_of_each(((_entry_id(point), point.score) for point in answer.points), request.limit)
            for request, answer in zip(requests, answers, strict=True)
        ]

    def _query(self, request: Nearest, population: Population) -> models.QueryRequest:
        corpus = _filter(population.sight(request.role))
        return models.QueryRequest(
            query=_vector(request.vector),
            using=request.route.value,
            filter=corpus,
            limit=request.points,
            with_payload=False if request.role == ENTRY_ROLE else ["entry"],
            params=self._parameters(
                corpus if request.by_rarity else _marked(NOBODYS_MARK), dense=request.route in DENSE_ROUTES
            ),
        )

    def _parameters(self, corpus: models.Filter, *, dense: bool) -> models.SearchParams:
        if not dense:
            return models.SearchParams(exact=True, idf=models.IdfCorpusParams(corpus=corpus))
        oversampling = OVERSAMPLING.get(self._collections.build.quantization)
        if oversampling is None:
            return models.SearchParams(exact=True)
        return models.SearchParams(
            quantization=models.QuantizationSearchParams(rescore=True, oversampling=oversampling)
        )

    def _size(self, name: str, population: Population) -> int:
        return self._count(name, _filter(population.sight(ENTRY_ROLE)))

    def _count(self, name: str, wanted: models.Filter) -> int:
        return self._calls.run(lambda: self._client.count(name, wanted, exact=True)).count

    def _scroll(self, name: str, wanted: models.Filter) -> set[str]:
        found: set[str] = set()
        offset: Any = None
        while True:
            records, offset = self._calls.run(partial(self._page, name, wanted, offset))
            found.update(str(record.id) for record in records)
            if offset is None:
                return found

    def _page(self, name: str, wanted: models.Filter, offset: Any) -> tuple[list[models.Record], Any]:
        return self._client.scroll(
            name,
            wanted,
            limit=_PAGE,
            offset=offset,
            with_payload=False,
            with_vectors=False,
            # Of the replicas a majority has what was written, so that a sync is not told of the others' past.
            consistency=models.ReadConsistencyType.MAJORITY,
        )


def open_server_index(settings: Settings, embedder: Embedder, tokenizer: Tokenizer) -> ServerIndex:
    """The index on the server that the settings name.

    Raises :class:`~bot.errors.KnowledgeError` when the server refuses us; one that does not answer is no error yet.
    """
    if settings.qdrant_url is None:
        raise ConfigError(["QDRANT_URL is not set"])
    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    build = Build(
        format=FORMAT,
        embedder=embedder.name,
        dimension=embedder.dimension,
        quantization=settings.qdrant_quantization,
        replicas=settings.qdrant_replicas,
    )
    calls = connect(settings.qdrant_url, key, settings.qdrant_timeout)
    collections = Collections(calls, settings.qdrant_collection, build)
    try:
        collections.state()
    except Unavailable as error:
        log.warning("index_unreachable", error=str(error))
    states = None
    if embedder.tokens is not None:
        states = StateStore(settings.index_dir / STATES_FILE, embedder.name)
        states.keep_newest(MOST_STATES)
    return ServerIndex(collections, embedder, tokenizer, states=states)


def _to_client(point: PointData) -> models.PointStruct:
    vectors: dict[str, Any] = {route.value: vector for route, vector in point.dense.items()}
    vectors |= {route.value: _vector(weights) for route, weights in point.sparse.items()}
    return models.PointStruct(id=point.id, vector=vectors, payload=point.payload)


def _vector(vector: list[float] | tuple[list[int], list[float]]) -> list[float] | models.SparseVector:
    return models.SparseVector(indices=vector[0], values=vector[1]) if isinstance(vector, tuple) else vector


def _filter(sight: Sight) -> models.Filter:
    """The tenant stands beside the marks that name it, as the graph of quantised vectors is the tenant's."""
    bounds = ("valid_from", models.Range(lte=sight.scope.now)), ("valid_to", models.Range(gt=sight.scope.now))
    valid = [models.FieldCondition(key=field, range=bound) for field, bound in bounds]
    tenant = models.FieldCondition(key=TENANT_FIELD, match=models.MatchValue(value=sight.scope.tenant))
    return models.Filter(
        must=[tenant], should=[_one_of(sight.marks(ALWAYS)), models.Filter(must=[_one_of(sight.marks(DATED)), *valid])]
    )


def _one_of(marks: Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(key=MARKS_FIELD, match=models.MatchAny(any=list(marks)))


def _marked(mark: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=MARKS_FIELD, match=models.MatchValue(value=mark))])


def _entry_id(point: models.ScoredPoint) -> str:
    return str((point.payload or {}).get("entry", point.id))
