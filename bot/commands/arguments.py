"""The kinds of arguments that commands take."""

from bot.commands.declaration import Argument
from bot.errors import InputError

ALL = "all"
"""What stands for every bot that the person steers, and for every command's own ``all``."""
LAST = "last"
ME = "me"

_UNITS_S = {
    **dict.fromkeys(("s", "秒"), 1.0),
    **dict.fromkeys(("", "m", "min", "分", "分钟"), 60.0),
    **dict.fromkeys(("h", "小时"), 3600.0),
    **dict.fromkeys(("d", "天"), 86400.0),
}
_LONGEST_DAYS = 30


def words(name: str = "words", *, optional: bool = False) -> Argument:
    """Everything that follows, as it was written."""
    return Argument(name=name, pattern=r"(?s:.+)", optional=optional, prose=True)


def ticket() -> Argument:
    """A ticket's number. One stuck to words ("3天后复查") is none: better ask again than tell the wrong person."""
    return Argument(name="ticket", pattern=r"[#＃]?\d{1,9}", value=_number, audited=True)


def number(name: str, *, optional: bool = False) -> Argument:
    """A whole number that we gave something."""
    return Argument(name=name, pattern=r"[#＃]?\d{1,9}", value=_number, optional=optional, audited=True)


def everything(*, optional: bool = True) -> Argument:
    """``all``, in either language."""
    return Argument(name="all", pattern="all|全部|所有", value=lambda _: ALL, optional=optional, audited=True)


def duration() -> Argument:
    """A time such as ``30m``, ``2小时`` or ``90``, which are minutes: in seconds, at most 30 days."""
    units = "|".join(sorted(filter(None, _UNITS_S), key=len, reverse=True))
    pattern = rf"\d{{1,4}}\s?(?a:{units})?"  # in Unicode "ſ" would be an "s" in another case
    return Argument(name="duration", pattern=pattern, value=_seconds, optional=True, audited=True)


def moment() -> Argument:
    """A day and a time such as ``2026-12-01 09:00``, in the zone of the installation."""
    return Argument(name="moment", pattern=r"\d{4}-\d{2}-\d{2}[ T]+\d{1,2}[:：]\d{2}", audited=True)


def person() -> Argument:
    """A person's user id."""
    return Argument(name="person", pattern=r"[^\s，：:]{1,64}")


def person_or_me() -> Argument:
    """A person's user id, or ``me`` for whoever calls."""
    return Argument(name="person", pattern=r"[^\s，：:]{1,64}", value=lambda text: ME if text in ("我", "me") else text)


def record() -> Argument:
    """The number of a professional's record, which the operator gave it."""
    return Argument(name="record", pattern=r"[\w.@-]{1,64}")


def channel() -> Argument:
    """One of a bot's channels, by its id."""
    return Argument(name="channel", pattern=r"[a-z0-9_-]{1,32}", value=str.lower, optional=True, audited=True)


def one_time_code() -> Argument:
    """The code that binds whoever sends it."""
    return Argument(name="verification", pattern=r"(?s:.+)")


def turn() -> Argument:
    """A turn's id, or ``last``."""
    return Argument(name="turn", pattern=r"[a-z2-7]{20}|last|最近|上一条", value=_turn, optional=True, audited=True)


def period() -> Argument:
    """``day`` or ``week``, in either language."""
    return Argument(
        name="period", pattern="day|week|今天|今日|日|天|本周|周", value=_period, optional=True, audited=True
    )


def code() -> Argument:
    """The word that confirms a command."""
    return Argument(name="code", pattern=r"[a-z][2-9]", value=str.upper)


def name() -> Argument:
    """The name of a command."""
    return Argument(name="name", pattern=r"(?s:.+)", optional=True)


def _number(text: str) -> int:
    return int(text.lstrip("#＃"))


def _seconds(text: str) -> float:
    digits = "".join(character for character in text if character.isdecimal())
    unit = text.removeprefix(digits).strip().lower()
    if not int(digits):
        raise InputError("argument_wrong", found=text, argument="duration")
    return min(int(digits) * _UNITS_S[unit], _LONGEST_DAYS * 86400.0)


def _turn(text: str) -> str:
    return LAST if text in ("最近", "上一条") else text.lower()


def _period(text: str) -> str:
    return "week" if text.lower() in ("week", "本周", "周") else "day"
