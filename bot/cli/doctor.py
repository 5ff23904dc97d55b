"""``doctor``: what is broken, and how to cure it."""

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict

import click

from bot import telemetry
from bot.doctor.examination import examine
from bot.finding import Finding, State

_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.BROKEN: "red", State.SKIPPED: "bright_black"}
_NARROWEST = 60
_WORTH_TELLING_MS = 1000
_STATE_WIDTH = max(map(len, State))
_INDENT = " " * (_STATE_WIDTH + 2)


@click.command()
@click.option("--bot", help="Only this bot's channels and knowledge.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(bot: str | None, *, as_json: bool) -> None:
    """Look at everything the bot needs and say what is broken and how to cure it (exit 2 when something is)."""
    telemetry.configure_logging("CRITICAL")  # what a part would log, its finding says
    findings = examine(bot, _progress if sys.stderr.isatty() else _silence)
    ok = not any(finding.state is State.BROKEN for finding in findings)
    if as_json:
        content = {"ok": ok, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(content, ensure_ascii=False))
    else:
        _print(findings)
    if not ok:
        sys.exit(2)


def _silence(_running: Sequence[str]) -> None:
    """Nobody watches."""


def _progress(running: Sequence[str]) -> None:
    """One line that rewrites itself and is gone at the end."""
    text = f"looking at {', '.join(running)}" if running else ""
    width = shutil.get_terminal_size().columns - 1
    click.echo(f"\r\x1b[K{text[:width]}", nl=False, err=True)


def _print(findings: Sequence[Finding]) -> None:
    width = max(_NARROWEST, shutil.get_terminal_size().columns)
    for finding in findings:
        state = click.style(f"{finding.state:<{_STATE_WIDTH}}", fg=_COLOURS[finding.state])
        time = f" ({finding.ms / 1000:.1f} s)" if finding.ms >= _WORTH_TELLING_MS else ""
        first, *more = _wrapped(f"{finding.name}: {finding.detail}{time}", width)
        click.echo(f"{state}  {first}")
        cure = _wrapped(f"→ {finding.cure}", width) if finding.cure else []
        for line in [*more, *cure]:
            click.echo(_INDENT + line)
    click.echo(_summary(findings))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - len(_INDENT), break_long_words=False, break_on_hyphens=False)


def _summary(findings: Sequence[Finding]) -> str:
    counts = {state: sum(finding.state is state for finding in findings) for state in State}
    told = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    if counts[State.BROKEN]:
        return click.style(f"Something is broken ({told}).", fg=_COLOURS[State.BROKEN], bold=True)
    return click.style(f"Nothing is broken ({told}).", fg=_COLOURS[State.OK], bold=True)
