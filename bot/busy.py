"""Telling somebody that a message was not taken, where the answer to its callback cannot."""

import time
from collections.abc import Callable, Mapping

from bot.bots_file import BotConfig
from bot.messages import ConversationId, InboundMessage
from bot.parts import Text
from bot.replies import OutboxReply
from bot.texts import Texts, language_of

ONCE_IN_S = 60
"""Who writes too much hears so once in this time: every word to them may be one of few."""


class BusyNotices:
    """``post`` puts a reply into a conversation's outbox, once for each key."""

    def __init__(
        self,
        post: Callable[[ConversationId, OutboxReply], bool],
        texts: Texts,
        bots: Mapping[str, BotConfig],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._post = post
        self._texts = texts
        self._bots = bots
        self._clock = clock

    def tell(self, message: InboundMessage) -> None:
        """The person of ``message`` hears that it was not taken; nobody waits for a word about an event. Raises
        :class:`~bot.errors.Unavailable`."""
        if message.event is not None:
            return
        conversation, now = message.conversation, self._clock()
        language = language_of(message.text, self._bots[conversation.bot].language)
        reply = OutboxReply(
            key=f"busy:{conversation.key}:{int(now // ONCE_IN_S)}",
            parts=(Text(self._texts.say("busy", language)),),
            created_at=now,
        )
        self._post(conversation, reply)
