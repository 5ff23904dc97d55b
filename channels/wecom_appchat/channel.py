"""The :class:`~bot.channel.Channel` of a group that the application made: sends out, and nothing else."""

import redis

from bot.channel import ChannelAddress, ChannelKit, Limits, Receipt, Refused, Retry
from bot.finding import Finding, State
from bot.messages import ConversationId
from bot.parts import Part
from channels.wecom.application import Application
from channels.wecom.outgoing import OutgoingOnly
from channels.wecom.transport import Deadline, hide_secrets_in_http_logs
from channels.wecom_appchat.config import Config
from channels.wecom_appchat.send import LIMITS, Sender

GROUP = "group"
_CURES = {
    "48002": "let the application's visible range be the root department (管理后台 › 应用管理 › the app › 可见范围)",
    "86001": "correct chatid",
    "86003": "correct chatid, or make the group with appchat/create",
    "86008": "another application made this group: put that application's secret, or make a group of this one's own",
}


def build(address: ChannelAddress, config: Config, kit: ChannelKit) -> "WeComAppchatChannel":  # noqa: ARG001 - the border's
    """The channel at ``address``. Opens no connection."""
    hide_secrets_in_http_logs()
    return WeComAppchatChannel(config, kit)


class WeComAppchatChannel(OutgoingOnly):
    """Implements :class:`~bot.channel.Channel`; safe to share between threads."""

    def __init__(self, config: Config, kit: ChannelKit) -> None:
        self._config = config
        self._kit = kit
        # An account of its own: what is wrong with this group must not stop the application's other sends.
        self._application = Application(config.corp_id, config.secret, f"appchat:{config.chatid}", kit)
        self._sender = Sender(config, self._application, kit)

    @property
    def limits(self) -> Limits:
        """Bytes a part and seconds a call (page 90248)."""
        return LIMITS

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:  # noqa: ARG002
        """See :meth:`.Sender.send`; the channel has one group, whatever ``conversation`` names."""
        return self._sender.send(part, key, deadline)

    def link(self, label: str, url: str) -> str:
        """The label and the bare address; no page promises that texts in these groups hold anchors."""
        return f"{label} {url}"

    def examine(self, deadline: float) -> list[Finding]:
        """Whether the group is this application's: ``appchat/get``, which nobody notices (page 90245)."""
        client, until = self._application.client, Deadline(deadline, self._kit.clock)
        query = {"chatid": self._config.chatid}
        try:
            answer = self._application.call(lambda token: client.get("appchat/get", token, query, until), until)
        except (Retry, Refused) as failure:
            detail = f"appchat/get failed ({failure.code})"
            cure = _CURES.get(failure.code, "look the code up: https://open.work.weixin.qq.com/devtool/query")
            return [Finding(name=GROUP, state=State.BROKEN, detail=detail, cure=cure)]
        except redis.RedisError as error:
            detail = f"not tried: the token lies in Redis, which does not answer ({type(error).__name__})"
            return [Finding(name=GROUP, state=State.SKIPPED, detail=detail)]
        info = answer.get("chat_info")
        members = info.get("userlist") if isinstance(info, dict) else None
        number = len(members) if isinstance(members, list) else 0
        return [Finding(name=GROUP, state=State.OK, detail=f"the group is there, with {number} members")]
