"""``reference``: everything that can be configured, as Markdown."""

import click

from bot.assembly import CHANNELS
from bot.reference import configuration_reference


@click.command()
def command() -> None:
    """Print the configuration reference (docs/configuration.md)."""
    click.echo(configuration_reference({name: package.Config for name, package in CHANNELS.items()}), nl=False)
