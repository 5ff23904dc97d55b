"""Customer service beside the messages: tokens, accounts, servicers, links, customers, the control API (§6.8)."""

from typing import Any

import pytest
import requests

from simulator.__main__ import arguments_from, build_parser, read_settings
from simulator.settings import KfAccount, KfCustomer, SettingsError
from tests.simulator.kf_desk import CHEN, KF, KF_SECRET, LIN, OTHER_KF, Desk, kf_settings, serve_kf
from tests.simulator.media_files import PNG
from tests.simulator.parties import AES_KEY, CORP_ID, SECRET, TOKEN, Clock, Webhook


@pytest.mark.parametrize("secret", [KF_SECRET, SECRET])
def test_a_token_is_good_for_what_its_secret_is_for(clock: Clock, webhook: Webhook, secret: str) -> None:
    """Rule 14: 48002 for the app where it may not use customer service, 301002 the other way; both with one secret."""
    is_one = secret == SECRET
    with serve_kf(kf_settings(webhook.url, webhook.url, secret=secret), clock) as server:
        desk = Desk(server.url)
        desk.secret = secret
        app_token = desk.get("/cgi-bin/gettoken", corpid=CORP_ID, corpsecret=SECRET)["access_token"]
        kf_token = desk.token()
        assert (kf_token == app_token) == is_one
        assert desk.kf("sync_msg", access_token=app_token)["errcode"] == (0 if is_one else 48002)
        assert desk.kf("sync_msg", access_token=kf_token)["errcode"] == 0
        assert desk.errcode("x", touser="li.na", token=kf_token) == (0 if is_one else 301002)
        assert desk.errcode("x", touser="li.na", token=app_token) == 0
        assert [peer["id"] for peer in desk.get("/_sim/config")["peers"]] == ["app"]


def test_tokens_die_and_expire_here_too(desk: Desk, clock: Clock) -> None:
    """Rules 13 to 15."""
    token = desk.token()
    assert desk.get("/cgi-bin/gettoken", corpid=CORP_ID, corpsecret=SECRET)["errcode"] == 40001
    assert [desk.kf("sync_msg", access_token=one)["errcode"] for one in (token, "", "x")] == [0, 41001, 40014]
    desk.call("POST", "/_sim/tokens/kill", how="expired")
    assert desk.kf("sync_msg", access_token=token)["errcode"] == 42001
    desk.rules(trusted_ips="10.0.0.0/8")
    assert desk.kf("sync_msg")["errcode"] == 60020


def test_the_callback_url_is_verified(desk: Desk, webhook: Webhook) -> None:
    """Rule 1; §1.4: the receive id is the corpid."""
    webhook.answer = lambda received: (200, webhook.crypto.check_signature(*_signed(received.query)).encode())
    assert desk.call("POST", "/_sim/callback-url", peer="kf")["ok"]
    assert desk.get("/_sim/state")["peers"]["kf"]["callback_url"] == webhook.url


def _signed(query: dict[str, str]) -> list[str]:
    return [query[name] for name in ("msg_signature", "timestamp", "nonce", "echostr")]


def test_accounts_are_added_changed_listed_and_deleted(desk: Desk) -> None:
    query = {"access_token": desk.token(), "type": "image"}
    picture = requests.post(
        f"{desk.url}/cgi-bin/media/upload", params=query, files={"media": ("a.png", PNG)}, timeout=5
    ).json()["media_id"]
    added = desk.kf("account/add", name="新客服", media_id=picture)
    assert added["errcode"] == 0
    new = added["open_kfid"]
    assert desk.kf("account/update", open_kfid=new, name="改名")["errcode"] == 0
    listed = desk.kf("account/list")["account_list"]
    assert [(one["open_kfid"], one["name"]) for one in listed] == [
        (KF, "影像学院客服"),
        (OTHER_KF, "设备客服"),
        (new, "改名"),
    ]
    assert listed[2]["manage_privilege"] is True
    assert requests.get(listed[2]["avatar"], timeout=5).content == PNG
    assert [one["open_kfid"] for one in desk.kf("account/list", offset=1, limit=1)["account_list"]] == [OTHER_KF]
    assert desk.get("/cgi-bin/kf/account/list", access_token=desk.token(), limit=2)["account_list"] == listed[:2]
    assert desk.kf("account/del", open_kfid=new)["errcode"] == 0
    assert desk.kf("account/del", open_kfid=new)["errcode"] == 95004
    assert desk.kf("account/add", name="", media_id=picture)["errcode"] == 95006
    assert desk.kf("account/add", name="新", media_id="")["errcode"] == 44001
    assert desk.kf("account/list", limit=101)["errcode"] == 40058


def test_servicers_are_added_and_deleted(desk: Desk) -> None:
    added = desk.kf("servicer/add", userid_list=["wang.fang", "nobody"])
    assert [(one["userid"], one["errcode"]) for one in added["result_list"]] == [("wang.fang", 0), ("nobody", 60111)]
    desk.call("POST", "/_sim/kf/servicers", servicer="li.na", status="away")
    listed = desk.get("/cgi-bin/kf/servicer/list", access_token=desk.token(), open_kfid=KF)["servicer_list"]
    assert listed == [
        {"userid": "li.na", "status": 1, "stop_type": 1},
        {"userid": "zhang.wei", "status": 0},
        {"userid": "wang.fang", "status": 0},
    ]
    endless = desk.get("/cgi-bin/kf/servicer/list", access_token=desk.token(), open_kfid="9" * 5000)
    assert endless["errcode"] == 95000
    gone = desk.kf("servicer/del", userid_list=["wang.fang", "wang.fang"])["result_list"]
    assert [one["errcode"] for one in gone] == [0, 95014]
    assert desk.kf("servicer/add", userid_list=[])["errcode"] == 40058
    assert desk.kf("servicer/add", userid_list=["li.na"], open_kfid="wkNone")["errcode"] == 95004


def test_a_link_leads_into_the_chat_with_its_scene(desk: Desk) -> None:
    """§6.8."""
    answer = desk.kf("add_contact_way", scene="poster_7")
    assert answer["errcode"] == 0
    code = dict(part.split("=") for part in answer["url"].partition("?")[2].split("&"))["enc_scene"]
    desk.call("POST", "/_sim/kf/enter", customer=CHEN, enc_scene=code, scene_param="from%3Dgroup")
    (event,) = desk.events("enter_session")
    assert (event["scene"], event["scene_param"]) == ("poster_7", "from%3Dgroup")
    assert desk.kf("add_contact_way", scene="x" * 33)["errcode"] == 40058
    assert desk.kf("add_contact_way", scene="中文")["errcode"] == 40058
    unknown = {"customer": CHEN, "enc_scene": "made-up"}
    assert requests.post(f"{desk.url}/_sim/kf/enter", json=unknown, timeout=5).status_code == 404


def test_profiles_of_customers(desk: Desk) -> None:
    """§6.8."""
    desk.enters(scene="poster")
    answer = desk.kf("customer/batchget", external_userid_list=[CHEN, "wmNobody", LIN], need_enter_session_context=1)
    chen, lin = answer["customer_list"]
    assert (chen["nickname"], chen["unionid"], chen["gender"]) == ("陈医生", "unionOfChen", 0)
    assert chen["enter_session_context"]["scene"] == "poster"
    assert "unionid" not in lin
    assert "enter_session_context" not in lin
    assert answer["invalid_external_userid"] == ["wmNobody"]
    plain = desk.kf("customer/batchget", external_userid_list=[CHEN])["customer_list"][0]
    assert "enter_session_context" not in plain
    assert desk.kf("customer/batchget", external_userid_list=[])["errcode"] == 40058
    assert desk.kf("customer/batchget", external_userid_list=[CHEN] * 101)["errcode"] == 40058


@pytest.mark.parametrize("name", ["service_state/get", "service_state/trans"])
def test_a_session_of_nobody(desk: Desk, name: str) -> None:
    assert desk.kf(name, external_userid="wmNobody", service_state=1)["errcode"] == 40096
    assert desk.kf(name, external_userid=CHEN, open_kfid="wkNone", service_state=1)["errcode"] == 95004


def test_somebody_new_comes(desk: Desk) -> None:
    new = desk.call("POST", "/_sim/kf/customers", nickname="新来的")
    desk.writes("第一次", customer=new["external_userid"])
    assert desk.sends(customer=new["external_userid"])["errcode"] == 0
    assert [one["nickname"] for one in desk.get("/_sim/kf/config")["customers"]] == ["陈医生", "小林", "新来的"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("messages", {"customer": CHEN}, 400),
        ("messages", {"customer": "wmNobody", "content": "x"}, 404),
        ("messages", {"customer": CHEN, "open_kfid": "wkNone", "content": "x"}, 404),
        ("messages", {"customer": CHEN, "type": "image"}, 400),
        ("messages", {"customer": CHEN, "type": "image", "upload": "none"}, 404),
        ("messages", {"customer": CHEN, "content": "x" * 20_001}, 400),
        ("messages", {"customer": CHEN, "content": "x", "member": "y"}, 400),
        ("messages", {"customer": CHEN, "target": 7, "menu_id": "1"}, 404),
        ("recall", {"target": 7}, 404),
        ("refuse", {"customer": CHEN, "on": "yes"}, 400),
        ("servicers", {"servicer": "li.na", "status": "asleep"}, 400),
        ("servicers", {"servicer": "wang.fang", "status": "away"}, 400),
        ("session", {"customer": CHEN, "servicer": "li.na", "act": "shout"}, 400),
        ("customers", {"customer": "li.na"}, 400),
        ("manage", {"open_kfid": "wkNone", "on": True}, 404),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(desk: Desk, path: str, body: dict[str, Any], status: int) -> None:
    response = requests.post(f"{desk.url}/_sim/kf/{path}", json=body, timeout=5)
    assert response.status_code == status
    assert response.json()["error"]
    assert desk.pulls() == []


def test_without_customer_service_there_is_none(idle_simulator: Desk) -> None:
    assert requests.get(f"{idle_simulator.url}/_sim/kf/config", timeout=5).status_code == 404
    assert requests.post(f"{idle_simulator.url}/cgi-bin/kf/sync_msg", json={}, timeout=5).status_code == 404


def test_the_members_see_nothing_of_it(desk: Desk) -> None:
    desk.writes("隐私")
    assert desk.get("/_sim/messages")["messages"] == []


_ENVIRONMENT = {
    "SIMULATOR_CORP_ID": CORP_ID,
    "SIMULATOR_KF_CALLBACK": "http://127.0.0.1:9/callback/imaging/kf",
    "SIMULATOR_KF_SECRET": KF_SECRET,
    "SIMULATOR_KF_TOKEN": TOKEN,
    "SIMULATOR_KF_ENCODING_AES_KEY": AES_KEY,
}


def test_it_can_be_all_that_the_command_line_sets_up() -> None:
    settings = read_settings(build_parser().parse_args(arguments_from(_ENVIRONMENT)))
    assert settings.kf
    assert not settings.has_app
    (account,) = settings.kf.accounts
    assert account.servicers == ("wang.fang", "zhang.wei", "li.na")
    assert len(settings.kf.customers) == 2
    named = {"SIMULATOR_KF_ACCOUNTS": "wkA:甲\nwkB:乙:li.na", "SIMULATOR_KF_CUSTOMERS": "wmA:某甲:uA\nwmB"}
    given = read_settings(build_parser().parse_args(arguments_from({**_ENVIRONMENT, **named}))).kf
    assert given
    assert given.accounts == (
        KfAccount(open_kfid="wkA", name="甲"),
        KfAccount(open_kfid="wkB", name="乙", servicers=("li.na",)),
    )
    assert given.customers == (
        KfCustomer(external_userid="wmA", nickname="某甲", unionid="uA"),
        KfCustomer(external_userid="wmB", nickname="wmB"),
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"SIMULATOR_KF_CALLBACK": "nowhere"}, "kf: not a callback URL"),
        ({"SIMULATOR_KF_SECRET": ""}, "kf secret is missing"),
        ({"SIMULATOR_KF_TOKEN": ""}, "kf token"),
        ({"SIMULATOR_KF_ACCOUNTS": "abc:x"}, "not an open_kfid"),
        ({"SIMULATOR_KF_ACCOUNTS": "wkA:甲:nobody"}, "no such members: nobody"),
        ({"SIMULATOR_KF_ACCOUNTS": "wkA:甲\nwkA:乙"}, "each once"),
        ({"SIMULATOR_KF_CUSTOMERS": "li.na"}, "not an external_userid"),
    ],
)
def test_settings_that_cannot_work(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        read_settings(build_parser().parse_args(arguments_from({**_ENVIRONMENT, **changed})))
