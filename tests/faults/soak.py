"""``make soak``: random faults from a printed seed for as long as you like, and the table of what became of it.

``python -m tests.faults.soak --minutes 45 --seed 7`` does the same draws again; what the machine does between them
differs. The table is written to ``var/soak/REPORT.md`` after every round. Exits with 1 when something acknowledged was
lost, answered out of order, or doubled more often than the installation counted; the installation's folder stays then.
"""

import argparse
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.lease import LEASE_S
from tests.faults.campaign import Campaign, campaign, offences
from tests.faults.moments import BetweenParts, Generating, KillAt, Moment, RestartMidGeneration, SentUnrecorded
from tests.faults.processes import Freeze, Kill, KillWebWorker, Restart, RollWeb
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
from tests.faults.verdict import table

REPOSITORY = Path(__file__).parents[2]
REPORT = REPOSITORY / "var/soak/REPORT.md"
STRIKES_A_ROUND = 6
PER_S = 5.0
LONGER_THAN_A_LEASE_S = LEASE_S + 5

MOMENTS: tuple[Moment, ...] = (Generating(), SentUnrecorded(), BetweenParts())
ALL: tuple[Fault, ...] = (
    *(Kill(program) for program in ("worker", "web", "beat", "redis")),
    KillWebWorker(),
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


def schedule(chance: random.Random) -> list[Fault]:
    """All faults in a new order, so that each strikes as often as the others."""
    return chance.sample(ALL, len(ALL))


def soak(running: Campaign, minutes: float, chance: random.Random, report: Callable[[], None]) -> None:
    """Let faults strike for ``minutes``, judged and reported after every :data:`STRIKES_A_ROUND`."""
    ends_at = time.monotonic() + minutes * 60
    running.strike(Nothing(20), 0)
    running.judge()
    waiting: list[Fault] = []
    while time.monotonic() < ends_at:
        for _ in range(STRIKES_A_ROUND):
            waiting = waiting or schedule(chance)
            fault = waiting.pop()
            say(f"{datetime.now(UTC):%H:%M:%S} {fault.name}")
            running.strike(fault, chance.uniform(1, 8))
            if time.monotonic() > ends_at:
                break
        running.judge()
        report()


def failures(running: Campaign) -> list[str]:
    """What must not be, a line each."""
    found = offences(list(running.rows.values()))
    found += [f"in no record, or in two: {one}" for one in running.unrecorded]
    doubled = sum(len(row.doubled) for row in running.rows.values())
    if doubled > running.unknown:
        found.append(f"doubled {doubled}, counted as of unknown outcome {running.unknown:g}")
    return found


def page(running: Campaign, seed: int, began: datetime) -> str:
    """The report in Markdown."""
    minutes = (datetime.now(UTC) - began).total_seconds() / 60
    lines = [
        "# Soak",
        "",
        f"{began:%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes, seed {seed}.",
        "",
        table(running.rows.values()),
        "",
        f"Sends of unknown outcome, by the installation's own count: {running.unknown:g}.",
        *(f"Longest {name}: {stop_s:.1f} s." for name, stop_s in running.site.stop_s.items()),
        "",
        *(f"- **{failure}**" for failure in failures(running)),
    ]
    return "\n".join(lines).rstrip() + "\n"


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
    options = parser.parse_args(arguments)
    folder, began = Path(tempfile.mkdtemp(prefix="soak-")), datetime.now(UTC)
    say(f"seed {options.seed}, {options.minutes:g} minutes in {folder}; report in {REPORT}")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with campaign(folder, REPOSITORY, options.seed, PER_S) as running:

        def report() -> None:
            REPORT.write_text(page(running, options.seed, began), encoding="utf-8")

        soak(running, options.minutes, running.site.chance, report)
        report()
        say(page(running, options.seed, began))
        found = failures(running)
    if found:
        return 1  # the folder stays, with all logs
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
