"""What the safety desk hears: by message and by mail, until it has arrived, and once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from bot.mail import STEP_S, WITHIN_S, Mailer
from bot.messages import ConversationId
from bot.parts import Card, words_of
from bot.replies import OutboxReply
from bot.safety.cases.case import CaseState
from bot.safety.cases.courier import MAIL_WITHIN_S, POSTED_AGAIN_S, Courier
from bot.safety.cases.notices import NoticeState
from bot.safety.cases.reminders import EVERY_S, Reminders
from bot.safety.cases.rows import row_of
from bot.safety.cases.tables import cases
from bot.texts import Texts
from tests.delivery.conftest import RecordingChannel
from tests.fakes.mail_server import ACCEPTED, MailServer
from tests.safety.cases.conftest import NOW, REPORT, Clinic, make_bot

HOUR_S = 3600.0
BOX = "pv@example.com"


@dataclass
class Desk:
    """The desk of a clinic: its courier, what was posted, and the mail server."""

    clinic: Clinic
    server: MailServer
    url: str = ""
    channel: RecordingChannel = field(default_factory=lambda: RecordingChannel(cards=True))
    posted: list[tuple[ConversationId, OutboxReply]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.courier = self.courier_with(self.url or self.server.url)
        self.reminders = Reminders(self.clinic.cases)

    def courier_with(self, url: str) -> Courier:
        return Courier(
            self.clinic.cases,
            channels={("imaging", "app"): self.channel},
            post=self._post,
            mailer=Mailer(url, "bot@example.com") if url else None,
            texts=Texts(),
        )

    def _post(self, where: ConversationId, reply: OutboxReply) -> bool:
        """As the outbox does: each key once."""
        known = any(reply.key == before.key for _, before in self.posted)
        if not known:
            self.posted.append((where, reply))
        return not known

    def chores(self) -> None:
        self.reminders.remind()
        self.courier.post_messages()
        self.courier.send_mails()

    def passes(self, seconds: float, step_s: float = 10.0) -> None:
        """Time goes by, with the chores that beat orders."""
        until = self.clinic.now + seconds
        while self.clinic.now < until:
            self.clinic.now += step_s
            self.chores()


@pytest.fixture
def desk(clinic: Clinic) -> Iterator[Desk]:
    clinic.bots["imaging"] = make_bot(email=(BOX,), company="示例药业")
    with MailServer() as server:
        yield Desk(clinic, server)


def test_everybody_hears_once(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    for _ in range(3):
        desk.chores()
    ((where, reply),) = desk.posted
    assert (where.person, where.chat, where.channel) == ("pv.chen", "", "app")
    text, card = reply.parts
    assert "病例 1" in words_of(text)
    assert "全身皮疹伴瘙痒" in words_of(text)
    assert isinstance(card, Card)
    assert card.buttons[0].key == "case:1"
    (mail,) = desk.server.mails
    assert desk.server.recipients == [BOX]
    assert "病例 1" in mail["Subject"]
    assert "示例药业" in mail.get_content()
    assert "因果关系由药物警戒人员评价" in mail.get_content()


def test_a_case_is_delivered_when_a_message_has_arrived(desk: Desk) -> None:
    desk.clinic.bots["imaging"] = make_bot()
    desk.clinic.tell(REPORT)
    desk.courier.post_messages()
    assert desk.clinic.case().state is CaseState.OPEN
    desk.courier.concluded(desk.posted[0][1].key, "")
    assert desk.clinic.case().state is CaseState.DELIVERED
    desk.courier.concluded(desk.posted[0][1].key, "")
    assert [event["what"] for event in desk.clinic.cases.history(1)] == ["opened", "notice_arrived"]


def test_a_message_that_was_given_up_is_posted_again(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    desk.courier.post_messages()
    desk.courier.concluded(desk.posted[0][1].key, "60111")
    desk.passes(60)
    assert len(desk.posted) == 2
    assert desk.posted[0][1].key != desk.posted[1][1].key


def test_a_message_whose_outbox_was_lost_is_posted_again(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    desk.courier.post_messages()
    desk.passes(POSTED_AGAIN_S - 20)
    assert len(desk.posted) == 1
    desk.passes(40)
    assert len(desk.posted) == 2


def test_who_dies_between_the_post_and_its_note_posts_under_the_same_key(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.clinic.tell(REPORT)
    with monkeypatch.context() as dying:
        dying.setattr(desk.courier, "_put", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            desk.courier.post_messages()
    desk.courier.post_messages()
    assert len(desk.posted) == 1


def test_two_hours_without_a_mail_server_cost_nothing(desk: Desk) -> None:
    """Row 6: delivered once, nothing lost, nothing twice."""
    desk.server.answer = lambda _recipient: "451 not now"
    desk.clinic.tell(REPORT)
    desk.passes(2 * HOUR_S, 60)
    assert desk.server.mails == []
    desk.server.answer = lambda _recipient: ACCEPTED
    desk.passes(300)
    desk.passes(HOUR_S, 60)
    assert len([mail for mail in desk.server.mails if "新的疑似报告" in mail["Subject"]]) == 1


def test_a_server_that_cannot_be_reached_is_asked_again(desk: Desk) -> None:
    desk.courier = desk.courier_with("smtp://127.0.0.1:1")
    desk.clinic.tell(REPORT)
    desk.chores()
    notices = desk.clinic.cases.notices(1)
    assert "mail not taken: ConnectionRefusedError" in [notice.error for notice in notices]
    desk.courier = desk.courier_with(desk.server.url)
    desk.passes(60)
    assert len(desk.server.mails) == 1


def test_a_mail_that_somebody_is_sending_is_let_alone_until_that_one_must_be_dead(desk: Desk) -> None:
    assert MAIL_WITHIN_S > WITHIN_S + STEP_S, "no call takes longer"
    desk.clinic.tell(REPORT)
    mail = next(notice for notice in desk.clinic.cases.notices(1) if notice.recipient == BOX)
    assert desk.courier._put(mail, NoticeState.SENDING, MAIL_WITHIN_S, tries=1)
    desk.passes(MAIL_WITHIN_S - 10)
    assert desk.server.mails == []
    desk.passes(20)
    assert len(desk.server.mails) == 1


def test_a_mail_without_a_server_waits_for_one(desk: Desk) -> None:
    desk.courier = desk.courier_with("")
    desk.clinic.tell(REPORT)
    desk.chores()
    assert "SMTP_URL is unset" in [notice.error for notice in desk.clinic.cases.notices(1)]
    desk.courier = desk.courier_with(desk.server.url)
    desk.passes(660)
    assert len(desk.server.mails) == 1


def test_where_nobody_can_be_written_to_the_mail_goes_all_the_same(desk: Desk) -> None:
    desk.channel.pushes = False
    desk.clinic.tell(REPORT)
    desk.chores()
    assert desk.posted == []
    assert len(desk.server.mails) == 1


def test_a_channel_without_cards_gets_words(desk: Desk) -> None:
    desk.channel.cards = False
    desk.clinic.tell(REPORT)
    desk.chores()
    assert [type(part).__name__ for part in desk.posted[0][1].parts] == ["Text"]


def test_what_nobody_confirms_is_told_again_to_admins_too(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    desk.passes(4 * HOUR_S - 60, 60)
    assert len(reasons(desk, "alarm")) == 0
    desk.passes(120, 60)
    assert reasons(desk, "alarm") == {"pv.chen", "zhang.wei", BOX}
    desk.passes(4 * HOUR_S, 60)
    assert "alarm:2" in {notice.reason for notice in desk.clinic.cases.notices(1)}


def test_what_is_confirmed_is_not(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    desk.chores()
    desk.clinic.cases.acknowledge(1, "desk:pv.chen")
    desk.passes(9 * HOUR_S, 600)
    assert {notice.reason for notice in desk.clinic.cases.notices(1)} == {"new"}


def test_the_desk_is_reminded_before_a_date(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    desk.clinic.cases.acknowledge(1, "desk:pv.chen")
    due = desk.clinic.case().due_at
    assert due is not None
    found = []
    for days in (4, 2.9, 2, 0.9, -0.1):
        desk.clinic.now = due - days * 24 * HOUR_S
        desk.chores()
        found.append(len(reasons(desk, "due")))
    told = [notice.reason.split(":")[1] for notice in desk.clinic.cases.notices(1) if notice.reason.startswith("due")]
    assert sorted(set(told)) == ["0", "1", "3"]
    assert found[0] == 0
    desk.clinic.cases.close(1, "cli:root")


def test_a_case_past_the_time_for_handing_over_says_so(desk: Desk) -> None:
    desk.clinic.tell(REPORT, at=NOW - 30 * HOUR_S)
    desk.chores()
    assert reasons(desk, "late") == set(), "the desk has just been told of it"
    desk.passes(HOUR_S + EVERY_S, 60)
    assert "pv.chen" in reasons(desk, "late")


def test_a_case_of_another_tenant_is_no_business_of_who_has_the_bot_now(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    desk.clinic.bots["imaging"] = make_bot(desk=["others.pv"], email=["pv@others.example"]).model_copy(
        update={"tenant": "others"}
    )
    desk.passes(5 * HOUR_S, step_s=600)
    assert desk.posted == []
    assert desk.server.mails == []
    assert {notice.error for notice in desk.clinic.cases.notices(1)} == {"no bot"}
    desk.clinic.bots["imaging"] = make_bot(email=(BOX,))
    desk.passes(700, step_s=350)
    assert desk.server.recipients[:1] == [BOX], "it waited for its own bot"


def test_what_nobody_can_be_told_keeps_nobody_else_waiting(desk: Desk) -> None:
    many = [f"pv.{number}" for number in range(510)]
    desk.clinic.bots["imaging"] = make_bot(desk=many)
    desk.clinic.tell(REPORT)
    desk.clinic.now += 1
    desk.clinic.bots["imaging"] = make_bot()
    desk.clinic.tell(REPORT, person="zhao.min")
    with desk.clinic.database.write() as connection:
        connection.execute(cases.update().where(cases.c.number == 1).values(bot="removed"))
    desk.chores()
    desk.chores()
    assert "pv.chen" in {where.person for where, _ in desk.posted}


def test_however_many_cases_nobody_has_closed_the_newest_is_reminded_of(desk: Desk) -> None:
    desk.clinic.tell(REPORT)
    first = desk.clinic.cases.acknowledge(1, "desk:pv.chen")
    assert first is not None
    with desk.clinic.database.write() as connection:
        connection.execute(cases.insert(), [row_of(replace(first, reporter=f"r{n}")) for n in range(1100)])
    newest = desk.clinic.tell("吃了示影灵头晕", person="zhao.min").case.number
    desk.clinic.now += 4 * HOUR_S + 1
    desk.reminders.remind()
    assert "alarm:1" in {notice.reason for notice in desk.clinic.cases.notices(newest)}


def reasons(desk: Desk, name: str) -> set[str]:
    """Who was told for that reason."""
    notices = desk.clinic.cases.notices(1)
    return {notice.recipient for notice in notices if notice.reason.partition(":")[0] == name}
