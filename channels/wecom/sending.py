"""What became of a part, counted alike by all channels of WeCom."""

from collections.abc import Callable

import redis
import structlog

from bot.channel import ChannelKit, Receipt, Refused, Retry, Unknown
from channels.wecom.api import OK, RETRY_S, retry

log = structlog.get_logger()


def counted(kit: ChannelKit, deliver: Callable[[], Receipt]) -> Receipt:
    """What ``deliver`` returns, or raises, counted as ``send`` with its outcome and code.

    A Redis that is away becomes a :class:`~bot.channel.Retry`: ``deliver`` asks nothing of it once the platform took
    the part. Raises :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused`, :class:`~bot.channel.Unknown`.
    """
    try:
        receipt = deliver()
    except redis.RedisError as error:
        log.warning("send_without_redis", error=type(error).__name__)
        kit.count("send", outcome="retry", code="redis_unavailable")
        raise retry(RETRY_S, "redis_unavailable") from error
    except (Retry, Refused, Unknown) as error:
        paced = isinstance(error, Retry) and error.paced
        kit.count("send", outcome="paced" if paced else type(error).__name__.lower(), code=error.code)
        raise
    kit.count("send", outcome="sent", code=str(OK))
    return receipt
