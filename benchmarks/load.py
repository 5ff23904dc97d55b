"""The load: people who write, and the platform that notes when they are written to, in a process of its own.

One process does both, so that both stand on one clock, and it is cheap: raw protocols on one event loop, and callbacks
encrypted before the clock starts. What it costs is measured in every run (``cpu_s``). :class:`Load` starts and steers
it; :class:`Plan` says what is sent, :class:`Outcome` what became of it.
"""

import asyncio
import gc
import json
import resource
import secrets
import select
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks import http1, questions
from benchmarks.callbacks import Callbacks
from benchmarks.model_server import ModelServer
from benchmarks.sender import FineSelector, Sender
from benchmarks.wecom_api import WeComApi

ROOT = Path(__file__).parent.parent
CUTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is sent to 127.0.0.1:``port``.

    With ``rate`` so many messages a second go out on a fixed clock, whatever becomes of them, and latencies count from
    the second at which each was due. Without it ``in_flight`` people each send the next message when the last was
    answered, or with ``on_acknowledgement`` when it was acknowledged, until ``most`` were sent. With ``people`` the
    messages come from so many in turn (named ``admin0`` …), else each from another person. ``kind`` of text, from the
    ``start``-th on: see :func:`benchmarks.questions.texts`. ``answers`` is false where nothing but the acknowledgement
    comes back. One more person sends ``flood`` messages a second, which are not counted. When nothing has arrived for
    ``patience_s``, what is missing counts as lost.
    """

    port: int
    seconds: float
    rate: float = 0.0
    in_flight: int = 0
    most: int = 0
    on_acknowledgement: bool = False
    people: int = 0
    kind: str = "repeated"
    start: int = 0
    answers: bool = True
    flood: float = 0.0
    connections: int = 64
    patience_s: float = 30.0


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What became of a :class:`Plan`; latencies in milliseconds by the names of :data:`CUTS`.

    ``seconds`` from the first message to the end of sending, ``drained_s`` from then to the last answer; what came
    within the plan's time gives ``answered_per_s`` and ``accepted_per_s``. ``failed`` were answered with another status
    than 200, ``refused`` with a busy notice. ``waiting`` is how many were accepted and not yet answered when sending
    ended, ``lost`` how many never were, ``extra`` how many messages people got that nobody waited for. ``late`` is how
    long after its due time a message was handed to a connection, ``acknowledged`` and ``answered`` how long after it
    the answers came. ``per_second`` counts answers by second. ``asked_model`` counts the questions to the language
    model, ``most_at_model`` how many waited for it at once. ``cpu_s`` is what this process used.
    """

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    failed: int = 0
    answers: int = 0
    waiting: int = 0
    lost: int = 0
    extra: int = 0
    sent_again: int = 0
    asked_model: int = 0
    most_at_model: int = 0
    seconds: float = 0.0
    drained_s: float = 0.0
    cpu_s: float = 0.0
    answered_per_s: float = 0.0
    accepted_per_s: float = 0.0
    late: dict[str, float] = field(default_factory=dict)
    acknowledged: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    per_second: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


class Load:
    """The process; a context manager. ``url`` is what ``WECOM_API_BASE`` takes, ``model_url`` ``OPENAI_BASE_URL``.

    The model behind that answers after ``model_delay_s``.
    """

    def __init__(self, model_delay_s: float = 0.0) -> None:
        command = [sys.executable, "-m", "benchmarks.load", str(model_delay_s)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.pid = self._process.pid
        self.url, self.model_url = self._line().split()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()  # closes the pipes too

    def run(self, plan: Plan) -> Outcome:
        """Do what ``plan`` says, to the end."""
        self.start(plan)
        return self.outcome()

    def start(self, plan: Plan) -> None:
        """Begin with ``plan``; :meth:`outcome` waits for its end."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(plan)) + "\n")

    def ready(self, within_s: float) -> bool:
        """Whether the plan ends within ``within_s``; waits that long at most."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], within_s)[0])

    def outcome(self) -> Outcome:
        """What became of the plan that was started."""
        return Outcome(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the load generator died")
        return line


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds at each of :data:`CUTS`; empty without a sample."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {name: round(1000 * ordered[min(last, int(len(ordered) * cut))], 3) for name, cut in CUTS.items() if ordered}


@dataclass(slots=True)
class _Message:
    """One message on its way; moments of the loop's clock."""

    person: str
    request: bytes
    due: float = 0.0
    handed: float = 0.0
    acknowledged: float = 0.0
    answered: float = 0.0
    status: int = 0
    refused: bool = False
    ended: asyncio.Future[None] | None = None


class _Run:
    """One :class:`Plan` being carried out."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._sender = Sender(plan.port, max(plan.connections, plan.in_flight))
        self._unanswered: defaultdict[str, deque[_Message]] = defaultdict(deque)
        self._open = 0
        self._unacknowledged = 0
        self._last_arrival = 0.0
        self._extra = 0
        self._sent: list[_Message] = []

    async def carry_out(self) -> Outcome:
        plan = self._plan
        amount = round(plan.rate * plan.seconds) if plan.rate else plan.most
        messages = list(_messages(plan, amount))
        flood = [_flooding(number) for number in range(round(plan.flood * plan.seconds))]
        gc.collect()
        gc.disable()  # a collection among so many prepared messages would make one late
        used, started = _cpu_s(), self._loop.time()
        await asyncio.gather(
            self._on_a_clock(messages, plan.rate) if plan.rate else self._in_turn(messages, started + plan.seconds),
            self._on_a_clock(flood, plan.flood),
        )
        ended = self._loop.time()
        waiting = self._open
        await self._wait_for_the_rest()
        cpu_s = _cpu_s() - used
        gc.enable()
        self._sender.close()
        return self._outcome(started, ended, waiting, cpu_s)

    def arrived(self, member: str) -> None:
        """The platform got a message for ``member``."""
        if not self._unanswered[member]:
            self._extra += member.startswith(_COUNTED)
            return
        message = self._unanswered[member].popleft()
        message.answered = self._last_arrival = self._loop.time()
        self._open -= 1
        if message.ended is not None and message.status and not message.ended.done():
            message.ended.set_result(None)

    async def _on_a_clock(self, messages: Sequence[_Message], rate: float) -> None:
        started = self._loop.time()
        for number, message in enumerate(messages):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            self._send(message, due)

    async def _in_turn(self, messages: list[_Message], end: float) -> None:
        following = iter(messages)

        async def ask() -> None:
            for message in following:
                if self._loop.time() >= end:
                    return
                message.ended = self._loop.create_future()
                self._send(message, self._loop.time())
                await message.ended

        await asyncio.gather(*(ask() for _ in range(self._plan.in_flight)))

    def _send(self, message: _Message, due: float) -> None:
        message.due, message.handed = due, self._loop.time()
        if message.person.startswith(_COUNTED):
            self._sent.append(message)
            if self._plan.answers:
                self._unanswered[message.person].append(message)
                self._open += 1
        self._unacknowledged += 1
        self._sender.send(message.request, lambda status, body: self._acknowledge(message, status, body))

    def _acknowledge(self, message: _Message, status: int, body: bytes) -> None:
        message.acknowledged = self._last_arrival = self._loop.time()
        self._unacknowledged -= 1
        message.status, message.refused = status, bool(body)
        if (status != 200 or message.refused) and message in self._unanswered[message.person]:
            self._unanswered[message.person].remove(message)
            self._open -= 1
        awaited = self._plan.answers and not self._plan.on_acknowledgement
        done = message.answered or not awaited or status != 200 or message.refused
        if message.ended is not None and done:
            message.ended.set_result(None)

    async def _wait_for_the_rest(self) -> None:
        self._last_arrival = max(self._last_arrival, self._loop.time())
        while self._open or self._unacknowledged:
            if self._loop.time() > self._last_arrival + self._plan.patience_s:
                return
            await asyncio.sleep(0.02)

    def _outcome(self, started: float, ended: float, waiting: int, cpu_s: float) -> Outcome:
        sent, seconds = self._sent, ended - started
        end, window_s = min(ended, started + self._plan.seconds), min(seconds, self._plan.seconds)
        good = [message for message in sent if message.status == 200 and not message.refused]
        answered = [message for message in good if message.answered]
        per_second = [0] * (1 + int(max((message.answered - started for message in answered), default=0.0)))
        for message in answered:
            per_second[int(message.answered - started)] += 1
        last = max((message.answered for message in answered), default=ended)
        return Outcome(
            sent=len(sent),
            accepted=len(good),
            refused=sum(message.refused for message in sent),
            failed=sum(message.status != 200 for message in sent),
            answers=len(answered),
            waiting=waiting,
            lost=len(good) - len(answered) if self._plan.answers else 0,
            extra=self._extra,
            sent_again=self._sender.sent_again,
            seconds=round(seconds, 3),
            drained_s=round(max(0.0, last - ended), 3),
            cpu_s=round(cpu_s, 3),
            answered_per_s=round(sum(message.answered <= end for message in answered) / window_s, 2),
            accepted_per_s=round(sum(message.acknowledged <= end for message in good) / window_s, 2),
            late=percentiles([message.handed - message.due for message in sent]),
            acknowledged=percentiles([message.acknowledged - message.due for message in sent if message.status]),
            answered=percentiles([message.answered - message.due for message in answered]),
            per_second=per_second,
        )


_COUNTED = ("admin", "person")
"""How the names of people begin whose messages are counted; the flooder's does not."""
_CALLBACKS = Callbacks()


def _messages(plan: Plan, amount: int) -> Iterator[_Message]:
    run = secrets.token_hex(3)
    for number, text in zip(range(amount), questions.texts(plan.kind, plan.start), strict=False):
        person = f"admin{number % plan.people}" if plan.people else f"person{run}{number}"
        yield _Message(person, http1.request(*_CALLBACKS.text(person, text)))


def _flooding(number: int) -> _Message:
    text = next(questions.texts("repeated", number))
    return _Message("flooder", http1.request(*_CALLBACKS.text("flooder", text)))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _serve(model_delay_s: float) -> None:
    current: _Run | None = None

    def arrived(member: str) -> None:
        if current is not None:
            current.arrived(member)

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_die)
    model = ModelServer(model_delay_s)
    say(f"{await WeComApi(arrived).start()} {await model.start()}")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        model.forget()
        current = _Run(Plan(**json.loads(line)))
        outcome = await current.carry_out()
        outcome.asked_model, outcome.most_at_model = model.asked, model.most
        say(json.dumps(outcome.to_json()))


def say(line: str) -> None:
    """One line for whoever steers this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _die(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    loop.default_exception_handler(context)
    loop.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(FineSelector())) as runner:
        runner.run(_serve(float(sys.argv[1])))
