"""What customers call themselves (``kf/customer/batchget``), kept for a day: humans read it beside their id."""

from typing import Any

import redis

from channels.wecom.api import encode_json
from channels.wecom.application import Application
from channels.wecom.transport import Deadline

CUSTOMERS = "kf/customer/batchget"
KEPT_S = 86400
LONGEST_NAME = 64


class Customers:
    """Those of one account. Methods raise :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused` and
    ``redis.RedisError``."""

    def __init__(self, store: "redis.Redis", application: Application) -> None:
        self._redis = store
        self._application = application

    def nickname(self, person: str, deadline: Deadline) -> str:
        """The nickname of ``person`` on one line; empty where the platform knows none, which is kept too."""
        name = f"wecom:{{{self._application.name}}}:nickname:{person}"
        kept = self._redis.get(name)
        if isinstance(kept, bytes):
            return kept.decode()
        nickname = self._ask(person, deadline)
        self._redis.set(name, nickname, ex=KEPT_S)
        return nickname

    def _ask(self, person: str, deadline: Deadline) -> str:
        request = encode_json({"external_userid_list": [person], "need_enter_session_context": 0})
        client = self._application.client
        answer: dict[str, Any] = self._application.call(
            lambda token: client.look(CUSTOMERS, token, request, deadline), deadline
        )
        listed = [one for one in answer.get("customer_list") or [] if isinstance(one, dict)]
        found = next((one for one in listed if one.get("external_userid") == person), {})
        return " ".join(str(found.get("nickname") or "").split())[:LONGEST_NAME]
