"""The one registry of commands. Helps list them in this order."""

from bot.commands import (
    announcing,
    helping,
    identity,
    library,
    operations,
    own_data,
    people,
    persons,
    reviewing,
    sent,
    switching,
)
from bot.commands.declaration import Command

COMMANDS: tuple[Command, ...] = (
    *helping.COMMANDS,
    *people.COMMANDS,
    *own_data.COMMANDS,
    *operations.COMMANDS,
    *switching.COMMANDS,
    *library.COMMANDS,
    *reviewing.COMMANDS,
    *sent.COMMANDS,
    *announcing.COMMANDS,
    *persons.COMMANDS,
    *identity.COMMANDS,
)
