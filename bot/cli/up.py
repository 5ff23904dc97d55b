"""``up``: run the whole system on this machine. ``make run`` is this command."""

import contextlib

import click

from bot.settings import load_settings
from bot.supervision.parent_death import end_with_parent
from bot.supervision.product import plan_for
from bot.supervision.up import up


@click.command()
@click.option("--die-with-parent", is_flag=True, help="Stop when the process that started this one ends.")
def command(*, die_with_parent: bool) -> None:
    """Start Redis, worker, beat, web and the simulator, and keep them running until Ctrl-C."""
    if die_with_parent:
        end_with_parent()
    up(plan_for(load_settings()), _say)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may have gone; stopping in order matters more
        click.echo(line)
