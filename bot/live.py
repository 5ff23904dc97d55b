"""The bots and channels that run now: one snapshot, replaced as a whole while the process works.

:attr:`Live.bots` and :attr:`Live.channels` are mappings that always show the newest snapshot, so whoever holds one
need not know that it changes. Work that must not see two configurations, a turn above all, runs in
:meth:`Live.pinned` and sees to its end the snapshot with which it began.
"""

import threading
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from bot.bots_file import BotConfig, ChannelConfig
from bot.channel import Channel, ChannelAddress

Build = Callable[[ChannelAddress, ChannelConfig], Channel]
"""Makes the channel at an address out of its block in ``bots.yaml``."""

_Key = TypeVar("_Key")
_Value_co = TypeVar("_Value_co", covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One configuration: its ``version``, bots by id, and channels by (bot id, channel id)."""

    version: str
    bots: Mapping[str, BotConfig]
    channels: Mapping[tuple[str, str], Channel]


EMPTY = Snapshot(version="", bots={}, channels={})
"""Before anything was read."""


def next_snapshot(before: Snapshot, bots: Mapping[str, BotConfig], version: str, build: Build) -> Snapshot:
    """``bots`` with their channels. One whose block, address and bot's name are those of ``before`` is the very same
    object, with whatever it holds; only the others are built."""
    channels = {}
    for bot in bots.values():
        for name, config in bot.channels.items():
            kept = _same(before, bot, name)
            address = ChannelAddress(bot=bot.id, channel=name, bot_name=bot.name)
            channels[bot.id, name] = build(address, config) if kept is None else kept
    return Snapshot(version=version, bots=MappingProxyType(dict(bots)), channels=MappingProxyType(channels))


def changes(before: Snapshot, after: Snapshot) -> dict[str, list[str]]:
    """What ``added``, ``removed`` and ``changed`` name: bots as ``imaging``, channels as ``imaging/app``; for the log.

    A bot's channels are named besides it, and a channel counts as changed when it was built anew.
    """
    old, new = _parts(before), _parts(after)
    found = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [name for name, part in new.items() if name in old and part != old[name]],
    }
    return {kind: names for kind, names in found.items() if names}


class Live:
    """Holds the snapshot; safe for threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._newest = snapshot
        self._thread = threading.local()
        self.bots: Mapping[str, BotConfig] = _View(lambda: self.snapshot.bots)
        self.channels: Mapping[tuple[str, str], Channel] = _View(lambda: self.snapshot.channels)

    @property
    def snapshot(self) -> Snapshot:
        """What runs now; inside :meth:`pinned`, what ran when it was entered."""
        pinned: Snapshot | None = getattr(self._thread, "pinned", None)
        return self._newest if pinned is None else pinned

    def replace(self, snapshot: Snapshot) -> None:
        """From now on ``snapshot`` runs; work that is pinned goes on with its own."""
        self._newest = snapshot

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Let this thread see one snapshot, the newest of now; an inner use keeps that of the outer one."""
        before: Snapshot | None = getattr(self._thread, "pinned", None)
        self._thread.pinned = self.snapshot
        try:
            yield
        finally:
            self._thread.pinned = before


class _View(Mapping[_Key, _Value_co]):
    """A mapping that is looked up anew at every use; iterating goes through one snapshot to its end."""

    def __init__(self, present: Callable[[], Mapping[_Key, _Value_co]]) -> None:
        self._present = present

    def __getitem__(self, key: _Key) -> _Value_co:
        return self._present()[key]

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._present())

    def __len__(self) -> int:
        return len(self._present())

    def keys(self) -> KeysView[_Key]:
        return self._present().keys()

    def values(self) -> ValuesView[_Value_co]:
        return self._present().values()

    def items(self) -> ItemsView[_Key, _Value_co]:
        return self._present().items()


def _same(before: Snapshot, bot: BotConfig, name: str) -> Channel | None:
    old = before.bots.get(bot.id)
    if old is None or old.name != bot.name or old.channels.get(name) != bot.channels[name]:
        return None
    return before.channels[bot.id, name]


def _parts(snapshot: Snapshot) -> dict[str, object]:
    """What a configuration is made of, each part with what tells whether it changed."""
    parts: dict[str, object] = {bot.id: bot.model_copy(update={"channels": {}}) for bot in snapshot.bots.values()}
    return parts | {f"{bot}/{name}": id(channel) for (bot, name), channel in snapshot.channels.items()}
