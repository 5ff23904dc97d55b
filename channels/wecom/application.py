"""One application at the platform, or an account it serves: its client, the token that all processes share, and the
circuit around both."""

import hashlib
from collections.abc import Callable
from typing import Any

import structlog
from pydantic import SecretStr
from redis.client import Pipeline

from bot.channel import ChannelKit, Refused
from channels.wecom.api import OK, detail_of
from channels.wecom.circuit import Circuit
from channels.wecom.client import WeComClient
from channels.wecom.errors import RULES, Reaction, failure, rule_of
from channels.wecom.tokens import TokenStore
from channels.wecom.transport import Deadline

log = structlog.get_logger()


class Application:
    """Safe to share between threads. ``name`` begins the Redis keys about the application, ``corp`` those about what
    all applications of its corp share.

    ``account`` tells it from others of the corp: an agent id, or the id of a customer-service account, of which several
    may share one ``secret`` and so one token.
    """

    def __init__(self, corp_id: str, secret: SecretStr, account: str, kit: ChannelKit) -> None:
        self.client = WeComClient(kit.http, kit.api_base["wecom"])
        self._secret = secret.get_secret_value()
        self._tokens = TokenStore(self.client, kit.redis, corp_id, self._secret)
        base_url = self.client.base_url
        self.name = _digest(base_url, corp_id, account)
        self.corp = _digest(base_url, corp_id)
        self._circuit = Circuit(kit.redis, self.name)

    def check(self) -> None:
        """Raise :class:`~bot.channel.Retry` ``circuit_open`` while an error stands that only an operator can mend."""
        self._circuit.check()

    def ask_state(self, pipe: Pipeline) -> None:
        """Put into ``pipe`` the two questions whose answers :meth:`told_state` takes."""
        self._circuit.ask(pipe)
        self._tokens.ask(pipe)

    def told_state(self, left_ms: int, token: bytes | None) -> str:
        """The token for :meth:`call`, empty where there is none yet. Raises as :meth:`check` does."""
        self._circuit.told(left_ms)
        return self._tokens.told(token)

    def call(
        self, ask: Callable[[str], dict[str, Any]], deadline: Deadline, *secrets: str, token: str = ""
    ) -> dict[str, Any]:
        """The answer of ``ask(token)``, whose ``errcode`` is 0; a dead token is fetched anew and ``ask`` repeated once.

        ``token`` is one just read, if there is one. ``secrets`` are blanked in what an operator reads. Raises what
        ``ask`` raises, and :class:`~bot.channel.Retry` or :class:`~bot.channel.Refused` for a token that cannot be had
        and for any other ``errcode``; one that concerns the whole application also stops it for a while.
        """
        token = token or self._tokens.get(deadline)
        answer = ask(token)
        if rule_of(answer["errcode"]).reaction is Reaction.REFRESH:
            self._tokens.invalidate(token)
            token = self._tokens.get(deadline)
            answer = ask(token)
        if answer["errcode"] != OK:
            self._fail(answer["errcode"], detail_of(answer, token, self._secret, *secrets))
        return answer

    def _fail(self, code: int, detail: str) -> None:
        error = failure(code, detail)
        if isinstance(error, Refused) and error.alert:
            log.error("app_stopped", code=code, detail=detail)
            self._circuit.open(error.code)
        elif code not in RULES:
            log.warning("error_code_unknown", code=code, detail=detail)
        raise error


def _digest(*pieces: str) -> str:
    return hashlib.sha256("\0".join(pieces).encode()).hexdigest()[:16]
