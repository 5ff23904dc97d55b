"""What happens at twice the capacity: who is answered, who is refused, and how long the accepted wait.

    python -m benchmarks.overload [--seconds 60] [--wait 5]

The whole product runs as an operator starts it (`up`), with the demo's knowledge and no language model; the platform is
a small server of this script, and every question comes from another person. First the capacity is found: so many FAQ
answers a second while 64 people at a time wait for one. Then the product is started again with room for as many
waiting messages as it answers in ``--wait`` seconds, and questions come on a fixed clock, whatever becomes of them: at
half the capacity, the baseline; the same while one more person sends as many again (``flood``; that person's messages
are not counted); and at twice the capacity. A latency runs from the sending of a callback that was accepted to the
platform call with its answer. A refusal is the busy notice in the HTTP answer.
"""

import argparse
import http.client
import os
import queue
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.acknowledgement import encrypted_callback
from benchmarks.reply import FAQ, Platform, environment_for, ingest, running

IN_FLIGHT = 64
SENDERS = 12
"""Connections that questions come over on a fixed clock."""
PATIENCE_S = 120.0
"""How long is waited for answers that are still missing when the last question is sent."""
COLUMNS = ("sent/s", "sent", "accepted", "refused", "answered", "p50 ms", "p99 ms", "max ms")


class Arrivals(Platform):
    """The platform, which notes when each person was first written to."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._awaited: dict[str, threading.Event] = {}
        super().__init__()

    def note(self, member: str) -> None:
        """A message for ``member`` is there."""
        self.at.setdefault(member, time.perf_counter())
        if (awaited := self._awaited.get(member)) is not None:
            awaited.set()

    def await_message(self, member: str) -> threading.Event:
        """What is set when something arrives for ``member``; ask before the question is sent."""
        return self._awaited.setdefault(member, threading.Event())


@dataclass
class Phase:
    """Questions that were sent: when each was, and who was refused, by person."""

    sent: dict[str, float] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def latencies(self, platform: Arrivals) -> list[float]:
        """Seconds from the question of an accepted person to its answer, sorted; the missing are left out."""
        accepted = (person for person in self.sent if person not in self.refused)
        return sorted(platform.at[person] - self.sent[person] for person in accepted if person in platform.at)

    def accepted(self) -> int:
        """How many the product promised an answer."""
        return len(self.sent) - len(self.refused)


def main() -> None:
    """Find the capacity, run below and above it, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each phase (default: %(default)s)")
    parser.add_argument("--wait", type=float, default=5.0, help="seconds' worth of messages that may wait")
    arguments = parser.parse_args()
    platform = Arrivals()
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_for(Path(folder), platform)
        with running(environment) as (port, _):
            ingest(environment)
            closed_loop(platform, port, min(3.0, arguments.seconds))  # warms everything up
            capacity = closed_loop(platform, port, min(15.0, arguments.seconds))
        room = max(1, round(capacity * arguments.wait))
        print(f"capacity {capacity:.0f} answers/s; {room} may wait; {os.cpu_count()} cores for everything")
        print(f"{'':10}" + "".join(f"{column:>10}" for column in COLUMNS))
        limits = {"LIMIT_BOT_WAITING": str(room), "LIMIT_PERSON_PER_MINUTE": "20"}
        with running(environment | limits) as (port, _):
            closed_loop(platform, port, min(3.0, arguments.seconds))
            for name, rate in (("half", capacity / 2), ("flood", capacity / 2), ("twice", capacity * 2)):
                flooding = partial(flood, port, rate, arguments.seconds) if name == "flood" else None
                print_row(name, open_loop(platform, port, rate, arguments.seconds, flooding), platform)


def closed_loop(platform: Arrivals, port: int, seconds: float) -> float:
    """Answers a second while :data:`IN_FLIGHT` people at a time wait for one."""
    end = time.perf_counter() + seconds
    answers: list[float] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while time.perf_counter() < end:
            person = f"person{secrets.token_hex(6)}"
            arrived = platform.await_message(person)
            if send(connection, *encrypted_callback(person, FAQ)):
                sys.exit("a question was refused while nothing was wrong")
            if not arrived.wait(PATIENCE_S):
                sys.exit(f"no answer within {PATIENCE_S:.0f} s")
            answers.append(platform.at[person])
        connection.close()

    run_threads(*[ask] * IN_FLIGHT)
    return sum(answer <= end for answer in answers) / seconds


def open_loop(
    platform: Arrivals, port: int, rate: float, seconds: float, beside: Callable[[], None] | None = None
) -> Phase:
    """Send ``rate`` questions a second for ``seconds`` while ``beside`` runs, and wait for what was promised."""
    phase, waiting = Phase(), prepared(round(rate * seconds))
    started = time.perf_counter()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while True:
            try:
                number, person, path, body = waiting.get_nowait()
            except queue.Empty:
                break
            time.sleep(max(0.0, started + number / rate - time.perf_counter()))
            phase.sent[person] = time.perf_counter()
            if send(connection, path, body):
                phase.refused.add(person)
        connection.close()

    run_threads(*[ask] * SENDERS, *([beside] if beside else []))
    phase.seconds = time.perf_counter() - started
    deadline = time.perf_counter() + PATIENCE_S
    while len(phase.latencies(platform)) < phase.accepted() and time.perf_counter() < deadline:
        time.sleep(0.5)
    return phase


def flood(port: int, rate: float, seconds: float) -> None:
    """One person sends ``rate`` questions a second for ``seconds``."""
    callbacks = [encrypted_callback("flooder", FAQ) for _ in range(round(rate * seconds))]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    started = time.perf_counter()
    for number, (path, body) in enumerate(callbacks):
        time.sleep(max(0.0, started + number / rate - time.perf_counter()))
        send(connection, path, body)
    connection.close()


def prepared(questions: int) -> "queue.SimpleQueue[tuple[int, str, str, bytes]]":
    """Questions, each with its number, its person, and path and body of its callback."""
    waiting: queue.SimpleQueue[tuple[int, str, str, bytes]] = queue.SimpleQueue()
    for number in range(questions):
        person = f"person{secrets.token_hex(6)}"
        waiting.put((number, person, *encrypted_callback(person, FAQ)))
    return waiting


def run_threads(*works: Callable[[], None]) -> None:
    """Each of ``works`` in a thread of its own, to the end."""
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send(connection: http.client.HTTPConnection, path: str, body: bytes) -> bool:
    """Send one callback; whether it was refused. Anything but 200 ends the benchmark."""
    try:
        connection.request("POST", path, body, {"Content-Type": "text/xml"})
        response = connection.getresponse()
    except ConnectionError:  # gunicorn closes a connection that was idle for 2 s; the same message again is one message
        connection.close()
        connection.request("POST", path, body, {"Content-Type": "text/xml"})
        response = connection.getresponse()
    said = response.read()
    if response.status != 200:
        sys.exit(f"a callback was answered {response.status}")
    return bool(said)


def print_row(name: str, phase: Phase, platform: Arrivals) -> None:
    """One line of the table."""
    sample = phase.latencies(platform)
    cuts = [1000 * cut for cut in (sample[len(sample) // 2], sample[int(len(sample) * 0.99)], sample[-1])]
    counts = (len(phase.sent), phase.accepted(), len(phase.refused), len(sample))
    print(
        f"{name:10}{len(phase.sent) / phase.seconds:10.1f}"
        + "".join(f"{count:10}" for count in counts)
        + "".join(f"{cut:10.0f}" for cut in cuts),
        flush=True,
    )


if __name__ == "__main__":
    main()
