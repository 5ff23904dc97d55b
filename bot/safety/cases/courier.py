"""What the safety desk hears: messages through the outbox, mails through a server, and who has confirmed.

Everything to be told lies in SQL first (:mod:`.notices`) and is tried until it has arrived. A message is posted in the
turn that made it; a mail, and what could not be done then, follows in the task :data:`bot.task_queue.CASES_TASK`.
"""

import zlib
from collections.abc import Callable, Mapping

import structlog

from bot import telemetry
from bot.bots_file import BotConfig
from bot.channel import Channel
from bot.errors import MailError
from bot.events import CardClick
from bot.handoff.reach import Reach
from bot.mail import Mailer
from bot.messages import ConversationId, MessageKind
from bot.parts import Button, Card, CardUpdate, Part, Text
from bot.replies import OutboxReply
from bot.safety.cases.case import Case
from bot.safety.cases.desk_words import DeskWords
from bot.safety.cases.ledger import DESK, Writing, desk_for
from bot.safety.cases.notices import (
    CASE_KEY,
    CaseNotice,
    Medium,
    NoticeState,
    change_notice,
    due_notices,
    notice_called,
    wait_after,
)
from bot.safety.cases.register import Cases
from bot.splitting import split_text
from bot.texts import Texts
from bot.turn import Turn

log = structlog.get_logger()

POSTED_AGAIN_S = 1800.0
"""A message whose fate nobody has told for so long is posted once more: its outbox was lost."""
MAIL_WITHIN_S = 90.0
"""A mail that is being sent is let alone for so long, longer than a call can take; then its sender has died."""
_UNREACHABLE_AGAIN_S = 600.0

Post = Callable[[ConversationId, OutboxReply], bool]


class Courier:
    """``post`` puts a message into a conversation's outbox, ``mailer`` sends mails (``None``: no server is set).

    Methods raise :class:`~bot.errors.Unavailable` when the database or Redis does not answer.
    """

    def __init__(
        self,
        cases: Cases,
        *,
        channels: Mapping[tuple[str, str], Channel],
        post: Post,
        mailer: Mailer | None,
        texts: Texts,
    ) -> None:
        self._cases = cases
        self._ledger = cases.ledger
        self._channels = channels
        self._reach = Reach(cases.ledger.bots, channels)
        self._post = post
        self._mailer = mailer
        self._texts = texts
        self._words = DeskWords(cases, texts)

    def post_messages(self, case_number: int | None = None) -> int:
        """Put into the outboxes what the desk has to hear, of one case or of all; returns how many."""
        now = self._ledger.clock()
        with self._ledger.database.read() as connection:
            due = due_notices(connection, now, Medium.CHAT, case_number)
        return sum(self._post_one(notice) for notice in due)

    def send_mails(self) -> int:
        """Send the mails that are due; returns how many the server took."""
        with self._ledger.database.read() as connection:
            due = due_notices(connection, self._ledger.clock(), Medium.MAIL)
        return sum(self._send_one(notice) for notice in due)

    def concluded(self, key: str, failure: str) -> None:
        """The outbox has delivered what was posted under ``key``, or given it up for the reason ``failure``."""
        with self._ledger.write() as writing:
            notice = notice_called(writing.connection, key.rpartition("#")[0])
            if notice is None or notice.state is NoticeState.ARRIVED:
                return
            if not failure:
                self._arrived(writing, notice)
                return
            telemetry.count("case_notice", medium=Medium.CHAT, outcome="failed")
            again = self._ledger.clock() + wait_after(notice.tries)
            values = {"state": NoticeState.WAITING.value, "not_before": again, "error": failure[:128]}
            change_notice(writing.connection, notice, expected=[NoticeState.POSTED], **values)

    def pressed(self, turn: Turn) -> tuple[Part, ...] | None:
        """What becomes of the card that somebody of the desk pressed; ``None`` for any other event."""
        click = turn.messages[0].event if turn.messages[0].kind is MessageKind.EVENT else None
        if not isinstance(click, CardClick):
            return None
        kind, _, number = click.key.partition(":")
        if kind != CASE_KEY or not number.isdecimal():
            return None
        case = self._acknowledged(turn, int(number))
        key = "case_card_refused" if case is None else "case_card_done"
        label = self._texts.say(key, turn.language, number=number)
        return (CardUpdate(click.task_id, click.response_code, label),) if click.response_code else ()

    def _acknowledged(self, turn: Turn, number: int) -> Case | None:
        """The case, confirmed by who pressed, if they are of its desk."""
        person, bot = turn.conversation.person, turn.bot
        case = self._cases.get(number)
        desk = (*desk_for(bot, case), *bot.admins) if case else ()
        of_desk = person.casefold() in {name.casefold() for name in desk}
        if case is None or not of_desk or case.bot != bot.id or case.tenant != bot.tenant:
            log.warning("case_not_acknowledged", bot=bot.id, case=number, person=person)
            return None
        return self._cases.acknowledge(number, f"{DESK}{person}")

    def _post_one(self, notice: CaseNotice) -> bool:
        case, bot = self._about(notice)
        if case is None or bot is None:
            return False
        where = self._chat_with(bot, notice.recipient)
        if where is None:
            telemetry.count("degraded", what="desk_unreachable")
            log.error("desk_unreachable", case=case.number, bot=bot.id, cure="give the bot a wecom-app channel")
            self._put(notice, NoticeState.WAITING, _UNREACHABLE_AGAIN_S, error="no channel")
            return False
        tries = notice.tries + 1
        parts = self._parts(notice, case, bot, where)
        self._post(where, OutboxReply(key=f"{notice.id}#{tries}", parts=parts, created_at=self._ledger.clock()))
        self._put(notice, NoticeState.POSTED, POSTED_AGAIN_S, tries=tries)
        telemetry.count("case_notice", medium=Medium.CHAT, outcome="posted")
        return True

    def _about(self, notice: CaseNotice) -> tuple[Case | None, BotConfig | None]:
        """The case that ``notice`` is about, and its bot; without one it waits, and keeps no other from its turn."""
        case = self._cases.get(notice.case_number)
        bot = self._ledger.bot_of(case) if case else None
        if bot is None:
            telemetry.count("degraded", what="desk_without_bot")
            log.error("desk_without_bot", case=notice.case_number, cure="configure the bot of the case again")
            self._put(notice, NoticeState.WAITING, _UNREACHABLE_AGAIN_S, error="no bot")
        return case, bot

    def _put(self, notice: CaseNotice, state: NoticeState, wait_s: float, **values: object) -> bool:
        """Write down how ``notice`` stands, unless somebody else was quicker."""
        with self._ledger.database.write() as connection:
            until = self._ledger.clock() + wait_s
            return change_notice(
                connection, notice, expected=[notice.state], state=state.value, not_before=until, **values
            )

    def _chat_with(self, bot: BotConfig, person: str) -> ConversationId | None:
        anywhere = ConversationId(bot=bot.id, channel=next(iter(bot.channels)), person="")
        return self._reach.staff(anywhere, person)

    def _parts(self, notice: CaseNotice, case: Case, bot: BotConfig, where: ConversationId) -> tuple[Part, ...]:
        """What is to be told, in pieces that the channel takes, and a card to confirm it where it has cards."""
        limits = self._channels[where.bot, where.channel].limits
        text = self._words.text(notice.reason, case, bot)
        parts: list[Part] = [Text(piece) for piece in split_text(text, limits.text_bytes)]
        card = Card(
            task_id=f"case_{case.number}_{notice.tries}_{zlib.crc32(notice.id.encode()):08x}",
            title=self._texts.say("case_card_title", bot.language, number=case.number),
            buttons=(Button(self._texts.say("case_card_button", bot.language), f"{CASE_KEY}:{case.number}"),),
        )
        if case.acknowledged_at is None and limits.shows(card):
            parts.append(card)
        return tuple(parts)

    def _send_one(self, notice: CaseNotice) -> bool:
        """One mail; the row is claimed first, so that nobody else sends it meanwhile."""
        case, bot = self._about(notice)
        if case is None or bot is None:
            return False
        if self._mailer is None:
            telemetry.count("degraded", what="mail_without_server")
            log.error("mail_without_server", case=case.number, bot=bot.id, cure="set SMTP_URL")
            self._put(notice, NoticeState.WAITING, _UNREACHABLE_AGAIN_S, error="SMTP_URL is unset")
            return False
        if notice.state is NoticeState.SENDING:
            telemetry.count("case_notice", medium=Medium.MAIL, outcome="unknown")
        if not self._put(notice, NoticeState.SENDING, MAIL_WITHIN_S, tries=notice.tries + 1):
            return False
        subject, body = self._words.mail(notice.reason, case, bot)
        try:
            self._mailer.send(notice.recipient, subject, body, notice.id)
        except MailError as error:
            telemetry.count("case_notice", medium=Medium.MAIL, outcome="unknown" if error.perhaps else "failed")
            log.error("mail_not_sent", case=case.number, error=str(error), tries=notice.tries + 1)
            self._after(notice, error=str(error)[:128])
            return False
        self._after(notice, error="")
        return True

    def _after(self, claimed: CaseNotice, *, error: str) -> None:
        """Write down how the mail ended that this process has claimed."""
        with self._ledger.write() as writing:
            notice = notice_called(writing.connection, claimed.id)
            if notice is None or notice.state is not NoticeState.SENDING or notice.tries != claimed.tries + 1:
                return  # somebody else has it by now
            if not error:
                self._arrived(writing, notice)
                return
            again = self._ledger.clock() + wait_after(notice.tries)
            values = {"state": NoticeState.WAITING.value, "not_before": again, "error": error}
            change_notice(writing.connection, notice, expected=[NoticeState.SENDING], **values)

    def _arrived(self, writing: Writing, notice: CaseNotice) -> None:
        values = {"state": NoticeState.ARRIVED.value, "arrived_at": self._ledger.clock(), "error": ""}
        if change_notice(writing.connection, notice, expected=[notice.state], **values):
            self._cases.arrived(writing, notice)
            telemetry.count("case_notice", medium=notice.medium, outcome="arrived")
