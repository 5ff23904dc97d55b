"""What each platform error code means for a late reply: one table, one function.

Decisions rest on ``errcode`` alone. The meanings are those of the global table, page 90313; how a used or expired
response URL is answered is documented nowhere (page 101138), so it falls under the rule for unknown codes.
"""

from bot.channel import Refused, Retry
from channels.wecom.api import RETRY_S, retry

BACK_OFF_S: dict[int, float] = {
    -1: RETRY_S,  # system busy
    6000: 0.5,  # data version conflict
    45009: 60.0,  # "api freq out of limit": a minute's limit blocks for 60 s (page 90454)
    45033: 1.0,  # "api concurrent out of limit"; doubling is the outbox's
}
"""Codes after which nothing was posted and the same URL may be tried again, and the least wait in seconds."""
DROPPED = frozenset(
    {
        40008,  # msgtype
        40033,  # \uxxxx in the body: ours is UTF-8, so this would be a bug
        40035,  # parameter illegal
        40058,  # parameters: not JSON, too long, too many, a required one empty
        40063,  # parameter empty
        40201,  # anti-spam
        44004,  # empty text
        45002,  # content too long
    }
)
"""Codes that a second try would meet again."""
ALERTING = frozenset(
    {
        48002,  # the robot may not call this API
        301007,  # corp disbanded or banned
    }
)
"""Codes after which an operator must act."""


def is_known(code: int) -> bool:
    """Whether a rule names ``code``; any other is dropped too, and should be looked at."""
    return code in BACK_OFF_S or code in DROPPED or code in ALERTING


def failure(code: int, detail: str) -> Refused | Retry:
    """The error to raise for ``code``; ``detail`` is for the operator."""
    if code in BACK_OFF_S:
        return retry(BACK_OFF_S[code], str(code))
    return Refused(str(code), detail, alert=code in ALERTING)
