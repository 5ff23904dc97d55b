"""By when a case has to be reported (compliance guidance 1.2, row 5)."""

from datetime import datetime

import pytest

from bot.safety.adverse_events import Regime, Seriousness
from bot.safety.cases.config import SafetyConfig
from bot.safety.cases.deadlines import due_at
from tests.safety.cases.conftest import SHANGHAI

DEATH, HOSPITAL, DISABLED, DYING = (
    Seriousness.DEATH,
    Seriousness.HOSPITALISATION,
    Seriousness.DISABILITY,
    Seriousness.LIFE_THREATENING,
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


def due(
    day0: str,
    *serious: Seriousness,
    regimes: tuple[Regime, ...] = (Regime.DRUG,),
    judged: bool | None = None,
    group: bool = False,
    **limits: int,
) -> str:
    found = due_at(
        at(day0),
        regimes=regimes,
        serious=serious,
        judged_serious=judged,
        group_event=group,
        config=SafetyConfig.model_validate(limits),
        zone=SHANGHAI,
    )
    assert found is not None
    return datetime.fromtimestamp(found, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("day0", "serious", "judged", "expected"),
    [
        ("2026-03-02 09:00", (), None, "2026-03-17 23:59:59"),  # unknown counts as serious
        ("2026-03-02 09:00", (HOSPITAL,), None, "2026-03-17 23:59:59"),
        ("2026-03-02 00:00", (HOSPITAL,), True, "2026-03-17 23:59:59"),
        ("2026-03-02 23:59", (), False, "2026-04-01 23:59:59"),
        ("2026-03-02 09:00", (HOSPITAL,), False, "2026-04-01 23:59:59"),  # a human decides
        ("2026-03-02 09:00", (DEATH,), None, "2026-03-02 09:00:00"),  # at once
        ("2026-01-20 10:00", (), None, "2026-02-04 23:59:59"),  # the end of a month
        ("2026-09-26 10:00", (), None, "2026-10-11 23:59:59"),  # holidays count
        ("2028-02-20 10:00", (), None, "2028-03-06 23:59:59"),  # a leap day
        ("2027-02-20 10:00", (), None, "2027-03-07 23:59:59"),
        ("2026-12-20 10:00", (), None, "2027-01-04 23:59:59"),  # another year
    ],
)
def test_a_medicine(day0: str, serious: tuple[Seriousness, ...], judged: bool | None, expected: str) -> None:
    assert due(day0, *serious, judged=judged) == expected


def test_a_group_event_is_reported_at_once() -> None:
    assert due("2026-03-02 09:00", group=True) == "2026-03-02 09:00:00"


@pytest.mark.parametrize(
    ("regime", "serious", "group", "expected"),
    [
        (Regime.VACCINE, (), False, "2026-03-03 09:00:00"),
        (Regime.VACCINE, (DEATH,), False, "2026-03-02 11:00:00"),
        (Regime.VACCINE, (DISABLED,), False, "2026-03-02 11:00:00"),
        (Regime.VACCINE, (), True, "2026-03-02 11:00:00"),
        (Regime.DEVICE, (DEATH,), False, "2026-03-09 23:59:59"),
        (Regime.DEVICE, (HOSPITAL,), False, "2026-03-22 23:59:59"),
        (Regime.DEVICE, (), True, "2026-03-02 21:00:00"),
        (Regime.TRIAL, (DYING,), False, "2026-03-09 23:59:59"),
        (Regime.TRIAL, (), False, "2026-03-17 23:59:59"),
    ],
)
def test_other_regimes_have_other_clocks(
    regime: Regime, serious: tuple[Seriousness, ...], group: bool, expected: str
) -> None:
    assert due("2026-03-02 09:00", *serious, regimes=(regime,), group=group) == expected


def test_of_several_regimes_the_shortest_counts() -> None:
    assert due("2026-03-02 09:00", regimes=(Regime.TRIAL, Regime.VACCINE)) == "2026-03-03 09:00:00"


def test_the_limits_are_settings() -> None:
    assert due("2026-03-02 09:00", serious_days=7) == "2026-03-09 23:59:59"
    assert due("2026-03-02 09:00", judged=False, other_days=20) == "2026-03-22 23:59:59"


def test_there_is_no_date_before_day_0() -> None:
    found = due_at(
        None,
        regimes=(Regime.DRUG,),
        serious=(DEATH,),
        judged_serious=None,
        group_event=False,
        config=SafetyConfig(),
        zone=SHANGHAI,
    )
    assert found is None
