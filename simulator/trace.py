"""What goes over the wire, as it happens: raw requests and answers beside what they say decrypted, for the side panel.

Access tokens, the app's secret and the keys of robots are blanked, long bodies cut, and only the newest events kept.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from simulator.entries import Entry
from simulator.feed import Feed
from simulator.sealing import Sealed
from simulator.webhook import Answer, target_of

KEPT_EVENTS = 500
MAX_BODY_CHARACTERS = 16_384

Kind = Literal["callback", "reply", "api", "poll", "rule"]

_SECRET_IN_QUERY = re.compile(r"\b(access_token|corpsecret|key)=[^&\s\"]+")
_SECRET_IN_JSON = re.compile(r'("access_token"\s*:\s*)"[^"]*"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request; ``body`` is its raw text."""

    method: str
    url: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """Its answer; ``status`` is ``None`` and ``error`` a word where there was none, ``decrypted`` what it said."""

    status: int | None
    body: str = ""
    decrypted: str = ""
    error: str = ""


@dataclass(kw_only=True, slots=True)
class Event:
    """One thing that happened; ``ms`` is its duration in milliseconds, ``count`` how often it did (polls)."""

    n: int
    at: float
    kind: Kind
    title: str
    peer: str = ""
    chat: str = ""
    member: str = ""
    request: Request | None = None
    decrypted: str | None = None
    response: Response | None = None
    ms: float | None = None
    rule: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    entry: int | None = None
    request_id: str = ""
    count: int = 1
    rev: int = 0

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)


class Trace:
    """The newest events, thread-safe. ``run`` changes whenever numbering starts anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._feed: Feed[Event] = Feed()
        self._last = 0
        self._polls: dict[str, int] = {}  # stream id -> number of its event

    @property
    def run(self) -> str:
        """Names the present numbering."""
        return self._feed.run

    def add(self, kind: Kind, title: str, entry: Entry | None = None, **details: Any) -> None:
        """Write an event down; ``entry`` is the member's entry that it belongs to."""
        with self._feed.changed:
            self._last += 1
            event = Event(n=self._last, at=self._clock(), kind=kind, title=title, **_safe(details), **_where(entry))
            self._feed.put(event.n, event, KEPT_EVENTS)

    def poll(self, stream_id: str, entry: Entry, **details: Any) -> None:
        """Write a refresh of a stream down: all refreshes of one stream are one event that counts them."""
        with self._feed.changed:
            event = self._feed.items.get(self._polls.get(stream_id, 0))
            if event is None:
                self.add("poll", stream_id, entry, **details)
                self._polls[stream_id] = self._last
                for old in list(self._polls)[:-KEPT_EVENTS]:
                    del self._polls[old]
                return
            event.count += 1
            for name, value in _safe(details).items():
                setattr(event, name, value)
            self._feed.put(event.n, event, KEPT_EVENTS)

    def news(self, *, after: int = 0, wait_s: float = 0.0) -> tuple[int, list[dict[str, Any]]]:
        """The newest revision and the events changed since revision ``after``; waits for the first as chats do."""
        return self._feed.news(after=after, wait_s=wait_s)

    def close(self) -> None:
        """Let nobody wait for news any more."""
        self._feed.close()

    def clear(self) -> None:
        """Forget everything and start a new run."""
        with self._feed.changed:
            self._polls.clear()
            self._feed.clear()


def exchanged(url: str, sealed: Sealed, plain: bytes, answer: Answer, decrypted: str) -> dict[str, Any]:
    """The details of one callback: ``plain`` went to ``url`` as ``sealed``; ``answer`` said ``decrypted``."""
    body = answer.body.decode(errors="replace")
    headers = {"Content-Type": sealed.content_type}
    return {
        "request": Request(method="POST", url=target_of(url, sealed.query), headers=headers, body=sealed.body.decode()),
        "decrypted": plain.decode(),
        "response": Response(status=answer.status, body=body, decrypted=decrypted, error=answer.error),
        "ms": answer.ms,
    }


def _where(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {}
    return {
        "peer": entry.peer,
        "chat": entry.chat,
        "member": entry.member,
        "entry": entry.id,
        "request_id": entry.request_id,
    }


def _safe(details: dict[str, Any]) -> dict[str, Any]:
    return {name: _safe_value(value) for name, value in details.items()}


def _safe_value(value: Any) -> Any:
    if isinstance(value, str):
        return _safe_text(value)
    if isinstance(value, Request):
        return Request(
            method=value.method, url=_safe_text(value.url), body=_safe_text(value.body), headers=value.headers
        )
    if isinstance(value, Response):
        body, decrypted = _safe_text(value.body), _safe_text(value.decrypted)
        return Response(status=value.status, body=body, decrypted=decrypted, error=value.error)
    return value


def _safe_text(text: str) -> str:
    blanked = _SECRET_IN_JSON.sub(r'\1"***"', _SECRET_IN_QUERY.sub(r"\1=***", text))
    if len(blanked) <= MAX_BODY_CHARACTERS:
        return blanked
    return f"{blanked[:MAX_BODY_CHARACTERS]}… [cut: {len(text)} characters in all]"
