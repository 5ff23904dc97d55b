"""Qdrant's REST interface on loopback: the client library's in-memory engine behind real HTTP, which misbehaves on
request.

Requests are read with the models that the library generates from Qdrant's own OpenAPI description, which refuse a field
they do not know; what arrived is kept in ``requests``. The engine knows no shards, replicas, payload indexes or
quantisation: what a collection was asked to have lies in ``made`` and ``payload_indexes``. Errors have the statuses and
the shape of the server's (``src/actix/helpers.rs`` in qdrant/qdrant).

::

    with QdrantServer(api_key="k") as server:
        server.next(status(503), Cut())     # the next two requests; on(path, …) scripts one path
"""

import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from qdrant_client import QdrantClient, models

from tests.fakes.scripted_http import Recorded, Scripted, ScriptedServer, Step, reply

NEWEST = "1.20.0"


def status(code: int, text: str = "told to fail") -> Scripted:
    """An error as the server words it."""
    return reply({"status": {"error": text}, "time": 0.0}, status=code)


class QdrantServer(ScriptedServer):
    """The server; a context manager. ``version`` is what it says it is."""

    def __init__(self, api_key: str = "", version: str = NEWEST) -> None:
        super().__init__()
        self.made: dict[str, dict[str, Any]] = {}
        self.payload_indexes: dict[str, dict[str, Any]] = {}
        self._api_key = api_key
        self._version = version
        self._ahead: deque[Step] = deque()
        self._engine = QdrantClient(":memory:")
        self._engine_lock = threading.Lock()  # it is not made for threads

    def next(self, *steps: Step) -> None:
        """Answer the next requests with ``steps``, one each, whatever they ask."""
        with self._lock:
            self._ahead.extend(steps)

    def named(self, method: str, pattern: str) -> list[Recorded]:
        """The requests that arrived with ``method`` for a path that matches ``pattern`` as a whole."""
        with self._lock:
            return [item for item in self.requests if item.method == method and re.fullmatch(pattern, item.path)]

    @property
    def collections(self) -> set[str]:
        """The collections there are."""
        with self._engine_lock:
            return {item.name for item in self._engine.get_collections().collections}

    @property
    def aliases(self) -> dict[str, str]:
        """Each alias and the collection it means."""
        with self._engine_lock:
            return {item.alias_name: item.collection_name for item in self._engine.get_aliases().aliases}

    def drop(self, collection: str) -> None:
        """Take a collection away, as an operator might."""
        with self._engine_lock:
            self._engine.delete_collection(collection)

    def answer(self, request: Recorded) -> Scripted:
        """What a server in good health answers; a script may end with it."""
        if self._api_key and request.headers.get("api-key") != self._api_key:
            return status(401, "Invalid API key or JWT")
        if request.path == "/":
            return reply({"title": "qdrant - vector search engine", "version": self._version})
        for method, pattern, handle in _ROUTES:
            if method == request.method and (found := re.fullmatch(pattern, request.path)):
                return self._run(handle, request.json if request.body else None, found.groups())
        return status(404, "no such path")

    def _record(self, request: Recorded) -> Scripted:
        with self._lock:
            scripted = request.path in self._steps
            step = None if scripted or not self._ahead else self._ahead.popleft()
        if scripted:
            return super()._record(request)
        with self._lock:
            self.requests.append(request)
        if step is not None:
            return step(request) if callable(step) else step
        return self.answer(request)

    def _run(self, handle: "_Handle", body: Any, names: tuple[str, ...]) -> Scripted:
        try:
            with self._engine_lock:
                result = handle(self, self._engine, body, *names)
        except ValueError as error:
            text = str(error)
            return status(404 if "not found" in text else 409 if "already exists" in text else 400, text)
        return reply({"result": result, "status": "ok", "time": 0.0})


_Handle = Callable[..., Any]
_DONE = {"operation_id": 0, "status": "completed"}


def _json(model: Any) -> Any:
    return model.model_dump(mode="json", exclude_none=True)


def _create(server: QdrantServer, engine: QdrantClient, body: Any, name: str) -> bool:
    wanted = models.CreateCollection.model_validate(body)
    made = engine.create_collection(
        name, vectors_config=wanted.vectors, sparse_vectors_config=wanted.sparse_vectors, metadata=wanted.metadata
    )
    server.made[name] = body
    return made


def _index(server: QdrantServer, engine: QdrantClient, body: Any, name: str) -> Any:
    engine.get_collection(name)
    wanted = models.CreateFieldIndex.model_validate(body)
    server.payload_indexes.setdefault(name, {})[wanted.field_name] = body["field_schema"]
    return _DONE


def _alias(_: QdrantServer, engine: QdrantClient, body: Any) -> bool:
    return engine.update_collection_aliases(models.ChangeAliasesOperation.model_validate(body).actions)


def _upsert(_: QdrantServer, engine: QdrantClient, body: Any, name: str) -> Any:
    engine.upsert(name, models.PointsList.model_validate(body).points)
    return _DONE


def _delete(_: QdrantServer, engine: QdrantClient, body: Any, name: str) -> Any:
    engine.delete(name, models.PointIdsList.model_validate(body))
    return _DONE


def _retrieve(_: QdrantServer, engine: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.PointRequest.model_validate(body)
    return [_json(record) for record in engine.retrieve(name, wanted.ids, with_payload=wanted.with_payload or False)]


def _scroll(_: QdrantServer, engine: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.ScrollRequest.model_validate(body)
    records, offset = engine.scroll(
        name, wanted.filter, limit=wanted.limit or 10, offset=wanted.offset, with_payload=wanted.with_payload or False
    )
    return {"points": [_json(record) for record in records], "next_page_offset": offset}


def _count(_: QdrantServer, engine: QdrantClient, body: Any, name: str) -> Any:
    wanted = models.CountRequest.model_validate(body)
    return _json(engine.count(name, wanted.filter, exact=bool(wanted.exact)))


def _query(_: QdrantServer, engine: QdrantClient, body: Any, name: str) -> Any:
    searches = models.QueryRequestBatch.model_validate(body).searches
    for search in searches:  # the engine warns of what it leaves out: all but the idf
        search.params = models.SearchParams(idf=search.params.idf if search.params else None)
    return [_json(answer) for answer in engine.query_batch_points(name, searches)]


_ROUTES: list[tuple[str, str, _Handle]] = [
    ("GET", "/aliases", lambda _s, engine, _b: _json(engine.get_aliases())),
    ("GET", "/collections", lambda _s, engine, _b: _json(engine.get_collections())),
    ("POST", "/collections/aliases", _alias),
    ("PUT", "/collections/([^/]+)", _create),
    ("DELETE", "/collections/([^/]+)", lambda _s, engine, _b, name: engine.delete_collection(name)),
    ("PUT", "/collections/([^/]+)/index", _index),
    ("PUT", "/collections/([^/]+)/points", _upsert),
    ("POST", "/collections/([^/]+)/points", _retrieve),
    ("POST", "/collections/([^/]+)/points/delete", _delete),
    ("POST", "/collections/([^/]+)/points/scroll", _scroll),
    ("POST", "/collections/([^/]+)/points/count", _count),
    ("POST", "/collections/([^/]+)/points/query/batch", _query),
]
