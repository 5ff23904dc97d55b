"""The bell: acknowledged at once, believed only when it is genuine, and nothing else at this URL is work."""

import time
from dataclasses import replace

import pytest
import redis
from werkzeug.test import Client, TestResponse

from bot import keys
from bot.account import Account
from bot.bots_file import BotConfig, ChannelConfig
from bot.channel import Bell, CallbackRequest, Echo, Immediate, Messages, Rejected
from bot.errors import Unavailable
from bot.live import Live, Snapshot
from bot.pulling import Bells
from bot.redis_client import connect
from bot.reload import Reloader
from bot.running_versions import RunningVersions
from bot.web.app import create_app
from channels.wecom.crypto import CallbackCrypto
from tests.channels.wecom_kf.conftest import ADDRESS, Practice, config
from tests.simulator.kf_desk import KF, OTHER_KF
from tests.simulator.parties import AES_KEY, CORP_ID, TOKEN, Clock
from tests.web.library import web_services

CRYPTO = CallbackCrypto(TOKEN, AES_KEY, CORP_ID)
BELL_TOKEN = "ENCApHxnGDNAVNY4AaSJKj4Tb5mwsEMzxhFmHVGcra996NR"


def plain(account: str = KF, event: str = "kf_msg_or_event", token: str = BELL_TOKEN) -> str:
    """The documented payload."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName><CreateTime>1348831860</CreateTime>"
        f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event><Token><![CDATA[{token}]]></Token>"
        f"<OpenKfId><![CDATA[{account}]]></OpenKfId></xml>"
    )


def post(content: str, now: float) -> CallbackRequest:
    encrypted = CRYPTO.encrypt(content.encode())
    timestamp = str(int(now))
    signature = CRYPTO.signature(timestamp, "n1", encrypted)
    return CallbackRequest(
        method="POST",
        query={"msg_signature": signature, "timestamp": timestamp, "nonce": "n1"},
        body=f"<xml><ToUserName>{CORP_ID}</ToUserName><Encrypt>{encrypted}</Encrypt></xml>".encode(),
        received_at=now,
    )


def test_a_bell_brings_its_token(practice: Practice, clock: Clock) -> None:
    received = practice.channel.receive(post(plain(), clock.now))
    assert received == Bell(token=BELL_TOKEN, account=practice.channel.account_name)
    response = practice.channel.respond(received, Immediate(notice="nobody could read this"))
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    "content",
    [
        plain(event="kf_account_auth_change"),
        "<xml><MsgType>text</MsgType></xml>",
        "<xml><MsgType>text</MsgType><Content>kf_msg_or_event</Content></xml>",
        "<xml/>",
    ],
    ids=["another event", "a message", "a message that quotes a bell", "nothing"],
)
def test_whatever_else_comes_is_no_work(practice: Practice, clock: Clock, content: str) -> None:
    assert practice.channel.receive(post(content, clock.now)) == Messages(messages=())


@pytest.mark.parametrize("content", [plain(token="x" * 129), plain("wk" + "x" * 63)], ids=["token", "account"])
def test_what_is_out_of_bounds_is_refused(practice: Practice, clock: Clock, content: str) -> None:
    with pytest.raises(Rejected, match="bad_message"):
        practice.channel.receive(post(content, clock.now))


def test_a_forged_and_a_stale_bell_are_refused(practice: Practice, clock: Clock) -> None:
    genuine = post(plain(), clock.now)
    with pytest.raises(Rejected, match="bad_signature"):
        practice.channel.receive(replace(genuine, query={**genuine.query, "msg_signature": "0" * 40}))
    with pytest.raises(Rejected, match="stale"):
        practice.channel.receive(replace(genuine, received_at=clock.now + 3601))


def test_its_url_is_verified(practice: Practice, clock: Clock) -> None:
    verification = practice.channel.verification_request()
    request = CallbackRequest(method="GET", query=verification.query, body=b"", received_at=clock.now)
    assert practice.channel.receive(request) == Echo(plain=verification.plain)


def test_the_channel_is_an_account(practice: Practice) -> None:
    assert isinstance(practice.channel, Account)


def test_many_bells_wake_once_until_somebody_pulls(practice: Practice) -> None:
    bells = Bells(practice.redis, lambda bot, name: practice.woken.append((bot, name)), practice.clock)
    for _ in range(3):
        bells.ring(ADDRESS.bot, ADDRESS.channel, BELL_TOKEN)
    assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]
    practice.pulls()
    bells.ring(ADDRESS.bot, ADDRESS.channel, BELL_TOKEN)
    assert len(practice.woken) == 2


def test_a_bell_whose_wake_up_was_lost_is_found(practice: Practice) -> None:
    practice.begins()
    practice.clock.now = float(practice.state()["pulled_at"])
    Bells(practice.redis, lambda *_: None, practice.clock).ring(ADDRESS.bot, ADDRESS.channel, BELL_TOKEN)
    assert practice.puller().sweep() == 1
    practice.pulls()
    assert practice.puller().sweep() == 0


def test_a_bell_with_a_token_ends_the_wait_of_a_pull_without_one(practice: Practice) -> None:
    """Calls without a token are limited more strictly: a bell that brings one need not wait for their minute."""
    practice.begins()
    practice.desk.fault(on="kf/sync_msg", kind="errcode", errcode=45009, times=2)
    practice.pulls()
    practice.desk.writes("一")
    bells = Bells(practice.redis, lambda *_: None, practice.clock)
    bells.ring(ADDRESS.bot, ADDRESS.channel, BELL_TOKEN)
    practice.pulls()
    bells.ring(ADDRESS.bot, ADDRESS.channel, BELL_TOKEN)
    practice.pulls()
    assert practice.texts() == [], "refused with a token, it waits whatever rings"
    practice.clock.now += 90
    practice.pulls()
    assert practice.texts() == ["一"]


def test_a_bell_that_cannot_be_kept_is_not_acknowledged() -> None:
    nowhere = connect("redis://127.0.0.1:9")
    with pytest.raises(Unavailable):
        Bells(nowhere, lambda *_: None).ring(ADDRESS.bot, ADDRESS.channel, BELL_TOKEN)


def web_process(practice: Practice, client: "redis.Redis") -> Client:
    """The web process of a bot with this account and of one with another, whose bells lie in the Redis of
    ``client``."""
    block = ChannelConfig(type="wecom-kf", config=config())
    bot = BotConfig.model_validate({"id": ADDRESS.bot, "name": "小影", "channels": {ADDRESS.channel: block}})
    other = practice.build(open_kfid=OTHER_KF)
    channels = {(ADDRESS.bot, ADDRESS.channel): practice.channel, ("devices", "kf"): other}
    live = Live(Snapshot(version="1", bots={bot.id: bot}, channels=channels))
    reloader = Reloader(
        live,
        kind="web",
        files=(),
        read=dict,
        version_of=lambda _bots: "1",
        build=lambda address, _config: live.channels[address.bot, address.channel],
        running=RunningVersions(client),
        count=lambda *_: None,
    )
    bells = Bells(client, lambda bot, name: practice.woken.append((bot, name)), practice.clock)
    return create_app(replace(web_services(client, reloader=reloader), bells=bells)).test_client()


def posted(client: Client, now: float, account: str = KF) -> TestResponse:
    request = post(plain(account), now)
    return client.post(f"/callback/{ADDRESS.bot}/{ADDRESS.channel}", query_string=request.query, data=request.body)


def test_the_web_process_keeps_a_bell_and_answers_at_once(practice: Practice) -> None:
    response = posted(web_process(practice, practice.redis), time.time())
    assert (response.status_code, response.data) == (200, b"")
    assert practice.state()["token"] == BELL_TOKEN
    assert practice.woken == [(ADDRESS.bot, ADDRESS.channel)]
    assert practice.desk.get("/_sim/log", rule=39)["log"] == [], "nothing is pulled for it"


def test_a_bell_heard_at_another_accounts_url_rings_for_its_own(practice: Practice) -> None:
    """The accounts of a corp share one callback URL."""
    assert posted(web_process(practice, practice.redis), time.time(), OTHER_KF).status_code == 200
    assert practice.woken == [("devices", "kf")]
    assert practice.state() == {}
    assert practice.redis.hget(keys.account("devices", "kf"), "token") == BELL_TOKEN.encode()


def test_a_bell_for_an_account_that_nobody_here_serves_is_no_work(practice: Practice) -> None:
    assert posted(web_process(practice, practice.redis), time.time(), "wkSomebodyElses").status_code == 200
    assert practice.woken == []


def test_without_redis_the_platform_is_told_to_come_again(practice: Practice) -> None:
    assert posted(web_process(practice, connect("redis://127.0.0.1:9")), time.time()).status_code == 503
    assert practice.woken == []


def test_what_is_kept_of_an_account_lies_in_one_slot(redis_client: "redis.Redis") -> None:
    names = (keys.account("b", "c"), keys.account_lease("b", "c"))
    assert len({name[: name.index("}") + 1] for name in names}) == 1
