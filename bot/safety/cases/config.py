"""What a bot's operator says about drug safety: the block ``safety`` of ``bots.yaml``, with :mod:`bot.safety.conduct`.

The numbers are what the compliance guidance names (1.2, 1.5); where a customer's department is stricter, it wins.
"""

from typing import Annotated

from pydantic import Field

from bot.safety.conduct import Conduct

_UserId = Annotated[str, Field(min_length=1, max_length=64)]
_Label = Annotated[str, Field(min_length=1, max_length=64)]
_Address = Annotated[str, Field(pattern=r"^[^@\s<>,;]{1,64}@[A-Za-z0-9.-]{1,190}$")]
_Days = Annotated[int, Field(ge=1, le=90)]
_Hours = Annotated[int, Field(ge=1, le=168)]


class SafetyConfig(Conduct):
    """How a bot finds and hands over reports of adverse events, and how it speaks."""

    off: bool = False
    """Messages are not screened: for a bot that has nothing to do with medicines."""
    desk: tuple[_UserId, ...] = ()
    """The user ids of the safety desk, who hear of each case in a single chat; the servicers, else the admins, where
    nobody is named."""
    email: tuple[_Address, ...] = ()
    """Mailboxes that get each case too; needs SMTP_URL."""
    company: Annotated[str, Field(max_length=64)] = ""
    """The company's name, as people and reports read it; the bot's name when unset."""
    hotline: Annotated[str, Field(max_length=64)] = ""
    """The company's telephone number for drug safety, which people hear who report something."""
    products: tuple[_Label, ...] = ()
    """Names of the company's own products (generic names and brands), told from those of others."""
    serious_days: _Days = 15
    """Calendar days from day 0 in which a serious case, or one of unknown seriousness, has to be reported."""
    other_days: _Days = 30
    """The same for a case that a human has called not serious."""
    hand_over_hours: _Hours = 24
    """Hours from the message in which the safety desk must have acknowledged a case."""
    alarm_hours: _Hours = 4
    """Hours without an acknowledgement after which desk and admins are told, and again after as many."""
    quality_desk: tuple[_UserId, ...] = ()
    """The user ids of those who hear of complaints about quality; the safety desk hears of them where nobody is named,
    and always where harm or another kind is told too."""
    quality_email: tuple[_Address, ...] = ()
    """Mailboxes that get each complaint about quality; needs SMTP_URL."""
    second_look_percent: Annotated[float, Field(ge=0, le=100)] = 5.0
    """Percent of the turns in which nothing was suspected that a human reads all the same (guidance 1.6)."""
    duplicate_days: _Days = 30
    """Days in which two reports of the same patient, product and event are linked."""
