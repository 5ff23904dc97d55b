"""``bootstrap``: what a first start does once. Called by ``up`` in a process of its own, so that ``up`` stays small."""

import click


@click.command(hidden=True)
def command() -> None:
    """Load the demo knowledge into an empty knowledge base."""
    from bot.assembly import read_configuration  # these import what `up` does without
    from bot.cli.ingest import ingest_demo

    ingest_demo(read_configuration())
