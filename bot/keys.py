"""The names of every Redis key of the delivery path.

All keys of one conversation carry its bucket's hash tag, so that accept, lease, commit and the outbox are one script
each, on a Redis Cluster too. Keys that concern a person or a bot across conversations lie in slots of their own.
"""

from bot.messages import BUCKETS, ConversationId


def queue(conversation: ConversationId) -> str:
    """List: encoded messages not yet taken, oldest first."""
    return f"{conversation.tag}:queue:{conversation.key}"


def seen(conversation: ConversationId, message_id: str) -> str:
    """String, 24 h: this message id was accepted; the value counts how often the platform brought it."""
    return f"{conversation.tag}:seen:{conversation.bot}/{conversation.channel}/{message_id}"


def posted(conversation: ConversationId, notice_key: str) -> str:
    """String, 24 h: this notice was put into this outbox; what is said to many has one key for all of them."""
    return f"{conversation.tag}:posted:{conversation.key}:{notice_key}"


def lease(conversation: ConversationId) -> str:
    """String with expiry: the fencing token of the worker that owns the conversation now."""
    return f"{conversation.tag}:lease:{conversation.key}"


def fence(conversation: ConversationId) -> str:
    """String, a day: the last fencing token given out; a newer one is later than Redis' clock in any case."""
    return f"{conversation.tag}:fence:{conversation.key}"


def tries(conversation: ConversationId) -> str:
    """String: how often the turn at the head of the queue was begun without being committed."""
    return f"{conversation.tag}:tries:{conversation.key}"


def outbox(conversation: ConversationId) -> str:
    """List: encoded replies not yet delivered, oldest first."""
    return f"{conversation.tag}:outbox:{conversation.key}"


def progress(conversation: ConversationId) -> str:
    """Hash: how far the reply at the head of the outbox is (part, state, until, by, tries, unknown,
    not_before), and of each part that was taken the platform's id and when (id0, at0 …)."""
    return f"{conversation.tag}:progress:{conversation.key}"


def stream(conversation: ConversationId, stream_id: str) -> str:
    """Hash: what the bubble ``stream_id`` shows (text, finished, closed, at)."""
    return f"{conversation.tag}:stream:{stream_id}"


def late_replies(conversation: ConversationId) -> str:
    """Hash: stream id to the second it expires and the URL where one late reply may be posted."""
    return f"{conversation.tag}:late:{conversation.key}"


def parked(conversation: ConversationId) -> str:
    """List, bounded: messages no release of ours can decode, kept byte for byte."""
    return f"{conversation.tag}:parked:{conversation.key}"


def fault(conversation: ConversationId) -> str:
    """String, a day: why the last try of the turn at the head of the queue failed."""
    return f"{conversation.tag}:fault:{conversation.key}"


def held(conversation: ConversationId) -> str:
    """String, a day: a worker has the conversation and has not given it back; found by the next one, it died."""
    return f"{conversation.tag}:held:{conversation.key}"


def heard(conversation: ConversationId) -> str:
    """List, a day: what the person said in the last messages, for the screen (:mod:`bot.safety.cases.heard`)."""
    return f"{conversation.tag}:heard:{conversation.key}"


def lookup(conversation: ConversationId) -> str:
    """String, some minutes: the look-up that waits for a condition, and what was told of it."""
    return f"{conversation.tag}:lookup:{conversation.key}"


def masks(conversation: ConversationId) -> str:
    """String, a day: which keyed digest has which placeholder (:mod:`bot.answering.masks`)."""
    return f"{conversation.tag}:masks:{conversation.key}"


def dead_index(bot: str) -> str:
    """Sorted set: kind and key of the dead letters of ``bot`` by the second at which they were given up."""
    return f"{{dead:{bot}}}:index"


def dead_letter(bot: str, key: str) -> str:
    """String, a week: one dead letter; in the slot of its index."""
    return f"{{dead:{bot}}}:letter:{key}"


def due(tag: str) -> str:
    """Sorted set of one bucket: conversation keys by the Redis second at which somebody must look at them."""
    return f"{tag}:due"


ALL_DUE = tuple(due(f"{{b{bucket:03d}}}") for bucket in range(BUCKETS))
"""The ``due`` set of every bucket: what a sweep reads."""


def person_bucket(conversation: ConversationId) -> str:
    """Hash: the token bucket of one person at one bot."""
    return f"limit:person:{conversation.bot}:{conversation.channel}:{conversation.person}"


def waiting(bot: str) -> str:
    """String: messages of one bot accepted and not yet taken; :meth:`bot.inbox.Inbox.recount` corrects it."""
    return f"waiting:{bot}"


def refused(conversation: ConversationId) -> str:
    """Stream of one bucket, bounded: messages that were refused (:mod:`bot.refused`)."""
    return refused_in(conversation.tag)


def refused_in(tag: str) -> str:
    """The same, of the bucket with this hash tag."""
    return f"{tag}:refused"


REFUSED_READ = "refused:read"
"""Hash: by bucket, the last refused message that was screened."""


def overload(bot: str) -> str:
    """Hash, ends with the overload: what an overload of one bot cost (:mod:`bot.overload`)."""
    return f"overload:{bot}"


def alerts(bot: str) -> str:
    """Hash: when the groups of ``bot`` that carry alerts heard of what (:mod:`bot.alerts`)."""
    return f"alerts:{bot}"


def stopped_channels(bot: str) -> str:
    """Hash, a day: by channel, when the platform refused it last so that an operator must act, and the code."""
    return f"channels:stopped:{bot}"


def weekly_digest(bot: str, day: str) -> str:
    """String: ``claimed`` while a worker begins the digest of ``bot`` that was due on ``day``, for minutes; ``done``
    afterwards, for days."""
    return f"digest:{bot}:{day}"


def account(bot: str, channel: str) -> str:
    """Hash: how far the messages of one account were pulled, and what its bell said (:mod:`bot.pulling`)."""
    return f"{{account:{bot}/{channel}}}:state"


def account_lease(bot: str, channel: str) -> str:
    """String with expiry: who pulls the messages of one account now."""
    return f"{{account:{bot}/{channel}}}:lease"


SWEEP_LAST = "sweep:last"
"""String: the Redis second of the last sweep, whoever made it."""
