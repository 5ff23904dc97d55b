"""Events: the few that are worked on, the many that are only named, and what a press can be answered with."""

import hashlib
import xml.etree.ElementTree as ET

import pytest
import structlog

from bot.channel import Bell, CallbackResponse, Immediate, Messages, Rejected
from bot.events import CardClick, Entered, Event, MenuClick, Subscribed, Warned
from bot.messages import InboundMessage, MessageKind
from tests.channels.wecom_app.callbacks import CHANNEL, CRYPTO, NOW, PAYLOADS, post
from tests.channels.wecom_app.vectors import SAMPLE


def xml(name: str, own: str = "", person: str = "zhang.wei") -> bytes:
    """The event ``name`` with the elements ``own``, in the shape of page 90240."""
    return (
        f"<xml><ToUserName><![CDATA[ww1436e0e65a779aee]]></ToUserName><FromUserName><![CDATA[{person}]]></FromUserName>"
        f"<CreateTime>1348831860</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[{name}]]></Event>{own}<AgentID>1000002</AgentID></xml>"
    ).encode()


def receive(plain: bytes) -> Messages:
    received = CHANNEL.receive(post(plain))
    assert isinstance(received, Messages)
    return received


def message_in(plain: bytes) -> InboundMessage:
    (message,) = receive(plain).messages
    return message


def passive(response: CallbackResponse) -> ET.Element:
    """What the platform reads out of our answer."""
    assert (response.status, response.content_type) == (200, "application/xml; charset=utf-8")
    sealed = {child.tag: child.text or "" for child in ET.fromstring(response.body)}  # noqa: S314 - our own
    plain = CRYPTO.open(sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
    return ET.fromstring(plain)  # noqa: S314 - our own


CARD_OWN = (
    "<EventKey><![CDATA[rate:useful:abc]]></EventKey><TaskId><![CDATA[rate_abc]]></TaskId>"
    "<CardType><![CDATA[button_interaction]]></CardType><ResponseCode><![CDATA[code-1]]></ResponseCode>"
)
VOTED = (
    "<SelectedItems>"
    "<SelectedItem><QuestionKey><![CDATA[q1]]></QuestionKey>"
    "<OptionIds><OptionId><![CDATA[一]]></OptionId><OptionId>two</OptionId></OptionIds></SelectedItem>"
    "<SelectedItem><OptionIds><OptionId>three</OptionId></OptionIds><QuestionKey>q2</QuestionKey></SelectedItem>"
    "<SelectedItem><QuestionKey>q3</QuestionKey><OptionIds></OptionIds></SelectedItem>"
    "</SelectedItems>"
)
CLICK = CardClick(task_id="rate_abc", key="rate:useful:abc", response_code="code-1")
KEY = "<EventKey><![CDATA[help]]></EventKey>"


@pytest.mark.parametrize(
    ("name", "own", "event"),
    [
        ("subscribe", "<EventKey></EventKey>", Subscribed()),
        ("enter_agent", "<EventKey></EventKey>", Entered()),
        ("click", KEY, MenuClick("help")),
        ("template_card_event", CARD_OWN, CLICK),
        ("template_card_menu_event", CARD_OWN, CLICK),
        (
            "template_card_event",
            CARD_OWN + VOTED,
            CardClick(
                task_id="rate_abc",
                key="rate:useful:abc",
                chosen={"q1": ("一", "two"), "q2": ("three",), "q3": ()},
                response_code="code-1",
            ),
        ),
    ],
)
def test_what_people_do_is_worked_on(name: str, own: str, event: Event) -> None:
    message = message_in(xml(name, own))
    assert (message.kind, message.text, message.event) == (MessageKind.EVENT, "", event)
    assert message.conversation.person == message.sender.id == "zhang.wei"
    assert message_in(xml(name, own)).message_id == message.message_id
    assert InboundMessage.decode(message.encode()) == message


def test_the_documented_card_event_is_read() -> None:
    message = message_in((PAYLOADS / "event_template_card.xml").read_bytes())
    assert message.event == CardClick(
        task_id="taskid111",
        key="key111",
        chosen={"QuestionKey1": ("OptionId1", "OptionId2")},
        response_code="ResponseCode",
    )
    identity = b"zhang.wei\x001348831860\0template_card_event\0key111\0taskid111"
    assert message.message_id == hashlib.sha1(identity).hexdigest()  # noqa: S324 - no secret


@pytest.mark.parametrize(
    "name",
    [
        "inactive_alert",
        "close_inactive_agent",
        "reopen_inactive_agent",
        "low_active_alert",
        "low_active",
        "active_restored",
    ],
)
def test_what_the_platform_warns_of_reaches_the_operators(name: str) -> None:
    with structlog.testing.capture_logs() as lines:
        message = message_in(xml(name, "<EffectTime>1348900000</EffectTime>", person="sys"))
    assert (message.event, message.sender.id) == (Warned(name), "sys")
    assert [(line["event"], line["name"], line["log_level"]) for line in lines] == [("app_warned", name, "warning")]


_PLACE = "<Location_X>23.104105</Location_X><Location_Y>113.320107</Location_Y>"


@pytest.mark.parametrize(
    ("name", "own", "person"),
    [
        ("unsubscribe", "<EventKey></EventKey>", "zhang.wei"),
        ("LOCATION", "<Latitude>23.104105</Latitude><Longitude>113.320107</Longitude>", "zhang.wei"),
        ("view", "<EventKey>https://a.example/</EventKey>", "zhang.wei"),
        ("view_miniprogram", "<EventKey>pages/23.104105</EventKey>", "zhang.wei"),
        ("scancode_push", "<ScanCodeInfo><ScanResult>23.104105</ScanResult></ScanCodeInfo>", "zhang.wei"),
        ("scancode_waitmsg", "<ScanCodeInfo><ScanResult>23.104105</ScanResult></ScanCodeInfo>", "zhang.wei"),
        (
            "pic_sysphoto",
            "<SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum>1b5f</PicMd5Sum></item></PicList></SendPicsInfo>",
            "zhang.wei",
        ),
        ("pic_photo_or_album", "<SendPicsInfo><Count>1</Count></SendPicsInfo>", "zhang.wei"),
        ("pic_weixin", "<SendPicsInfo><Count>1</Count></SendPicsInfo>", "zhang.wei"),
        ("location_select", f"<SendLocationInfo>{_PLACE}<Label>家</Label></SendLocationInfo>", "zhang.wei"),
        ("batch_job_result", "<BatchJob><JobId>1</JobId></BatchJob>", "sys"),
        ("change_contact", "<ChangeType>delete_user</ChangeType>", "sys"),
        ("open_approval_change", "<ApprovalInfo><ThirdNo>1</ThirdNo></ApprovalInfo>", "sys"),
        ("share_agent_change", "", "sys"),
        ("share_chain_change", "", "sys"),
        ("change_external_contact", "<ChangeType>add_external_contact</ChangeType>", "zhang.wei"),
        ("kf_msg_or_event", "<Token>token-of-kf</Token>", "sys"),
        ("subscribe", "", "sys"),
        ("template_card_event", CARD_OWN, "sys"),
        ("brand_new_event", "", "zhang.wei"),
    ],
)
def test_every_other_event_is_named_in_the_log_and_leaves_nothing(name: str, own: str, person: str) -> None:
    with structlog.testing.capture_logs() as lines:
        received = receive(xml(name, own, person))
    assert received == Messages(messages=())
    assert lines == [{"event": "event_ignored", "name": name, "bot": "imaging", "channel": "app", "log_level": "info"}]
    response = CHANNEL.respond(received, Immediate(notice="busy", pressed="已收到"))
    assert (response.status, response.body) == (200, b"")


def test_a_bell_of_customer_service_is_passed_on() -> None:
    """The application that serves the accounts gets their bells at its own URL."""
    token, account = "<Token>token-of-kf</Token>", "<OpenKfId>wkSomeAccount</OpenKfId>"
    received = CHANNEL.receive(post(xml("kf_msg_or_event", token + account, "sys")))
    assert received == Bell(token="token-of-kf", account=f"{SAMPLE.receive_id}/wkSomeAccount")
    assert CHANNEL.respond(received).body == b""


def test_a_press_is_answered_by_a_button_that_says_so_and_is_dead() -> None:
    received = receive(xml("template_card_event", CARD_OWN))
    reply = passive(CHANNEL.respond(received, Immediate(pressed="已记录：有用")))
    assert {child.tag: (child.text or "").strip() for child in reply} == {
        "ToUserName": "zhang.wei",
        "FromUserName": SAMPLE.receive_id,
        "CreateTime": str(int(NOW)),
        "MsgType": "update_button",
        "Button": "",
    }
    assert reply.findtext("Button/ReplaceName") == "已记录：有用"


@pytest.mark.parametrize(
    ("label", "shown"), [("一" * 11, "一" * 9 + "…"), ("]]>", "]]>"), ("{person} <b>&", "{person} …"), ("<b>&", "<b>&")]
)
def test_a_label_keeps_to_the_button_and_to_its_section(label: str, shown: str) -> None:
    reply = passive(CHANNEL.respond(receive(xml("template_card_event", CARD_OWN)), Immediate(pressed=label)))
    assert reply.findtext("Button/ReplaceName") == shown


def test_an_item_of_a_cards_menu_cannot_become_a_label() -> None:
    received = receive(xml("template_card_menu_event", CARD_OWN))
    response = CHANNEL.respond(received, Immediate(pressed="已收到"))
    assert (response.status, response.body) == (200, b"")


def test_a_press_that_was_not_kept_is_told_where_the_platform_allows_it() -> None:
    busy = Immediate(notice="太忙了，请稍候", pressed="太忙")
    on_the_button = passive(CHANNEL.respond(receive(xml("template_card_event", CARD_OWN)), busy))
    assert on_the_button.findtext("Button/ReplaceName") == "太忙"
    in_words = passive(CHANNEL.respond(receive(xml("template_card_menu_event", CARD_OWN)), busy))
    assert (in_words.findtext("MsgType"), in_words.findtext("Content")) == ("text", "太忙了，请稍候")


@pytest.mark.parametrize(
    "own",
    [
        CARD_OWN.replace("rate_abc", "t" * 129),
        CARD_OWN.replace("rate:useful:abc", "k" * 1025),
        CARD_OWN.replace("rate:useful:abc", "键" * 342),  # bytes are counted: 1,026
        CARD_OWN.replace("code-1", "c" * 1025),
        CARD_OWN
        + "<SelectedItems><SelectedItem><QuestionKey>q</QuestionKey><OptionIds>"
        + "<OptionId>o</OptionId>" * 201
        + "</OptionIds></SelectedItem></SelectedItems>",
        CARD_OWN
        + "<SelectedItems>"
        + "".join(f"<SelectedItem><QuestionKey>{n}</QuestionKey></SelectedItem>" for n in range(201))
        + "</SelectedItems>",
        CARD_OWN + VOTED.replace("q2", "q" * 1025),
        CARD_OWN + VOTED.replace("three", "o" * 129),
    ],
)
def test_a_press_out_of_bounds_is_refused(own: str) -> None:
    with pytest.raises(Rejected, match="bad_message"):
        CHANNEL.receive(post(xml("template_card_event", own)))
