"""Chats that a human takes at the platform's own desk (:class:`bot.account.HumanDesk`).

A ticket stands for such a human as for any other; what is said there goes its own way, and nothing needs to be passed
on. A platform that does not answer is no reason to leave a person waiting: then the ticket is worked as elsewhere.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import structlog

from bot import telemetry
from bot.account import HumanDesk, Serving
from bot.channel import Channel, ChannelError
from bot.messages import ConversationId

log = structlog.get_logger()

CALLS_S = 15.0
"""Seconds for the few calls of one change."""
_T = TypeVar("_T")


class Sessions:
    """``channels`` is keyed by (bot id, channel id)."""

    def __init__(self, channels: Mapping[tuple[str, str], Channel], clock: Callable[[], float] = time.time) -> None:
        self._channels = channels
        self._clock = clock

    def hand_over(self, conversation: ConversationId, servicers: Sequence[str], reply_key: str) -> bool:
        """Let a human of the platform's desk have the person; whether one has, or will take it."""
        desk = self._desk_of(conversation)
        if desk is None:
            return False
        until = self._clock() + CALLS_S
        return self._asked(conversation, lambda: desk.hand_over(conversation, servicers, reply_key, until), False)

    def serving(self, conversation: ConversationId) -> Serving:
        """Who answers the person there."""
        desk = self._desk_of(conversation)
        if desk is None:
            return Serving.BOT
        until = self._clock() + CALLS_S
        return self._asked(conversation, lambda: desk.serving(conversation, until), Serving.BOT)

    def nickname(self, conversation: ConversationId) -> str:
        """What the person calls themselves there, empty where nobody knows."""
        desk = self._desk_of(conversation)
        if desk is None:
            return ""
        until = self._clock() + CALLS_S
        return self._asked(conversation, lambda: desk.nickname(conversation, until), "")

    def take_back(self, conversation: ConversationId, reply_key: str) -> None:
        """Let the bot have the person again."""
        desk = self._desk_of(conversation)
        if desk is not None:
            until = self._clock() + CALLS_S
            self._asked(conversation, lambda: desk.take_back(conversation, reply_key, until), None)

    def _desk_of(self, conversation: ConversationId) -> HumanDesk | None:
        channel = self._channels.get((conversation.bot, conversation.channel))
        return channel if isinstance(channel, HumanDesk) and channel.has_human_desk else None

    def _asked(self, conversation: ConversationId, ask: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return ask()
        except ChannelError as error:
            telemetry.count("degraded", what="human_desk_silent")
            log.error("human_desk_silent", conversation=conversation.key, error=str(error))
            return otherwise
