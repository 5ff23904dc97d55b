"""Running many checks side by side, each with a deadline: one that hangs or fails is itself a finding."""

import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.finding import Finding, State

_LONGEST_TEXT = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One look at one part of the installation, done within ``within_s`` seconds. ``name`` is for people."""

    name: str
    run: Callable[[], list[Finding]]
    within_s: float = 10.0


def run_checks(checks: Sequence[Check], progress: Callable[[Sequence[str]], None]) -> list[Finding]:
    """What every check found, in the order of ``checks``.

    Each runs in a thread of its own, left behind at its deadline. ``progress`` is told the names of those still
    running, whenever that changes.
    """
    results: queue.SimpleQueue[tuple[int, list[Finding]]] = queue.SimpleQueue()
    started = time.monotonic()
    for number, check in enumerate(checks):
        threading.Thread(target=_run, args=(number, check, results), name=f"doctor {check.name}", daemon=True).start()
    found: dict[int, list[Finding]] = {}
    while running := [number for number in range(len(checks)) if number not in found]:
        progress([checks[number].name for number in running])
        first_end = min(checks[number].within_s for number in running)
        try:
            number, findings = results.get(timeout=max(0.0, started + first_end - time.monotonic()))
        except queue.Empty:
            found |= {number: [_hangs(checks[number])] for number in running if checks[number].within_s == first_end}
        else:
            found.setdefault(number, findings)
    progress([])
    return [finding for number in range(len(checks)) for finding in found[number]]


def one_line(error: object) -> str:
    """What ``error`` says, for a finding: one line of bounded length."""
    return " ".join(str(error).split())[:_LONGEST_TEXT]


def _run(number: int, check: Check, results: "queue.SimpleQueue[tuple[int, list[Finding]]]") -> None:
    started = time.monotonic()
    try:
        findings = check.run()
    except Exception as error:  # noqa: BLE001 - a fault of ours in one check must not hide what the others found
        findings = [_failed(check, error)]
    elapsed_ms = round((time.monotonic() - started) * 1000, 1)
    results.put((number, [finding if finding.ms else replace(finding, ms=elapsed_ms) for finding in findings]))


def _failed(check: Check, error: Exception) -> Finding:
    """Without the error's text, which nobody has looked through for secrets."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    detail = f"the check itself failed: {type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
    return Finding(name=check.name, state=State.BROKEN, detail=detail, cure="a fault of the program: please report it")


def _hangs(check: Check) -> Finding:
    detail = f"no result after {check.within_s:g} s: what it asks does not answer"
    cure = "look at that part first; a firewall that drops packets looks like this"
    return Finding(name=check.name, state=State.BROKEN, detail=detail, cure=cure, ms=check.within_s * 1000)
