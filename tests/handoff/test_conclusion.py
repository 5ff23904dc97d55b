"""A reply has arrived or not: what is kept of it, and who hears that it did not."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bot.account import ALLOWANCE_USED, HUMAN_SERVES, SESSION_OVER
from bot.conclusion import Conclusion
from bot.handoff.tickets import TicketState
from bot.messages import ConversationId
from bot.parts import Part, Stream, Text, words_of
from bot.records.turns import TurnRecord
from bot.replies import TAKEN_OVER, WITHDRAWN, Delivery, OutboxReply
from bot.texts import Texts
from tests.handoff.office import Office, make_bot

DOCTOR = ConversationId(bot="imaging", channel="app", person="dr.wang")
SERVICER = ConversationId(bot="imaging", channel="app", person="li.na")
PARTS: tuple[Part, ...] = (Text("第一段"), Text("第二段"))
RECORD = TurnRecord(
    id="abcdefghij0123456789",
    bot="imaging",
    tenant="academy",
    conversation=DOCTOR.key,
    person=DOCTOR.person,
    asked_at=1_800_000_000.0,
    answered_at=1_800_000_001.0,
    message_ids=("m1",),
    question="核磁能做吗",
    step="compose",
    kind="faq",
    answer="第一段第二段",
)


@dataclass
class Aftermath:
    """Concludes deliveries of an office and notes what follows."""

    office: Office
    posted: list[tuple[ConversationId, OutboxReply]] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def conclude(
        self,
        *,
        sent: int,
        failure: str = "",
        record: str = "",
        author: str = "",
        unknown: int = 0,
        parts: tuple[Part, ...] = PARTS,
    ) -> None:
        conclusion = Conclusion(
            records=self.office.records,
            desk=self.office.desk,
            texts=Texts(),
            bots={bot.id: bot for bot in self.office.bots},
            post=self._post,
            count=lambda event, **_labels: self.counted.append(event),
            clock=lambda: self.office.now,
        )
        reply = OutboxReply(key=RECORD.id, parts=parts, created_at=self.office.now, record=record, author=author)
        ids = tuple(f"id{n}" for n in range(sent))
        conclusion.conclude(DOCTOR, Delivery(reply=reply, sent=sent, message_ids=ids, unknown=unknown, failure=failure))

    def _post(self, conversation: ConversationId, reply: OutboxReply) -> bool:
        self.posted.append((conversation, reply))
        return True

    def heard(self, person: str) -> str:
        """What ``person`` was told."""
        replies = [reply for conversation, reply in self.posted if conversation.person == person]
        return "\n".join(words_of(part) for reply in replies for part in reply.parts)

    def kept(self) -> TurnRecord:
        record = self.office.records.get(RECORD.id)
        assert record is not None
        return record


@pytest.fixture
def aftermath(office: Office) -> Aftermath:
    return Aftermath(office)


def test_what_arrived_is_recorded_and_nothing_more_is_said(aftermath: Aftermath) -> None:
    aftermath.conclude(sent=2, record=RECORD.encode(), unknown=1)
    kept = aftermath.kept()
    assert (kept.parts, kept.parts_sent, kept.platform_ids, kept.unknown_sends) == (2, 2, ("id0", "id1"), 1)
    assert kept.failure == ""
    assert (aftermath.posted, aftermath.counted) == ([], [])


def test_what_arrived_in_part_is_recorded_as_such_and_apologised_for(aftermath: Aftermath) -> None:
    aftermath.conclude(sent=1, failure="60111", record=RECORD.encode())
    kept = aftermath.kept()
    assert (kept.parts, kept.parts_sent, kept.platform_ids, kept.failure) == (2, 1, ("id0",), "60111")
    assert aftermath.counted == ["reply_dead"]
    assert {conversation.person for conversation, _ in aftermath.posted} == {"dr.wang", "li.na", "wu.min"}
    assert "抱歉" in aftermath.heard("dr.wang")
    assert "60111" in aftermath.heard("li.na")
    assert "核磁能做吗" in aftermath.heard("li.na")
    assert not aftermath.office.silent("dr.wang"), "the bot goes on answering"


def test_who_asked_from_what_was_withdrawn_is_told_to_ask_again_and_no_human_is_called(aftermath: Aftermath) -> None:
    aftermath.conclude(sent=1, failure=WITHDRAWN, record=RECORD.encode())
    assert "已撤下或更新" in aftermath.heard("dr.wang")
    assert aftermath.heard("li.na") == ""
    assert aftermath.kept().failure == WITHDRAWN


def test_who_was_let_go_meanwhile_by_the_human_who_took_them_over_hears_that_it_did_not_arrive(
    aftermath: Aftermath,
) -> None:
    aftermath.conclude(sent=0, failure=TAKEN_OVER, record=RECORD.encode())
    assert "没能送达" in aftermath.heard("dr.wang")


@pytest.mark.parametrize("failure", [WITHDRAWN, "60111"])
@pytest.mark.parametrize(("sent", "waits"), [(0, True), (1, False)])
def test_the_bubble_that_waits_for_what_was_given_up_ends_with_the_word_in_its_place(
    aftermath: Aftermath, failure: str, sent: int, *, waits: bool
) -> None:
    parts = (Stream("第一段", "s1"), Text("第二段"))
    aftermath.conclude(sent=sent, failure=failure, record=RECORD.encode(), parts=parts)
    (said,) = next(reply for conversation, reply in aftermath.posted if conversation == DOCTOR).parts
    assert isinstance(said, Stream) is waits
    assert not waits or (isinstance(said, Stream) and said.stream_id == "s1")


def test_concluding_again_says_nothing_new(aftermath: Aftermath) -> None:
    for _ in range(2):
        aftermath.conclude(sent=0, failure="60111", record=RECORD.encode())
    names = [(conversation.person, reply.key) for conversation, reply in aftermath.posted]
    assert len(set(names)) == 3
    assert names[:3] == names[3:]


def test_the_author_of_words_that_did_not_arrive_hears_which(aftermath: Aftermath) -> None:
    aftermath.conclude(sent=1, failure="60111", author=SERVICER.key)
    ((conversation, reply),) = aftermath.posted
    assert (conversation, reply.record, reply.author) == (SERVICER, "", "")
    words = aftermath.heard("li.na")
    assert "60111" in words
    assert "第二段" in words
    assert "第一段" not in words, "the person has it"


def test_the_author_of_words_that_arrived_hears_nothing(aftermath: Aftermath) -> None:
    aftermath.conclude(sent=2, author=SERVICER.key)
    assert aftermath.posted == []


def test_a_notice_that_did_not_arrive_is_counted_and_starts_no_round_of_notices(aftermath: Aftermath) -> None:
    aftermath.conclude(sent=0, failure="no_response_url")
    assert aftermath.counted == ["reply_dead"]
    assert aftermath.posted == []


def test_a_dead_answer_of_a_bot_that_left_the_configuration_is_recorded(open_office: Callable[..., Office]) -> None:
    aftermath = Aftermath(open_office(make_bot("other")))
    aftermath.conclude(sent=0, failure="60111", record=RECORD.encode())
    assert aftermath.kept().failure == "60111"
    assert aftermath.posted == []


@pytest.mark.parametrize("code", [SESSION_OVER, ALLOWANCE_USED])
def test_who_cannot_be_written_to_hears_no_apology_and_the_staff_hear_of_them(aftermath: Aftermath, code: str) -> None:
    aftermath.conclude(sent=1, failure=code, record=RECORD.encode())
    assert {conversation.person for conversation, _ in aftermath.posted} == {"li.na", "wu.min"}
    assert code in aftermath.heard("li.na")


def test_whom_a_human_has_is_in_good_hands(aftermath: Aftermath) -> None:
    """The platform's own desk, which got the person by itself: a ticket silences the bot, and the staff read what it
    would have said; again, nothing follows."""
    for _ in range(2):
        aftermath.conclude(sent=0, failure=HUMAN_SERVES, record=RECORD.encode())
    assert aftermath.kept().failure == HUMAN_SERVES
    assert {conversation.person for conversation, _ in aftermath.posted} == {"li.na", "wu.min"}
    assert len({reply.key for _, reply in aftermath.posted}) == 2, "the outbox takes each once"
    assert RECORD.answer in aftermath.heard("li.na")
    ticket = aftermath.office.tickets.get("imaging", 1)
    assert ticket is not None
    assert ticket.state is TicketState.WAITING


def test_whom_a_human_had_already_is_nobodys_news(aftermath: Aftermath) -> None:
    aftermath.office.tickets.open(DOCTOR, "academy", "another-turn", "", silent=True)
    aftermath.conclude(sent=0, failure=HUMAN_SERVES, record=RECORD.encode())
    assert aftermath.posted == []
