"""The :class:`~bot.channel.Channel` of a group robot: sends out, and nothing else."""

from bot.channel import ChannelAddress, ChannelKit, Limits, Receipt
from bot.finding import Finding
from bot.messages import ConversationId
from bot.parts import Part
from channels.wecom.outgoing import OutgoingOnly
from channels.wecom.transport import Deadline, hide_secrets_in_http_logs
from channels.wecom_robot.config import Config
from channels.wecom_robot.examine import examine
from channels.wecom_robot.send import LIMITS, Sender
from channels.wecom_robot.webhook import Webhook


def build(address: ChannelAddress, config: Config, kit: ChannelKit) -> "WeComRobotChannel":  # noqa: ARG001 - the border's
    """The channel at ``address``. Opens no connection."""
    hide_secrets_in_http_logs()
    return WeComRobotChannel(config, kit)


class WeComRobotChannel(OutgoingOnly):
    """Implements :class:`~bot.channel.Channel`; safe to share between threads."""

    def __init__(self, config: Config, kit: ChannelKit) -> None:
        self._kit = kit
        self._webhook = Webhook(config.key, kit)
        self._sender = Sender(config, self._webhook, kit)

    @property
    def limits(self) -> Limits:
        """Bytes a part and seconds a call (page 99110)."""
        return LIMITS

    def send(self, conversation: ConversationId, part: Part, key: str, deadline: float) -> Receipt:  # noqa: ARG002
        """See :meth:`.Sender.send`; a robot has one group, whatever ``conversation`` names."""
        return self._sender.send(part, key, deadline)

    def link(self, label: str, url: str) -> str:
        """The label and the bare address: texts of a robot hold no anchors (page 99110)."""
        return f"{label} {url}"

    def examine(self, deadline: float) -> list[Finding]:
        """See :func:`.examine.examine`."""
        return examine(self._webhook, Deadline(deadline, self._kit.clock))
