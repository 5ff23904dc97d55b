"""The border to a channel whose group is the application's own to make and change."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from bot.finding import Finding


@runtime_checkable
class GroupMaker(Protocol):
    """What such a :class:`~bot.channel.Channel` offers besides.

    People are named by their user ids. What the platform answered is a finding, broken where nothing was done or where
    nobody knows; ``deadline`` is the epoch second by which the call must have ended.
    """

    def make_group(self, name: str, owner: str, members: Sequence[str], deadline: float) -> Finding:
        """Make the channel's group, with ``owner`` among its ``members``."""
        ...

    def change_group(
        self, *, name: str, owner: str, add: Sequence[str], remove: Sequence[str], deadline: float
    ) -> Finding:
        """Change the group; an empty ``name`` or ``owner`` stays as it is."""
        ...
