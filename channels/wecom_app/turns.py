"""What must be known before a message leaves, asked of Redis in one round trip.

Whether the application is left alone, whether the member can be written to now (:mod:`channels.wecom.pacing`), whether
the body was sent before (:mod:`.repeats`), and the token: keys of three slots of a cluster, hence a pipeline and not
one script.
"""

import hashlib
from dataclasses import dataclass, field

from bot.channel import ChannelKit, Retry
from channels.wecom.application import Application
from channels.wecom.pacing import TAKE
from channels.wecom_app.repeats import CHECKED, CLAIM, REPEAT_MEMORY_S

# KEYS: send times, body. ARGV: now in ms, limit a minute, limit an hour, the part's key, memory in s. A message that
# must wait is not remembered either.
_TAKE_TURN = f"""{TAKE}{CLAIM}
local wait = take(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
if wait > 0 then return {{wait}} end
return {{0, claim(KEYS[2], ARGV[4], ARGV[5])}}
"""
# KEYS: body. ARGV: the part's key, memory in s.
_CLAIM_AGAIN = f"{CLAIM} return claim(KEYS[1], ARGV[1], ARGV[2])"


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A message may leave now, with the platform's duplicate check if ``checked``; ``token`` is empty where one must be
    fetched first."""

    checked: bool
    token: str = field(default="", repr=False)


class Turns:
    """Takes turns for one application; safe to share between threads.

    ``slot`` begins the Redis keys of a member, ``key`` names the part. Every method raises ``redis.RedisError``.
    """

    def __init__(self, application: Application, kit: ChannelKit) -> None:
        self._application = application
        self._kit = kit

    def take(self, slot: str, body: bytes, key: str) -> Turn:
        """Count and remember the message ``body``.

        Raises :class:`~bot.channel.Retry`, having counted nothing: ``circuit_open``, or paced with the exact wait. An
        application that is left alone is found out too late for the mark of :mod:`.repeats`: the part stays remembered
        as if a crash had kept it from leaving.
        """
        pace, now_ms = f"{slot}:pace", round(self._kit.clock() * 1000)
        pipe = self._kit.redis.pipeline(transaction=False)
        self._application.ask_state(pipe)
        limits = self._kit.pace_per_minute, self._kit.pace_per_hour
        pipe.eval(_TAKE_TURN, 2, pace, _name(slot, body), now_ms, *limits, key, REPEAT_MEMORY_S)
        *state, (wait_ms, *modes) = pipe.execute()
        try:
            token = self._application.told_state(*state)
        except Retry:
            if not wait_ms:
                self._kit.redis.lrem(pace, 1, str(now_ms))
            raise
        if wait_ms:
            raise Retry(wait_ms / 1000, "paced", paced=True)
        return Turn(checked=modes == [CHECKED], token=token)

    def take_again(self, slot: str, body: bytes, key: str) -> Turn:
        """The turn of a part that was counted and refused, and goes out with another ``body``."""
        mode = self._kit.redis.eval(_CLAIM_AGAIN, 1, _name(slot, body), key, REPEAT_MEMORY_S)
        return Turn(checked=mode == CHECKED)


def _name(slot: str, body: bytes) -> str:
    return f"{slot}:body:{hashlib.sha256(body).hexdigest()}"
