"""The command line: one module a command, imported only when that command is called (``up`` must stay small)."""

import importlib
import sys

import click
import structlog

COMMANDS = {
    "up": "bot.cli.up",
    "bootstrap": "bot.cli.bootstrap",
    "ask": "bot.cli.ask",
    "ingest": "bot.cli.ingest",
    "jobs": "bot.cli.jobs",
    "reindex": "bot.cli.reindex",
    "reference": "bot.cli.reference",
    "replay": "bot.cli.replay",
    "export": "bot.cli.export",
    "doctor": "bot.cli.doctor",
    "send": "bot.cli.send",
    "announce": "bot.cli.announce",
    "group": "bot.cli.group",
    "queue": "bot.cli.queue",
    "audit": "bot.cli.audit",
    "case": "bot.cli.case",
    "kb": "bot.cli.kb",
    "hcp": "bot.cli.hcp",
    "trace": "bot.cli.trace",
    "eval": "bot.cli.evaluate",
    "golden": "bot.cli.golden",
    "mine": "bot.cli.mine",
}
"""Command name to the module that holds it as ``command``."""


class _Commands(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name]).command
        return command


@click.group(cls=_Commands, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """A customer-service bot for WeCom. Every command exits with 0, or with 2 and a line that says what is wrong."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is the result's
