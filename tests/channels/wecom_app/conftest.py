"""One configured channel over a real Redis and a scripted platform."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import redis

from bot.channel import ChannelAddress, ChannelKit, MediaSource, Receipt
from bot.connections import Connections
from bot.messages import ConversationId
from bot.parts import Part, Text
from bot.streams import Streams
from channels.wecom.transport import Http
from channels.wecom_app import Config, WeComAppChannel, build
from tests.fakes.scripted_http import Answer, Recorded, ScriptedServer, reply
from tests.media_sources import NO_MEDIA

ADDRESS = ChannelAddress(bot="imaging", channel="app", bot_name="影像学院小助手")
CORP_ID = "ww1436e0e65a779aee"
SECRET = "s3cret-of-the-app"
TOKEN_PATH = "/cgi-bin/gettoken"
SEND_PATH = "/cgi-bin/message/send"


def config(**changes: object) -> Config:
    """The configuration of test vectors A and B, with changes."""
    fields = {
        "corp_id": CORP_ID,
        "agent_id": 1000002,
        "secret": SECRET,
        "token": "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo",
        "encoding_aes_key": "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt",
    }
    return Config.model_validate(fields | changes)


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
    pace_per_minute: int = 30
    pace_per_hour: int = 1000
    clock: Clock = field(default_factory=Clock)
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def kit(self, base_url: str = "") -> ChannelKit:
        return ChannelKit(
            redis=self.redis,
            http=self.http,
            api_base={"wecom": base_url or self.platform.url},
            callback_max_skew_s=3600,
            pace_per_minute=self.pace_per_minute,
            pace_per_hour=self.pace_per_hour,
            bubbles=Streams(self.redis, self.clock),
            media=self.media,
            count=lambda event, **labels: self.counted.append((event, labels)),
            clock=self.clock,
        )

    def channel(self, base_url: str = "", **changes: object) -> WeComAppChannel:
        return build(ADDRESS, config(**changes), self.kit(base_url))

    def say(
        self,
        content: str = "您好",
        *,
        key: str = "turn:0",
        person: str = "zhang.wei",
        within_s: float = 5.0,
        make: Callable[[str], Part] = Text,
        channel: WeComAppChannel | None = None,
    ) -> Receipt:
        """Send words with ``within_s`` real seconds left."""
        return self.send(make(content), key=key, person=person, within_s=within_s, channel=channel)

    def send(
        self,
        part: Part,
        *,
        key: str = "turn:0",
        person: str = "zhang.wei",
        within_s: float = 5.0,
        channel: WeComAppChannel | None = None,
    ) -> Receipt:
        """Send one part with ``within_s`` real seconds left."""
        conversation = ConversationId(bot="imaging", channel="app", person=person)
        return (channel or self.channel()).send(conversation, part, key, self.clock() + within_s)

    @property
    def sent(self) -> list[Recorded]:
        return self.platform.to(SEND_PATH)

    @property
    def token_fetches(self) -> int:
        return len(self.platform.to(TOKEN_PATH))

    def outcomes(self) -> list[tuple[str, str]]:
        return [(labels["outcome"], labels["code"]) for event, labels in self.counted if event == "send"]


def issue_tokens() -> Callable[[Recorded], Answer]:
    """A gettoken that numbers its tokens: ``token-1``, ``token-2`` …"""
    issued = iter(range(1, 1_000))
    return lambda _: reply({"errcode": 0, "errmsg": "ok", "access_token": f"token-{next(issued)}", "expires_in": 7200})


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.on(TOKEN_PATH, issue_tokens())
        server.on(SEND_PATH, reply({"errcode": 0, "errmsg": "ok", "msgid": "msg-1"}))
        yield server


@pytest.fixture
def here(redis_client: "redis.Redis", platform: ScriptedServer) -> Installation:
    return Installation(platform, redis_client, Connections(environment=False))
