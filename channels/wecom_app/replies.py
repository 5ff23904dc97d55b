"""Passive replies: what the HTTP answer to a callback can say (page 90241)."""

from wechatpy.work.replies import TextReply

from bot.channel import Immediate
from bot.events import CardClick
from bot.messages import InboundMessage
from channels.wecom.cards import LABEL_LENGTH
from channels.wecom.cutting import cut_bytes, cut_characters
from channels.wecom_app.bodies import TEXT_BYTES

_UPDATE_BUTTON = """<xml>
<ToUserName><![CDATA[{person}]]></ToUserName>
<FromUserName><![CDATA[{corp_id}]]></FromUserName>
<CreateTime>{time}</CreateTime>
<MsgType><![CDATA[update_button]]></MsgType>
<Button><ReplaceName><![CDATA[{label}]]></ReplaceName></Button>
</xml>"""


def passive_reply(
    message: InboundMessage, immediate: Immediate, *, corp_id: str, agent_id: int, now: int, updates_button: bool
) -> str:
    """The XML to answer ``message`` with, empty where there is nothing to say.

    ``updates_button`` tells whether its event may be answered by letting the pressed button die under a label; what a
    menu of a card was used for is answered in words.
    """
    person = _section(message.sender.id)
    if isinstance(message.event, CardClick) and immediate.pressed and updates_button:
        label = _section(cut_characters(immediate.pressed, LABEL_LENGTH))
        return _UPDATE_BUTTON.format(person=person, corp_id=corp_id, time=now, label=label)
    if not immediate.notice:
        return ""
    text = _section(cut_bytes(immediate.notice, TEXT_BYTES))
    return str(TextReply(source=corp_id, target=person, agent=agent_id, time=now, content=text).render())


def _section(text: str) -> str:
    """``text`` for a CDATA section, which it would otherwise end."""
    return text.replace("]]>", "]]]]><![CDATA[>")
