"""What the contract needs of a channel that runs beside the simulated platform: the harness that its author writes."""

import io
import time
from abc import ABC, abstractmethod
from typing import Any

from bot.channel import Channel, Receipt
from bot.messages import Attachment, ConversationId, InboundMessage
from bot.parts import Part, Text
from tests.simulator.parties import Simulator


class Stage(ABC):
    """A channel that sends to people at the simulator.

    ``people`` are two who read; ``call`` is what sending is called among the simulator's faults; ``refused_token`` is
    how the platform says that a token has expired, 0 where a send needs none; ``resends`` whether it knows a part that
    it took before.
    """

    people: tuple[str, str]
    call: str
    refused_token: int = 42001
    resends: bool = True
    simulator: Simulator

    @property
    @abstractmethod
    def channel(self) -> Channel:
        """The channel."""

    def now(self) -> float:
        """Epoch seconds, by the clock of both sides."""
        return time.time()

    @abstractmethod
    def conversation(self, person: str) -> ConversationId:
        """Where ``person`` reads what is sent."""

    @abstractmethod
    def reads(self, person: str) -> list[str]:
        """The words that reached ``person`` by sends of the channel, in their order."""

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """What nobody may ever read, for a send that is permitted now."""

    @abstractmethod
    def permit(self, person: str) -> None:
        """Let the channel send to ``person`` once more, where the platform wants a reason."""

    def send(self, part: Part, key: str = "turn:0", within_s: float = 5.0) -> Receipt:
        """Send one part to the first of :attr:`people`."""
        return self.channel.send(self.conversation(self.people[0]), part, key, self.now() + within_s)

    def says(self, text: str, key: str = "turn:0", within_s: float = 5.0) -> Receipt:
        """Send one text to the first of :attr:`people`."""
        return self.send(Text(text), key, within_s)

    def fault(self, **fault: Any) -> None:
        """Let the next send go wrong."""
        self.simulator.fault(on=self.call, **fault)


class Scene(Stage):
    """A channel that takes what people do at the simulator, too.

    ``people`` may write as well, each in a single chat; ``download`` is what fetching is called among the simulator's
    faults.
    """

    download: str

    @abstractmethod
    def writes(self, person: str, text: str) -> None:
        """``person`` writes, and what follows has reached the inbox."""

    @abstractmethod
    def writes_and_it_comes_again(self, person: str, text: str) -> None:
        """The same, and the platform delivers it once more."""

    @abstractmethod
    def brings(self, person: str, content: bytes) -> None:
        """``person`` sends a picture, and it has reached the inbox."""

    @abstractmethod
    def stored(self, person: str) -> list[InboundMessage]:
        """What waits for a worker in the conversation of ``person``, in its order."""

    def picture(self, content: bytes) -> Attachment:
        """What arrives when the first of :attr:`people` sends the picture ``content``."""
        self.brings(self.people[0], content)
        (attachment,) = self.stored(self.people[0])[-1].attachments
        return attachment

    def fetch(self, attachment: Attachment, limit: int, within_s: float = 5.0) -> bytes:
        """The bytes of ``attachment``."""
        into = io.BytesIO()
        self.channel.fetch(attachment, into, limit, self.now() + within_s)
        return into.getvalue()
