"""A simulator on loopback, the webhooks it calls, and a clock that only tests move."""

import os
from collections.abc import Iterator

import pytest

from simulator.platform import Platform
from simulator.rules import Rules
from simulator.server import SimulatorServer
from simulator.settings import BotSettings, Group, Member, Settings
from tests.simulator.bot_webhook import BOT_ID, BOT_NAME, BotWebhook
from tests.simulator.browser import Browser, find_chromium
from tests.simulator.kf_desk import Desk, kf_settings, serve_kf
from tests.simulator.offices import office_settings
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


@pytest.fixture
def office(webhook: Webhook, bot: BotWebhook) -> Iterator[Simulator]:
    """A corp with an app, a bot, three members and a group of them, for the page."""
    with SimulatorServer(Platform(office_settings(webhook.url, bot.url))) as server:
        yield Simulator(server.url)


@pytest.fixture
def desk(clock: Clock, webhook: Webhook) -> Iterator[Desk]:
    """A corp with customer service and nothing else; ``webhook`` is where its bell rings, failures come at once."""
    with serve_kf(kf_settings(webhook.url), clock) as server:
        running = Desk(server.url)
        running.rules(kf_send_fail_after_s=0, kf_tokenless_per_minute=1000)
        yield running


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium; without one the test is skipped loudly, or fails where ``REQUIRE_BROWSER`` is set."""
    executable = find_chromium()
    if executable is None:
        if os.environ.get("REQUIRE_BROWSER"):  # noqa: TID251 -- the switch of the whole suite's browser tests
            pytest.fail("REQUIRE_BROWSER is set and there is no chromium")
        pytest.skip("NO CHROMIUM FOUND: the chat page is not tested in a browser")
    with Browser(executable, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The Chromium with a window for all columns; at the end no script may have failed or broken the page's policy."""
    chromium.resize(1280, 800)
    chromium.problems.clear()
    yield chromium
    chromium.open("about:blank")
    assert chromium.problems == []


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
