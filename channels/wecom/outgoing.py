"""What a channel that speaks in one group and hears nothing does with everything else a channel is asked."""

from typing import IO

from bot.channel import (
    NOTHING,
    CallbackRequest,
    CallbackResponse,
    Fetched,
    Immediate,
    Received,
    Refused,
    Rejected,
    UrlVerification,
)
from bot.messages import Attachment

_SEND_ONLY = "send_only"


class OutgoingOnly:
    """The half of :class:`~bot.channel.Channel` that has nothing to do here."""

    def receive(self, request: CallbackRequest) -> Received:  # noqa: ARG002 - the protocol's
        """Raises :class:`~bot.channel.Rejected`: no platform calls this channel."""
        raise Rejected(_SEND_ONLY, 405)

    def respond(self, received: Received, immediate: Immediate = NOTHING) -> CallbackResponse:  # noqa: ARG002
        """An empty 200; nothing is ever received."""
        return CallbackResponse()

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline: float) -> Fetched:  # noqa: ARG002
        """Refused: nobody sends anything here."""
        raise Refused("not_fetchable")

    def recall(self, message_id: str, deadline: float) -> None:  # noqa: ARG002
        """Refused: no page knows a call that takes back what was said in a group."""
        raise Refused("recall_unsupported")

    def verification_request(self) -> UrlVerification:
        """Refused: there is no callback URL to verify."""
        raise Refused(_SEND_ONLY)
