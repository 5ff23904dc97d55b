"""What a language model reads instead of personal data, the same in every turn of a conversation.

Beside a conversation lies in Redis, for a day, which keyed digest has which placeholder: enough to give the same value
the same placeholder again, and nothing that a value could be read from. Values live as long as one composition, so
what somebody wrote in one conversation can be put back into no other, and into no later answer either.
"""

import hmac
import json
from collections.abc import Collection, Iterable
from typing import Any, Self

import redis

from bot import keys, telemetry
from bot.links import signing_secret
from bot.messages import ConversationId
from bot.redis_client import redis_answers
from bot.safety.personal_data import Masker, find
from bot.settings import Settings

KEPT_S = 24 * 3600
MOST_KEPT = 500
"""Placeholders of one conversation; above, it begins anew, as nobody speaks of so many numbers at once."""
_PURPOSE = b"conversation mask, first format"


class Masks:
    """Opens the masker of a conversation. ``secret`` is the installation's; who changes it only renumbers.

    Methods raise :class:`~bot.errors.Unavailable` when Redis does not answer.
    """

    def __init__(self, client: "redis.Redis", secret: bytes) -> None:
        self._redis = client
        self._key = hmac.digest(secret, _PURPOSE, "sha256")

    @classmethod
    def from_settings(cls, settings: Settings, client: "redis.Redis") -> Self:
        """With the secret that signs links. Raises :class:`~bot.errors.ConfigError` when there is no usable one."""
        return cls(client, signing_secret(settings))

    def open(self, conversation: ConversationId | None, allowed: Collection[str] = ()) -> Masker:
        """The masker of ``conversation``, ``None`` for a question that belongs to none; ``allowed`` are values that may
        be shown (see :func:`bot.safety.personal_data.find`)."""
        return Masker(self._key, self._known(conversation) if conversation else {}, allowed=allowed)

    def keep(self, conversation: ConversationId | None, masker: Masker) -> None:
        """Let the next turn of ``conversation`` use the placeholders of ``masker``."""
        known = masker.known
        if conversation is None or not known:
            return
        with redis_answers():
            self._redis.set(keys.masks(conversation), json.dumps(known), ex=KEPT_S)

    def _known(self, conversation: ConversationId) -> dict[str, str]:
        with redis_answers():
            raw: Any = self._redis.get(keys.masks(conversation))
        known: dict[str, str] = json.loads(raw) if raw else {}
        if len(known) <= MOST_KEPT:
            return known
        telemetry.count("degraded", what="masks_begun_anew")
        return {}


def approved_values(texts: Iterable[str], sources: Iterable[str]) -> set[str]:
    """What looks like personal data in ``texts`` and stands in approved ``sources`` word for word: a hotline or a
    lecturer that somebody asks about. A model reads it there anyway."""
    said = {text[span.start : span.end] for text in texts for span in find(text)}
    if not said:
        return said
    everything = "\n".join(sources)
    return {value for value in said if value in everything}
