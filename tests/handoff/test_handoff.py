"""A human is wanted, comes, leaves, or does not come."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy.exc import IntegrityError

from bot.errors import InputError
from bot.handoff.tickets import TicketState, tickets
from bot.messages import ConversationId, MessageKind
from tests.handoff.office import WAIT_S, Office, make_bot, make_message, told

DOCTOR = ConversationId(bot="imaging", channel="app", person="dr.wang")


def test_the_person_and_every_servicer_hear_of_a_wish_for_a_human(office: Office) -> None:
    office.remember(
        "dr.wang", "碘对比剂过敏怎么办", "抱歉，没有找到依据。\n\n来源\n[1] [题](https://bot.example/source/x)"
    )
    outcome = office.hear("dr.wang", "转人工")
    assert "工单 1" in outcome.text
    assert "30 分钟" in outcome.text
    heard = told(outcome.notices)
    assert set(heard) == {"li.na", "wu.min"}
    for words in ("【人工工单 1】dr.wang", "碘对比剂过敏怎么办", "没有找到依据", "/reply 1 ", "/release 1"):
        assert words in heard["li.na"]
    assert "bot.example" not in heard["li.na"], "the link was made for the asker"
    assert outcome.notices[0].conversation == ConversationId(bot="imaging", channel="app", person="li.na")
    assert office.silent("dr.wang")
    assert not office.silent("dr.li")


def test_a_turn_that_runs_again_says_the_same_and_opens_nothing_new(office: Office) -> None:
    first = office.hear("dr.wang", "/human", turn_id="turn")
    again = office.hear("dr.wang", "/human", turn_id="turn")
    assert again == first
    later = office.hear("dr.wang", "/human")
    assert "工单 1 正在处理中" in later.text
    assert {notice.key for notice in later.notices}.isdisjoint(notice.key for notice in first.notices)


def test_without_servicers_the_bot_goes_on_and_the_admins_learn_of_it(open_office: Callable[..., Office]) -> None:
    office = open_office(make_bot(servicers=[]))
    outcome = office.hear("dr.wang", "人工", turn_id="turn")
    assert "没有人工客服值守" in outcome.text
    assert list(told(outcome.notices)) == ["zhang.wei"]
    assert office.hear("dr.wang", "人工", turn_id="turn") == outcome
    assert office.hear("dr.wang", "人工").notices == ()
    assert not office.silent("dr.wang")
    office.now += WAIT_S * 2
    assert list(office.desk.overdue()) == []
    assert office.state(1) is TicketState.REGISTERED
    assert told(office.hear("zhang.wei", "/reply 1 您好").notices) == {"dr.wang": "人工客服：您好"}


def test_a_human_answers_and_the_words_go_both_ways(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    outcome = office.hear("LI.NA", "/reply 1 请稍等，\n我来查")
    assert told(outcome.notices) == {"dr.wang": "人工客服：请稍等，\n我来查"}
    assert outcome.text == "已转给对方（工单 1）。"
    assert told(office.relay("dr.wang", "好的")) == {"LI.NA": "【工单 1】dr.wang：好的"}
    assert told(office.relay("dr.wang", "", MessageKind.IMAGE)) == {"LI.NA": "【工单 1】dr.wang：（发来图片）"}


def test_an_admin_may_serve_as_well(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.hear("zhang.wei", "/takeover 1")
    assert list(told(office.relay("dr.wang", "在吗"))) == ["zhang.wei"]


def test_words_go_to_everybody_when_the_one_who_served_no_longer_may(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.hear("li.na", "/reply 1 您好")
    office.bot = make_bot(servicers=["wu.min"])
    assert list(told(office.relay("dr.wang", "在吗"))) == ["wu.min"]


def test_nobody_comes_and_the_person_is_told_once(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.now += WAIT_S - 1
    assert list(office.desk.overdue()) == []
    office.now += 1
    [(ticket, notices)] = office.desk.overdue()
    heard = told(notices)
    assert "30 分钟内没有人工回复" in heard["dr.wang"]
    assert set(heard) == {"dr.wang", "li.na", "wu.min"}
    [(_, of_another_sweeper)] = office.desk.overdue()
    assert of_another_sweeper == notices
    office.tickets.unanswered(ticket)
    office.tickets.unanswered(ticket)
    assert list(office.desk.overdue()) == []
    assert not office.silent("dr.wang")
    assert office.state(1) is TicketState.UNANSWERED


def test_a_human_who_comes_after_all_takes_the_same_ticket(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.now += WAIT_S
    [(ticket, _)] = office.desk.overdue()
    office.tickets.unanswered(ticket)
    assert told(office.hear("li.na", "/reply 1 来了").notices) == {"dr.wang": "人工客服：来了"}
    assert office.silent("dr.wang")


def test_a_human_who_answers_just_before_the_sweeper_notes_it_keeps_the_ticket(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.now += WAIT_S
    [(ticket, _)] = office.desk.overdue()
    office.hear("li.na", "/reply 1 来了")
    office.tickets.unanswered(ticket)
    assert office.state(1) is TicketState.SERVED


def test_a_turn_that_runs_again_after_nobody_came_does_not_wait_anew(office: Office) -> None:
    first = office.hear("dr.wang", "转人工", turn_id="turn")
    office.now += WAIT_S
    [(ticket, _)] = office.desk.overdue()
    office.tickets.unanswered(ticket)
    assert told(office.hear("dr.wang", "转人工", turn_id="turn").notices) == told(first.notices)
    assert not office.silent("dr.wang")


def test_a_wish_after_nobody_came_waits_anew_on_the_same_ticket(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.now += WAIT_S
    [(ticket, first)] = office.desk.overdue()
    office.tickets.unanswered(ticket)
    outcome = office.hear("dr.wang", "转人工")
    assert "已为您转接人工（工单 1）" in outcome.text
    assert len(outcome.notices) == 2
    office.now += WAIT_S
    [(_, second)] = office.desk.overdue()
    assert {notice.key for notice in first}.isdisjoint(notice.key for notice in second)


def test_a_served_person_who_waits_for_the_next_word_is_told_too(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.hear("li.na", "/reply 1 您好")
    office.now += WAIT_S * 3
    assert list(office.desk.overdue()) == []
    office.relay("dr.wang", "还有一个问题")
    office.now += WAIT_S / 2
    office.relay("dr.wang", "在吗")
    office.now += WAIT_S / 2
    [(ticket, notices)] = office.desk.overdue()
    assert set(told(notices)) == {"dr.wang", "li.na"}
    office.hear("li.na", "/reply 1 在的")
    assert list(office.desk.overdue()) == []
    assert ticket.number == 1


def test_taking_over_tells_the_person_and_the_colleagues_and_owes_a_word(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    assert set(told(office.hear("wu.min", "/takeover 1").notices)) == {"dr.wang", "li.na"}
    office.hear("li.na", "/takeover 1")
    outcome = office.hear("wu.min", "/takeover 1")
    assert set(told(outcome.notices)) == {"dr.wang", "li.na"}
    assert "人工同事已接手" in told(outcome.notices)["dr.wang"]
    assert list(told(office.relay("dr.wang", "好"))) == ["wu.min"]
    office.now += WAIT_S
    assert len(list(office.desk.overdue())) == 1


def test_who_takes_over_hears_it_once_however_the_name_is_written(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    assert set(told(office.hear("LI.NA", "/takeover 1").notices)) == {"dr.wang", "wu.min"}


def test_only_a_service_that_has_ended_can_be_rated(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.tickets.rate(DOCTOR, 1, 3)
    waiting = office.tickets.get("imaging", 1)
    assert waiting is not None
    assert waiting.satisfaction is None
    office.hear("li.na", "/release 1")
    office.tickets.rate(DOCTOR, 1, 3)
    ended = office.tickets.get("imaging", 1)
    assert ended is not None
    assert ended.satisfaction == 3


def test_release_gives_the_conversation_back_once(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    office.hear("li.na", "/reply 1 您好")
    outcome = office.hear("li.na", "/release 1", turn_id="turn")
    assert "由我继续为您服务" in told(outcome.notices)["dr.wang"]
    assert office.hear("li.na", "/release 1", turn_id="turn") == outcome
    assert not office.silent("dr.wang")
    for command in ("/release 1", "/takeover 1", "/reply 1 还有"):
        late = office.hear("wu.min", command)
        assert (late.text, late.notices) == ("工单 1 已结束，不能再操作。", ())
    assert "（工单 2）" in office.hear("dr.wang", "转人工").text


def test_a_ticket_released_a_moment_ago_cannot_be_revived(office: Office) -> None:
    office.hear("dr.wang", "转人工")
    seen_before = office.desk.ticket_of(DOCTOR)
    assert seen_before is not None
    office.hear("li.na", "/release 1")
    with pytest.raises(InputError, match="ticket_closed"):
        office.tickets.human_wrote(seen_before, "wu.min")
    office.tickets.person_wrote(seen_before)
    assert office.state(1) is TicketState.RELEASED


def test_a_failure_is_registered_and_the_bot_goes_on(office: Office) -> None:
    outcome = office.desk.failed(office.bot, DOCTOR, "turn", "81013", "核磁能做吗")
    assert set(told(outcome.notices)) == {"li.na", "wu.min"}
    assert "核磁能做吗" in outcome.text
    assert office.desk.failed(office.bot, DOCTOR, "turn", "81013", "核磁能做吗") == outcome
    assert not office.silent("dr.wang")
    assert "（工单 1）" in office.hear("dr.wang", "转人工").text
    assert office.silent("dr.wang")


def test_a_person_who_writes_english_is_told_in_english(office: Office) -> None:
    office.remember("dr.wang", "How long must the patient fast?", "Sorry.")
    office.hear("dr.wang", "/human")
    assert told(office.hear("li.na", "/reply 1 你好").notices) == {"dr.wang": "Human agent: 你好"}
    assert "has ended" in told(office.hear("li.na", "/release 1").notices)["dr.wang"]


def test_what_concerns_one_person_is_not_said_in_a_group(office: Office) -> None:
    group = ConversationId(bot="imaging", channel="app", person="dr.wang", chat="g1")
    message = make_message("dr.wang", "转人工")
    ticket, opened = office.tickets.open(group, "academy", "turn", "", silent=True)
    assert opened
    assert [notice.conversation.chat for notice in office.desk.relay(office.bot, ticket, [message], "t")] == ["", ""]
    author = ConversationId(bot="imaging", channel="app", person="li.na")
    said = office.desk.human_says(ticket, "您好", "t2", author)
    assert (said.conversation, said.author) == (DOCTOR, author)


@pytest.mark.parametrize("state", [TicketState.RELEASED, TicketState.SERVED])
def test_what_a_human_does_to_a_ticket_at_that_moment_is_not_undone(office: Office, state: TicketState) -> None:
    office.tickets.open(DOCTOR, "academy", "first", "", silent=False)
    with ThreadPoolExecutor(1) as person:
        with office.database.write() as connection:
            connection.execute(tickets.update().values(state=state, servicer="li.na"))
            asking = person.submit(office.tickets.open, DOCTOR, "academy", "second", "", silent=True)
            wait([asking], timeout=0.3)  # until the other has looked, or waits for us
        ticket, opened = asking.result(30)
    assert office.state(1) is state
    assert (ticket.number, opened) == ((2, True) if state is TicketState.RELEASED else (1, False))


def test_at_most_one_open_ticket_for_a_conversation(office: Office) -> None:
    with ThreadPoolExecutor(4) as threads:
        opened = list(
            threads.map(lambda n: office.tickets.open(DOCTOR, "academy", f"turn{n}", "", silent=True), range(8))
        )
    assert {ticket.number for ticket, _ in opened} == {1}
    assert sum(is_new for _, is_new in opened) == 1
    texts = dict.fromkeys(("bot", "tenant", "servicer", "summary", "opened_by", "released_by"), "")
    second = texts | {"conversation": DOCTOR.key, "state": "waiting", "opened_at": 0.0}
    with pytest.raises(IntegrityError), office.database.write() as connection:
        connection.execute(tickets.insert().values(second))
