"""Rules 13 to 20: tokens and message/send as the app meets them, and the faults a test can ask for."""

import json
import re
import threading
from typing import Any

import pytest
import requests

from tests.simulator.parties import AGENT_ID, CORP_ID, SECRET, Clock, Simulator, until


def _gettoken(simulator: Simulator, corp_id: str = CORP_ID, secret: str = SECRET) -> dict[str, Any]:
    return simulator.get("/cgi-bin/gettoken", corpid=corp_id, corpsecret=secret)


def test_a_token_lives_7200_s_and_is_repeated_while_it_lives(simulator: Simulator, clock: Clock) -> None:
    """Rule 13."""
    first = _gettoken(simulator)
    assert (first["errcode"], first["expires_in"]) == (0, 7200)
    clock.now += 6000
    second = _gettoken(simulator)
    assert (second["access_token"], second["expires_in"]) == (first["access_token"], 1200)
    clock.now += 900
    third = _gettoken(simulator)
    assert third["access_token"] != first["access_token"]
    assert simulator.errcode("旧令牌还活着", token=first["access_token"]) == 0
    clock.now += 300
    assert simulator.errcode("过期", token=first["access_token"]) == 42001
    assert simulator.errcode("新令牌", token=third["access_token"]) == 0
    assert simulator.log(13) == ["token_issued", "token_repeated", "token_issued"]


def test_wrong_corp_and_wrong_secret(simulator: Simulator) -> None:
    """Rule 13."""
    assert _gettoken(simulator, corp_id="ww0000000000000000")["errcode"] == 40013
    assert _gettoken(simulator, secret="wrong")["errcode"] == 40001


def test_five_wrong_secrets_ban_the_ip_for_an_hour(simulator: Simulator, clock: Clock) -> None:
    """Rule 13."""
    assert [_gettoken(simulator, secret=str(n))["errcode"] for n in range(5)] == [40001] * 5
    assert _gettoken(simulator)["errcode"] == 45009
    clock.now += 3599
    assert _gettoken(simulator)["errcode"] == 45009
    clock.now += 1
    assert _gettoken(simulator)["errcode"] == 0


@pytest.mark.parametrize(("how", "errcode"), [("revoked", 40014), ("expired", 42001)])
def test_a_token_can_be_killed_early(simulator: Simulator, how: str, errcode: int) -> None:
    """Rule 14."""
    token = simulator.token()
    assert simulator.call("POST", "/_sim/tokens/kill", how=how) == {"killed": 1}
    assert simulator.errcode("x", token=token) == errcode
    fresh = simulator.token()
    assert fresh != token
    assert simulator.errcode("x", token=fresh) == 0


def test_missing_unknown_and_foreign_tokens(simulator: Simulator) -> None:
    """Rule 14."""
    assert simulator.errcode("x", token="") == 41001
    assert simulator.errcode("x", token="made-up") == 40014
    assert simulator.errcode("x", agentid=AGENT_ID + 1) == 301002
    assert simulator.get("/cgi-bin/getcallbackip")["errcode"] == 41001
    assert simulator.get("/cgi-bin/getcallbackip", access_token=simulator.token())["ip_list"] == ["127.0.0.1"]
    assert simulator.seen() == []


def test_an_error_is_http_200_and_looks_like_one(simulator: Simulator) -> None:
    """Rules 16 and 43: the request id in the hint is the one written down."""
    response = simulator.post_send(b"{}", token="made-up")
    assert response.status_code == 200
    errmsg = response.json()["errmsg"]
    found = re.fullmatch(
        r"invalid access_token, hint: \[1800000000_\d+_([0-9a-f]{32})\], from ip: 127\.0\.0\.1, "
        r"more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=40014",
        errmsg,
    )
    assert found, errmsg
    (record,) = simulator.get("/_sim/log", rule=14)["log"]
    assert (record["request_id"], record["errcode"], record["api"]) == (found[1], 40014, "message/send")


def test_text_and_markdown_reach_the_member(simulator: Simulator) -> None:
    answer = simulator.send("第一行\n第二行 😀")
    assert answer["errcode"] == 0
    simulator.send(msgtype="markdown", markdown={"content": "**粗**"})
    first, second = simulator.get("/_sim/messages", member="wang.fang")["messages"]
    assert (first["via"], first["type"], first["content"]) == ("send", "text", "第一行\n第二行 😀")
    assert (first["msg_id"], first["at"], first["cut"]) == (answer["msgid"], 1_800_000_000.0, False)
    assert (second["type"], second["content"]) == ("markdown", "**粗**")
    assert "response_code" not in answer


def test_recipients(simulator: Simulator) -> None:
    """Rule 17."""
    answer = simulator.send("x", touser="wang.fang|Li.Si|li.na", toparty="7")
    assert (answer["errcode"], answer["invaliduser"], answer["invalidparty"]) == (0, "li.si", "7")
    assert simulator.seen() == simulator.seen("li.na") == ["x"]
    assert simulator.errcode("y", touser="@all") == 0
    assert simulator.seen("zhang.wei") == ["y"]
    assert simulator.errcode("x", touser="nobody|Nobody.Else") == 81013
    assert simulator.errcode("x", touser="") == 82001
    assert simulator.errcode("x", touser="|".join(f"u{n}" for n in range(1001))) == 40058


@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_long_content_is_cut_at_2048_bytes_on_a_character(simulator: Simulator, kind: str) -> None:
    """Rule 17."""
    for content in ("a" + "啊" * 682, "aa" + "啊" * 682, "a" * 2047 + "😀"):
        body: dict[str, Any] = {"msgtype": kind, kind: {"content": content}}
        simulator.send(**body)
    assert simulator.seen() == ["a" + "啊" * 682, "aa" + "啊" * 682, "a" * 2047]
    messages = simulator.get("/_sim/messages", member="wang.fang")["messages"]
    assert [message["cut"] for message in messages] == [False, False, True]
    assert simulator.errcode("a" * 65537) == 45002


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"text": {"content": ""}}, 44004),
        ({"text": {}}, 40063),
        ({"text": {"content": 5}}, 40035),
        ({"msgtype": "hologram"}, 40008),
        ({"msgtype": "markdown", "markdown": {"content": ""}}, 44004),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "file", "file": {"media_id": ""}}, 44001),
        ({"agentid": "1000002"}, 40056),
        ({"touser": ["wang.fang"]}, 40035),
        ({"enable_duplicate_check": 1, "duplicate_check_interval": "long"}, 40035),
    ],
)
def test_a_send_that_cannot_be(simulator: Simulator, body: dict[str, Any], errcode: int) -> None:
    """Rule 17 and §8."""
    assert simulator.errcode("x", **body) == errcode
    assert simulator.seen() == []


def test_bodies_that_are_no_utf8_json(simulator: Simulator) -> None:
    """40058 with its warning; 40033 for escaped characters, but not for a backslash that is one."""
    answer = simulator.post_send(b"{not json").json()
    assert answer["errcode"] == 40058
    assert "Warning: wrong json format." in answer["errmsg"]
    assert simulator.post_send('{"touser":"王"}'.encode("gb18030")).json()["errcode"] == 40058
    message = {"touser": "wang.fang", "msgtype": "text", "agentid": AGENT_ID, "text": {"content": "中文"}}
    assert simulator.post_send(json.dumps(message).encode()).json()["errcode"] == 40033
    simulator.rules(refuse_unicode_escapes=False)
    assert simulator.post_send(json.dumps(message).encode()).json()["errcode"] == 0
    simulator.rules(refuse_unicode_escapes=True)
    assert simulator.errcode("\\u4e2d 是转义") == 0
    assert simulator.seen() == ["中文", "\\u4e2d 是转义"]


def test_the_31st_message_a_minute_is_silently_lost(simulator: Simulator, clock: Clock) -> None:
    """Rule 18: a window that slides, a member at a time, and only what was delivered counts."""
    token = simulator.token()
    for n in range(30):
        clock.now += 1
        assert simulator.errcode(str(n), token=token) == 0
    assert simulator.errcode("31st", token=token) == 0
    assert simulator.errcode("另一位", touser="li.na", token=token) == 0
    assert len(simulator.seen()) == 30
    assert simulator.seen("li.na") == ["另一位"]
    (lost,) = simulator.get("/_sim/log", rule=18)["log"]
    assert (lost["event"], lost["member"]) == ("not_delivered", "wang.fang")
    clock.now += 32
    simulator.send("again", token=token)
    simulator.send("and again", token=token)
    simulator.send("no more", token=token)
    assert simulator.seen()[30:] == ["again", "and again"]


def test_the_hourly_limit(simulator: Simulator, clock: Clock) -> None:
    """Rule 18, with the 1,000 made fewer."""
    simulator.rules(member_per_hour=3)
    token = simulator.token()
    for n in range(5):
        simulator.send(str(n), token=token)
        clock.now += 600
    assert simulator.seen() == ["0", "1", "2"]
    clock.now += 600
    simulator.send("an hour later", token=token)
    assert simulator.seen()[3:] == ["an hour later"]


def test_the_days_quota_ends_at_midnight_in_shanghai(simulator: Simulator, clock: Clock) -> None:
    """Rule 19: person-times, not messages."""
    simulator.rules(seats=1, sends_per_seat_and_day=4)
    clock.now = 1_800_028_799.0  # 2027-01-15 23:59:59 in Shanghai
    token = simulator.token()
    assert simulator.errcode("x", touser="@all", token=token) == 0
    assert simulator.errcode("two more", touser="wang.fang|li.na", token=token) == 45009
    assert simulator.errcode("one more", token=token) == 0
    assert simulator.errcode("too much", token=token) == 45009
    clock.now += 1
    assert simulator.errcode("next day", token=token) == 0


def test_too_many_calls_of_one_api(simulator: Simulator, clock: Clock) -> None:
    """Rule 19: 45009 for 60 s; sends are not counted here."""
    token = simulator.token()
    simulator.rules(calls_per_minute=3)

    def call() -> object:
        return simulator.get("/cgi-bin/getcallbackip", access_token=token)["errcode"]

    assert [call() for _ in range(4)] == [0, 0, 0, 45009]
    assert [simulator.errcode(str(n), token=token) for n in range(4)] == [0] * 4
    clock.now += 59
    assert call() == 45009
    clock.now += 1
    assert call() == 0


def test_too_many_calls_at_once(simulator: Simulator) -> None:
    """Rule 19; what hangs goes on when the faults are cleared."""
    token = simulator.token()
    simulator.rules(concurrent_calls=1)
    simulator.fault(on="message/send", kind="hang", seconds=60)
    first = threading.Thread(target=simulator.send, args=("first",), kwargs={"token": token})
    first.start()
    until(lambda: not simulator.get("/_sim/faults")["faults"])
    assert Simulator(simulator.url).errcode("second", token=token) == 45033
    simulator.call("DELETE", "/_sim/faults")
    first.join()
    assert simulator.errcode("third", token=token) == 0
    assert simulator.seen() == ["first", "third"]


def test_the_duplicate_check(simulator: Simulator, clock: Clock) -> None:
    """Rule 20: the same JSON inside the interval is answered 0 and not delivered; after it, it is."""
    check: dict[str, Any] = {"enable_duplicate_check": 1, "duplicate_check_interval": 600}
    first = simulator.send("抱歉，没有找到依据。", **check)
    clock.now += 599
    again = simulator.send("抱歉，没有找到依据。", **check)
    assert (again["errcode"], again["msgid"]) == (0, first["msgid"])
    assert simulator.errcode("抱歉，没有找到依据。", **check, touser="li.na") == 0
    assert simulator.errcode("抱歉，没有找到依据。") == 0
    assert simulator.seen() == ["抱歉，没有找到依据。"] * 2
    assert simulator.log(20) == ["duplicate_not_delivered"]
    clock.now += 1
    simulator.send("抱歉，没有找到依据。", **check)
    assert len(simulator.seen()) == 3


def test_the_duplicate_check_has_a_default_and_a_longest_interval(simulator: Simulator, clock: Clock) -> None:
    """Rule 20: 1,800 s and 14,400 s."""
    check: dict[str, Any] = {"enable_duplicate_check": 1}
    longest = {**check, "duplicate_check_interval": 99_999}
    for content, body in (("a", check), ("b", longest)):
        simulator.send(content, **body)
    clock.now += 1799
    simulator.send("a", **check)
    clock.now += 1
    simulator.send("a", **check)
    clock.now += 12_599
    simulator.send("b", **longest)
    clock.now += 1
    simulator.send("b", **longest)
    assert simulator.seen() == ["a", "b", "a", "b"]


def test_the_next_sends_answer_an_errcode(simulator: Simulator) -> None:
    simulator.fault(on="message/send", kind="errcode", errcode=-1, times=2)
    assert [simulator.errcode(str(n)) for n in range(3)] == [-1, -1, 0]
    assert simulator.seen() == ["2"]
    faults = simulator.get("/_sim/log")["log"]
    assert [record["rule"] for record in faults if record["event"] == "fault_errcode"] == [None, None]


def test_a_send_answers_500(simulator: Simulator) -> None:
    simulator.fault(on="message/send", kind="http_500")
    token = simulator.token()
    assert simulator.post_send(b"{}", token).status_code == 500
    assert simulator.seen() == []


@pytest.mark.parametrize(("kind", "delivered"), [("close_before", []), ("close_after", ["x"])])
def test_a_send_whose_connection_closes(simulator: Simulator, kind: str, delivered: list[str]) -> None:
    simulator.fault(on="message/send", kind=kind)
    token = simulator.token()
    with pytest.raises(requests.ConnectionError):
        simulator.send("x", token=token)
    assert simulator.seen() == delivered
    assert simulator.errcode("y", token=token) == 0


@pytest.mark.parametrize(("kind", "delivered"), [("hang", []), ("answer_late", ["x"])])
def test_a_send_that_outlasts_its_caller(simulator: Simulator, kind: str, delivered: list[str]) -> None:
    """``hang`` waits and then works, ``answer_late`` works and then waits: the caller cannot tell."""
    simulator.fault(on="message/send", kind=kind, seconds=300)
    message = b'{"touser": "wang.fang", "msgtype": "text", "agentid": %d, "text": {"content": "x"}}' % AGENT_ID
    query = {"access_token": simulator.token()}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{simulator.url}/cgi-bin/message/send", params=query, data=message, timeout=0.2)
    assert simulator.seen() == delivered


def test_gettoken_can_fail_too(simulator: Simulator) -> None:
    simulator.fault(on="gettoken", kind="errcode", errcode=40001)
    assert _gettoken(simulator)["errcode"] == 40001
    assert _gettoken(simulator)["errcode"] == 0
