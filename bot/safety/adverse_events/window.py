"""The turns that are screened together, with what each of them mentions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bot.safety.adverse_events.events import Event, Status, find_events
from bot.safety.adverse_events.exposures import Exposure, find_exposures
from bot.safety.adverse_events.lexicon import Lexicon, PatternRule
from bot.safety.adverse_events.reading import Reading, Span, read


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, or one segment of a long one, and what it mentions."""

    reading: Reading
    events: Sequence[Event]
    exposures: Sequence[Exposure]
    situations: dict[str, Sequence[tuple[PatternRule, Span]]] = field(default_factory=dict)
    """What :mod:`.situations` has found in it, and remembers here."""

    def at(self, number: int) -> "Turn":
        """The same message at another position of a window."""
        return replace(self, reading=replace(self.reading, number=number))

    @property
    def told(self) -> Iterator[Event]:
        """The events that the message says happened."""
        return (event for event in self.events if event.status is Status.TOLD)

    @property
    def names_product(self) -> bool:
        """Whether any product or therapy is named."""
        return self.reading.has("product") or self.reading.has("therapy")

    @property
    def consults(self) -> bool:
        """Whether somebody tells the history of an illness; then not every complaint is an event."""
        return len(self.reading.text) > LONGEST_COMPLAINT and self.reading.has("consultation")


REMEMBERED = 512
"""Messages whose reading is kept: each stays in its window for five, and many people ask the same."""
LONGEST_COMPLAINT = 40
"""Characters. A longer text is a story, with its own beginning."""
LONGEST_STORY = 80
"""Characters. In a longer text what stands behind a taking may be anything."""


@dataclass(frozen=True, slots=True)
class Window:
    """The last messages of one person, oldest first; the last is the one that is screened."""

    turns: Sequence[Turn]
    lexicon: Lexicon

    @property
    def last_number(self) -> int:
        """Position of the last message."""
        return self.turns[-1].reading.number

    @property
    def latest(self) -> Sequence[Turn]:
        """The last message, in one segment or several."""
        return [turn for turn in self.turns if turn.reading.number == self.last_number]

    @property
    def earlier(self) -> Sequence[Turn]:
        """The messages before it."""
        return [turn for turn in self.turns if turn.reading.number < self.last_number]


def read_window(messages: Sequence[str], lexicon: Lexicon) -> Window:
    """``messages`` read; there must be at least one."""
    turns = [turn.at(number) for number, message in enumerate(messages) for turn in _read_message(message, lexicon)]
    return Window(turns, lexicon)


@lru_cache(maxsize=REMEMBERED)
def _read_message(message: str, lexicon: Lexicon) -> tuple[Turn, ...]:
    return tuple(read_turn(reading) for reading in read(message, 0, lexicon))


def read_turn(reading: Reading) -> Turn:
    """``reading`` with what it mentions."""
    return Turn(reading, find_events(reading), find_exposures(reading))
