"""A search over a handful of entries in memory, with the very scores that the index would give them.

What one person sent is searched here and never enters the index: it is asked with the same requests and the same
arithmetic (:mod:`bot.knowledge.question`), so that the calibrated confidence means the same.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from bot.knowledge.calibration import Calibration
from bot.knowledge.entries import Audience, Entry, EntryKind, Scope
from bot.knowledge.fusion import DEPTH, fuse
from bot.knowledge.index import Candidates, Floats, Route
from bot.knowledge.points import ENTRY_ROLE, IDF_OF_NOTHING, MEAN_TERMS, body, document_weights, query_weights
from bot.knowledge.question import Nearest, Population, SparseWeights, candidates
from bot.knowledge.search import Hit, SearchResult
from bot.knowledge.tokens import Tokenizer

_ALL = Population(Scope(tenant="", collections=("",), reader=Audience.PUBLIC, now=0.0), EntryKind.PASSAGE)
"""There is nothing to filter: whoever may search here may see all of it."""


class FewEntries:
    """``vectors`` are those of ``entries`` (of their :func:`~bot.knowledge.points.body`), in the same order."""

    def __init__(self, entries: Sequence[Entry], vectors: Floats, tokenizer: Tokenizer) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._tokenizer = tokenizer
        self._ids = [entry.id for entry in entries]
        self._dense = vectors
        texts = [body(entry) for entry in entries]
        self._sparse = {
            Route.LEXICAL: [_by_dimension(document_weights(tokenizer.terms(text), MEAN_TERMS)) for text in texts],
            Route.WORDS: [_by_dimension(query_weights(set(tokenizer.words(text)))) for text in texts],
        }
        self._holding = {
            route: Counter(dimension for weights in all_weights for dimension in weights)
            for route, all_weights in self._sparse.items()
        }

    def search(self, question: str, vector: Floats, calibration: Calibration, limit: int = 10) -> SearchResult:
        """As :meth:`bot.knowledge.search.Searcher.search`; ``vector`` is the question's."""
        found = self.candidates(question, vector)
        ranking = fuse(found)
        hits = tuple(Hit(self._entries[id_], score) for id_, score in ranking[:limit])
        entries = list(self._entries.values())
        confidence = calibration.confidence(found, ranking, question, entries) if hits else 0.0
        return SearchResult(hits, confidence, {})

    def candidates(self, question: str, vector: Floats) -> Candidates:
        """As :meth:`bot.knowledge.index.Index.candidates`."""
        return candidates(
            _ALL, question, vector, DEPTH, tokenizer=self._tokenizer, search=self._search, size=lambda _: len(self._ids)
        )

    def _search(self, requests: Sequence[Nearest], _population: Population) -> list[dict[str, float]]:
        return [self._nearest(request) for request in requests]

    def _nearest(self, request: Nearest) -> dict[str, float]:
        if request.role != ENTRY_ROLE:  # no FAQ is among them
            return {}
        if isinstance(request.vector, list):
            cosines = self._dense @ np.array(request.vector, dtype=np.float32)
            scores = dict(zip(self._ids, map(float, cosines), strict=True))
        else:
            scores = self._lexical(request, _by_dimension(request.vector))
        best = sorted(scores.items(), key=lambda item: -item[1])
        return dict(best[: request.limit])

    def _lexical(self, request: Nearest, wanted: dict[int, float]) -> dict[str, float]:
        holding = self._holding[request.route]
        idf = {each: math.log((len(self._ids) + 1) / (holding[each] + 0.5)) for each in wanted if holding[each]}
        if not request.by_rarity:
            idf = dict.fromkeys(idf, IDF_OF_NOTHING)
        scores = {}
        for id_, weights in zip(self._ids, self._sparse[request.route], strict=True):
            shared = [wanted[each] * weights[each] * idf[each] for each in idf if each in weights]
            if shared:
                scores[id_] = math.fsum(shared)
        return scores


def _by_dimension(weights: SparseWeights) -> dict[int, float]:
    return dict(zip(*weights, strict=True))
