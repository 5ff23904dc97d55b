"""The :class:`~bot.channel.Channel` of a group that the application made: sends out, and nothing else."""

from collections.abc import Sequence

from bot.channel import ChannelAddress, ChannelKit, Limits, Receipt
from bot.finding import Finding
from bot.messages import ConversationId
from bot.parts import Part
from channels.wecom.application import Application
from channels.wecom.outgoing import OutgoingOnly
from channels.wecom.transport import Deadline, hide_secrets_in_http_logs
from channels.wecom_appchat.config import Config
from channels.wecom_appchat.group import Group
from channels.wecom_appchat.send import LIMITS, Sender


def build(address: ChannelAddress, config: Config, kit: ChannelKit) -> "WeComAppchatChannel":  # noqa: ARG001 - the border's
    """The channel at ``address``. Opens no connection."""
    hide_secrets_in_http_logs()
    return WeComAppchatChannel(config, kit)


class WeComAppchatChannel(OutgoingOnly):
    """Implements :class:`~bot.channel.Channel` and :class:`~bot.group_making.GroupMaker`; safe to share between
    threads."""

    def __init__(self, config: Config, kit: ChannelKit) -> None:
        self._kit = kit
        # An account of its own: what is wrong with this group must not stop the application's other sends.
        application = Application(config.corp_id, config.secret, f"appchat:{config.chatid}", kit)
        self._sender = Sender(config, application, kit)
        self._group = Group(config.chatid, application)

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
        """See :meth:`.Group.examine`."""
        return [self._group.examine(self._until(deadline))]

    def make_group(self, name: str, owner: str, members: Sequence[str], deadline: float) -> Finding:
        """See :meth:`.Group.make`."""
        return self._group.make(name, owner, members, self._until(deadline))

    def change_group(
        self, *, name: str, owner: str, add: Sequence[str], remove: Sequence[str], deadline: float
    ) -> Finding:
        """See :meth:`.Group.change`."""
        return self._group.change(name=name, owner=owner, add=add, remove=remove, deadline=self._until(deadline))

    def _until(self, deadline: float) -> Deadline:
        return Deadline(deadline, self._kit.clock)
