"""What a look at one part of the installation found: the words of ``python -m bot doctor``."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a part of the installation is."""

    OK = "ok"
    """As it must be."""
    WARNING = "warning"
    """It works, and an operator should know something about it."""
    BROKEN = "broken"
    """It does not work; somebody must act."""
    SKIPPED = "skipped"
    """Nobody looked, and the detail says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the doctor's report, in English.

    ``name`` says which part, ``detail`` what was found there, ``cure`` what to do about it (empty when nothing is to
    be done), ``ms`` how many milliseconds the look took. No text holds a secret, a token or a password.
    """

    name: str
    state: State
    detail: str
    cure: str = ""
    ms: float = 0.0
