"""Words that matter by themselves, in messages and in answers, found without a language model.

How it is meant to be used:

- **A message comes in.** :func:`notices` tells of emergencies (answer at once with the number to call, before and
  whatever else happens), of "are you human?" (the answer says AI), of off-label questions (no generated answer, a
  ticket for medical information) and of questions after prescription counts (refused). :func:`is_angry` brings a
  human; :func:`is_offensive` is a hint for the tone and for a human. :class:`SensitiveWords` holds the operator's own
  list of a bot.
- **An answer goes out.** :func:`find_claims` finds what must not be said, for the families that the bot's trade and the
  turn ask for (``PHARMA``, ``SECURITIES``; ``ADVERSE_EVENT`` on a turn that tells of one; ``Family.HUMAN`` always): the
  sentence is dropped or the answer refused. Words that approved material says with a source may be let through by the
  caller, who knows the sources. ``SensitiveWords`` again.

Everything is a pure function of its arguments; the terms are in ``notices.yaml``, ``claims.yaml`` and ``anger.yaml``.
"""

from bot.safety.words.anger import is_angry
from bot.safety.words.claims import ADVERSE_EVENT, PHARMA, SECURITIES, Claim, Family, find_claims
from bot.safety.words.limits import answers_limits
from bot.safety.words.notices import EMERGENCIES, Kind, Notice, emergency, notices
from bot.safety.words.offence import OFFENSIVE_CHANCE, is_offensive, offensive_chance
from bot.safety.words.sensitive import SensitiveWords

__all__ = [
    "ADVERSE_EVENT",
    "EMERGENCIES",
    "OFFENSIVE_CHANCE",
    "PHARMA",
    "SECURITIES",
    "Claim",
    "Family",
    "Kind",
    "Notice",
    "SensitiveWords",
    "answers_limits",
    "emergency",
    "find_claims",
    "is_angry",
    "is_offensive",
    "notices",
    "offensive_chance",
]
