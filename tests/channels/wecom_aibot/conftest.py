"""One configured robot over a real Redis with real bubbles, and a scripted platform."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import redis

from bot.channel import ChannelAddress, ChannelKit, MediaSource, Receipt
from bot.connections import Connections
from bot.messages import ConversationId, InboundMessage, MessageKind, Sender
from bot.parts import Part
from bot.streams import OPEN_STREAM, Bubble, Streams, opening
from channels.wecom.transport import Http
from channels.wecom_aibot import Config, WeComAiBotChannel, build
from tests.fakes.scripted_http import Recorded, ScriptedServer, reply
from tests.media_sources import NO_MEDIA

TOKEN = "QDG6eK"
ENCODING_AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
ADDRESS = ChannelAddress(bot="imaging", channel="robot", bot_name="影像助手")
RESPONSE_PATH = "/cgi-bin/aibot/response"
CODE = "the-response-code"
CONVERSATION = ConversationId(bot="imaging", channel="robot", person="zhang.wei", chat="CHATID")
WAITING, LATE = "正在查找…", "这个回答晚一些发给您。"


def config(**changes: object) -> Config:
    """The smallest block of bots.yaml, with changes."""
    return Config.model_validate({"token": TOKEN, "encoding_aes_key": ENCODING_AES_KEY} | changes)


@dataclass
class Clock:
    """Epoch seconds that move only when told."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Installation:
    """What the channel under test stands on, and how to speak through it."""

    platform: ScriptedServer
    redis: "redis.Redis"
    http: Http
    media: MediaSource = NO_MEDIA
    clock: Clock = field(default_factory=Clock)
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def bubbles(self) -> Streams:
        return Streams(self.redis, self.clock)

    def channel(self, api_base: str = "") -> WeComAiBotChannel:
        kit = ChannelKit(
            redis=self.redis,
            http=self.http,
            api_base={"wecom": api_base or self.platform.url},
            callback_max_skew_s=3600,
            pace_per_minute=30,
            pace_per_hour=1000,
            bubbles=self.bubbles,
            media=self.media,
            count=lambda event, **labels: self.counted.append((event, labels)),
            clock=self.clock,
        )
        return build(ADDRESS, config(), kit)

    def hears(self, stream_id: str = "s1", response_url: str | None = None, age_s: float = 0.0) -> None:
        """A message came in ``age_s`` ago: its bubble is open, and its URL may be used once."""
        at = self.clock() - age_s
        url = f"{self.platform.url}{RESPONSE_PATH}?response_code={CODE}-{stream_id}"
        message = InboundMessage(
            conversation=CONVERSATION,
            message_id=f"message-of-{stream_id}",
            sender=Sender(id=CONVERSATION.person),
            kind=MessageKind.TEXT,
            text="碘克沙醇？",
            sent_at=at,
            received_at=at,
            stream_id=stream_id,
            response_url=url if response_url is None else response_url,
        )
        names, values = opening(message, WAITING)
        self.redis.eval(OPEN_STREAM, len(names), *names, *values)

    def close_bubble(self, stream_id: str = "s1") -> None:
        """Let the bubble grow too old and be asked for, which is what closes it."""
        for name in self.redis.keys(f"*stream:{stream_id}"):
            self.redis.hincrby(name, "at", -1_000)
        self.shown(stream_id)

    def shown(self, stream_id: str = "s1") -> Bubble | None:
        return self.bubbles.ask(CONVERSATION, stream_id, waiting=WAITING, late=LATE)

    def say(
        self, part: Part, *, key: str = "turn:0", within_s: float = 5.0, channel: WeComAiBotChannel | None = None
    ) -> Receipt:
        """Send one part with ``within_s`` real seconds left."""
        return (channel or self.channel()).send(CONVERSATION, part, key, self.clock() + within_s)

    @property
    def posted(self) -> list[Recorded]:
        return self.platform.to(RESPONSE_PATH)

    @property
    def permissions(self) -> int:
        return sum(self.redis.hlen(name) for name in self.redis.keys("*:late:*"))

    def outcomes(self) -> list[tuple[str, str]]:
        return [(labels["outcome"], labels["code"]) for event, labels in self.counted if event == "send"]


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.on(RESPONSE_PATH, reply({"errcode": 0, "errmsg": "ok"}))
        yield server


@pytest.fixture
def here(redis_client: "redis.Redis", platform: ScriptedServer) -> Installation:
    return Installation(platform, redis_client, Connections(environment=False))
