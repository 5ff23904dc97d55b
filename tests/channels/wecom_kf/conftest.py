"""An account of customer service over the simulated platform: its channel, and what pulls it into a real inbox."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from bot import keys
from bot.account import Page
from bot.channel import Channel, ChannelAddress, ChannelError, ChannelKit, MediaSource, Receipt
from bot.connections import Connections
from bot.inbox import Inbox, InboxLimits
from bot.messages import ConversationId, InboundMessage
from bot.parts import Part, Text
from bot.pulling import Puller
from bot.streams import Streams
from channels.wecom_kf import Config, WeComKfChannel, build
from tests.media_sources import NO_MEDIA
from tests.simulator.kf_desk import CHEN, KF, KF_SECRET, Desk, kf_settings, serve_kf
from tests.simulator.parties import AES_KEY, CORP_ID, TOKEN, Clock, Webhook

ADDRESS = ChannelAddress(bot="imaging", channel="kf", bot_name="影像助手")
FIRST_PULL_S = 600.0


def config(**changes: object) -> Config:
    fields = {"corp_id": CORP_ID, "secret": KF_SECRET, "token": TOKEN, "encoding_aes_key": AES_KEY, "open_kfid": KF}
    return Config.model_validate({**fields, **changes})


def conversation(person: str = CHEN) -> ConversationId:
    return ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person=person)


@dataclass
class Practice:
    """The installation's side; ``desk`` is the platform's."""

    desk: Desk
    redis: "redis.Redis"
    clock: Any
    http: Connections
    limits: InboxLimits = field(
        default_factory=lambda: InboxLimits(person_per_minute=20, conversation_waiting=200, bot_waiting=5000)
    )
    media: MediaSource = NO_MEDIA
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    woken: list[tuple[str, str]] = field(default_factory=list)
    refused: list[InboundMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channel = self.build()

    def build(self, **changes: object) -> WeComKfChannel:
        kit = ChannelKit(
            redis=self.redis,
            http=self.http,
            api_base={"wecom": self.desk.url},
            callback_max_skew_s=3600,
            pace_per_minute=30,
            pace_per_hour=1000,
            bubbles=Streams(self.redis, self.clock),
            media=self.media,
            count=self.count,
            clock=self.clock,
        )
        return build(ADDRESS, config(**changes), kit)

    def count(self, event: str, **labels: str) -> None:
        self.counted.append((event, labels))

    def puller(self, channel: Channel | None = None) -> Puller:
        return Puller(
            self.redis,
            channels={(ADDRESS.bot, ADDRESS.channel): channel or self.channel},
            inbox=Inbox(self.redis, self.limits, lambda _conversation: None),
            refused=self.refused.append,
            wake=lambda bot, name: self.woken.append((bot, name)),
            count=self.count,
            clock=self.clock,
        )

    def pulls(self, channel: Channel | None = None) -> None:
        """One pull, as the worker makes it."""
        self.puller(channel).pull(ADDRESS.bot, ADDRESS.channel)

    def begins(self) -> None:
        """The account's first pull is over, and the history before it is left behind."""
        self.pulls()
        self.clock.now += FIRST_PULL_S

    def state(self) -> dict[str, str]:
        """What is kept of the account."""
        raw: Any = self.redis.hgetall(keys.account(ADDRESS.bot, ADDRESS.channel))
        return {name.decode(): value.decode() for name, value in raw.items()}

    def stored(self, person: str = CHEN) -> list[InboundMessage]:
        """What waits for a worker in one conversation."""
        raw: Any = self.redis.lrange(keys.queue(conversation(person)), 0, -1)
        return [InboundMessage.decode(one) for one in raw]

    def texts(self, person: str = CHEN) -> list[str]:
        """The words of the messages among it."""
        return [message.text for message in self.stored(person) if message.event is None]

    def says(self, text: str = "答", key: str = "turn:0", person: str = CHEN) -> Receipt:
        return self.sends(Text(text), key, person)

    def sends(self, part: Part, key: str = "turn:0", person: str = CHEN) -> Receipt:
        """Send one part, with five seconds for it."""
        return self.channel.send(conversation(person), part, key, self.clock() + 5)

    def degraded(self) -> list[str]:
        return [labels["what"] for event, labels in self.counted if event == "degraded"]


class Interrupted:
    """A channel whose pulls end as told: a page may be handed over and the process die before it is stored."""

    def __init__(self, practice: Practice, *failures: ChannelError) -> None:
        self._channel = practice.channel
        self._failures = list(failures)
        self.cursors: list[str] = []
        self.account_name = self._channel.account_name
        self.pull_every_s = self._channel.pull_every_s
        self.first_pull_s = self._channel.first_pull_s

    def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
        self.cursors.append(cursor)
        if self._failures:
            raise self._failures.pop(0)
        return self._channel.pull(cursor, token, most, deadline)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """Where the bells ring."""
    with Webhook() as running:
        yield running


@pytest.fixture
def desk(clock: Clock, webhook: Webhook) -> Iterator[Desk]:
    with serve_kf(kf_settings(webhook.url), clock) as server:
        running = Desk(server.url)
        running.rules(kf_send_fail_after_s=0, kf_tokenless_per_minute=1000)
        yield running


@pytest.fixture
def practice(desk: Desk, redis_client: "redis.Redis", clock: Clock) -> Practice:
    return Practice(desk, redis_client, clock, Connections(environment=False))
