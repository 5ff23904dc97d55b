"""Asking the process that owns the embedded index, through Redis.

An embedded index is open in exactly one process, the worker. Every other process (the command line, later the
console) puts a request on the list ``index:requests`` and waits for the answer on a list of its own; the worker
serves the requests with threads of its own, so that a long turn does not hold them up. What takes long has threads of
its own again: whoever opens a source does not wait for an index that is filled. A request carries its deadline: one
that nobody waits for any more is not worked on.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import redis
import structlog

from bot.errors import BotError, KnowledgeError, Unavailable
from bot.redis_client import redis_answers

log = structlog.get_logger()

REQUESTS = "index:requests"
ANSWER_TTL_S = 60
_POLL_S = 1
_CHANGES, _QUESTIONS = "changes", "questions"
_LONG: Mapping[str, str] = {
    "sync": _CHANGES,
    "reindex": _CHANGES,
    "golden": _QUESTIONS,
    "confidences": _QUESTIONS,
}
"""Operations that take seconds, some for each question of many, and which threads work them."""
_LONG_THREADS: Mapping[str, int] = {_CHANGES: 1, _QUESTIONS: 4}
"""Changes of the index wait for each other anyway; most of a golden question is waiting for a language model."""

Handler = Callable[[dict[str, Any]], Any]
"""Takes the request's arguments, returns something JSON can carry; raises a ``BotError`` that is told to the asker."""


@dataclass(frozen=True, slots=True)
class _Request:
    """Run ``operation`` with ``arguments`` and put what comes of it into the list ``answer``, unless it is later than
    ``until``, epoch seconds."""

    operation: str
    arguments: dict[str, Any]
    answer: str
    until: float


class IndexClient:
    """The asking side. ``redis`` needs a socket time-out above the longest deadline, or none."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def call(self, operation: str, arguments: Mapping[str, Any], deadline_s: float) -> Any:
        """Ask the owner of the index and wait at most ``deadline_s`` seconds.

        Raises :class:`~bot.errors.Unavailable` when nobody answers in time and
        :class:`~bot.errors.KnowledgeError` with the owner's own words when it could not serve the request.
        """
        answer_key = f"index:answer:{uuid.uuid4().hex}"
        request = {"op": operation, "args": dict(arguments), "answer": answer_key, "until": time.time() + deadline_s}
        with redis_answers():
            self._redis.rpush(REQUESTS, json.dumps(request))  # in ASCII: a lone surrogate has no UTF-8
            answered: Any = self._redis.blpop([answer_key], timeout=deadline_s)
        if answered is None:
            raise Unavailable(f"the worker that owns the index did not answer within {deadline_s:.0f} s")
        answer = json.loads(answered[1])
        if "error" in answer:
            raise KnowledgeError(answer["error"])
        return answer["result"]


class IndexServer:
    """The owner's side: ``threads`` that take requests from the list and run the handlers, and others for those that
    take long."""

    def __init__(self, client: "redis.Redis", handlers: Mapping[str, Handler], threads: int = 2) -> None:
        self._redis = client
        self._handlers = handlers
        self._closed = threading.Event()
        wanted = {_LONG[operation] for operation in handlers if operation in _LONG}
        self._long: dict[str, SimpleQueue[_Request | None]] = {name: SimpleQueue() for name in wanted}
        self._threads = [
            threading.Thread(target=self._serve, name=f"index-server-{i}", daemon=True) for i in range(threads)
        ]
        self._threads += [
            threading.Thread(target=self._serve_long, args=(name,), name=f"index-{name}-{i}", daemon=True)
            for name in self._long
            for i in range(_LONG_THREADS[name])
        ]

    def start(self) -> None:
        """Begin to serve."""
        for thread in self._threads:
            thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop after the requests in hand; wait at most ``timeout_s`` a thread."""
        self._closed.set()
        for name, waiting in self._long.items():
            for _ in range(_LONG_THREADS[name]):
                waiting.put(None)
        for thread in self._threads:
            thread.join(timeout_s)

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                taken: Any = self._redis.blpop([REQUESTS], timeout=_POLL_S)
            except redis.RedisError as error:
                log.warning("index_requests_unreachable", error=type(error).__name__)
                self._closed.wait(_POLL_S)
                continue
            if taken is not None:
                self._take(taken[1])

    def _serve_long(self, name: str) -> None:
        while not self._closed.is_set():
            if request := self._long[name].get():
                self._answer(request)

    def _take(self, raw: bytes) -> None:
        """Answer a request, or give it to those who do; the thread must live on whatever was put into the list."""
        try:
            found = json.loads(raw)
            operation, answer, until = str(found["op"]), str(found["answer"]), float(found["until"])
            request = _Request(operation, dict(found["args"]), answer, until)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log.error("index_request_undecodable", bytes=len(raw), error=type(error).__name__)
            return
        if operation in self._handlers and operation in _LONG:
            self._long[_LONG[operation]].put(request)
        else:
            self._answer(request)

    def _answer(self, request: _Request) -> None:
        operation = request.operation
        if request.until < time.time():
            log.info("index_request_too_late", op=operation)
            return
        try:
            answer = json.dumps({"result": self._handlers[operation](request.arguments)})
        except BotError as error:
            answer = json.dumps({"error": str(error)})
        except Exception as error:  # the thread must live on; the asker is told and the log has the cause
            log.exception("index_request_failed", op=operation)
            answer = json.dumps({"error": f"the index owner failed with {type(error).__name__}; its log says why"})
        try:
            self._redis.rpush(request.answer, answer)
            self._redis.expire(request.answer, ANSWER_TTL_S)
        except redis.RedisError as error:
            log.warning("index_answer_not_delivered", op=operation, error=type(error).__name__)
