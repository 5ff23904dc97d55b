"""``python -m bot``: runs a command and turns what goes wrong into one line and an exit code.

0: done. 2: somebody can put it right, and the line says how. 1: a fault of ours, with the place of its traceback.
"""

import sys
import tempfile
import traceback
from types import TracebackType

import click

from bot.cli import commands
from bot.errors import BotError, ConfigError


def main() -> None:
    """Run the command that the arguments name, and exit."""
    sys.excepthook = _unexpected
    try:
        commands.main(prog_name="python -m bot", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        said = " ".join(error.format_message().split())  # click lists the choices of an option on lines of their own
        _fail([said + (f" (see: {context.command_path} --help)" if context else "")])
    except click.Abort:
        sys.exit(130)  # Ctrl-C, as a shell reports it
    except ConfigError as error:
        _fail(error.problems)
    except BotError as error:
        _fail([str(error)])


def _fail(lines: list[str]) -> None:
    for line in lines:
        click.echo(f"error: {line}", err=True)
    sys.exit(2)


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's last resort for an exception nobody caught; it exits with 1 afterwards."""
    with tempfile.NamedTemporaryFile("w", prefix="bot-error-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(kind, error, trace, file=file)
    click.echo(f"error: this is a fault of the program ({kind.__name__}); please report {file.name}", err=True)


if __name__ == "__main__":
    main()
