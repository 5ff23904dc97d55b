"""The scene of the channels that members of the company use: an app and a robot of one installation."""

from typing import Any

from bot.channel import Channel
from bot.messages import ConversationId, InboundMessage
from tests.contracts.installation import DOCTOR, Both
from tests.contracts.scene import Scene


class Members(Scene):
    """``name`` is the channel's in the installation, ``peer`` what the simulator calls it, ``bell`` what a callback of
    it is called among the faults, and ``via`` how an entry is marked that came by a send."""

    name: str
    peer: str
    bell: str
    via: str
    people = (DOCTOR, "li.na")

    def __init__(self, both: Both) -> None:
        self._both = both
        self.simulator = both.simulator

    @property
    def channel(self) -> Channel:
        return self._both.channel(self.name)

    def conversation(self, person: str) -> ConversationId:
        return self._both.conversation(self.name, person=person)

    def writes(self, person: str, text: str) -> None:
        self._does(person, content=text)

    def writes_and_it_comes_again(self, person: str, text: str) -> None:
        self.simulator.fault(on=self.bell, kind="lose_answer")
        delivery = self._does(person, content=text)
        assert delivery["attempts"] == 2

    def brings(self, person: str, content: bytes) -> None:
        self._does(person, type="image", upload=self.simulator.uploads(content))

    def stored(self, person: str) -> list[InboundMessage]:
        return self._both.stored(self.name, person=person)

    def reads(self, person: str) -> list[str]:
        return [one["content"] for one in self.simulator.entries(person) if one["via"] == self.via]

    def _does(self, person: str, **what: Any) -> dict[str, Any]:
        """How the delivery of what ``person`` did ended."""
        entry = self.simulator.call("POST", "/_sim/messages", member=person, peer=self.peer, **what)
        ended = self.simulator.ended(entry)
        assert (ended["state"], ended["status"]) == ("delivered", 200), ended
        return ended
