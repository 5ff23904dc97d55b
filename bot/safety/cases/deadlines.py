"""By when a case has to be reported (guidance 1.1 and 1.2).

Day 0 is the calendar day on which the last of the four elements was told, by the time of the message and never by the
time at which somebody looked at it. Limits in days end with the last of them. Unknown seriousness counts as serious.
"""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.safety.adverse_events import Regime, Seriousness
from bot.safety.cases.config import SafetyConfig

HOUR_S = 3600.0
_VACCINE_H, _VACCINE_GRAVE_H = 24, 2
_DEVICE_GROUP_H, _DEVICE_DEATH_DAYS, _DEVICE_DAYS = 12, 7, 20
_TRIAL_GRAVE_DAYS, _TRIAL_DAYS = 7, 15
_DISABLED_OR_DEAD = {Seriousness.DEATH, Seriousness.DISABILITY}
_DEAD_OR_DYING = {Seriousness.DEATH, Seriousness.LIFE_THREATENING}


def due_at(
    day0_at: float | None,
    *,
    regimes: Collection[Regime],
    serious: Collection[Seriousness],
    judged_serious: bool | None,
    group_event: bool,
    config: SafetyConfig,
    zone: ZoneInfo,
) -> float | None:
    """The epoch second by which the report is due, the earliest of the ``regimes``; ``None`` while an element is
    missing, so that day 0 has not come."""
    if day0_at is None:
        return None
    criteria = set() if judged_serious is False else set(serious)
    limits = {
        Regime.DRUG: lambda: _drug(day0_at, criteria, judged_serious, config, zone, group=group_event),
        Regime.VACCINE: lambda: day0_at + HOUR_S * _vaccine_hours(criteria, group=group_event),
        Regime.DEVICE: lambda: _device(day0_at, criteria, zone, group=group_event),
        Regime.TRIAL: lambda: end_of_day(
            day0_at, _TRIAL_GRAVE_DAYS if criteria & _DEAD_OR_DYING else _TRIAL_DAYS, zone
        ),
    }
    return min(limits[regime]() for regime in regimes or (Regime.DRUG,))


def end_of_day(day0_at: float, days: int, zone: ZoneInfo) -> float:
    """The last second of the calendar day that is ``days`` after that of ``day0_at``, in ``zone``."""
    day = datetime.fromtimestamp(day0_at, zone).date() + timedelta(days=days)
    return datetime.combine(day, time(23, 59, 59), zone).timestamp()


def _drug(
    day0_at: float,
    criteria: set[Seriousness],
    judged_serious: bool | None,
    config: SafetyConfig,
    zone: ZoneInfo,
    *,
    group: bool,
) -> float:
    if group or Seriousness.DEATH in criteria:
        return day0_at
    return end_of_day(day0_at, config.other_days if judged_serious is False else config.serious_days, zone)


def _vaccine_hours(criteria: set[Seriousness], *, group: bool) -> int:
    return _VACCINE_GRAVE_H if group or criteria & _DISABLED_OR_DEAD else _VACCINE_H


def _device(day0_at: float, criteria: set[Seriousness], zone: ZoneInfo, *, group: bool) -> float:
    if group:
        return day0_at + HOUR_S * _DEVICE_GROUP_H
    return end_of_day(day0_at, _DEVICE_DEATH_DAYS if Seriousness.DEATH in criteria else _DEVICE_DAYS, zone)
