"""How sure a bot is of a question, and how sure it would be if what it found first were not there."""

import threading
from dataclasses import dataclass

from bot.answering.evidence import Evidence, Retriever, Standing
from bot.bots_file import BotConfig
from bot.evaluation.hiding import HidingIndex
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.index import Index
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.search import Searcher


@dataclass(frozen=True, kw_only=True, slots=True)
class Confidences:
    """``confidence``, 0 to 1: the highest threshold at which ``first`` would be shown; ``masked`` is the one without
    it. ``first`` is ``None`` where nothing was found."""

    confidence: float
    masked: float
    first: Entry | None


class ConfidenceMeter:
    """Searches ``index`` as answers do, whatever the threshold is, and keeps nothing of it. Safe for threads: one
    question after the other."""

    def __init__(
        self, index: Index, embedder: Embedder, check: ReadingCheck | None, standing: Standing | None = None
    ) -> None:
        self._index = HidingIndex(index)
        searcher = Searcher(self._index, embedder, Calibration.shipped(), check)
        self._retriever = Retriever(searcher, ANSWER_THRESHOLD, standing=standing)
        self._lock = threading.Lock()

    def of(self, question: str, bot: BotConfig, reader: Audience, now: float) -> Confidences:
        """Of ``question`` by ``reader`` at ``now``, epoch seconds. Raises what :meth:`.Retriever.retrieve` does."""
        with self._lock:
            confidence, first = deciding(self._retriever.retrieve((question,), bot, reader, now))
            if first is None:
                return Confidences(confidence=0.0, masked=0.0, first=None)
            with self._index.without([first.id]):
                masked, _ = deciding(self._retriever.retrieve((question,), bot, reader, now))
        return Confidences(confidence=confidence, masked=masked, first=first)


def deciding(evidence: Evidence) -> tuple[float, Entry | None]:
    """The highest threshold at which ``evidence`` is shown, and what then is: the FAQ where it is the surer, else the
    first passage."""
    both, documents = evidence.both, evidence.documents
    first = both.hits[0].entry if both.hits else None
    if first is not None and first.kind is EntryKind.FAQ and both.confidence >= documents.confidence:
        return both.confidence, first
    return (documents.confidence, documents.hits[0].entry) if documents.hits else (0.0, None)
