"""When humans serve: outside these hours nobody is promised one, and the person hears when there will be."""

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.bots_file import SERVICE_HOURS, BotConfig
from bot.texts import Language, Texts

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(SERVICE_HOURS)

Hours = Callable[[BotConfig, Language], str]
"""Called with a bot and a language: the hours at which humans serve it, in words, where it is none of them now; empty
where somebody may be there."""


def service_hours(texts: Texts, timezone: ZoneInfo, clock: Callable[[], float]) -> Hours:
    """The ``service_hours`` of ``bots.yaml`` as the clock of ``timezone`` shows them; a bot without any has no hours
    outside of them."""

    def hours(bot: BotConfig, language: Language) -> str:
        now = datetime.fromtimestamp(clock(), timezone)
        minute = now.weekday() * _DAY + now.hour * 60 + now.minute
        if not bot.service_hours or any(_holds(span, minute) for span in bot.service_hours):
            return ""
        said, *others = (_said(span, texts, language) for span in bot.service_hours)
        for more in others:
            said = texts.say("service_hours_more", language, hours=said, more=more)
        return said

    return hours


_DAY = 24 * 60
_WEEK = 7 * _DAY


def _holds(span: str, minute: int) -> bool:
    """Whether ``minute`` of the week lies in ``span``; hours through midnight belong to the day on which they begin."""
    first, last, begin, end = _read(span)
    long = (_minutes(end) - _minutes(begin)) % _DAY or _DAY
    days = [(first + more) % 7 for more in range((last - first) % 7 + 1)]
    return any((minute - day * _DAY - _minutes(begin)) % _WEEK < long for day in days)


def _said(span: str, texts: Texts, language: Language) -> str:
    first, last, begin, end = _read(span)
    if (first, last) == (0, 6):
        days = texts.say("service_days_all", language)
    else:
        names = [texts.say(f"day_{DAYS[day]}", language) for day in (first, last)]
        days = names[0] if first == last else texts.say("service_days", language, first=names[0], last=names[1])
    return f"{days} {begin}-{end}"


def _read(span: str) -> tuple[int, int, str, str]:
    """The first and the last day, and when service begins and ends on them. The form was checked with the file."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError(f"no hours: {span}")
    first = found["first"] or DAYS[0]
    last = found["last"] or found["first"] or DAYS[-1]
    return DAYS.index(first), DAYS.index(last), found["begin"], found["end"]


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
