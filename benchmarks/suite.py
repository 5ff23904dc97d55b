"""Every benchmark of the way of a message, one after another: what ``make bench`` runs.

    python -m benchmarks.suite [--full] [--save FOLDER] [--only NAME …]

The short form takes about a quarter of an hour, the full one two hours, of which memory takes one. With ``--save`` each
benchmark's object is kept in ``FOLDER/<name>.json``, from which :mod:`benchmarks.pictures` draws.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHORT = {
    "acknowledgement": ("--seconds", "6"),
    "reply": ("--questions", "40"),
    "throughput": ("--seconds", "8"),
    "slow_model": ("--seconds", "15"),
    "burst": ("--people", "2000"),
    "overload": ("--seconds", "20"),
    "idle": ("--seconds", "20"),
    "memory": ("--minutes", "2", "--every", "10"),
}
FULL = {
    "acknowledgement": ("--seconds", "30"),
    "reply": ("--questions", "200"),
    "throughput": ("--seconds", "30"),
    "slow_model": ("--seconds", "30"),
    "burst": ("--people", "10000"),
    "overload": ("--seconds", "60"),
    "idle": ("--seconds", "60"),
    "memory": ("--minutes", "60"),
}


def main() -> None:
    """Run them; the first that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="as long as the figures in docs/benchmarks.md took")
    parser.add_argument("--save", type=Path, help="folder to keep each benchmark's object in")
    parser.add_argument("--only", nargs="+", choices=SHORT, default=list(SHORT), help="some of them")
    arguments = parser.parse_args()
    for name in arguments.only:
        started = time.perf_counter()
        print(f"## {name}\n", flush=True)
        content = run(name, *(FULL if arguments.full else SHORT)[name])
        if arguments.save is not None:
            arguments.save.mkdir(parents=True, exist_ok=True)
            (arguments.save / f"{name}.json").write_text(content, encoding="utf-8")
        print(f"({time.perf_counter() - started:.0f} s)\n", flush=True)


def run(name: str, *options: str) -> str:
    """Run one, show its tables, and give the object that it prints last."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *options, "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        content = ""
        for line in process.stdout:
            if line.startswith("{"):
                content = line
            else:
                print(line, end="", flush=True)
    if process.returncode or not content:
        sys.exit(f"{name} failed")
    return content


if __name__ == "__main__":
    main()
