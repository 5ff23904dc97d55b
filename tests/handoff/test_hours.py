"""When humans serve: which hours it is, and how they are said."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.handoff.hours import service_hours
from bot.texts import Texts
from tests.handoff.office import WAIT_S, Office, make_bot, make_message, told

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = 11
"""Of January 2027."""


def hours(spans: tuple[str, ...], day: int, clock: str, language: str = "zh") -> str:
    """What is said so many days after that Monday; empty where somebody may be there."""
    hour, _, minute = clock.partition(":")
    at = datetime(2027, 1, MONDAY + day, int(hour), int(minute), tzinfo=SHANGHAI)
    told = service_hours(Texts(), SHANGHAI, at.timestamp)
    return told(make_bot(service_hours=spans), language)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span", "day", "clock", "open_then"),
    [
        ("mon-fri 09:00-18:00", 0, "09:00", True),
        ("mon-fri 09:00-18:00", 0, "08:59", False),
        ("mon-fri 09:00-18:00", 4, "17:59", True),
        ("mon-fri 09:00-18:00", 4, "18:00", False),
        ("mon-fri 09:00-18:00", 5, "12:00", False),
        ("09:00-18:00", 6, "12:00", True),
        ("sat 09:00-12:00", 5, "10:00", True),
        ("sat 09:00-12:00", 6, "10:00", False),
        ("fri-mon 09:00-12:00", 6, "10:00", True),
        ("fri-mon 09:00-12:00", 1, "10:00", False),
        ("mon 22:00-06:00", 1, "05:59", True),
        ("mon 22:00-06:00", 1, "06:00", False),
        ("mon 22:00-06:00", 0, "05:00", False),
        ("sun 22:00-06:00", 0, "05:00", True),
        ("mon 00:00-24:00", 0, "23:59", True),
        ("mon 00:00-24:00", 1, "00:00", False),
        ("tue 08:00-08:00", 2, "07:59", True),
    ],
)
def test_hours_hold_from_their_first_minute_to_before_their_last(
    span: str, day: int, clock: str, open_then: bool
) -> None:
    assert (hours((span,), day, clock) == "") is open_then


def test_of_several_one_is_enough() -> None:
    assert hours(("mon 09:00-12:00", "mon 14:00-18:00"), 0, "15:00") == ""
    assert hours(("mon 09:00-12:00", "mon 14:00-18:00"), 0, "13:00") != ""


def test_a_bot_without_any_has_no_time_at_which_nobody_is_there() -> None:
    assert hours((), 6, "03:00") == ""


def test_they_are_said_in_the_language_of_the_person() -> None:
    spans = ("mon-fri 09:00-18:00", "sat 09:00-12:00", "20:00-21:00")
    assert hours(spans, 6, "03:00") == "周一至周五 09:00-18:00，以及周六 09:00-12:00，以及每天 20:00-21:00"
    said = "Mon to Fri 09:00-18:00 and Sat 09:00-12:00 and every day 20:00-21:00"
    assert hours(spans, 6, "03:00", "en") == said


class TestWhoHasLeft:
    """A human served the person, and went home."""

    @pytest.fixture
    def office(self, open_office: Callable[..., Office]) -> Office:
        """The clock shows a Friday, 16:00; dr.wang was served and is owed nothing."""
        office = open_office(make_bot(service_hours=["mon-fri 09:00-18:00"]))
        office.hear("dr.wang", "转人工")
        office.hear("li.na", "/reply 1 您好")
        return office

    def test_who_writes_then_hears_at_once_when_there_will_be_somebody(self, office: Office) -> None:
        office.now += 3 * 3600
        assert list(told(office.relay("dr.wang", "还有一个问题"))) == ["li.na"], "the words are passed on"
        [(ticket, notices)] = office.desk.overdue()
        heard = told(notices)
        assert "周一至周五 09:00-18:00" in heard["dr.wang"]
        assert "没有人工回复" not in heard["dr.wang"]
        assert "等了" not in heard["li.na"]
        office.tickets.unanswered(ticket)
        assert not office.silent("dr.wang")
        assert told(office.hear("li.na", "/reply 1 在的").notices) == {"dr.wang": "人工客服：在的"}

    def test_who_is_in_the_middle_of_it_is_not_interrupted(self, office: Office) -> None:
        office.now += 3 * 3600
        office.remember("dr.wang", "请问", "")
        (turn,) = office.records.recent(make_message("dr.wang", "请问").conversation.key, 1)
        office.records.save(replace(turn, answered_at=office.now - 60))
        office.relay("dr.wang", "好的")
        assert list(office.desk.overdue()) == []
        office.now += WAIT_S
        [(_, notices)] = office.desk.overdue()
        assert "周一至周五 09:00-18:00" in told(notices)["dr.wang"]

    def test_within_the_hours_a_word_is_waited_for(self, office: Office) -> None:
        office.now += 3600
        office.relay("dr.wang", "还有一个问题")
        assert list(office.desk.overdue()) == []
