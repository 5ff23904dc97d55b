"""What a campaign found, as a page in Markdown."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.faults.campaign import Campaign, offences
from tests.faults.verdict import table

LIVES_TOLD = 10
"""Offences whose message's life the page tells; the logs have the others'."""


def failures(running: Campaign) -> list[str]:
    """What must not be, a line each."""
    found = [str(offence) for offence in offences(running)]
    found += [f"not seen: {line}" for line in running.stuck]
    unknown = sum(running.unknown().values())
    if len(running.doubled) > unknown:
        found.append(f"doubled {len(running.doubled)}, counted as of unknown outcome {unknown:g}")
    return found


def page(running: Campaign, seed: int, began: datetime) -> str:
    """The report: what happened in all, each fault, and the lives of messages of which a promise was broken."""
    minutes = (datetime.now(UTC) - began).total_seconds() / 60
    lines = [
        f"A soak of {minutes:.0f} minutes, {began:%Y-%m-%d %H:%M} UTC, seed {seed}:",
        "",
        *_sums(running),
        "",
        table(running.rows.values()),
        "",
        *(f"- **{failure}**" for failure in failures(running)),
        *_lives(running),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _sums(running: Campaign) -> list[str]:
    rows = list(running.rows.values())
    kills = running.site.kills
    windows = Counter(one.window.value for one in running.doubled)
    unknown = {labels.removeprefix('cause="').rstrip('"'): count for labels, count in running.unknown().items()}
    sums = {
        "messages acknowledged": str(sum(row.acknowledged for row in rows)),
        "not acknowledged": str(sum(row.refused for row in rows)),
        "strikes": str(sum(row.struck for row in rows)),
        "kill -9": _with_parts(kills),
        "lost": str(sum(len(row.lost) for row in rows)),
        "disordered": str(sum(len(row.disordered) for row in rows)),
        "apologised": str(sum(row.apologised for row in rows)),
        "doubled, by window": _with_parts(windows),
        "sends of unknown outcome, by cause": _with_parts(unknown),
        **{f"longest {name}": f"{stop_s:.1f} s" for name, stop_s in running.site.stop_s.items()},
    }
    return ["| what | how much |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in sums.items())]


def _with_parts(parts: Mapping[str, float]) -> str:
    """The sum, and what it is made of."""
    named = ", ".join(f"{name} {value:g}" for name, value in parts.items() if value)
    return f"{sum(parts.values()):g} ({named})" if named else "0"


def _lives(running: Campaign) -> list[str]:
    lines = []
    for offence in offences(running)[:LIVES_TOLD]:
        told = running.site.system.command("trace", offence.msg_id)
        lines += ["", f"{offence}:", "", "```text", (told.stdout or told.stderr).rstrip(), "```"]
    return lines
