"""Rules 1 to 12: what is sent to the app's callback URL, how often, and what is shown of the answer."""

import re
import threading

import pytest
from defusedxml.ElementTree import fromstring

from tests.simulator.parties import AGENT_ID, CORP_ID, Answer, Clock, Received, Script, Simulator, Webhook, until


def _fields(received: Received) -> dict[str, str]:
    return {child.tag: child.text or "" for child in fromstring(received.plain)}


def _in_turn(*answers: Answer) -> Script:
    """Answer the first request with the first of ``answers`` and so on; the last one stays."""
    left = list(answers)
    return lambda _received: left.pop(0) if len(left) > 1 else left[0]


def test_a_text_arrives_signed_and_encrypted_with_its_fields(simulator: Simulator, webhook: Webhook) -> None:
    sent = simulator.says("碘对比剂外渗怎么办？😀 <b>&amp;")
    fields = _fields(webhook.wait_for(1)[0])
    assert fields == {
        "ToUserName": CORP_ID,
        "FromUserName": "wang.fang",
        "CreateTime": "1800000000",
        "MsgType": "text",
        "Content": "碘对比剂外渗怎么办？😀 <b>&amp;",
        "MsgId": sent["msg_id"],
        "AgentID": str(AGENT_ID),
    }
    assert 10**18 <= int(sent["msg_id"]) < 2**63
    envelope = fromstring(webhook.received[0].body)
    assert [(child.tag, child.text) for child in envelope if child.tag != "Encrypt"] == [
        ("ToUserName", CORP_ID),
        ("AgentID", str(AGENT_ID)),
    ]
    assert simulator.ended(sent)["state"] == "delivered"


def test_plain_xml_comes_with_and_without_cdata(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 11."""
    simulator.says("a", xml="cdata")
    simulator.says("b", xml="bare")
    first, second = (received.plain for received in webhook.wait_for(2))
    assert "<Content><![CDATA[a]]></Content>" in first
    assert "CDATA" not in second
    for text in ("c", "d"):
        simulator.says(text)
    assert len({"CDATA" in received.plain for received in webhook.wait_for(4)[2:]}) == 2


def test_an_event_carries_its_fields_and_no_msgid(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 10: two events of one user can share their CreateTime."""
    items = {"SelectedItem": [{"QuestionKey": "q1", "OptionIds": {"OptionId": ["o1", "o2"]}}, {"QuestionKey": "q2"}]}
    for key in ("one", "two"):
        simulator.call(
            "POST",
            "/_sim/messages",
            member="li.na",
            event="click",
            event_key=key,
            create_time=1700000000,
            fields={"SelectedItems": items},
        )
    first, second = (_fields(received) for received in webhook.wait_for(2))
    assert "MsgId" not in first
    assert (first["MsgType"], first["Event"], first["EventKey"]) == ("event", "click", "one")
    assert (first["CreateTime"], second["CreateTime"], second["EventKey"]) == ("1700000000", "1700000000", "two")
    root = fromstring(webhook.received[0].plain)
    assert [option.text for option in root.iter("OptionId")] == ["o1", "o2"]
    assert [key.text for key in root.iter("QuestionKey")] == ["q1", "q2"]


def test_unheard_of_kinds_are_sent_on_demand(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 12."""
    simulator.call("POST", "/_sim/messages", member="li.na", type="hologram", fields={"Beam": "blue"})
    simulator.call("POST", "/_sim/messages", member="li.na", event="teleported")
    message, event = (_fields(received) for received in webhook.wait_for(2))
    assert (message["MsgType"], message["Beam"]) == ("hologram", "blue")
    assert message["MsgId"]
    assert (event["MsgType"], event["Event"]) == ("event", "teleported")


def test_no_answer_in_time_is_cut_and_sent_again(simulator: Simulator, webhook: Webhook) -> None:
    """Rules 5 and 7: same decrypted content, up to 3 retries, and what comes too late is lost."""
    simulator.rules(callback_timeout_s=0.15)
    closing = threading.Event()

    def late(received: Received) -> Answer:
        closing.wait(0.4)
        return 200, webhook.reply("too late")

    webhook.answer = late
    sent = simulator.says("在吗")
    outcome = simulator.ended(sent)
    assert outcome["state"] == "failed"
    assert (outcome["attempts"], outcome["status"], outcome["error"]) == (4, None, "timeout")
    assert outcome["ms"] >= 150
    assert len({received.plain for received in webhook.received}) == 1
    assert len({received.query["msg_signature"] for received in webhook.received}) == 4
    assert simulator.log(5) == ["callback_failed"] * 4
    assert simulator.seen() == []


def test_an_answer_that_drips_is_cut_all_the_same(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 5: five seconds are for the whole answer, not for each byte."""
    simulator.rules(callback_timeout_s=0.2, callback_retries=0)
    webhook.drip_s = 0.05
    webhook.answer = lambda _received: (200, b" " * 200)
    assert simulator.ended(simulator.says("在吗"))["error"] == "timeout"


def test_a_retry_can_repeat_the_signature(simulator: Simulator, webhook: Webhook) -> None:
    """§2.1: nobody knows whether it does, so an app must not rely on either."""
    simulator.rules(callback_retry_reuses_signature=True)
    webhook.answer = _in_turn((500, b""), (200, b""))
    simulator.ended(simulator.says("在吗"))
    first, second = webhook.received
    assert (first.query, first.body) == (second.query, second.body)


@pytest.mark.parametrize(("retried", "attempts"), [(True, 4), (False, 1)])
def test_other_statuses_are_retried_by_a_switch(
    simulator: Simulator, webhook: Webhook, retried: bool, attempts: int
) -> None:
    """Rule 5: page 90238 and page 90930 differ."""
    simulator.rules(callback_retry_on_status=retried)
    webhook.answer = lambda _received: (503, b"")
    outcome = simulator.ended(simulator.says("在吗"))
    assert (outcome["state"], outcome["attempts"], outcome["status"]) == ("failed", attempts, 503)


def test_nobody_listening_is_retried(simulator: Simulator) -> None:
    """Rule 5, whatever the switch says."""
    simulator.rules(callback_retry_on_status=False)
    with Webhook() as gone:
        simulator.call("POST", "/_sim/callback-url", url=_answering_echo(gone))
    outcome = simulator.ended(simulator.says("在吗"))
    assert (outcome["attempts"], outcome["error"]) == (4, "connection")


def test_200_ends_the_tries(simulator: Simulator, webhook: Webhook) -> None:
    """Rules 5 and 6."""
    webhook.answer = _in_turn((500, b""), (502, b""), (200, b"success"))
    outcome = simulator.ended(simulator.says("在吗"))
    assert (outcome["state"], outcome["attempts"], outcome["status"]) == ("delivered", 3, 200)
    tries = simulator.get("/_sim/callbacks")["callbacks"]
    assert [(one["attempt"], one["status"]) for one in tries] == [(1, 500), (2, 502), (3, 200)]
    assert all(one["ms"] >= 0 for one in tries)
    assert simulator.log(6) == []


def test_a_passive_reply_is_shown(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 6; a text is cut as a sent one is (rule 17)."""
    webhook.answer = lambda _received: (200, webhook.reply("请稍候" * 400))
    simulator.ended(simulator.says("在吗"))
    (shown,) = simulator.seen(via=("passive",))
    assert len(shown.encode()) == 2046
    assert shown == "请稍候" * 227 + "请"
    assert simulator.seen(member="li.na") == []


@pytest.mark.parametrize(
    ("fault", "event"),
    [
        (lambda webhook: webhook.reply("x", corp_id="ww0000000000000000"), "wrong_receive_id"),
        (lambda webhook: re.sub(rb"(<MsgSignature><!\[CDATA\[)....", rb"\g<1>0000", webhook.reply("x")), "bad_reply"),
        (lambda webhook: webhook.reply("x", to="li.na"), "misaddressed_reply"),
        (lambda webhook: webhook.reply("x", source="wang.fang"), "misaddressed_reply"),
        (lambda webhook: webhook.reply(""), "incomplete_reply"),
        (lambda _webhook: b"<html>It works!</html>", "incomplete_reply"),
        (lambda _webhook: b"ok", "unreadable_reply"),
        (lambda _webhook: b'<!DOCTYPE x [<!ENTITY e "e">]><xml><Encrypt>&e;</Encrypt></xml>', "unreadable_reply"),
    ],
    ids=["receive-id", "signature", "to", "from", "empty", "html", "words", "entities"],
)
def test_a_bad_passive_reply_is_a_fault_and_not_shown(
    simulator: Simulator, webhook: Webhook, fault: object, event: str
) -> None:
    """Rule 6."""
    assert callable(fault)
    webhook.answer = lambda _received: (200, fault(webhook))
    assert simulator.ended(simulator.says("在吗"))["state"] == "delivered"
    (logged,) = simulator.log(6)
    assert logged.startswith(event)
    assert simulator.seen() == []


def test_a_callback_can_come_twice_at_once(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 9; still one passive reply a message."""
    together = threading.Barrier(2)

    def both(_received: Received) -> Answer:
        together.wait(timeout=5)
        return 200, webhook.reply("收到")

    simulator.fault(on="callback", kind="duplicate")
    webhook.answer = both
    sent = simulator.says("在吗")
    assert simulator.ended(sent)["state"] == "delivered"
    first, second = webhook.wait_for(2)
    assert first.plain == second.plain
    assert first.body != second.body
    until(lambda: "passive_reply_not_shown" in simulator.log(6))
    assert simulator.seen() == ["收到"]


def test_order_can_be_swapped_and_messages_lost(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 9."""
    simulator.fault(on="callback", kind="swap", member="wang.fang")
    simulator.says("一")
    simulator.says("别人的", member="li.na")
    simulator.says("二")
    contents = [_fields(received)["Content"] for received in webhook.wait_for(3)]
    assert [content for content in contents if content != "别人的"] == ["二", "一"]
    simulator.fault(on="callback", kind="drop")
    assert simulator.ended(simulator.says("三"))["state"] == "dropped"
    simulator.ended(simulator.says("四"))
    assert _fields(webhook.received[-1])["Content"] == "四"
    assert len(webhook.received) == 4
    assert simulator.log(9) == ["callback_swap", "callback_drop"]


def test_clearing_faults_releases_what_a_swap_holds(simulator: Simulator, webhook: Webhook) -> None:
    simulator.fault(on="callback", kind="swap")
    sent = simulator.says("一")
    assert simulator.get("/_sim/state")["waiting"] == 1
    simulator.call("DELETE", "/_sim/faults")
    assert simulator.ended(sent)["state"] == "delivered"


def test_messages_of_one_member_arrive_in_order(simulator: Simulator, webhook: Webhook) -> None:
    for n in range(12):
        simulator.says(str(n))
    assert [_fields(received)["Content"] for received in webhook.wait_for(12)] == [str(n) for n in range(12)]


def test_a_slow_answer_to_one_member_holds_up_no_other(simulator: Simulator, webhook: Webhook) -> None:
    other_arrived = threading.Event()

    def wait_for_the_other(received: Received) -> Answer:
        if _fields(received)["FromUserName"] == "li.na":
            other_arrived.set()
            return 200, b""
        return (200, b"") if other_arrived.wait(timeout=4) else (500, b"")

    webhook.answer = wait_for_the_other
    slow = simulator.says("一")
    simulator.says("二", member="li.na")
    assert simulator.ended(slow)["attempts"] == 1


def _echo(webhook: Webhook, received: Received) -> bytes:
    query = received.query
    plain = webhook.crypto.check_signature(query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"])
    return plain.encode() if isinstance(plain, str) else bytes(plain)


def _answering_echo(webhook: Webhook) -> str:
    webhook.answer = lambda received: (200, _echo(webhook, received))
    return webhook.url


def test_a_callback_url_is_saved_when_it_proves_itself(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 1: fresh nonce and echo each time."""
    with Webhook() as other:
        answers = [simulator.call("POST", "/_sim/callback-url", url=_answering_echo(other)) for _ in range(2)]
        assert all(answer["ok"] for answer in answers)
        assert len({received.query["nonce"] for received in other.received}) == 2
        assert len({_echo(other, received) for received in other.received}) == 2
        other.answer = lambda _received: (200, b"")
        simulator.ended(simulator.says("在吗"))
        assert other.received[-1].method == "POST"
    assert webhook.received == []
    assert simulator.log(1) == ["url_saved"] * 2


@pytest.mark.parametrize(
    ("wrap", "reason"),
    [
        (lambda plain: (200, plain + b"\n"), "body"),
        (lambda plain: (200, b'"' + plain + b'"'), "body"),
        (lambda plain: (200, b"\xef\xbb\xbf" + plain), "body"),
        (lambda plain: (201, plain), "status"),
    ],
    ids=["newline", "quotes", "bom", "status"],
)
def test_a_callback_url_that_answers_otherwise_is_refused(
    simulator: Simulator, webhook: Webhook, wrap: object, reason: str
) -> None:
    """Rule 1."""
    assert callable(wrap)
    with Webhook() as other:
        other.answer = lambda received: wrap(_echo(other, received))
        answer = simulator.call("POST", "/_sim/callback-url", url=other.url)
    assert (answer["ok"], answer["reason"]) == (False, reason)
    assert simulator.get("/_sim/state")["callback_url"] == webhook.url
    assert simulator.log(1) == ["url_refused"]


def test_a_callback_url_must_answer_within_a_second(simulator: Simulator, webhook: Webhook) -> None:
    """Rule 1, with the second made shorter."""
    simulator.rules(url_check_timeout_s=0.1)

    given_up = threading.Event()

    def slow(received: Received) -> Answer:
        given_up.wait(5)
        return 200, _echo(webhook, received)

    webhook.answer = slow
    assert simulator.call("POST", "/_sim/callback-url")["reason"] == "timeout"
    given_up.set()


def test_timestamps_follow_the_clock(simulator: Simulator, webhook: Webhook, clock: Clock) -> None:
    clock.now = 1_812_345_678.9
    simulator.says("在吗")
    assert webhook.wait_for(1)[0].query["timestamp"] == "1812345678"
