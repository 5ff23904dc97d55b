"""Slow chores of a worker, every ten seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from bot.alerts import Alerts
from bot.audit.log import AuditLog
from bot.broadcasts import Broadcasts
from bot.commands.tools import Tools
from bot.correcting import Correcting
from bot.handoff.desk import Desk, Notice
from bot.handoff.overload import overload_notices
from bot.inbox import Inbox
from bot.live import Live
from bot.messages import ConversationId
from bot.overload import Overload
from bot.parts import Text
from bot.quiet_hours import QuietHours
from bot.replies import OutboxReply
from bot.safety.cases.register import Cases
from bot.switches import Switches
from bot.texts import Texts
from bot.weekly_digest import WeeklyDigest

Post = Callable[[ConversationId, OutboxReply], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Upkeep:
    """``post`` puts a reply into the outbox of a conversation."""

    live: Live
    inbox: Inbox
    desk: Desk
    overload: Overload
    alerts: Alerts
    switches: Switches
    digest: WeeklyDigest
    broadcasts: Broadcasts
    correcting: Correcting
    audit: AuditLog
    texts: Texts
    post: Post

    def work(self) -> None:
        """Alert operators; tell people for whom nobody came; correct the counts of waiting messages; tell admins of an
        overload; begin digests that are due and go on with what is said to many; anchor the audit log.

        Alerts come first: one of them may be about what ends the rest with :class:`~bot.errors.Unavailable`.
        """
        with self.live.pinned():
            self.alerts.tell()
            for ticket, notices in self.desk.overdue():
                for notice in notices:
                    self._notify(notice)
                self.desk.tickets.unanswered(ticket)
        waiting = self.inbox.recount(self.live.bots)
        with self.live.pinned():
            for notice in overload_notices(self.overload, self.live.bots, waiting, self.desk, self.texts):
                self._notify(notice)
            self.switches.publish()
            self.digest.begin()
        self.broadcasts.go_on(self.post, lambda to: self.switches.stopping(to) is not None)
        with self.live.pinned():
            self.correcting.go_on(self.post)
        self.audit.anchor_if_due()

    def _notify(self, notice: Notice) -> None:
        self.post(notice.conversation, OutboxReply(key=notice.key, parts=(Text(notice.text),), created_at=time.time()))


def build_upkeep(
    client: "redis.Redis",
    *,
    live: Live,
    inbox: Inbox,
    desk: Desk,
    cases: Cases,
    switches: Switches,
    tools: Tools,
    audit: AuditLog,
    index_state: Callable[[], str],
    post: Post,
) -> Upkeep:
    """The chores of an installation; ``index_state`` as in :class:`bot.alerts.Alerts`."""
    return Upkeep(
        live=live,
        inbox=inbox,
        desk=desk,
        overload=Overload(client),
        alerts=Alerts(
            client, bots=live.bots, index_state=index_state, unseen=cases.unseen, texts=tools.texts, post=post
        ),
        switches=switches,
        digest=WeeklyDigest(
            client,
            channels=live.channels,
            digests=tools.digests,
            broadcasts=tools.broadcasts,
            quiet=QuietHours(live.bots, tools.timezone),
            audit=audit.append,
        ),
        broadcasts=tools.broadcasts,
        correcting=tools.correcting,
        audit=audit,
        texts=tools.texts,
        post=post,
    )
