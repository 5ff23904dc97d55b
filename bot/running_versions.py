"""Which process runs which configuration, in Redis for all to see.

Under ``config:<host>:<pid>`` lies a hash per process that expires unless it is told again, and ``config`` is a sorted
set of the processes' names by the epoch second at which each was last heard. A version is a keyed digest: two
processes with the same one run the same configuration, and nothing of it can be guessed from it.
"""

import hmac
import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis
from pydantic import BaseModel, SecretStr

from bot.bots_file import BotConfig, ChannelConfig

TELL_TTL_S = 10
"""A process that is not heard of for so long is taken to be gone."""
MAX_PROBLEMS_TOLD = 20
_NAMES = "config"
_PURPOSE = b"version of a configuration, first format"
_VERSION_DIGITS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a process runs: ``version``, ``since`` which epoch second, and the ``problems`` for which it refused what
    the file says now. ``kind`` is ``web`` or ``worker``."""

    kind: str
    version: str
    since: float
    problems: tuple[str, ...] = ()


def version_of(bots: Mapping[str, BotConfig], secret: bytes) -> str:
    """Twelve hexadecimal digits that stand for ``bots``, secrets and their order included.

    They are the same in every process that has the installation's ``secret``; without it no guess at a value of the
    configuration can be checked against them.
    """
    content = json.dumps(dict(bots), default=_plain)
    key = hmac.digest(secret, _PURPOSE, "sha256")
    return hmac.digest(key, content.encode(), "sha256").hex()[:_VERSION_DIGITS]


class RunningVersions:
    """The list of processes. Every method raises ``redis.RedisError``."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    @property
    def own_name(self) -> str:
        """See :func:`process_name`."""
        return process_name()

    def tell(self, standing: Standing) -> None:
        """Say for the next :data:`TELL_TTL_S` what this process runs."""
        key, now = _key(self.own_name), time.time()
        told = {
            "kind": standing.kind,
            "version": standing.version,
            "since": standing.since,
            "problems": json.dumps(standing.problems[:MAX_PROBLEMS_TOLD]),
        }
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.hset(key, mapping=told)
        pipe.expire(key, TELL_TTL_S)
        pipe.zadd(_NAMES, {self.own_name: now})
        pipe.zremrangebyscore(_NAMES, "-inf", now - 3600)
        pipe.execute()

    def leave(self) -> None:
        """This process ends."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.delete(_key(self.own_name))
        pipe.zrem(_NAMES, self.own_name)
        pipe.execute()

    def all(self) -> dict[str, Standing]:
        """Every process that was heard of lately, by name."""
        found: Any = self._redis.zrange(_NAMES, 0, -1)
        names = [name.decode() for name in found]
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hgetall(_key(name))
        return {name: _standing(told) for name, told in zip(names, pipe.execute(), strict=True) if told}


def process_name() -> str:
    """``<host>:<pid>`` of this process, also after a fork."""
    return f"{platform.node()}:{os.getpid()}"


def _key(name: str) -> str:
    return f"{_NAMES}:{name}"


def _standing(told: Mapping[bytes, bytes]) -> Standing:
    return Standing(
        kind=told[b"kind"].decode(),
        version=told[b"version"].decode(),
        since=float(told[b"since"]),
        problems=tuple(json.loads(told[b"problems"])),
    )


def _plain(value: object) -> object:
    """What JSON has no word for, in the order of its fields and keys, secrets in the clear."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, ChannelConfig):
        return [value.type, value.config]
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a configuration holds no {type(value).__name__}")
