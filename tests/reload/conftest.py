"""A ``bots.yaml`` and an ``.env`` in a folder of the test's own, and a process that follows them, look by look."""

import os
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.assembly import CHANNELS
from bot.bots_file import BotConfig, ChannelConfig, load_bots
from bot.channel import Channel, ChannelAddress, ChannelKit
from bot.connections import Connections
from bot.live import EMPTY, Live, Snapshot, next_snapshot
from bot.reload import SETTLE_S, Reloader
from bot.running_versions import RunningVersions, Standing, version_of
from bot.settings import read_environment
from bot.streams import Streams
from tests.fakes.scripted_http import ScriptedServer
from tests.media_sources import NO_MEDIA

INSTALLATION_SECRET = b"the secret of this installation, long enough"
NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Corp:
    """One corp with one bot that has an app there."""

    bot: str
    name: str
    corp_id: str
    secret: str
    token: str
    encoding_aes_key: str
    admin: str = "zhang.wei"

    def block(self, **changes: str) -> str:
        """The bot's block in the file."""
        of = {"name": self.name, "secret": self.secret, "admin": self.admin} | changes
        return textwrap.indent(
            f"{self.bot}:\n"
            f"  name: {of['name']}\n"
            f"  admins: [{of['admin']}]\n"
            f"  channels:\n"
            f"    app:\n"
            f"      type: wecom-app\n"
            f"      corp_id: {self.corp_id}\n"
            f"      agent_id: 1000002\n"
            f"      secret: {of['secret']}\n"
            f"      token: {self.token}\n"
            f"      encoding_aes_key: {self.encoding_aes_key}\n",
            "  ",
        )


IMAGING = Corp("imaging", "小影", "wwimaging", "secret-of-imaging", "tokenOfImaging", "I" * 42 + "A")
FINANCE = Corp("finance", "小财", "wwfinance", "secret-of-finance", "tokenOfFinance", "F" * 42 + "A")


def bots_yaml(*blocks: str) -> str:
    return "bots:\n" + "".join(blocks)


def put(path: Path, text: str) -> None:
    """Write ``path`` as a careful editor does: beside it, then renamed over it."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def settle(reloader: Reloader) -> None:
    """Let a process look until there is nothing left to see."""
    while reloader.look() == SETTLE_S:
        pass


@dataclass
class Installation:
    """One process of an installation; time passes only when told."""

    folder: Path
    kit: ChannelKit
    environ: dict[str, str] = field(default_factory=dict)
    now: float = NOW
    counted: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    broken_builds: bool = False

    def __post_init__(self) -> None:
        put(self.file, bots_yaml(IMAGING.block(), FINANCE.block()))
        self.reloader = self.process()

    @property
    def file(self) -> Path:
        return self.folder / "bots.yaml"

    @property
    def dotenv(self) -> Path:
        return self.folder / ".env"

    @property
    def live(self) -> Live:
        return self.reloader.live

    @property
    def snapshot(self) -> Snapshot:
        return self.live.snapshot

    @property
    def standing(self) -> Standing:
        return self.reloader.standing

    def read(self) -> Mapping[str, BotConfig]:
        models = {kind: package.Config for kind, package in CHANNELS.items()}
        return load_bots(self.file, read_environment(self.environ, self.dotenv), models)

    def process(self, kind: str = "web", **parts: Any) -> Reloader:
        """A process that has just read the file, as at its start; ``parts`` replace those it is made of."""
        bots = self.read()
        usual: dict[str, Any] = {"read": self.read, "running": RunningVersions(self.kit.redis)}
        return Reloader(
            Live(next_snapshot(EMPTY, bots, self.version_of(bots), self.build)),
            kind=kind,
            files=(self.file, self.dotenv),
            version_of=self.version_of,
            build=self.build,
            count=lambda event, **labels: self.counted.append((event, labels)),
            clock=lambda: self.now,
            **usual | parts,
        )

    def version_of(self, bots: Mapping[str, BotConfig]) -> str:
        return version_of(bots, INSTALLATION_SECRET)

    def build(self, address: ChannelAddress, channel: ChannelConfig) -> Channel:
        if self.broken_builds:
            raise ValueError("a mistake of ours")
        self.built.append(f"{address.bot}/{address.channel}")
        built: Channel = CHANNELS[channel.type].build(address, channel.config, self.kit)
        return built

    def look(self) -> None:
        """Let the process look until there is nothing left to see."""
        settle(self.reloader)

    def says(self, *blocks: str) -> None:
        """The operator saves these bots, and the process looks."""
        put(self.file, bots_yaml(*blocks))
        self.look()

    def results(self) -> list[str]:
        """What the metric ``configuration`` counted."""
        return [labels["result"] for event, labels in self.counted if event == "configuration"]


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, redis_client: "redis.Redis", platform: ScriptedServer) -> Installation:
    kit = ChannelKit(
        redis=redis_client,
        http=Connections(environment=False),
        api_base={"wecom": platform.url},
        callback_max_skew_s=3600,
        pace_per_minute=30,
        pace_per_hour=1000,
        bubbles=Streams(redis_client, lambda: NOW),
        media=NO_MEDIA,
        count=lambda *_, **__: None,
        clock=lambda: NOW,
    )
    return Installation(tmp_path, kit)


@pytest.fixture
def swap() -> Callable[[Path, str], None]:
    """Replace a file as Kubernetes does with a ConfigMap: its path leads through a link that is turned."""

    def turn(path: Path, text: str) -> None:
        folder = path.parent / f"..{len(list(path.parent.iterdir()))}"
        folder.mkdir()
        (folder / path.name).write_text(text, encoding="utf-8")
        link = path.parent / "..data"
        new = path.parent / "..data_new"
        new.symlink_to(folder.name)
        new.rename(link)
        if not path.is_symlink():
            path.unlink()
            path.symlink_to(os.path.join("..data", path.name))

    return turn
