"""What the product costs while nobody writes: processor time and memory of each process after it was started.

    python -m benchmarks.idle [--seconds 60] [--json]

The whole product as an operator starts it, with 100 made-up questions; it is left alone for some seconds first. The
baseline of the same run is this Python process, which sleeps: the floor of what the machine attributes to anybody.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks import processes
from benchmarks.installation import environment_for, ingest, running
from benchmarks.load import Load
from benchmarks.measuring import print_json, print_table

SETTLE_S = 10.0


def main() -> None:
    """Look on and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="to look on (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one object behind the table")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder, Load() as load:
        environment = environment_for(Path(folder), load.url)
        with running(environment) as installation:
            ingest(environment)
            time.sleep(SETTLE_S)
            used, own = processes.cpu_s(installation.pid), sum(os.times()[:2])
            time.sleep(seconds)
            spent = processes.difference(processes.cpu_s(installation.pid), used)
            spent["a sleeping Python"] = sum(os.times()[:2]) - own
            held = processes.pss_mib(installation.pid)
    percent = {role: round(100 * second / seconds, 2) for role, second in spent.items()}
    percent["all of the product"] = round(sum(percent.values()) - percent["a sleeping Python"], 2)
    held["all of the product"] = sum(held.values())
    rows = [(role, share, f"{held[role]:.0f}" if role in held else "") for role, share in percent.items()]
    print_table(("process", "% of a core", "MiB"), rows)
    if parser.parse_args().json:
        print_json({"benchmark": "idle", "percent_of_a_core": percent, "mib": held})


if __name__ == "__main__":
    main()
