"""The :class:`~bot.channel.Channel` of an account of WeChat customer service: bells in, pages pulled, sends out."""

from collections.abc import Callable, Sequence
from typing import IO, TypeVar

import redis
import structlog

from bot.account import Page, Serving
from bot.channel import (
    NOTHING,
    CallbackRequest,
    CallbackResponse,
    ChannelAddress,
    ChannelKit,
    Echo,
    Fetched,
    Immediate,
    Limits,
    Messages,
    Receipt,
    Received,
    Refused,
    Rejected,
    UrlVerification,
)
from bot.finding import Finding
from bot.messages import Attachment, ConversationId
from bot.parts import Part
from channels.wecom.api import RETRY_S, retry
from channels.wecom.application import Application
from channels.wecom.bells import account_name, bell_in
from channels.wecom.callback import LOGGED_NAME_LENGTH, open_callback, posted_body, verified_echo
from channels.wecom.crypto import CallbackCrypto
from channels.wecom.fetch import Fetcher
from channels.wecom.transport import Deadline, hide_secrets_in_http_logs
from channels.wecom.verification import url_verification
from channels.wecom.xml_fields import read_xml
from channels.wecom_kf.allowance import Allowance
from channels.wecom_kf.codes import Codes
from channels.wecom_kf.config import Config
from channels.wecom_kf.customers import Customers
from channels.wecom_kf.entrance import entry_link
from channels.wecom_kf.entries import EntryReader
from channels.wecom_kf.examine import examine
from channels.wecom_kf.hands import Hands
from channels.wecom_kf.pages import Pages
from channels.wecom_kf.send import Sender, limits_of
from channels.wecom_kf.sessions import Sessions

log = structlog.get_logger()

_T = TypeVar("_T")


def build(address: ChannelAddress, config: Config, kit: ChannelKit) -> "WeComKfChannel":
    """The channel at ``address``. Opens no connection."""
    hide_secrets_in_http_logs()
    return WeComKfChannel(address, config, kit)


class WeComKfChannel:
    """Implements :class:`~bot.channel.Channel`, :class:`~bot.account.Account`, :class:`~bot.account.Entrance` and
    :class:`~bot.account.HumanDesk`; safe to share between threads."""

    def __init__(self, address: ChannelAddress, config: Config, kit: ChannelKit) -> None:
        self._config = config
        self._kit = kit
        token, key = config.token.get_secret_value(), config.encoding_aes_key.get_secret_value()
        self._crypto = CallbackCrypto(token, key, config.corp_id)
        application = Application(config.corp_id, config.secret, config.open_kfid, kit)
        allowance = Allowance(kit.redis, application.name, kit.clock)
        codes = Codes(kit.redis, application.name, address, kit.clock)
        self._application = application
        self._customers = Customers(kit.redis, application)
        hands = Hands(kit.redis, application.name)
        self._sessions = Sessions(application, config.open_kfid, codes=codes, hands=hands, clock=kit.clock)
        reader = EntryReader(address, config.open_kfid, kit.count)
        self._pages = Pages(application, reader, allowance=allowance, codes=codes, hands=hands, kit=kit)
        self._sender = Sender(config, application, allowance=allowance, codes=codes, sessions=self._sessions, kit=kit)
        self._fetcher = Fetcher(application, kit)

    @property
    def limits(self) -> Limits:
        """See :func:`.send.limits_of`."""
        return limits_of(self._config)

    @property
    def account_name(self) -> str:
        """See :class:`~bot.account.Account`."""
        return account_name(self._config.corp_id, self._config.open_kfid)

    @property
    def pull_every_s(self) -> float:
        """See :class:`~bot.account.Account`."""
        return self._config.pull_every_s

    @property
    def first_pull_s(self) -> float:
        """See :class:`~bot.account.Account`."""
        return self._config.first_pull_s

    def receive(self, request: CallbackRequest) -> Received:
        """URL verification (GET) or a bell (POST), verified and decrypted (pages 90930, 94699).

        Raises :class:`~bot.channel.Rejected`, and nothing else whatever the bytes; the reasons are those of an
        application's callbacks.
        """
        skew_s = self._kit.callback_max_skew_s
        if request.method == "GET":
            return Echo(plain=verified_echo(self._crypto, request, skew_s))
        encrypted = read_xml(posted_body(request)).fields().get("Encrypt", "")
        if not encrypted:
            raise Rejected("bad_envelope")
        plain = open_callback(self._crypto, request, encrypted, skew_s)
        bell = bell_in(plain, self._config.corp_id, self._config.open_kfid)
        if bell is None:
            fields = read_xml(plain).fields()
            log.info("callback_ignored", name=fields.get("Event", "")[:LOGGED_NAME_LENGTH])
            return Messages(messages=())
        return bell

    def respond(self, received: Received, immediate: Immediate = NOTHING) -> CallbackResponse:  # noqa: ARG002
        """The plain text of an URL verification; else an empty 200, for a bell has nobody who could read an answer."""
        return CallbackResponse(body=received.plain.encode() if isinstance(received, Echo) else b"")

    def pull(self, cursor: str, token: str, most: int, deadline: float) -> Page:
        """See :meth:`.Pages.pull`."""
        return self._pages.pull(cursor, token, most, deadline)

    def entry_link(self, param: str, deadline: float) -> str:
        """See :class:`~bot.account.Entrance`."""
        until, open_kfid = self._until(deadline), self._config.open_kfid
        return self._at_redis(lambda: entry_link(self._application, open_kfid, param, until))

    @property
    def has_human_desk(self) -> bool:
        """See :class:`~bot.account.HumanDesk`."""
        return self._config.humans == "session"

    def serving(self, conversation: ConversationId, deadline: float) -> Serving:
        """See :meth:`.Sessions.serving`."""
        return self._at_redis(lambda: self._sessions.serving(conversation.person, self._until(deadline)))

    def nickname(self, conversation: ConversationId, deadline: float) -> str:
        """See :meth:`.Customers.nickname`."""
        return self._at_redis(lambda: self._customers.nickname(conversation.person, self._until(deadline)))

    def hand_over(
        self, conversation: ConversationId, servicers: Sequence[str], reply_key: str, deadline: float
    ) -> bool:
        """See :meth:`.Sessions.hand_over`."""
        until = self._until(deadline)
        return self._at_redis(lambda: self._sessions.hand_over(conversation.person, servicers, reply_key, until))

    def take_back(self, conversation: ConversationId, reply_key: str, deadline: float) -> None:
        """See :meth:`.Sessions.take_back`."""
        self._at_redis(lambda: self._sessions.take_back(conversation.person, reply_key, self._until(deadline)))

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:
        """See :meth:`.Sender.send`."""
        return self._sender.send(conversation.person, part, key, deadline)

    def fetch(self, attachment: Attachment, into: IO[bytes], limit: int, deadline: float) -> Fetched:
        """See :class:`~bot.channel.Channel`; only media ids are followed, never a URL."""
        return self._fetcher.fetch(attachment, into, limit, deadline)

    def recall(self, message_id: str, deadline: float) -> None:  # noqa: ARG002 - the protocol's
        """Refused: no page knows a call that takes back what was sent to a customer."""
        raise Refused("recall_unsupported")

    def link(self, label: str, url: str) -> str:
        """The label and the bare address, which WeChat makes a link of."""
        return f"{label} {url}"

    def verification_request(self) -> UrlVerification:
        """See :class:`~bot.channel.Channel` (page 90930)."""
        return url_verification(self._crypto, self._kit.clock)

    def examine(self, deadline: float) -> list[Finding]:
        """See :func:`.examine.examine`."""
        return examine(self._config.open_kfid, self._application, self._kit, deadline)

    def _until(self, deadline_epoch_s: float) -> Deadline:
        return Deadline(deadline_epoch_s, self._kit.clock)

    def _at_redis(self, act: Callable[[], _T]) -> _T:
        """What ``act`` returns. Raises :class:`~bot.channel.Retry` where Redis is away."""
        try:
            return act()
        except redis.RedisError as error:
            raise retry(RETRY_S, "redis_unavailable") from error
