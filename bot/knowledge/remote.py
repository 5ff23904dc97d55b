"""Asking the process that owns the embedded index, through Redis.

An embedded index is open in exactly one process, the worker. Every other process (the command line, later the
console) puts a request on the list ``index:requests`` and waits for the answer on a list of its own; the worker
serves the requests with threads of its own, so that a long turn does not hold them up. A request carries its
deadline: one that nobody waits for any more is not worked on.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import redis
import structlog

from bot.errors import BotError, KnowledgeError, Unavailable
from bot.redis_client import redis_answers

log = structlog.get_logger()

REQUESTS = "index:requests"
ANSWER_TTL_S = 60
_POLL_S = 1

Handler = Callable[[dict[str, Any]], Any]
"""Takes the request's arguments, returns something JSON can carry; raises a ``BotError`` that is told to the asker."""


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
    """The owner's side: threads that take requests from the list and run the handlers."""

    def __init__(self, client: "redis.Redis", handlers: Mapping[str, Handler], threads: int = 2) -> None:
        self._redis = client
        self._handlers = handlers
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve, name=f"index-server-{i}", daemon=True) for i in range(threads)
        ]

    def start(self) -> None:
        """Begin to serve."""
        for thread in self._threads:
            thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop after the requests in hand; wait at most ``timeout_s`` a thread."""
        self._closed.set()
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

    def _take(self, raw: bytes) -> None:
        """Answer a request; the thread must live on whatever was put into the list."""
        try:
            request = json.loads(raw)
            operation, answer, until = str(request["op"]), str(request["answer"]), float(request["until"])
            arguments = dict(request["args"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log.error("index_request_undecodable", bytes=len(raw), error=type(error).__name__)
            return
        self._answer(operation, arguments, answer, until)

    def _answer(self, operation: str, arguments: dict[str, Any], answer_key: str, until: float) -> None:
        if until < time.time():
            log.info("index_request_too_late", op=operation)
            return
        try:
            answer = json.dumps({"result": self._handlers[operation](arguments)})
        except BotError as error:
            answer = json.dumps({"error": str(error)})
        except Exception as error:  # the thread must live on; the asker is told and the log has the cause
            log.exception("index_request_failed", op=operation)
            answer = json.dumps({"error": f"the index owner failed with {type(error).__name__}; its log says why"})
        try:
            self._redis.rpush(answer_key, answer)
            self._redis.expire(answer_key, ANSWER_TTL_S)
        except redis.RedisError as error:
            log.warning("index_answer_not_delivered", op=operation, error=type(error).__name__)
