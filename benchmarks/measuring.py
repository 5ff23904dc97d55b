"""One plan of load against a running installation, and everything that is seen meanwhile."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks import processes
from benchmarks.installation import Running
from benchmarks.load import Load, Outcome, Plan

_SAMPLE = re.compile(
    r"^(bot_turns_total|bot_messages_merged_total|bot_(?:step|turn)_seconds_(?:sum|count))\{(.*?)\} (\S+)$",
    re.MULTILINE,
)
_LABEL = re.compile(r'(kind|step)="([^"]*)"')


@dataclass(kw_only=True, slots=True)
class Measurement:
    """An :class:`~benchmarks.load.Outcome` and what it took.

    ``cpu_ms`` are milliseconds of processor time a message, by process, the load generator's (``load``) among them;
    ``cores`` how many cores all of them kept busy. ``merged`` were answered together with the message before of the
    same person, so that no reply of their own is to come: the outcome's ``lost`` are without them. ``kinds`` counts the
    replies by kind; ``step_ms`` is the mean time of a step of the pipeline, ``turn`` of all of them.
    """

    name: str
    outcome: Outcome
    cpu_ms: dict[str, float]
    cores: float
    merged: int
    kinds: dict[str, int]
    step_ms: dict[str, float]

    def to_json(self) -> dict[str, object]:
        """Everything, ready for JSON."""
        return asdict(self)


def measured(name: str, running: Running, load: Load, plan: Plan) -> Measurement:
    """Carry out ``plan`` and note what everybody used for it."""
    metrics, used = _metrics(running), processes.cpu_s(running.pid)
    outcome = load.run(plan)
    spent = processes.difference(processes.cpu_s(running.pid), used) | {"load": outcome.cpu_s}
    after = _metrics(running)
    change = {key: value - metrics.get(key, 0.0) for key, value in after.items()}
    steps = {
        step: change["step_sum", step] / count
        for (what, step), count in change.items()
        if what == "step_count" and count
    }
    turns = change.get(("turn_count", ""), 0.0)
    if turns:
        steps["turn"] = change["turn_sum", ""] / turns
    messages = max(1, outcome.accepted)
    merged = round(change.get(("messages_merged", ""), 0.0))
    outcome.lost = max(0, outcome.lost - merged)
    return Measurement(
        name=name,
        outcome=outcome,
        cpu_ms={role: round(1000 * seconds / messages, 2) for role, seconds in spent.items()},
        merged=merged,
        cores=round(sum(spent.values()) / max(0.001, outcome.seconds + outcome.drained_s), 2),
        kinds={kind: int(count) for (what, kind), count in change.items() if what == "turns" and count},
        step_ms={step: round(1000 * seconds, 3) for step, seconds in steps.items()},
    )


def _metrics(running: Running) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for name, labels, value in _SAMPLE.findall(running.metrics()):
        label = _LABEL.search(labels)
        what = name.removeprefix("bot_").replace("_total", "").replace("_seconds", "")
        key = what, label[2] if label else ""
        found[key] = found.get(key, 0.0) + float(value)
    return found


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in [list(columns), *cells]) for at in range(len(columns))]
    for line in [list(columns), ["-" * width for width in widths], *cells]:
        print("| " + " | ".join(_padded(cell, width) for cell, width in zip(line, widths, strict=True)) + " |")
    print(flush=True)


def print_costs(found: Sequence[Measurement]) -> None:
    """Two tables: processor time by process with the kinds of reply, and the steps of the pipeline."""
    roles = sorted({role for one in found for role in one.cpu_ms})
    print("CPU ms a message by process, and what was replied:")
    costs = [(one.name, *(one.cpu_ms.get(role, 0.0) for role in roles), _words(one.kinds)) for one in found]
    print_table(("", *roles, "replies"), costs)
    steps = list(dict.fromkeys(step for one in found for step in one.step_ms))
    print("Mean ms of each step of the pipeline, waiting for the processor included:")
    rows = [(step, *(one.step_ms.get(step, "") for one in found)) for step in steps]
    print_table(("step", *(one.name for one in found)), rows)


def print_json(content: Mapping[str, object]) -> None:
    """One object as the last line of standard output."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")


def _words(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def _padded(cell: str, width: int) -> str:
    return cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
