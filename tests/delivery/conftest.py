"""Messages to deliver, and a channel that writes down what it was asked to send."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

import pytest
import redis

from bot.channel import (
    CallbackRequest,
    CallbackResponse,
    Fetched,
    Immediate,
    Limits,
    Receipt,
    Received,
    UrlVerification,
)
from bot.finding import Finding
from bot.lease import Leases
from bot.messages import Attachment, ConversationId, InboundMessage, MessageKind, Sender
from bot.parts import Markdown, Part, Stream, Text

DOCTOR = ConversationId(bot="imaging", channel="app", person="wang.yi")


def make_message(message_id: str, text: str = "你好", conversation: ConversationId = DOCTOR) -> InboundMessage:
    return InboundMessage(
        conversation=conversation,
        message_id=message_id,
        sender=Sender(id=conversation.person),
        kind=MessageKind.TEXT,
        text=text,
        sent_at=1_800_000_000.0,
        received_at=1_800_000_000.5,
    )


@dataclass
class RecordingChannel:
    """A channel at the edge: takes parts, or fails as told (``script`` holds the next outcomes, ``None`` = taken)."""

    script: list[Exception | None] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    pushes: bool = True
    window_s: float = 0.0
    cards: bool = False
    ratings: bool = False
    media: frozenset[MessageKind] = frozenset()
    knows_repeats: bool = True

    @property
    def limits(self) -> Limits:
        return Limits(
            text_bytes=2048,
            markdown_bytes=2048,
            send_timeout_s=10.0,
            pushes=self.pushes,
            window_s=self.window_s,
            cards=self.cards,
            card_updates=self.cards,
            ratings=self.ratings,
            media=self.media,
            knows_repeats=self.knows_repeats,
        )

    def receive(self, request: CallbackRequest) -> Received:
        raise AssertionError("nothing is received in these tests")

    def respond(self, received: Received, immediate: Immediate) -> CallbackResponse:
        raise AssertionError("nothing is received in these tests")

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:
        self.calls.append(key)
        self.during()
        outcome = self.script.pop(0) if self.script else None
        if outcome is not None:
            raise outcome
        self.sent.append((key, words_of(part)))
        return Receipt(message_id=f"m{len(self.sent)}")

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline: float) -> Fetched:
        raise AssertionError("nothing is fetched in these tests")

    def recall(self, message_id: str, deadline: float) -> None:
        raise AssertionError("nothing is recalled in these tests")

    def link(self, label: str, url: str) -> str:
        return f"{label} <{url}>"

    def verification_request(self) -> UrlVerification:
        raise AssertionError("nothing is verified in these tests")

    def examine(self, deadline: float) -> list[Finding]:
        raise AssertionError("nothing is examined in these tests")


def words_of(part: Part) -> str:
    """What a part says that has words."""
    assert isinstance(part, Text | Markdown | Stream)
    return part.content


@pytest.fixture
def channel() -> RecordingChannel:
    return RecordingChannel()


@pytest.fixture
def leases(redis_client: redis.Redis) -> Iterator[Leases]:
    """Leases of one process, whose renewing thread ends with the test."""
    leases = Leases(redis_client)
    yield leases
    leases.close()
