"""The channel ``wecom-kf`` keeps the contract of all channels; what others are brought, it pulls."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest
import redis

from bot import keys
from bot.account import ALLOWANCE_USED, SESSION_OVER
from bot.channel import Bell, CallbackRequest, Channel, Immediate, Messages, Refused, Retry
from bot.connections import Connections
from bot.messages import ConversationId, InboundMessage
from channels.wecom.crypto import CallbackCrypto
from channels.wecom_kf import Config, WeComKfChannel, build
from channels.wecom_kf.pages import MAX_PAGE_BYTES
from tests.channels.wecom_kf.conftest import Practice, conversation
from tests.contracts.channel import ADDRESS, DOCTOR, NOW, ChannelContract, PlatformContract, Subject
from tests.contracts.scene import Scene
from tests.fakes.scripted_http import Answer, ScriptedServer, reply
from tests.simulator.kf_desk import CHEN, KF_SECRET, LIN, Desk, kf_settings, serve_kf
from tests.simulator.parties import AES_KEY, Clock, Webhook
from tests.simulator.parties import TOKEN as CALLBACK_TOKEN

CORP_ID = "ww1436e0e65a779aee"
TOKEN = "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo"
KEY = "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt"
ACCOUNT = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q"
CRYPTO = CallbackCrypto(TOKEN, KEY, CORP_ID)
PULL_PATH = "/cgi-bin/kf/sync_msg"


class Account(Subject):
    """An account of customer service."""

    send_path = "/cgi-bin/kf/send_msg"

    @cached_property
    def channel(self) -> Channel:
        return self.account

    @cached_property
    def account(self) -> WeComKfChannel:
        fields = {"corp_id": CORP_ID, "secret": "s", "token": TOKEN, "encoding_aes_key": KEY, "open_kfid": ACCOUNT}
        return build(ADDRESS, Config.model_validate(fields), self.kit())

    def misdirected(self) -> CallbackRequest:
        encrypted = CallbackCrypto(TOKEN, KEY, "ww0000000000000000").encrypt(b"<xml></xml>")
        body = f"<xml><ToUserName>{CORP_ID}</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"
        return self._request("POST", encrypted, NOW, body.encode())

    def callback(self, text: str, message_id: str, *, kind: str = "text", at: float = NOW) -> CallbackRequest:
        """The bell for one entry, which the platform gives out from now on."""
        entry: dict[str, Any] = {"msgid": message_id, "send_time": int(NOW), "origin": 3, "msgtype": kind}
        place = {"open_kfid": ACCOUNT, "external_userid": DOCTOR}
        entry |= {"event": {"event_type": text, **place}} if kind == "event" else {kind: {"content": text}, **place}
        page = {"errcode": 0, "errmsg": "ok", "next_cursor": "c1", "has_more": 0, "msg_list": [entry]}
        self.platform.on(PULL_PATH, reply(page))
        plain = (
            f"<xml><ToUserName>{CORP_ID}</ToUserName><CreateTime>{int(NOW)}</CreateTime><MsgType>event</MsgType>"
            f"<Event>kf_msg_or_event</Event><Token>ENCA</Token><OpenKfId>{ACCOUNT}</OpenKfId></xml>"
        )
        encrypted = CRYPTO.encrypt(plain.encode())
        body = f"<xml><ToUserName>{CORP_ID}</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"
        return self._request("POST", encrypted, at, body.encode())

    def receive(self, request: CallbackRequest) -> Messages:
        """What the bell stood for."""
        bell = self.account.receive(request)
        assert isinstance(bell, Bell)
        page = self.account.pull("", bell.token, 200, NOW + 5)
        assert not page.more
        return Messages(messages=page.messages)

    def verification(self, plain: str) -> CallbackRequest:
        encrypted = CRYPTO.encrypt(plain.encode())
        return self._request("GET", encrypted, NOW, b"", echostr=encrypted)

    def readable(self, body: bytes) -> str:
        return body.decode()

    def permit(self) -> None:
        """What was never pulled says nothing against a send."""

    def _request(self, method: str, encrypted: str, at: float, body: bytes, **more: str) -> CallbackRequest:
        timestamp = str(int(at))
        signature = CRYPTO.signature(timestamp, "n1", encrypted)
        query = {"msg_signature": signature, "timestamp": timestamp, "nonce": "n1", **more}
        return CallbackRequest(method=method, query=query, body=body, received_at=at)


@pytest.fixture
def subject(redis_client: "redis.Redis", http: Connections, platform: ScriptedServer) -> Subject:
    platform.on("/cgi-bin/gettoken", reply({"errcode": 0, "access_token": "t", "expires_in": 7200}))
    platform.on(Account.send_path, reply({"errcode": 0, "errmsg": "ok", "msgid": "m1"}))
    return Account(redis_client, http, platform)


class TestWeComKf(ChannelContract):
    """All of it, but for what only an answer to a message could say."""

    def test_a_notice_is_readable_in_the_answer(self, subject: Subject) -> None:
        """Nobody reads the answer to a bell, so it says nothing: what is to be said is sent (:mod:`bot.busy`)."""
        received = subject.channel.receive(subject.callback("你好", "80"))
        assert isinstance(received, Bell)
        assert subject.channel.respond(received, Immediate(notice="太忙了，请稍候")).body == b""

    def test_an_entry_too_large_to_be_read_is_not_asked_for_in_a_circle(
        self, redis_client: "redis.Redis", http: Connections, platform: ScriptedServer, subject: Subject
    ) -> None:
        account = Account(redis_client, http, platform).account
        platform.on(PULL_PATH, Answer(body=b" " * (MAX_PAGE_BYTES + 1)))
        with pytest.raises(Retry) as raised:
            account.pull("c0", "ENCA", 1, NOW + 30)
        assert raised.value.after_s >= 60
        assert [one.path for one in platform.requests].count(PULL_PATH) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(body=b"<html>502</html>"),
            Answer(body=b'{"errcode":0,"next_cursor":"c1","has_more":0,"msg_list":[{"msgid'),
            Answer(body=b"[" * 100_000),
            Answer(body=b'{"errcode":0,"msg_list":[],"n":' + b"9" * 5000 + b"}"),
            Answer(body=b'{"errcode":"0"}'),
            reply({"errcode": 0, "next_cursor": 7, "msg_list": []}),
            reply({"errcode": 0, "next_cursor": "c" * 65, "msg_list": []}),
            reply({"errcode": 0, "next_cursor": "c1", "msg_list": {}}),
            reply({"errcode": 0}, status=503),
        ],
        ids=range(9),
    )
    def test_a_page_that_is_none_is_asked_for_again(
        self, redis_client: "redis.Redis", http: Connections, platform: ScriptedServer, subject: Subject, answer: Answer
    ) -> None:
        account = Account(redis_client, http, platform).account
        platform.on(PULL_PATH, answer)
        with pytest.raises(Retry):
            account.pull("c0", "ENCA", 200, NOW + 5)

    def test_a_page_too_large_to_be_read_is_asked_for_in_smaller_ones(
        self, redis_client: "redis.Redis", http: Connections, platform: ScriptedServer, subject: Subject
    ) -> None:
        account = Account(redis_client, http, platform).account
        page = {"errcode": 0, "errmsg": "ok", "next_cursor": "c1", "has_more": 1, "msg_list": []}
        platform.on(PULL_PATH, Answer(body=b" " * (MAX_PAGE_BYTES + 1)), reply(page))
        assert account.pull("c0", "ENCA", 200, NOW + 30).cursor == "c1"
        limits = [one.json["limit"] for one in platform.requests if one.path == PULL_PATH]
        assert limits == [200, 20]


class AccountScene(Scene):
    """An account of customer service, which may speak for 48 hours after it was written to."""

    people = (CHEN, LIN)
    call, download = "kf/send_msg", "media/get"

    def __init__(self, practice: Practice) -> None:
        self._practice = practice
        self.simulator = practice.desk

    @property
    def channel(self) -> Channel:
        return self._practice.channel

    def now(self) -> float:
        return float(self._practice.clock())

    def conversation(self, person: str) -> ConversationId:
        return conversation(person)

    def writes(self, person: str, text: str) -> None:
        self._practice.desk.writes(text, person)
        self._practice.pulls()

    def writes_and_it_comes_again(self, person: str, text: str) -> None:
        self.simulator.fault(on="kf_stream", kind="duplicate")
        self.writes(person, text)
        assert [one["msgtype"] for one in self._practice.desk.pulls()].count("text") == 2

    def brings(self, person: str, content: bytes) -> None:
        self._practice.desk.writes("", person, type="image", upload=self.simulator.uploads(content))
        self._practice.pulls()

    def stored(self, person: str) -> list[InboundMessage]:
        return self._practice.stored(person)

    def reads(self, person: str) -> list[str]:
        return self._practice.desk.reached(person)

    def permit(self, person: str) -> None:
        self.writes(person, "请讲")

    def secrets(self) -> tuple[str, ...]:
        return KF_SECRET, CALLBACK_TOKEN, AES_KEY, self.simulator.token()


@pytest.fixture
def practice(redis_client: "redis.Redis", http: Connections) -> Iterator[Practice]:
    clock = Clock()
    with Webhook() as webhook, serve_kf(kf_settings(webhook.url), clock) as server:
        desk = Desk(server.url)
        desk.rules(kf_send_fail_after_s=0, kf_tokenless_per_minute=1000)
        running = Practice(desk, redis_client, clock, http)
        running.begins()
        yield running


@pytest.fixture
def scene(practice: Practice) -> AccountScene:
    return AccountScene(practice)


class TestWeComKfOnThePlatform(PlatformContract):
    """All of it."""


class TestWhatOthersGetWrong:
    """Five failures of published bots for customer service, each by name (docs/channels/wecom-kf.md)."""

    def test_every_message_of_a_pull_is_kept_and_not_only_the_last(self, practice: Practice) -> None:
        for number in range(4):
            practice.desk.writes(f"第 {number} 句", CHEN)
            practice.desk.writes(f"第 {number} 句", LIN)
        practice.pulls()
        for person in (CHEN, LIN):
            assert practice.texts(person) == [f"第 {number} 句" for number in range(4)]

    def test_the_cursor_is_kept_so_that_what_was_answered_is_not_asked_for_again(self, practice: Practice) -> None:
        """Ids are known for a day; after that, only the cursor tells what is old."""
        practice.desk.writes("昨天的问题")
        practice.pulls()
        kept = keys.account(conversation().bot, conversation().channel).encode()
        for name in practice.redis.scan_iter():
            if name != kept:
                practice.redis.delete(name)
        practice.channel = practice.build()
        practice.desk.writes("今天的问题")
        practice.pulls()
        assert practice.texts() == ["今天的问题"]

    def test_what_the_bot_and_a_servicer_wrote_is_no_question(self, practice: Practice) -> None:
        practice.desk.writes("请转人工")
        practice.pulls()
        practice.says("正在为您转接")
        practice.desk.moves(3, servicer_userid="li.na")
        practice.desk.writes("您好，我是李娜", servicer="li.na")
        practice.pulls()
        assert practice.texts() == ["请转人工"]

    def test_five_messages_in_48_hours_are_counted_and_no_sixth_is_tried(self, practice: Practice) -> None:
        practice.desk.writes("你好")
        practice.pulls()
        for number in range(5):
            practice.says(f"第 {number} 条", key=f"turn:{number}")
        with pytest.raises(Refused, match=ALLOWANCE_USED):
            practice.says("第六条", key="turn:5")
        practice.desk.writes("在吗")
        practice.pulls()
        practice.says("在的", key="next:0")
        practice.clock.now += 48 * 3600 + 1
        with pytest.raises(Refused, match=SESSION_OVER):
            practice.says("还在吗", key="next:1")
        assert len(practice.desk.reached()) == 6
        assert practice.desk.log(40).count("errcode") == 0, "the platform had nothing to refuse"

    def test_a_customer_is_handed_over_to_somebody_who_serves_or_not_at_all(self, practice: Practice) -> None:
        practice.desk.writes("转人工")
        practice.pulls()
        for servicer in ("li.na", "zhang.wei"):
            practice.desk.call("POST", "/_sim/kf/servicers", servicer=servicer, status="stopped")
        now = practice.clock()
        assert not practice.channel.hand_over(conversation(), ["li.na"], "turn", now + 5)
        assert practice.desk.state()[0] not in (2, 3), "the bot may still speak, and the ticket goes to the staff"
        practice.desk.call("POST", "/_sim/kf/servicers", servicer="li.na", status="serving")
        assert practice.channel.hand_over(conversation(), ["li.na"], "turn", now + 5)
        assert practice.desk.state() == (3, "li.na")
