"""A simulator on loopback, the webhooks it calls, and a clock that only tests move."""

from collections.abc import Iterator

import pytest

from simulator.platform import Platform
from simulator.rules import Rules
from simulator.server import SimulatorServer
from simulator.settings import BotSettings, Group, Member, Settings
from tests.simulator.bot_webhook import BOT_ID, BOT_NAME, BotWebhook
from tests.simulator.parties import AES_KEY, AGENT_ID, CORP_ID, SECRET, TOKEN, Clock, Simulator, Webhook


@pytest.fixture
def clock() -> Clock:
    """The simulator's idea of the time."""
    return Clock()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """The app's callback URL."""
    with Webhook() as running:
        yield running


@pytest.fixture
def simulator(clock: Clock, webhook: Webhook) -> Iterator[Simulator]:
    """A corp with three members, calling ``webhook``."""
    with SimulatorServer(Platform(_settings(webhook.url), clock=clock)) as server:
        yield Simulator(server.url)


@pytest.fixture
def bot() -> Iterator[BotWebhook]:
    """The bot's callback URL."""
    with BotWebhook() as running:
        yield running


@pytest.fixture
def corp(clock: Clock, bot: BotWebhook) -> Iterator[Simulator]:
    """A corp with a bot and no app, three members and a group of two; refreshes come quickly."""
    settings = Settings(
        corp_id=CORP_ID,
        members=_MEMBERS,
        bot=BotSettings(callback_url=bot.url, token=TOKEN, encoding_aes_key=AES_KEY, bot_id=BOT_ID, name=BOT_NAME),
        groups=(Group.parse("imaging:影像学院交流群:wang.fang,li.na"),),
    )
    with SimulatorServer(Platform(settings, rules=Rules(stream_poll_s=0.01), clock=clock)) as server:
        yield Simulator(server.url)


@pytest.fixture(scope="session")
def idle_simulator() -> Iterator[Simulator]:
    """One for tests that change nothing in it; its callback URL leads nowhere."""
    with SimulatorServer(Platform(_settings("http://127.0.0.1:9/callback"))) as server:
        yield Simulator(server.url)


_MEMBERS = tuple(map(Member.parse, ("wang.fang:王芳:医生", "zhang.wei:张伟:管理员", "li.na:李娜:人工客服")))


def _settings(callback_url: str) -> Settings:
    return Settings(
        corp_id=CORP_ID,
        agent_id=AGENT_ID,
        secret=SECRET,
        token=TOKEN,
        encoding_aes_key=AES_KEY,
        callback_url=callback_url,
        members=_MEMBERS,
        app_name="影像学院小助手",
        examples=("示例问题一？", "/help"),
    )
