"""Dead letters, and the Redis that keeps them."""

import pytest
import redis

from bot.dead_letters import DeadLetters, Letter, LetterKind
from bot.messages import ConversationId
from tests.delivery.conftest import DOCTOR, channel, leases, make_message

__all__ = ["channel", "leases", "letters"]

NOW = 1_800_000_000.0


def dead_message(number: int = 1, conversation: ConversationId = DOCTOR, reason: str = "KeyError") -> Letter:
    """The letter of a message that nobody could answer."""
    message = make_message(f"m{number}", f"问题 {number}", conversation)
    return Letter(
        kind=LetterKind.MESSAGE,
        conversation=conversation,
        reason=reason,
        at=NOW + number,
        turn=message.turn_id,
        content=(message.encode(),),
    )


@pytest.fixture
def letters(redis_client: "redis.Redis") -> DeadLetters:
    return DeadLetters(redis_client)
