"""Commands that wait for a second word: kept in Redis for two minutes, under a code that whoever asked repeats.

A confirmation is its person's alone and works once. The turn that confirms may run again after a crash: it finds what
it took before.
"""

import hashlib
import json
from typing import Any

import redis

from bot.commands.declaration import Confirmed
from bot.errors import InputError
from bot.redis_client import redis_answers

VALID_S = 120
_TAKEN_KEPT_S = 3600
"""How long a turn that confirmed may still run again."""
_LETTERS, _DIGITS = "ABCDEFGHJKMNPQRSTUVWXYZ", "23456789"
"""Without those that look like others."""
_MOST = 20
"""Codes that are tried; a person has never so many commands waiting within two minutes, by the limits of the inbox."""

_ASK = """
local held = redis.call('HGET', KEYS[1], 'turn')
if held and held ~= ARGV[1] then return 0 end
if not held then
  redis.call('HSET', KEYS[1], 'turn', ARGV[1], 'name', ARGV[2], 'rest', ARGV[3], 'version', ARGV[4])
  redis.call('EXPIRE', KEYS[1], ARGV[5])
end
return 1
"""
_TAKE = """
local held = redis.call('HMGET', KEYS[1], 'turn', 'name', 'rest', 'version', 'taken')
if not held[1] or (held[5] and held[5] ~= ARGV[1]) then return {} end
redis.call('HSET', KEYS[1], 'taken', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return held
"""


class Confirmations:
    """The commands that wait. Methods raise :class:`~bot.errors.Unavailable` when Redis does not answer."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def ask(self, bot: str, person: str, wanted: Confirmed) -> str:
        """Let ``wanted`` wait for ``person`` of ``bot``; returns the code, the same when the turn runs again."""
        for number in range(_MOST):
            code = _code(wanted.turn_id, number)
            with redis_answers():
                values = (wanted.turn_id, wanted.name, wanted.rest, wanted.version, VALID_S)
                if self._redis.eval(_ASK, 1, _key(bot, person, code), *values):
                    return code
        raise InputError("confirmations_full")

    def take(self, bot: str, person: str, code: str, turn_id: str) -> Confirmed:
        """What waits under ``code`` and is confirmed by the turn ``turn_id``.

        Raises :class:`~bot.errors.InputError` when nothing does: it was somebody else's, used already or too late.
        """
        with redis_answers():
            held: Any = self._redis.eval(_TAKE, 1, _key(bot, person, code), turn_id, _TAKEN_KEPT_S)
        if not held:
            raise InputError("confirmation_unknown", code=code)
        turn, name, rest, version = ((each or b"").decode() for each in held[:4])  # the last release kept no version
        return Confirmed(name=name, rest=rest, turn_id=turn, version=version)


def _key(bot: str, person: str, code: str) -> str:
    """Hash, two minutes: a command of ``person`` that waits for ``code``. User ids do not tell case apart, and are
    opaque: written as JSON they cannot run into the code."""
    return f"confirm:{bot}:{json.dumps(person.casefold())}:{code}"


def _code(turn_id: str, number: int) -> str:
    digest = hashlib.sha256(f"{turn_id}\0{number}".encode()).digest()
    return _LETTERS[digest[0] % len(_LETTERS)] + _DIGITS[digest[1] % len(_DIGITS)]
