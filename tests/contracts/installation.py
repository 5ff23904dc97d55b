"""A web process with an app and a robot, and the simulator as their platform: both sides real, over HTTP."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redis
from werkzeug.serving import make_server

from bot import keys
from bot.assembly import CHANNELS
from bot.bots_file import load_bots
from bot.channel import Channel, ChannelKit
from bot.connections import Connections
from bot.inbox import Inbox, InboxLimits
from bot.live import EMPTY, Live, next_snapshot
from bot.media.store import MediaStore
from bot.messages import ConversationId, InboundMessage
from bot.reload import Reloader
from bot.running_versions import RunningVersions
from bot.streams import Streams
from bot.web.app import create_app
from bot.web.services import WebServices
from simulator.platform import Platform
from simulator.rules import Rules
from simulator.server import SimulatorServer
from simulator.settings import BotSettings, Group, Member, Settings
from tests.simulator.parties import AES_KEY, AGENT_ID, CORP_ID, SECRET, TOKEN, Simulator
from tests.web.library import web_services

DOCTOR = "wang.fang"
GROUP = "imaging"
ROBOT_NAME = "影像小助"
BOTS = f"""
bots:
  imaging:
    name: {ROBOT_NAME}
    channels:
      app:
        {{type: wecom-app, corp_id: {CORP_ID}, agent_id: {AGENT_ID}, secret: {SECRET}, token: {TOKEN},
         encoding_aes_key: {AES_KEY}}}
      named:
        {{type: wecom-app, corp_id: {CORP_ID}, agent_id: {AGENT_ID}, secret: {SECRET}, token: {TOKEN},
         encoding_aes_key: {AES_KEY}, upload_names: utf8}}
      robot: {{type: wecom-aibot, token: {TOKEN}, encoding_aes_key: {AES_KEY}}}
"""
"""``named`` is the same application as ``app``, and keeps the names of files."""


@dataclass
class Both:
    """The installation, and the platform as people use it."""

    simulator: Simulator
    redis: "redis.Redis"
    media: MediaStore
    live: Live

    def channel(self, name: str) -> Channel:
        return self.live.channels["imaging", name]

    def conversation(self, name: str, chat: str = "", person: str = DOCTOR) -> ConversationId:
        return ConversationId(bot="imaging", channel=name, person=person, chat=chat)

    def stored(self, name: str, chat: str = "", person: str = DOCTOR) -> list[InboundMessage]:
        """What waits for a worker in one conversation."""
        raw: Any = self.redis.lrange(keys.queue(self.conversation(name, chat, person)), 0, -1)
        return [InboundMessage.decode(one) for one in raw]

    def does(self, peer: str, **what: Any) -> dict[str, Any]:
        """The doctor writes or does something, and it has been answered; the entry that it became."""
        place = {} if "chat" in what else {"peer": peer}
        entry = self.simulator.call("POST", "/_sim/messages", member=DOCTOR, **place, **what)
        ended = self.simulator.ended(entry)
        assert (ended["state"], ended["status"]) == ("delivered", 200), ended
        return entry

    def sees(self, entry_id: int) -> dict[str, Any]:
        """What an entry looks like to the doctor now."""
        return self.simulator.entry(lambda entry: bool(entry["id"] == entry_id), DOCTOR)

    def newest(self, via: str) -> dict[str, Any]:
        """The newest entry that came ``via``."""
        entries: list[dict[str, Any]] = [one for one in self.simulator.entries(DOCTOR) if one["via"] == via]
        return entries[-1]


@contextmanager
def installation(client: "redis.Redis", folder: Path, *, person_per_minute: int = 200) -> Iterator[Both]:
    """All of it, until the test ends; bubbles are asked for quickly."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        corp = _corp(f"http://127.0.0.1:{port}/callback/imaging")
        platform = Platform(corp, rules=Rules(stream_poll_s=0.01, bot_in_progress=20))
        with SimulatorServer(platform) as simulator:
            media = MediaStore(folder / "media", keep_s=3600)
            live = _live(folder, _kit(client, media, simulator.url))
            app = create_app(_web(client, media, live, person_per_minute))
            server = make_server("127.0.0.1", port, app, threaded=True, fd=bound.fileno())
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            yield Both(Simulator(simulator.url), client, media, live)
            server.shutdown()
            thread.join()
            server.server_close()


def _kit(client: "redis.Redis", media: MediaStore, api_base: str) -> ChannelKit:
    return ChannelKit(
        redis=client,
        http=Connections(environment=False),
        api_base={"wecom": api_base},
        callback_max_skew_s=3600,
        pace_per_minute=30,
        pace_per_hour=1000,
        bubbles=Streams(client),
        media=media,
        count=lambda _event, **_labels: None,
        clock=time.time,
    )


def _corp(callbacks: str) -> Settings:
    return Settings(
        corp_id=CORP_ID,
        agent_id=AGENT_ID,
        secret=SECRET,
        token=TOKEN,
        encoding_aes_key=AES_KEY,
        callback_url=f"{callbacks}/app",
        members=(Member.parse(f"{DOCTOR}:王芳"), Member.parse("li.na:李娜")),
        bot=BotSettings(
            callback_url=f"{callbacks}/robot", token=TOKEN, encoding_aes_key=AES_KEY, bot_id="aib1", name=ROBOT_NAME
        ),
        groups=(Group.parse(f"{GROUP}:影像学院交流群:{DOCTOR},li.na"),),
    )


def _live(folder: Path, kit: ChannelKit) -> Live:
    file = folder / "bots.yaml"
    file.write_text(BOTS, encoding="utf-8")
    models = {kind: package.Config for kind, package in CHANNELS.items()}
    bots = load_bots(file, {}, models)
    return Live(next_snapshot(EMPTY, bots, "1", lambda address, of: CHANNELS[of.type].build(address, of.config, kit)))


def _web(client: "redis.Redis", media: MediaStore, live: Live, person_per_minute: int) -> WebServices:
    limits = InboxLimits(person_per_minute=person_per_minute, conversation_waiting=200, bot_waiting=1000)
    reloader = Reloader(
        live,
        kind="web",
        files=(),
        read=dict,
        version_of=lambda _bots: "1",
        build=lambda address, _config: live.channels[address.bot, address.channel],
        running=RunningVersions(client),
        count=lambda _event, **_labels: None,
    )
    inbox = Inbox(client, limits, lambda _conversation: None)
    return replace(web_services(client), inbox=inbox, reloader=reloader, media=media)
