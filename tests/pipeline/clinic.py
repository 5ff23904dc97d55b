"""The bot behind an account of customer service, over the simulated platform: its customer, and its colleagues."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from bot import keys
from bot.bots_file import ChannelConfig
from bot.channel import Refused
from bot.conclusion import Conclusion
from bot.connections import Connections
from bot.conversation import Post
from bot.handoff.desk import Notice
from bot.handoff.tickets import Ticket
from bot.messages import ConversationId, InboundMessage
from bot.parts import Text, words_of
from bot.replies import Delivery, OutboxReply
from bot.shaping import parts_of
from bot.texts import Texts
from tests.channels.wecom_kf.conftest import ADDRESS, Practice, config, conversation
from tests.pipeline.conftest import FAQS, House
from tests.simulator.kf_desk import CHEN, Desk, kf_settings, serve_kf
from tests.simulator.parties import Webhook

QUESTION = next(iter(FAQS))


@dataclass
class Clinic:
    """The bot of the house behind an account; ``goes_on`` works what has come until nothing is left."""

    house: House
    practice: Practice
    told: list[Post] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return self.practice.desk

    def goes_on(self, person: str = CHEN) -> None:
        self.practice.pulls()
        while raw := self.practice.redis.lpop(keys.queue(conversation(person))):
            assert isinstance(raw, bytes)
            self._works(InboundMessage.decode(raw))

    def works_twice(self) -> None:
        """The turn that waits is run, the worker dies before its reply is kept, and another runs it again."""
        (message,) = self.practice.stored()
        self.house.pipeline.run([message], lambda _text: None)
        self.goes_on()

    def asks(self, text: str = QUESTION) -> None:
        """陈医生 writes, and the bot does what it does."""
        self.practice.clock.now += 1
        self.desk.writes(text)
        self.goes_on()

    def heard(self) -> list[str]:
        """What reached 陈医生."""
        return self.desk.reached()

    def staff_heard(self) -> str:
        """What colleagues were told since they were last asked."""
        words = "\n".join(words_of(part) for post in self.told for part in post.reply.parts)
        self.told.clear()
        return words

    def ticket(self) -> Ticket:
        ticket = self.house.tickets.get("imaging", 1)
        assert ticket is not None
        return ticket

    def taps(self, label: str) -> None:
        """陈医生 taps a choice of the newest menu."""
        menu = [one for one in self.desk.kf_entries() if one["type"] == "msgmenu"][-1]
        (chosen,) = [one for one in menu["fields"]["list"] if one["content"] == label]
        self.practice.clock.now += 1
        self.desk.call("POST", "/_sim/kf/messages", customer=CHEN, target=menu["id"], menu_id=chosen["id"])
        self.goes_on()

    def notifies(self, notice: Notice) -> None:
        """What was to be said to 陈医生 is said."""
        self.sends(notice.key, parts_of(notice.text, self.practice.channel.limits, notice.parts))

    def says(self, key: str, text: str) -> None:
        self.sends(key, (Text(text),))

    def sends(self, key: str, parts: tuple[Any, ...], person: str = CHEN) -> None:
        for number, part in enumerate(parts):
            try:
                self.practice.sends(part, f"{key}:{number}", person)
            except Refused as refusal:
                self.refused.append(refusal.code)

    def _works(self, message: InboundMessage) -> None:
        outcome = self.house.runs([message])
        self.told += outcome.posts
        before = len(self.refused)
        self.sends(outcome.reply.key, outcome.reply.parts, message.conversation.person)
        conclusion = Conclusion(
            records=self.house.records,
            desk=self.house.tools.desk,
            texts=Texts(),
            bots=self.house.bots,
            post=self._post,
            count=self.practice.count,
            clock=self.house.clock,
        )
        failure = self.refused[before] if len(self.refused) > before else ""
        delivery = Delivery(reply=outcome.reply, sent=0, message_ids=(), unknown=0, failure=failure)
        conclusion.conclude(message.conversation, delivery)

    def _post(self, conversation: ConversationId, reply: OutboxReply) -> bool:
        self.told.append(Post(conversation=conversation, reply=reply))
        return True


@contextmanager
def open_clinic(house: House, client: "redis.Redis", **changes: object) -> Iterator[Clinic]:
    """The clinic of ``house``, whose channel's block has ``changes``."""
    with Webhook() as webhook, serve_kf(kf_settings(webhook.url), house.clock) as server:
        desk = Desk(server.url)
        desk.rules(kf_send_fail_after_s=0, kf_tokenless_per_minute=1000)
        practice = Practice(desk, client, house.clock, Connections(environment=False))
        practice.channel = practice.build(**changes)
        block = ChannelConfig(type="wecom-kf", config=config(**changes))
        bot = house.bots["imaging"]
        house.bots["imaging"] = bot.model_copy(update={"channels": {**bot.channels, ADDRESS.channel: block}})
        house.channels["imaging", ADDRESS.channel] = practice.channel  # type: ignore[assignment]
        practice.pulls()
        yield Clinic(house, practice)
