"""Whether memory grows under a steady load: what each process holds, minute by minute.

    python -m benchmarks.memory [--minutes 60] [--every 60] [--rate 10] [--entries 0] [--json]

The whole product with 100 made-up questions and no language model; 500 people ask ``--rate`` questions a second in
turn, in texts that never repeat. ``--entries`` puts as many invented FAQs and passages with random vectors beside their
answers (benchmarks/whole_search.py). Memory is PSS: what processes share is divided among them. ``MiB/h`` is the slope
of a straight line by least squares; the first half of the run, while caches fill, is the baseline of the second.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import processes, whole_search
from benchmarks.installation import PEOPLE, environment_for, ingest, running
from benchmarks.load import Load, Plan
from benchmarks.measuring import print_json, print_table
from benchmarks.search import entries
from bot.settings import load_settings

HOUR_S = 3600.0
COLUMNS = ("process", "MiB at the start", "half-way", "at the end", "most", "MiB/h in the first half", "in the second")


def main() -> None:
    """Look on and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="of load (default: %(default)s)")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two looks (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=10.0, help="questions a second (default: %(default)s)")
    parser.add_argument("--entries", type=int, default=0, help="of other knowledge (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one object behind the table")
    arguments = parser.parse_args()
    looks = max(4, round(60 * arguments.minutes / arguments.every))
    with tempfile.TemporaryDirectory() as folder, Load() as load:
        environment = environment_for(Path(folder), load.url)
        if arguments.entries:
            whole_search.make(load_settings(environment), entries(arguments.entries))
        with running(environment) as installation:
            ingest(environment)
            held = [processes.pss_mib(installation.pid)]
            answers = lost = 0
            for look in range(looks):
                plan = Plan(
                    port=installation.port,
                    seconds=arguments.every,
                    rate=arguments.rate,
                    people=PEOPLE,
                    kind="different",
                    start=round(look * arguments.every * arguments.rate),
                )
                outcome = load.run(plan)
                answers, lost = answers + outcome.answers, lost + outcome.lost
                held.append(processes.pss_mib(installation.pid))
    series = {role: [round(one.get(role, 0.0), 2) for one in held] for role in sorted(held[0])}
    series["all"] = [round(sum(one.values()), 2) for one in held]
    print_table(COLUMNS, [(role, *table_row(values, arguments.every)) for role, values in series.items()])
    print(f"{answers} answers in {looks * arguments.every / 60:g} minutes, {lost} lost\n")
    if arguments.json:
        about = {
            "entries": arguments.entries,
            "rate": arguments.rate,
            "every_s": arguments.every,
            "answers": answers,
            "lost": lost,
        }
        print_json({"benchmark": "memory"} | about | {"mib": series})


def table_row(values: Sequence[float], every_s: float) -> tuple[str, ...]:
    """One line of the table from a sample every ``every_s``."""
    half = len(values) // 2
    figures = (values[0], values[half], values[-1], max(values))
    slopes = (slope(part, every_s) for part in (values[: half + 1], values[half:]))
    return (*(f"{value:.1f}" for value in figures), *(f"{one:+.1f}" for one in slopes))


def slope(values: Sequence[float], every_s: float) -> float:
    """MiB an hour of the straight line nearest to a sample every ``every_s``."""
    return HOUR_S / every_s * statistics.linear_regression(range(len(values)), values).slope


if __name__ == "__main__":
    main()
