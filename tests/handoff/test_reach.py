"""Channels that can only answer: staff and person are reached over another one, or it is said that they are not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.bots_file import ChannelConfig
from bot.messages import ConversationId
from tests.handoff.office import APP, ROBOT, Block, Office, make_bot, make_message

IN_GROUP = ConversationId(bot="imaging", channel="ai", person="dr.wang", chat="g1")
LI_NA = ConversationId(bot="imaging", channel="app", person="li.na")


@pytest.fixture
def both(open_office: Callable[..., Office]) -> Office:
    """A bot with a robot that can only answer, and an app; its people bear other ids in each."""
    return open_office(make_bot(channels={"ai": ROBOT, "app": APP}))


def ask_for_human(office: Office, conversation: ConversationId = IN_GROUP) -> list[ConversationId]:
    """The conversations in which staff hear that the person of ``conversation`` wants a human."""
    message = make_message("dr.wang", "转人工")
    ticket, _ = office.tickets.open(conversation, "academy", "turn", "", silent=True)
    return [notice.conversation for notice in office.desk.relay(office.bot, ticket, [message], "t")]


def test_staff_hear_over_the_channel_that_can_write(both: Office) -> None:
    assert ask_for_human(both)[0] == LI_NA


def test_the_person_is_written_to_elsewhere_only_where_ids_are_the_same(
    both: Office, open_office: Callable[..., Office]
) -> None:
    ticket, _ = both.tickets.open(IN_GROUP, "academy", "turn", "", silent=True)
    assert both.desk.human_says(ticket, "您好", "t2", LI_NA).conversation == IN_GROUP
    plain = ChannelConfig(type="answering", config=Block(plain_userids=True))
    office = open_office(make_bot(channels={"ai": plain, "app": APP}))
    said = office.desk.human_says(ticket, "您好", "t3", LI_NA)
    assert said.conversation == ConversationId(bot="imaging", channel="app", person="dr.wang")


def test_where_nobody_can_be_written_to_the_person_is_told_that_no_human_is_there(
    open_office: Callable[..., Office],
) -> None:
    office = open_office(make_bot(channels={"ai": ROBOT}))
    message = replace(make_message("dr.wang", "转人工"), conversation=IN_GROUP)
    told = office.desk.ask_for_human(office.bot, message, "turn", "zh")
    assert "没有人工客服值守" in told.text
    assert told.notices == ()
    assert office.desk.ticket_of(IN_GROUP) is None


@pytest.fixture
def same_ids(open_office: Callable[..., Office]) -> Office:
    """As ``both``, and people bear the same ids in robot and app."""
    plain = ChannelConfig(type="answering", config=Block(plain_userids=True))
    return open_office(make_bot(channels={"ai": plain, "app": APP}))


ALONE = replace(IN_GROUP, channel="app", chat="")


def test_what_the_person_answers_where_the_human_wrote_reaches_the_human(same_ids: Office) -> None:
    office = same_ids
    ticket, _ = office.tickets.open(IN_GROUP, "academy", "turn", "", silent=True)
    assert office.desk.ticket_of(IN_GROUP) == ticket
    assert office.desk.ticket_of(ALONE) is None, "nobody wrote there yet: the bot answers"
    office.desk.human_says(ticket, "您好", "t2", LI_NA)
    found = office.desk.ticket_of(ALONE)
    assert found is not None
    assert found.number == ticket.number
    others = (replace(ALONE, person="dr.wan"), replace(ALONE, person="%"), replace(IN_GROUP, chat="g2"))
    assert [office.desk.ticket_of(other) for other in others] == [None] * 3
    office.tickets.release(found, "t3")
    assert office.desk.ticket_of(ALONE) is None


def test_a_wish_for_a_human_there_opens_no_second_ticket(same_ids: Office) -> None:
    office = same_ids
    ticket, _ = office.tickets.open(IN_GROUP, "academy", "turn", "", silent=True)
    office.desk.human_says(ticket, "您好", "t2", LI_NA)
    told = office.desk.ask_for_human(office.bot, make_message("dr.wang", "转人工"), "t3", "zh")
    assert f"工单 {ticket.number} 正在处理中" in told.text
    assert [notice.conversation for notice in told.notices] == [LI_NA]


def test_where_ids_differ_the_person_of_the_same_id_goes_on_with_the_bot(both: Office) -> None:
    ticket, _ = both.tickets.open(IN_GROUP, "academy", "turn", "", silent=True)
    both.desk.human_says(ticket, "您好", "t2", LI_NA)
    assert both.desk.ticket_of(ALONE) is None
