"""A second look at the first hit, where the search alone is unsure: does it answer, or is it only on the subject?

The search's chance and the cross-encoder's score together give a better one: a logistic regression of two numbers,
whose weights are in ``reading_check.json`` with the data they were learned from. Outside of ``unsure`` the answer would
be the same, and nobody waits for it.
"""

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

import structlog

from bot import telemetry
from bot.errors import KnowledgeError

if TYPE_CHECKING:
    from bot.knowledge.cross_encoder import CrossEncoder

log = structlog.get_logger()

_RECENT = 256
"""Scores kept: a turn looks for FAQs and then for passages, and a question comes again."""
_SURE = 30.0
"""Bound of a logit."""


class ReadingCheck:
    """Safe for threads. ``load`` makes the cross-encoder when it is first needed, which takes a second and the very
    first time some more; where it fails, chances stay as the search gave them, which is logged and counted."""

    def __init__(self, load: Callable[[], "CrossEncoder"]) -> None:
        fields = json.loads(files("bot.knowledge").joinpath("reading_check.json").read_text(encoding="utf-8"))
        self._of_chance: float = fields["weights"]["chance"]
        self._of_score: float = fields["weights"]["score"]
        self._bias: float = fields["bias"]
        self._unsure: tuple[float, float] = (fields["unsure"][0], fields["unsure"][1])
        self._load: Callable[[], CrossEncoder] | None = load
        self._encoder: CrossEncoder | None = None
        self._loading = threading.Lock()
        self._recent: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._keeping = threading.Lock()

    def chance(self, question: str, text: str, chance: float) -> float:
        """The chance, 0 to 1, that ``text`` answers ``question``, where the search alone gives it ``chance``."""
        low, high = self._unsure
        if not low < chance < high:
            return chance
        score = self._score(question, text)
        if score is None:
            return chance
        return combined(chance, score, self._of_chance, self._of_score, self._bias)

    def prepare(self) -> None:
        """Load the cross-encoder now."""
        self._ready()

    def _score(self, question: str, text: str) -> float | None:
        with self._keeping:
            if (score := self._recent.get((question, text))) is not None:
                self._recent.move_to_end((question, text))
                return score
        encoder = self._ready()
        if encoder is None:
            return None
        score = encoder.score(question, text)
        with self._keeping:
            self._recent[(question, text)] = score
            while len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
        return score

    def _ready(self) -> "CrossEncoder | None":
        with self._loading:
            if self._load is not None:
                load, self._load = self._load, None
                try:
                    self._encoder = load()
                except (OSError, KnowledgeError) as error:
                    telemetry.count("degraded", what="reading_check")
                    log.error("reading_check_degraded", error=str(error))
            return self._encoder


def combined(chance: float, score: float, of_chance: float, of_score: float, bias: float) -> float:
    """The chance from the search's ``chance`` (0 to 1, both outside) and the cross-encoder's ``score``."""
    logit = of_chance * math.log(chance / (1 - chance)) + of_score * score + bias
    return 1 / (1 + math.exp(-max(-_SURE, min(_SURE, logit))))
