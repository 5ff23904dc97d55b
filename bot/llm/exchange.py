"""One request to an OpenAI-compatible server, read by a thread of its own.

A library's read time-out is per read of the socket, so a server that drips one byte at a time holds the caller for
ever, and no time-out covers the look-up of a name. The answer is therefore read by a thread that hands over what
arrived; whoever asked waits as long as it likes and hangs up. Exceptions of the client library stay in that thread,
because their texts and requests carry the prompt, the answer and the server's URL.
"""

import contextlib
import json
import logging
import queue
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from bot.errors import ModelError, ModelNonsense, ModelRefused, ModelTimeout, ModelUnavailable
from bot.llm.usage import Message

if TYPE_CHECKING:
    import openai

CONNECT_TIMEOUT_S = 5.0
MAX_WHOLE_BYTES = 1024 * 1024
"""An answer that comes in one piece is no answer beyond this size."""
_RETRYABLE_STATUSES = frozenset({408, 425, 429})
"""Beside every 5xx."""
_LONGEST_RETRY_AFTER_S = 3600.0
"""Beyond every deadline."""


@dataclass(frozen=True, slots=True)
class Delta:
    """Something arrived: ``text`` of the answer, or ``thought`` characters that nobody will see."""

    text: str = ""
    thought: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """What the server says the call used up."""

    prompt: int
    completion: int


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """Nothing more comes. ``reason`` is the API's ``finish_reason``, such as ``stop`` or ``length``.

    ``error`` tells why there is no whole answer; ``retry`` whether the same request may succeed in ``retry_after_s``
    seconds or so.
    """

    reason: str = ""
    error: ModelError | None = None
    retry: bool = False
    retry_after_s: float = 0.0


Event = Delta | Tokens | End


class Exchange(Protocol):
    """An answer under way."""

    def next(self, timeout_s: float) -> Event | None:
        """The next event, ``None`` when none came in ``timeout_s`` seconds. :class:`End` is the last one."""
        ...

    def hang_up(self) -> None:
        """Nobody waits any more: close the connection. May be called at any time and more than once."""
        ...


class ModelServer:
    """The server behind ``base_url`` (``None``: the official one). Thread-safe; connections are kept and shared.

    Making one imports the client library, which costs 30 MB: only where a model is asked.
    """

    def __init__(self, base_url: str | None, api_key: str) -> None:
        import openai  # web and beat do without it

        for name in ("openai", "httpx2", "httpcore2"):  # they log prompts, answers and URLs below this level
            logging.getLogger(name).setLevel(logging.WARNING)
        straight = openai.DefaultHttpxClient(follow_redirects=False)  # the prompt goes to nobody but the server set
        self._client = openai.OpenAI(base_url=base_url, api_key=api_key or "none", max_retries=0, http_client=straight)
        self._lock = threading.Lock()
        self._plain: set[str] = set()

    def close(self) -> None:
        """Close the connections that wait for another call."""
        self._client.close()

    def ask(self, model: str, messages: Sequence[Message], timeout_s: float) -> Exchange:
        """Begin an exchange whose socket waits at most ``timeout_s`` for anything."""
        return _Reading(self, self._client, model, messages, timeout_s)

    def options(self, model: str) -> Mapping[str, Any]:
        """What is asked of ``model`` beside an answer: the likeliest words, and what they cost."""
        with self._lock:
            plain = model in self._plain
        return {} if plain else {"temperature": 0, "stream_options": {"include_usage": True}}

    def rejects_options(self, model: str) -> None:
        """``model`` answers requests without options and refuses them with; remember that."""
        with self._lock:
            self._plain.add(model)


class _Reading:
    """The exchange and its thread."""

    def __init__(
        self,
        server: ModelServer,
        client: "openai.OpenAI",
        model: str,
        messages: Sequence[Message],
        timeout_s: float,
    ) -> None:
        self._server = server
        self._client = client
        self._model = model
        self._messages = [dict(message) for message in messages]
        self._timeout_s = timeout_s
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._hung_up = False
        threading.Thread(target=self._run, name="llm-http", daemon=True).start()

    def next(self, timeout_s: float) -> Event | None:
        with contextlib.suppress(queue.Empty):
            return self._events.get(timeout=max(0.0, timeout_s))
        return None

    def hang_up(self) -> None:
        """Shutting the socket wakes the thread, which then closes what is its own; closing it here would hand its
        number to somebody else while the thread still reads from it."""
        with self._lock:
            self._hung_up = True
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(OSError):  # the other side was quicker
                    connection.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        end = End(error=ModelNonsense("client_error"))  # stays when a bug ends this thread; threading reports it
        try:
            end = self._read()
        finally:
            self._events.put(end)

    def _read(self) -> End:
        import openai  # imported by the server already

        try:
            with contextlib.closing(self._open()) as stream:
                if self._may_hang_up(stream):
                    return self._hand_over(stream)
                return End(error=ModelTimeout("deadline"))
        except (openai.APIError, ValueError, RecursionError) as error:  # the latter two: JSON, UTF-8 or digits too many
            return _failure(error)
        finally:
            with self._lock:
                self._connection = None

    def _open(self) -> "openai.Stream[Any]":
        """The stream, asked for again without options where the server refuses the request with them."""
        import openai

        options = self._server.options(self._model)
        try:
            return self._create(options)
        except (openai.BadRequestError, openai.UnprocessableEntityError):
            if not options:
                raise
            stream = self._create({})
            self._server.rejects_options(self._model)
            return stream

    def _create(self, options: Mapping[str, Any]) -> "openai.Stream[Any]":
        import openai

        create: Any = self._client.chat.completions.create  # its overloads cannot follow **options
        stream: openai.Stream[Any] = create(
            model=self._model,
            messages=self._messages,
            stream=True,
            timeout=openai.Timeout(self._timeout_s, connect=min(CONNECT_TIMEOUT_S, self._timeout_s)),
            **options,
        )
        return stream

    def _may_hang_up(self, stream: "openai.Stream[Any]") -> bool:
        """Let :meth:`hang_up` reach the connection; False when it was called before there was one."""
        connection = stream.response.extensions["network_stream"].get_extra_info("socket")
        with self._lock:
            self._connection = connection
            return not self._hung_up

    def _hand_over(self, stream: "openai.Stream[Any]") -> End:
        """Put what arrives into the queue; the end, which says ``cut`` when the server stopped in the middle."""
        reason, seen = "", False
        for chunk in _chunks(stream):
            seen = True
            for event in _events(chunk):
                if isinstance(event, End):
                    reason = event.reason
                else:
                    self._events.put(event)
        if not seen:
            return End(error=ModelNonsense("not_a_stream"))
        if not reason:
            return End(error=ModelUnavailable("cut"), retry=True)
        if reason == "content_filter":
            return End(error=ModelRefused("content_filter"))
        return End(reason=reason)


def _chunks(stream: "openai.Stream[Any]") -> Iterator[Any]:
    """The pieces of a stream; the whole answer as one piece from a server that does not stream, as some gateways do."""
    if "application/json" not in stream.response.headers.get("content-type", ""):
        yield from stream
        return
    body = b""
    for piece in stream.response.iter_bytes():
        body += piece
        if len(body) > MAX_WHOLE_BYTES:
            return
    answer = json.loads(body, object_hook=lambda fields: SimpleNamespace(**fields))
    choices = getattr(answer, "choices", None)
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], SimpleNamespace):
        return
    choices[0].delta = getattr(choices[0], "message", None)
    yield answer


def _events(chunk: Any) -> Iterator[Event]:
    """What a chunk says. The library does not check what a server sends, so anything may be absent."""
    usage = getattr(chunk, "usage", None)
    prompt, completion = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    if isinstance(prompt, int) and isinstance(completion, int):
        yield Tokens(prompt=prompt, completion=completion)
    choices = getattr(chunk, "choices", None)
    for choice in choices[:1] if isinstance(choices, list) else ():
        delta = getattr(choice, "delta", None)
        text, thought = (getattr(delta, name, None) for name in ("content", "reasoning_content"))
        if isinstance(thought, str) and thought:
            yield Delta(thought=len(thought))
        if isinstance(text, str) and text:
            yield Delta(text=_fit(text))
        reason = getattr(choice, "finish_reason", None)
        if isinstance(reason, str):
            yield End(reason=reason)


def _fit(text: str) -> str:
    """``text`` fit for UTF-8 and for SQL: JSON can carry lone surrogates and NUL."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def _failure(error: Exception) -> End:
    """What went wrong, in our words; most specific first."""
    import openai

    match error:
        case openai.APITimeoutError() if type(error.__cause__).__name__ == "ConnectTimeout":
            return End(error=ModelUnavailable("connect_timeout"), retry=True)
        case openai.APITimeoutError():
            return End(error=ModelTimeout("deadline"))
        case openai.APIConnectionError():
            return End(error=ModelUnavailable("connection_lost"), retry=True)
        case openai.APIStatusError():
            return _refusal(error.status_code, error.response.headers.get("retry-after", ""))
        case openai.APIError():  # the server reports an error inside the stream
            return End(error=ModelUnavailable("error_in_stream"), retry=True)
    return End(error=ModelNonsense("bad_json"))


def _refusal(status: int, retry_after: str) -> End:
    code = f"http_{status}"
    if status >= 500 or status in _RETRYABLE_STATUSES:
        try:
            after_s = min(max(0.0, float(retry_after or 0)), _LONGEST_RETRY_AFTER_S)
        except ValueError:  # a date: rare, and then the usual wait is as good
            after_s = 0.0
        return End(error=ModelUnavailable(code), retry=True, retry_after_s=after_s)
    return End(error=ModelRefused(code))
