"""How many conversations wait at once for a language model that takes its time, and how many answers come of it.

    python -m benchmarks.slow_model [--delay 1.0] [--seconds 20] [--json]

The whole product with the demo's documents and no FAQ, so that every answer is composed by the model and checked; the
model quotes its first source after ``--delay`` seconds. ``at once`` is the baseline, a model without delay. Then the
delay with the default ``WORKER_THREADS`` and with the most that can be set, each time with more people asking than
there are threads. ``at the model`` is the largest number of questions that the model had before it at the same time.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.installation import ROOT, environment_for, ingest, running
from benchmarks.load import Load, Plan
from benchmarks.measuring import Measurement, measured, print_costs, print_json, print_table
from bot.settings import Settings

MOST_THREADS = 512
BEYOND = 1.25
"""People who ask for each thread."""
COLUMNS = ("", "threads", "people", "at the model", "answered/s", "lost", "p50 ms", "p90 ms", "p99 ms", "cores")


def main() -> None:
    """Run the three and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay", type=float, default=1.0, help="seconds a model takes (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one object behind the tables")
    arguments = parser.parse_args()
    usual = Settings().worker_threads
    cases = [("at once", 0.0, usual), (f"after {arguments.delay:g} s", arguments.delay, usual)]
    cases.append((cases[1][0], arguments.delay, MOST_THREADS))
    found = [(threads, measure(name, delay, threads, arguments.seconds)) for name, delay, threads in cases]
    print_table(COLUMNS, [table_row(threads, one) for threads, one in found])
    print_costs([one for _, one in found])
    if arguments.json:
        print_json(
            {"benchmark": "slow_model", "runs": [{"threads": threads} | one.to_json() for threads, one in found]}
        )


def measure(name: str, delay_s: float, threads: int, seconds: float) -> Measurement:
    """An installation of its own with ``threads``, and a model that takes ``delay_s``."""
    people = round(threads * BEYOND)
    with tempfile.TemporaryDirectory() as folder, Load(delay_s) as load:
        environment = environment_for(Path(folder), load.url)
        environment |= {"OPENAI_BASE_URL": load.model_url, "OPENAI_API_KEY": "none", "OPENAI_MODEL": "slow"}
        environment["WORKER_THREADS"] = str(threads)
        with running(environment) as installation:
            ingest(environment, *sorted((ROOT / "deploy/demo/knowledge").glob("*.md")))
            plan = Plan(
                port=installation.port,
                seconds=seconds,
                in_flight=people,
                most=round(people * (2 + seconds / max(delay_s, 0.25))),
                kind="documents",
            )
            load.run(Plan(port=installation.port, seconds=4.0, in_flight=8, most=1000, kind="documents"))
            return measured(f"{name}, {threads} threads", installation, load, plan)


def table_row(threads: int, one: Measurement) -> tuple[object, ...]:
    """One line of the table."""
    outcome = one.outcome
    cuts = [round(outcome.answered[cut]) for cut in ("p50", "p90", "p99")]
    people = round(threads * BEYOND)
    counts = (threads, people, outcome.most_at_model, outcome.answered_per_s, outcome.lost)
    return (one.name.split(",")[0], *counts, *cuts, one.cores)


if __name__ == "__main__":
    main()
