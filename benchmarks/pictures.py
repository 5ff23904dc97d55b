"""Draws what ``benchmarks.suite --save FOLDER`` kept: the pictures of docs/benchmarks.md.

python -m benchmarks.pictures FOLDER [--to docs/images]
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.evaluation.charts import COLOURS, Axis, Panel, legend, linear, logarithmic, picture

ROOT = Path(__file__).parent.parent
ROWS = {"bare": "bare Flask", "callback": "callback", "first": "callback that wakes a worker"}
QUESTIONS = {"echo": "echo", "repeated": "FAQ, 200 texts", "different": "FAQ, all different"}
LEAST_MS = 0.1
APART_PX = 26


def main() -> None:
    """Draw every picture whose benchmark was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", type=Path, default=ROOT / "docs/images", help="where the pictures go")
    arguments = parser.parse_args()
    for name, draw in (("acknowledgement", acknowledgement), ("throughput", throughput), ("memory", memory)):
        kept = arguments.folder / f"{name}.json"
        if kept.exists():
            drawn = draw(json.loads(kept.read_text(encoding="utf-8")))
            (arguments.to / f"benchmarks-{name}.svg").write_text(drawn, encoding="utf-8")


def acknowledgement(content: Mapping[str, Any]) -> str:
    """Percentiles by rate, a range for each row."""
    runs = [run for run in content["runs"] if run["rate"]]
    rates = sorted({run["rate"] for run in runs})
    most = max(run["outcome"]["acknowledged"]["p99.9"] for run in runs)
    ticks = [(number + 0.5, f"{rate:,.0f} a second") for number, rate in enumerate(rates)]
    panel = Panel(
        title="How long until a callback is acknowledged",
        x=Axis(label="", low=0, high=len(rates), ticks=ticks),
        y=logarithmic("milliseconds: dot p50, wide mark p99, end p99.9", LEAST_MS * 5, most),
        left=70,
        width=580,
    )
    for number, row in enumerate(ROWS):
        for run in runs:
            if run["row"] == row:
                middle = panel.at(rates.index(run["rate"]) + 0.5, panel.y.low)[0]
                cuts = run["outcome"]["acknowledged"]
                panel.span(COLOURS[number], middle + (number - 1) * APART_PX, (cuts["p50"], cuts["p99"], cuts["p99.9"]))
    names = legend([(name, COLOURS[number]) for number, name in enumerate(ROWS.values())], 680, 90)
    return picture(900, 380, "Percentiles of the acknowledgement by rate", panel.svg(), names)


def throughput(content: Mapping[str, Any]) -> str:
    """Answers a second and their 99th percentile, by load."""
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for run in content["runs"]:
        kind, load = run["name"].split(", ")
        outcome = run["outcome"]
        if load.endswith("/s"):
            sent = outcome["sent"] / outcome["seconds"]
            lines.setdefault(kind, []).append((sent, outcome["answered_per_s"], outcome["answered"]["p99"] / 1000))
    for points in lines.values():
        points.sort()
    load_axis = linear("messages sent a second", max(points[-1][0] for points in lines.values()))
    seconds = [point[2] for points in lines.values() for point in points]
    answered = Panel(title="Answers", x=load_axis, y=linear("a second", load_axis.high), left=60, width=330)
    waited = Panel(
        title="How long 99 of 100 people wait at most",
        x=load_axis,
        y=logarithmic("seconds", min(seconds), max(seconds)),
        left=590,
        width=330,
    )
    answered.aside("as many as sent", (0, 0), (load_axis.high, load_axis.high))
    for number, (kind, points) in enumerate(lines.items()):
        answered.line(QUESTIONS[kind], COLOURS[number], [(sent, rate) for sent, rate, _ in points])
        waited.line(QUESTIONS[kind], COLOURS[number], [(sent, wait) for sent, _, wait in points])
    return picture(1090, 380, "Answers a second and waiting, by load", answered.svg(), waited.svg())


def memory(content: Mapping[str, Any]) -> str:
    """What each process holds, minute by minute."""
    series: dict[str, list[float]] = {role: values for role, values in content["mib"].items() if role != "all"}
    every_min = content["every_s"] / 60
    minutes = every_min * (len(content["mib"]["all"]) - 1)
    panel = Panel(
        title=f"Memory while {content['rate']:g} people a second ask",
        x=linear("minutes", minutes),
        y=linear("MiB (PSS)", max(max(values) for values in series.values())),
        left=70,
        width=640,
    )
    for number, (role, values) in enumerate(series.items()):
        panel.line(
            role,
            COLOURS[number % len(COLOURS)],
            [(look * every_min, value) for look, value in enumerate(values)],
            dots=False,
        )
    return picture(840, 380, "Memory of each process over time", panel.svg())


if __name__ == "__main__":
    main()
