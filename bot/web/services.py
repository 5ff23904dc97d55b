"""What the web process needs; built by :mod:`bot.assembly`."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import redis

from bot.channel import MediaSource
from bot.identity.links import VerificationLinks
from bot.inbox import Inbox
from bot.knowledge.figures import FigureStore
from bot.knowledge.remote import IndexClient
from bot.links import SourceLinks
from bot.pulling import Bells
from bot.reload import Reloader
from bot.streams import Streams
from bot.texts import Texts

READ_DEADLINE_S = 5.0
"""How long a reader waits for the process that owns the knowledge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcePages:
    """What :mod:`bot.web.reader` and :mod:`bot.web.answers` need.

    The Redis client behind ``knowledge`` must wait longer than :data:`READ_DEADLINE_S`; ``figures`` are the pictures of
    documents; days are those of ``timezone``.
    At most ``at_once`` requests wait for the knowledge, so that callbacks always find a thread; others are asked to
    come again.
    """

    links: SourceLinks
    knowledge: IndexClient
    figures: FigureStore
    timezone: ZoneInfo
    at_once: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WebServices:
    """``bells`` takes what accounts ring for; ``reloader`` holds the bots and channels that run now, and follows their
    file once it is started; ``media`` the pictures that bubbles end with."""

    redis: "redis.Redis"
    inbox: Inbox
    bells: Bells
    streams: Streams
    reloader: Reloader
    media: MediaSource
    texts: Texts
    sources: SourcePages
    verification: VerificationLinks
    proofs_dir: Path
    metrics_dir: Path
    llm_configured: bool
