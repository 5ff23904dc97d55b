"""Putting a reply into the outbox of any conversation.

Needs no lease: it is how a command, a ticket, a time-out or an operator speaks to somebody.
"""

from collections.abc import Callable
from typing import Any

import redis

from bot import keys
from bot.lease_scripts import LUA_NOW
from bot.messages import ConversationId
from bot.redis_client import redis_answers
from bot.replies import OutboxReply

POSTED_TTL_S = 24 * 3600
_POST = (
    LUA_NOW
    + """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[3]) then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[1])
if redis.call('ZSCORE', KEYS[3], ARGV[2]) then return 1 end
redis.call('ZADD', KEYS[3], now(), ARGV[2])
return 2
"""
)


def post(client: "redis.Redis", wake: Callable[[str], None], conversation: ConversationId, reply: OutboxReply) -> bool:
    """Put ``reply`` behind what ``conversation`` already waits for; False when this key was posted before.

    ``wake(key)`` publishes a drain of a conversation that was idle. Raises :class:`~bot.errors.Unavailable`.
    """
    names = [keys.posted(conversation, reply.key), keys.outbox(conversation), keys.due(conversation.tag)]
    with redis_answers():
        result: Any = client.eval(_POST, len(names), *names, reply.encode(), conversation.key, POSTED_TTL_S)
    if result == 2:
        wake(conversation.key)
    return bool(result)
