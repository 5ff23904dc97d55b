"""What ``doctor`` can try of a group robot: whether its key is good, with one call that says nothing to anybody."""

from bot.channel import Retry, Unknown
from bot.finding import Finding, State
from channels.wecom.transport import Deadline
from channels.wecom_robot.webhook import Webhook

WEBHOOK = "webhook"
_EMPTY_TEXT = frozenset({44004, 40058, 40063})
"""An empty text is refused after the key was found good; page 99110 does not say which of the three it is."""
_CURES = {
    93000: "copy the Webhook 地址 again (the group › 消息推送 › the robot), or add the robot to the group again",
    93004: "the robot was disabled: let an administrator of the company enable it, or add another one",
    93008: "the robot is not in the group any more: add it again",
    45009: "it said more than 20 messages in the last minute; wait a minute and try again",
}


def examine(webhook: Webhook, deadline: Deadline) -> list[Finding]:
    """See :meth:`bot.channel.Channel.examine`."""
    try:
        answer = webhook.ask("text", {"content": ""}, deadline)
    except (Retry, Unknown) as failure:
        cure = "check WECOM_API_BASE, DNS, the firewall and any proxy on the way"
        detail = f"webhook/send gave no answer ({failure.code})"
        return [Finding(name=WEBHOOK, state=State.BROKEN, detail=detail, cure=cure)]
    code = answer["errcode"]
    if code in _EMPTY_TEXT:
        detail = "the key is good (tried with an empty text, which the platform refuses)"
        return [Finding(name=WEBHOOK, state=State.OK, detail=detail)]
    cure = _CURES.get(code, f"look the code up: https://open.work.weixin.qq.com/devtool/query?e={code}")
    state = State.WARNING if code == 45009 else State.BROKEN
    return [
        Finding(name=WEBHOOK, state=state, detail=f"webhook/send answered {code} {webhook.said_of(answer)}", cure=cure)
    ]
