"""One part to one member: a ``message/send`` call with everything around it that makes it arrive once."""

import hashlib

import redis
import structlog

from bot.channel import ChannelKit, Limits, Receipt, Refused, Retry, Unknown
from bot.parts import Markdown, Part, Text
from channels.wecom.api import OK, RETRY_S, detail_of, encode_json, retry
from channels.wecom.transport import Deadline
from channels.wecom_app.circuit import Circuit
from channels.wecom_app.client import WeComClient
from channels.wecom_app.config import Config
from channels.wecom_app.errors import RULES, Reaction, failure, rule_of
from channels.wecom_app.pacing import Pace
from channels.wecom_app.repeats import DUPLICATE_INTERVAL_S, Repeats
from channels.wecom_app.tokens import TokenStore

log = structlog.get_logger()

LIMITS = Limits(text_bytes=2048, markdown_bytes=2048, send_timeout_s=10.0, pushes=True)
"""Page 90236; what exceeds the bytes would be cut silently."""
_EVERYBODY = "@all"


class Sender:
    """Sends for one application; safe to share between threads."""

    def __init__(self, config: Config, kit: ChannelKit) -> None:
        self._kit = kit
        self._agent_id = config.agent_id
        self._secret = config.secret.get_secret_value()
        self._client = WeComClient(kit.http, kit.api_base["wecom"])
        self._tokens = TokenStore(self._client, kit.redis, config.corp_id, self._secret)
        identity = "\0".join((self._client.base_url, config.corp_id, str(config.agent_id)))
        self._app = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._pace = Pace(kit.redis, kit.pace_per_minute, kit.pace_per_hour)
        self._repeats = Repeats(kit.redis)
        self._circuit = Circuit(kit.redis, self._app)

    def send(self, person: str, part: Part, key: str, deadline_epoch_s: float) -> Receipt:
        """Deliver ``part``, named ``key`` for ever, to the member ``person``, with one platform call and its token.

        No byte is written after the deadline; only a Redis that hangs can delay the return beyond it, by its own
        time-out. Raises :class:`~bot.channel.Retry`, :class:`~bot.channel.Refused`, :class:`~bot.channel.Unknown`.
        """
        try:
            receipt = self._send(person, part, key, Deadline(deadline_epoch_s, self._kit.clock))
        except redis.RedisError as error:  # never after the platform took the message: nothing is asked of Redis then
            log.warning("send_without_redis", error=type(error).__name__)
            self._kit.count("send", outcome="retry", code="redis_unavailable")
            raise retry(RETRY_S, "redis_unavailable") from error
        except (Retry, Refused, Unknown) as error:
            paced = isinstance(error, Retry) and error.paced
            outcome = "paced" if paced else type(error).__name__.lower()
            self._kit.count("send", outcome=outcome, code=error.code)
            raise
        self._kit.count("send", outcome="sent", code=str(OK))
        return receipt

    def _send(self, person: str, part: Part, key: str, deadline: Deadline) -> Receipt:
        if not isinstance(part, Text | Markdown):
            raise Refused("part_unsupported")
        _check(person, part)
        self._circuit.check()
        slot = self._slot(person)
        self._pace.take(slot, self._kit.clock())
        token = self._tokens.get(deadline)
        body = self._body(person, part, checked=True)
        if not self._repeats.check_for(slot, body, key):
            self._kit.count("degraded", what="duplicate_check_off")
            body = self._body(person, part, checked=False)
        answer = self._client.send_message(token, body, deadline)
        if rule_of(answer["errcode"]).reaction is Reaction.REFRESH:
            self._tokens.invalidate(token)
            token = self._tokens.get(deadline)
            answer = self._client.send_message(token, body, deadline)
        code, detail = answer["errcode"], detail_of(answer, token, self._secret)
        if code != OK:
            self._fail(code, detail)
        for field in ("invaliduser", "unlicenseduser"):  # errcode 0 all the same; ids in lower case (page 90236)
            if person.lower() in str(answer.get(field) or "").lower().split("|"):
                raise Refused(field)
        return Receipt(message_id=str(answer.get("msgid") or ""))

    def _body(self, person: str, part: Text | Markdown, *, checked: bool) -> bytes:
        """The request (page 90236); the same part gives the same bytes, which is what the duplicate check compares."""
        kind = "text" if isinstance(part, Text) else "markdown"
        return encode_json(
            {
                "touser": person,
                "msgtype": kind,
                "agentid": self._agent_id,
                kind: {"content": part.content},
                "enable_duplicate_check": int(checked),
                "duplicate_check_interval": DUPLICATE_INTERVAL_S,
            }
        )

    def _fail(self, code: int, detail: str) -> None:
        """Raise what ``code`` means; an error that concerns the whole app also stops it for a while."""
        error = failure(code, detail)
        if isinstance(error, Refused) and error.alert:
            log.error("app_stopped", code=code, detail=detail)
            self._circuit.open(error.code)
        elif code not in RULES:
            log.warning("error_code_unknown", code=code, detail=detail)
        raise error

    def _slot(self, person: str) -> str:
        """The beginning of every Redis key about one member of this app.

        Hashed, because ids are opaque and may hold braces, which Redis Cluster reads; in lower case, because userids
        do not tell case apart (page 90196).
        """
        digest = hashlib.sha256(person.lower().encode(errors="surrogatepass")).hexdigest()[:32]
        return f"wecom:{{{self._app}:{digest}}}"


def _check(person: str, part: Text | Markdown) -> None:
    """Raise :class:`~bot.channel.Refused` for what would reach others than ``person``, or reach them cut."""
    if not person or "|" in person or person.lower() == _EVERYBODY:
        raise Refused("bad_recipient")
    limit = LIMITS.text_bytes if isinstance(part, Text) else LIMITS.markdown_bytes
    if len(part.content.encode(errors="replace")) > limit:
        raise Refused("too_long")
