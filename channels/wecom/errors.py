"""What each platform error code means for the caller: one table for all channels of WeCom, one function.

Decisions rest on ``errcode`` alone; ``errmsg`` may change at any time (page 90930) and only travels along, cleaned,
for the operator to read. How a used or expired response URL is answered is documented nowhere (page 101138), so it
falls under the rule for unknown codes.
"""

from dataclasses import dataclass
from enum import Enum, auto

from bot.channel import Refused, Retry
from channels.wecom.api import RETRY_S, retry


class Reaction(Enum):
    """What a client must do."""

    REFRESH = auto()
    """Drop the token, fetch once, repeat once; a second failure, and one of a call without a token, is an alert."""
    BACK_OFF = auto()
    """Try again later."""
    DROP = auto()
    """Never try again."""
    ALERT = auto()
    """An operator must act; nothing sent by this application or robot can succeed before that."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A reaction; ``after_s`` is the least wait of a ``BACK_OFF``, in seconds."""

    reaction: Reaction
    after_s: float = 0.0


INVALID_MEDIA_ID = 40007
"""Wrong, or older than 3 days."""
BAD_BELL_TOKEN = 95007
"""A token of customer service (page 94699) that is older than ten minutes, or none."""
NEEDS_PIECES = 830002
"""Too big for one download (page 90254)."""

_REFRESH = Rule(Reaction.REFRESH)
_DROP = Rule(Reaction.DROP)
_ALERT = Rule(Reaction.ALERT)

RULES: dict[int, Rule] = {  # the meanings are those of the global table, page 90313, unless a row names another
    -1: Rule(Reaction.BACK_OFF, RETRY_S),  # system busy; "retry at most 3 times" is the outbox's count
    6000: Rule(Reaction.BACK_OFF, 0.5),  # data version conflict
    40001: _REFRESH,  # "invalid credential"; from gettoken it means a wrong secret, see wecom_app/tokens.py
    40003: _DROP,  # userid invalid, or the member left
    40004: _DROP,  # media type
    40005: _DROP,  # type of an upload
    40006: _DROP,  # media size
    INVALID_MEDIA_ID: _DROP,  # a send uploads once more
    40008: _DROP,  # msgtype
    40009: _DROP,  # size of a picture
    40011: _DROP,  # size of a video
    40013: _ALERT,  # corpid
    40014: _REFRESH,  # "invalid access_token"
    40029: _DROP,  # code of an event used or too old
    40033: _DROP,  # \uxxxx in the body: ours is UTF-8, so this would be a bug
    40035: _DROP,  # parameter illegal
    40056: _ALERT,  # agentid
    40058: _DROP,  # parameters: not JSON, too long, too many, a required one empty
    40063: _DROP,  # parameter empty
    40066: _DROP,  # department id
    40068: _DROP,  # tag id
    40091: _ALERT,  # secret of another corp
    40096: _DROP,  # external_userid
    40201: _DROP,  # anti-spam
    41001: _ALERT,  # access_token missing: a bug
    42001: _REFRESH,  # "access_token expired"
    43004: _DROP,  # no WeChat bound
    44001: _DROP,  # empty media
    44004: _DROP,  # empty text
    45001: _DROP,  # media too big
    45002: _DROP,  # content too long
    45007: _DROP,  # voice over 60 s
    45008: _DROP,  # over 8 articles
    45009: Rule(Reaction.BACK_OFF, 60.0),  # "api freq out of limit": a minute's limit blocks for 60 s (page 90454)
    45033: Rule(Reaction.BACK_OFF, 1.0),  # "api concurrent out of limit"; doubling is the outbox's
    46004: _DROP,  # user does not exist
    48002: _ALERT,  # the app may not call this API
    50002: _DROP,  # member out of the app's visible range
    50003: _ALERT,  # app disabled
    60003: _DROP,  # department
    60011: _DROP,  # no right on the member, department or tag
    60020: _ALERT,  # "not allow to access from your ip": not in 企业可信IP
    60111: _DROP,  # userid not found, left, or invisible
    60123: _DROP,  # department
    81013: _DROP,  # all recipients invalid or not permitted (page 90236)
    82001: _DROP,  # recipients all empty
    86001: _ALERT,  # chatid illegal: of a group that was configured
    86003: _ALERT,  # chatid unknown
    86006: _DROP,  # number of members
    86007: _DROP,  # a member
    86008: _ALERT,  # the group was made by another application
    86205: _DROP,  # chatid too long
    86215: _DROP,  # chatid taken
    86216: _DROP,  # a member
    93000: _ALERT,  # key of a webhook wrong, or the robot was removed from the group (page 99110)
    93004: _ALERT,  # robot disabled
    93006: _DROP,  # chatid of a robot illegal
    93008: _ALERT,  # the robot is not in the group
    95000: _ALERT,  # open_kfid illegal
    95001: _DROP,  # five messages since the customer's last one
    95002: _DROP,  # 48 hours since the customer's last one
    95003: _ALERT,  # corp not verified: few customers can be served
    95004: _ALERT,  # open_kfid unknown or deleted
    BAD_BELL_TOKEN: _DROP,
    95008: _DROP,  # over 10 menu items
    95009: _DROP,  # type of a menu item
    95011: _ALERT,  # customer service of the other kind: the secret belongs to a self-built app
    95012: _ALERT,  # the same
    95013: _DROP,  # the session has ended
    95014: _DROP,  # no servicer, or one who never logged in
    95016: _DROP,  # this state cannot follow that one
    95017: _ALERT,  # the switch for the API is off
    95018: _DROP,  # the state of the session does not allow to send
    95019: _DROP,  # a servicer who takes nobody now
    95023: _ALERT,  # the account was given to another application
    95030: _DROP,  # type of a message
    95032: _ALERT,  # right to the account lost
    301002: _ALERT,  # token of another agent: agent_id and secret do not belong together
    301007: _ALERT,  # corp disbanded or banned
    301017: _DROP,  # format of a voice
    301019: _DROP,  # md5 of a picture
    NEEDS_PIECES: _DROP,  # a download asks for pieces
}


def rule_of(code: int) -> Rule:
    """The rule for ``code``; an unknown code is dropped."""
    return RULES.get(code, _DROP)


def failure(code: int, detail: str) -> Refused | Retry:
    """The error to raise for ``code`` once no token refresh is left to try; ``detail`` is for the operator."""
    rule = rule_of(code)
    if rule.reaction is Reaction.BACK_OFF:
        return retry(rule.after_s, str(code))
    return Refused(str(code), detail, alert=rule.reaction is not Reaction.DROP)
