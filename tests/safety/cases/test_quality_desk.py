"""Complaints about quality have a desk of their own where one is named."""

import pytest

from bot.safety.adverse_events import Kind
from tests.safety.cases.conftest import Clinic, make_bot

COMPLAINT = "这批示影灵瓶子里有黑点，瓶口还有裂纹"


def told(clinic: Clinic, number: int = 1) -> list[str]:
    return [notice.recipient for notice in clinic.cases.notices(number)]


@pytest.fixture
def quality(clinic: Clinic) -> Clinic:
    clinic.bots["imaging"] = make_bot(
        email=("pv@example.com",), quality_desk=("qa.wu",), quality_email=("qa@example.com",)
    )
    return clinic


def test_a_complaint_goes_to_the_quality_desk_alone(quality: Clinic) -> None:
    assert quality.tell(COMPLAINT).case.kinds == (Kind.QUALITY_COMPLAINT,)
    assert sorted(told(quality)) == ["qa.wu", "qa@example.com"]


def test_harm_brings_the_safety_desk_too(quality: Clinic) -> None:
    taken = quality.tell(COMPLAINT + "，病人打完全身皮疹")
    assert Kind.ADVERSE_EVENT in taken.case.kinds
    assert sorted(told(quality)) == ["pv.chen", "pv@example.com", "qa.wu", "qa@example.com"]


def test_harm_told_later_reaches_the_safety_desk(quality: Clinic) -> None:
    quality.tell(COMPLAINT)
    quality.tell("病人打完全身皮疹", context=[COMPLAINT])
    assert {"pv.chen", "qa.wu"} <= set(told(quality))


def test_what_is_no_complaint_does_not_reach_the_quality_desk(quality: Clinic) -> None:
    quality.tell("打完示影灵全身皮疹")
    assert sorted(told(quality)) == ["pv.chen", "pv@example.com"]


def test_without_a_quality_desk_the_safety_desk_hears_it(clinic: Clinic) -> None:
    clinic.tell(COMPLAINT)
    assert told(clinic) == ["pv.chen"]
