"""``make soak``: random faults from a printed seed for as long as you like, and the table of what became of it.

``python -m tests.faults.soak --minutes 45 --seed 7`` does the same draws again; what the machine does between them
differs. The page is written to ``var/soak/REPORT.md``, or where ``--report`` says, after every round. Exits with 1 when
something acknowledged was lost, answered out of order, seen twice where the platform drops it, or doubled more often
than the installation counted; the page then shows the life of each such message, and the installation's folder stays.
"""

import argparse
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bot.lease import LEASE_S
from tests.faults.campaign import Campaign, campaign
from tests.faults.moments import BetweenParts, Generating, KillAt, Moment, RestartMidGeneration, SentUnrecorded
from tests.faults.processes import Freeze, Kill, KillWebWorker, Restart, RollWeb
from tests.faults.report import failures, page
from tests.faults.site import Fault
from tests.faults.surroundings import (
    CUT,
    FAILS,
    HANGS,
    Callbacks,
    Calls,
    ExpireTokens,
    FullDisk,
    LockDatabase,
    Model,
    Nothing,
    PauseRedis,
)

REPOSITORY = Path(__file__).parents[2]
REPORT = REPOSITORY / "var/soak/REPORT.md"
STRIKES_A_ROUND = 24
PER_S = 6.0
LONGER_THAN_A_LEASE_S = LEASE_S + 5
KILLS_AFTER_A_FAULT = 3

KILLS: tuple[Fault, ...] = (*(Kill(program) for program in ("worker", "web", "beat", "redis")), KillWebWorker())
"""What strikes most: any process may end without a word at any time, and whatever else is the matter."""
MOMENTS: tuple[Moment, ...] = (Generating(), SentUnrecorded(), BetweenParts())
OTHERS: tuple[Fault, ...] = (
    *(KillAt((moment,)) for moment in MOMENTS),
    KillAt(MOMENTS),
    *(Freeze(program, LONGER_THAN_A_LEASE_S) for program in ("worker", "web", "web worker", "beat")),
    Freeze("redis", 6),
    PauseRedis(6),
    FullDisk(5),
    LockDatabase(15),
    Model("hangs", HANGS, 20),
    Model("fails", FAILS, 5),
    Model("breaks off", CUT, 5),
    Calls("busy (-1)", "errcode", 5, errcode=-1),
    Calls("answers 500", "http_500", 5),
    Calls("rate-limits (45009)", "errcode", 2, errcode=45009, times=5),
    Calls("closes before the work", "close_before", 5),
    Calls("closes after the work", "close_after", 5),
    Calls("answers slowly", "answer_late", 10, hold_s=3),
    Calls("answers after our time limit", "answer_late", 12, hold_s=12, times=5),
    ExpireTokens(4),
    Callbacks("each made twice at the same time", "duplicate", 10),
    Callbacks("each made again, its answer lost", "lose_answer", 10),
    *(Restart(program) for program in ("web", "worker", "beat", "redis")),
    RestartMidGeneration(),
    RollWeb(),
)


def schedule(chance: random.Random) -> Iterator[Fault]:
    """For ever: all faults in a new order, so that each strikes as often as the others, with kills after each."""
    kills = _in_turns(KILLS, chance)
    for fault in _in_turns(OTHERS, chance):
        yield fault
        for _ in range(KILLS_AFTER_A_FAULT):
            yield next(kills)


def _in_turns(faults: Sequence[Fault], chance: random.Random) -> Iterator[Fault]:
    while True:
        yield from chance.sample(faults, len(faults))


def soak(running: Campaign, minutes: float, chance: random.Random, report: Callable[[], None]) -> None:
    """Let faults strike for ``minutes``, judged and reported after every :data:`STRIKES_A_ROUND`."""
    ends_at = time.monotonic() + minutes * 60
    running.strike(Nothing(20), 0)
    running.judge()
    faults = schedule(chance)
    while time.monotonic() < ends_at:
        for _ in range(STRIKES_A_ROUND):
            fault = next(faults)
            say(f"{datetime.now(UTC):%H:%M:%S} {fault.name}")
            with _going_on(running, fault.name):
                running.strike(fault, chance.uniform(0.5, 4))
            if time.monotonic() > ends_at:
                break
        with _going_on(running, "the end of a round"):
            running.judge()
        report()


@contextmanager
def _going_on(running: Campaign, at: str) -> Iterator[None]:
    """What was waited for in vain is a failure, and the other faults strike all the same."""
    try:
        yield
    except TimeoutError as error:
        say(f"         {error}")
        running.stuck.append(f"{at}: {error}")


def say(line: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak as the arguments say; returns the exit status."""
    parser = argparse.ArgumentParser(description="Random faults under load, and what became of every message")
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), help="of an earlier run (default: any)"
    )
    parser.add_argument("--report", type=Path, default=REPORT, metavar="FILE", help="where the page goes")
    options = parser.parse_args(arguments)
    folder, began = Path(tempfile.mkdtemp(prefix="soak-")), datetime.now(UTC)
    say(f"seed {options.seed}, {options.minutes:g} minutes in {folder}; report in {options.report}")
    options.report.parent.mkdir(parents=True, exist_ok=True)
    with campaign(folder, REPOSITORY, options.seed, PER_S) as running:

        def report() -> None:
            options.report.write_text(page(running, options.seed, began), encoding="utf-8")

        soak(running, options.minutes, running.site.chance, report)
        say(options.report.read_text(encoding="utf-8"))
        found = failures(running)
    if found:
        return 1  # the folder stays, with all logs
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
