"""How many answers a second, from FAQ answers in a running installation, and what each costs.

    python -m benchmarks.throughput [--rate R | --closed N] [--seconds 20] [--questions KIND] [--json]

The whole product runs as an operator starts it (`up`, one worker, everything embedded) with 100 made-up questions and
no language model; 500 people ask in turn. ``repeated`` draws from 200 texts, ``different`` asks each text once, and
``echo`` is the baseline: the whole way without retrieval. ``--closed N`` finds the capacity: N people each ask again
when they were answered. ``--rate R`` sends on a fixed clock. With neither, each kind is run closed with 64 people, then
at one rate that the slowest keeps up with (70 % of its capacity), and at 50, 90 and 125 % of the kind's own capacity.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import questions
from benchmarks.installation import PEOPLE, Running, environment_for, ingest, running
from benchmarks.load import Load, Plan
from benchmarks.measuring import Measurement, measured, print_costs, print_json, print_table

IN_FLIGHT = 64
KEPT_UP = 0.7
SHARES, BEYOND = (0.5, 0.9), 1.25
"""Of a kind's own capacity."""
MOST_A_SECOND = 400
"""Messages that are prepared for each second of a closed loop."""
WARM_UP_S = 5.0
COLUMNS = (
    "questions", "load", "sent/s", "answered/s", "waiting at the end", "merged", "lost", "ack p50 ms", "ack p99 ms",
    "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "cores",
)  # fmt: skip


def main() -> None:
    """Run what the options ask for and print one table of speeds and one of costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    load_kind = parser.add_mutually_exclusive_group()
    load_kind.add_argument("--rate", type=float, default=0.0, help="messages a second on a fixed clock")
    load_kind.add_argument("--closed", type=int, default=0, help="people who each wait for their answer")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run (default: %(default)s)")
    parser.add_argument("--questions", choices=questions.KINDS, help="one kind (default: all)")
    parser.add_argument("--json", action="store_true", help="print one object behind the tables")
    arguments = parser.parse_args()
    kinds = [arguments.questions] if arguments.questions else ["echo", "repeated", "different"]
    with tempfile.TemporaryDirectory() as folder, Load() as load:
        environment = environment_for(Path(folder), load.url)
        with running(environment) as installation:
            ingest(environment)
            runs = Runs(installation, load, arguments.seconds)
            for kind in kinds:
                runs.warm_up(kind)
            if arguments.rate:
                found = [runs.at_rate(kind, arguments.rate) for kind in kinds]
            else:
                found = [runs.closed(kind, arguments.closed or IN_FLIGHT) for kind in kinds]
            if not arguments.rate and not arguments.closed:
                capacity = dict(zip(kinds, (one.outcome.answered_per_s for one in found), strict=True))
                found += [runs.at_rate(kind, KEPT_UP * min(capacity.values())) for kind in kinds]
                found += [runs.at_rate(kind, share * capacity[kind]) for kind in kinds for share in SHARES]
                found += [runs.at_rate(kind, BEYOND * capacity[kind], wait=True) for kind in kinds]
    report(found)
    if arguments.json:
        print_json({"benchmark": "throughput", "runs": [one.to_json() for one in found]})


class Runs:
    """Runs against one installation; no two ask the same ``different`` text."""

    def __init__(self, installation: Running, load: Load, seconds: float) -> None:
        self._installation = installation
        self._load = load
        self._seconds = seconds
        self._asked = 0

    def warm_up(self, kind: str) -> None:
        """Some seconds that are not counted."""
        self._load.run(self._closed_plan(kind, 16, WARM_UP_S))

    def closed(self, kind: str, in_flight: int) -> Measurement:
        """``in_flight`` people who each wait for their answer."""
        plan = self._closed_plan(kind, in_flight, self._seconds)
        return measured(f"{kind}, {in_flight} at a time", self._installation, self._load, plan)

    def at_rate(self, kind: str, rate: float, *, wait: bool = False) -> Measurement:
        """``rate`` messages a second on a fixed clock.

        When they have to ``wait``, each question comes from another person, because what one person writes meanwhile
        is answered together; echoes never are.
        """
        plan = Plan(
            port=self._installation.port,
            seconds=self._seconds,
            rate=rate,
            people=0 if wait and kind != "echo" else PEOPLE,
            kind=kind,
            start=self._next_texts(round(rate * self._seconds)),
        )
        return measured(f"{kind}, {rate:.0f}/s", self._installation, self._load, plan)

    def _closed_plan(self, kind: str, in_flight: int, seconds: float) -> Plan:
        most = round(MOST_A_SECOND * seconds)
        return Plan(
            port=self._installation.port,
            seconds=seconds,
            in_flight=in_flight,
            most=most,
            people=PEOPLE,
            kind=kind,
            start=self._next_texts(most),
        )

    def _next_texts(self, amount: int) -> int:
        self._asked += amount
        return self._asked - amount


def report(found: Sequence[Measurement]) -> None:
    """Print speeds and costs."""
    rows = []
    for one in found:
        outcome = one.outcome
        kind, load = one.name.split(", ")
        cuts = [round(outcome.answered.get(cut, 0.0)) for cut in ("p50", "p90", "p99", "p99.9")]
        acknowledged = [round(outcome.acknowledged[cut], 1) for cut in ("p50", "p99")]
        sent_s = round(outcome.sent / outcome.seconds, 1)
        counts = (outcome.answered_per_s, outcome.waiting, one.merged, outcome.lost)
        rows.append((kind, load, sent_s, *counts, *acknowledged, *cuts, one.cores))
    print_table(COLUMNS, rows)
    print_costs(found)


if __name__ == "__main__":
    main()
