"""Stores and media of one test."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.channel import StoredMedium
from bot.media.store import MediaStore, media_id, owner_of
from bot.messages import ConversationId, MessageKind
from tests.fakes.scripted_http import ScriptedServer

NOW = 1_800_000_000.0
DOCTOR = ConversationId(bot="imaging", channel="app", person="wang.fang")
COLLEAGUE = ConversationId(bot="imaging", channel="app", person="li.na")
GROUP = ConversationId(bot="imaging", channel="ai", person="wang.fang", chat="doctors")


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> MediaStore:
    return MediaStore(tmp_path / "media", 3600.0, clock=clock)


Kept = Callable[..., StoredMedium]


@pytest.fixture
def kept(store: MediaStore) -> Kept:
    """Keep bytes and get the medium."""

    def keep(
        content: bytes, name: str = "", kind: MessageKind = MessageKind.FILE, who: ConversationId = DOCTOR
    ) -> StoredMedium:
        with store.incoming(media_id(name, hashlib.sha256(content).hexdigest())) as incoming:
            incoming.file.write(content)
            return store.keep(incoming, kind, name, owner=owner_of(who))

    return keep


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running
