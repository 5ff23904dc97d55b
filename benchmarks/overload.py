"""What happens at twice the capacity: who is answered, who is refused, and how long the accepted wait.

    python -m benchmarks.overload [--seconds 60] [--wait 5] [--json]

The whole product runs as an operator starts it, with 100 made-up questions and no language model; every question comes
from another person. First the capacity is found: so many answers a second while 64 people at a time wait for one. Then
the product is started again with room for as many waiting messages as it answers in ``--wait`` seconds, and questions
come on a fixed clock, whatever becomes of them: at half the capacity, the baseline; the same while one more person
sends as many again (``flood``; that person's messages are not counted); and at twice the capacity. A latency runs from
the moment a callback that was accepted was due to the platform call with its answer. A refusal is the busy notice in
the HTTP answer.
"""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.installation import Running, environment_for, ingest, running
from benchmarks.load import Load, Outcome, Plan
from benchmarks.measuring import print_json, print_table

IN_FLIGHT = 64
MOST_A_SECOND = 400
WARM_UP_S = 5.0
CAPACITY_S = 15.0
PATIENCE_S = 120.0
COLUMNS = (
    "", "sent/s", "sent", "accepted", "refused", "answered", "ack p99 ms", "p50 ms", "p99 ms", "max ms",
)  # fmt: skip


def main() -> None:
    """Find the capacity, run below and above it, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each phase (default: %(default)s)")
    parser.add_argument("--wait", type=float, default=5.0, help="seconds' worth of messages that may wait")
    parser.add_argument("--json", action="store_true", help="print one object behind the table")
    arguments = parser.parse_args()
    found: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as folder, Load() as load:
        environment = environment_for(Path(folder), load.url)
        with running(environment) as installation:
            ingest(environment)
            capacity_of(installation, load, WARM_UP_S)
            capacity = capacity_of(installation, load, CAPACITY_S)
        room = max(1, round(capacity * arguments.wait))
        limits = {"LIMIT_BOT_WAITING": str(room), "LIMIT_PERSON_PER_MINUTE": "20"}
        with running(environment | limits) as installation:
            capacity_of(installation, load, WARM_UP_S)
            for name, rate in (("half", capacity / 2), ("flood", capacity / 2), ("twice", capacity * 2)):
                plan = Plan(
                    port=installation.port,
                    seconds=arguments.seconds,
                    rate=rate,
                    flood=rate if name == "flood" else 0.0,
                    patience_s=PATIENCE_S,
                )
                found[name] = load.run(plan)
    print(f"capacity {capacity:.0f} answers/s; {room} may wait; {os.cpu_count()} cores for everything")
    print_table(COLUMNS, [table_row(name, outcome) for name, outcome in found.items()])
    if arguments.json:
        runs = {name: outcome.to_json() for name, outcome in found.items()}
        print_json({"benchmark": "overload", "capacity": capacity, "room": room, "runs": runs})


def capacity_of(installation: Running, load: Load, seconds: float) -> float:
    """Answers a second while :data:`IN_FLIGHT` people at a time wait for one."""
    most = round(MOST_A_SECOND * seconds)
    plan = Plan(port=installation.port, seconds=seconds, in_flight=IN_FLIGHT, most=most)
    return load.run(plan).answered_per_s


def table_row(name: str, outcome: Outcome) -> tuple[object, ...]:
    """One line of the table."""
    counts = (outcome.sent, outcome.accepted, outcome.refused, outcome.answers)
    cuts = [round(outcome.answered[cut]) for cut in ("p50", "p99", "max")]
    return (name, round(outcome.sent / outcome.seconds, 1), *counts, round(outcome.acknowledged["p99"], 1), *cuts)


if __name__ == "__main__":
    main()
