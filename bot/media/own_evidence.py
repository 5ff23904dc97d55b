"""What a person's own files hold for a question: evidence as the knowledge gives it, and judged the same."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bot.answering.answerer import WORTH_READING
from bot.answering.evidence import Evidence
from bot.knowledge.calibration import Calibration
from bot.knowledge.embedder import Embedder
from bot.knowledge.entries import Entry
from bot.knowledge.index import Floats
from bot.knowledge.points import body
from bot.knowledge.search import Hit, SearchResult
from bot.knowledge.tokens import Tokenizer
from bot.media.few_entries import FewEntries
from bot.media.own_files import OwnFile, OwnFiles
from bot.messages import ConversationId


class OwnEvidence:
    """Searches ``files`` with the knowledge's model, tokenizer and calibration. ``threshold`` is the confidence, 0 to
    1, from which a first hit answers."""

    def __init__(
        self, files: OwnFiles, embedder: Embedder, tokenizer: Tokenizer, calibration: Calibration, threshold: float
    ) -> None:
        self._files = files
        self._embedder = embedder
        self._tokenizer = tokenizer
        self._calibration = calibration
        self._threshold = threshold

    def retrieve(
        self, conversation: ConversationId, questions: Sequence[str], threshold: float | None = None
    ) -> Evidence | None:
        """The evidence for the first of ``questions`` that the files surely answer, else the most promising; ``None``
        where there are no files. Raises :class:`~bot.errors.Unavailable` when the embedder does not answer."""
        rows = [row for file in self._files.of(conversation) for row in self._rows(conversation, file)]
        asked = [question for question in questions if question.strip()]
        if not rows or not asked:
            return None
        found = {entry.id: (entry, row) for entry, row in rows}.values()  # a passage may stand in two files
        few = FewEntries([entry for entry, _ in found], np.stack([row for _, row in found]), self._tokenizer)
        threshold = self._threshold if threshold is None else threshold
        readings = [self._evidence(few, question, threshold) for question in asked]
        sure = [evidence for evidence in readings if evidence.answers]
        return sure[0] if sure else max(readings, key=lambda evidence: evidence.confidence)

    def beginning(self, conversation: ConversationId, question: str, passages: int) -> Evidence | None:
        """What the newest file begins with, for a ``question`` about it as a whole, which no passage answers.

        Enough for a model to read, and never sure enough to be quoted. ``None`` where there is no file.
        """
        files = self._files.of(conversation)
        if not files:
            return None
        first = SearchResult(tuple(Hit(entry, 0.0) for entry in files[0].entries[:passages]), WORTH_READING, {})
        nothing = SearchResult((), 0.0, {})
        return Evidence(question=question, both=first, documents=nothing, threshold=1.0, timings_ms={})

    def _evidence(self, few: FewEntries, question: str, threshold: float) -> Evidence:
        result = few.search(question, self._embedder.queries([question])[0], self._calibration)
        return Evidence(question=question, both=result, documents=result, threshold=threshold, timings_ms={})

    def _rows(self, conversation: ConversationId, file: OwnFile) -> list[tuple[Entry, Floats]]:
        """The entries of ``file`` with their vectors, made and kept now where the present model has made none."""
        vectors = file.vectors if file.embedder == self._embedder.name else None
        if vectors is None:
            vectors = self._embedder.passages([body(entry) for entry in file.entries])
            self._files.remember(conversation, replace(file, vectors=vectors, embedder=self._embedder.name))
        return list(zip(file.entries, vectors, strict=True))
