"""Reading rules and models before the first message, which would wait half a second for them."""

from bot.safety import adverse_events, injection, personal_data
from bot.safety.words import find_claims, notices

_TEXT = "昨天做完增强 CT，回家后身上起了疹子。"
"""Has every part look: it tells of a medicine, of harm and of a time."""


def read_everything() -> None:
    """Have each part read a text, and so what it reads with; the second call costs nothing."""
    adverse_events.screen([_TEXT])
    injection.inspect(_TEXT)
    personal_data.find(_TEXT)
    notices(_TEXT)
    find_claims(_TEXT)
