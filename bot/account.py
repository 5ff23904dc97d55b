"""The border to an account of customer service: a channel whose messages are pulled page by page, and whose platform
has a desk of its own for humans.

Its callback is a bell (:class:`bot.channel.Bell`). What it rings for waits at the platform, with everything before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from bot.channel import ChannelError
from bot.messages import ConversationId, InboundMessage

SESSION_OVER = "session_over"
"""The code of a part that came after the person's chat had ended, or long after the person last wrote."""
ALLOWANCE_USED = "allowance_used"
"""The code of a part more than the platform lets through before the person writes again."""
HUMAN_SERVES = "human_serves"
"""The code of a part to a person whom a human has in the platform's own desk, where the bot may not speak."""
SILENCED = frozenset({SESSION_OVER, ALLOWANCE_USED, HUMAN_SERVES})
"""Codes after which nothing can be said to the person before they write again, not even an apology."""


class StaleToken(ChannelError):
    """The token of a bell works no longer; a page can be had without one, only less often."""


class Serving(StrEnum):
    """Who answers a chat: the bot; a human, or soon one; or the bot again, because a human had it and it ended without
    a word of the platform."""

    BOT = "bot"
    HUMAN = "human"
    LAPSED = "lapsed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What one pull brought, in order: all that needs work of what stands on the page, perhaps nothing.

    ``cursor`` is where the next page begins; ``more`` tells whether there is one now.
    """

    messages: tuple[InboundMessage, ...]
    cursor: str
    more: bool


@runtime_checkable
class Account(Protocol):
    """What a :class:`~bot.channel.Channel` offers besides whose messages are pulled."""

    @property
    def account_name(self) -> str:
        """What bells call it (:class:`bot.channel.Bell`), no other account of any company alike."""
        ...

    @property
    def pull_every_s(self) -> float:
        """Seconds after which it is pulled although no bell rang: a bell can be lost."""
        ...

    @property
    def first_pull_s(self) -> float:
        """What was written longer before its first pull is left alone, in seconds: the platform keeps history."""
        ...

    def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
        """The page at ``cursor``, empty for the oldest, of at most ``most`` entries.

        ``token`` is that of the newest bell, empty without one. ``deadline`` is the epoch second by which it must have
        ended. The same cursor may be asked again: nothing is taken away. Raises :class:`StaleToken`,
        :class:`~bot.channel.Retry`, and :class:`~bot.channel.Refused` where the same call will not do.
        """
        ...


@runtime_checkable
class Entrance(Protocol):
    """What a :class:`~bot.channel.Channel` offers besides into whose chats links lead that carry something."""

    def entry_link(self, param: str, deadline: float) -> str:
        """An address that opens a chat with the bot and carries ``param`` (:attr:`bot.events.Entered.brought`):
        printable, at most 128 bytes. ``deadline`` is the epoch second by which it must have been made. Raises
        :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused` and :class:`~bot.channel.Unknown`."""
        ...


@runtime_checkable
class HumanDesk(Protocol):
    """What a :class:`~bot.channel.Channel` offers besides whose platform lets a human take a person's chat. While one
    has it, the bot may not speak there, but for one reply to each change that is made here.

    Methods take the epoch second by which they must have ended, and raise :class:`~bot.channel.Retry`,
    :class:`~bot.channel.Refused` and :class:`~bot.channel.Unknown`.
    """

    @property
    def has_human_desk(self) -> bool:
        """Whether humans work there: the operator may want them to work with tickets alone."""
        ...

    def serving(self, conversation: ConversationId, deadline: float) -> Serving:
        """Who answers the chat now; what it says has no effect, so that a turn may ask again."""
        ...

    def nickname(self, conversation: ConversationId, deadline: float) -> str:
        """What the person calls themselves, for the humans; empty where that is not known."""
        ...

    def hand_over(
        self, conversation: ConversationId, servicers: Sequence[str], reply_key: str, deadline: float
    ) -> bool:
        """Give the chat to the first of ``servicers`` who serves now, else to whoever takes it first; False where
        nobody serves. The first part of the reply called ``reply_key`` may be said all the same."""
        ...

    def take_back(self, conversation: ConversationId, reply_key: str, deadline: float) -> None:
        """End what a human has, had, or is waited for; the bot answers what the person writes next. ``reply_key`` as
        in :meth:`hand_over`."""
        ...
