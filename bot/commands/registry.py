"""The one registry of commands. Helps list them in this order."""

from bot.commands import helping, library, operations, people, persons, sent, switching
from bot.commands.declaration import Command

COMMANDS: tuple[Command, ...] = (
    *helping.COMMANDS,
    *people.COMMANDS,
    *operations.COMMANDS,
    *switching.COMMANDS,
    *library.COMMANDS,
    *sent.COMMANDS,
    *persons.COMMANDS,
)
