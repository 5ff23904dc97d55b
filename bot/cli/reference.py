"""``reference``: everything that can be configured or commanded, as Markdown."""

import click

from bot.assembly import CHANNELS
from bot.reference import configuration_reference


@click.command()
@click.argument("page", type=click.Choice(["configuration", "commands"]), default="configuration")
def command(page: str) -> None:
    """Print the reference of the configuration (docs/configuration.md) or of the commands (docs/commands.md)."""
    if page == "commands":
        from bot.commands.reference import commands_reference  # with it comes what commands work with

        click.echo(commands_reference(), nl=False)
        return
    click.echo(configuration_reference({name: package.Config for name, package in CHANNELS.items()}), nl=False)
