"""What people write and what they see, while faults strike: the load and its ledger."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.conftest import http

ASKED = "虚拟皮疹出现的比例是多少？"
"""What those ask who ask the knowledge; the answer is in ``knowledge.md`` of the installation under test."""
JUST_NOW_S = 1.0
_POLL_S = 0.05


def wait_until(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Return once ``holds()`` is true. Raises ``TimeoutError`` with ``what`` was waited for."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        time.sleep(_POLL_S)


@dataclass(kw_only=True, slots=True, eq=False)
class Written:
    """One message a person wrote.

    ``tokens`` are what its reply shows, each in a part of its own; empty for a question to the knowledge. ``trial`` is
    the number of the trial that was under way. ``written_at`` and ``acknowledged_at`` (``None``: not yet, as far as we
    saw) are monotonic seconds, ``at`` is the simulator's clock.
    """

    person: str
    tokens: tuple[str, ...]
    trial: int
    entry: int
    msg_id: str
    at: float
    written_at: float
    acknowledged_at: float | None = None

    @property
    def name(self) -> str:
        """What a report calls it: the person, what the reply shows, the platform's id."""
        return f"{self.person} {' '.join(self.tokens) or 'asked'} {self.msg_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One message of the bot that ``person`` sees."""

    entry: int
    person: str
    content: str
    msg_id: str
    at: float


class Platform:
    """The control API of the simulator."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sim"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer of one call, which must succeed."""
        status, answer = http(method, f"{self._url}/{path}", body)
        assert status < 300, (path, status, answer)
        return json.loads(answer)

    def fault(self, **spec: Any) -> None:
        """Let something go wrong; see :mod:`simulator.faults`."""
        self.ask("POST", "faults", spec)

    def waiting(self, **match: object) -> int:
        """How often the faults that are like ``match`` are still to happen."""
        faults = self.ask("GET", "faults")["faults"]
        return sum(fault["times"] for fault in faults if match.items() <= fault.items())

    def clear_faults(self) -> None:
        """Everything of the platform works again."""
        self.ask("DELETE", "faults", {})


class Ledger:
    """People who write at a steady rate, and everything that was said; a context manager that runs both threads.

    Everybody sends ``/echo`` with a token of the message's own, but for ``asking``, who ask the knowledge.
    """

    def __init__(self, platform: Platform, people: Sequence[str], asking: Sequence[str], per_s: float) -> None:
        self._platform = platform
        self._people = people
        self._asking = frozenset(asking)
        self._pause_s = 1 / per_s
        self._writes = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._written: dict[int, Written] = {}
        self._seen: dict[int, Seen] = {}
        self._states: dict[int, str] = {}
        self._numbers = 0
        self._trial = 0
        self._failure: BaseException | None = None
        self._threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._write, self._watch)]

    def __enter__(self) -> "Ledger":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self.check()

    def check(self) -> None:
        """Raises what ended a thread of ours, which would else look like silence of the bot's."""
        if self._failure is not None:
            raise self._failure

    def begin_trial(self) -> int:
        """People write; the number of the trial that all they write from now on belongs to, and what they wrote just
        now, as that is what a strike meets first."""
        with self._lock:
            self._trial += 1
            for one in self._written.values():
                if one.written_at > time.monotonic() - JUST_NOW_S:
                    one.trial = self._trial
        self._writes.set()
        return self._trial

    def hold(self) -> None:
        """People stop writing."""
        self._writes.clear()

    def write(self, person: str, *, filling: int = 0) -> Written:
        """One message of ``person``; ``filling`` characters between its token and another one make it two parts."""
        with self._lock:
            self._numbers += 1
            token = f"<{self._numbers:06d}>"
        tokens: tuple[str, ...] = ()
        content = ASKED
        if person not in self._asking:
            tokens = (token, token.replace("<", "<e")) if filling else (token,)
            content = "/echo " + ("\n" + "长" * filling + "\n").join(tokens) if filling else f"/echo {token}"
        written_at = time.monotonic()
        entry = self._platform.ask("POST", "messages", {"member": person, "peer": "app", "content": content})
        one = Written(
            person=person,
            tokens=tokens,
            trial=self._trial,
            entry=entry["id"],
            msg_id=entry["msg_id"],
            at=entry["at"],
            written_at=written_at,
        )
        with self._lock:
            self._written[one.entry] = one
            self._acknowledge(one)
        return one

    def shows(self, token: str) -> bool:
        """Whether ``token`` was seen."""
        with self._lock:
            return any(token in seen.content for seen in self._seen.values())

    def snapshot(self) -> tuple[list[Written], list[Seen]]:
        """All there is by now, each in the order of its writing."""
        with self._lock:
            written = [self._written[entry] for entry in sorted(self._written)]
            return written, [self._seen[entry] for entry in sorted(self._seen)]

    def settled(self) -> bool:
        """Whether the platform makes no more callbacks: each message was acknowledged or given up."""
        with self._lock:
            return all(self._states.get(entry) in {"delivered", "failed"} for entry in self._written)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 -- raised in the test's own thread by `check`
            self._failure = failure
            self._closed.set()

    def _write(self) -> None:
        people = self._round()
        due = time.monotonic()
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            if not self._writes.wait(_POLL_S):
                due = time.monotonic()
                continue
            self.write(next(people))
            due = max(due + self._pause_s, time.monotonic() - self._pause_s)

    def _round(self) -> Iterator[str]:
        while True:
            yield from self._people

    def _watch(self) -> None:
        rev = 0
        while not self._closed.is_set():
            news = self._platform.ask("GET", f"messages?after={rev}&wait=1")
            rev = news["rev"]
            with self._lock:
                for entry in news["messages"]:
                    self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        if entry["via"] == "member":
            self._states[entry["id"]] = entry["delivery"]["state"]
            if (one := self._written.get(entry["id"])) is not None:
                self._acknowledge(one)
        else:
            fields = {name: entry[name] for name in ("content", "msg_id", "at")}
            self._seen[entry["id"]] = Seen(entry=entry["id"], person=entry["member"], **fields)

    def _acknowledge(self, one: Written) -> None:
        """The callback may be answered before the call that wrote the message is."""
        if one.acknowledged_at is None and self._states.get(one.entry) == "delivered":
            one.acknowledged_at = time.monotonic()
