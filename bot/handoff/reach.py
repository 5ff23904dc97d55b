"""Over which channel people are reached who have not just asked: some channels can only answer.

In a group nothing is said that concerns one person alone, so a human's words go to the person in a single chat where
that can be done, and staff always hear of a ticket in a single chat.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.bots_file import BotConfig
from bot.channel import Channel, Limits
from bot.messages import ConversationId


class Reach:
    """``channels`` is keyed by (bot id, channel id), as ``bots`` is by bot id."""

    def __init__(self, bots: Mapping[str, BotConfig], channels: Mapping[tuple[str, str], Channel]) -> None:
        self._bots = bots
        self._channels = channels

    def staff(self, conversation: ConversationId, person: str) -> ConversationId | None:
        """The single chat in which the colleague ``person`` hears of ``conversation``; ``None`` where the bot has no
        channel that can write to anybody."""
        channel = self._push_channel(conversation)
        return None if channel is None else replace(conversation, channel=channel, person=person, chat="")

    def person(self, conversation: ConversationId) -> ConversationId:
        """Where a word for the person of ``conversation`` goes: a single chat that can be written to, if the person
        bears the same id there; else the conversation itself, which then has late replies at the most."""
        channel = self._push_channel(conversation)
        if channel == conversation.channel:
            return replace(conversation, chat="")
        if channel is None or not self._plain_userids(conversation):
            return conversation
        return replace(conversation, channel=channel, chat="")

    def unasked(self, conversation: ConversationId, silent_s: float) -> ConversationId | None:
        """The single chat in which the person of ``conversation``, who wrote there ``silent_s`` seconds ago the last
        time, can be written to though they have not just asked; ``None`` where there is none."""
        to = self.person(conversation)
        channel = self._channels.get((to.bot, to.channel))
        if channel is None or to.chat:
            return None
        in_time = to == conversation and silent_s < channel.limits.window_s
        return to if channel.limits.pushes or in_time else None

    def ways_to_ask(self, conversation: ConversationId) -> Limits | None:
        """What can be shown where the person of ``conversation`` is asked something; ``None`` where the operator wants
        nobody to be asked what a human's service was like, or the channel is not configured any more."""
        bot, channel = self._bots.get(conversation.bot), self._channels.get((conversation.bot, conversation.channel))
        block = bot.channels.get(conversation.channel) if bot else None
        return channel.limits if channel and block and block.asks_satisfaction else None

    def _push_channel(self, conversation: ConversationId) -> str | None:
        bot = self._bots.get(conversation.bot)
        names = bot.channels if bot else ()
        pushing = [name for name in names if self._channels[conversation.bot, name].limits.pushes]
        if conversation.channel in pushing:
            return conversation.channel
        return pushing[0] if pushing else None

    def _plain_userids(self, conversation: ConversationId) -> bool:
        """False, too, for a channel that is not configured any more: nothing is known of its people."""
        bot = self._bots.get(conversation.bot)
        channel = bot.channels.get(conversation.channel) if bot else None
        return channel is not None and channel.plain_userids
