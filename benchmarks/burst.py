"""10,000 people write at the same time: how long until the last is answered, and whether each is answered once.

    python -m benchmarks.burst [--people 10000] [--json]

The whole product with 100 made-up questions and no language model. One message a person, 64 at a time, as fast as they
are acknowledged; then the answers are awaited. The baseline of the same run is what the same product answers a second
while 64 people at a time wait for one (``steady``): the burst should take no longer than that rate says.
"""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks import processes
from benchmarks.installation import Running, environment_for, ingest, running
from benchmarks.load import Load, Outcome, Plan
from benchmarks.measuring import print_json, print_table

AT_A_TIME = 64
STEADY_S = 10.0
WARM_UP_S = 5.0
MOST_A_SECOND = 400
LOOK_EVERY_S = 1.0
LONGEST_S = 3600.0
COLUMNS = (
    "people", "all accepted after s", "accepted/s", "ack p99 ms", "all answered after s", "answered/s", "steady/s",
    "lost", "doubled", "redis MiB", "worker MiB",
)  # fmt: skip


def main() -> None:
    """Run the steady load and the burst and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=10_000, help="who write at the same time (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one object behind the table")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Load() as load:
        environment = environment_for(Path(folder), load.url) | {"USEFUL_S": str(LONGEST_S)}
        with running(environment) as installation:
            ingest(environment)
            load.run(steady_plan(installation, WARM_UP_S))
            steady = load.run(steady_plan(installation, STEADY_S)).answered_per_s
            before = processes.pss_mib(installation.pid)
            outcome, most = burst(installation, load, arguments.people)
    took_s = outcome.seconds + outcome.drained_s
    memory = [f"{before[role]:.0f} → {most[role]:.0f}" for role in ("redis", "worker")]
    speeds = (round(outcome.accepted_per_s), round(outcome.acknowledged["p99"], 1), round(took_s, 1))
    answered_s = round(outcome.answers / took_s, 1)
    counts = (steady, outcome.lost, outcome.extra)
    print_table(COLUMNS, [(outcome.sent, round(outcome.seconds, 1), *speeds, answered_s, *counts, *memory)])
    if arguments.json:
        print_json(
            {
                "benchmark": "burst",
                "steady_per_s": steady,
                "outcome": asdict(outcome),
                "mib_before": before,
                "mib_at_most": most,
            }
        )


def steady_plan(installation: Running, seconds: float) -> Plan:
    """People who each wait for their answer."""
    most = round(MOST_A_SECOND * seconds)
    return Plan(port=installation.port, seconds=seconds, in_flight=AT_A_TIME, most=most)


def burst(installation: Running, load: Load, people: int) -> tuple[Outcome, dict[str, float]]:
    """What became of the burst, and the most memory that each process held meanwhile, in MiB."""
    plan = Plan(port=installation.port, seconds=LONGEST_S, in_flight=AT_A_TIME, most=people, on_acknowledgement=True)
    load.start(plan)
    most: dict[str, float] = {}
    while True:
        ended = load.ready(LOOK_EVERY_S)
        for role, held in processes.pss_mib(installation.pid).items():
            most[role] = max(held, most.get(role, 0.0))
        if ended:
            return load.outcome(), most


if __name__ == "__main__":
    main()
